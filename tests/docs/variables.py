# Copyright (c) 2026, the entra.app_proxy authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Values for the variables that the examples of the documentation use: a user would have them in an inventory or vault."""

from __future__ import annotations

import hashlib
import pathlib
import typing as t

from tests.support.lab_process import Lab


def fill_tenant(lab: Lab) -> None:
    """Active connectors of all servers, as the examples that are about the tenant take for granted."""
    for server in lab.state["servers"].values():
        lab.post("/connectors", {"machine_name": server["machine_name"]})


def variables(lab: Lab) -> dict[str, t.Any]:
    """Return the values for this lab, by variable name."""
    return {
        "connector_installer_file": lab.state["installer_file"],
        "connector_installer_sha256": hashlib.sha256(pathlib.Path(lab.state["installer_file"]).read_bytes()).hexdigest(),
        "connector_installer_url": lab.state["installer_url"],
        "image_server": "nam-web-01",
        "app_proxy_tenant_id": lab.state["tenant_id"],
        "connector_registration_token": lab.token("registration"),
        "connector_registration_user": lab.state["tenant_user"],
        "connector_registration_password": lab.state["tenant_password"],
        "graph_token": lab.token("graph"),
        "graph_client_id": lab.state["client_id"],
        "graph_client_certificate": lab.state["client_certificate_file"],
        "graph_federated_token": lab.state["federated_token_file"],
    }


def environment(lab: Lab) -> dict[str, str]:
    """What leads the tenant modules to the lab where an example says nothing about it, as it would to a sovereign cloud."""
    return {
        "APP_PROXY_GRAPH_ENDPOINT": lab.state["graph_endpoint"],
        "APP_PROXY_AUTHORITY": lab.state["authority"],
        "APP_PROXY_CA_FILE": lab.state["ca_file"],
        "AZURE_TENANT_ID": lab.state["tenant_id"],
        "GRAPH_CLIENT_SECRET": lab.state["client_secret"],
    }
