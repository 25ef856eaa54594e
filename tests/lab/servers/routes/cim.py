# Copyright (c) 2026, the entra.app_proxy authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""CIM over WS-Management: Get, Enumerate with WQL, Pull, Release and methods."""

from __future__ import annotations

import dataclasses
import re
import typing as t
import uuid
import xml.etree.ElementTree as ET

from tests.lab.servers.protocol import faults, instances, soap, wql
from tests.lab.servers.routes import cim_datafile, stdregprov, win32_service, win32_storage, win32_system
from tests.lab.servers.routes.cim_class import Arguments, CimClass

if t.TYPE_CHECKING:
    from tests.lab.servers.models import WindowsServer

WMI = "http://schemas.microsoft.com/wbem/wsman/1/wmi/"
WQL_DIALECT = "http://schemas.microsoft.com/wbem/wsman/1/WQL"
GET, ENUMERATE, PULL, RELEASE = (
    f"{soap.TRANSFER}/Get",
    f"{soap.ENUMERATION}/Enumerate",
    f"{soap.ENUMERATION}/Pull",
    f"{soap.ENUMERATION}/Release",
)
CLASSES = {
    cim.name.lower(): cim
    for cim in (
        win32_service.CLASS,
        stdregprov.CLASS,
        win32_system.OPERATING_SYSTEM,
        win32_system.COMPUTER_SYSTEM,
        win32_storage.LOGICAL_DISK,
        win32_storage.DIRECTORY,
        cim_datafile.CLASS,
    )
}
PAGE = 50
"""Items in one Pull at most: Server 2012 gave pages of 1, 50, 52, 28 [REAL]."""
OVERHEAD = 2048
"""Bytes of an envelope around the items."""


@dataclasses.dataclass
class _Enumeration:
    class_name: str
    items: list[str]


