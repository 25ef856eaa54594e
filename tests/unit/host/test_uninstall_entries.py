# Copyright (c) 2026, the entra.app_proxy authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What reg.exe prints of the Uninstall keys."""

from __future__ import annotations

from ansible_collections.entra.app_proxy.plugins.module_utils.host import uninstall_entries

PACKAGE = "{5E1A0A5D-7E9C-4C9B-8E1E-0B6B4F1B2C3D}"
UPDATER = "{6F2B1B6E-8F0D-4D0C-9F2F-1C7C5F2C3D4E}"
BUNDLE = "{0a1b2c3d-1111-2222-3333-444455556666}"

OUTPUT = f"""
HKEY_LOCAL_MACHINE\\SOFTWARE\\Microsoft\\Windows\\CurrentVersion\\Uninstall\\{UPDATER}
    DisplayName    REG_SZ    Microsoft Entra private network connector updater

HKEY_LOCAL_MACHINE\\SOFTWARE\\Microsoft\\Windows\\CurrentVersion\\Uninstall\\{PACKAGE}
    DisplayName    REG_SZ    Microsoft Entra private network connector
    InstallLocation    REG_SZ    C:\\Program Files\\Microsoft Entra private network connector

HKEY_LOCAL_MACHINE\\SOFTWARE\\Microsoft\\Windows\\CurrentVersion\\Uninstall\\MySQL Connector
    DisplayName    REG_SZ    MySQL Connector/ODBC 8.0

End of search: 4 match(es) found.
"""

EXECUTABLE = rf"C:\ProgramData\Package Cache\{BUNDLE}\MicrosoftEntraPrivateNetworkConnectorInstaller.exe"
BUNDLE_OUTPUT = f"""
HKEY_LOCAL_MACHINE\\SOFTWARE\\WOW6432Node\\Microsoft\\Windows\\CurrentVersion\\Uninstall\\{BUNDLE}
    BundleCachePath    REG_SZ    {EXECUTABLE}
    DisplayName    REG_SZ    Microsoft Entra private network connector
    QuietUninstallString    REG_SZ    "{EXECUTABLE}" /uninstall /quiet

End of search: 3 match(es) found.
"""


def test_both_packages_are_found_and_strangers_are_not() -> None:
    commands = [entry.command() for entry in uninstall_entries.parse(OUTPUT)]
    assert commands == [
        ("msiexec.exe", ("/x", PACKAGE, "/qn", "/norestart")),
        ("msiexec.exe", ("/x", UPDATER, "/qn", "/norestart")),
    ]


def test_a_bundle_comes_first_and_removes_itself() -> None:
    first, *others = uninstall_entries.parse(OUTPUT + BUNDLE_OUTPUT)
    assert first.command() == (EXECUTABLE, ("/uninstall", "/quiet", "/norestart"))
    assert len(others) == 2


def test_legacy_names_are_known() -> None:
    output = "".join(
        f"HKEY_LOCAL_MACHINE\\SOFTWARE\\X\\{code}\r\n    DisplayName    REG_SZ    {name}\r\n\r\n"
        for code, name in (
            (PACKAGE, "Microsoft Azure Active Directory Application Proxy Connector"),
            (UPDATER, "Microsoft Azure AD Application Proxy Connector Updater"),
        )
    )
    assert {entry.product_code for entry in uninstall_entries.parse(output)} == {PACKAGE, UPDATER}


def test_a_package_whose_uninstall_string_names_msiexec_goes_by_its_code() -> None:
    output = (
        f"HKEY_LOCAL_MACHINE\\X\\{PACKAGE}\n    DisplayName    REG_SZ    Microsoft Entra private network connector\n"
        f"    UninstallString    REG_EXPAND_SZ    MsiExec.exe /I{PACKAGE}\n"
    )
    (entry,) = uninstall_entries.parse(output)
    assert entry.command()[0] == "msiexec.exe"


def test_a_bundle_whose_path_holds_a_variable_is_not_run() -> None:
    output = BUNDLE_OUTPUT.replace('REG_SZ    "C:\\ProgramData', 'REG_EXPAND_SZ    "%ProgramData%')
    assert "%ProgramData%" in output
    assert [entry.executable for entry in uninstall_entries.parse(output)] == [None]


def test_nothing_found_is_an_empty_list() -> None:
    assert uninstall_entries.parse("\r\nEnd of search: 0 match(es) found.\r\n") == []
