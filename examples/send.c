/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * smtpsec send: one message, the whole way: evaluate each recipient domain,
 * walk its hosts, verify, deliver, record the outcome. There is no queue: what
 * is deferred is said, and lost.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>

#include <smtpsec.h>

#include "commands.h"
#include "deliver.h"
#include "events.h"
#include "print_json.h"
#include "print_table.h"
#include "setup.h"
#include "text.h"
#include "tlsrpt.h"
#include "visit.h"

enum { MESSAGE_LIMIT = 64 * 1024 * 1024 };

struct sending {
    struct tool_options *options;
    struct smtpsec_anchors *anchors;
    struct smtpsec_context *context;
    struct smtpsec_message *message;
    struct delivery delivery;
    struct tool_events events;
    json_t *domains; /* NULL: for people */
    json_t *hosts;   /* of the present domain */
    struct smtpsec_report *report; /* of the same; NULL: none is asked for */
};

/* ---- Telling ------------------------------------------------------------ */

static void
tell_skip(struct sending *s, const struct smtpsec_host *host)
{
    json_t *object = NULL;

    if (s->domains == NULL) {
        printf("  %s: skipped: %s: %s\n", smtpsec_host_name(host),
               smtpsec_reason_name(smtpsec_host_reason(host)),
               smtpsec_reason_text(smtpsec_host_reason(host)));
        return;
    }
    object = json_new_object();
    json_put_text(object, "name", smtpsec_host_name(host));
    json_put_text(object, "action", smtpsec_action_name(smtpsec_host_action(host)));
    json_put(object, "reason", json_reason(smtpsec_host_reason(host)));
    json_append(s->hosts, object);
}

static void
tell_visit(struct sending *s, const struct smtpsec_host *host, const struct visit *visit,
           int recorded)
{
    json_t *object = NULL;

    if (s->domains == NULL) {
        printf("  %s: %s, required %s, %s, achieved %s%s%s\n", smtpsec_host_name(host),
               visit->accepted ? "accept" : "reject",
               smtpsec_level_name(smtpsec_requirement_level(smtpsec_host_requirement(host))),
               visit->tls[0] != '\0' ? visit->tls : "no TLS",
               smtpsec_level_name(smtpsec_verdict_achieved(visit->verdict)),
               visit->accepted ? "" : ": ",
               visit->accepted ? "" : smtpsec_reason_text(visit->reason));
        printf("    server: %s\n", visit->said);
        return;
    }
    object = json_new_object();
    json_put_text(object, "name", smtpsec_host_name(host));
    json_put_text(object, "action", smtpsec_action_name(smtpsec_host_action(host)));
    json_put(object, "reason", json_null());
    json_put(object, "required", json_requirement(smtpsec_host_requirement(host)));
    json_put(object, "connect", visit_json(visit));
    json_put_bool(object, "recorded", recorded);
    json_append(s->hosts, object);
}

static json_t *
recipients_json(const struct sending *s)
{
    json_t *array = json_new_array();
    size_t i;

    for (i = 0; i < s->delivery.recipient_count; i++) {
        const struct recipient *recipient = &s->delivery.recipients[i];
        json_t *object = NULL;

        if (!recipient->in_group)
            continue;
        object = json_new_object();
        json_put_text(object, "address", recipient->address);
        json_put_text(object, "status", recipient_status_name(recipient->status));
        json_put_text(object, "reply", recipient->reply);
        json_append(array, object);
    }
    return array;
}

static void
tell_domain(struct sending *s, const char *domain, const struct smtpsec_plan *plan)
{
    json_t *object = NULL;
    size_t i;

    if (s->domains == NULL) {
        for (i = 0; i < s->delivery.recipient_count; i++) {
            const struct recipient *recipient = &s->delivery.recipients[i];

            if (recipient->in_group)
                printf("  %s: %s: %s\n", recipient->address,
                       recipient_status_name(recipient->status), recipient->reply);
        }
        return;
    }
    object = json_new_object();
    json_put_text(object, "domain", domain);
    json_put(object, "plan", plan != NULL ? json_plan(plan, NULL) : json_null());
    json_put(object, "hosts", s->hosts);
    json_put(object, "recipients", recipients_json(s));
    json_append(s->domains, object);
    s->hosts = NULL;
}

/* ---- Sending ------------------------------------------------------------ */

static int
record(struct sending *s, const struct visit *visit, const struct smtpsec_host *host,
       int message_accepted)
{
    int rc = visit_record(visit, s->context, smtpsec_host_requirement(host), message_accepted,
                          s->delivery.from[0] == '\0');

    /* Nothing that fails here changes what was decided or delivered. */
    if (rc != 0 && s->options->memory != NULL)
        tool_say("the outcome was not recorded: %s", smtpsec_strerror(rc));
    return rc == 0;
}

