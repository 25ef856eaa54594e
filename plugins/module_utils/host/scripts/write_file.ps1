# Copyright (c) 2026, the entra.app_proxy authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# Writes one small file that exists and has not changed meanwhile: a temporary file beside it, then an atomic replace, which keeps
# its rights. Copies the former content to another file, unless that is there already. Decides nothing.
param($arguments)

$result = @{ ok = $false; copied = $false; error = $null }
$temporary = '{0}.{1}.tmp' -f $arguments.path, [guid]::NewGuid().ToString('N')
try {
    $found = (Get-FileHash -LiteralPath $arguments.path -Algorithm SHA256).Hash
    if ($found -ne $arguments.expected_sha256) { throw 'the file has changed since it was read; run the task again' }
    if (-not (Test-Path -LiteralPath $arguments.copy_to)) {
        Copy-Item -LiteralPath $arguments.path -Destination $arguments.copy_to
        $result.copied = $true
    }
    [IO.File]::WriteAllBytes($temporary, [Convert]::FromBase64String($arguments.content))
    # A plain $null would arrive as an empty path.
    [IO.File]::Replace($temporary, $arguments.path, [NullString]::Value)
    $result.ok = $true
} catch {
    $result.error = [string]$_.Exception.GetBaseException().Message
} finally {
    if (Test-Path -LiteralPath $temporary) { Remove-Item -LiteralPath $temporary -Force }
}
ConvertTo-Json -InputObject $result -Compress
