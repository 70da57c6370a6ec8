/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* What evaluations and outcomes leave in a store, counted write by write. */
/* The table of tests and the tables of a store have one name; here the former steps aside. */
#define ss_table ss_test_table
#include "table.h"
#undef ss_table

#include <string.h>

#include "by_hand.h"
#include "engine/learn.h"

#define NOW BY_HAND_NOW
#define ENFORCE BY_HAND_POLICY("enforce", "mx: *.d.test\r\n")
#define TESTING BY_HAND_POLICY("testing", "mx: *.d.test\r\n")

/* ---- A store that counts, and may fail ---- */

struct counting {
    struct ss_store store; /* first */
    struct ss_store *inner;
    size_t updates; /* write transactions */
    size_t writes;  /* of those, that wrote */
    int fail;       /* given by every call, when not 0 */
};

struct counted_edit {
    struct counting *counting;
    ss_store_edit edit;
    void *arg;
};

static int
count_edit(void *arg, const struct ss_bytes *old, struct ss_buf *out, enum ss_edit *edit)
{
    struct counted_edit *counted = arg;
    int r = counted->edit(counted->arg, old, out, edit);

    if (r == 0 && *edit != SS_EDIT_KEEP)
        counted->counting->writes++;
    return r;
}

static int
counting_get(struct ss_store *store, enum ss_store_table table, struct ss_bytes key,
             struct ss_buf *value)
{
    struct counting *counting = (struct counting *)store;

    return counting->fail != 0 ? counting->fail : ss_store_get(counting->inner, table, key, value);
}

static int
counting_update(struct ss_store *store, enum ss_store_table table, struct ss_bytes key,
                ss_store_edit edit, void *arg)
{
    struct counting *counting = (struct counting *)store;
    struct counted_edit counted = {counting, edit, arg};

    if (ss_store_is_volatile(table)) /* no write of the memory */
        return ss_store_update(counting->inner, table, key, edit, arg);
    counting->updates++;
    if (counting->fail != 0)
        return counting->fail;
    return ss_store_update(counting->inner, table, key, count_edit, &counted);
}

static int
counting_each(struct ss_store *store, enum ss_store_table table, struct ss_bytes after, size_t most,
              ss_store_each each, void *arg)
{
    return ss_store_each_after(((struct counting *)store)->inner, table, after, most, each, arg);
}

static void
counting_close(struct ss_store *store)
{
    ss_store_close(((struct counting *)store)->inner);
}

static const struct ss_store_kind counting_kind = {.get = counting_get, .update = counting_update,
                                                   .each = counting_each, .close = counting_close};

/* ---- One test's surroundings ---- */

static struct world world;
static struct ss_settings settings;
static struct counting counting;

static void
set_up(void)
{
    static const char *const facts[] = {
        "dns MX d.test secure inception=1799990000 10:mx.d.test",
        "dns A mx.d.test secure 192.0.2.1",
        "dns AAAA mx.d.test nodata-secure",
        "dns TLSA _25._tcp.mx.d.test nodata-secure inception=1799990000",
        "dns TXT _mta-sts.d.test insecure v=STSv1;id=1;",
        "dns A mta-sts.d.test insecure 192.0.2.9",
        NULL};

    memset(&counting, 0, sizeof(counting));
    counting.store.kind = &counting_kind;
    counting.store.state = SMTPSEC_MEMORY_OK;
    assert_int_equal(ss_store_ram_open(&counting.inner), 0);
    by_hand_world(&world, facts);
}

static void
fact(const char *line)
{
    const char *const lines[] = {line, NULL};

    by_hand_world(&world, lines);
}

static void
tear_down(void)
{
    ss_store_close(&counting.store);
    world_free(&world);
}

struct remembered {
    struct ss_record record;
    struct ss_sts_entry entry;
    int fault;
};

static void
recall(struct remembered *remembered)
{
    struct smtpsec_destination destination;

    by_hand_destination(&destination, "d.test");
    assert_int_equal(ss_recall(&counting.store, &destination, &remembered->record,
                               &remembered->entry, &remembered->fault),
                     0);
}

