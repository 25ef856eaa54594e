# Copyright (c) 2026, the entra.app_proxy authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# Calls Microsoft's own registration: RegisterConnector.ps1 when there is one that takes the parameters, else the cmdlet of the module.
param($arguments, $secrets)

$result = @{ invoked = $null; ok = $false; error = $null }
try {
    $parameters = @{ AuthenticationMode = $arguments.mode; Feature = $arguments.feature }
    if ($arguments.mode -eq 'Token') {
        $parameters.Token = $secrets.token
    } else {
        $kind = 'System.Management.Automation.PSCredential'
        $parameters.UserCredentials = New-Object -TypeName $kind -ArgumentList $arguments.user, $secrets.password
    }
    if ($arguments.tenant_id) { $parameters.TenantId = $arguments.tenant_id }
    if ($arguments.environment) { $parameters.EnvironmentName = $arguments.environment }
    $below = @{ LiteralPath = $arguments.install_dir; Recurse = $true; File = $true; ErrorAction = 'SilentlyContinue' }
    $found = Get-ChildItem @below -Filter 'RegisterConnector.ps1' | Select-Object -First 1
    if ($found -and $arguments.environment) {
        if (-not (Get-Command -Name $found.FullName).Parameters.ContainsKey('EnvironmentName')) { $found = $null }
    }
    $ErrorActionPreference = 'Continue'
    if ($found) {
        $result.invoked = 'script'
        $output = & $found.FullName -modulePath $arguments.module_dir -moduleName $arguments.module_name @parameters *>&1
    } else {
        $result.invoked = 'cmdlet'
        $module = Get-ChildItem @below -Filter ($arguments.module_name + '.psd1') | Select-Object -First 1
        if (-not $module) { throw ('no registration script and no module below ' + $arguments.install_dir) }
        Import-Module -Name $module.FullName -ErrorAction Stop
        $output = & $arguments.cmdlet @parameters *>&1
    }
    $errors = @($output | Where-Object { $_ -is [System.Management.Automation.ErrorRecord] })
    if ($errors) { $result.error = [string]$errors[-1].Exception.Message } else { $result.ok = $true }
} catch {
    $result.error = [string]$_.Exception.Message
}
ConvertTo-Json -InputObject $result -Compress
