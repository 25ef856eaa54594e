# Copyright (c) 2026, the entra.app_proxy authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# Note that this module util is **PRIVATE** to the collection. It can have breaking changes at any time.

"""CIM over WS-Management on one host: get, query, invoke. Knows messages and retries, no sockets and no library."""

from __future__ import annotations

import time
import typing as t
import uuid
import xml.etree.ElementTree as ET

from ansible_collections.entra.app_proxy.plugins.module_utils.wsman import envelope as messages
from ansible_collections.entra.app_proxy.plugins.module_utils.wsman.faults import WSManFault, fault_in, parse_fault
from ansible_collections.entra.app_proxy.plugins.module_utils.wsman.instances import Instance, instance_from
from ansible_collections.entra.app_proxy.plugins.module_utils.wsman.reply import body, check_relates_to, child, parse, stripped
from ansible_collections.entra.app_proxy.plugins.module_utils.wsman.transport import (
    DEFAULT_OPERATION_TIMEOUT,
    AuthenticationError,
    HttpError,
    ProtocolError,
    Transport,
    TransportError,
    WSManError,
)

NAMESPACE = "root/cimv2"
# A certificate blob is one element per byte: 48 KB for 2 KB. 512000 is what the Windows CIM client sends (SRC).
MAX_ENVELOPE_SIZE = 512000
MAX_ELEMENTS = 50
# More pages without a single item than any server was seen to send: it would never end.
MAX_EMPTY_PAGES = 50
_QUOTA, _NOT_READY, _BROKEN = "quota", "not ready", "broken"
# DOC: DSP0226. Pulls that end at the operation timeout with nothing; the context is good for another one.
MAX_SILENT_PULLS = 5
# Seconds to wait before asking again after a quota refused a request.
QUOTA_PAUSES = (2.0, 5.0)
# The same after a listener that is there before its service is, such as after a boot or a change of the network. It took nothing in.
NOT_READY_PAUSES = (1.0, 3.0)