static void
forget(struct remembered *remembered)
{
    ss_record_free(&remembered->record);
    ss_sts_entry_free(&remembered->entry);
}

/* A whole evaluation; the plan's verdict. */
static int32_t
evaluate_on(const char *domain, uint16_t port, const char *https, int64_t now, int *learnt)
{
    struct smtpsec_destination destination;
    struct ss_lookup *lookup;
    struct smtpsec_plan *plan;
    struct ss_sts_entry entry;
    struct ss_record record;
    int32_t verdict;
    int r, fault;

    by_hand_destination(&destination, domain);
    destination.port = port;
    r = ss_recall(&counting.store, &destination, &record, &entry, &fault);
    assert_true(r == 0 || r == counting.fail);
    assert_int_equal(ss_lookup_new(&destination, &settings, SMTPSEC_MEMORY_OK, &record, &entry,
                                   &lookup),
                     0);
    assert_int_equal(by_hand_run(lookup, &world, https, now, false, NULL), 0);
    assert_int_equal(ss_lookup_decide(lookup, now, &plan), 0);
    r = ss_learn_lookup(&counting.store, lookup, plan, now);
    if (learnt != NULL)
        *learnt = r;
    else
        assert_int_equal(r, 0);
    verdict = plan->verdict;
    ss_plan_free(plan);
    ss_lookup_free(lookup);
    return verdict;
}

static void
evaluate(const char *https, int64_t now)
{
    assert_int_equal(evaluate_on("d.test", 25, https, now, NULL), SMTPSEC_VERDICT_DELIVER);
}

/* An outcome of host mx, as the last process would tell it. */
static int
deliver(int32_t identities, int64_t at, int64_t now)
{
    struct smtpsec_outcome outcome;
    struct smtpsec_destination destination;

    memset(&outcome, 0, sizeof(outcome));
    by_hand_destination(&destination, "d.test");
    ss_destination_key(&destination, &outcome.key);
    by_hand_destination(&destination, "mx.d.test");
    outcome.host = destination.domain;
    outcome.at = at;
    outcome.mx_secure = true;
    outcome.starttls = SMTPSEC_STARTTLS_DONE;
    outcome.judged = outcome.verified = outcome.accepted = true;
    outcome.identities = identities;
    outcome.expires = at + 300;
    outcome.inception = at - 3600;
    outcome.signature_expiration = at + SS_DAY;
    return ss_learn_outcome(&counting.store, &settings.memory, &outcome, 0, now);
}

/* ---- Policies ---- */

static void
must_hold(const char *id, int64_t fetched, const char *body)
{
    struct remembered remembered;

    recall(&remembered);
    assert_int_equal(remembered.fault, 0);
    assert_string_equal(remembered.entry.id, id);
    assert_int_equal(remembered.entry.fetched, fetched);
    assert_int_equal(remembered.entry.len, strlen(body));
    assert_memory_equal(remembered.entry.body, body, strlen(body));
    forget(&remembered);
}

static void
fetched(void **state)
{
    struct remembered remembered;

    (void)state;
    set_up();
    evaluate(ENFORCE, NOW);
    must_hold("1", NOW, ENFORCE);
    recall(&remembered);
    assert_int_equal(remembered.entry.max_age, 86400);
    assert_int_equal(remembered.entry.failed_at, 0);
    assert_non_null(ss_record_find(&remembered.record, SMTPSEC_CLAIM_MTA_STS, NULL));
    assert_int_equal(remembered.record.count, 1);
    forget(&remembered);
    tear_down();
}

