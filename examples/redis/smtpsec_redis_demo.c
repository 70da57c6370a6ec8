/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * What does mail to these domains require, with a memory that all hosts share?
 *
 *   smtpsec-redis-demo [--delivered] SOCKET|ADDRESS[:PORT] DOMAIN...
 *
 * Evaluates each by the system's resolvers, as a mail server would, and prints
 * the plan and what the site remembers. --delivered also records a delivery
 * under TLS to the first host, as a log tells of one. A password is taken from
 * the environment, REDIS_PASSWORD, and a user from REDIS_USER.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "api/context.h"
#include "store_redis.h"

struct program {
    struct smtpsec_anchors *anchors;
    struct smtpsec_options *options;
    struct smtpsec_context *context;
    bool delivered;
};

/* "127.0.0.1:6379", "[::1]:6379", or a path. */
static void
where(char *text, struct store_redis_options *options)
{
    char *colon = strrchr(text, ':'), *bracket = strchr(text, ']');

    if (strchr(text, '/') != NULL) {
        options->path = text;
        return;
    }
    if (colon != NULL && (bracket != NULL ? bracket < colon : strchr(text, ':') == colon)) {
        options->port = (uint16_t)strtoul(colon + 1, NULL, 10);
        *colon = '\0';
    }
    if (text[0] == '[' && bracket != NULL) {
        *bracket = '\0';
        text++;
    }
    options->address = text;
}

static int
open_context(struct program *program)
{
    int rc = smtpsec_anchors_new(&program->anchors);

    if (rc == 0)
        rc = smtpsec_options_new(&program->options);
    if (rc == 0)
        rc = smtpsec_anchors_load_system(program->anchors);
    if (rc == 0)
        rc = smtpsec_options_set_anchors(program->options, program->anchors);
    if (rc == 0)
        rc = smtpsec_options_load_system_resolvers(program->options);
    if (rc == 0)
        rc = smtpsec_context_new(program->options, &program->context);
    return rc;
}

/* The context owns the store from here on. */
static int
open_memory(struct program *program, char *text)
{
    struct store_redis_options options = { .user = getenv("REDIS_USER"),
                                           .password = getenv("REDIS_PASSWORD") };
    struct ss_store *store = NULL;
    int rc;

    where(text, &options);
    rc = store_redis_open(&options, &store);
    if (rc != 0)
        return rc;
    if (store->state != SMTPSEC_MEMORY_OK)
        fprintf(stderr, "%s\n", store->error.text);
    return ss_context_give_store(program->context, store, 0, 0);
}

static int
record(struct program *program, const struct smtpsec_plan *plan)
{
    const struct smtpsec_host *host = smtpsec_plan_host(plan, 0);
    const struct smtpsec_requirement *requirement = smtpsec_host_requirement(host);
    struct smtpsec_outcome *outcome = NULL;
    int64_t now = (int64_t)time(NULL);
    int rc;

    if (requirement == NULL)
        return 0;
    rc = smtpsec_outcome_new(requirement, now, &outcome);
    if (rc == 0)
        rc = smtpsec_outcome_set_observed(outcome, SMTPSEC_STARTTLS_DONE);
    if (rc == 0)
        rc = smtpsec_outcome_set_accepted(outcome, 1);
    if (rc == 0)
        rc = smtpsec_record(program->context, outcome, now);
    smtpsec_outcome_free(outcome);
    return rc;
}

static int
print_memory(struct program *program, const char *domain)
{
    struct smtpsec_claims *claims = NULL;
    const struct smtpsec_claim *claim;
    int rc = smtpsec_memory_list(program->context, domain, &claims);
    size_t i;

    for (i = 0; rc == 0 && i < smtpsec_claims_count(claims); i++) {
        claim = smtpsec_claims_get(claims, i);
        printf("  remembered: %s %s, on %u days%s\n", smtpsec_claim_name(smtpsec_claim_kind(claim)),
               smtpsec_claim_host(claim) != NULL ? smtpsec_claim_host(claim) : "",
               (unsigned)smtpsec_claim_days(claim),
               smtpsec_claim_in_force(claim) ? ", in force" : "");
    }
    smtpsec_claims_free(claims);
    return rc;
}

static int
show(struct program *program, const char *domain)
{
    struct smtpsec_plan *plan = NULL;
    int rc = smtpsec_evaluate(program->context, domain, 30000, &plan);

    if (rc == 0)
        printf("%s: %s\n", domain, smtpsec_plan_text(plan));
    if (rc == 0 && program->delivered && smtpsec_plan_host_count(plan) > 0)
        rc = record(program, plan);
    smtpsec_plan_free(plan);
    return rc == 0 ? print_memory(program, domain) : rc;
}

static void
tell_events(struct program *program)
{
    while (program->context != NULL && smtpsec_event_next(program->context))
        fprintf(stderr, "%s: %s\n", smtpsec_event_name(smtpsec_event_kind(program->context)),
                smtpsec_event_text(program->context));
}

int
main(int argc, char **argv)
{
    struct program program = { 0 };
    int rc, at = 1;

    program.delivered = argc > 1 && strcmp(argv[1], "--delivered") == 0;
    at += program.delivered;
    if (argc < at + 2) {
        fprintf(stderr,
                "usage: smtpsec-redis-demo [--delivered] SOCKET|ADDRESS[:PORT] DOMAIN...\n");
        return 64;
    }
    rc = open_context(&program);
    if (rc == 0)
        rc = open_memory(&program, argv[at++]);
    for (; rc == 0 && at < argc; at++)
        rc = show(&program, argv[at]);
    tell_events(&program);
    if (rc != 0)
        fprintf(stderr, "%s\n", smtpsec_strerror(rc));
    smtpsec_context_free(program.context);
    smtpsec_options_free(program.options);
    smtpsec_anchors_free(program.anchors);
    return rc == 0 ? 0 : 75;
}