static void
try_host(struct sending *s, const struct visit_way *way, const struct smtpsec_host *host,
         size_t number, struct smtpsec_tally *tally)
{
    struct visit visit;
    int taken = 0;
    int recorded;

    tool_need(visit_host(&visit, way, host));
    if (visit.ready)
        taken = deliver(&s->delivery, &visit, smtpsec_host_requirement(host));
    else if (visit.reply == SMTPSEC_REPLY_FAIL) /* TRN-05: it demands what the message waives */
        delivery_settle(&s->delivery, RECIPIENT_FAILED, "", visit.said);
    tool_need(smtpsec_tally_add(tally, number, visit_failure(&visit)));
    tlsrpt_add(s->report, smtpsec_host_requirement(host), &visit);
    recorded = record(s, &visit, host, taken);
    tell_visit(s, host, &visit, recorded);
    visit_end(&visit);
}

/* No host took the message: what was said before about a recipient is what it is told. */
static void
settle_unsent(struct sending *s, const struct smtpsec_tally *tally)
{
    int32_t reason = smtpsec_tally_reason(tally);
    int status = smtpsec_tally_verdict(tally) == SMTPSEC_VERDICT_FAIL ? RECIPIENT_FAILED
                                                                      : RECIPIENT_DEFERRED;

    delivery_settle(&s->delivery, status, smtpsec_tally_enhanced(tally),
                    reason != SMTPSEC_REASON_NONE ? smtpsec_reason_text(reason)
                                                  : "no host took the message");
}

static uint64_t
choose_seed(const struct tool_options *options)
{
    uint64_t seed = options->seed;

    if (!options->has_seed && getrandom(&seed, sizeof(seed), 0) != (ssize_t)sizeof(seed))
        seed = (uint64_t)setup_now(options);
    return seed;
}

static void
walk_hosts(struct sending *s, const struct smtpsec_plan *plan)
{
    size_t count = smtpsec_plan_host_count(plan);
    size_t *order = calloc(count + 1, sizeof(*order));
    struct smtpsec_tally *tally = NULL;
    struct visit_way way;
    size_t i;

    if (order == NULL)
        tool_out_of_memory();
    tool_need(smtpsec_plan_shuffle(plan, choose_seed(s->options), order, count));
    tool_need(smtpsec_tally_new(plan, &tally));
    visit_way_init(&way, s->options, s->anchors, smtpsec_plan_port(plan));
    for (i = 0; i < count && delivery_pending(&s->delivery); i++) {
        const struct smtpsec_host *host = smtpsec_plan_host(plan, order[i]);

        if (smtpsec_host_action(host) == SMTPSEC_ACTION_USE)
            try_host(s, &way, host, order[i], tally);
        else
            tell_skip(s, host);
    }
    settle_unsent(s, tally);
    smtpsec_tally_free(tally);
    free(order);
}

static void
follow_plan(struct sending *s, const struct smtpsec_plan *plan)
{
    if (s->domains == NULL)
        printf("%s: %s, %s\n", smtpsec_plan_domain(plan),
               smtpsec_verdict_name(smtpsec_plan_verdict(plan)),
               smtpsec_level_name(smtpsec_plan_level(plan)));
    switch (smtpsec_plan_verdict(plan)) {
    case SMTPSEC_VERDICT_DELIVER:
        walk_hosts(s, plan);
        break;
    case SMTPSEC_VERDICT_FAIL:
        delivery_settle(&s->delivery, RECIPIENT_FAILED, smtpsec_plan_enhanced(plan),
                        smtpsec_plan_text(plan));
        break;
    default:
        delivery_settle(&s->delivery, RECIPIENT_DEFERRED, smtpsec_plan_enhanced(plan),
                        smtpsec_plan_text(plan));
        break;
    }
}

static int
evaluate(struct sending *s, const char *domain, struct smtpsec_plan **plan)
{
    struct smtpsec_destination *destination = NULL;
    int rc = setup_destination(s->options, domain, &destination);

    if (rc == 0)
        rc = smtpsec_evaluate_destination(s->context, destination, s->options->timeout_ms, plan);
    if (rc == 0)
        rc = setup_plan_for_message(s->message, plan);
    smtpsec_destination_free(destination);
    return rc;
}

