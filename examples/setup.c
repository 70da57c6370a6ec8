/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "setup.h"

#include <time.h>

#include "text.h"

int64_t
setup_now(const struct tool_options *options)
{
    return options->has_now ? options->now : (int64_t)time(NULL);
}

static int64_t
fixed_clock(void *user)
{
    const struct tool_options *options = user;

    return options->now;
}

int
setup_anchors(const struct tool_options *options, struct smtpsec_anchors **out)
{
    struct smtpsec_anchors *anchors = NULL;
    int rc = smtpsec_anchors_new(&anchors);

    if (rc == 0 && options->ca_file != NULL)
        rc = smtpsec_anchors_load_file(anchors, options->ca_file);
    else if (rc == 0)
        rc = smtpsec_anchors_load_system(anchors);
    if (rc == 0 && smtpsec_anchors_count(anchors) == 0)
        rc = SMTPSEC_E_TRUST;
    if (rc != 0) {
        tool_say("no trust anchors: %s: %s", smtpsec_strerror(rc), smtpsec_anchors_error(anchors));
        smtpsec_anchors_free(anchors);
        return rc == SMTPSEC_E_NOMEM ? TOOL_SYSTEM : TOOL_NO_INPUT;
    }
    *out = anchors;
    return TOOL_OK;
}

static int
set_resolvers(const struct tool_options *from, struct smtpsec_options *to)
{
    int rc = 0;
    size_t i;

    if (from->resolver_count == 0)
        return smtpsec_options_load_system_resolvers(to);
    for (i = 0; rc == 0 && i < from->resolver_count; i++)
        rc = smtpsec_options_add_resolver(to, from->resolvers[i], from->trust_resolver);
    return rc;
}

static int
set_modes(const struct tool_options *from, struct smtpsec_options *to)
{
    int rc = 0;
    int32_t kind;

    for (kind = SMTPSEC_CLAIM_DANE; rc == 0 && kind <= SMTPSEC_CLAIM_DNSSEC; kind++) {
        if (from->modes[kind] >= 0)
            rc = smtpsec_options_set_mode(to, kind, from->modes[kind]);
    }
    if (rc == 0 && from->soft_pkix_mode >= 0)
        rc = smtpsec_options_set_soft_pkix_mode(to, from->soft_pkix_mode);
    return rc;
}

/* What the evaluation is told of DANE and of ourselves. */
static int
set_rules(const struct tool_options *from, struct smtpsec_options *to)
{
    int rc = 0;
    size_t i;

    if (from->dane_mode >= 0)
        rc = smtpsec_options_set_dane(to, from->dane_mode);
    for (i = 0; rc == 0 && i < from->own_name_count; i++)
        rc = smtpsec_options_add_own_name(to, from->own_names[i]);
    return rc;
}

static int
set_evaluation(const struct tool_options *from, int purpose, struct smtpsec_anchors *anchors,
               struct smtpsec_options *to)
{
    int rc = smtpsec_options_set_anchors(to, anchors);

    if (rc == 0 && purpose != SETUP_BY_HAND)
        rc = set_resolvers(from, to);
    if (rc == 0 && from->allow_private)
        rc = smtpsec_options_insecure_allow_private_policy_hosts(to, 1);
    if (rc == 0)
        rc = smtpsec_options_set_tlsrpt(to, from->tlsrpt);
    if (rc == 0)
        rc = smtpsec_options_set_tlsrpt_transient(to, from->tlsrpt_transient);
    if (rc == 0)
        rc = set_rules(from, to);
    return rc != 0 ? rc : set_modes(from, to);
}

static int
fill(struct tool_options *from, int purpose, struct smtpsec_anchors *anchors,
     struct smtpsec_options *to)
{
    int rc = 0;

    if (from->has_now) /* before all else: the policy file has dates */
        rc = smtpsec_options_set_clock(to, fixed_clock, from);
    if (rc == 0 && from->prepare != NULL) /* the policy file outranks it */
        rc = from->prepare(to);
    if (rc == 0 && from->policy != NULL)
        rc = smtpsec_options_load_policy(to, from->policy);
    if (rc == 0 && purpose != SETUP_MEMORY_READ && purpose != SETUP_MEMORY_WRITE)
        rc = set_evaluation(from, purpose, anchors, to);
    else if (rc == 0)
        rc = smtpsec_options_set_mta_sts(to, 0); /* then no trust anchors are needed */
    if (rc == 0 && from->memory != NULL)
        rc = smtpsec_options_set_memory(to, from->memory);
    if (rc == 0 && !from->plan_cache)
        rc = smtpsec_options_set_plan_cache(to, 0);
    if (rc == 0 && (purpose == SETUP_MEMORY_READ || purpose == SETUP_REHEARSE))
        rc = smtpsec_options_set_memory_read_only(to, 1);
    return rc;
}

int
setup_once(struct smtpsec_options *to)
{
    return smtpsec_options_set_fetch_late(to, 1);
}

int
setup_context(struct tool_options *options, int purpose, struct smtpsec_anchors *anchors,
              struct smtpsec_context **out)
{
    struct smtpsec_options *filled = NULL;
    int rc = smtpsec_options_new(&filled);

    if (rc == 0)
        rc = fill(options, purpose, anchors, filled);
    if (rc == 0)
        rc = smtpsec_context_new(filled, out);
    if (rc != 0)
        tool_say("%s: %s", smtpsec_strerror(rc), smtpsec_options_error(filled));
    smtpsec_options_free(filled);
    return tool_exit_of_error(rc);
}

int
setup_destination(const struct tool_options *options, const char *domain,
                  struct smtpsec_destination **out)
{
    struct smtpsec_destination *destination = NULL;
    int rc = smtpsec_destination_new(domain, &destination);

    if (rc == 0 && options->relay != NULL)
        rc = smtpsec_destination_set_relay(destination, options->relay);
    if (rc == 0 && options->port != 0)
        rc = smtpsec_destination_set_port(destination, options->port);
    if (rc == 0 && options->minimum != SMTPSEC_LEVEL_NONE)
        rc = smtpsec_destination_set_minimum(destination, options->minimum);
    if (rc != 0) {
        smtpsec_destination_free(destination);
        return rc;
    }
    *out = destination;
    return 0;
}

int
setup_message(const struct tool_options *options, int null_sender, struct smtpsec_message **out)
{
    struct smtpsec_message *message = NULL;
    int rc = smtpsec_message_new(&message);

    if (rc == 0)
        rc = smtpsec_message_set_requiretls(message, options->requiretls);
    if (rc == 0)
        rc = smtpsec_message_set_tls_required_no(message, options->tls_required_no);
    if (rc == 0)
        rc = smtpsec_message_set_null_sender(message, null_sender);
    if (rc != 0) {
        smtpsec_message_free(message);
        return rc;
    }
    *out = message;
    return 0;
}

int
setup_plan_for_message(const struct smtpsec_message *message, struct smtpsec_plan **plan)
{
    struct smtpsec_plan *derived = NULL;
    int rc = smtpsec_plan_for(*plan, message, &derived);

    if (rc != 0)
        return rc;
    smtpsec_plan_free(*plan);
    *plan = derived;
    return 0;
}
