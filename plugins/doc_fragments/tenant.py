# Copyright (c) 2026, the entra.app_proxy authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# Note that this doc fragment is **PRIVATE** to the collection. It can have breaking changes at any time.

from __future__ import annotations


class ModuleDocFragment:
    # How to reach and sign in to a tenant. The table CONNECTION in module_utils/tenant/options.py is the argument spec of this text.
    DOCUMENTATION = r"""
options:
  auth_source:
    description:
      - Where the access token for Microsoft Graph comes from.
      - V(auto) takes what the other options are for, and V(azure_cli) when none of them is given. An O(access_token) comes before all
        others; more than one of the others, environment variables included, is an error, because nobody would know which one signs in.
      - V(azure_cli) asks the Azure CLI, which must have been signed in with C(az login) on the same machine.
      - V(device_code) shows a code on the terminal of the controller, to be entered in a browser.
      - V(managed_identity) and V(environment) are those of azure-identity.
      - Microsoft documents the operations on connectors and connector groups as not supported with application permissions.
        V(client_secret), V(client_certificate), V(federated_token) and V(managed_identity) are app-only; should the service refuse them,
        sign in as a user with at least the role Application Administrator.
    type: str
    choices:
      - auto
      - access_token
      - client_secret
      - client_certificate
      - federated_token
      - managed_identity
      - azure_cli
      - device_code
      - environment
    default: auto
  tenant_id:
    description:
      - Id of the tenant (a GUID).
      - If it is not given, the environment variable E(AZURE_TENANT_ID) is used.
    type: str
  client_id:
    description:
      - Application (client) id to sign in as. For V(managed_identity) the id of a user-assigned identity.
      - If it is not given, the environment variable E(AZURE_CLIENT_ID) is used.
    type: str
  client_secret:
    description:
      - Secret of the application, for O(auth_source=client_secret).
      - If it is not given, the environment variable E(AZURE_CLIENT_SECRET) is used.
    type: str
  certificate_path:
    description:
      - Certificate with private key of the application (PEM or PKCS12), for O(auth_source=client_certificate).
      - If it is not given, the environment variable E(AZURE_CLIENT_CERTIFICATE_PATH) is used.
    type: path
  certificate_password:
    description:
      - Password of the file in O(certificate_path).
      - If it is not given, the environment variable E(AZURE_CLIENT_CERTIFICATE_PASSWORD) is used.
    type: str
  federated_token_file:
    description:
      - File with a token of another issuer that the application trusts (workload identity federation), for
        O(auth_source=federated_token).
      - If it is not given, the environment variable E(AZURE_FEDERATED_TOKEN_FILE) is used.
    type: path
  access_token:
    description:
      - A ready-made access token for Microsoft Graph, for O(auth_source=access_token).
      - If it is not given, the environment variable E(APP_PROXY_ACCESS_TOKEN) is used.
    type: str
  cloud:
    description:
      - The national cloud of the tenant.
      - If it is not given, the environment variable E(APP_PROXY_CLOUD) is used.
    type: str
    choices: [global, us_gov_l4, us_gov_l5, china]
    default: global
  graph_endpoint:
    description:
      - Root of Microsoft Graph, without version, if it is not that of O(cloud). It must be HTTPS, except on loopback.
      - If it is not given, the environment variable E(APP_PROXY_GRAPH_ENDPOINT) is used.
    type: str
  authority:
    description:
      - Root of the token service, if it is not that of O(cloud). It must be HTTPS. Microsoft is then not asked whether it knows that
        authority.
      - If it is not given, the environment variable E(APP_PROXY_AUTHORITY) is used.
    type: str
  ca_file:
    description:
      - File with the certificates (PEM) that are trusted instead of the usual ones, for Graph and for the token service.
      - If it is not given, the environment variable E(APP_PROXY_CA_FILE) is used.
    type: path
  proxy:
    description:
      - URL of a proxy for Graph and for the token service. Without it E(HTTPS_PROXY) and E(NO_PROXY) count.
      - If it is not given, the environment variable E(APP_PROXY_PROXY) is used.
    type: str
  timeout:
    description:
      - Seconds for everything that is done with the service, repeats after throttling and the wait for a write to show included.
    type: int
    default: 600
  request_timeout:
    description:
      - Seconds to wait for one answer, of the sign-in service as well. A read that took longer is asked again; after a write the tenant is
        read, to see whether it took effect.
    type: int
    default: 60
requirements:
  - azure-core >= 1.30
  - azure-identity >= 1.16
notes:
  - Connectors and connector groups exist only in the beta version of Microsoft Graph.
  - Requests that were throttled are repeated after the time that the service asks for, all within O(timeout).
"""

    # For plugins, whose environment variables are declared and not only described. Together with the fragment above.
    PLUGIN = r"""
options:
  tenant_id:
    env:
      - name: AZURE_TENANT_ID
  client_id:
    env:
      - name: AZURE_CLIENT_ID
  client_secret:
    env:
      - name: AZURE_CLIENT_SECRET
  certificate_path:
    env:
      - name: AZURE_CLIENT_CERTIFICATE_PATH
  certificate_password:
    env:
      - name: AZURE_CLIENT_CERTIFICATE_PASSWORD
  federated_token_file:
    env:
      - name: AZURE_FEDERATED_TOKEN_FILE
  access_token:
    env:
      - name: APP_PROXY_ACCESS_TOKEN
  cloud:
    env:
      - name: APP_PROXY_CLOUD
  graph_endpoint:
    env:
      - name: APP_PROXY_GRAPH_ENDPOINT
  authority:
    env:
      - name: APP_PROXY_AUTHORITY
  ca_file:
    env:
      - name: APP_PROXY_CA_FILE
  proxy:
    env:
      - name: APP_PROXY_PROXY
"""
