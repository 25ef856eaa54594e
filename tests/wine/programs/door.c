/*
 * Copyright (c) 2026, the entra.app_proxy authors
 * GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
 * SPDX-License-Identifier: GPL-3.0-or-later
 */

/*
 * The lab's door into Wine. A question: a line with its verb, a line with the number of parameters, then one line for each,
 * in the order given below. The answer: one line. It stays open, because to start a program costs more than most questions.
 */

#include "door.h"

#include <fcntl.h>
#include <io.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define MAX_PARAMETERS 256

static const struct {
    const char *verb;
    int parameters; /* at least */
    void (*run)(WCHAR **parameters, int count);
} VERBS[] = {
    {"query", 2, wmi_query},              /* namespace, WQL */
    {"call", 3, wmi_call},                /* namespace, object path, method, then NAME=VALUE of each argument */
    {"files", 1, file_facts},             /* paths */
    {"values", 3, registry_values},       /* hive as a number, then key and value name of each */
    {"set-dword", 4, set_dword},          /* hive, key, value name, number */
    {"delete-value", 3, delete_value},    /* hive, key, value name */
    {"start-mode", 2, set_start_mode},    /* service, start type as a number */
    {"run", 4, run_command},              /* command line, files for standard input, output, error output */
    {"certificate", 1, trust_certificate} /* file with a DER certificate */
};

/* A line of any length without its end; NULL at the end of the input. */
static char *next_line(void)
{
    size_t size = 0, room = 256;
    char *text = malloc(room);
    int character;

    while ((character = getchar()) != EOF && character != '\n') {
        if (size + 1 == room)
            text = realloc(text, room *= 2);
        text[size++] = character;
    }
    text[size] = 0;
    return character == EOF ? NULL : text;
}

static WCHAR *wide(const char *utf8)
{
    int length = MultiByteToWideChar(CP_UTF8, 0, utf8, -1, NULL, 0);
    WCHAR *text = malloc(length * sizeof(WCHAR));

    MultiByteToWideChar(CP_UTF8, 0, utf8, -1, text, length);
    return text;
}

static void answer(const char *verb, WCHAR **parameters, int count)
{
    size_t i;

    for (i = 0; i < sizeof(VERBS) / sizeof(*VERBS); i++) {
        if (!strcmp(verb, VERBS[i].verb) && count >= VERBS[i].parameters) {
            VERBS[i].run(parameters, count);
            return;
        }
    }
    json_error("a question that the door does not know", 0);
}

int main(void)
{
    WCHAR *parameters[MAX_PARAMETERS];
    char *verb;
    int count, i;

    _setmode(_fileno(stdin), _O_BINARY);
    _setmode(_fileno(stdout), _O_BINARY);
    wmi_begin();
    while ((verb = next_line())) {
        count = atoi(next_line());
        for (i = 0; i < count && i < MAX_PARAMETERS; i++)
            parameters[i] = wide(next_line());
        answer(verb, parameters, i);
        json_raw("\n");
        fflush(stdout);
        for (i--; i >= 0; i--)
            free(parameters[i]);
        free(verb);
    }
    return 0;
}
