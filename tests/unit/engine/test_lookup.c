/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* A lookup from outside: its needs, and the answers that close them. */
#include "table.h"

#include <stdio.h>
#include <string.h>

#include "by_hand.h"
#include "sts/sts_policy.h"

static const char *const facts[] = {
    "dns MX d.test secure 10:mx.d.test 20:b.d.test",
    "dns A mx.d.test secure 192.0.2.1",
    "dns AAAA mx.d.test nodata-secure",
    "dns A b.d.test insecure 192.0.2.3",
    "dns TLSA _25._tcp.mx.d.test nodata-secure",
    "dns TXT _mta-sts.d.test insecure v=STSv1;id=2;",
    "dns A mta-sts.d.test insecure 192.0.2.9 192.0.2.10",
    "dns AAAA mta-sts.d.test insecure 2001:db8::9",
    NULL};

#define POLICY BY_HAND_POLICY("enforce", "mx: *.d.test\r\n")

static struct world world;
static struct ss_settings settings;

static struct ss_lookup *
begin(void)
{
    struct smtpsec_destination destination;
    struct ss_lookup *lookup;

    by_hand_destination(&destination, "d.test");
    assert_int_equal(
        ss_lookup_new(&destination, &settings, SMTPSEC_MEMORY_OFF, NULL, NULL, &lookup), 0);
    return lookup;
}

static size_t
step(struct ss_lookup *lookup)
{
    size_t open;

    assert_int_equal(ss_lookup_step(lookup, BY_HAND_NOW, &open), 0);
    return open;
}

/* The open needs as text, each ended by a comma. */
static void
must_need(struct ss_lookup *lookup, const char *want)
{
    char text[1024] = "";
    struct ss_need *need;
    size_t open = step(lookup), n;

    for (n = 0; (need = ss_lookup_open_need(lookup, n)) != NULL; n++)
        snprintf(text + strlen(text), sizeof(text) - strlen(text), "%u%s %.100s, ",
                 need->question.type, need->question.dnssec ? "+" : "", need->name);
    assert_int_equal(open, n);
    assert_string_equal(text, want);
}

static struct ss_need *
find(struct ss_lookup *lookup, const char *name, uint16_t type)
{
    struct ss_need *need;
    size_t n;

    for (n = 0; (need = ss_lookup_open_need(lookup, n)) != NULL; n++)
        if (need->question.type == type && strcmp(need->name, name) == 0)
            return need;
    return NULL;
}

static void
answer(struct ss_lookup *lookup, const char *name, uint16_t type)
{
    struct ss_need *need = find(lookup, name, type);

    assert_non_null(need);
    assert_int_equal(by_hand_answer(lookup, need, &world, POLICY, BY_HAND_NOW), 0);
}

#define HOST_NEEDS "1 mx.d.test, 28 mx.d.test, 1 b.d.test, 28 b.d.test, "

/* What can be asked in parallel comes out together, each thing once, until it is answered. */
static void
waves(void **state)
{
    struct ss_lookup *lookup = begin();
    struct ss_need *need;

    (void)state;
    assert_null(ss_lookup_open_need(lookup, 0));
    must_need(lookup, "15+ d.test, 16 _mta-sts.d.test, ");
    must_need(lookup, "15+ d.test, 16 _mta-sts.d.test, ");
    answer(lookup, "d.test", SS_RR_MX);
    must_need(lookup, "16 _mta-sts.d.test, " HOST_NEEDS);
    answer(lookup, "_mta-sts.d.test", SS_RR_TXT);
    must_need(lookup, HOST_NEEDS "1 mta-sts.d.test, 28 mta-sts.d.test, ");
    answer(lookup, "b.d.test", SS_RR_A);
    answer(lookup, "b.d.test", SS_RR_AAAA);
    answer(lookup, "mta-sts.d.test", SS_RR_A);
    must_need(lookup, "1 mx.d.test, 28 mx.d.test, 28 mta-sts.d.test, ");
    answer(lookup, "mta-sts.d.test", SS_RR_AAAA);
    answer(lookup, "mx.d.test", SS_RR_A);
    answer(lookup, "mx.d.test", SS_RR_AAAA);
    must_need(lookup, "52+ _25._tcp.mx.d.test, 0 mta-sts.d.test, ");
    /* STSF-01: one address, and the host's own addresses in both families. */
    need = find(lookup, "mta-sts.d.test", 0);
    assert_int_equal(need->kind, SMTPSEC_NEED_HTTPS);
    assert_string_equal(need->url, "https://mta-sts.d.test/.well-known/mta-sts.txt");
    assert_int_equal(need->address_count, 3);
    assert_string_equal(need->addresses[0], "2001:db8::9");
    assert_string_equal(need->addresses[1], "192.0.2.9");
    assert_string_equal(need->addresses[2], "192.0.2.10");
    assert_int_equal(by_hand_answer(lookup, need, &world, POLICY, BY_HAND_NOW), 0);
    answer(lookup, "_25._tcp.mx.d.test", SS_RR_TLSA);
    must_need(lookup, "");
    ss_lookup_free(lookup);
}

