# Copyright (c) 2026, the entra.app_proxy authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The admin API: the tests' door into the world, plain HTTP and JSON on loopback. It is no part of what is imitated."""

from __future__ import annotations

import re
import typing as t

from aiohttp import web

from tests.lab.runtime import Lab
from tests.lab.tenant import scale, seed
from tests.lab.tenant.identity import AZURE_CLI, GRAPH, REGISTRATION, REGISTRATION_CLIENT
from tests.lab.tenant.state import History

Json = t.Any
Handler = t.Callable[[web.Request], t.Awaitable[web.StreamResponse]]


@web.middleware
async def _explain(request: web.Request, handler: Handler) -> web.StreamResponse:
    """Turn what the world refuses into a 400 that says why."""
    try:
        return await handler(request)
    except (ValueError, TypeError, KeyError, re.error) as error:
        return web.json_response({"error": f"{type(error).__name__}: {error}"}, status=400)


def application(lab: Lab) -> web.Application:
    """Return the web application of the admin API."""
    admin = Admin(lab)
    result = web.Application(middlewares=[_explain])
    result.router.add_routes(
        [
            web.post("/reset", admin.reset),
            web.get("/journal", admin.journal),
            web.delete("/journal", admin.clear_journal),
            web.get("/processes", admin.processes),
            web.get("/unknown", admin.unknown),
            web.post("/unknown", admin.add_unknown),
            web.get("/clock", admin.clock),
            web.post("/clock", admin.advance_clock),
            web.get("/faults", admin.faults),
            web.post("/faults", admin.add_fault),
            web.delete("/faults", admin.clear_faults),
            web.get("/halt", admin.halt),
            web.post("/halt", admin.order_halt),
            web.delete("/halt", admin.lift_halt),
            web.get("/timeline", admin.timeline),
            web.patch("/timeline", admin.patch_timeline),
            web.patch("/timing", admin.patch_timing),
            web.get("/tenant", admin.tenant),
            web.patch("/tenant", admin.patch_tenant),
            web.get("/servers", admin.servers),
            web.get("/servers/{name}", admin.server),
            web.patch("/servers/{name}", admin.patch_server),
            web.get("/servers/{name}/registry", admin.registry),
            web.post("/seed", admin.seed),
            web.patch("/recording", admin.patch_recording),
            web.get("/exchanges", admin.exchanges),
            web.delete("/exchanges", admin.clear_exchanges),
            web.post("/tokens", admin.make_token),
            web.delete("/tokens", admin.expire_tokens),
            web.post("/applications", admin.add_application),
            web.post("/groups", admin.add_group),
            web.post("/connectors", admin.add_connector),
            web.post("/installers", admin.make_installer),
            web.get("/az", admin.az),
        ]
    )
    return result


