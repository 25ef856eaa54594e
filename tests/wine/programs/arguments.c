/*
 * Copyright (c) 2026, the entra.app_proxy authors
 * GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
 * SPDX-License-Identifier: GPL-3.0-or-later
 */

/* Prints each of its arguments on a line of its own, as the C runtime gives them. */

#include <stdio.h>

int main(int count, char **arguments)
{
    int i;

    for (i = 1; i < count; i++)
        printf("[%s]\n", arguments[i]);
    return 0;
}
