/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "world.h"

#include <stdio.h>
#include <string.h>

#include "note.h"

static int
load_anchors(const struct exim_settings *settings, struct smtpsec_anchors **out, char *wrong,
             size_t room)
{
    struct smtpsec_anchors *anchors = NULL;
    int rc = smtpsec_anchors_new(&anchors);

    if (rc == 0 && settings->ca_file[0] != '\0')
        rc = smtpsec_anchors_load_file(anchors, settings->ca_file);
    else if (rc == 0)
        rc = smtpsec_anchors_load_system(anchors);
    if (rc == 0 && smtpsec_anchors_count(anchors) == 0)
        rc = SMTPSEC_E_TRUST;
    if (rc != 0) {
        snprintf(wrong, room, "%s: %s", smtpsec_strerror(rc), smtpsec_anchors_error(anchors));
        smtpsec_anchors_free(anchors);
        return rc;
    }
    *out = anchors;
    return 0;
}

static int
set_resolvers(const struct exim_settings *settings, struct smtpsec_options *options)
{
    int rc = 0;
    size_t i;

    if (settings->resolver_count == 0)
        return smtpsec_options_load_system_resolvers(options);
    for (i = 0; rc == 0 && i < settings->resolver_count; i++)
        rc = smtpsec_options_add_resolver(options, settings->resolvers[i],
                                          settings->trust_resolver);
    return rc;
}

static int
set_evaluation(const struct exim_settings *settings, struct smtpsec_anchors *anchors,
               struct smtpsec_options *options)
{
    int rc = smtpsec_options_set_anchors(options, anchors);
    size_t i;

    /* One message, and most are answered from the memory. */
    if (rc == 0)
        rc = smtpsec_options_set_fetch_late(options, 1);
    if (rc == 0)
        rc = set_resolvers(settings, options);
    if (rc == 0 && settings->allow_private)
        rc = smtpsec_options_insecure_allow_private_policy_hosts(options, 1);
    for (i = 0; rc == 0 && i < settings->own_name_count; i++)
        rc = smtpsec_options_add_own_name(options, settings->own_names[i]);
    return rc;
}

static int
fill(const struct exim_settings *settings, struct smtpsec_anchors *anchors,
     struct smtpsec_options *options)
{
    int rc = 0;

    if (settings->policy[0] != '\0')
        rc = smtpsec_options_load_policy(options, settings->policy);
    if (rc == 0 && anchors != NULL)
        rc = set_evaluation(settings, anchors, options);
    else if (rc == 0)
        rc = smtpsec_options_set_mta_sts(options, 0); /* recording needs no HTTPS */
    if (rc == 0 && settings->memory[0] != '\0')
        rc = smtpsec_options_set_memory(options, settings->memory);
    return rc;
}

int
exim_world_open(struct exim_world *world, const struct exim_settings *settings, int purpose,
                char *wrong, size_t room)
{
    struct smtpsec_options *options = NULL;
    int rc = 0;

    memset(world, 0, sizeof(*world));
    if (purpose == EXIM_WORLD_EVALUATE)
        rc = load_anchors(settings, &world->anchors, wrong, room);
    if (rc != 0)
        return rc;
    rc = smtpsec_options_new(&options);
    if (rc == 0)
        rc = fill(settings, world->anchors, options);
    if (rc == 0)
        rc = smtpsec_context_new(options, &world->context);
    if (rc != 0) {
        snprintf(wrong, room, "%s: %s", smtpsec_strerror(rc), smtpsec_options_error(options));
        exim_world_close(world);
    }
    smtpsec_options_free(options);
    return rc;
}

void
exim_world_close(struct exim_world *world)
{
    smtpsec_context_free(world->context);
    smtpsec_anchors_free(world->anchors);
    memset(world, 0, sizeof(*world));
}

void
exim_world_tell(const struct exim_world *world)
{
    while (world->context != NULL && smtpsec_event_next(world->context) == 1) {
        const char *domain = smtpsec_event_domain(world->context);

        exim_note("event %s%s%s: %s", smtpsec_event_name(smtpsec_event_kind(world->context)),
                  domain[0] != '\0' ? " " : "", domain, smtpsec_event_text(world->context));
    }
}

/* The plan for this message, from the plan for any. */
static int
apply_message(const char *sender, const char *headers, struct smtpsec_plan **plan)
{
    struct smtpsec_message *message = NULL;
    struct smtpsec_plan *derived = NULL;
    int rc = smtpsec_message_new(&message);

    if (rc == 0)
        rc = smtpsec_message_set_null_sender(message, sender[0] == '\0');
    if (rc == 0 && headers[0] != '\0')
        rc = smtpsec_message_read_headers(message, headers, strlen(headers));
    if (rc == 0)
        rc = smtpsec_plan_for(*plan, message, &derived);
    smtpsec_message_free(message);
    if (rc == 0) {
        smtpsec_plan_free(*plan);
        *plan = derived;
    }
    return rc;
}

int
exim_world_evaluate(const struct exim_world *world, const struct exim_settings *settings,
                    const char *domain, const char *sender, const char *headers,
                    struct smtpsec_plan **out, char *wrong, size_t room)
{
    struct smtpsec_plan *plan = NULL;
    int rc = smtpsec_evaluate(world->context, domain, settings->timeout_ms, &plan);

    if (rc == 0)
        rc = apply_message(sender, headers, &plan);
    exim_world_tell(world);
    if (rc != 0) {
        snprintf(wrong, room, "%s", smtpsec_strerror(rc));
        smtpsec_plan_free(plan);
        return rc;
    }
    *out = plan;
    return 0;
}
