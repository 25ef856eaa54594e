/*
 * Copyright (c) 2026, the entra.app_proxy authors
 * GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
 * SPDX-License-Identifier: GPL-3.0-or-later
 */

#include "door.h"

#include <stdio.h>

void json_raw(const char *text)
{
    fputs(text, stdout);
}

void json_text(const WCHAR *text)
{
    putchar('"');
    for (; *text; text++) {
        /* A pair of surrogates becomes two escapes, which is what JSON wants. */
        if (*text < 0x20 || *text > 0x7e || *text == '"' || *text == '\\')
            printf("\\u%04x", *text);
        else
            putchar(*text);
    }
    putchar('"');
}

void json_number(long long number)
{
    printf("%lld", number);
}

void json_error(const char *what, unsigned long code)
{
    printf("{\"error\": \"%s\", \"code\": %lu}", what, code);
}