static void
ids(void **state)
{
    struct ss_lookup *lookup = begin();
    struct ss_need *need;
    uint32_t first, second;

    (void)state;
    assert_int_equal(step(lookup), 2);
    first = ss_lookup_open_need(lookup, 0)->id;
    second = ss_lookup_open_need(lookup, 1)->id;
    assert_true(first != 0 && second != 0 && first != second);
    assert_null(ss_lookup_need(lookup, 0));
    assert_null(ss_lookup_need(lookup, second + 1));
    assert_null(ss_lookup_need(lookup, UINT32_MAX));
    need = ss_lookup_need(lookup, first);
    assert_ptr_equal(need, ss_lookup_open_need(lookup, 0));
    assert_int_equal(by_hand_answer(lookup, need, &world, POLICY, BY_HAND_NOW), 0);
    /* Answered, it is gone, and its id comes back for nothing else. */
    assert_null(ss_lookup_need(lookup, first));
    assert_int_equal(step(lookup), 5);
    assert_null(ss_lookup_need(lookup, first));
    assert_non_null(ss_lookup_need(lookup, second));
    assert_non_null(ss_lookup_need(lookup, second + 1));
    assert_null(ss_lookup_open_need(lookup, 5));
    ss_lookup_free(lookup);
}

/* Each need is asked once in the whole lookup; no id comes twice. */
static void
asked_once(void **state)
{
    struct ss_lookup *lookup = begin();
    size_t rounds, i, k;

    (void)state;
    assert_int_equal(by_hand_run(lookup, &world, POLICY, BY_HAND_NOW, true, &rounds), 0);
    assert_int_equal(rounds, 3);
    for (i = 0; i < lookup->need_count; i++) {
        assert_int_equal(lookup->needs[i]->id, i + 1);
        assert_false(lookup->needs[i]->open);
        for (k = 0; k < i; k++)
            assert_false(lookup->needs[i]->kind == lookup->needs[k]->kind &&
                         lookup->needs[i]->question.type == lookup->needs[k]->question.type &&
                         strcmp(lookup->needs[i]->name, lookup->needs[k]->name) == 0);
    }
    assert_int_equal(lookup->need_count, 10);
    ss_lookup_free(lookup);
}

static struct smtpsec_plan *
decide(struct ss_lookup *lookup)
{
    struct smtpsec_plan *plan;

    assert_int_equal(ss_lookup_decide(lookup, BY_HAND_NOW, &plan), 0);
    return plan;
}

static void
order(void **state)
{
    struct ss_lookup *one = begin(), *two = begin();
    struct smtpsec_plan *a, *b;

    (void)state;
    assert_int_equal(by_hand_run(one, &world, POLICY, BY_HAND_NOW, false, NULL), 0);
    assert_int_equal(by_hand_run(two, &world, POLICY, BY_HAND_NOW, true, NULL), 0);
    a = decide(one);
    b = decide(two);
    assert_int_equal(a->sts_mode, SMTPSEC_STS_ENFORCE);
    assert_int_equal(a->hosts[0].requirement->identities, SMTPSEC_IDENTITY_PKIX);
    assert_string_equal(a->digest_hex, b->digest_hex);
    assert_int_equal(a->expires, b->expires);
    ss_plan_free(a);
    ss_plan_free(b);
    ss_lookup_free(one);
    ss_lookup_free(two);
}

/* Deciding early: what is open counts as failed. */
static void
early(void **state)
{
    struct ss_lookup *lookup = begin();
    struct smtpsec_plan *plan;

    (void)state;
    step(lookup);
    plan = decide(lookup);
    assert_int_equal(plan->verdict, SMTPSEC_VERDICT_DEFER);
    assert_int_equal(plan->reason, SMTPSEC_REASON_MX_TIMEOUT);
    ss_plan_free(plan);
    answer(lookup, "d.test", SS_RR_MX);
    step(lookup);
    plan = decide(lookup);
    assert_int_equal(plan->verdict, SMTPSEC_VERDICT_DEFER);
    assert_int_equal(plan->reason, SMTPSEC_REASON_ADDR_TIMEOUT);
    ss_plan_free(plan);
    answer(lookup, "mx.d.test", SS_RR_A);
    answer(lookup, "mx.d.test", SS_RR_AAAA);
    step(lookup);
    plan = decide(lookup);
    assert_int_equal(plan->hosts[0].reason, SMTPSEC_REASON_TLSA_TIMEOUT);
    ss_plan_free(plan);
    ss_lookup_free(lookup);
}

/* ---- Answers that are failures ---- */

