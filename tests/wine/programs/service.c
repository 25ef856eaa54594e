/*
 * Copyright (c) 2026, the entra.app_proxy authors
 * GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
 * SPDX-License-Identifier: GPL-3.0-or-later
 */

/* A service that runs and stops when it is told, and nothing else. Compiled once for each product, with its SERVICE_NAME. */

#include <windows.h>

static SERVICE_STATUS_HANDLE manager;
static HANDLE stop_wanted;

static void tell(DWORD state)
{
    SERVICE_STATUS status = {.dwServiceType = SERVICE_WIN32_OWN_PROCESS, .dwCurrentState = state};

    if (state == SERVICE_RUNNING)
        status.dwControlsAccepted = SERVICE_ACCEPT_STOP | SERVICE_ACCEPT_SHUTDOWN;
    SetServiceStatus(manager, &status);
}

static DWORD WINAPI on_control(DWORD control, DWORD type, void *data, void *context)
{
    (void)type, (void)data, (void)context;
    if (control == SERVICE_CONTROL_INTERROGATE)
        return NO_ERROR;
    if (control != SERVICE_CONTROL_STOP && control != SERVICE_CONTROL_SHUTDOWN)
        return ERROR_CALL_NOT_IMPLEMENTED;
    tell(SERVICE_STOP_PENDING);
    SetEvent(stop_wanted);
    return NO_ERROR;
}

static void WINAPI service_main(DWORD count, WCHAR **arguments)
{
    (void)count, (void)arguments;
    stop_wanted = CreateEventW(NULL, TRUE, FALSE, NULL);
    manager = RegisterServiceCtrlHandlerExW(SERVICE_NAME, on_control, NULL);
    tell(SERVICE_START_PENDING);
    tell(SERVICE_RUNNING);
    WaitForSingleObject(stop_wanted, INFINITE);
    tell(SERVICE_STOPPED);
}

int main(void)
{
    SERVICE_TABLE_ENTRYW services[] = {{(WCHAR *)SERVICE_NAME, service_main}, {NULL, NULL}};

    return StartServiceCtrlDispatcherW(services) ? 0 : 1;
}