class Admin:
    """Handlers of the admin API."""

    def __init__(self, lab: Lab) -> None:
        self._lab = lab
        self._world = lab.world

    async def reset(self, request: web.Request) -> web.Response:
        """POST /reset: everything as at the start; ports, keys and passwords stay."""
        self._lab.reset()
        return web.json_response({})

    async def journal(self, request: web.Request) -> web.Response:
        """GET /journal?since=seq."""
        return web.json_response(self._world.journal.since(int(request.query.get("since", "0"))))

    async def clear_journal(self, request: web.Request) -> web.Response:
        """DELETE /journal: forget requests and processes."""
        self._world.journal.clear()
        return web.json_response({})

    async def processes(self, request: web.Request) -> web.Response:
        """GET /processes: every process start with its command line."""
        return web.json_response(self._world.journal.processes())

    async def unknown(self, request: web.Request) -> web.Response:
        """GET /unknown: requests that the lab does not know. A test fails on any."""
        return web.json_response(self._world.journal.unknowns())

    async def add_unknown(self, request: web.Request) -> web.Response:
        """POST /unknown {"what"}: for stand-ins that run outside this process (az)."""
        what = (await _body(request, "what"))["what"]
        return web.json_response(self._world.journal.unknown(plane="login", target="tenant", what=str(what)))

    async def clock(self, request: web.Request) -> web.Response:
        """GET /clock."""
        return web.json_response({"now": self._world.clock.now().isoformat()})

    async def advance_clock(self, request: web.Request) -> web.Response:
        """POST /clock {"advance": seconds}."""
        self._world.advance(float((await _body(request, "advance"))["advance"]))
        return await self.clock(request)

    async def faults(self, request: web.Request) -> web.Response:
        """GET /faults."""
        return web.json_response(self._world.faults.as_list())

    async def add_fault(self, request: web.Request) -> web.Response:
        """POST /faults: one fault; see faults.Fault for its fields."""
        fault = self._world.faults.add(await _body(request))
        return web.json_response({"id": fault.id})

    async def clear_faults(self, request: web.Request) -> web.Response:
        """DELETE /faults, or DELETE /faults?id=N."""
        if "id" in request.query:
            self._world.faults.remove(int(request.query["id"]))
        else:
            self._world.faults.clear()
        return web.json_response({})

    async def halt(self, request: web.Request) -> web.Response:
        """GET /halt: see halt.Halt."""
        return web.json_response(self._world.halt.as_dict())

    async def order_halt(self, request: web.Request) -> web.Response:
        """POST /halt {"after": n}: the n-th write from now takes effect, and then nobody gets an answer any more."""
        self._world.halt.order(int((await _body(request, "after"))["after"]))
        return await self.halt(request)

    async def lift_halt(self, request: web.Request) -> web.Response:
        """DELETE /halt: answer again."""
        self._world.halt.lift()
        return await self.halt(request)

    async def timeline(self, request: web.Request) -> web.Response:
        """GET /timeline: see timeline.Timeline."""
        return web.json_response(self._world.timeline.changes())

    async def patch_timeline(self, request: web.Request) -> web.Response:
        """PATCH /timeline {"on"}: start it anew, or stop it. A reset stops it."""
        if (await _body(request, "on"))["on"]:
            self._world.timeline.start()
        else:
            self._world.timeline.stop()
        return await self.timeline(request)

    async def patch_timing(self, request: web.Request) -> web.Response:
        """PATCH /timing: see timing.Timing."""
        self._world.timing.patch(await _body(request))
        return web.json_response(self._world.timing.as_dict())

    async def tenant(self, request: web.Request) -> web.Response:
        """GET /tenant: the raw state, read past every protocol: the independent door of a test."""
        return web.json_response(self._tenant_document())

    async def patch_tenant(self, request: web.Request) -> web.Response:
        """PATCH /tenant: see tenant.settings.Settings."""
        self._world.tenant.settings.patch(await _body(request))
        return await self.tenant(request)

    async def seed(self, request: web.Request) -> web.Response:
        """POST /seed: replace all groups, connectors and applications by a tenant of that size; see tenant.scale."""
        tenant = self._world.tenant
        size = scale.read(await _body(request), tenant.settings.regions)
        tenant.forget(History(scale.snapshot(size, tenant.settings.default_region, tenant.clock.now())))
        state = tenant.now_state
        return web.json_response(
            {"groups": len(state.groups), "connectors": len(state.connectors), "applications": len(state.applications)}
        )

    async def patch_recording(self, request: web.Request) -> web.Response:
        """PATCH /recording {"on"}: whether the exchanges of the Graph plane are kept whole. A reset does not switch it off."""
        self._world.recording.on = bool((await _body(request, "on"))["on"])
        return web.json_response({"on": self._world.recording.on})

    async def exchanges(self, request: web.Request) -> web.Response:
        """GET /exchanges?since=seq: what was kept; see tenant.recording."""
        return web.json_response(self._world.recording.since(int(request.query.get("since", "0"))))

    async def clear_exchanges(self, request: web.Request) -> web.Response:
        """DELETE /exchanges."""
        self._world.recording.clear()
        return web.json_response({})

    async def servers(self, request: web.Request) -> web.Response:
        """GET /servers: the raw state of all servers by name."""
        return web.json_response({name: server.as_dict() for name, server in self._world.servers.items()})

    async def server(self, request: web.Request) -> web.Response:
        """GET /servers/{name}."""
        return web.json_response(self._world.servers[request.match_info["name"]].as_dict())

    async def registry(self, request: web.Request) -> web.Response:
        """GET /servers/{name}/registry?key=path below HKLM: {"values": ...}, null when there is no such key."""
        values = self._world.servers[request.match_info["name"]].registry_values(request.query["key"])
        return web.json_response({"values": values})

    async def patch_server(self, request: web.Request) -> web.Response:
        """PATCH /servers/{name}. The tenant looks first, so that it knows what ran until now."""
        self._world.tenant.look()
        self._world.servers[request.match_info["name"]].patch(await _body(request))
        return await self.server(request)

    async def make_token(self, request: web.Request) -> web.Response:
        """POST /tokens {"kind": registration|graph, "tenant_id", "expires_in", "guest", "app_only", "scopes"}."""
        body = await _body(request, "kind", "tenant_id", "expires_in", "guest", "app_only", "scopes")
        audience = {"registration": REGISTRATION, "graph": GRAPH}[body.pop("kind")]
        identity = self._world.tenant.identity
        if body.pop("app_only", False):
            return web.json_response({"token": identity.application_token(audience, next(iter(identity.clients)), **body)})
        client = REGISTRATION_CLIENT if audience == REGISTRATION else AZURE_CLI
        return web.json_response({"token": identity.delegated_token(audience, client, **body)})

    async def expire_tokens(self, request: web.Request) -> web.Response:
        """DELETE /tokens: every access token issued until now is refused as expired, in the middle of whatever runs."""
        self._world.tenant.identity.expire_all()
        return web.json_response({})

    async def add_application(self, request: web.Request) -> web.Response:
        """POST /applications: see seed.application."""
        application = seed.application(await _body(request), self._world.tenant.now_state.groups)
        self._world.tenant.put_application(application)
        return web.json_response({"id": application.id, "app_id": application.app_id})

    async def add_group(self, request: web.Request) -> web.Response:
        """POST /groups: see seed.group."""
        group = seed.group(await _body(request), self._world.tenant.settings.default_region)
        self._world.tenant.put_group(group)
        return web.json_response({"id": group.id})

    async def add_connector(self, request: web.Request) -> web.Response:
        """POST /connectors: see seed.connector; with the id of an existing one it replaces it."""
        tenant = self._world.tenant
        connector = seed.connector(await _body(request), tenant.now_state.groups, tenant.clock.now())
        tenant.put_connector(connector)
        return web.json_response({"id": connector.id})

    async def make_installer(self, request: web.Request) -> web.Response:
        """POST /installers {"version", "generation", "signer", "signature_status"}: a file for the controller and a URL for servers."""
        path = self._lab.make_installer(**await _body(request))
        url = f"https://downloads.lab.example/{path.parent.name}/{path.name}"
        self._world.downloads[url] = path.read_bytes()
        return web.json_response({"path": str(path), "url": url})

    async def az(self, request: web.Request) -> web.Response:
        """GET /az: whether someone is logged in at the az stand-in."""
        return web.json_response({"logged_in": self._world.tenant.settings.az_logged_in})

    def _tenant_document(self) -> Json:
        tenant = self._world.tenant
        tenant.look()
        state = tenant.now_state
        return {
            "tenant_id": tenant.tenant_id,
            "settings": vars(tenant.settings),
            "groups": [
                {
                    "id": group.id,
                    "name": group.name,
                    "region": group.region,
                    "is_default": group.is_default,
                    "type": group.kind,
                    "members": [connector.machine_name for connector in state.members(group.id)],
                    "applications": [application.display_name for application in state.applications_of(group.id)],
                }
                for group in state.groups.values()
            ],
            "connectors": [
                {
                    "id": connector.id,
                    "machine_name": connector.machine_name,
                    "version": connector.version,
                    "status": tenant.status(connector),
                    "group_id": connector.group_id,
                    "group": state.groups[connector.group_id].name,
                    "registered_at": connector.registered_at.isoformat(),
                }
                for connector in state.connectors.values()
            ],
            "applications": [
                {
                    "id": application.id,
                    "app_id": application.app_id,
                    "display_name": application.display_name,
                    "published": application.publishing is not None,
                    "group_id": application.group_id,
                    "group": state.groups[application.group_id or state.default.id].name,
                }
                for application in state.applications.values()
            ],
        }


async def _body(request: web.Request, *known: str) -> dict[str, t.Any]:
    """Return the JSON object of a request; with `known`, only these fields may be in it."""
    body = await request.json()
    if not isinstance(body, dict):
        raise ValueError("the body must be a JSON object")
    unknown = sorted(set(body) - set(known)) if known else []
    if unknown:
        raise ValueError(f"unknown fields {unknown}; known: {sorted(known)}")
    return body
