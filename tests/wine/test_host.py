# Copyright (c) 2026, the entra.app_proxy authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The host half on an independent Windows: install, detect, stop, start, repair, uninstall, each read back by a witness."""

from __future__ import annotations

import dataclasses
import datetime
import hashlib
import pathlib
import shutil
import typing as t

import pytest

from ansible_collections.entra.app_proxy.plugins.module_utils.host import generations, jobs
from ansible_collections.entra.app_proxy.plugins.module_utils.host.errors import HostError
from ansible_collections.entra.app_proxy.plugins.module_utils.host.generations import CONNECTOR_SERVICE, ENTRA, UPDATER_SERVICE
from ansible_collections.entra.app_proxy.plugins.module_utils.host.options import CONNECTOR
from ansible_collections.entra.app_proxy.plugins.module_utils.host.server import Server
from ansible_collections.entra.app_proxy.plugins.module_utils.wsman.processes import Shell
from ansible_collections.entra.app_proxy.plugins.module_utils.wsman.session import Session
from tests.unit.host.builders import CONNECTOR as CONNECTOR_ID
from tests.unit.host.builders import TENANT, encoded_certificate
from tests.wine.build import CONNECTOR_PRODUCT, UPDATER_PRODUCT, VERSION
from tests.wine.prefix import Wine
from tests.wine.witness import exists, products_by_reg, state_by_sc, value_by_reg

FILES = (ENTRA.service_path("C:"), ENTRA.updater_path("C:"), ENTRA.register_script_path("C:"))
TRUST_SETTINGS = generations.trust_settings_paths("C:")[0]


@dataclasses.dataclass
class Host:
    """The server as the module C(connector) sees it."""

    server: Server
    installer: str

    def connector(self, *, check_mode: bool = False, **options: t.Any) -> dict[str, t.Any]:
        self.server.done.clear()
        given = {"installer_path": self.installer, "verify_publisher": False, "install_timeout": 90, "poll_interval": 0.2, **options}
        values = {option.name: option.default for option in CONNECTOR.options}
        return jobs.connector(self.server, {**values, **given}, check_mode)


@pytest.fixture
def host(session: Session, shell: Shell, installer: str) -> Host:
    def put_file(local: str, remote: str) -> None:
        raise AssertionError(f"{local} need not be brought to {remote}")

    return Host(Server(session=session, shell=shell, put_file=put_file, progress=print, warn=print), installer)


def actions(result: t.Mapping[str, t.Any]) -> list[tuple[str, str]]:
    return [(change["action"], change["name"]) for change in result["plan"]["changes"]]


def assert_installed(wine: Wine) -> None:
    assert [path for path in FILES if not exists(wine, path)] == []
    assert products_by_reg(wine) == [ENTRA.product, ENTRA.updater_product]
    assert [state_by_sc(wine, name) for name in (CONNECTOR_SERVICE, UPDATER_SERVICE)] == ["RUNNING", "RUNNING"]


def assert_gone(wine: Wine) -> None:
    assert [path for path in FILES if exists(wine, path)] == []
    assert products_by_reg(wine) == []
    assert [state_by_sc(wine, name) for name in (CONNECTOR_SERVICE, UPDATER_SERVICE)] == [None, None]


def test_install_detect_and_nothing_more_to_do(uninstalled: None, host: Host, wine: Wine) -> None:
    before = host.server.observe()
    assert before.absent
    planned = host.connector(check_mode=True)
    assert_gone(wine)
    result = host.connector()
    assert_installed(wine)
    assert result["changed"]
    assert actions(result) == actions(planned) == [("install", before.machine_name)]
    found = result["connector"]
    assert (found["installed"], found["generation"], found["version"]) == (True, "entra", f"{VERSION}.0")
    again = host.connector()
    assert (again["changed"], actions(again)) == (False, [])


@pytest.mark.parametrize("options", [{"verify_publisher": True}, {"installer_sha256": "0" * 64}], ids=["unsigned", "another digest"])
def test_an_installer_that_is_not_the_declared_one_is_not_run(uninstalled: None, host: Host, wine: Wine, options: dict[str, t.Any]) -> None:
    with pytest.raises(HostError, match="not run"):
        host.connector(**options)
    assert_gone(wine)


def test_the_declared_digest_and_version(uninstalled: None, host: Host, wine: Wine) -> None:
    digest = hashlib.sha256(wine.path(host.installer).read_bytes()).hexdigest()
    with pytest.raises(HostError, match="at least 99"):
        host.connector(version="99.0.0.0")
    assert_gone(wine)
    host.connector(installer_sha256=digest, version=f"{VERSION}.0")
    assert_installed(wine)


