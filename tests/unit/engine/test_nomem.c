/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * The whole way of a message with one allocation failing, for each of them in
 * turn: it ends with NOMEM or with the right result. Run under a sanitizer or
 * memcheck it also shows that nothing is lost on the way.
 */
/* The table of tests and the tables of a store have one name; here the former steps aside. */
#define ss_table ss_test_table
#include "table.h"
#undef ss_table

#include <string.h>

#include "by_hand.h"
#include "decision/outcome.h"
#include "decision/seal.h"
#include "decision/verify.h"
#include "engine/learn.h"
#include "pkix/anchors.h"

#include "../drive/failing_alloc.h"

char *__real_strdup(const char *text);
char *__wrap_strdup(const char *text);

char *
__wrap_strdup(const char *text)
{
    return alloc_fails() ? NULL : __real_strdup(text);
}

static const char *const facts[] = {
    "dns MX d.test secure inception=1799990000 10:mx.d.test 10:alias.d.test 20:b.d.test",
    "dns A mx.d.test secure 192.0.2.1",
    "dns AAAA mx.d.test secure 2001:db8::1",
    "dns A alias.d.test secure cname=h.p.test 192.0.2.2",
    "dns AAAA alias.d.test nodata-secure",
    "dns A b.d.test insecure cname=h.p.test 192.0.2.3",
    "dns CNAME b.d.test secure h.p.test",
    "dns TLSA _25._tcp.mx.d.test secure 3.1.1.good:mx.d.test 2.0.1.good:mx.d.test#ca 0.0.1.00",
    "dns TLSA _25._tcp.h.p.test nodata-secure",
    "dns TLSA _25._tcp.alias.d.test nodata-secure",
    "dns TLSA _25._tcp.b.d.test servfail",
    "dns TXT _mta-sts.d.test insecure v=STSv1;id=2;",
    "dns A mta-sts.d.test insecure 192.0.2.9",
    NULL};

#define POLICY BY_HAND_POLICY("enforce", "mx: *.d.test\r\nmx: mail.e.test\r\n")

static struct world world;
static struct ss_settings settings;
static struct smtpsec_anchors *anchors;
static const struct ss_seal_key key = {"0123456789abcdef", 16};
static unsigned long paused_at;

static void
pause_failing(void)
{
    paused_at = alloc_fail_at;
    alloc_fail_at = 0;
}

static void
resume_failing(void)
{
    alloc_fail_at = paused_at;
}

/* What is left of a run, to be compared. */
struct run {
    char digest[2 * SS_SHA256_LEN + 1];
    char strict[2 * SS_SHA256_LEN + 1];
    char requirement[2 * SS_SHA256_LEN + 1];
    bool accepted;
    struct ss_store *store;
};

static int
pass_on(const struct smtpsec_requirement *requirement, struct smtpsec_requirement **out)
{
    struct ss_buf body, blob;
    struct ss_bytes bytes, inner;
    int r;

    ss_buf_init(&body, SS_BLOB_MAX);
    ss_buf_init(&blob, SS_BLOB_MAX);
    ss_requirement_encode(requirement, &body);
    r = ss_seal(&key, SS_BLOB_REQUIREMENT, 1, &body, &blob);
    if (r == 0) {
        bytes.data = blob.data;
        bytes.len = blob.len;
        r = ss_unseal(&key, SS_BLOB_REQUIREMENT, 1, bytes, &inner);
    }
    if (r == 0)
        r = ss_requirement_decode(inner, out);
    ss_buf_free(&body);
    ss_buf_free(&blob);
    return r;
}

static int
pass_on_outcome(const struct smtpsec_outcome *outcome, struct smtpsec_outcome **out)
{
    struct ss_bytes bytes;
    struct ss_buf body;
    int r;

    ss_buf_init(&body, SS_BLOB_MAX);
    ss_outcome_encode(outcome, &body);
    bytes.data = body.data;
    bytes.len = body.len;
    r = ss_buf_ok(&body) ? ss_outcome_decode(bytes, out) : SMTPSEC_E_NOMEM;
    ss_buf_free(&body);
    return r;
}

