/*
 * Copyright (c) 2026, the entra.app_proxy authors
 * GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
 * SPDX-License-Identifier: GPL-3.0-or-later
 */

/*
 * Stands for the connector's installer, which is a program around two packages: "/q" installs or repairs both,
 * "/uninstall /quiet" removes both. Its exit code is the first that is not 0.
 */

#include <stdio.h>
#include <wchar.h>
#include <windows.h>
#include <msi.h>

/* The packages are in the program as resources; the numbers are those of installer.rc. */
static const struct {
    const WCHAR *product;
    int package;
    const WCHAR *file;
} PRODUCTS[] = {{CONNECTOR_PRODUCT, 1, L"stub-connector.msi"}, {UPDATER_PRODUCT, 2, L"stub-updater.msi"}};

static DWORD msiexec(const WCHAR *verb, const WCHAR *what, const WCHAR *properties)
{
    STARTUPINFOW startup = {.cb = sizeof(startup)};
    PROCESS_INFORMATION process;
    WCHAR line[2 * MAX_PATH];
    DWORD exit_code;

    swprintf(line, 2 * MAX_PATH, L"msiexec.exe %ls \"%ls\" %ls /qn", verb, what, properties);
    if (!CreateProcessW(NULL, line, NULL, NULL, FALSE, 0, NULL, NULL, &startup, &process))
        return ERROR_INSTALL_FAILURE;
    WaitForSingleObject(process.hProcess, INFINITE);
    GetExitCodeProcess(process.hProcess, &exit_code);
    return exit_code;
}

static BOOL unpack(int package, const WCHAR *path)
{
    HRSRC resource = FindResourceW(NULL, MAKEINTRESOURCEW(package), (const WCHAR *)RT_RCDATA);
    HANDLE file = CreateFileW(path, GENERIC_WRITE, 0, NULL, CREATE_ALWAYS, FILE_ATTRIBUTE_NORMAL, NULL);
    DWORD written;
    BOOL done = resource && WriteFile(file, LockResource(LoadResource(NULL, resource)), SizeofResource(NULL, resource), &written, NULL);

    CloseHandle(file);
    return done;
}

static DWORD install(const WCHAR *product, int package, const WCHAR *file)
{
    WCHAR path[2 * MAX_PATH];
    DWORD exit_code;

    /* As bundles do it: Wine has no "msiexec /f". */
    if (MsiQueryProductStateW(product) == INSTALLSTATE_DEFAULT)
        return msiexec(L"/i", product, L"REINSTALL=ALL REINSTALLMODE=omus");
    GetTempPathW(MAX_PATH, path);
    wcscat(path, file);
    if (!unpack(package, path))
        return ERROR_INSTALL_PACKAGE_OPEN_FAILED;
    exit_code = msiexec(L"/i", path, L"");
    DeleteFileW(path);
    return exit_code;
}

static DWORD uninstall(const WCHAR *product)
{
    return MsiQueryProductStateW(product) == INSTALLSTATE_DEFAULT ? msiexec(L"/x", product, L"") : ERROR_SUCCESS;
}

int main(void)
{
    const WCHAR *line = GetCommandLineW();
    DWORD first = ERROR_SUCCESS, code;
    size_t i;

    if (!wcsstr(line, L" /q"))
        return ERROR_INSTALL_USEREXIT; /* nobody is there to click */
    for (i = 0; i < sizeof(PRODUCTS) / sizeof(*PRODUCTS); i++) {
        if (wcsstr(line, L" /uninstall"))
            code = uninstall(PRODUCTS[i].product);
        else
            code = install(PRODUCTS[i].product, PRODUCTS[i].package, PRODUCTS[i].file);
        if (!first)
            first = code;
    }
    return first;
}