class Cim:
    """The CIM side of one server's endpoint. Holds the open enumerations."""

    def __init__(self, server: WindowsServer, classes: t.Mapping[str, CimClass] = CLASSES) -> None:
        self._server = server
        self._classes = classes
        self._open: dict[str, _Enumeration] = {}

    def forget(self) -> None:
        """Drop all enumerations (reboot)."""
        self._open.clear()

    def describe(self, request: soap.Request) -> tuple[str, str, str]:
        """Return action, resource and journal kind of a request before it is served."""
        namespace, class_name = _split(request.resource_uri)
        if request.action == ENUMERATE:
            return "Enumerate", _queried_class(request) or class_name, "read"
        if request.action in (PULL, RELEASE):
            enumeration = self._open.get(_child_text(request.body, "EnumerationContext"))
            return request.action.rsplit("/", 1)[-1], enumeration.class_name if enumeration else class_name, "read"
        if request.action == GET:
            return "Get", class_name, "read"
        name = request.action.rsplit("/", 1)[-1]
        cim = self._find(namespace, class_name)
        method = cim.method(name) if cim is not None else None
        return name, class_name, "write" if method is None or method.writes else "read"

    def handle(self, request: soap.Request) -> tuple[str, str]:
        """Serve a request: action URI and body of the reply. Raises WSManFault."""
        if request.action == GET:
            return f"{GET}Response", self._get(request)
        if request.action == ENUMERATE:
            return f"{ENUMERATE}Response", self._enumerate(request)
        if request.action == PULL:
            return f"{PULL}Response", self._pull(request)
        if request.action == RELEASE:
            self._open.pop(_child_text(request.body, "EnumerationContext"), None)
            return f"{RELEASE}Response", ""
        return f"{request.action}Response", self._invoke(request)

    def _get(self, request: soap.Request) -> str:
        cim = self._class(request)
        return instances.typed(cim.name, _uri(request, cim), self._instance(cim, request, "GetObject"))

    def _invoke(self, request: soap.Request) -> str:
        uri, _unused, name = request.action.rpartition("/")
        if uri.lower() != request.resource_uri.lower():
            self._server.unknown(f"action {request.action} on {request.resource_uri}")
            raise faults.action_not_supported(request.action)
        cim = self._class(request)
        method = cim.method(name)
        if method is None:
            self._server.unknown(f"method {name} of {cim.name}")
            raise faults.action_not_supported(request.action)
        if request.body is None or soap.local(request.body.tag) != f"{name}_INPUT" or f"{{{request.resource_uri}}}" not in request.body.tag:
            raise faults.schema_error()
        instance = {} if cim.is_static else self._instance(cim, request, "ExecMethod")
        results = method.call(self._server, instance, _arguments(request.body))
        return instances.output(name, _uri(request, cim), results)

    def _instance(self, cim: CimClass, request: soap.Request, operation: str) -> instances.Properties:
        """Find the instance that the selectors name. A class with one instance may do without [INF]."""
        wanted = {name: value for name, value in request.selectors.items() if name.lower() != "__cimnamespace"}
        if {name.lower() for name in wanted} - {key.lower() for key in cim.keys}:
            raise faults.bad_selectors()
        found = cim.instances(self._server)
        if not wanted and len(found) != 1:
            raise faults.bad_selectors()
        for instance in found:
            if all(str(wql.value_of(instance, name)).lower() == value.lower() for name, value in wanted.items()):
                return instance
        path = f"{cim.name}." + ",".join(f'{name}="{value}"' for name, value in wanted.items())
        raise faults.no_instance(path, operation)

    def _enumerate(self, request: soap.Request) -> str:
        if request.body is None or request.body.tag != f"{{{soap.ENUMERATION}}}Enumerate":
            raise faults.schema_error()
        class_name, items = self._items(request)
        optimized = request.body.find(f"{{{soap.WSMAN}}}OptimizeEnumeration") is not None
        # With OptimizeEnumeration the first item comes at once; a context that is EMPTY and w:EndOfSequence end the list [REAL].
        if optimized and len(items) <= 1:
            context, ending = "", "<w:EndOfSequence/>"
        else:
            context, ending = self._keep(_Enumeration(class_name, items[1:] if optimized else items)), ""
        first = f"<w:Items>{''.join(items[:1])}</w:Items>" if optimized else ""
        return f"<n:EnumerateResponse><n:EnumerationContext>{context}</n:EnumerationContext>{first}{ending}</n:EnumerateResponse>"

    def _items(self, request: soap.Request) -> tuple[str, list[str]]:
        """Return class name and all items of an Enumerate as XML."""
        query = self._query(request)
        if query is None:
            cim = self._class(request)
            uri = _uri(request, cim)
            return cim.name, [instances.typed(cim.name, uri, instance) for instance in cim.instances(self._server)]
        text = _filter_text(request) or ""
        namespace, _class = _split(request.resource_uri)
        found = self._find(namespace, query.class_name)
        if found is None or found.is_static:
            self._server.unknown(f"WQL on unknown class {query.class_name} of {namespace}")
            raise faults.bad_query(text, missing_class=True)
        self._check(found, query, text)
        rows = found.answer(self._server, query, text)
        uri = f"{WMI}{namespace}/{found.name}"
        if query.properties is None:
            return found.name, [instances.typed(found.name, uri, row) for row in rows]
        wanted = {name.lower() for name in query.properties}
        return found.name, [instances.fragment({name: row[name] for name in row if name.lower() in wanted}) for row in rows]

    def _query(self, request: soap.Request) -> wql.Query | None:
        assert request.body is not None
        node = request.body.find(f"{{{soap.WSMAN}}}Filter")
        if node is None:
            return None
        if node.get("Dialect") != WQL_DIALECT:
            self._server.unknown(f"filter dialect {node.get('Dialect')}")
            raise faults.bad_query(node.text or "", missing_class=False)
        try:
            return wql.parse(node.text or "")
        except wql.BadQuery as error:
            self._server.unknown(f"WQL that cannot be read: {node.text}: {error}")
            raise faults.bad_query(node.text or "", missing_class=False) from error

    def _check(self, cim: CimClass, query: wql.Query, text: str) -> None:
        known = {name.lower() for name in cim.properties}
        foreign = sorted(({name.lower() for name in query.properties or ()} | query.used) - known)
        if foreign:
            self._server.unknown(f"WQL names unknown properties {foreign} of {cim.name}")
            raise faults.bad_query(text, missing_class=False)
        objection = cim.objection(query)
        if objection is not None:
            self._server.unknown(objection)

    def _pull(self, request: soap.Request) -> str:
        """One page. The context is new each time; the last page has n:EndOfSequence and no context [REAL]."""
        if self._server.silent_pulls > 0 and _child_text(request.body, "EnumerationContext") in self._open:
            self._server.silent_pulls -= 1
            raise faults.timed_out()
        enumeration = self._open.pop(_child_text(request.body, "EnumerationContext"), None)
        if enumeration is None:
            raise faults.bad_context()
        limit = min(int(_child_text(request.body, "MaxElements") or 1), PAGE)
        page: list[str] = []
        room = request.max_envelope_size - OVERHEAD
        while enumeration.items and len(page) < limit and len(enumeration.items[0].encode()) <= room:
            item = enumeration.items.pop(0)
            room -= len(item.encode())
            page.append(item)
        if enumeration.items and not page:
            raise faults.reply_too_large()
        context = ""
        if enumeration.items:
            context = f"<n:EnumerationContext>{self._keep(enumeration)}</n:EnumerationContext>"
        ending = "" if enumeration.items else "<n:EndOfSequence/>"
        return f"<n:PullResponse>{context}<n:Items>{''.join(page)}</n:Items>{ending}</n:PullResponse>"

    def _keep(self, enumeration: _Enumeration) -> str:
        context = f"uuid:{str(uuid.uuid4()).upper()}"
        self._open[context] = enumeration
        return context

    def _class(self, request: soap.Request) -> CimClass:
        namespace, class_name = _split(request.resource_uri)
        cim = self._find(namespace, class_name)
        if cim is None:
            self._server.unknown(f"class {class_name} of {namespace}")
            raise faults.no_instance(class_name)
        return cim

    def _find(self, namespace: str, class_name: str) -> CimClass | None:
        cim = self._classes.get(class_name.lower())
        return cim if cim is not None and namespace in cim.namespaces else None


def _split(resource_uri: str) -> tuple[str, str]:
    """Split .../wmi/root/cimv2/Win32_Service into namespace and class."""
    namespace, _unused, class_name = resource_uri[len(WMI) :].rpartition("/")
    return namespace.lower(), class_name


def _uri(request: soap.Request, cim: CimClass) -> str:
    namespace, _class = _split(request.resource_uri)
    return f"{WMI}{namespace}/{cim.name}"


def _arguments(body: ET.Element) -> Arguments:
    arguments: dict[str, list[str]] = {}
    for child in body:
        arguments.setdefault(soap.local(child.tag).lower(), []).append(child.text or "")
    return arguments


def _child_text(body: ET.Element | None, name: str) -> str:
    return (body.findtext(f"{{{soap.ENUMERATION}}}{name}") or "").strip() if body is not None else ""


def _filter_text(request: soap.Request) -> str | None:
    return request.body.findtext(f"{{{soap.WSMAN}}}Filter") if request.body is not None else None


def _queried_class(request: soap.Request) -> str | None:
    match = re.search(r"\bfrom\s+(\w+)", _filter_text(request) or "", re.IGNORECASE)
    return match.group(1) if match is not None else None
