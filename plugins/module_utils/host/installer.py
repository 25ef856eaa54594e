# Copyright (c) 2026, the entra.app_proxy authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# Note that this module util is **PRIVATE** to the collection. It can have breaking changes at any time.

"""What the installer's exit code means, and what to do about it.

Microsoft documents no exit codes for this installer; these are those of Windows Installer, which it is expected to hand
through [inferred]. A code is never trusted alone: success is the files and services being there.
"""

from __future__ import annotations

import dataclasses

# Without it a quiet bundle restarts the server by itself when it wants a restart: that is the engine's rule [WiX, Burn's source], that this
# installer is such a bundle is inferred. One that restarts all the same ends with 1641.
_NO_RESTART = "/norestart"
SILENT_INSTALL = ("REGISTERCONNECTOR=false", "/q", _NO_RESTART)
SILENT_UNINSTALL = ("/uninstall", "/quiet", _NO_RESTART)

ASKED = "an installer of the connector"
"""What the note says of a restart that an installer has asked for."""
UNSEEN = "an installer of the connector whose end was not seen"
"""The same of one that a run has begun and did not see the end of: it may be at work still, and may have asked."""


@dataclasses.dataclass(frozen=True)
class ExitCode:
    """:param busy: another installation runs; trying again later helps.
    :param remedy: what to do about a failure.
    :param removal_remedy: the same, where it was an uninstaller that failed and that is another matter.
    """

    code: int
    meaning: str
    succeeded: bool = False
    reboot_required: bool = False
    reboot_started: bool = False
    busy: bool = False
    remedy: str = ""
    removal_remedy: str = ""

    def way_out(self, *, removing: bool) -> str:
        return (self.removal_remedy if removing else "") or self.remedy


_MEND_UNINSTALLER = (
    "restart the server and run again. If it ends so again, the product's own uninstaller is broken: run the installer of the installed"
    " version there by hand and choose Repair, or mend it with Microsoft's Program Install and Uninstall troubleshooter, and run again"
)

_KNOWN = {
    known.code: known
    for known in (
        ExitCode(0, "done", succeeded=True),
        ExitCode(3010, "done, a restart of the server is required", succeeded=True, reboot_required=True),
        ExitCode(1641, "done, the installer has begun a restart of the server", succeeded=True, reboot_required=True, reboot_started=True),
        ExitCode(1605, "the product is not installed", succeeded=True),
        ExitCode(
            1638,
            "another version of the product is already installed",
            remedy="use an installer at least as new as what is installed, for which the product may have updated itself: a newer"
            " installer_file, installer_path or installer_url, or none of them, and the server downloads Microsoft's current installer",
        ),
        ExitCode(
            1602,
            "the installation was cancelled",
            remedy="someone or some policy cancelled it on the server; look for an installer window or an application control policy there",
        ),
        ExitCode(
            1603,
            "the installation failed (fatal error)",
            remedy="leftovers of an earlier installation are the usual cause: run again with remove_leftovers=true; the installer's logs"
            " are in the TEMP folder of the connecting user on the server",
            removal_remedy=_MEND_UNINSTALLER,
        ),
        ExitCode(
            1612,
            "the package that the product was installed from cannot be found",
            remedy="use the whole installer, as it was downloaded",
            removal_remedy=_MEND_UNINSTALLER,
        ),
        ExitCode(
            1618,
            "another installation is running on the server",
            busy=True,
            remedy="let it finish (Windows Update, another installer), then run again, or raise install_timeout",
        ),
        ExitCode(
            1619,
            "the package could not be opened",
            remedy="check that the file is whole and that the connecting user may read it",
            removal_remedy=_MEND_UNINSTALLER,
        ),
    )
}


def explain(code: int) -> ExitCode:
    """The outcome of an exit code; HRESULTs of the form 0x8007xxxx are read as the Win32 code they hold."""
    unsigned = code & 0xFFFFFFFF
    plain = unsigned & 0xFFFF if unsigned & 0xFFFF0000 == 0x80070000 else code
    known = _KNOWN.get(plain)
    if known is not None:
        return known
    return ExitCode(
        code,
        "an exit code that is not known",
        remedy="read the installer's logs in the TEMP folder of the connecting user on the server, or run the installer by hand there",
    )
