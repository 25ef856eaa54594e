# Copyright (c) 2026, the entra.app_proxy authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Who is who in the tenant: the administrator, the client applications, and the tokens issued to them."""

from __future__ import annotations

import contextlib
import dataclasses
import hmac
import typing as t
import uuid

from cryptography import x509

from tests.lab.clock import Clock
from tests.lab.tenant.settings import Settings
from tests.lab.tenant.tokens import Claims, Signer, TokenInvalid
from tests.lab.timing import Timing

AZURE_CLI = "04b07795-8ddb-461a-bbee-02f9e1bf7b46"
"""Public client of Azure CLI, and the default of DeviceCodeCredential (graph.md 7.3)."""
REGISTRATION_CLIENT = "55747057-9b5d-4bd4-b387-abf52a8bd489"
"""Public client of connector registration (connector.md 5.2, MS)."""
PUBLIC_CLIENTS = (AZURE_CLI, REGISTRATION_CLIENT)

GRAPH = "https://graph.microsoft.com"
REGISTRATION = "https://proxy.cloudwebappproxy.net/registerapp"
RESOURCES = {
    GRAPH: GRAPH,
    "https://graph.microsoft.us": GRAPH,
    "https://dod-graph.microsoft.us": GRAPH,
    "https://microsoftgraph.chinacloudapi.cn": GRAPH,
    REGISTRATION: REGISTRATION,
    "https://management.core.windows.net": "https://management.core.windows.net/",
}
"""Resource as asked for, to the audience of its tokens. The Graph of every cloud is this one tenant's."""
DELEGATED_SCOPES = {
    GRAPH: "Application.ReadWrite.All Directory.AccessAsUser.All Directory.ReadWrite.All User.Read email openid profile",
    REGISTRATION: "user_impersonation",
}
APPLICATION_ROLES = {GRAPH: ["Application.ReadWrite.All", "Directory.ReadWrite.All"]}
APPLICATION_ADMINISTRATOR = "9b895d92-2cd3-44c7-9d02-a6ac2d5ea5c3"
"""Role template id in the claim `wids`."""


@dataclasses.dataclass(frozen=True)
class User:
    """A person of the tenant."""

    oid: str
    upn: str
    name: str
    password: str = dataclasses.field(repr=False)


@dataclasses.dataclass
class Client:
    """A confidential client. `federated` holds accepted (issuer, subject) pairs."""

    client_id: str
    secret: str = dataclasses.field(repr=False)
    certificates: list[x509.Certificate] = dataclasses.field(default_factory=list)
    federated: list[tuple[str, str]] = dataclasses.field(default_factory=list)
    service_principal: str = dataclasses.field(default_factory=lambda: str(uuid.uuid4()))


