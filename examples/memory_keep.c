/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* smtpsec memory export, prune, stats, check: to keep a memory in order. */
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "memory.h"
#include "print_json.h"
#include "text.h"

/* What a callback gives to stop: no code of the library is positive. */
enum { WRITE_FAILED = 1 };

static int
fail(int error)
{
    tool_say("memory: %s", smtpsec_strerror(error));
    return tool_exit_of_error(error);
}

/* ---- Export ---- */

static int
write_line(void *user, const char *line)
{
    (void)user;
    return fputs(line, stdout) < 0 || putchar('\n') == EOF ? WRITE_FAILED : 0;
}

int
memory_export(struct smtpsec_context *context, const char *domain)
{
    int rc = smtpsec_memory_export(context, domain, write_line, NULL);

    /* An export that is not whole must not pass for one; main() says so once. */
    if (rc == WRITE_FAILED)
        return TOOL_IO;
    return rc == 0 ? TOOL_OK : fail(rc);
}

/* ---- Prune ---- */

int
memory_prune(const struct tool_options *options, struct smtpsec_context *context)
{
    size_t removed = 0;
    int rc = smtpsec_memory_prune(context, &removed);
    json_t *object;

    if (!options->json) {
        printf("removed %zu\n", removed);
    } else {
        object = json_new_object();
        json_put_number(object, "removed", (int64_t)removed);
        json_print_line(object);
    }
    return rc == 0 ? TOOL_OK : fail(rc);
}

/* ---- Stats ---- */

int
memory_stats(const struct tool_options *options, struct smtpsec_context *context)
{
    struct smtpsec_stats *stats = NULL;
    int rc = smtpsec_memory_stats(context, &stats);
    json_t *object;
    size_t i;

    if (rc != 0)
        return fail(rc);
    for (i = 0; smtpsec_stats_name(stats, i) != NULL; i++) {
        if (!options->json) {
            printf("%-20s %" PRIu64 "\n", smtpsec_stats_name(stats, i),
                   smtpsec_stats_value(stats, i));
            continue;
        }
        object = json_new_object();
        json_put_text(object, "name", smtpsec_stats_name(stats, i));
        json_put_number(object, "value", (int64_t)smtpsec_stats_value(stats, i));
        json_print_line(object);
    }
    smtpsec_stats_free(stats);
    return TOOL_OK;
}

/* ---- Check ---- */

/* Entries that cannot be read are comments of an export. */
static int
show_fault(void *user, const char *line)
{
    const int *as_json = user;
    json_t *object;

    if (line[0] != '#')
        return 0;
    if (!*as_json) {
        printf("%s\n", line + 2);
        return 0;
    }
    object = json_new_object();
    json_put_text(object, "fault", line + 2);
    json_print_line(object);
    return 0;
}

int
memory_check(const struct tool_options *options, struct smtpsec_context *context)
{
    size_t faults = 0;
    int rc = smtpsec_memory_check(context, &faults);
    int as_json = options->json;
    json_t *object;

    if (rc == 0 && faults > 0)
        rc = smtpsec_memory_export(context, NULL, show_fault, &as_json);
    if (options->json) {
        object = json_new_object();
        json_put_number(object, "faults", (int64_t)faults);
        json_put_bool(object, "readable", rc == 0);
        json_print_line(object);
    } else if (rc == 0) {
        printf("faults %zu\n", faults);
    }
    if (rc != 0) {
        tool_say("memory: %s", smtpsec_strerror(rc));
        return TOOL_DEFER;
    }
    return faults > 0 ? TOOL_FAIL : TOOL_OK;
}
