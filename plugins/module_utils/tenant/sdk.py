# Copyright (c) 2026, the entra.app_proxy authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# Note that this module util is **PRIVATE** to the collection. It can have breaking changes at any time.

"""azure-core and azure-identity, imported in one place, so that a missing package is one clear message and not a traceback."""

from __future__ import annotations

import traceback
import typing as t

IMPORT_ERROR: str | None = None
"""Traceback of the failed import; None when everything is there."""

try:
    from azure import identity
    from azure.core.credentials import AccessToken
    from azure.core.exceptions import AzureError, ServiceRequestError, ServiceResponseError
    from azure.core.pipeline import Pipeline, PipelineRequest, PipelineResponse
    from azure.core.pipeline.policies import HTTPPolicy, ProxyPolicy, UserAgentPolicy
    from azure.core.pipeline.transport import RequestsTransport
    from azure.core.rest import HttpRequest, HttpResponse
    from urllib3.exceptions import ConnectTimeoutError, NewConnectionError
except ImportError:
    IMPORT_ERROR = traceback.format_exc()
    # The names must exist for the class statements of policies.py. Nothing is called without them: module.py stops before.
    HTTPPolicy = object  # type: ignore[assignment, misc]
    AzureError = ServiceRequestError = ServiceResponseError = Exception  # type: ignore[assignment, misc]
    identity = AccessToken = Pipeline = PipelineRequest = PipelineResponse = t.Any  # type: ignore[assignment, misc]
    ProxyPolicy = UserAgentPolicy = RequestsTransport = HttpRequest = HttpResponse = t.Any  # type: ignore[assignment, misc]
    ConnectTimeoutError = NewConnectionError = Exception  # type: ignore[assignment, misc]

__all__ = [
    "IMPORT_ERROR",
    "AccessToken",
    "AzureError",
    "ConnectTimeoutError",
    "HTTPPolicy",
    "HttpRequest",
    "HttpResponse",
    "NewConnectionError",
    "Pipeline",
    "PipelineRequest",
    "PipelineResponse",
    "ProxyPolicy",
    "RequestsTransport",
    "ServiceRequestError",
    "ServiceResponseError",
    "UserAgentPolicy",
    "identity",
]