/* An unchanged domain costs no write transaction, but for the day of its last use. */
static void
unchanged(void **state)
{
    size_t updates;
    int64_t now;

    (void)state;
    set_up();
    evaluate(ENFORCE, NOW);
    assert_true(counting.writes > 0);
    evaluate(ENFORCE, NOW); /* the claim is there now, and learns when the MX set was signed */
    updates = counting.updates;
    for (now = NOW + 1; now / SS_DAY == NOW / SS_DAY; now += 7200)
        evaluate(ENFORCE, now);
    assert_int_equal(counting.updates, updates);
    for (; now < NOW + 86400; now += 7200)
        evaluate(ENFORCE, now);
    assert_in_range(counting.updates, updates, updates + 1);
    must_hold("1", NOW, ENFORCE);
    tear_down();
}

/* A domain of which nothing is known, and that publishes nothing, leaves nothing. */
static void
plain_domain(void **state)
{
    struct remembered remembered;

    (void)state;
    set_up();
    fact("dns TXT _mta-sts.d.test nodata");
    evaluate(NULL, NOW);
    evaluate(NULL, NOW + 86400);
    assert_int_equal(counting.updates, 0);
    recall(&remembered);
    assert_int_equal(remembered.record.count, 0);
    assert_string_equal(remembered.entry.id, "");
    forget(&remembered);
    tear_down();
}

static void
failed_fetch(void **state)
{
    struct remembered remembered;
    size_t updates;

    (void)state;
    set_up();
    evaluate(ENFORCE, NOW);
    fact("dns TXT _mta-sts.d.test insecure v=STSv1;id=2;");
    evaluate(NULL, NOW + 3600);
    /* STSF-12, STSA-16: the policy stays, with its own time. */
    must_hold("1", NOW, ENFORCE);
    recall(&remembered);
    assert_string_equal(remembered.entry.failed_id, "2");
    assert_int_equal(remembered.entry.failed_at, NOW + 3600);
    assert_int_equal(remembered.entry.attempted, NOW + 3600);
    forget(&remembered);
    /* STSF-13: for five minutes that id is not fetched again, nor is the failure written. */
    updates = counting.updates;
    evaluate(ENFORCE, NOW + 3600 + 299);
    assert_int_equal(counting.updates, updates);
    must_hold("1", NOW, ENFORCE);
    evaluate(TESTING, NOW + 3600 + 300);
    must_hold("2", NOW + 3600 + 300, TESTING);
    recall(&remembered);
    assert_int_equal(remembered.entry.failed_at, 0);
    assert_string_equal(remembered.entry.failed_id, "");
    /* RFC 8461 8.3: the domain left by a policy that says so. */
    assert_null(ss_record_find(&remembered.record, SMTPSEC_CLAIM_MTA_STS, NULL));
    forget(&remembered);
    tear_down();
}

/* STSA-13: the same id lengthens nothing; after max_age it is fetched anew. */
static void
same_id(void **state)
{
    (void)state;
    set_up();
    evaluate(ENFORCE, NOW);
    evaluate(TESTING, NOW + 86400);
    must_hold("1", NOW, ENFORCE);
    evaluate(TESTING, NOW + 86401);
    must_hold("1", NOW + 86401, TESTING);
    tear_down();
}

/* Two processes fetch at once: the later fetch stays, whoever writes last. */
static void
later_fetch_stays(void **state)
{
    struct smtpsec_destination destination;
    struct ss_lookup *slow;
    struct smtpsec_plan *plan;

    (void)state;
    set_up();
    by_hand_destination(&destination, "d.test");
    assert_int_equal(ss_lookup_new(&destination, &settings, SMTPSEC_MEMORY_OK, NULL, NULL, &slow),
                     0);
    assert_int_equal(by_hand_run(slow, &world, TESTING, NOW, false, NULL), 0);
    evaluate(ENFORCE, NOW + 10);
    assert_int_equal(ss_lookup_decide(slow, NOW + 20, &plan), 0);
    assert_int_equal(ss_learn_lookup(&counting.store, slow, plan, NOW + 20), 0);
    must_hold("1", NOW + 10, ENFORCE);
    ss_plan_free(plan);
    ss_lookup_free(slow);
    tear_down();
}

/* ---- Damage ---- */

