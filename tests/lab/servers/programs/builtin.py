# Copyright (c) 2026, the entra.app_proxy authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Commands of cmd.exe and small tools [DOC; messages as English Windows prints them, INF]."""

from __future__ import annotations

from tests.lab.servers.programs.process import Result, Start


def hostname(start: Start) -> Result:
    """hostname.exe"""
    return Result(stdout=f"{start.server.machine_name}\r\n")


def whoami(start: Start) -> Result:
    """whoami.exe"""
    return Result(stdout=f"{start.server.machine_name.lower()}\\{start.server.user.lower()}\r\n")


def echo(start: Start) -> Result:
    """echo text"""
    return Result(stdout=" ".join(start.arguments) + "\r\n")


def leave(start: Start) -> Result:
    """exit [/b] code"""
    numbers = [argument for argument in start.arguments if argument.lower() != "/b"]
    return Result(int(numbers[0]) if numbers and numbers[0].lstrip("-").isdigit() else 0)


def mkdir(start: Start) -> Result:
    """mkdir: makes the folders above too; 1 when the folder is there."""
    errors = []
    for path in start.arguments:
        try:
            made = start.server.files.make_folder(path)
        except ValueError:
            errors.append("The filename, directory name, or volume label syntax is incorrect.")
            continue
        if made:
            start.server.changed("cmd.exe", "make folder", path=path)
        else:
            errors.append(f"A subdirectory or file {path} already exists.")
    return Result(1 if errors else 0, stderr="".join(f"{error}\r\n" for error in errors))


def rmdir(start: Start) -> Result:
    """rmdir [/s] [/q] path: without /s only an empty folder."""
    switches = {argument.lower() for argument in start.arguments if argument.startswith("/")}
    errors = []
    for path in (argument for argument in start.arguments if not argument.startswith("/")):
        if not start.server.files.is_folder(path):
            errors.append("The system cannot find the file specified.")
        elif "/s" not in switches and start.server.files.below(path):
            errors.append("The directory is not empty.")
        else:
            start.server.files.remove(path)
            start.server.changed("cmd.exe", "remove folder", path=path)
    return Result(1 if errors else 0, stderr="".join(f"{error}\r\n" for error in errors))
