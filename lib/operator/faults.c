/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "operator/faults.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

static void
remove_last_harmless(struct smtpsec_faults *faults)
{
    size_t i = faults->count;

    while (i > 0 && !faults->list[i - 1].harmless)
        i--;
    if (i == 0)
        return;
    memmove(&faults->list[i - 1], &faults->list[i], (faults->count - i) * sizeof(faults->list[0]));
    faults->count--;
}

void
ss_fault_add(struct smtpsec_faults *faults, uint32_t line, bool harmless, const char *format, ...)
{
    struct ss_fault *fault;
    va_list args;
    size_t at;

    if (faults->count == SS_FAULTS_MAX && !harmless)
        remove_last_harmless(faults);
    if (faults->count == SS_FAULTS_MAX)
        return;
    /* By lines: what only the whole file shows is found last. */
    at = faults->count;
    while (at > 0 && faults->list[at - 1].line > line)
        at--;
    fault = &faults->list[at];
    memmove(fault + 1, fault, (faults->count - at) * sizeof(*fault));
    faults->count++;
    fault->line = line;
    fault->harmless = harmless;
    va_start(args, format);
    if (vsnprintf(fault->text, sizeof(fault->text), format, args) < 0)
        fault->text[0] = '\0';
    va_end(args);
}

const struct ss_fault *
ss_faults_first(const struct smtpsec_faults *faults)
{
    size_t i;

    for (i = 0; i < faults->count; i++)
        if (!faults->list[i].harmless)
            return &faults->list[i];
    return NULL;
}