class Identity:
    """The directory of one tenant and the issuer of its tokens."""

    def __init__(
        self,
        *,
        tenant_id: str,
        domain: str,
        user: User,
        clients: t.Iterable[Client],
        settings: Settings,
        clock: Clock,
        timing: Timing,
    ) -> None:
        self.tenant_id = tenant_id
        self.domain = domain
        self.user = user
        self.clients = {client.client_id: client for client in clients}
        self.signer = Signer()
        self.settings = settings
        self.resources = dict(RESOURCES)
        self._issued: set[str] = set()
        self._refused: set[str] = set()
        self._clock = clock
        self._timing = timing

    def audience(self, resource: str) -> str | None:
        """Return the audience for a resource as a client writes it, or None when the tenant has no such resource."""
        return self.resources.get(resource.rstrip("/"))

    def trust_graph(self, root: str) -> None:
        """Take `root` as one more name of Graph: clients that ask for <endpoint>/.default of an endpoint of their own."""
        self.resources[root] = GRAPH

    def password_is_right(self, upn: str, password: str) -> bool:
        """Check user and password."""
        return upn.lower() == self.user.upn.lower() and hmac.compare_digest(password.encode(), self.user.password.encode())

    def delegated_token(
        self,
        audience: str,
        client_id: str,
        *,
        tenant_id: str | None = None,
        expires_in: float | None = None,
        guest: bool = False,
        scopes: str | None = None,
    ) -> str:
        """Issue an access token for the administrator, or for a guest. The other arguments exist for tests of bad tokens."""
        claims = self._times(tenant_id or self.tenant_id, expires_in) | {
            "aud": audience,
            "appid": client_id,
            "appidacr": "0",
            "oid": self.user.oid,
            "name": self.user.name,
            "scp": scopes if scopes is not None else DELEGATED_SCOPES.get(audience, "user_impersonation"),
            "ver": "1.0",
            "idtyp": "user",
        }
        if guest:
            # `idp` is in a token only when it is not the issuer: the user's home is another tenant.
            home = f"https://sts.windows.net/{uuid.uuid5(uuid.NAMESPACE_DNS, 'partner.example')}/"
            return self.signer.sign(claims | {"idp": home, "unique_name": "guest@partner.example", "email": "guest@partner.example"})
        claims |= {"upn": self.user.upn, "unique_name": self.user.upn}
        if self.settings.user_is_administrator:
            claims["wids"] = [APPLICATION_ADMINISTRATOR]
        return self.signer.sign(claims)

    def application_token(self, audience: str, client_id: str, *, tenant_id: str | None = None, expires_in: float | None = None) -> str:
        """Issue an app-only access token: roles, no user."""
        client = self.clients.get(client_id)
        claims = self._times(tenant_id or self.tenant_id, expires_in) | {
            "aud": audience,
            "appid": client_id,
            "appidacr": "1",
            "oid": client.service_principal if client else client_id,
            "roles": APPLICATION_ROLES.get(audience, []),
            "ver": "1.0",
            "idtyp": "app",
        }
        return self.signer.sign(claims)

    def id_token(self, client_id: str) -> str:
        """Issue an id token for the administrator."""
        claims = self._times(self.tenant_id, None) | {
            "aud": client_id,
            "iss": f"https://login.microsoftonline.com/{self.tenant_id}/v2.0",
            "sub": self.user.oid,
            "oid": self.user.oid,
            "name": self.user.name,
            "preferred_username": self.user.upn,
            "ver": "2.0",
        }
        return self.signer.sign(claims)

    def read(self, token: str, audience: str) -> Claims:
        """Return the claims of a token of this tenant for `audience`. Raises TokenInvalid with what is wrong."""
        claims = self.signer.read(token)
        if claims.get("aud") != audience:
            raise TokenInvalid("Invalid audience.")
        if claims.get("tid") != self.tenant_id:
            raise TokenInvalid("The tenant for tenant guid does not exist.")
        if claims["exp"] <= self._clock.now().timestamp() or claims["uti"] in self._refused:
            raise TokenInvalid("Lifetime validation failed, the token is expired.")
        return claims

    def expire(self, token: str) -> None:
        """Take a token as expired from now on, whatever its claims say."""
        with contextlib.suppress(TokenInvalid):
            self._refused.add(str(self.signer.read(token).get("uti")))

    def expire_all(self) -> None:
        """Take every token that was issued until now as expired."""
        self._refused |= self._issued

    def may_register(self, token: str) -> bool:
        """Say whether a token registers a connector: a person of this tenant, no guest, an administrator (connector.md 5.2, 5.3)."""
        try:
            claims = self.read(token, REGISTRATION)
        except TokenInvalid:
            return False
        own = "idp" not in claims and "upn" in claims
        return own and claims.get("scp") == "user_impersonation" and self.settings.user_is_administrator

    def _times(self, tenant_id: str, expires_in: float | None) -> Claims:
        now = int(self._clock.now().timestamp())
        uti = str(uuid.uuid4())
        self._issued.add(uti)
        return {
            "iss": f"https://sts.windows.net/{tenant_id}/",
            "tid": tenant_id,
            "iat": now,
            "nbf": now,
            "exp": now + int(self._timing.access_token if expires_in is None else expires_in),
            "uti": uti,
        }