static int
put_junk(void *arg, const struct ss_bytes *old, struct ss_buf *out, enum ss_edit *edit)
{
    (void)old;
    ss_buf_put(out, arg, strlen(arg));
    *edit = SS_EDIT_PUT;
    return 0;
}

static void
damage(enum ss_store_table table)
{
    static char junk[] = "these octets are nothing that we wrote";
    struct smtpsec_destination destination;
    struct ss_memory_key key;
    struct ss_bytes at;
    struct ss_buf buf;

    by_hand_destination(&destination, "d.test");
    ss_destination_key(&destination, &key);
    ss_buf_init(&buf, 1024);
    ss_memory_key_write(&buf, &key);
    at.data = buf.data;
    at.len = buf.len;
    if (table == SS_TABLE_POLICIES)
        at = ss_policy_key(&destination.domain);
    assert_int_equal(ss_store_update(counting.inner, table, at, put_junk, junk), 0);
    ss_buf_free(&buf);
}

static void
damaged(void **state)
{
    struct remembered remembered;

    (void)state;
    set_up();
    evaluate(ENFORCE, NOW);
    damage(SS_TABLE_CLAIMS);
    recall(&remembered);
    assert_int_equal(remembered.fault, SMTPSEC_E_FORMAT);
    assert_int_equal(remembered.record.count, 0);
    assert_string_equal(remembered.entry.id, "1");
    forget(&remembered);
    damage(SS_TABLE_POLICIES);
    recall(&remembered);
    assert_int_equal(remembered.fault, SMTPSEC_E_FORMAT);
    assert_string_equal(remembered.entry.id, "");
    assert_null(remembered.entry.body);
    forget(&remembered);
    /* What is proved next takes the place of what cannot be read. */
    evaluate(ENFORCE, NOW + 60);
    must_hold("1", NOW + 60, ENFORCE);
    damage(SS_TABLE_CLAIMS);
    assert_int_equal(deliver(SMTPSEC_IDENTITY_DANE, NOW + 60, NOW + 60), 0);
    recall(&remembered);
    assert_int_equal(remembered.fault, 0);
    assert_int_equal(remembered.record.count, 2);
    forget(&remembered);
    tear_down();
}

/* A store that fails changes no decision, and says so. */
static void
failing_store(void **state)
{
    struct remembered remembered;
    struct smtpsec_destination destination;
    int learnt = 0;

    (void)state;
    set_up();
    evaluate(ENFORCE, NOW);
    counting.fail = SMTPSEC_E_MEMORY;
    by_hand_destination(&destination, "d.test");
    assert_int_equal(ss_recall(&counting.store, &destination, &remembered.record, &remembered.entry,
                               &remembered.fault),
                     SMTPSEC_E_MEMORY);
    assert_int_equal(remembered.record.count, 0);
    assert_string_equal(remembered.entry.id, "");
    assert_int_equal(evaluate_on("d.test", 25, ENFORCE, NOW + 60, &learnt),
                     SMTPSEC_VERDICT_DELIVER);
    assert_int_equal(learnt, SMTPSEC_E_MEMORY);
    assert_int_equal(deliver(0, NOW, NOW), SMTPSEC_E_MEMORY);
    counting.fail = 0;
    must_hold("1", NOW, ENFORCE);
    tear_down();
}

