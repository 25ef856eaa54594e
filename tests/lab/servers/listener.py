# Copyright (c) 2026, the entra.app_proxy authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""One listening port of a server, on the loopback addresses of IPv4 and, where the machine has it, IPv6."""

from __future__ import annotations

import asyncio
import socket
import ssl
import typing as t

from aiohttp import web

IPV4, IPV6 = "127.0.0.1", "::1"
_TRIES = 20
Handler = t.Callable[[web.BaseRequest], t.Awaitable[web.StreamResponse]]


class Door:
    """A port that can be opened and closed. Sockets that never listen keep the port while the door is closed."""

    def __init__(self, handler: Handler, context: ssl.SSLContext | None) -> None:
        self._web = web.Server(handler, access_log=None)
        self._context = context
        self._keepers = _free_port()
        self.port = int(self._keepers[0].getsockname()[1])
        self._sockets: list[socket.socket] = []
        self._listening: list[asyncio.AbstractServer] = []
        self._opening: asyncio.Task[None] | None = None

    @property
    def hosts(self) -> tuple[str, ...]:
        """The addresses on which it listens."""
        return tuple(str(keeper.getsockname()[0]) for keeper in self._keepers)

    def set_open(self, is_open: bool) -> None:
        """Take effect at once: from here on connections are accepted, or refused."""
        if is_open and not self._sockets:
            self._sockets = [_bound(host, self.port) for host in self.hosts]
            for listening in self._sockets:
                listening.listen(128)
            self._opening = asyncio.get_running_loop().create_task(self._open(self._sockets))
        elif not is_open and self._sockets:
            self._shut()
            self._cut()

    async def close(self) -> None:
        """Close for good."""
        if self._opening is not None:
            await self._opening
        self._shut()
        self._cut()
        await self._web.shutdown(0)
        await asyncio.sleep(0)
        for keeper in self._keepers:
            keeper.close()

    def _cut(self) -> None:
        """Cut all connections at once: closing them properly would wait for the clients."""
        for connection in list(self._web.connections):
            if connection.transport is not None:
                connection.transport.abort()

    async def _open(self, sockets: list[socket.socket]) -> None:
        for listening in sockets:
            if self._sockets is not sockets:
                return  # closed meanwhile, sockets and all
            server = await asyncio.get_running_loop().create_server(self._web, sock=listening, ssl=self._context)
            if self._sockets is sockets:
                self._listening.append(server)
            else:
                server.close()

    def _shut(self) -> None:
        for server in self._listening:
            server.close()
        self._listening = []
        for listening in self._sockets:
            listening.close()
        self._sockets = []


def _free_port() -> list[socket.socket]:
    """Sockets bound to the same free port of each address."""
    for _attempt in range(_TRIES):
        first = _bound(IPV4, 0)
        try:
            return [first, _bound(IPV6, first.getsockname()[1])]
        except OSError:
            if not _has_ipv6():
                return [first]
            first.close()
    raise OSError(f"no port is free on both {IPV4} and {IPV6}")


def _has_ipv6() -> bool:
    try:
        _bound(IPV6, 0).close()
    except OSError:
        return False
    return True


def _bound(host: str, port: int) -> socket.socket:
    found = socket.socket(socket.AF_INET6 if ":" in host else socket.AF_INET, socket.SOCK_STREAM)
    try:
        found.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        found.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEPORT, 1)
        if ":" in host:
            found.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_V6ONLY, 1)
        found.bind((host, port))
    except OSError:
        found.close()
        raise
    return found
