/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Counters, and the events of refusals: "checked and passed" is told from "not checked". */
#include "table.h"

#include <stdio.h>
#include <string.h>

#include "memory_use.h"

static const int32_t classes[] = {SMTPSEC_COUNTER_CHECKED, SMTPSEC_COUNTER_REFUSED,
                                  SMTPSEC_COUNTER_NOTHING_KNOWN, SMTPSEC_COUNTER_NOT_CHECKED};

/* Earn an encrypted claim: 16 days of TLS. */
static void
earn(struct smtpsec_context *context, const char *domain)
{
    int day;

    use_domain(domain);
    for (day = 0; day < 16; day++) {
        assert_int_equal(use_deliver(context, domain, true), 0);
        use_now += USE_DAY;
    }
}

/* ---- One evaluation, one class ---- */

struct row {
    const char *name;
    const char *memory; /* as use_open() */
    bool earned;
    const char *mx;     /* what the MX look-up then gives */
    int32_t want;
};

static const struct row rows[] = {
    {"no memory is not checked", "", false, "dns MX d.test insecure 10:mx.d.test",
     SMTPSEC_COUNTER_NOT_CHECKED},
    {"no memory is not checked, whatever the DNS says", "", false, "dns MX d.test servfail",
     SMTPSEC_COUNTER_NOT_CHECKED},
    {"a domain of which nothing is known", NULL, false, "dns MX d.test insecure 10:mx.d.test",
     SMTPSEC_COUNTER_NOTHING_KNOWN},
    {"a domain with a claim that can be met", NULL, true, "dns MX d.test insecure 10:mx.d.test",
     SMTPSEC_COUNTER_CHECKED},
    {"a forged host that has to meet the floor of the others", NULL, true,
     "dns MX d.test insecure 10:mx.e.test", SMTPSEC_COUNTER_CHECKED},
    {"a claim, and a plan that comes to no host", NULL, true, "dns MX d.test servfail",
     SMTPSEC_COUNTER_NOTHING_KNOWN},
    {"a forged end that is held", NULL, true, "dns MX d.test nxdomain", SMTPSEC_COUNTER_REFUSED},
    {"an end of a domain of which nothing is known", NULL, false, "dns MX d.test nxdomain",
     SMTPSEC_COUNTER_NOTHING_KNOWN},
};

static void
one_class(void **state)
{
    const struct row *row = *state;
    struct smtpsec_context *context = use_open(row->memory, 0);
    uint64_t before[4], sum = 0;
    size_t i;

    use_domain("d.test");
    use_domain("e.test");
    if (row->earned)
        earn(context, "d.test");
    use_fact(row->mx);
    for (i = 0; i < 4; i++)
        before[i] = use_counter(context, classes[i]);
    smtpsec_plan_free(use_evaluate(context, "d.test"));
    for (i = 0; i < 4; i++) {
        uint64_t more = use_counter(context, classes[i]) - before[i];

        assert_int_equal(more, classes[i] == row->want ? 1 : 0);
        sum += use_counter(context, classes[i]);
    }
    assert_int_equal(sum, use_counter(context, SMTPSEC_COUNTER_EVALUATIONS));
    smtpsec_context_free(context);
    world_clear(&use_world);
}

/* ---- Whatever happens ---- */

static uint32_t dice;

static uint32_t
roll(uint32_t sides)
{
    dice = dice * 1664525u + 1013904223u;
    return (dice >> 8) % sides;
}