static int
connect_and_tell(const struct smtpsec_requirement *requirement, struct run *run)
{
    struct smtpsec_outcome *outcome = NULL, *told = NULL;
    struct smtpsec_requirement *passed = NULL;
    struct smtpsec_session session;
    struct smtpsec_verdict verdict = {.words = NULL};
    struct ss_bytes chain[4];
    size_t count, i;
    int r;

    memset(&session, 0, sizeof(session));
    session.starttls = SMTPSEC_STARTTLS_DONE;
    session.version = 0x0304;
    pause_failing();
    count = world_chain("good:mx.d.test", chain);
    resume_failing();
    r = pass_on(requirement, &passed);
    for (i = 0; r == 0 && i < count; i++)
        r = ss_session_add(&session, chain[i]);
    if (r == 0)
        r = ss_verify(anchors, passed, &session, BY_HAND_NOW, &verdict);
    if (r == 0)
        r = ss_outcome_new(passed, BY_HAND_NOW, &outcome);
    if (r == 0)
        r = ss_outcome_take(outcome, &session, &verdict);
    if (r == 0) {
        outcome->accepted = true;
        run->accepted = verdict.accepted;
        strcpy(run->requirement, passed->digest_hex);
        r = pass_on_outcome(outcome, &told);
    }
    if (r == 0)
        r = ss_learn_outcome(run->store, &settings.memory, told, 0, BY_HAND_NOW);
    ss_verdict_clear(&verdict);
    ss_session_clear(&session);
    ss_requirement_free(passed);
    free(outcome);
    free(told);
    return r;
}

static int
derive(const struct smtpsec_plan *plan, struct run *run)
{
    static const struct smtpsec_message requiretls = {.requiretls = true};
    struct smtpsec_plan *strict;
    int r;

    r = ss_plan_copy_facts(plan, &strict);
    if (r != 0)
        return r;
    r = ss_plan_apply(strict, &requiretls);
    if (r == 0)
        strcpy(run->strict, strict->digest_hex);
    ss_plan_free(strict);
    return r;
}

static int
evaluate(struct run *run, struct smtpsec_plan **out)
{
    struct smtpsec_destination destination;
    struct ss_sts_entry entry;
    struct ss_record record;
    struct ss_lookup *lookup = NULL;
    struct smtpsec_plan *plan = NULL;
    int r, fault;

    by_hand_destination(&destination, "d.test");
    r = ss_recall(run->store, &destination, &record, &entry, &fault);
    if (r == 0)
        r = ss_lookup_new(&destination, &settings, SMTPSEC_MEMORY_OK, &record, &entry, &lookup);
    ss_record_free(&record);
    ss_sts_entry_free(&entry);
    if (r == 0)
        r = by_hand_run(lookup, &world, POLICY, BY_HAND_NOW, false, NULL);
    if (r == 0)
        r = ss_lookup_decide(lookup, BY_HAND_NOW, &plan);
    if (r == 0)
        r = ss_learn_lookup(run->store, lookup, plan, BY_HAND_NOW);
    ss_lookup_free(lookup);
    if (r != 0) {
        ss_plan_free(plan);
        return r;
    }
    *out = plan;
    return 0;
}

static int
whole_way(struct run *run)
{
    struct smtpsec_plan *plan;
    int r;

    memset(run, 0, sizeof(*run));
    r = ss_store_ram_open(&run->store);
    if (r != 0)
        return r;
    r = evaluate(run, &plan);
    if (r == 0) {
        strcpy(run->digest, plan->digest_hex);
        r = derive(plan, run);
        if (r == 0)
            /* Names are ordered as octets, length first: mx, alias, then b. */
            r = connect_and_tell(plan->hosts[0].requirement, run);
        ss_plan_free(plan);
    }
    if (r == 0) /* and once more, now that something is remembered */
        r = evaluate(run, &plan);
    if (r == 0)
        ss_plan_free(plan);
    ss_store_close(run->store);
    return r;
}

static void
each_allocation(void **state)
{
    struct run want, got;
    unsigned long at;
    int r;

    (void)state;
    assert_int_equal(whole_way(&want), 0);
    assert_true(want.accepted);
    for (at = 1;; at++) {
        alloc_fail_set(at);
        r = whole_way(&got);
        if (!alloc_fail_reached())
            break;
        alloc_fail_set(0);
        if (r == 0) {
            /* Only a note may be lost without a word. */
            assert_string_equal(got.digest, want.digest);
            assert_string_equal(got.strict, want.strict);
            assert_string_equal(got.requirement, want.requirement);
            assert_true(got.accepted);
        } else {
            assert_int_equal(r, SMTPSEC_E_NOMEM);
        }
    }
    alloc_fail_set(0);
    assert_int_equal(r, 0);
    assert_true(at > 200);
}

int
main(void)
{
    struct ss_test_table t = SS_TABLE("nomem");
    int failed;

    ss_settings_init(&settings);
    by_hand_world(&world, facts);
    by_hand_pause = pause_failing;
    by_hand_resume = resume_failing;
    if (ss_anchors_new(&anchors) != 0 || ss_anchors_add_der(anchors, world_ca()) != 0)
        abort();
    ss_table_case(&t, "each allocation of the way of a message fails in turn", each_allocation);
    failed = ss_table_run(&t);
    ss_anchors_unref(anchors);
    world_free(&world);
    return failed;
}
