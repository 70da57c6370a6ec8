/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "serve/policy_text.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <strings.h>

static int
has_policy(const struct smtpsec_plan *plan)
{
    int32_t mode = smtpsec_plan_sts_mode(plan);

    return mode == SMTPSEC_STS_TESTING || mode == SMTPSEC_STS_ENFORCE;
}

/* A failure forces Postfix's verification to fail: never where something must verify. */
static int
has_failure(const struct smtpsec_plan *plan, int level)
{
    int32_t error = smtpsec_plan_sts_error(plan);

    return level <= SERVE_ENCRYPT && smtpsec_plan_sts_mode(plan) == SMTPSEC_STS_ABSENT &&
           (error == SMTPSEC_RESULT_STS_POLICY_FETCH_ERROR ||
            error == SMTPSEC_RESULT_STS_POLICY_INVALID ||
            error == SMTPSEC_RESULT_STS_WEBPKI_INVALID);
}

int
serve_policy_tells(const struct smtpsec_plan *plan, int level)
{
    /* At dane-only Postfix tells of the TLSA records. */
    return level <= SERVE_SECURE && serve_name_sayable(smtpsec_plan_domain(plan)) &&
           (has_policy(plan) || has_failure(plan, level));
}

/* "mx.example.com", "*.example.com". */
static int
pattern_sayable(const char *pattern)
{
    return serve_name_sayable(strncmp(pattern, "*.", 2) == 0 ? pattern + 2 : pattern);
}

/* As smtp_tls_policy.c:match_sts_mx_host_pattern does it: "*" is one label. */
static int
pattern_fits(const char *pattern, const char *name)
{
    const char *dot = strchr(name, '.');

    if (strcasecmp(pattern, name) == 0)
        return 1;
    return strncmp(pattern, "*.", 2) == 0 && dot != NULL && dot > name &&
           strcasecmp(pattern + 2, dot + 1) == 0;
}

static int
policy_fits(const struct smtpsec_plan *plan, const char *name)
{
    size_t i;

    for (i = 0; i < smtpsec_plan_sts_mx_count(plan); i++) {
        const char *pattern = smtpsec_plan_sts_mx(plan, i);

        if (pattern_sayable(pattern) && pattern_fits(pattern, name))
            return 1;
    }
    return 0;
}

static void
add_line(struct serve_text *text, const char *name, const char *value)
{
    serve_text_add(text, " { policy_string = ");
    serve_text_add(text, name);
    serve_text_add(text, ": ");
    serve_text_add(text, value);
    serve_text_add(text, " }");
}

static void
add_policy(struct serve_text *text, const struct smtpsec_plan *plan)
{
    char number[32];
    size_t i;

    add_line(text, "version", "STSv1");
    add_line(text, "mode", smtpsec_sts_mode_name(smtpsec_plan_sts_mode(plan)));
    for (i = 0; i < smtpsec_plan_sts_mx_count(plan); i++)
        if (pattern_sayable(smtpsec_plan_sts_mx(plan, i)))
            add_line(text, "mx", smtpsec_plan_sts_mx(plan, i));
    snprintf(number, sizeof(number), "%" PRId64, smtpsec_plan_sts_max_age(plan));
    add_line(text, "max_age", number);
}

static void
add_pattern(struct serve_text *text, const char *pattern)
{
    serve_text_add(text, " mx_host_pattern=");
    serve_text_add(text, pattern);
}

static void
add_all_patterns(struct serve_text *text, const struct smtpsec_plan *plan)
{
    size_t i;

    for (i = 0; i < smtpsec_plan_sts_mx_count(plan); i++)
        if (pattern_sayable(smtpsec_plan_sts_mx(plan, i)))
            add_pattern(text, smtpsec_plan_sts_mx(plan, i));
}

/*
 * From Postfix 3.10.5 on the patterns take the place of "match": a host that
 * fits one is asked for a certificate of its own name, others are skipped. So
 * beside "match" they must let in all the matched hosts and no other.
 */
static void
add_patterns(struct serve_text *text, const struct smtpsec_plan *plan,
             const struct serve_needs *needs)
{
    int strangers = 0;
    size_t i;

    for (i = 0; i < needs->count; i++) {
        const struct serve_need *need = &needs->list[i];
        int fits = policy_fits(plan, need->name);

        if (need->matched && (!need->sts || !fits))
            return;
        strangers = strangers || (!need->matched && fits);
    }
    if (!strangers) {
        add_all_patterns(text, plan);
        return;
    }
    for (i = 0; i < needs->count; i++)
        if (needs->list[i].matched)
            add_pattern(text, needs->list[i].name);
}

void
serve_policy_add(struct serve_text *text, const struct smtpsec_plan *plan, int level,
                 const struct serve_needs *needs)
{
    serve_text_add(text, " policy_type=sts policy_domain=");
    serve_text_add(text, smtpsec_plan_domain(plan));
    if (!has_policy(plan)) {
        serve_text_add(text, " policy_failure=");
        serve_text_add(text, smtpsec_result_name(smtpsec_plan_sts_error(plan)));
        return;
    }
    add_policy(text, plan);
    if (level == SERVE_SECURE)
        add_patterns(text, plan, needs);
    else
        add_all_patterns(text, plan);
}