/* The DNS of d.test as it happens to be. */
static void
random_facts(void)
{
    static const char *const mx[] = {
        "dns MX d.test insecure 10:mx.d.test", "dns MX d.test secure 10:mx.d.test",
        "dns MX d.test insecure 10:mx.e.test", "dns MX d.test insecure 10:mx.d.test 20:mx.e.test",
        "dns MX d.test servfail", "dns MX d.test nxdomain", "dns MX d.test insecure 0:.",
        "dns MX d.test timeout"};
    static const char *const a[] = {"dns A mx.d.test insecure 192.0.2.1",
                                    "dns A mx.d.test secure 192.0.2.1", "dns A mx.d.test timeout"};
    static const char *const tlsa[] = {"dns TLSA _25._tcp.mx.d.test secure 3.1.1.self:mx.d.test",
                                       "dns TLSA _25._tcp.mx.d.test insecure 3.1.1.self:mx.d.test",
                                       "dns TLSA _25._tcp.mx.d.test servfail"};

    use_fact(mx[roll(sizeof(mx) / sizeof(mx[0]))]);
    use_fact(a[roll(sizeof(a) / sizeof(a[0]))]);
    use_fact(tlsa[roll(sizeof(tlsa) / sizeof(tlsa[0]))]);
}

static bool
asks_memory(const struct smtpsec_plan *plan)
{
    size_t i;

    for (i = 0; i < smtpsec_plan_host_count(plan); i++)
        if ((smtpsec_requirement_sources(smtpsec_host_requirement(smtpsec_plan_host(plan, i))) &
             SMTPSEC_SOURCE_MEMORY) != 0)
            return true;
    return false;
}

static void
random_histories(void **state)
{
    struct smtpsec_context *context = use_open(NULL, 0);
    uint64_t before[4], more[4], classed = 0, evaluations = 0, seen[4] = {0};
    struct smtpsec_plan *plan;
    int i;
    size_t k;

    (void)state;
    dice = 7;
    use_domain("d.test");
    use_domain("e.test");
    for (i = 0; i < 3000; i++) {
        if (i % 40 < 20) {
            use_domain("d.test");
            use_fact("dns TLSA _25._tcp.mx.d.test nodata");
            if (use_deliver(context, "d.test", true) == 0)
                evaluations++;
            for (k = 0, classed = 0; k < 4; k++)
                classed += use_counter(context, classes[k]);
            assert_int_equal(classed, use_counter(context, SMTPSEC_COUNTER_EVALUATIONS));
        } else {
            random_facts();
        }
        use_now += (int64_t)roll(USE_DAY * 3 / 2);
        for (k = 0; k < 4; k++)
            before[k] = use_counter(context, classes[k]);
        plan = use_evaluate(context, "d.test");
        evaluations++;
        for (k = 0, classed = 0; k < 4; k++) {
            more[k] = use_counter(context, classes[k]) - before[k];
            classed += more[k];
            seen[k] += more[k];
        }
        assert_int_equal(classed, 1);
        assert_int_equal(use_counter(context, SMTPSEC_COUNTER_EVALUATIONS), evaluations);
        /* What passed under a demand of the memory is never called unchecked. */
        if (smtpsec_plan_verdict(plan) == SMTPSEC_VERDICT_DELIVER && asks_memory(plan))
            assert_int_equal(more[0], 1);
        if (more[0] == 1)
            assert_int_equal(smtpsec_plan_verdict(plan), SMTPSEC_VERDICT_DELIVER);
        if (smtpsec_plan_reason(plan) == SMTPSEC_REASON_DOWNGRADE ||
            smtpsec_plan_reason(plan) == SMTPSEC_REASON_ANSWER_HELD)
            assert_int_equal(more[1], 1);
        if (more[1] == 1)
            assert_int_not_equal(smtpsec_plan_verdict(plan), SMTPSEC_VERDICT_DELIVER);
        smtpsec_plan_free(plan);
    }
    assert_true(seen[0] > 100 && seen[1] > 10 && seen[2] > 100);
    assert_int_equal(seen[3], 0);
    smtpsec_context_free(context);
    world_clear(&use_world);
}

static void
full_counter(void **state)
{
    struct smtpsec_context *context = use_open("", 0);

    (void)state;
    use_domain("d.test");
    context->counters.values[SMTPSEC_COUNTER_EVALUATIONS] = UINT64_MAX;
    smtpsec_plan_free(use_evaluate(context, "d.test"));
    assert_true(use_counter(context, SMTPSEC_COUNTER_EVALUATIONS) == UINT64_MAX);
    assert_int_equal(use_counter(context, -1), 0);
    assert_int_equal(use_counter(context, 0), 0);
    assert_int_equal(use_counter(context, SMTPSEC_COUNTER_FROM_CACHE + 1), 0);
    smtpsec_context_free(context);
    world_clear(&use_world);
}

