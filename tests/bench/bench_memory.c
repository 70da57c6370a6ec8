/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "bench.h"

#include <stdio.h>
#include <string.h>

double
bench_private_memory(void)
{
    FILE *file = fopen("/proc/self/smaps_rollup", "r");
    double kib, sum = 0;
    char line[256];

    if (file == NULL)
        return 0;
    while (fgets(line, sizeof(line), file) != NULL) {
        if (strncmp(line, "Private_", 8) == 0 && sscanf(line, "%*[^:]: %lf", &kib) == 1)
            sum += kib * 1024;
    }
    fclose(file);
    return sum;
}
