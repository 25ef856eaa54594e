# Copyright (c) 2026, the entra.app_proxy authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# Reads small files whole, also while another process writes them. A file that is missing or too large is null; why stands in errors.
param($arguments)

$files = @{}
$errors = @{}
foreach ($path in $arguments.paths) {
    $files[$path] = $null
    try {
        if (-not (Test-Path -LiteralPath $path -PathType Leaf)) { continue }
        $stream = New-Object -TypeName System.IO.FileStream -ArgumentList $path, 'Open', 'Read', 'ReadWrite'
        try {
            if ($stream.Length -gt $arguments.max_bytes) { throw ('larger than {0} bytes: {1}' -f $arguments.max_bytes, $stream.Length) }
            $memory = New-Object -TypeName System.IO.MemoryStream
            $stream.CopyTo($memory)
            $files[$path] = [Convert]::ToBase64String($memory.ToArray())
        } finally {
            $stream.Dispose()
        }
    } catch {
        $errors[$path] = [string]$_.Exception.Message
    }
}
ConvertTo-Json -InputObject @{ files = $files; errors = $errors } -Compress -Depth 4