class Session:
    """One host, reached through one transport.

    :param endpoint_label: the host as a person knows it, for error messages.
    :param operation_timeout: seconds the server may take for one operation; by default what the transport's read timeout
        leaves it, so that the server's answer comes before the socket gives up.
    :param max_envelope_size: bytes of the largest reply.
    :ivar exchanges: how many envelopes were sent.
    """

    def __init__(
        self,
        transport: Transport,
        *,
        endpoint_label: str,
        operation_timeout: int | None = None,
        max_envelope_size: int = MAX_ENVELOPE_SIZE,
        sleep: t.Callable[[float], None] = time.sleep,
    ) -> None:
        self.transport = transport
        self.endpoint_label = endpoint_label
        if operation_timeout is None:
            operation_timeout = getattr(transport, "operation_timeout", DEFAULT_OPERATION_TIMEOUT)
        self.operation_timeout: int = operation_timeout
        self.max_envelope_size = max_envelope_size
        self.exchanges = 0
        self._answered = False
        self._sleep = sleep
        self._session_id = str(uuid.uuid4()).upper()

    def close(self) -> None:
        self.transport.close()

    def get(self, class_name: str, selectors: t.Mapping[str, str], *, namespace: str = NAMESPACE) -> Instance | None:
        """One instance by its keys; None when there is no such instance."""
        doing = f"reading {class_name} {_shown(selectors)}"
        resource = messages.resource_uri(class_name, namespace)
        try:
            reply = self.exchange(messages.GET, resource, doing=doing, selectors=selectors, read_only=True)
        except WSManFault as fault:
            if fault.is_not_found:
                return None
            raise
        return instance_from(self._only_child(reply, doing))

    def query(self, wql: str, *, namespace: str = NAMESPACE) -> list[Instance]:
        """Every row of a WQL query, however many pages it takes."""
        try:
            return self._query_once(wql, namespace)
        except TransportError as error:
            # A page that got lost cannot be asked for again: its context is used up. The whole query can.
            if not self._may_repeat(error, read_only=True):
                raise
            return self._query_once(wql, namespace)

    def invoke(
        self,
        class_name: str,
        method: str,
        arguments: t.Mapping[str, messages.Argument] | None = None,
        *,
        selectors: t.Mapping[str, str] | None = None,
        namespace: str = NAMESPACE,
        read_only: bool = False,
    ) -> Instance:
        """Call a WMI method; returns its output parameters with C(ReturnValue).

        :param selectors: the instance; None for a static method.
        :param read_only: the method changes nothing, so it may be asked again when the connection breaks.
        """
        doing = f"calling {class_name}.{method}{f' of {_shown(selectors)}' if selectors else ''}"
        resource = messages.resource_uri(class_name, namespace)
        content = messages.method_body(resource, method, arguments or {})
        reply = self.exchange(f"{resource}/{method}", resource, doing=doing, body=content, selectors=selectors, read_only=read_only)
        return instance_from(self._only_child(reply, doing))

    def exchange(
        self,
        action: str,
        resource: str,
        *,
        doing: str,
        body: ET.Element | None = None,
        selectors: t.Mapping[str, str] | None = None,
        options: t.Mapping[str, str] | None = None,
        operation_timeout: int | None = None,
        read_only: bool = False,
        patient: bool = True,
    ) -> ET.Element:
        """Send one message and return the SOAP body of its reply.

        Sent again, after a pause and a few times: what a quota or a service that is not ready refused. Once: what an expired
        authentication refused (none of these has run), and what a broken connection lost, if it only reads or never reached the server.

        :param patient: wait and ask again when a quota refused the message.
        :raises WSManFault: the server refused.
        :raises WSManError: HttpError, TransportError, AuthenticationError, ProtocolError.
        """

        def send() -> ET.Element:
            message_id = str(uuid.uuid4()).upper()
            request = messages.envelope(
                action,
                resource,
                message_id=message_id,
                session_id=self._session_id,
                operation_timeout=operation_timeout or self.operation_timeout,
                max_envelope_size=self.max_envelope_size,
                body=body,
                selectors=selectors,
                options=options,
            )
            return self._send(request, message_id)

        try:
            return self._repeated(send, list(QUOTA_PAUSES) if patient else [], read_only=read_only)
        except WSManError as error:
            error.doing = error.doing or f"{doing} on {self.endpoint_label}"
            raise

    def _repeated(self, send: t.Callable[[], ET.Element], quota_pauses: list[float], *, read_only: bool) -> ET.Element:
        pauses = {_QUOTA: quota_pauses, _NOT_READY: list(NOT_READY_PAUSES), _BROKEN: [0.0]}
        while True:
            try:
                return send()
            except (WSManFault, TransportError, AuthenticationError, HttpError) as error:
                left = pauses.get(self._trouble(error, read_only=read_only))
                if not left:
                    raise
                pause = left.pop(0)
                if pause:
                    self._sleep(pause)

    def _trouble(self, error: WSManError, *, read_only: bool) -> str:
        """Why the message may be sent again; empty when it may not."""
        if isinstance(error, WSManFault):
            return _QUOTA if error.is_quota else ""
        if isinstance(error, HttpError) and error.is_not_ready:
            return _NOT_READY
        return _BROKEN if self._may_repeat(error, read_only=read_only) else ""

    def _may_repeat(self, error: WSManError, *, read_only: bool) -> bool:
        if isinstance(error, AuthenticationError):
            # On the first message it is a wrong password, and asking twice locks accounts.
            return self._answered and (read_only or not error.request_may_have_run)
        if isinstance(error, HttpError):
            # Under message encryption a new socket with the old security context is answered 400 (SRC: winrm plugin). It has
            # not run, and the transport starts afresh.
            return self._answered and error.status == 400
        if isinstance(error, TransportError) and error.request_may_have_run:
            return read_only
        # It never reached the server. A host that never answered is not tried twice: unreachable is unreachable.
        return self._answered

    def _send(self, request: bytes, message_id: str) -> ET.Element:
        self.exchanges += 1
        try:
            data = self.transport.send(request)
        except HttpError as error:
            fault = parse_fault(error.body)
            if fault is None:
                raise
            self._answered = True
            raise fault from error
        self._answered = True
        root = parse(data)
        fault = fault_in(root)
        if fault is not None:
            raise fault
        try:
            check_relates_to(root, message_id)
        except ProtocolError:
            # Whatever else waits on this connection belongs to other messages, too.
            self.transport.close()
            raise
        return body(root)

    def _query_once(self, wql: str, namespace: str) -> list[Instance]:
        resource = messages.resource_uri("*", namespace)
        doing = f"asking {wql}"
        content = messages.enumerate_body(wql, MAX_ELEMENTS)
        page = self._only_child(self.exchange(messages.ENUMERATE, resource, doing=doing, body=content, read_only=True), doing)
        rows: list[Instance] = []
        empty_pages = 0
        while True:
            listed = child(page, "Items")
            items = [] if listed is None else [instance_from(item) for item in listed]
            rows.extend(items)
            if child(page, "EndOfSequence") is not None:
                return rows
            empty_pages = 0 if items else empty_pages + 1
            context = stripped(child(page, "EnumerationContext"))
            if not context or empty_pages > MAX_EMPTY_PAGES:
                raise self._broken("the list neither ends nor says how to go on", doing)
            page = self._pull(context, resource, doing)

    def _pull(self, context: str, resource: str, doing: str) -> ET.Element:
        """The next page. While the server has none yet it says so at the operation timeout, and is asked again."""
        silent = 0
        while True:
            content = messages.pull_body(context, MAX_ELEMENTS)
            try:
                # Not read_only: a page is given once. query() starts over instead.
                return self._only_child(self.exchange(messages.PULL, resource, doing=doing, body=content), doing)
            except WSManFault as fault:
                silent += 1
                if not fault.is_timeout or silent > MAX_SILENT_PULLS:
                    raise

    def _only_child(self, reply: ET.Element, doing: str) -> ET.Element:
        content = next(iter(reply), None)
        if content is None:
            raise self._broken("the reply's body is empty", doing)
        return content

    def _broken(self, message: str, doing: str) -> ProtocolError:
        error = ProtocolError(message)
        error.doing = f"{doing} on {self.endpoint_label}"
        return error


def _shown(selectors: t.Mapping[str, str] | None) -> str:
    return ", ".join(f"{name}={value}" for name, value in (selectors or {}).items())
