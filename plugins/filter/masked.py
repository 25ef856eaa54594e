# Copyright (c) 2026, the entra.app_proxy authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
name: masked
author: the entra.app_proxy authors (@entra-app-proxy)
version_added: 1.0.0
short_description: Take out of a result what tells whose server it is
description:
  - Takes ids, thumbprints, the hosts of URLs, the folders of users and the given words out of every text, so that a result can be attached
    to a bug report.
  - It is what playbook C(smoke_readonly) does to its report. What it does not know it does not take out, so read the outcome.
positional: words
options:
  _input:
    description:
      - A text, or lists and dictionaries with texts in them. The keys of dictionaries are texts, too.
    type: raw
    required: true
  words:
    description:
      - Names to take out, such as those of a server and of its domain. Case does not matter.
      - Of a full name of three labels or more the domain is taken out wherever it stands, too.
    type: list
    elements: str
    default: []
seealso:
  - module: entra.app_proxy.connector_probe
"""

EXAMPLES = r"""
- name: Show what would stand in a bug report
  ansible.builtin.debug:
    msg: "{{ text | entra.app_proxy.masked(['nam-web-01.corp.contoso.com', 'nam-web-01']) }}"
  vars:
    text: NAM-WEB-01 asks https://nam-web-01.corp.contoso.com:5986/wsman
"""

RETURN = r"""
_value:
  description: The same without them. In their place stand such texts as C((name)), C((host)) and C((guid)).
  type: raw
  sample: (name) asks https://(host):5986/wsman
"""

import typing as t

from ansible_collections.entra.app_proxy.plugins.module_utils.host.mask import Mask


def masked(value: t.Any, words: t.Sequence[str] = ()) -> t.Any:
    """The filter."""
    return Mask(str(word) for word in words).of(value)


class FilterModule:
    """Ansible's door to the filter."""

    def filters(self) -> dict[str, t.Callable[..., t.Any]]:
        return {"masked": masked}
