# Copyright (c) 2026, the entra.app_proxy authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# Note that this module util is **PRIVATE** to the collection. It can have breaking changes at any time.

"""Find folders of the product, and remove what an earlier installation has left."""

from __future__ import annotations

import typing as t

from ansible_collections.entra.app_proxy.plugins.module_utils.host.errors import HostError
from ansible_collections.entra.app_proxy.plugins.module_utils.host.leftovers import leftovers, product_folders
from ansible_collections.entra.app_proxy.plugins.module_utils.host.server import Server
from ansible_collections.entra.app_proxy.plugins.module_utils.host.state import STOPPED, HostState
from ansible_collections.entra.app_proxy.plugins.module_utils.wsman import services
from ansible_collections.entra.app_proxy.plugins.module_utils.wsman.instances import text
from ansible_collections.entra.app_proxy.plugins.module_utils.wsman.session import Session
from ansible_collections.entra.app_proxy.plugins.module_utils.wsman.wql import any_of

_TIMEOUT = 120.0
_STOP_TIMEOUT = 60.0
# Exit codes of sc.exe, those of winerror.h: the service does not exist; it is marked and goes when its last handle is closed.
_NO_SUCH_SERVICE = 1060
_MARKED_FOR_DELETION = 1072


def existing_folders(session: Session, paths: t.Sequence[str]) -> list[str]:
    """Those of the paths that are folders, in the order given; one query for all."""
    rows = session.query(f"SELECT Name FROM Win32_Directory WHERE {any_of('Name', paths)}")
    found = {(text(row, "Name") or "").lower() for row in rows}
    return [path for path in paths if path.lower() in found]


def remove_left_behind(server: Server, state: HostState) -> None:
    """Remove the folders that an upgrade from the other generation has left. Which they are shows only when the installer has run: whether
    it keeps the folder is not known.

    :param state: the host after it.
    :raises HostError: naming those that stay, and why.
    """
    remove_folders(server, leftovers(state, existing_folders(server.session, product_folders(state))).folders)


def remove_service(server: Server, name: str, interval: float) -> None:
    """Stop a service and delete its entry; one that an uninstaller has taken with it in the meantime is done.

    :raises HostError: when Windows refuses.
    """
    found = services.services(server.session, [name]).get(name.lower())
    if found is None:
        return
    if found.state != STOPPED:
        services.stop(server.session, name)
    services.wait_for_state(server.session, name, STOPPED, _STOP_TIMEOUT, server.sleep, server.clock, interval=interval)
    result = server.run("sc.exe", "delete", name, timeout=_TIMEOUT)
    if result.exit_code not in (0, _NO_SUCH_SERVICE, _MARKED_FOR_DELETION):
        said = " ".join((result.stdout or result.stderr).split())
        raise HostError(
            f"deleting the service {name} that an earlier installation has left: sc.exe ended with exit code {result.exit_code}: {said}."
            " Restart the server and run again",
            operation="remove leftovers",
            exit_code=result.exit_code,
        )
    server.done.append(f"service {name}, left by an earlier installation, deleted")


def remove_folders(server: Server, paths: t.Sequence[str]) -> None:
    """Remove folders with all that is in them.

    :raises HostError: naming those that stay, and why.
    """
    if not paths:
        return
    answer = server.script("remove_paths", {"paths": list(paths)}, timeout=_TIMEOUT)
    server.done.extend(f"folder {path} removed" for path in answer.get("removed") or [])
    failed = [f"{one.get('path')}: {one.get('error')}" for one in answer.get("failed") or []]
    if failed:
        raise HostError(
            f"these folders could not be removed: {'; '.join(failed)}. Close what has files open there (Event Viewer, Explorer), or restart"
            " the server, and run again",
            operation="remove folders",
        )