struct failing {
    const char *name;
    int32_t failure;
    int32_t want; /* reason of the plan */
};

static const struct failing failing[] = {
    {"RES-04 time-out", SMTPSEC_FAILURE_TIMEOUT, SMTPSEC_REASON_MX_TIMEOUT},
    {"RES-04 SERVFAIL", SMTPSEC_FAILURE_SERVFAIL, SMTPSEC_REASON_MX_SERVFAIL},
    {"RES-04 REFUSED", SMTPSEC_FAILURE_REFUSED, SMTPSEC_REASON_MX_RCODE},
    {"RES-04 NOTIMP", SMTPSEC_FAILURE_NOTIMP, SMTPSEC_REASON_MX_RCODE},
    {"RES-05 bogus", SMTPSEC_FAILURE_BOGUS, SMTPSEC_REASON_MX_BOGUS},
    {"RES-06 indeterminate", SMTPSEC_FAILURE_INDETERMINATE, SMTPSEC_REASON_MX_INDETERMINATE},
    {"RES-15 alias", SMTPSEC_FAILURE_ALIAS, SMTPSEC_REASON_MX_ALIAS},
    {"malformed", SMTPSEC_FAILURE_MALFORMED, SMTPSEC_REASON_MX_MALFORMED},
    {"truncated", SMTPSEC_FAILURE_TRUNCATED, SMTPSEC_REASON_MX_MALFORMED},
    {"no resolver", SMTPSEC_FAILURE_UNREACHABLE, SMTPSEC_REASON_MX_TIMEOUT},
    {"cancelled", SMTPSEC_FAILURE_CANCELLED, SMTPSEC_REASON_MX_TIMEOUT},
};

static void
check_failing(void **state)
{
    const struct failing *row = *state;
    struct ss_lookup *lookup = begin();
    struct smtpsec_plan *plan;

    step(lookup);
    assert_int_equal(ss_lookup_answer_failure(lookup, find(lookup, "d.test", SS_RR_MX),
                                              row->failure, BY_HAND_NOW),
                     0);
    /* RES-16: nothing more is asked of a domain that cannot be reached, and nothing waited for. */
    must_need(lookup, "");
    plan = decide(lookup);
    assert_int_equal(plan->verdict, SMTPSEC_VERDICT_DEFER);
    assert_int_equal(plan->reason, row->want);
    assert_int_equal(plan->count, 0);
    ss_plan_free(plan);
    ss_lookup_free(lookup);
}

/* A message that does not answer the question is a failure, and closes the need. */
static void
broken_message(void **state)
{
    static const uint8_t junk[] = "no message at all";
    struct ss_bytes bytes = {junk, sizeof(junk)};
    struct ss_lookup *lookup = begin();
    struct smtpsec_plan *plan;

    (void)state;
    step(lookup);
    assert_int_equal(
        ss_lookup_answer_dns(lookup, find(lookup, "d.test", SS_RR_MX), bytes, true, BY_HAND_NOW),
        0);
    assert_null(find(lookup, "d.test", SS_RR_MX));
    plan = decide(lookup);
    assert_int_equal(plan->reason, SMTPSEC_REASON_MX_MALFORMED);
    ss_plan_free(plan);
    ss_lookup_free(lookup);
}

/* RES-26: AD is believed only where the path is trusted. */
static void
untrusted(void **state)
{
    struct ss_lookup *lookup = begin();
    struct world_reply reply;
    struct ss_bytes bytes;
    struct smtpsec_plan *plan;

    (void)state;
    step(lookup);
    world_ask(&world, "d.test", SS_RR_MX, &reply);
    bytes.data = reply.message;
    bytes.len = reply.len;
    assert_int_equal(
        ss_lookup_answer_dns(lookup, find(lookup, "d.test", SS_RR_MX), bytes, false, BY_HAND_NOW),
        0);
    free(reply.message);
    plan = decide(lookup);
    assert_int_equal(plan->mx_trust, SMTPSEC_TRUST_INSECURE);
    ss_plan_free(plan);
    ss_lookup_free(lookup);
}

/* ---- The policy's reply ---- */

struct reply {
    const char *name;
    int32_t status;
    const char *type;
    const char *body;
    size_t padding; /* octets of comment behind the body */
    int32_t want_mode;
    const char *want_error; /* "" none */
};

