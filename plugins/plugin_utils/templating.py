# Copyright (c) 2026, the entra.app_proxy authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# Note that this plugin util is **PRIVATE** to the collection. It can have breaking changes at any time.

"""What never is a template, whatever ansible-core runs.

From 2.19 on, only texts that are marked as trusted are templates, so what a service tells is none. Before, every text with braces was
one, unless it was marked as unsafe.
"""

from __future__ import annotations

import typing as t

import ansible.template

if hasattr(ansible.template, "trust_as_template"):

    def _as_text(value: str) -> str:
        return value

else:
    from ansible.utils.unsafe_proxy import wrap_var

    def _as_text(value: str) -> str:
        # Only where it matters: ansible-inventory shows an unsafe text as a mapping.
        return t.cast(str, wrap_var(value)) if "{" in value else value


def never_template(value: t.Any) -> t.Any:
    """A value that a service told, with every text in it marked as what it is: a text."""
    if isinstance(value, str):
        return _as_text(value)
    if isinstance(value, list):
        return [never_template(one) for one in value]
    if isinstance(value, dict):
        return {name: never_template(one) for name, one in value.items()}
    return value
