/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * smtpsec explain: why mail to a domain goes as it does. The facts in the order
 * in which they were found, then each host, what it must show, and what would
 * satisfy a refusal. It evaluates as check does.
 */
#include "explain.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "commands.h"
#include "options.h"
#include "print_json.h"

enum { COLUMNS = 100 };

/* Print folded at blanks; what has no blank is cut where the line ends. */
static void
fold(int indent, const char *first, const char *text)
{
    size_t room = COLUMNS - (size_t)indent - strlen(first);
    size_t len = strlen(text), take;

    printf("%*s%s", indent, "", first);
    while (len > room) {
        for (take = room; take > 0 && text[take] != ' '; take--)
            continue;
        if (take == 0)
            take = room;
        printf("%.*s\n%*s", (int)take, text, indent + (int)strlen(first), "");
        text += take;
        text += *text == ' ';
        len = strlen(text);
    }
    printf("%s\n", text);
}

static void
print_step(size_t n, const char *rule, const char *rfc, const char *effect, const char *text)
{
    char head[160];

    snprintf(head, sizeof(head), "%2zu %s%s%s%s%s: ", n, effect, rule[0] != '\0' ? ", " : "", rule,
             rfc[0] != '\0' ? ", " : "", rfc);
    fold(2, head, text);
}

static void
print_origin(const char *source, const char *input, int64_t age)
{
    char head[80] = "";

    if (source[0] == '\0' && input[0] == '\0')
        return;
    if (age >= 0)
        snprintf(head, sizeof(head), "%s, %" PRId64 " s old: ", source, age);
    else
        snprintf(head, sizeof(head), "%s%s", source, input[0] != '\0' && source[0] ? ": " : "");
    fold(7, head, input);
}

static void
print_refusal(int32_t reason)
{
    if (reason == SMTPSEC_REASON_NONE)
        return;
    fold(5, "refused: ", smtpsec_reason_text(reason));
    if (smtpsec_reason_rfc(reason)[0] != '\0')
        fold(5, "by: ", smtpsec_reason_rfc(reason));
    fold(5, "met by: ", smtpsec_reason_met_by(reason));
}

static void
print_verdict(const struct smtpsec_verdict *verdict)
{
    size_t i;

    fold(5, "session: ", smtpsec_verdict_text(verdict));
    for (i = 0; i < smtpsec_verdict_explain_count(verdict); i++) {
        print_step(i + 1, smtpsec_verdict_explain_rule(verdict, i),
                   smtpsec_verdict_explain_rfc(verdict, i),
                   smtpsec_verdict_explain_effect(verdict, i),
                   smtpsec_verdict_explain_text(verdict, i));
        print_origin(smtpsec_verdict_explain_source(verdict, i),
                     smtpsec_verdict_explain_input(verdict, i), -1);
    }
    if (!smtpsec_verdict_accepted(verdict)) {
        print_refusal(smtpsec_verdict_reason(verdict));
        fold(5, "in a DSN: ", smtpsec_verdict_dsn_text(verdict));
    }
}

static void
print_host(const struct smtpsec_host *host, const struct visit *visit)
{
    const struct smtpsec_requirement *requirement = smtpsec_host_requirement(host);

    fold(2, "host ", smtpsec_host_name(host));
    if (requirement != NULL)
        fold(5, "requires: ", smtpsec_level_name(smtpsec_requirement_level(requirement)));
    print_refusal(smtpsec_host_reason(host));
    if (smtpsec_host_floor_text(host)[0] != '\0')
        fold(5, smtpsec_host_would_refuse(host) ? "the memory would refuse: " : "memory: ",
             smtpsec_host_floor_text(host));
    if (visit != NULL && visit->verdict != NULL)
        print_verdict(visit->verdict);
}

void
explain_plan(const struct smtpsec_plan *plan, struct visit *const *visits)
{
    size_t i;

    fold(0, "", smtpsec_plan_text(plan));
    for (i = 0; i < smtpsec_plan_explain_count(plan); i++) {
        print_step(i + 1, smtpsec_plan_explain_rule(plan, i), smtpsec_plan_explain_rfc(plan, i),
                   smtpsec_plan_explain_effect(plan, i), smtpsec_plan_explain_text(plan, i));
        print_origin(smtpsec_plan_explain_source(plan, i), smtpsec_plan_explain_input(plan, i),
                     smtpsec_plan_explain_age(plan, i));
    }
    for (i = 0; i < smtpsec_plan_host_count(plan); i++)
        print_host(smtpsec_plan_host(plan, i), visits[i]);
    if (smtpsec_plan_verdict(plan) != SMTPSEC_VERDICT_DELIVER) {
        print_refusal(smtpsec_plan_reason(plan));
        fold(2, "in a DSN: ", smtpsec_plan_dsn_text(plan));
    }
    fflush(stdout);
}

void
explain_plan_json(const struct smtpsec_plan *plan, struct visit *const *visits)
{
    json_t *array = json_explain(plan);
    size_t i;

    for (i = 0; i < smtpsec_plan_host_count(plan); i++)
        if (visits[i] != NULL && visits[i]->verdict != NULL)
            json_explain_verdict(array, smtpsec_host_name(smtpsec_plan_host(plan, i)),
                                 visits[i]->verdict);
    json_print_line(array);
}

int
explain_command(struct tool_options *options)
{
    options->explain = 1;
    return check_command(options);
}
