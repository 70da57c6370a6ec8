/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Evaluation by hand: the library only says what it needs to know; this
 * program asks the DNS and the policy host itself, and hands the answers in.
 * It prints what `smtpsec check --json` prints, so that both can be compared.
 *
 *   by_hand [--resolver ADDR[#PORT]]... [--ca-file F] [--allow-private] DOMAIN...
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <curl/curl.h>

#include <smtpsec.h>

#include "events.h"
#include "hand_dns.h"
#include "hand_https.h"
#include "options.h"
#include "print_json.h"
#include "setup.h"
#include "text.h"

/* Time for the question whether the resolver validates. */
#define CANARY_MS 5000
#define SYSTEM_CA_FILE "/etc/ssl/certs/ca-certificates.crt"

struct hand {
    struct tool_options options;
    struct smtpsec_anchors *anchors;
    struct smtpsec_context *context;
    struct hand_server servers[HAND_SERVERS];
    size_t server_count;
    struct hand_reply reply; /* 64 KiB: not for the stack */
    struct tool_events events;
    int32_t dnssec; /* does the resolver validate? */
};

static int
read_servers(struct hand *hand)
{
    const struct tool_options *options = &hand->options;
    size_t i;

    if (options->resolver_count == 0) {
        hand->server_count = 1;
        return hand_server_read(&hand->servers[0], "127.0.0.1", 1);
    }
    for (i = 0; i < options->resolver_count && i < HAND_SERVERS; i++) {
        if (hand_server_read(&hand->servers[i], options->resolvers[i],
                             options->trust_resolver) != 0)
            return -1;
    }
    hand->server_count = i;
    return 0;
}

/*
 * Does the resolver validate? The library finds out by asking for a name that
 * is known to be signed; who asks the DNS by himself has to do that, too.
 */
static void
ask_canary(struct hand *hand)
{
    const struct hand_question root = {"", 6, 0}; /* SOA of the root */
    const struct hand_reply *reply = &hand->reply;
    int trusted = 0;
    size_t i;

    for (i = 0; i < hand->server_count; i++)
        trusted = trusted || hand->servers[i].trusted;
    hand->dnssec = trusted ? SMTPSEC_DNSSEC_UNKNOWN : SMTPSEC_DNSSEC_UNTRUSTED;
    if (!trusted)
        return;
    hand_dns_ask(hand->servers, hand->server_count, &root, hand_now_ms() + CANARY_MS, &hand->reply);
    if (reply->len >= 12 && reply->trusted)
        hand->dnssec = (reply->message[3] & 0x20) != 0 ? SMTPSEC_DNSSEC_VALIDATES
                                                       : SMTPSEC_DNSSEC_LOST; /* AD */
}

static int
answer_dns(struct hand *hand, struct smtpsec_lookup *lookup, uint32_t id, int64_t deadline_ms)
{
    struct hand_question question;
    int64_t now;

    question.name = smtpsec_lookup_need_name(lookup, id);
    question.type = smtpsec_lookup_need_type(lookup, id);
    question.dnssec = smtpsec_lookup_need_dnssec(lookup, id);
    hand_dns_ask(hand->servers, hand->server_count, &question, deadline_ms, &hand->reply);
    now = smtpsec_context_now(hand->context);
    if (hand->reply.failure != SMTPSEC_FAILURE_NONE)
        return smtpsec_lookup_answer_failure(lookup, id, hand->reply.failure, now);
    return smtpsec_lookup_answer_dns(lookup, id, hand->reply.message, hand->reply.len,
                                     hand->reply.trusted, now);
}

/* The addresses that may be connected to. Returns how many. */
static size_t
policy_addresses(const struct hand *hand, const struct smtpsec_lookup *lookup, uint32_t id,
                 const char **out, size_t room)
{
    size_t count = 0;
    size_t i;

    for (i = 0; i < smtpsec_lookup_need_address_count(lookup, id) && count < room; i++) {
        const char *address = smtpsec_lookup_need_address(lookup, id, i);

        if (hand->options.allow_private || !hand_address_is_inside(address))
            out[count++] = address;
    }
    return count;
}

static int
answer_https(struct hand *hand, struct smtpsec_lookup *lookup, uint32_t id, int64_t deadline_ms)
{
    const char *addresses[32];
    struct hand_fetch fetch;
    struct hand_policy policy;
    int64_t now;
    int rc;

    fetch.url = smtpsec_lookup_need_url(lookup, id);
    fetch.host = smtpsec_lookup_need_name(lookup, id);
    fetch.addresses = addresses;
    fetch.address_count = policy_addresses(hand, lookup, id, addresses, 32);
    fetch.ca_file = hand->options.ca_file != NULL ? hand->options.ca_file : SYSTEM_CA_FILE;
    fetch.timeout_ms = deadline_ms - hand_now_ms();
    now = smtpsec_context_now(hand->context);
    if (fetch.address_count == 0)
        return smtpsec_lookup_answer_failure(lookup, id, SMTPSEC_FAILURE_ADDRESS_REFUSED, now);
    if (fetch.timeout_ms <= 0)
        return smtpsec_lookup_answer_failure(lookup, id, SMTPSEC_FAILURE_TIMEOUT, now);
    hand_https_get(&fetch, &policy);
    now = smtpsec_context_now(hand->context);
    if (policy.failure != SMTPSEC_FAILURE_NONE)
        rc = smtpsec_lookup_answer_failure(lookup, id, policy.failure, now);
    else
        rc = smtpsec_lookup_answer_https(lookup, id, policy.status, policy.content_type,
                                         (const uint8_t *)policy.body, policy.len, now);
    hand_policy_free(&policy);
    return rc == SMTPSEC_E_LIMIT ? 0 : rc;
}

/* The loop that a mail server would have: ask what is needed until a plan can be made. */
static int
look_up(struct hand *hand, struct smtpsec_lookup *lookup, struct smtpsec_plan **plan)
{
    int64_t deadline_ms = hand_now_ms() + hand->options.timeout_ms;
    int rc;

    for (;;) {
        uint32_t id;

        rc = smtpsec_lookup_plan(lookup, smtpsec_context_now(hand->context), plan);
        if (rc != SMTPSEC_E_PENDING)
            return rc;
        id = smtpsec_lookup_need_id(lookup, 0);
        if (id == 0)
            return SMTPSEC_E_NEED;
        if (smtpsec_lookup_need_kind(lookup, id) == SMTPSEC_NEED_HTTPS)
            rc = answer_https(hand, lookup, id, deadline_ms);
        else
            rc = answer_dns(hand, lookup, id, deadline_ms);
        if (rc != 0)
            return rc;
    }
}

/* With REQUIRETLS or TLS-Required: No the plan is derived once more. */
static int
apply_message(const struct hand *hand, struct smtpsec_plan **plan)
{
    struct smtpsec_message *message = NULL;
    int rc = 0;

    if (!hand->options.requiretls && !hand->options.tls_required_no)
        return 0;
    rc = setup_message(&hand->options, 0, &message);
    if (rc == 0)
        rc = setup_plan_for_message(message, plan);
    smtpsec_message_free(message);
    return rc;
}

static int
evaluate(struct hand *hand, const char *domain, struct smtpsec_plan **plan)
{
    struct smtpsec_destination *destination = NULL;
    struct smtpsec_lookup *lookup = NULL;
    int rc = setup_destination(&hand->options, domain, &destination);

    if (rc == 0)
        rc = smtpsec_lookup_new(hand->context, destination, smtpsec_context_now(hand->context),
                                &lookup);
    if (rc == 0)
        rc = look_up(hand, lookup, plan);
    if (rc == 0)
        rc = apply_message(hand, plan);
    smtpsec_lookup_free(lookup);
    smtpsec_destination_free(destination);
    return rc;
}

static int
check_domain(struct hand *hand, const char *domain)
{
    static const int codes[] = {TOOL_OK, TOOL_DEFER, TOOL_FAIL};
    struct smtpsec_plan *plan = NULL;
    json_t *object = NULL;
    int code = TOOL_FAIL;
    int rc = evaluate(hand, domain, &plan);

    events_take(&hand->events, hand->context);
    if (rc == 0) {
        int32_t verdict = smtpsec_plan_verdict(plan);

        code = verdict >= 0 && verdict <= 2 ? codes[verdict] : TOOL_FAIL;
        object = json_plan(plan, NULL);
        json_put_text(object, "dnssec", smtpsec_dnssec_name(hand->dnssec));
        domain = smtpsec_plan_domain(plan);
    } else if (rc == SMTPSEC_E_NAME) {
        object = json_invalid_domain(&hand->options, domain);
    } else {
        tool_say("%s", smtpsec_strerror(rc));
        smtpsec_plan_free(plan);
        return tool_exit_of_error(rc);
    }
    json_put(object, "events", events_json(&hand->events, domain));
    json_print_line(object);
    smtpsec_plan_free(plan);
    return code;
}

static int
run(struct hand *hand)
{
    int code = TOOL_OK;
    size_t i;

    if (read_servers(hand) != 0)
        return options_usage(COMMAND_BY_HAND, "--resolver: not an address");
    code = setup_anchors(&hand->options, &hand->anchors);
    if (code == 0)
        code = setup_context(&hand->options, SETUP_BY_HAND, hand->anchors, &hand->context);
    if (code != 0)
        return code;
    ask_canary(hand);
    for (i = 0; i < hand->options.operand_count; i++)
        code = tool_worse(code, check_domain(hand, hand->options.operands[i]));
    return code;
}

int
main(int argc, char **argv)
{
    struct hand *hand = calloc(1, sizeof(*hand));
    int code = TOOL_USAGE;
    int rc;

    if (hand == NULL || curl_global_init(CURL_GLOBAL_DEFAULT) != 0)
        tool_out_of_memory();
    rc = options_read(&hand->options, COMMAND_BY_HAND, argc, argv);
    if (rc > 0)
        code = TOOL_OK;
    else if (rc == 0 && hand->options.operand_count == 0)
        code = options_usage(COMMAND_BY_HAND, "no domain given");
    else if (rc == 0)
        code = run(hand);
    events_say(&hand->events);
    events_free(&hand->events);
    smtpsec_context_free(hand->context);
    smtpsec_anchors_free(hand->anchors);
    free(hand);
    curl_global_cleanup();
    return code;
}
