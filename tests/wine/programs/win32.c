/*
 * Copyright (c) 2026, the entra.app_proxy authors
 * GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
 * SPDX-License-Identifier: GPL-3.0-or-later
 */

#include "door.h"

#include <stdio.h>
#include <stdlib.h>
#include <wincrypt.h>

static void failed(const char *what)
{
    json_error(what, GetLastError());
}

static void show_version(WCHAR *path)
{
    DWORD ignored, size = GetFileVersionInfoSizeW(path, &ignored);
    void *data = size ? malloc(size) : NULL;
    VS_FIXEDFILEINFO *fixed;
    WCHAR text[64];
    UINT length;

    if (!data || !GetFileVersionInfoW(path, 0, size, data) || !VerQueryValueW(data, L"\\", (void **)&fixed, &length)) {
        json_raw("null");
        free(data);
        return;
    }
    swprintf(text, 64, L"%u.%u.%u.%u", HIWORD(fixed->dwFileVersionMS), LOWORD(fixed->dwFileVersionMS), HIWORD(fixed->dwFileVersionLS),
             LOWORD(fixed->dwFileVersionLS));
    json_text(text);
    free(data);
}

static void show_file(WCHAR *path)
{
    WIN32_FILE_ATTRIBUTE_DATA facts;

    if (!GetFileAttributesExW(path, GetFileExInfoStandard, &facts) || facts.dwFileAttributes & FILE_ATTRIBUTE_DIRECTORY) {
        json_raw("null");
        return;
    }
    json_raw("{\"size\": ");
    json_number((long long)facts.nFileSizeHigh << 32 | facts.nFileSizeLow);
    json_raw(", \"modified\": ");
    json_number((long long)facts.ftLastWriteTime.dwHighDateTime << 32 | facts.ftLastWriteTime.dwLowDateTime);
    json_raw(", \"version\": ");
    show_version(path);
    json_raw("}");
}

/* [{"size": bytes, "modified": FILETIME, "version": text}, ...] in the order of the paths; null where there is no such file */
void file_facts(WCHAR **parameters, int count)
{
    int i;

    json_raw("[");
    for (i = 0; i < count; i++) {
        if (i)
            json_raw(", ");
        show_file(parameters[i]);
    }
    json_raw("]");
}

static HKEY hive_of(const WCHAR *number)
{
    return (HKEY)(ULONG_PTR)wcstoul(number, NULL, 0);
}

static void show_value(HKEY hive, const WCHAR *path, const WCHAR *name)
{
    DWORD type, size = 0, i;
    BYTE *data;
    HKEY key;

    if (RegOpenKeyExW(hive, path, 0, KEY_READ | KEY_WOW64_64KEY, &key)) {
        json_raw("{\"missing\": \"key\"}");
        return;
    }
    if (RegQueryValueExW(key, name, NULL, &type, NULL, &size)) {
        json_raw("{\"missing\": \"value\"}");
    } else {
        data = malloc(size);
        RegQueryValueExW(key, name, NULL, &type, data, &size);
        json_raw("{\"type\": ");
        json_number(type);
        json_raw(", \"data\": [");
        for (i = 0; i < size; i++) {
            if (i)
                json_raw(",");
            json_number(data[i]);
        }
        json_raw("]}");
        free(data);
    }
    RegCloseKey(key);
}

/* [{"type": number, "data": [bytes]}, ...] in the order of the questions; {"missing": "key" or "value"} for what is not there */
void registry_values(WCHAR **parameters, int count)
{
    int i;

    json_raw("[");
    for (i = 1; i + 1 < count; i += 2) {
        if (i > 1)
            json_raw(", ");
        show_value(hive_of(parameters[0]), parameters[i], parameters[i + 1]);
    }
    json_raw("]");
}

/* {"code": 0, or the Windows error that StdRegProv would return} */
static void show_code(LONG code)
{
    json_raw("{\"code\": ");
    json_number(code);
    json_raw("}");
}

