# Copyright (c) 2026, the entra.app_proxy authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Stand-in for Azure CLI, for the lab only: `az account get-access-token`, answered by the lab that APP_PROXY_LAB names.

Started by bin/az as a program of its own, with the standard library only: it runs under any Python, as az does.
"""

from __future__ import annotations

import argparse
import datetime
import json
import os
import ssl
import sys
import time
import typing as t
import urllib.error
import urllib.parse
import urllib.request

Document = dict[str, t.Any]

AZURE_CLI = "04b07795-8ddb-461a-bbee-02f9e1bf7b46"
SUBSCRIPTION = "00000000-1111-2222-3333-444444444444"
RESOURCE_TYPES = {
    "arm": "https://management.core.windows.net/",
    "aad-graph": "https://graph.windows.net/",
    "ms-graph": "https://graph.microsoft.com/",
}


class AzError(Exception):
    """What az would print after `ERROR:`."""


def main() -> int:
    """Answer the one command that is known."""
    lab = read_lab()
    if sys.argv[1:3] != ["account", "get-access-token"]:
        report_unknown(lab, f"az {' '.join(sys.argv[1:3])}")
        print(f"ERROR: '{' '.join(sys.argv[1:3])}' is misspelled or not recognized by the system.", file=sys.stderr)
        return 2
    options = parse(lab, sys.argv[3:])
    try:
        answer = get_access_token(lab, options)
    except AzError as error:
        print(f"ERROR: {error}", file=sys.stderr)
        return 1
    shown = answer if options.query is None else answer[options.query]
    if options.output == "json":
        print(json.dumps(shown, indent=2))
    elif isinstance(shown, dict):
        print("\t".join(str(value) for value in shown.values()))
    else:
        print(shown)
    return 0


def read_lab() -> Document:
    """Return the state document of the running lab."""
    path = os.environ.get("APP_PROXY_LAB")
    if not path:
        sys.exit("az (lab): the environment variable APP_PROXY_LAB must name the lab's state file")
    with open(path, encoding="utf-8") as stream:
        document: Document = json.load(stream)
    return document


def parse(lab: Document, arguments: list[str]) -> argparse.Namespace:
    """Read the options of `az account get-access-token`."""
    parser = argparse.ArgumentParser(prog="az account get-access-token", exit_on_error=False)
    parser.add_argument("--resource")
    parser.add_argument("--resource-type", choices=sorted(RESOURCE_TYPES))
    parser.add_argument("--scope", nargs="+")
    parser.add_argument("--tenant", "-t")
    parser.add_argument("--subscription", "--name", "-n", "-s")
    parser.add_argument("--output", "-o", choices=("json", "tsv"), default="json")
    parser.add_argument("--query", choices=("accessToken", "expiresOn", "expires_on", "tenant", "subscription", "tokenType"))
    try:
        options, rest = parser.parse_known_args(arguments)
    except argparse.ArgumentError as error:
        report_unknown(lab, f"az account get-access-token: {error}")
        sys.exit(2)
    if rest:
        report_unknown(lab, f"az account get-access-token: {rest[0]}")
        print(f"ERROR: unrecognized arguments: {' '.join(rest)}", file=sys.stderr)
        sys.exit(2)
    return options


def get_access_token(lab: Document, options: argparse.Namespace) -> Document:
    """Get a token from the lab's token service with the refresh token that `az login` would have left."""
    if not json.loads(call(f"{lab['admin']}/az"))["logged_in"]:
        raise AzError("Please run 'az login' to setup account.")
    resource = options.resource or RESOURCE_TYPES[options.resource_type or "arm"]
    scopes = options.scope or [f"{resource}/.default"]
    tenant = options.tenant or lab["tenant_id"]
    form = {
        "grant_type": "refresh_token",
        "client_id": AZURE_CLI,
        "refresh_token": lab["az_refresh_token"],
        "scope": " ".join([*scopes, "openid", "profile", "offline_access"]),
    }
    data = urllib.parse.urlencode(form).encode()
    try:
        document = json.loads(call(f"{lab['authority']}/{tenant}/oauth2/v2.0/token", data, lab["ca_file"]))
    except urllib.error.HTTPError as error:
        raise AzError(explain(error, scopes)) from error
    expires_on = int(time.time()) + document["expires_in"]
    answer = {
        "accessToken": document["access_token"],
        "expiresOn": datetime.datetime.fromtimestamp(expires_on).strftime("%Y-%m-%d %H:%M:%S.%f"),
        "expires_on": expires_on,
    }
    if not options.tenant:
        answer["subscription"] = SUBSCRIPTION  # az leaves it out when a tenant is named
    return {**answer, "tenant": tenant, "tokenType": "Bearer"}


def explain(error: urllib.error.HTTPError, scopes: list[str]) -> str:
    """Say what the token service refused, with the advice that az adds."""
    try:
        description = json.loads(error.read())["error_description"]
    except (ValueError, KeyError):
        return f"HTTP status {error.code}"
    return f"{description}\nInteractive authentication is needed. Please run:\naz login --scope {' '.join(scopes)}"


def report_unknown(lab: Document, what: str) -> None:
    """Tell the lab's journal that a call was not understood."""
    call(f"{lab['admin']}/unknown", json.dumps({"what": what}).encode())


def call(url: str, data: bytes | None = None, ca_file: str | None = None) -> str:
    """Send a request past any proxy and return the body."""
    handlers: list[urllib.request.BaseHandler] = [urllib.request.ProxyHandler({})]
    if ca_file:
        handlers.append(urllib.request.HTTPSHandler(context=ssl.create_default_context(cafile=ca_file)))
    with urllib.request.build_opener(*handlers).open(url, data, timeout=30) as response:
        body: bytes = response.read()
    return body.decode()


if __name__ == "__main__":
    sys.exit(main())