@pytest.mark.parametrize("lost", FILES[:2], ids=["connector", "updater"])
def test_a_damaged_installation_is_repaired(installed: None, host: Host, wine: Wine, lost: str) -> None:
    for name in (CONNECTOR_SERVICE, UPDATER_SERVICE):
        wine.program("net", "stop", name)
    wine.path(lost).unlink()
    assert not host.server.observe().installed
    result = host.connector()
    assert [action for action, _name in actions(result)] == ["repair"]
    assert exists(wine, lost)
    # What is left of the services after it is for the plan: on an unregistered host nothing has to run.
    assert host.connector()["changed"] is False


def test_an_updater_that_was_removed_comes_back(installed: None, host: Host, wine: Wine) -> None:
    wine.program("msiexec", "/x", UPDATER_PRODUCT, "/qn")
    assert products_by_reg(wine) == [ENTRA.product]
    assert actions(host.connector())[0][0] == "repair"
    assert_installed(wine)


def test_a_service_that_does_not_start_by_itself_is_set_right(installed: None, host: Host, wine: Wine) -> None:
    wine.ask("start-mode", UPDATER_SERVICE, "3")
    result = host.connector()
    assert actions(result) == [("configure", UPDATER_SERVICE)]
    assert value_by_reg(wine, rf"System\CurrentControlSet\Services\{UPDATER_SERVICE}", "Start") == "0x2"
    assert host.connector()["changed"] is False


@pytest.fixture
def registered(installed: None, wine: Wine, tmp_path: pathlib.Path) -> t.Iterator[str]:
    """A certificate of the connector, put into the machine's store by Wine's crypt32; its thumbprint."""
    now = datetime.datetime.now(datetime.timezone.utc).replace(microsecond=0)
    day = datetime.timedelta(days=1)
    certificate = encoded_certificate(not_before=now - day, not_after=now + 100 * day + day / 2)
    file = tmp_path / "certificate.der"
    file.write_bytes(certificate)
    wine.ask("certificate", wine.windows_path(file))
    trust_settings = wine.path(TRUST_SETTINGS)
    trust_settings.parent.mkdir(parents=True, exist_ok=True)
    trust_settings.write_text("<ConnectorTrustSettingsFile/>")
    thumbprint = hashlib.sha1(certificate).hexdigest().upper()
    yield thumbprint
    trust_settings.unlink()
    key = rf"HKLM\Software\Microsoft\SystemCertificates\MY\Certificates\{thumbprint}"
    wine.program("reg", "delete", key, "/f")


def test_the_certificate_in_the_machine_store_tells_the_registration(registered: str, host: Host) -> None:
    found = host.server.observe().registration
    assert (found.state, found.connector_id, found.tenant_id) == ("registered", CONNECTOR_ID, TENANT)
    assert (found.thumbprint, found.days_left, found.in_user_store) == (registered, 100, False)


def test_a_stopped_service_of_a_registered_connector_is_started(registered: str, host: Host, wine: Wine) -> None:
    wine.program("net", "stop", CONNECTOR_SERVICE)
    assert state_by_sc(wine, CONNECTOR_SERVICE) == "STOPPED"
    result = host.connector()
    assert actions(result) == [("start", CONNECTOR_SERVICE)]
    assert_installed(wine)
    assert host.connector()["changed"] is False


def test_uninstall_with_the_installer(installed: None, host: Host, wine: Wine) -> None:
    result = host.connector(state="absent")
    assert result["changed"]
    assert_gone(wine)
    assert host.connector(state="absent")["changed"] is False


@pytest.mark.parametrize("left", [CONNECTOR_PRODUCT, UPDATER_PRODUCT], ids=["connector", "updater"])
def test_what_is_left_of_a_half_removed_installation_goes(installed: None, host: Host, wine: Wine, left: str) -> None:
    (gone,) = {CONNECTOR_PRODUCT, UPDATER_PRODUCT} - {left}
    wine.program("msiexec", "/x", gone, "/qn")
    assert len(products_by_reg(wine)) == 1
    assert [action for action, _name in actions(host.connector(state="absent"))] == ["remove"]
    assert_gone(wine)


def test_what_windows_only_lists_as_installed_is_seen_and_uninstalled(installed: None, host: Host, wine: Wine) -> None:
    for name in (CONNECTOR_SERVICE, UPDATER_SERVICE):
        wine.program("net", "stop", name)
        wine.program("sc", "delete", name)
    for folder in ENTRA.program_folders("C:"):
        shutil.rmtree(wine.path(folder))
    assert host.server.observe().absent
    planned = host.connector(state="absent", installer_path=None, check_mode=True)
    result = host.connector(state="absent", installer_path=None)
    assert actions(result) == actions(planned) == [("remove", ENTRA.product), ("remove", ENTRA.updater_product)]
    assert_gone(wine)
    assert host.connector(state="absent", installer_path=None)["changed"] is False


def test_a_removal_without_an_installer_goes_by_what_is_listed(installed: None, host: Host, wine: Wine) -> None:
    assert host.connector(state="absent", installer_path=None)["changed"]
    assert_gone(wine)
