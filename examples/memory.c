/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* smtpsec memory: what is remembered. The longer verbs stand in files of their own. */
#include <stdio.h>
#include <string.h>

#include <smtpsec.h>

#include "commands.h"
#include "events.h"
#include "memory.h"
#include "print_json.h"
#include "print_table.h"
#include "setup.h"
#include "text.h"

/* What is known beside the claims: runs of days and hours, zones, the policy that is held. */
static int
print_rest(void *user, const char *line)
{
    (void)user;
    if (strncmp(line, "claim ", 6) != 0 && strncmp(line, "smtpsec-memory ", 15) != 0)
        printf("  %s\n", line);
    return 0;
}

/* Print the claims of one domain, or of all. Returns an exit code. */
static int
print_claims(const struct tool_options *options, struct smtpsec_context *context,
             const char *domain)
{
    struct smtpsec_claims *claims = NULL;
    int rc = smtpsec_memory_list(context, domain, &claims);
    int code = tool_exit_of_error(rc);
    size_t i;

    if (rc != 0) {
        tool_say("memory: %s", smtpsec_strerror(rc));
    } else if (options->json) {
        for (i = 0; i < smtpsec_claims_count(claims); i++)
            json_print_line(json_claim(smtpsec_claims_get(claims, i)));
    } else {
        struct table_style style;

        table_style_init(&style, options->verbose || domain != NULL);
        table_claims(&style, claims);
        if (domain != NULL)
            code = tool_exit_of_error(smtpsec_memory_export(context, domain, print_rest, NULL));
    }
    if (rc == 0 && domain != NULL && smtpsec_claims_count(claims) == 0)
        code = TOOL_FAIL;
    smtpsec_claims_free(claims);
    return code;
}

static int
forget(const struct tool_options *options, struct smtpsec_context *context, const char *domain)
{
    int rc = smtpsec_memory_forget(context, domain);

    if (rc != 0 && rc != SMTPSEC_E_NOT_FOUND)
        tool_say("memory: %s", smtpsec_strerror(rc));
    if (options->json && (rc == 0 || rc == SMTPSEC_E_NOT_FOUND)) {
        json_t *object = json_new_object();

        json_put_text(object, "domain", domain);
        json_put_bool(object, "forgotten", rc == 0);
        json_print_line(object);
    } else if (rc == SMTPSEC_E_NOT_FOUND) {
        tool_say("nothing is known of that domain");
    }
    return tool_exit_of_error(rc);
}

struct verb {
    const char *name;
    int writes;
    size_t least, most; /* domains that are wanted */
};

static const struct verb verbs[] = {
    {"list", 0, 0, 0},  {"show", 0, 1, 1},  {"forget", 1, 1, 1}, {"export", 0, 0, 1},
    {"prune", 1, 0, 0}, {"stats", 0, 0, 0}, {"check", 0, 0, 0},
};

static const struct verb *
find_verb(const char *name)
{
    size_t i;

    for (i = 0; i < sizeof(verbs) / sizeof(verbs[0]); i++) {
        if (strcmp(name, verbs[i].name) == 0)
            return &verbs[i];
    }
    return NULL;
}

static int
act(const struct tool_options *options, struct smtpsec_context *context, const char *verb,
    const char *domain)
{
    if (strcmp(verb, "forget") == 0)
        return forget(options, context, domain);
    if (strcmp(verb, "export") == 0)
        return memory_export(context, domain);
    if (strcmp(verb, "prune") == 0)
        return memory_prune(options, context);
    if (strcmp(verb, "stats") == 0)
        return memory_stats(options, context);
    if (strcmp(verb, "check") == 0)
        return memory_check(options, context);
    return print_claims(options, context, domain);
}

static int
run(struct tool_options *options, const struct verb *verb, const char *domain)
{
    struct smtpsec_context *context = NULL;
    struct tool_events events = {NULL, 0};
    int code = setup_context(options, verb->writes ? SETUP_MEMORY_WRITE : SETUP_MEMORY_READ, NULL,
                             &context);

    if (code == 0)
        code = act(options, context, verb->name, domain);
    if (context != NULL)
        events_take(&events, context);
    events_say(&events);
    events_free(&events);
    smtpsec_context_free(context);
    return code;
}

/* promote KIND [DOMAIN]... */
static int
promote(struct tool_options *options)
{
    int32_t kind;

    if ((options->commands & COMMAND_PROMOTE) == 0 || options->operand_count < 2)
        return options_usage(COMMAND_MEMORY | COMMAND_PROMOTE,
                             "wanted: promote KIND [DOMAIN]..., and options of an evaluation");
    for (kind = SMTPSEC_CLAIM_DANE; kind <= SMTPSEC_CLAIM_DNSSEC; kind++) {
        if (strcmp(options->operands[1], smtpsec_claim_name(kind)) == 0)
            return memory_promote(options, kind, options->operands + 2,
                                  options->operand_count - 2);
    }
    return options_usage(COMMAND_MEMORY | COMMAND_PROMOTE,
                         "KIND is dane, mta-sts, encrypted or dnssec");
}

int
memory_command(struct tool_options *options)
{
    size_t count = options->operand_count;
    const char *name = count > 0 ? options->operands[0] : "";
    const struct verb *verb = find_verb(name);

    if (options->memory == NULL)
        return options_usage(COMMAND_MEMORY, "which memory? give --memory");
    if (strcmp(name, "promote") == 0)
        return promote(options);
    if (verb == NULL || count - 1 < verb->least || count - 1 > verb->most)
        return options_usage(COMMAND_MEMORY, "wanted: list, show DOMAIN, forget DOMAIN, export "
                                             "[DOMAIN], prune, stats, check or promote KIND");
    if ((options->commands & COMMAND_MEMORY) == 0)
        return options_usage(COMMAND_MEMORY, "that option is for promote");
    return run(options, verb, count > 1 ? options->operands[1] : NULL);
}
