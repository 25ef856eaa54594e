# Copyright (c) 2026, the entra.app_proxy authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Win32_Service: 25 properties as recorded from Server 2012 [REAL], methods StartService, StopService, ResumeService, ChangeStartMode."""

from __future__ import annotations

import typing as t

from tests.lab.servers.protocol.instances import Properties
from tests.lab.servers.routes.cim_class import Arguments, CimClass, Method, one
from tests.lab.servers.state.services import RUNNING, START_PENDING, STOP_PENDING, Service

if t.TYPE_CHECKING:
    from tests.lab.servers.models import WindowsServer


def _instances(server: WindowsServer) -> list[Properties]:
    return [_properties(server, service) for service in server.services.all()]


def _properties(server: WindowsServer, service: Service) -> Properties:
    shared = "svchost.exe" in service.path.lower()
    return {
        "AcceptPause": False,
        "AcceptStop": service.state == RUNNING,
        "Caption": service.display_name,
        "CheckPoint": 0,
        "CreationClassName": "Win32_Service",
        "Description": service.description or None,
        "DesktopInteract": False,
        "DisplayName": service.display_name,
        "ErrorControl": "Normal",
        "ExitCode": service.exit_code,
        "InstallDate": None,
        "Name": service.name,
        "PathName": service.path,
        "ProcessId": service.process_id,
        "ServiceSpecificExitCode": 0,
        "ServiceType": "Share Process" if shared else "Own Process",
        "Started": service.state not in ("Stopped", STOP_PENDING),
        "StartMode": service.start_mode,
        "StartName": service.account,
        "State": service.state,
        "Status": "OK",
        "SystemCreationClassName": "Win32_ComputerSystem",
        "SystemName": server.machine_name,
        "TagId": 0,
        "WaitHint": 2000 if service.state == START_PENDING else 0,
    }


def _start(server: WindowsServer, instance: Properties, arguments: Arguments) -> Properties:
    return {"ReturnValue": server.services.start(str(instance["Name"]))}


def _stop(server: WindowsServer, instance: Properties, arguments: Arguments) -> Properties:
    return {"ReturnValue": server.services.stop(str(instance["Name"]))}


def _resume(server: WindowsServer, instance: Properties, arguments: Arguments) -> Properties:
    return {"ReturnValue": server.services.resume(str(instance["Name"]))}


def _change_start_mode(server: WindowsServer, instance: Properties, arguments: Arguments) -> Properties:
    return {"ReturnValue": server.services.change_start_mode(str(instance["Name"]), one(arguments, "StartMode"))}


CLASS = CimClass(
    name="Win32_Service",
    namespaces=("root/cimv2",),
    properties=(
        *("AcceptPause", "AcceptStop", "Caption", "CheckPoint", "CreationClassName", "Description", "DesktopInteract", "DisplayName"),
        *("ErrorControl", "ExitCode", "InstallDate", "Name", "PathName", "ProcessId", "ServiceSpecificExitCode", "ServiceType"),
        *("Started", "StartMode", "StartName", "State", "Status", "SystemCreationClassName", "SystemName", "TagId", "WaitHint"),
    ),
    keys=("Name",),
    instances=_instances,
    methods={
        "StartService": Method(True, _start),
        "StopService": Method(True, _stop),
        "ResumeService": Method(True, _resume),
        "ChangeStartMode": Method(True, _change_start_mode),
    },
)
