/*
 * Copyright (c) 2026, the entra.app_proxy authors
 * GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
 * SPDX-License-Identifier: GPL-3.0-or-later
 */

/* What door.exe is made of. A question is answered with one JSON document that holds no line break. */

#ifndef DOOR_H
#define DOOR_H

#define COBJMACROS
#define CINTERFACE
#include <windows.h>

/* json.c: the only way to standard output. */
void json_raw(const char *text);
void json_text(const WCHAR *text);
void json_number(long long number);
void json_error(const char *what, unsigned long code);

/* wmi.c: classes through COM, as any WMI client asks for them. */
void wmi_begin(void);
void wmi_query(WCHAR **parameters, int count);
void wmi_call(WCHAR **parameters, int count);

/* win32.c: what Wine's WMI does not know, asked of the system itself. */
void file_facts(WCHAR **parameters, int count);
void registry_values(WCHAR **parameters, int count);
void set_dword(WCHAR **parameters, int count);
void delete_value(WCHAR **parameters, int count);
void set_start_mode(WCHAR **parameters, int count);
void run_command(WCHAR **parameters, int count);
void trust_certificate(WCHAR **parameters, int count);

#endif
