# Copyright (c) 2026, the entra.app_proxy authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# Opens TCP connections from this server, all at once; through an HTTP proxy with CONNECT where a target names one. Decides nothing.
param($arguments)

$limit = 1000 * [int]$arguments.timeout_seconds
$clock = [Diagnostics.Stopwatch]::StartNew()
$probes = @(foreach ($target in $arguments.targets) {
    $name = if ($target.proxy_host) { $target.proxy_host } else { $target.host }
    $result = @{ host = $target.host; port = $target.port; connected = $false; address = $null; answer = $null; error = $null }
    @{ target = $target; lookup = [Net.Dns]::GetHostAddressesAsync($name); result = $result; client = $null; attempt = $null }
})
foreach ($probe in $probes) {
    try {
        if (-not $probe.lookup.Wait([int][Math]::Max(1, $limit - $clock.ElapsedMilliseconds))) { throw 'the name was not resolved in time' }
        $address = @($probe.lookup.Result | Sort-Object -Property AddressFamily)[0]
        $probe.result.address = [string]$address
        $probe.client = New-Object -TypeName System.Net.Sockets.TcpClient -ArgumentList $address.AddressFamily
        $port = if ($probe.target.proxy_host) { $probe.target.proxy_port } else { $probe.target.port }
        $probe.attempt = $probe.client.ConnectAsync($address, [int]$port)
    } catch { $probe.result.error = [string]$_.Exception.GetBaseException().Message }
}
foreach ($probe in @($probes | Where-Object -FilterScript { $_.attempt })) {
    try {
        if (-not $probe.attempt.Wait([int][Math]::Max(1, $limit - $clock.ElapsedMilliseconds))) { throw 'no answer in time' }
        $probe.result.connected = $true
        if (-not $probe.target.proxy_host) { continue }
        $stream = $probe.client.GetStream()
        $stream.ReadTimeout = [int][Math]::Max(1000, $limit - $clock.ElapsedMilliseconds)
        $request = [Text.Encoding]::ASCII.GetBytes(("CONNECT {0}:{1} HTTP/1.1`r`nHost: {0}:{1}`r`n`r`n" -f $probe.target.host, $probe.target.port))
        $stream.Write($request, 0, $request.Length)
        $probe.result.answer = (New-Object -TypeName System.IO.StreamReader -ArgumentList $stream).ReadLine()
    } catch { $probe.result.error = [string]$_.Exception.GetBaseException().Message } finally { $probe.client.Close() }
}
ConvertTo-Json -InputObject @{ results = @($probes | ForEach-Object -Process { $_.result }) } -Compress -Depth 4