static const struct reply replies[] = {
    {"a policy", 200, "text/plain", POLICY, 0, SMTPSEC_STS_ENFORCE, ""},
    {"STSF-07 with a charset", 200, "text/plain; charset=utf-8", POLICY, 0, SMTPSEC_STS_ENFORCE,
     ""},
    {"STSF-06 404", 404, "text/plain", POLICY, 0, SMTPSEC_STS_ABSENT, "http-status-404"},
    {"STSF-05 a redirect is not followed", 301, "text/plain", POLICY, 0, SMTPSEC_STS_ABSENT,
     "http-status-301"},
    {"STSF-07 another type", 200, "text/html", POLICY, 0, SMTPSEC_STS_ABSENT, "http-type"},
    {"STSF-07 no type", 200, NULL, POLICY, 0, SMTPSEC_STS_ABSENT, "http-type"},
    {"STSF-09 64 KiB", 200, "text/plain", POLICY, SS_STS_BODY_MAX - (sizeof(POLICY) - 1),
     SMTPSEC_STS_ENFORCE, ""},
    {"STSF-09 64 KiB and one", 200, "text/plain", POLICY,
     SS_STS_BODY_MAX - (sizeof(POLICY) - 1) + 1, SMTPSEC_STS_ABSENT, "http-size"},
    {"STSF-14 no policy", 200, "text/plain", "hello", 0, SMTPSEC_STS_ABSENT,
     "the policy breaks the grammar"},
    {"STSF-14 empty", 200, "text/plain", "", 0, SMTPSEC_STS_ABSENT,
     "the policy breaks the grammar"},
};

static void
check_reply(void **state)
{
    const struct reply *row = *state;
    struct ss_lookup *lookup = begin();
    struct smtpsec_plan *plan;
    struct ss_need *need = NULL;
    struct ss_bytes bytes;
    char *body;

    while (need == NULL) {
        step(lookup);
        need = find(lookup, "mta-sts.d.test", 0);
        if (need == NULL)
            assert_int_equal(by_hand_answer(lookup, ss_lookup_open_need(lookup, 0), &world, NULL,
                                            BY_HAND_NOW),
                             0);
    }
    bytes.len = strlen(row->body) + row->padding;
    body = malloc(bytes.len + 1);
    assert_non_null(body);
    strcpy(body, row->body);
    if (row->padding > 0) {
        memset(body + strlen(row->body), 'x', row->padding);
        memcpy(body + strlen(row->body), "x: ", 3);
    }
    bytes.data = (const uint8_t *)body;
    assert_int_equal(
        ss_lookup_answer_https(lookup, need, row->status, row->type, bytes, BY_HAND_NOW), 0);
    memset(body, 'z', bytes.len); /* it was copied */
    free(body);
    assert_false(need->open);
    assert_int_equal(by_hand_run(lookup, &world, NULL, BY_HAND_NOW, false, NULL), 0);
    plan = decide(lookup);
    assert_int_equal(plan->sts_mode, row->want_mode);
    assert_string_equal(plan->sts_error_text, row->want_error);
    ss_plan_free(plan);
    ss_lookup_free(lookup);
}

/* What is remembered is moved in: the caller's are left empty. */
static void
moved(void **state)
{
    struct smtpsec_destination destination;
    struct ss_memory_key key;
    struct ss_record record;
    struct ss_sts_entry entry;
    struct ss_lookup *lookup;

    (void)state;
    by_hand_destination(&destination, "d.test");
    ss_destination_key(&destination, &key);
    ss_record_init(&record, &key);
    ss_sts_entry_init(&entry);
    assert_non_null(ss_record_add(&record, SMTPSEC_CLAIM_DANE, &destination.domain));
    strcpy(entry.id, "7");
    entry.body = malloc(1);
    entry.len = 1;
    assert_int_equal(
        ss_lookup_new(&destination, &settings, SMTPSEC_MEMORY_READ_ONLY, &record, &entry, &lookup),
        0);
    assert_int_equal(record.count, 0);
    assert_null(record.claims);
    assert_string_equal(entry.id, "");
    assert_null(entry.body);
    assert_int_equal(lookup->evidence.record.count, 1);
    assert_string_equal(lookup->evidence.entry.id, "7");
    assert_int_equal(lookup->evidence.memory_state, SMTPSEC_MEMORY_READ_ONLY);
    ss_lookup_free(lookup);
    ss_lookup_free(NULL);
}

int
main(void)
{
    struct ss_table t = SS_TABLE("lookup");
    int failed;

    ss_settings_init(&settings);
    by_hand_world(&world, facts);
    ss_table_case(&t, "needs come in waves, each once", waves);
    ss_table_case(&t, "ids name one need for ever", ids);
    ss_table_case(&t, "nothing is asked twice", asked_once);
    ss_table_case(&t, "the order of answers does not matter", order);
    ss_table_case(&t, "who decides early defers", early);
    SS_TABLE_ROWS(&t, check_failing, failing);
    ss_table_case(&t, "a broken message is a failed look-up", broken_message);
    ss_table_case(&t, "RES-26 AD from an untrusted path", untrusted);
    SS_TABLE_ROWS(&t, check_reply, replies);
    ss_table_case(&t, "what is remembered is moved in", moved);
    failed = ss_table_run(&t);
    world_free(&world);
    return failed;
}