/* All recipients of one domain, and only them: another domain has another policy (PREC-13). */
static void
send_to_domain(struct sending *s, const char *domain)
{
    struct smtpsec_plan *plan = NULL;
    int rc = evaluate(s, domain, &plan);

    if (s->domains != NULL)
        s->hosts = json_new_array();
    if (rc == 0) {
        s->report = tlsrpt_begin(s->options, plan);
        follow_plan(s, plan);
        tlsrpt_end(s->options, s->report);
        s->report = NULL;
    } else if (rc == SMTPSEC_E_NAME) {
        delivery_settle(&s->delivery, RECIPIENT_FAILED,
                        smtpsec_reason_enhanced(SMTPSEC_REASON_INVALID_DOMAIN),
                        smtpsec_reason_text(SMTPSEC_REASON_INVALID_DOMAIN));
    } else {
        delivery_settle(&s->delivery, RECIPIENT_DEFERRED, "4.3.0", smtpsec_strerror(rc));
    }
    tell_domain(s, domain, plan);
    smtpsec_plan_free(plan);
    events_take(&s->events, s->context);
}

static int
exit_code(const struct sending *s)
{
    int code = TOOL_OK;
    size_t i;

    for (i = 0; i < s->delivery.recipient_count; i++) {
        int status = s->delivery.recipients[i].status;

        if (status == RECIPIENT_FAILED)
            code = tool_worse(code, TOOL_FAIL);
        else if (status != RECIPIENT_DELIVERED)
            code = tool_worse(code, TOOL_DEFER);
    }
    return code;
}

static void
tell_end(struct sending *s, int code)
{
    static const char *const words[] = {"delivered", "failed", "deferred"};
    json_t *object = NULL;
    json_t *events = json_new_array();
    size_t i;

    if (s->domains == NULL) {
        json_decref(events);
        events_say(&s->events);
        return;
    }
    for (i = 0; i < s->delivery.recipient_count; i++) {
        json_t *some = events_json(&s->events,
                                   smtp_address_domain(s->delivery.recipients[i].address));

        json_array_extend(events, some);
        json_decref(some);
    }
    object = json_new_object();
    json_put_text(object, "from", s->options->from);
    json_put_text(object, "status", words[code]);
    json_put_bool(object, "requiretls", s->options->requiretls);
    json_put_bool(object, "tls_required_no", smtpsec_message_tls_required_no(s->message));
    json_put(object, "domains", s->domains);
    json_put(object, "events", events);
    json_print_line(object);
    s->domains = NULL;
}

static int
send_all(struct sending *s)
{
    const char *domain = NULL;
    int code;

    s->domains = s->options->json ? json_new_array() : NULL;
    while ((domain = delivery_next_group(&s->delivery)) != NULL)
        send_to_domain(s, domain);
    code = exit_code(s);
    tell_end(s, code);
    return code;
}

/* ---- The command -------------------------------------------------------- */

static const char *
wrong_use(const struct tool_options *options)
{
    size_t i;

    if (options->from == NULL || options->to_count == 0 || options->operand_count != 0)
        return "wanted: --from and --to, and the message on standard input";
    if (!smtp_address_ok(options->from, 1))
        return "--from: not an address in ASCII";
    for (i = 0; i < options->to_count; i++) {
        if (!smtp_address_ok(options->to[i], 0))
            return "--to: not an address in ASCII";
    }
    return NULL;
}

/* What the message asks for: by its header section, and by the options. */
static int
make_message(struct sending *s, const char *text, size_t len)
{
    int rc = setup_message(s->options, s->options->from[0] == '\0', &s->message);

    if (rc == 0 && !s->options->tls_required_no)
        rc = smtpsec_message_read_headers(s->message, text, len);
    return tool_exit_of_error(rc);
}

static int
sending_open(struct sending *s)
{
    char *text = NULL;
    size_t len = 0;
    int code;

    if (text_read_file("-", MESSAGE_LIMIT, &text, &len) != 0)
        return TOOL_NO_INPUT;
    code = delivery_init(&s->delivery, s->options, text, len) != 0 ? TOOL_SYSTEM : TOOL_OK;
    if (code == 0)
        code = make_message(s, text, len);
    free(text);
    if (code == 0)
        code = setup_anchors(s->options, &s->anchors);
    s->options->prepare = setup_once;
    if (code == 0)
        code = setup_context(s->options, SETUP_EVALUATE, s->anchors, &s->context);
    return code;
}

int
send_command(struct tool_options *options)
{
    struct sending s;
    const char *wrong = wrong_use(options);
    int code;

    if (wrong != NULL)
        return options_usage(COMMAND_SEND, wrong);
    memset(&s, 0, sizeof(s));
    s.options = options;
    code = sending_open(&s);
    if (code == 0)
        code = send_all(&s);
    events_say(&s.events);
    events_free(&s.events);
    delivery_free(&s.delivery);
    smtpsec_message_free(s.message);
    smtpsec_context_free(s.context);
    smtpsec_anchors_free(s.anchors);
    return code;
}
