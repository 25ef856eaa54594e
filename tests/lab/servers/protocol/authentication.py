# Copyright (c) 2026, the entra.app_proxy authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Who is at the other end of a connection: Basic and client certificate (https only); Negotiate with NTLM or Kerberos, and CredSSP,
through pyspnego's acceptors.

One security context per connection, as HTTP.sys does it [DOC]. Steps run inline: they take no I/O but a small file. Kerberos takes
every service name of the keytab that KRB5_KTNAME names (the lab's option --keytab).
"""

from __future__ import annotations

import base64
import binascii
import dataclasses
import os
import pathlib
import typing as t

import spnego
from spnego.channel_bindings import GssChannelBindings

from tests.lab.servers.protocol import client_certificates
from tests.lab.servers.state.winrm import STRICT, WinrmService

SCHEMES = {"negotiate": "negotiate", "ntlm": "ntlm", "kerberos": "kerberos", "credssp": "credssp"}
_DELEGATED = 0x1
"""GSS_C_DELEG_FLAG: the client's ticket came along [DOC, RFC 2744]."""
_CHANNEL_BOUND = 0x800
"""GSS_C_CHANNEL_BOUND_FLAG: MIT's acceptor lets a client without bindings in, and says by this flag who sent the right ones [SRC]."""


@dataclasses.dataclass(frozen=True)
class Answer:
    """What to do with a request. `challenge`: answer 401 with these WWW-Authenticate values. Else it is authenticated."""

    authenticated: bool
    challenge: tuple[str, ...] = ()
    extra: tuple[str, ...] = ()
    """WWW-Authenticate values for the reply of an authenticated request (mutual authentication)."""


@dataclasses.dataclass(frozen=True)
class Peer:
    """The connection below HTTP. `certificate`: the client's, verified, as DER. `bindings`: those of this TLS channel."""

    tls: bool
    certificate: bytes | None = None
    bindings: GssChannelBindings | None = None


class Users:
    """The accounts of one server, as the file that pyspnego's NTLM acceptor reads (NTLM_USER_FILE)."""

    def __init__(self, path: pathlib.Path, domains: t.Sequence[str]) -> None:
        self._path = path
        self._domains = tuple(domains)
        self._user = ""
        self._password = ""

    @property
    def path(self) -> pathlib.Path:
        """The credential file (mode 0600, inside the lab's private folder)."""
        return self._path

    def set(self, user: str, password: str) -> None:
        """Set the one account. Raises ValueError for characters that the file cannot hold."""
        if any(character in user + password for character in ":\r\n"):
            raise ValueError("user and password of the lab must not contain a colon or a line end")
        self._user, self._password = user, password
        lines = [f"{domain}:{user}:{password}" for domain in ("", *self._domains)]
        lines += [f":{user}@{domain}:{password}" for domain in self._domains]
        self._path.touch(mode=0o600)
        self._path.write_text("".join(f"{line}\n" for line in lines), encoding="utf-8")

    def accepts_basic(self, credentials: str) -> bool:
        """Judge the value of an `Authorization: Basic` header (local accounts only [DOC MS-WSMV])."""
        try:
            user, _unused, password = base64.b64decode(credentials, validate=True).decode().partition(":")
        except (binascii.Error, UnicodeDecodeError):
            return False
        return user.rpartition("\\")[2].lower() == self._user.lower() and password == self._password

    def knows(self, principal: str | None) -> bool:
        """Judge a Kerberos principal: the realm's account of the same name is an administrator here."""
        return (principal or "").partition("@")[0].lower() == self._user.lower()


class Gate:
    """The authentication state of one connection."""

    def __init__(self, users: Users, service: WinrmService, peer: Peer) -> None:
        self._users = users
        self._service = service
        self._peer = peer
        self._context: spnego.ContextProxy | None = None

    @property
    def context(self) -> spnego.ContextProxy | None:
        """The finished security context, if any."""
        return self._context if self._context is not None and self._context.complete else None

    @property
    def delegates(self) -> bool:
        """Whether the client has handed over credentials with which a program gets on to another machine (shares.py)."""
        if self.context is None:
            return False
        if self.context.protocol == "credssp":
            return True
        return self.context.negotiated_protocol == "kerberos" and bool(_flags(self.context) & _DELEGATED)

    @property
    def offers(self) -> tuple[str, ...]:
        """The WWW-Authenticate values of a first 401."""
        offers = ["Negotiate"]
        if self._peer.tls and self._service.Basic:
            offers.append('Basic realm="WSMAN"')
        if self._service.CredSSP:
            offers.append("CredSSP")
        return tuple(offers)

    def forget(self) -> None:
        """Drop the security context: the client has to authenticate again."""
        self._context = None

    def check(self, authorization: str) -> Answer:
        """Judge one request by its Authorization header."""
        if not authorization:
            return Answer(self.context is not None, () if self.context else self.offers)
        if authorization == client_certificates.PROFILE:
            return self._by_certificate()
        scheme, _unused, value = authorization.partition(" ")
        if scheme.lower() == "basic":
            # Basic in clear text is off: AllowUnencrypted is false [DOC, REAL].
            accepted = self._peer.tls and self._service.Basic and self._users.accepts_basic(value)
            return Answer(accepted, () if accepted else self.offers)
        if scheme.lower() not in SCHEMES or (scheme.lower() == "credssp" and not self._service.CredSSP):
            return Answer(False, self.offers)
        return self._step(scheme, value)

    def _by_certificate(self) -> Answer:
        found = client_certificates.principal(self._peer.certificate)
        accepted = self._service.Certificate and found is not None and found.lower() == self._service.certificate_subject.lower()
        return Answer(accepted, () if accepted else self.offers)

    def _step(self, scheme: str, value: str) -> Answer:
        if self._context is None or self._context.complete:
            self._context = None
        try:
            token = self._accept(SCHEMES[scheme.lower()], base64.b64decode(value))
        except Exception:  # pyspnego and GSSAPI raise many kinds; a client learns only that it failed
            self._context = None
            return Answer(False, self.offers)
        assert self._context is not None
        if self._context.complete and not self._is_welcome(self._context):
            self._context = None
            return Answer(False, self.offers)
        encoded = f"{scheme} {base64.b64encode(token).decode()}" if token else ""
        if not self._context.complete:
            return Answer(False, (encoded or scheme,))
        return Answer(True, extra=(encoded,) if encoded else ())

    def _is_welcome(self, context: spnego.ContextProxy) -> bool:
        """Judge a finished Kerberos context; NTLM's acceptor has compared password and bindings itself."""
        if context.negotiated_protocol != "kerberos":
            return True
        if not self._users.knows(context.client_principal):
            return False
        return context.protocol == "credssp" or self._bindings is None or bool(_flags(context) & _CHANNEL_BOUND)

    @property
    def _bindings(self) -> GssChannelBindings | None:
        return self._peer.bindings if self._service.CbtHardeningLevel == STRICT else None

    def _accept(self, protocol: str, token: bytes) -> bytes | None:
        """Run one step. pyspnego finds the users by an environment variable: it is set for just this step."""
        before = os.environ.get("NTLM_USER_FILE")
        os.environ["NTLM_USER_FILE"] = str(self._users.path)
        try:
            if self._context is None:
                # CredSSP binds itself to its own TLS channel, by the public key [DOC MS-CSSP].
                bindings = None if protocol == "credssp" else self._bindings
                self._context = spnego.server(hostname="localhost", service="HTTP", protocol=protocol, channel_bindings=bindings)
            answer: bytes | None = self._context.step(token)
            return answer
        finally:
            if before is None:
                del os.environ["NTLM_USER_FILE"]
            else:
                os.environ["NTLM_USER_FILE"] = before


def _flags(context: t.Any) -> int:
    """Return the flags of the GSSAPI context below pyspnego's, which does not pass this one on."""
    while getattr(context, "_context", None) is not None:
        context = context._context
    return int(context.actual_flags)
