# Copyright (c) 2026, the entra.app_proxy authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Build the door into Wine and the stub of the product: two packages, and an installer around them."""

from __future__ import annotations

import dataclasses
import pathlib
import subprocess

from tests.wine import toolchain

HERE = pathlib.Path(__file__).parent
VERSION = "1.5.3829"
CONNECTOR_PRODUCT = "{8B7D0E0A-2E5E-4C61-9D5A-5B2C9D3F1A01}"
UPDATER_PRODUCT = "{8B7D0E0A-2E5E-4C61-9D5A-5B2C9D3F1A11}"
INSTALLER = "MicrosoftEntraPrivateNetworkConnectorInstaller.exe"
_DOOR = ("door.c", "json.c", "wmi.c", "win32.c")
_DOOR_LIBRARIES = ("ole32", "oleaut32", "wbemuuid", "version", "crypt32")


@dataclasses.dataclass(frozen=True)
class Built:
    """Where the results lie."""

    door: pathlib.Path
    arguments: pathlib.Path
    installer: pathlib.Path


def build(folder: pathlib.Path) -> Built:
    """Build everything into an existing folder. Takes about six seconds."""
    builder = _Builder(folder)
    builder.compile("door.exe", _DOOR, libraries=_DOOR_LIBRARIES)
    builder.compile("show arguments.exe", ("arguments.c",))
    builder.resources("version.o", "version.rc")
    for part, service in (("connector", "WAPCSvc"), ("updater", "WAPCUpdaterSvc")):
        builder.compile(f"{part}-service.exe", ("service.c",), {"SERVICE_NAME": f'L"{service}"'}, objects=("version.o",))
    (folder / "RegisterConnector.ps1").write_text("# A stub: Wine has no PowerShell that could run it.\n")
    for part in ("connector", "updater"):
        builder.package(f"{part}.msi", f"{part}.wxs")
    builder.resources("installer.o", "installer.rc")
    products = {"CONNECTOR_PRODUCT": f'L"{CONNECTOR_PRODUCT}"', "UPDATER_PRODUCT": f'L"{UPDATER_PRODUCT}"'}
    builder.compile(INSTALLER, ("installer.c",), products, objects=("installer.o",), libraries=("msi",))
    return Built(folder / "door.exe", folder / "show arguments.exe", folder / INSTALLER)


class _Builder:
    def __init__(self, folder: pathlib.Path) -> None:
        self._folder = folder

    def compile(
        self,
        output: str,
        sources: tuple[str, ...],
        macros: dict[str, str] | None = None,
        *,
        objects: tuple[str, ...] = (),
        libraries: tuple[str, ...] = (),
    ) -> None:
        paths = [str(HERE / "programs" / source) for source in sources]
        defines = [f"-D{name}={value}" for name, value in (macros or {}).items()]
        flags = ["-O1", "-s", "-Wall", "-Wextra", "-Werror"]
        self._run("x86_64-w64-mingw32-gcc", *flags, *defines, "-o", output, *paths, *objects, *(f"-l{name}" for name in libraries))

    def resources(self, output: str, source: str) -> None:
        numbers = f"-DVERSION_COMMAS={VERSION.replace('.', ',')},0"
        text = f'-DVERSION_TEXT=\\"{VERSION}.0\\"'
        self._run("x86_64-w64-mingw32-windres", numbers, text, "-I.", str(HERE / "programs" / source), output)

    def package(self, output: str, source: str) -> None:
        values = {"Version": VERSION, "ConnectorProduct": CONNECTOR_PRODUCT, "UpdaterProduct": UPDATER_PRODUCT}
        defines = [word for name, value in values.items() for word in ("-D", f"{name}={value}")]
        self._run("wixl", "-a", "x64", *defines, "-o", output, str(HERE / "packages" / source))

    def _run(self, program: str, *arguments: str) -> None:
        command = [str(toolchain.find(program)), *arguments]
        done = subprocess.run(command, cwd=self._folder, capture_output=True, text=True, check=False, stdin=subprocess.DEVNULL)
        assert done.returncode == 0, f"{' '.join(command)}\n{done.stdout}{done.stderr}"
