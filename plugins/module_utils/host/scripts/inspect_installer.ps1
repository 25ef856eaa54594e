# Copyright (c) 2026, the entra.app_proxy authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# What the installer file is: hash, version and Authenticode signature. Decides nothing.
param($arguments)

$result = @{
    exists = $false; sha256 = $null; size = $null; file_version = $null
    signature_status = $null; signer_subject = $null; error = $null
}
try {
    if (Test-Path -LiteralPath $arguments.path -PathType Leaf) {
        $result.exists = $true
        $file = Get-Item -LiteralPath $arguments.path -Force
        $result.size = [long]$file.Length
        $version = $file.VersionInfo
        if ($version.FileVersion) {
            $parts = $version.FileMajorPart, $version.FileMinorPart, $version.FileBuildPart, $version.FilePrivatePart
            $result.file_version = $parts -join '.'
        }
        $result.sha256 = [string](Get-FileHash -LiteralPath $arguments.path -Algorithm SHA256).Hash.ToLowerInvariant()
        $signature = Get-AuthenticodeSignature -LiteralPath $arguments.path
        $result.signature_status = $signature.Status.ToString()
        if ($signature.SignerCertificate) { $result.signer_subject = [string]$signature.SignerCertificate.Subject }
    }
} catch {
    $result.error = [string]$_.Exception.Message
}
ConvertTo-Json -InputObject $result -Compress
