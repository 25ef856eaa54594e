# Copyright (c) 2026, the entra.app_proxy authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The environment of every tool: a virtual environment from the locks, and the collection on a path Ansible can import.

Standard library only: this is what runs before anything is installed. All of it lies under .build.
"""

from __future__ import annotations

import contextlib
import fcntl
import hashlib
import os
import pathlib
import shutil
import subprocess
import sys
import typing as t

ROOT = pathlib.Path(__file__).resolve().parent.parent
BUILD = ROOT / ".build"
COLLECTIONS = BUILD / "collections"
LOCKS = {
    "lab": ["requirements/lab.txt"],
    "servers": ["requirements/lab.txt"],
    "dev": ["requirements/lab.txt", "requirements/dev.txt"],
    "oldest": ["requirements/oldest.txt"],
    "newest": ["requirements/newest.txt"],
}
# What is installed on top where these programs are, because it is built with them. Tests that need it say when it is missing; whose own
# servers do not take Kerberos has no need of it.
KERBEROS = {"requirements/kerberos.txt": ("krb5-config", "cc")}
OPTIONAL = {"servers": KERBEROS, "dev": KERBEROS}


def ensure(kind: str, *, python: str = sys.executable, directory: str = "venv") -> pathlib.Path:
    """Return the C(bin) folder of the environment of C(kind) (a key of C(LOCKS)); build it when it is not as the locks say.

    Says nothing when there is nothing to do. Exits with pip's own words when the installation fails.
    """
    BUILD.mkdir(exist_ok=True)
    with _exclusive(BUILD / "environment.lock"):
        _link_collection()
        # Empty: without one, Ansible would read the user's own.
        (BUILD / "ansible.cfg").touch()
        place = BUILD / directory
        stamp, wanted = place / f".ready-{kind}", _fingerprint(kind)
        if _works(place) and stamp.exists() and stamp.read_text() == wanted:
            return place / "bin"
        _build(place, kind, python)
        stamp.write_text(wanted)
        return place / "bin"


def variables(binaries: pathlib.Path) -> dict[str, str]:
    """Return the environment variables for a command that works on this checkout and takes nothing from the user's own Ansible."""
    inherited = {name: value for name, value in os.environ.items() if name != "PYTHONPATH" and not name.startswith("ANSIBLE_")}
    return {
        **inherited,
        "PATH": os.pathsep.join([str(binaries), os.environ.get("PATH", os.defpath)]),
        "ANSIBLE_COLLECTIONS_PATH": str(COLLECTIONS),
        "ANSIBLE_HOME": str(BUILD / "ansible"),
        "ANSIBLE_CONFIG": str(BUILD / "ansible.cfg"),
        "ANSIBLE_LOCALHOST_WARNING": "false",
        "ANSIBLE_NOCOWS": "true",
    }


@contextlib.contextmanager
def _exclusive(path: pathlib.Path) -> t.Iterator[None]:
    """Hold a lock, so that two targets of one C(make -j) do not build the same environment."""
    with path.open("w") as handle:
        fcntl.flock(handle, fcntl.LOCK_EX)
        yield


def _link_collection() -> None:
    """Ansible finds a collection only below a folder ansible_collections/NAMESPACE/NAME; a checkout can lie anywhere."""
    link = COLLECTIONS / "ansible_collections" / "entra" / "app_proxy"
    if link.exists() and link.resolve() == ROOT:
        return
    link.parent.mkdir(parents=True, exist_ok=True)
    link.unlink(missing_ok=True)
    link.symlink_to(os.path.relpath(ROOT, link.parent), target_is_directory=True)


def _fingerprint(kind: str) -> str:
    digest = hashlib.sha256()
    for lock in [*LOCKS[kind], *_optional(kind)]:
        digest.update((ROOT / lock).read_bytes())
    return digest.hexdigest()


def _works(place: pathlib.Path) -> bool:
    """An environment survives neither the end of the interpreter it was made from nor being moved."""
    python, home = place / "bin" / "python", place / ".home"
    if not home.exists() or home.read_text() != str(place):
        return False
    return subprocess.run([python, "-c", "import pip"], capture_output=True, check=False).returncode == 0


def _build(place: pathlib.Path, kind: str, python: str) -> None:
    if not _works(place):
        shutil.rmtree(place, ignore_errors=True)
        base = _base_interpreter(python)
        _say(f"Creating {place.relative_to(ROOT)} with {base}")
        subprocess.run([base, "-m", "venv", str(place)], check=True)
        (place / ".home").write_text(str(place))
    for lock in LOCKS[kind]:
        _say(f"Installing {lock} (only the first time, and when it changes)")
        done = _install(place, lock)
        if done.returncode:
            sys.exit(f"{done.stdout}\nInstalling {lock} failed, see above. Running make again mends trouble of the network.")
    for lock in _optional(kind):
        _say(f"Building {lock} (only the first time, and when it changes; it takes some minutes)")
        done = _install(place, lock)
        if done.returncode:
            _say(f"{done.stdout}\nBuilding {lock} failed, see above. What needs it is not possible or skipped; all else goes on.")


def _optional(kind: str) -> list[str]:
    """The optional locks that this machine can build."""
    return [lock for lock, programs in OPTIONAL.get(kind, {}).items() if all(shutil.which(program) for program in programs)]


def _install(place: pathlib.Path, lock: str) -> subprocess.CompletedProcess[str]:
    pip = [str(place / "bin" / "python"), "-m", "pip", "install", "--quiet", "--disable-pip-version-check", "--no-input"]
    command = [*pip, "--require-hashes", "--no-deps", "-r", str(ROOT / lock)]
    return subprocess.run(command, check=False, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)


def _base_interpreter(python: str) -> str:
    """The interpreter behind a virtual environment, so that the new one does not hang on the old one."""
    script = "import sys; print(getattr(sys, '_base_executable', sys.executable))"
    return subprocess.run([python, "-c", script], check=True, capture_output=True, text=True).stdout.strip()


def _say(line: str) -> None:
    print(line, file=sys.stderr, flush=True)
