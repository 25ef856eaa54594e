# Copyright (c) 2026, the entra.app_proxy authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# Removes files and folders with all that is in them. A path that does not exist is neither removed nor failed.
param($arguments)

$removed = @()
$failed = @()
foreach ($path in $arguments.paths) {
    try {
        if (-not (Test-Path -LiteralPath $path)) { continue }
        Remove-Item -LiteralPath $path -Recurse -Force -ErrorAction Stop
        $removed += [string]$path
    } catch {
        $failed += @{ path = [string]$path; error = [string]$_.Exception.Message }
    }
}
ConvertTo-Json -InputObject @{ removed = $removed; failed = $failed } -Compress -Depth 4
