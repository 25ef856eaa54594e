# Copyright (c) 2026, the entra.app_proxy authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# Ends of the logs in the TEMP folder of this user (and the one above, where TEMP is a folder per session), newest first. Decides nothing.
param($arguments)

$since = [DateTime]::UtcNow.AddSeconds(-[int]$arguments.seconds)
$folders = @($env:TEMP, (Split-Path -Path $env:TEMP -Parent)) | Where-Object -FilterScript { (Split-Path -Path $_ -Leaf) -ne 'Local' }
$found = @(Get-ChildItem -LiteralPath $folders -Filter '*.log' -File -ErrorAction SilentlyContinue |
    Where-Object -FilterScript { $_.LastWriteTimeUtc -ge $since } | Sort-Object -Property LastWriteTimeUtc -Descending | Select-Object -First 5)
$logs = @(foreach ($file in $found) {
    $log = @{ path = [string]$file.FullName; tail = $null; error = $null }
    try {
        $stream = New-Object -TypeName System.IO.FileStream -ArgumentList $file.FullName, 'Open', 'Read', 'ReadWrite'
        try {
            $null = $stream.Seek([Math]::Max(0, $stream.Length - [int]$arguments.max_bytes), 'Begin')
            $memory = New-Object -TypeName System.IO.MemoryStream
            $stream.CopyTo($memory)
            $log.tail = [Convert]::ToBase64String($memory.ToArray())
        } finally {
            $stream.Dispose()
        }
    } catch {
        $log.error = [string]$_.Exception.Message
    }
    $log
})
ConvertTo-Json -InputObject @{ logs = $logs } -Compress -Depth 4