static void
literal(void **state)
{
    struct smtpsec_destination destination;
    struct ss_lookup *lookup;
    struct smtpsec_plan *plan;
    struct remembered remembered;

    (void)state;
    set_up();
    memset(&destination, 0, sizeof(destination));
    destination.literal = true;
    destination.port = 25;
    assert_true(ss_address_from_text(&destination.address, "192.0.2.1"));
    counting.fail = SMTPSEC_E_MEMORY; /* it is not asked */
    assert_int_equal(ss_recall(&counting.store, &destination, &remembered.record, &remembered.entry,
                               &remembered.fault),
                     0);
    assert_int_equal(ss_lookup_new(&destination, &settings, SMTPSEC_MEMORY_OK, &remembered.record,
                                   &remembered.entry, &lookup),
                     0);
    assert_int_equal(by_hand_run(lookup, &world, NULL, NOW, false, NULL), 0);
    assert_int_equal(lookup->need_count, 0);
    assert_int_equal(ss_lookup_decide(lookup, NOW, &plan), 0);
    assert_int_equal(plan->verdict, SMTPSEC_VERDICT_DELIVER);
    assert_int_equal(ss_learn_lookup(&counting.store, lookup, plan, NOW), 0);
    assert_int_equal(counting.updates, 0);
    ss_plan_free(plan);
    ss_lookup_free(lookup);
    tear_down();
}

/* ---- Outcomes ---- */

static void
outcomes(void **state)
{
    struct remembered remembered;
    struct ss_claim *claim;
    struct smtpsec_destination host;
    size_t writes;

    (void)state;
    set_up();
    by_hand_destination(&host, "mx.d.test");
    assert_int_equal(deliver(SMTPSEC_IDENTITY_DANE, NOW, NOW), 0);
    recall(&remembered);
    claim = ss_record_find(&remembered.record, SMTPSEC_CLAIM_DANE, &host.domain);
    assert_non_null(claim);
    assert_int_equal(claim->days, 1);
    assert_int_equal(claim->expires, NOW + 300);
    assert_int_equal(claim->inception, NOW - 3600);
    assert_non_null(ss_record_find(&remembered.record, SMTPSEC_CLAIM_ENCRYPTED, &host.domain));
    assert_null(ss_record_find(&remembered.record, SMTPSEC_CLAIM_DNSSEC, &host.domain));
    forget(&remembered);
    /* At most one day a day, and seconds later nothing is worth a write. */
    writes = counting.writes;
    assert_int_equal(deliver(SMTPSEC_IDENTITY_DANE, NOW + 1, NOW + 1), 0);
    assert_int_equal(counting.writes, writes);
    assert_int_equal(deliver(SMTPSEC_IDENTITY_DANE, NOW + SS_DAY, NOW + SS_DAY), 0);
    recall(&remembered);
    claim = ss_record_find(&remembered.record, SMTPSEC_CLAIM_DANE, &host.domain);
    assert_int_equal(claim->days, 2);
    assert_int_equal(claim->last_seen, NOW + SS_DAY);
    forget(&remembered);
    tear_down();
}

struct age {
    const char *name;
    int64_t at; /* seconds from now */
    int want;
};

static const struct age ages[] = {
    {"an outcome of now", 0, 0},
    {"a day old", -SS_OUTCOME_AGE, 0},
    {"more than a day old", -SS_OUTCOME_AGE - 1, SMTPSEC_E_STALE},
    {"from five minutes ahead", SS_OUTCOME_SKEW, 0},
    {"from the future", SS_OUTCOME_SKEW + 1, SMTPSEC_E_STALE},
};

static void
check_age(void **state)
{
    const struct age *row = *state;

    set_up();
    assert_int_equal(deliver(SMTPSEC_IDENTITY_DANE, NOW + row->at, NOW), row->want);
    assert_int_equal(counting.writes, row->want == 0 ? 1 : 0);
    tear_down();
}

/* PREC-11: a signed denial lowers at once; an unsigned one does not. */
static void
denial(void **state)
{
    struct remembered remembered;
    struct smtpsec_destination host;

    (void)state;
    set_up();
    by_hand_destination(&host, "mx.d.test");
    fact("dns TXT _mta-sts.d.test nodata");
    assert_int_equal(deliver(SMTPSEC_IDENTITY_DANE, NOW - 100, NOW), 0);
    fact("dns TLSA _25._tcp.mx.d.test nodata");
    assert_int_equal(evaluate_on("d.test", 25, NULL, NOW, NULL), SMTPSEC_VERDICT_DEFER);
    recall(&remembered);
    assert_non_null(ss_record_find(&remembered.record, SMTPSEC_CLAIM_DANE, &host.domain));
    forget(&remembered);
    fact("dns TLSA _25._tcp.mx.d.test nodata-secure inception=1799999990");
    evaluate(NULL, NOW);
    recall(&remembered);
    assert_null(ss_record_find(&remembered.record, SMTPSEC_CLAIM_DANE, &host.domain));
    forget(&remembered);
    tear_down();
}

