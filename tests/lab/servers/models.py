# Copyright (c) 2026, the entra.app_proxy authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""One Windows server of the lab: its parts, its life (boot, reboot, reachability), and the doors for the rest of the world."""

from __future__ import annotations

import datetime
import typing as t

from tests.lab.servers.state import patching, windows, windows_defaults
from tests.lab.servers.state.agenda import Agenda
from tests.lab.servers.state.connector import Connector
from tests.lab.servers.state.eventlog import EventLog
from tests.lab.servers.state.filesystem import FileSystem
from tests.lab.servers.state.network import Network
from tests.lab.servers.state.product import Product
from tests.lab.servers.state.products import CONNECTOR_SERVICE
from tests.lab.servers.state.registry import Registry
from tests.lab.servers.state.services import Service, ServiceTable
from tests.lab.servers.state.winrm import WinrmService

if t.TYPE_CHECKING:
    from tests.lab.world import Definition, World

UPTIME = datetime.timedelta(days=3)
REBOOT_SECONDS = 1.0
"""How long a server is off while it reboots. Real ones take minutes."""
MAX_SHELLS = 30
"""MaxShellsPerUser [DOC, wsman.md 8]."""
NT_DOMAIN = "LAB"


class Listener(t.Protocol):
    """The network side of a server, as the server itself sees it."""

    @property
    def shells(self) -> int:
        """How many shells are open."""

    def set_open(self, is_open: bool) -> None:
        """Open or close the listeners; closing cuts connections."""

    def forget(self) -> None:
        """Drop all shells and enumerations."""

    def account_changed(self) -> None:
        """Take over a new user or password."""


class WindowsServer:
    """A Windows server. Its state is in `files`, `registry`, `services`, `events`, `connector`."""

    files: FileSystem
    registry: Registry
    services: ServiceTable
    events: EventLog
    system: windows.OperatingSystem
    network: Network
    winrm: WinrmService
    connector: Connector
    product: Product

    def __init__(self, name: str, world: World, definition: Definition) -> None:
        self.name = name
        self.machine_name = str(definition.get("machine_name", name.upper()))
        self.world = world
        self.agenda = Agenda(world.clock.now)
        self.listener: Listener | None = None
        self.winrm = WinrmService()
        self._definition = {key: value for key, value in definition.items() if key != "machine_name"}
        self._furnish()

    @classmethod
    def from_definition(cls, name: str, definition: Definition, world: World) -> WindowsServer:
        """Build a server from its entry in the world file: machine_name and everything that patch() takes."""
        return cls(name, world, definition)

    # the world's doors

    def running_connector(self) -> tuple[str, datetime.datetime] | None:
        """Return the id of the connector whose service runs here, and since when."""
        self.settle()
        return self.connector.running() if self.powered else None

    def as_dict(self) -> dict[str, t.Any]:
        """Raw state for the admin API."""
        self.settle()
        return patching.describe(self)

    def registry_values(self, path: str) -> dict[str, t.Any] | None:
        """Values of a registry key, for the admin API."""
        return patching.registry_values(self, path)

    def patch(self, values: t.Mapping[str, t.Any]) -> None:
        """Change the raw state; see patching.PATCHES for what is known."""
        self.settle()
        patching.apply(self, values)

    def reset(self) -> None:
        """Return to the state of the definition; the listeners open again on their ports."""
        self._furnish()
        if self.listener is not None:
            self.listener.account_changed()
            self.listener.forget()
            self.listener.set_open(self.reachable)

    # life

    def settle(self) -> None:
        """Let happen what is due: call before looking at the state."""
        self.agenda.run_due()
        self.services.settle()

    def reboot(self, delay: float = 0.0) -> None:
        """Go down after `delay` seconds and come up again: listeners closed meanwhile, services started anew, new boot time."""
        self.agenda.after(delay, self._go_down)
        self.settle()

    def start_windows(self) -> None:
        """Boot time set, what was put off done, services as after a start."""
        self.boot_time = self.world.clock.now()
        self.pending_reboot = self.product.in_use = False
        postponed = list(self.at_boot)
        self.at_boot.clear()
        for effect in postponed:
            effect()
        self.services.boot()

    def set_reachable(self, is_reachable: bool) -> None:
        """Open or close the listeners; the server itself goes on running."""
        self.reachable = is_reachable
        if self.listener is not None:
            self.listener.set_open(self.reachable and self.powered)

    def changed(self, program: str, what: str, **detail: t.Any) -> None:
        """Note in the journal that a program changed something here. Never with a secret."""
        self.world.journal.record(
            plane="wsman", target=self.name, kind="write", action="process", resource=program, detail={"what": what, **detail}
        )

    def unknown(self, what: str, **fields: t.Any) -> None:
        """Note in the journal that the lab was asked for something it does not know."""
        self.world.journal.unknown(plane="wsman", target=self.name, what=what, **fields)

    @property
    def user(self) -> str:
        """Name of the local administrator."""
        return self.world.account.user

    @property
    def pending_reboot(self) -> bool:
        """Say whether a program left files that are replaced at the next start."""
        return windows_defaults.is_reboot_pending(self.registry)

    @pending_reboot.setter
    def pending_reboot(self, value: bool) -> None:
        windows_defaults.set_reboot_pending(self.registry, value)

    @property
    def temp(self) -> str:
        """%TEMP% of the user that installs."""
        return rf"C:\Users\{self.user}\AppData\Local\Temp"

    def _may_run(self, service: Service) -> bool:
        if self.product.stubborn_service and service.name == CONNECTOR_SERVICE:
            self.connector.log_end("it was told to by a test")
            return False
        return self.connector.may_run(service)

    def _go_down(self) -> None:
        self.powered = False
        if self.listener is not None:
            self.listener.set_open(False)
            self.listener.forget()
        self.agenda.after(self.reboot_seconds, self._come_up)

    def _come_up(self) -> None:
        self.powered = True
        self.start_windows()
        if self.listener is not None:
            self.listener.set_open(self.reachable)

    def _furnish(self) -> None:
        """Build everything anew, as the definition says."""
        now = self.world.clock.now
        self.agenda.clear()
        self.known_as = self.machine_name
        self.at_boot: list[t.Callable[[], t.Any]] = []
        self.boot_time = now() - UPTIME
        self.powered = True
        self.reachable = True
        self.reboot_seconds = REBOOT_SECONDS
        self.password = self.world.account.password
        # The same object for good: the connections that are open follow a change.
        vars(self.winrm).update(vars(WinrmService(certificate_subject=f"{self.user}@localhost")))
        self.max_shells = MAX_SHELLS
        self.process_seconds = 0.0
        self.silent_pulls = 0
        self.installer_exit_code: int | None = None
        self.msiexec_exit_code: int | None = None
        self.leftovers = False
        self.registration_signals_errors = False
        self.blocked_urls: list[str] = []
        self.product = Product()
        self.system = windows.OperatingSystem()
        self.network = Network()
        self.files = FileSystem(now)
        self.registry = Registry()
        self.events = EventLog(now, lambda: self.boot_time)
        self.services = ServiceTable(now, lambda: self.world.timing.service_start)
        self.connector = Connector(self.files, self.registry, self.services, self.events, now)
        self.services.may_run = self._may_run
        windows.furnish(self.files, self.registry, self.services, self.system, self.user)
        patching.apply(self, self._definition)
