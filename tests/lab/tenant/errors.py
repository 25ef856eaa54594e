# Copyright (c) 2026, the entra.app_proxy authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What the tenant refuses, as exceptions: the Graph plane, the login plane and registration."""

from __future__ import annotations

import typing as t


class GraphError(Exception):
    """A refusal of Microsoft Graph: HTTP status, code and message of the error body (graph.md 5)."""

    def __init__(self, status: int, code: str, message: str, headers: t.Mapping[str, str] | None = None) -> None:
        super().__init__(f"{status} {code}: {message}")
        self.status = status
        self.code = code
        self.message = message
        self.headers = dict(headers or {})


class UnknownRequest(GraphError):
    """A request that the lab does not know. It is answered like any refusal, and journalled as unknown."""


class LoginError(Exception):
    """A refusal of the token service: OAuth error, AADSTS number and text."""

    def __init__(self, status: int, error: str, number: int, text: str) -> None:
        super().__init__(f"AADSTS{number}: {text}")
        self.status = status
        self.error = error
        self.number = number
        self.text = text


class RegistrationDenied(Exception):
    """Registration of a connector failed. `silent`: Windows shows and logs nothing (connector.md 5.4: password with MFA, LIVE)."""

    def __init__(self, message: str, *, silent: bool = False) -> None:
        super().__init__(message)
        self.message = message
        self.silent = silent


def not_found(thing: str, message: str) -> GraphError:
    """Codes <Thing>_NotFound are on record (LIVE), their status 404 is inferred (graph.md 5)."""
    return GraphError(404, f"{thing}_NotFound", message)


def bad_request(message: str) -> GraphError:
    """A refusal whose code and status nobody has recorded: 400 BadRequest is inferred (graph.md 11, question 2)."""
    return GraphError(400, "BadRequest", message)