/* ---- Unsigned ends (design 6.6) ---- */

/* A day after it was first seen an unsigned end is believed; an answer in between starts anew. */
static void
ends(void **state)
{
    (void)state;
    set_up();
    assert_int_equal(deliver(SMTPSEC_IDENTITY_DANE, NOW, NOW), 0);
    assert_int_equal(deliver(SMTPSEC_IDENTITY_DANE, NOW + SS_DAY, NOW + SS_DAY), 0);
    assert_int_equal(deliver(SMTPSEC_IDENTITY_DANE, NOW + 2 * SS_DAY, NOW + 2 * SS_DAY), 0);
    fact("dns TXT _mta-sts.d.test nodata");
    fact("dns MX d.test nxdomain");
    assert_int_equal(evaluate_on("d.test", 25, NULL, NOW + 2 * SS_DAY, NULL),
                     SMTPSEC_VERDICT_DEFER);
    assert_int_equal(evaluate_on("d.test", 25, NULL, NOW + 3 * SS_DAY - 1, NULL),
                     SMTPSEC_VERDICT_DEFER);
    /* The domain answers once: what was seen before counts no more. */
    fact("dns MX d.test secure inception=1799990000 10:mx.d.test");
    fact("dns TLSA _25._tcp.mx.d.test secure 3.1.1.self:mx.d.test");
    assert_int_equal(evaluate_on("d.test", 25, NULL, NOW + 3 * SS_DAY - 1, NULL),
                     SMTPSEC_VERDICT_DELIVER);
    fact("dns MX d.test nxdomain");
    assert_int_equal(evaluate_on("d.test", 25, NULL, NOW + 3 * SS_DAY, NULL),
                     SMTPSEC_VERDICT_DEFER);
    assert_int_equal(evaluate_on("d.test", 25, NULL, NOW + 4 * SS_DAY - 1, NULL),
                     SMTPSEC_VERDICT_DEFER);
    assert_int_equal(evaluate_on("d.test", 25, NULL, NOW + 4 * SS_DAY, NULL), SMTPSEC_VERDICT_FAIL);
    tear_down();
}

/* The same where a live policy alone is known: by another port there are no claims. */
static void
ends_by_policy(void **state)
{
    (void)state;
    set_up();
    evaluate("version: STSv1\nmode: enforce\nmx: *.d.test\nmax_age: 9999999\n", NOW);
    fact("dns MX d.test nxdomain");
    assert_int_equal(evaluate_on("d.test", 587, NULL, NOW, NULL), SMTPSEC_VERDICT_DEFER);
    assert_int_equal(evaluate_on("d.test", 587, NULL, NOW + SS_DAY - 1, NULL),
                     SMTPSEC_VERDICT_DEFER);
    assert_int_equal(evaluate_on("d.test", 587, NULL, NOW + SS_DAY, NULL), SMTPSEC_VERDICT_FAIL);
    tear_down();
}

/* ---- Probation (6.12) ---- */

static void
stands(enum ss_store_table table, uint64_t kept, uint64_t probation)
{
    struct ss_store_figures figures;

    assert_int_equal(ss_store_figures(counting.inner, &figures), 0);
    assert_int_equal(figures.entries[table], kept);
    assert_int_equal(figures.entries[table + 2], probation);
}

