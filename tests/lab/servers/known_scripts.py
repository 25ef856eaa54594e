# Copyright (c) 2026, the entra.app_proxy authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The PowerShell scripts that the lab knows: SHA-256 of the text (with LF line ends) to what it does on a server.

The lab reads nothing of the collection: when a script changes there, its digest must be added here, by somebody who has looked
whether the behaviour still says what the script does. The unit tests compare.
"""

from __future__ import annotations

import hashlib
import typing as t

from tests.lab.servers.programs import behaviours, network_scripts

if t.TYPE_CHECKING:
    from tests.lab.servers.models import WindowsServer

Behaviour = t.Callable[["WindowsServer", t.Mapping[str, t.Any]], dict[str, t.Any]]

SCRIPTS: dict[str, Behaviour] = {
    "4ab7c78eebdbec543e1f89ff03546941fa8130c4a791ed0b615ebff53b2a79ec": behaviours.tail_logs,
    "867bb9d390264a35504c71edfe2ee4a8c060eb4875c4d617439259d672adf9ed": behaviours.inspect_installer,
    "97cbd197669b83ff71bfbeba8251341cbc4c9946186d715198b1857571b9d040": behaviours.download_installer,
    "57301ce61d7f23c04e220e11f6b78328ad606e34a737b66e4d5500ba8cf90c87": behaviours.register_connector,
    "4d45d573ab3ae71c2ea7320165c73b42fac1ad6d903caa6021dbae794ef04676": behaviours.read_files,
    "00ab2075876a1d4231dc605020c00b6f54fab9e21a1b342d45642a38070aeffc": behaviours.remove_paths,
    "03400e555ec06f8b073e52a08bdbcc74234557920472386f0fcac1c2a9b92597": network_scripts.probe_endpoints,
    "a5bd44c5b5b5de6e2f80ec7b77eacbb353dd9110ec338bc7d97aefa1af1f3c53": network_scripts.write_file,
}


def digest(script: str) -> str:
    """Return the digest of a script's text, whatever its line ends."""
    return hashlib.sha256(script.replace("\r\n", "\n").encode()).hexdigest()


def find(script: str) -> Behaviour | None:
    """Return what a script does, or None for one that is not known."""
    return SCRIPTS.get(digest(script))
