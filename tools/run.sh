#!/bin/sh
# Copyright (c) 2026, the entra.app_proxy authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# usage: run.sh TOOL [ARGUMENT...]   runs tools/TOOL.py with the newest usable Python
#        run.sh --find [VERSION]     prints that interpreter, or nothing and exit code 1
#
# Usable means: it really starts and can build a virtual environment. The first python3 on PATH is often neither the
# newest nor usable (version manager shims without a version behind them, Debian's python3 without ensurepip).
set -eu
cd "$(dirname "$0")/.."

# Only versions that ansible-core and the locks under requirements/ are made for.
versions="3.14 3.13 3.12 3.11"

resolve() { # COMMAND VERSION
    "$1" -c '
import sys, venv, ensurepip, ssl
if "%d.%d" % sys.version_info[:2] != sys.argv[1] or sys.implementation.name != "cpython":
    sys.exit(1)
print(sys.executable)' "$2" 2>/dev/null
}

find_python() { # VERSION...
    for version in "$@"; do
        for candidate in "python$version" python3 \
            "$HOME/.pyenv/versions/$version".*/bin/python "$HOME/.local/bin/python$version" \
            "/usr/bin/python$version" "/usr/local/bin/python$version" "/opt/homebrew/bin/python$version" \
            /opt/*/bin/"python$version"; do
            resolve "$candidate" "$version" </dev/null && return 0
        done
    done
    return 1
}

if [ "${1:-}" = --find ]; then
    shift
    # shellcheck disable=SC2086 # the list is meant to be split
    find_python ${1:-$versions}
    exit
fi

python=.build/venv/bin/python
if ! "$python" -c 'import ssl' >/dev/null 2>&1; then
    # shellcheck disable=SC2086
    python=$(find_python $versions) || {
        echo "No usable Python found: one of $versions with venv and ensurepip is needed (on Debian: apt install python3-venv)." >&2
        exit 1
    }
fi
tool=$1
shift
exec "$python" "tools/$tool.py" "$@"
