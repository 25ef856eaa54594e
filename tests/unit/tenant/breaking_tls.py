# Copyright (c) 2026, the entra.app_proxy authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""A service over TLS that takes every request whole, and then answers with something that is no TLS."""

from __future__ import annotations

import contextlib
import pathlib
import socket
import threading
import typing as t

from tests.lab.tls import Tls


class BreakingTls:
    """Listens until it is left. C(requests) is how many it took."""

    def __init__(self, directory: pathlib.Path) -> None:
        self._tls = Tls(directory)
        self.ca_file = str(self._tls.ca_file)
        self.requests = 0
        self._listener = socket.create_server(("127.0.0.1", 0))
        self._thread = threading.Thread(target=self._serve, daemon=True)

    @property
    def root(self) -> str:
        return f"https://127.0.0.1:{self._listener.getsockname()[1]}"

    def __enter__(self) -> BreakingTls:
        self._thread.start()
        return self

    def __exit__(self, *_error: t.Any) -> None:
        self._listener.shutdown(socket.SHUT_RDWR)
        self._listener.close()
        self._thread.join()

    def _serve(self) -> None:
        context = self._tls.server_context()
        # Ends when the listener does.
        with contextlib.suppress(OSError):
            while True:
                plain, _address = self._listener.accept()
                secure = context.wrap_socket(plain, server_side=True)
                taken = b""
                while not taken.endswith(b"}"):
                    taken += secure.recv(65536)
                self.requests += 1
                with socket.socket(fileno=secure.detach()) as bare:
                    bare.sendall(b"HTTP/1.1 502 Bad Gateway\r\n\r\n")
