/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* smtpsec memory: what is remembered of destinations. */
#include <stdio.h>
#include <string.h>

#include <smtpsec.h>

#include "commands.h"
#include "events.h"
#include "print_json.h"
#include "print_table.h"
#include "setup.h"
#include "text.h"

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

static int
run(struct tool_options *options, const char *verb, const char *domain)
{
    struct smtpsec_context *context = NULL;
    struct tool_events events = {NULL, 0};
    int writes = strcmp(verb, "forget") == 0;
    int code = setup_context(options, writes ? SETUP_MEMORY_WRITE : SETUP_MEMORY_READ, NULL,
                             &context);

    if (code == 0)
        code = writes ? forget(options, context, domain) : print_claims(options, context, domain);
    if (context != NULL)
        events_take(&events, context);
    events_say(&events);
    events_free(&events);
    smtpsec_context_free(context);
    return code;
}

int
memory_command(struct tool_options *options)
{
    size_t count = options->operand_count;
    const char *verb = count > 0 ? options->operands[0] : "";
    int names_one = strcmp(verb, "show") == 0 || strcmp(verb, "forget") == 0;

    if (options->memory == NULL)
        return options_usage(COMMAND_MEMORY, "which memory? give --memory");
    if (names_one && count == 2)
        return run(options, verb, options->operands[1]);
    if (strcmp(verb, "list") == 0 && count == 1)
        return run(options, verb, NULL);
    return options_usage(COMMAND_MEMORY, "wanted: list, show DOMAIN or forget DOMAIN");
}