/* ---- Sessions ---- */

static void
sessions(void **state)
{
    struct smtpsec_context *context = use_open(NULL, 0);
    char text[1024];
    int day;

    (void)state;
    earn(context, "d.test");
    assert_int_equal(use_counter(context, SMTPSEC_COUNTER_RECORDED), 16);
    assert_int_equal(use_counter(context, SMTPSEC_COUNTER_MET), 1);
    assert_int_equal(use_deliver(context, "d.test", true), 0);
    assert_int_equal(use_counter(context, SMTPSEC_COUNTER_MET), 2);
    use_now += USE_DAY;
    assert_int_equal(use_deliver(context, "d.test", false), 0);
    assert_int_equal(use_counter(context, SMTPSEC_COUNTER_MET), 2);
    assert_int_equal(use_counter(context, SMTPSEC_COUNTER_REFUSED), 1);
    assert_int_equal(use_counter(context, SMTPSEC_COUNTER_RECORDED), 18);
    assert_int_equal(use_events(context, SMTPSEC_EVENT_REFUSED, text), 1);
    assert_string_equal(text,
                        "a session with mx.d.test was refused, downgrade: the memory's claim "
                        "encrypted; it ends by itself in 72 hours; where the change is meant, "
                        "except it in the policy file or forget the domain");
    /* Told once an hour, counted each time. */
    assert_int_equal(use_deliver(context, "d.test", false), 0);
    assert_int_equal(use_events(context, SMTPSEC_EVENT_REFUSED, NULL), 0);
    assert_int_equal(use_counter(context, SMTPSEC_COUNTER_REFUSED), 2);
    use_now += 3600;
    assert_int_equal(use_deliver(context, "d.test", false), 0);
    assert_int_equal(use_events(context, SMTPSEC_EVENT_REFUSED, text), 1);
    assert_non_null(strstr(text, "in 71 hours"));
    /* After the hold it goes on, and is counted as that. */
    for (day = 0; day < 3; day++) {
        assert_int_equal(use_counter(context, SMTPSEC_COUNTER_HOLD_ENDED), 0);
        smtpsec_plan_free(use_evaluate(context, "d.test"));
        use_now += USE_DAY;
    }
    assert_int_equal(use_deliver(context, "d.test", false), 0);
    assert_int_equal(use_counter(context, SMTPSEC_COUNTER_HOLD_ENDED), 1);
    assert_int_equal(use_counter(context, SMTPSEC_COUNTER_REFUSED), 3);
    assert_int_equal(use_counter(context, SMTPSEC_COUNTER_NOT_RECORDED), 0);
    smtpsec_context_free(context);
    world_clear(&use_world);
}

static void
not_recorded(void **state)
{
    struct smtpsec_context *context = use_open("", 0);

    (void)state;
    use_domain("d.test");
    assert_int_equal(use_deliver(context, "d.test", true), SMTPSEC_E_MEMORY);
    assert_int_equal(use_counter(context, SMTPSEC_COUNTER_NOT_RECORDED), 1);
    assert_int_equal(use_counter(context, SMTPSEC_COUNTER_RECORDED), 0);
    smtpsec_context_free(context);
    world_clear(&use_world);
}