static void
ripe_claims(void **state)
{
    (void)state;
    set_up();
    assert_int_equal(deliver(SMTPSEC_IDENTITY_DANE, NOW, NOW), 0);
    stands(SS_TABLE_CLAIMS, 0, 1);
    assert_int_equal(deliver(SMTPSEC_IDENTITY_DANE, NOW + 3 * 3600, NOW + 3 * 3600), 0);
    stands(SS_TABLE_CLAIMS, 0, 1);
    assert_int_equal(deliver(SMTPSEC_IDENTITY_DANE, NOW + SS_DAY, NOW + SS_DAY), 0);
    stands(SS_TABLE_CLAIMS, 1, 0);
    tear_down();
}

static void
ripe_policies(void **state)
{
    (void)state;
    set_up();
    evaluate(TESTING, NOW);
    stands(SS_TABLE_POLICIES, 0, 1);
    evaluate(NULL, NOW + 60);
    stands(SS_TABLE_POLICIES, 0, 1);
    evaluate(NULL, NOW + SS_DAY);
    stands(SS_TABLE_POLICIES, 1, 0);
    tear_down();
}

static int
put_new(void *arg, const struct ss_bytes *old, struct ss_buf *out, enum ss_edit *edit)
{
    (void)arg;
    (void)old;
    ss_buf_u8(out, 'x');
    *edit = SS_EDIT_PUT_NEW;
    return 0;
}

static uint64_t
claims_alone(void *arg, enum ss_store_table table, struct ss_bytes key, struct ss_bytes value)
{
    (void)arg;
    (void)key;
    (void)value;
    return table == SS_TABLE_CLAIMS_NEW ? 0 : SS_STORE_FIXED;
}

/* No room for a policy is no reason to forget what it proved, nor to plan otherwise. */
static void
no_room_for_policy(void **state)
{
    struct ss_store_limits limits = {.kept = 10, .probation = 1, .rank = claims_alone};
    int learnt = 0;

    (void)state;
    set_up();
    ss_store_set_limits(counting.inner, &limits);
    assert_int_equal(ss_store_update(counting.inner, SS_TABLE_POLICIES,
                                     (struct ss_bytes){(const uint8_t *)"x", 1}, put_new, NULL),
                     0);
    assert_int_equal(evaluate_on("d.test", 25, ENFORCE, NOW, &learnt), SMTPSEC_VERDICT_DELIVER);
    assert_int_equal(learnt, SMTPSEC_E_LIMIT);
    stands(SS_TABLE_POLICIES, 0, 1);
    stands(SS_TABLE_CLAIMS, 0, 1);
    tear_down();
}

int
main(void)
{
    struct ss_test_table t = SS_TABLE("learn");

    ss_settings_init(&settings);
    ss_table_case(&t, "STSA-14 a fetched policy is kept", fetched);
    ss_table_case(&t, "an unchanged domain writes nothing", unchanged);
    ss_table_case(&t, "a domain without anything leaves nothing", plain_domain);
    ss_table_case(&t, "STSF-12 a failed fetch keeps the policy", failed_fetch);
    ss_table_case(&t, "STSA-13 the same id lengthens nothing", same_id);
    ss_table_case(&t, "STSA-14 the later fetch stays", later_fetch_stays);
    ss_table_case(&t, "damaged entries count as lost", damaged);
    ss_table_case(&t, "a failing store changes no decision", failing_store);
    ss_table_case(&t, "RES-25 an address literal is not remembered", literal);
    ss_table_case(&t, "PREC-10 outcomes raise, once a day", outcomes);
    SS_TABLE_ROWS(&t, check_age, ages);
    ss_table_case(&t, "PREC-11 only a signed denial lowers", denial);
    ss_table_case(&t, "an unsigned end is believed after a day", ends);
    ss_table_case(&t, "an unsigned end against a policy alone too", ends_by_policy);
    ss_table_case(&t, "DESIGN 6.12 claims of one day are on probation", ripe_claims);
    ss_table_case(&t, "DESIGN 6.12 policies used on one day are on probation", ripe_policies);
    ss_table_case(&t, "DESIGN 6.12 no room for a policy, and its claim is kept", no_room_for_policy);
    return ss_table_run(&t);
}
