# Copyright (c) 2026, the entra.app_proxy authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# Note that this module util is **PRIVATE** to the collection. It can have breaking changes at any time.

"""One bare look at an HTTPS endpoint, past every library of ours: is it there, how does it speak TLS, what time is it there?"""

from __future__ import annotations

import dataclasses
import email.utils
import http.client
import os
import ssl
import time
import typing as t
import urllib.parse
import urllib.request

TIMEOUT = 15.0


@dataclasses.dataclass(frozen=True)
class Probe:
    """What was seen. Times in seconds.

    :param skew: how far this machine's clock is ahead of the endpoint's, to about a second; None when it told no time.
    """

    url: str
    reachable: bool
    status: int | None = None
    tls: t.Mapping[str, str | None] | None = None
    skew: float | None = None
    seconds: float | None = None
    error: str | None = None

    def as_dict(self) -> dict[str, t.Any]:
        values = dataclasses.asdict(self)
        values["clock_skew_seconds"] = values.pop("skew")
        return values


def look(url: str, *, ca_file: str | None, proxy: str | None, timeout: float = TIMEOUT) -> Probe:
    """Ask for a URL, without any token. Whatever it answers, it was reached."""
    started = time.monotonic()
    connection = None
    try:
        connection = _connection(url, ca_file, proxy or _proxy_of_environment(url), timeout)
        connection.connect()
        tls = _tls(connection.sock)
        parts = urllib.parse.urlsplit(url)
        connection.request("GET", parts.path or "/", headers={"Accept": "application/json", "User-Agent": "ansible-entra.app_proxy"})
        answer = connection.getresponse()
        answer.read()
        seconds = round(time.monotonic() - started, 3)
        return Probe(url, True, answer.status, tls, _skew(answer.headers.get("Date"), time.time()), seconds)
    except (OSError, ValueError, http.client.HTTPException) as error:
        return Probe(url, False, error=f"{type(error).__name__}: {error}")
    finally:
        if connection is not None:
            connection.close()


def _connection(url: str, ca_file: str | None, proxy: str | None, timeout: float) -> http.client.HTTPConnection:
    parts = urllib.parse.urlsplit(url)
    host, secure = parts.hostname or "", parts.scheme == "https"
    there = urllib.parse.urlsplit(proxy if proxy is None or "//" in proxy else f"http://{proxy}") if proxy else parts
    place, port = there.hostname or host, there.port
    if secure:
        connection: http.client.HTTPConnection = http.client.HTTPSConnection(
            place, port, timeout=timeout, context=ssl.create_default_context(cafile=ca_file)
        )
    else:
        connection = http.client.HTTPConnection(place, port, timeout=timeout)
    if proxy:
        connection.set_tunnel(host, parts.port or (443 if secure else 80))
    return connection


def _proxy_of_environment(url: str) -> str | None:
    parts = urllib.parse.urlsplit(url)
    if urllib.request.proxy_bypass(parts.hostname or ""):
        return None
    names = (f"{parts.scheme}_proxy", f"{parts.scheme}_proxy".upper())
    return next((os.environ[name] for name in names if os.environ.get(name)), None)


def _tls(sock: t.Any) -> dict[str, str | None] | None:
    if not isinstance(sock, ssl.SSLSocket):
        return None
    cipher = sock.cipher()
    return {"version": sock.version(), "cipher": cipher[0] if cipher else None}


def _skew(date: str | None, now: float) -> float | None:
    """The header has whole seconds, so the middle of that second is taken."""
    if not date:
        return None
    try:
        return round(now - email.utils.parsedate_to_datetime(date).timestamp() - 0.5, 1)
    except (TypeError, ValueError):
        return None