void set_dword(WCHAR **parameters, int count)
{
    DWORD number = wcstoul(parameters[3], NULL, 0);
    HKEY key;
    LONG code = RegOpenKeyExW(hive_of(parameters[0]), parameters[1], 0, KEY_SET_VALUE | KEY_WOW64_64KEY, &key);

    (void)count;
    if (!code) {
        code = RegSetValueExW(key, parameters[2], 0, REG_DWORD, (BYTE *)&number, sizeof(number));
        RegCloseKey(key);
    }
    show_code(code);
}

void delete_value(WCHAR **parameters, int count)
{
    HKEY key;
    LONG code = RegOpenKeyExW(hive_of(parameters[0]), parameters[1], 0, KEY_SET_VALUE | KEY_WOW64_64KEY, &key);

    (void)count;
    if (!code) {
        code = RegDeleteValueW(key, parameters[2]);
        RegCloseKey(key);
    }
    show_code(code);
}

void set_start_mode(WCHAR **parameters, int count)
{
    SC_HANDLE manager = OpenSCManagerW(NULL, NULL, SC_MANAGER_CONNECT);
    SC_HANDLE service = OpenServiceW(manager, parameters[0], SERVICE_CHANGE_CONFIG);
    DWORD start_type = wcstoul(parameters[1], NULL, 0);

    (void)count;
    if (ChangeServiceConfigW(service, SERVICE_NO_CHANGE, start_type, SERVICE_NO_CHANGE, NULL, NULL, NULL, NULL, NULL, NULL, NULL))
        json_raw("{}");
    else
        failed("change");
    /* A handle that stays open would keep the service when it is deleted. */
    CloseServiceHandle(service);
    CloseServiceHandle(manager);
}

static HANDLE inherited(const WCHAR *path, DWORD access, DWORD disposition)
{
    SECURITY_ATTRIBUTES security = {sizeof(security), NULL, TRUE};

    return CreateFileW(path, access, FILE_SHARE_READ | FILE_SHARE_WRITE, &security, disposition, FILE_ATTRIBUTE_NORMAL, NULL);
}

/* {"exit_code": all 32 bits of it}; the line is what Windows' remote shell would hand to cmd.exe */
void run_command(WCHAR **parameters, int count)
{
    size_t length = wcslen(parameters[0]) + 32;
    WCHAR *line = malloc(length * sizeof(WCHAR));
    STARTUPINFOW startup = {.cb = sizeof(startup), .dwFlags = STARTF_USESTDHANDLES};
    PROCESS_INFORMATION process;
    DWORD exit_code;

    (void)count;
    startup.hStdInput = inherited(parameters[1], GENERIC_READ, OPEN_EXISTING);
    startup.hStdOutput = inherited(parameters[2], GENERIC_WRITE, CREATE_ALWAYS);
    startup.hStdError = inherited(parameters[3], GENERIC_WRITE, CREATE_ALWAYS);
    swprintf(line, length, L"cmd.exe /c %ls", parameters[0]);
    if (CreateProcessW(NULL, line, NULL, NULL, TRUE, 0, NULL, NULL, &startup, &process)) {
        WaitForSingleObject(process.hProcess, INFINITE);
        GetExitCodeProcess(process.hProcess, &exit_code);
        json_raw("{\"exit_code\": ");
        json_number(exit_code);
        json_raw("}");
        CloseHandle(process.hProcess);
        CloseHandle(process.hThread);
    } else {
        failed("run");
    }
    CloseHandle(startup.hStdInput);
    CloseHandle(startup.hStdOutput);
    CloseHandle(startup.hStdError);
    free(line);
}

/* Put a certificate into the machine's personal store, as the connector's registration does. */
void trust_certificate(WCHAR **parameters, int count)
{
    HANDLE file = inherited(parameters[0], GENERIC_READ, OPEN_EXISTING);
    HCERTSTORE store = CertOpenStore(CERT_STORE_PROV_SYSTEM_W, 0, 0, CERT_SYSTEM_STORE_LOCAL_MACHINE, L"MY");
    BYTE content[8192];
    DWORD size;

    (void)count;
    if (ReadFile(file, content, sizeof(content), &size, NULL) &&
        CertAddEncodedCertificateToStore(store, X509_ASN_ENCODING, content, size, CERT_STORE_ADD_REPLACE_EXISTING, NULL))
        json_raw("{}");
    else
        failed("certificate");
    CertCloseStore(store, 0);
    CloseHandle(file);
}