/* What is too old to be recorded is told to nobody either: it may be a replay. */
static void
stale(void **state)
{
    struct smtpsec_context *context = use_open(NULL, 0);
    struct smtpsec_outcome outcome;

    (void)state;
    memset(&outcome, 0, sizeof(outcome));
    assert_true(ss_name_from_text(&outcome.key.domain, "d.test", 6));
    assert_true(ss_name_from_text(&outcome.host, "mx.d.test", 9));
    outcome.judged = true;
    outcome.memory_refused = true;
    outcome.reason = SMTPSEC_REASON_DOWNGRADE;
    outcome.sources = SMTPSEC_SOURCE_MEMORY;
    outcome.starttls = SMTPSEC_STARTTLS_ABSENT;
    outcome.at = use_now - USE_DAY - 1;
    assert_int_equal(smtpsec_record(context, &outcome, use_now), SMTPSEC_E_STALE);
    assert_int_equal(use_counter(context, SMTPSEC_COUNTER_NOT_RECORDED), 1);
    assert_int_equal(use_counter(context, SMTPSEC_COUNTER_REFUSED), 0);
    assert_int_equal(use_events(context, SMTPSEC_EVENT_REFUSED, NULL), 0);
    outcome.at = use_now;
    assert_int_equal(smtpsec_record(context, &outcome, use_now), 0);
    assert_int_equal(use_counter(context, SMTPSEC_COUNTER_REFUSED), 1);
    assert_int_equal(use_events(context, SMTPSEC_EVENT_REFUSED, NULL), 1);
    smtpsec_context_free(context);
}

/* ---- Faults near us, and a full memory ---- */

static void
near_us(void **state)
{
    struct smtpsec_context *one, *other;
    char directory[] = "/tmp/smtpsec-near-us.XXXXXX";
    char command[64], domain[32], text[1024];
    int day, i;

    (void)state;
    assert_non_null(mkdtemp(directory));
    one = use_open(directory, 0);
    other = use_open(directory, 0);
    for (day = 0; day < 16; day++, use_now += USE_DAY)
        for (i = 0; i < 10; i++) {
            snprintf(domain, sizeof(domain), "d%d.test", i);
            use_domain(domain);
            assert_int_equal(use_deliver(one, domain, true), 0);
        }
    use_events(one, 0, NULL);
    /* Nine by one process, the tenth by another. */
    for (i = 0; i < 9; i++) {
        snprintf(domain, sizeof(domain), "d%d.test", i);
        assert_int_equal(use_deliver(one, domain, false), 0);
    }
    assert_int_equal(use_deliver(other, "d0.test", false), 0);
    assert_int_equal(use_events(one, SMTPSEC_EVENT_MANY_REFUSED, NULL), 0);
    assert_int_equal(use_events(other, SMTPSEC_EVENT_MANY_REFUSED, NULL), 0);
    assert_int_equal(use_deliver(other, "d9.test", false), 0);
    assert_int_equal(use_events(other, SMTPSEC_EVENT_MANY_REFUSED, text), 1);
    assert_non_null(strstr(text, "10 domains "));
    assert_int_equal(use_events(one, SMTPSEC_EVENT_MANY_REFUSED, NULL), 0);
    smtpsec_context_free(one);
    smtpsec_context_free(other);
    /* A process that may not write counts for itself. */
    one = use_open(directory, 1);
    for (i = 0; i < 10; i++) {
        struct ss_name name;

        snprintf(domain, sizeof(domain), "d%d.test", i);
        assert_true(ss_name_from_text(&name, domain, strlen(domain)));
        assert_int_equal(use_events(one, SMTPSEC_EVENT_MANY_REFUSED, NULL), 0);
        ss_near_us(one, &name, use_now);
    }
    assert_int_equal(use_events(one, SMTPSEC_EVENT_MANY_REFUSED, NULL), 1);
    smtpsec_context_free(one);
    snprintf(command, sizeof(command), "rm -r %s", directory);
    assert_int_equal(system(command), 0);
    world_clear(&use_world);
}

static struct ss_store_kind counting;
static const struct ss_store_kind *counted;
static unsigned updates;

static int
count_update(struct ss_store *store, enum ss_store_table table, struct ss_bytes key,
             ss_store_edit edit, void *arg)
{
    updates++;
    return counted->update(store, table, key, edit, arg);
}

