# Copyright (c) 2026, the entra.app_proxy authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# Downloads one file to the server, through a proxy when one is given. Decides nothing.
param($arguments)

$result = @{ ok = $false; size = $null; error = $null }
try {
    $ProgressPreference = 'SilentlyContinue'
    [Net.ServicePointManager]::SecurityProtocol = [Net.ServicePointManager]::SecurityProtocol -bor [Net.SecurityProtocolType]::Tls12
    $folder = Split-Path -Path $arguments.destination -Parent
    if (-not (Test-Path -LiteralPath $folder)) { $null = New-Item -Path $folder -ItemType Directory -Force }
    $request = @{
        Uri = $arguments.url; OutFile = $arguments.destination
        TimeoutSec = [int]$arguments.timeout_seconds; UseBasicParsing = $true
    }
    if ($arguments.proxy) { $request.Proxy = $arguments.proxy }
    $null = Invoke-WebRequest @request
    $result.size = [long](Get-Item -LiteralPath $arguments.destination -Force).Length
    $result.ok = $true
} catch {
    $result.error = [string]$_.Exception.Message
}
ConvertTo-Json -InputObject $result -Compress