/* A queue run of a thousand messages to one refused domain takes no lock a thousand times. */
static void
no_write(void **state)
{
    struct smtpsec_context *context = use_open(NULL, 0);
    struct ss_name name;
    int i;

    (void)state;
    counted = context->store->kind;
    counting = *counted;
    counting.update = count_update;
    context->store->kind = &counting;
    updates = 0;
    assert_true(ss_name_from_text(&name, "d.test", 6));
    for (i = 0; i < 1000; i++)
        ss_near_us(context, &name, use_now + i);
    assert_int_equal(updates, 1);
    ss_near_us(context, &name, use_now + SS_MANY_WITHIN);
    assert_int_equal(updates, 2);
    context->store->kind = counted;
    smtpsec_context_free(context);
}

/* The list is damaged: it is begun anew, and nothing else happens. */
static int
spoil(void *arg, const struct ss_bytes *old, struct ss_buf *out, enum ss_edit *choice)
{
    (void)arg;
    (void)old;
    ss_buf_put(out, "R damaged", 9);
    *choice = SS_EDIT_PUT;
    return 0;
}

static void
damaged_list(void **state)
{
    struct smtpsec_context *context = use_open(NULL, 0);
    struct ss_name name;
    char domain[32];
    int i;

    (void)state;
    for (i = 0; i < 12; i++) {
        if (i == 5)
            assert_int_equal(
                ss_store_update(context->store, SS_TABLE_META, ss_many_key(), spoil, NULL), 0);
        snprintf(domain, sizeof(domain), "d%d.test", i);
        assert_true(ss_name_from_text(&name, domain, strlen(domain)));
        ss_near_us(context, &name, use_now);
    }
    assert_int_equal(use_events(context, SMTPSEC_EVENT_MANY_REFUSED, NULL), 0);
    for (; i < 15; i++) {
        snprintf(domain, sizeof(domain), "d%d.test", i);
        assert_true(ss_name_from_text(&name, domain, strlen(domain)));
        ss_near_us(context, &name, use_now);
    }
    assert_int_equal(use_events(context, SMTPSEC_EVENT_MANY_REFUSED, NULL), 1);
    smtpsec_context_free(context);
}

static void
memory_full(void **state)
{
    struct smtpsec_context *context = use_open(NULL, 0);
    int i;

    (void)state;
    for (i = 0; i < 100; i++)
        ss_tell_write_failed(context, use_now + i * 36, "d.test", SMTPSEC_E_LIMIT);
    assert_int_equal(use_events(context, SMTPSEC_EVENT_MEMORY_FULL, NULL), 1);
    ss_tell_write_failed(context, use_now + 3600, "d.test", SMTPSEC_E_LIMIT);
    assert_int_equal(use_events(context, SMTPSEC_EVENT_MEMORY_FULL, NULL), 1);
    ss_tell_write_failed(context, use_now, "d.test", SMTPSEC_E_MEMORY);
    ss_tell_write_failed(context, use_now, "d.test", SMTPSEC_E_MEMORY);
    assert_int_equal(use_events(context, SMTPSEC_EVENT_MEMORY_WRITE_FAILED, NULL), 2);
    smtpsec_context_free(context);
}

int
main(void)
{
    struct ss_table table = SS_TABLE("api/counters");

    SS_TABLE_ROWS(&table, one_class, rows);
    ss_table_case(&table, "PREC-09 each evaluation of random histories is in one class", random_histories);
    ss_table_case(&table, "a full counter stays full", full_counter);
    ss_table_case(&table, "PREC-09 sessions are counted, and their refusals told once an hour", sessions);
    ss_table_case(&table, "without a memory outcomes are not recorded", not_recorded);
    ss_table_case(&table, "a stale outcome is counted as that alone", stale);
    ss_table_case(&table, "PREC-09 ten domains refused by two processes together", near_us);
    ss_table_case(&table, "PREC-09 a refusal that is no news costs no write", no_write);
    ss_table_case(&table, "a damaged list of refusals is begun anew", damaged_list);
    ss_table_case(&table, "a full memory is told once an hour", memory_full);
    return ss_table_run(&table);
}
