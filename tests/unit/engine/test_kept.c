/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Kept plans are never weaker than a fresh decision: each rule by a case of its
 * own, and all of them by random histories of a domain in which writers die and
 * evaluations end late.
 */
#define ss_table ss_test_table
#include "table.h"
#undef ss_table

#include <stdio.h>
#include <string.h>

#include "engine/kept.h"
#include "engine/learn.h"
#include "engine/prune.h"
#include "facts.h"

#define NOW FACTS_NOW
#define ENFORCE "version: STSv1\nmode: enforce\nmax_age: 86400\nmx: *.d.test\n"
#define TESTING "version: STSv1\nmode: testing\nmax_age: 86400\nmx: *.d.test\n"
#define LEAVE "version: STSv1\nmode: none\nmax_age: 86400\n"
/* Two sets of settings, as two programs may have them. */
#define SETTINGS 2

/* ---- A store whose writers may die, and be overtaken ---- */

struct hurt {
    struct ss_store store; /* first */
    struct ss_store *inner;
    bool dies;             /* the next write of the memory dies between its mark and its commit */
    int plans_fail;        /* given by every write of plans, when not 0 */
    int plans_fail_times;  /* so many writes of plans fail first */
    void (*meanwhile)(void); /* called once between mark and commit of a write of the memory */
    bool inside;           /* such a write, as others see it */
    size_t plan_writes;
    const struct ss_lookup *offers; /* whose plan is offered */
    const struct ss_lookup *wrote;  /* whose plan was written last */
};

static struct hurt hurt;
static struct ss_settings settings[SETTINGS];

struct hurt_edit {
    ss_store_edit edit;
    void *arg;
    enum ss_store_table table;
};

static int
hurt_edit(void *arg, const struct ss_bytes *old, struct ss_buf *out, enum ss_edit *choice)
{
    const struct hurt_edit *edit = arg;
    void (*meanwhile)(void) = hurt.meanwhile;
    int r = edit->edit(edit->arg, old, out, choice);

    if (ss_store_is_volatile(edit->table)) {
        hurt.plan_writes += r == 0 && *choice != SS_EDIT_KEEP ? 1 : 0;
        if (r == 0 && *choice == SS_EDIT_PUT && out->data[2] == SS_KEPT_PLAN)
            hurt.wrote = hurt.offers;
        return r;
    }
    if (r != 0 || *choice == SS_EDIT_KEEP)
        return r;
    if (meanwhile != NULL) {
        hurt.meanwhile = NULL;
        hurt.inside = true;
        meanwhile();
        hurt.inside = false;
    }
    return hurt.dies ? SMTPSEC_E_MEMORY : r;
}

static int
hurt_get(struct ss_store *store, enum ss_store_table table, struct ss_bytes key,
         struct ss_buf *value)
{
    (void)store;
    return ss_store_get(hurt.inner, table, key, value);
}

static int
hurt_update(struct ss_store *store, enum ss_store_table table, struct ss_bytes key,
            ss_store_edit edit, void *arg)
{
    struct hurt_edit inner = {edit, arg, table};
    int r;

    (void)store;
    /* Another process would wait for the lock, and then see what was committed. */
    if (!ss_store_is_volatile(table) && hurt.inside)
        return SMTPSEC_E_MEMORY;
    if (ss_store_is_volatile(table) && hurt.plans_fail != 0)
        return hurt.plans_fail;
    if (ss_store_is_volatile(table) && hurt.plans_fail_times > 0) {
        hurt.plans_fail_times--;
        return SMTPSEC_E_MEMORY;
    }
    r = ss_store_update(hurt.inner, table, key, hurt_edit, &inner);
    if (!ss_store_is_volatile(table))
        hurt.dies = false;
    return r;
}

static int
hurt_each(struct ss_store *store, enum ss_store_table table, struct ss_bytes after, size_t most,
          ss_store_each each, void *arg)
{
    (void)store;
    return ss_store_each_after(hurt.inner, table, after, most, each, arg);
}

static int
hurt_discard(struct ss_store *store)
{
    (void)store;
    return ss_store_discard_volatile(hurt.inner);
}

static void
hurt_close(struct ss_store *store)
{
    (void)store;
    ss_store_close(hurt.inner);
}

static const struct ss_store_kind hurt_kind = {.get = hurt_get, .update = hurt_update,
                                               .each = hurt_each, .close = hurt_close,
                                               .discard = hurt_discard};

static void
set_up(void)
{
    size_t i;

    memset(&hurt, 0, sizeof(hurt));
    hurt.store.kind = &hurt_kind;
    hurt.store.state = SMTPSEC_MEMORY_OK;
    assert_int_equal(ss_store_ram_open(&hurt.inner), 0);
    for (i = 0; i < SETTINGS; i++)
        ss_settings_init(&settings[i]);
    settings[1].memory.mode[SMTPSEC_CLAIM_ENCRYPTED] = SMTPSEC_MODE_OFF;
    settings[1].dane = SMTPSEC_MODE_REPORT;
    ss_settings_settle(&settings[1]);
}

static void
tear_down(void)
{
    ss_store_close(&hurt.store);
}

/* ---- Evaluations ---- */

struct evaluation {
    struct ss_lookup *lookup;
    size_t which; /* of the settings */
};

static struct smtpsec_destination
destination_of(const char *domain)
{
    struct smtpsec_destination destination;

    memset(&destination, 0, sizeof(destination));
    destination.domain = facts_name(domain);
    destination.port = 25;
    return destination;
}

/* Recall, and take answers as of now; lines end with NULL. https: the body, or NULL. */
static void
begin(struct evaluation *evaluation, size_t which, const char *const *lines, const char *https,
      int64_t now)
{
    struct smtpsec_destination destination = destination_of("d.test");
    struct ss_evidence *evidence;
    struct ss_sts_entry entry;
    struct ss_stamps stamps;
    struct ss_record record;
    struct ss_wants wants;
    size_t i;
    int fault;

    assert_int_equal(
        ss_recall_stamped(&hurt.store, &destination, &record, &entry, &stamps, &fault), 0);
    assert_int_equal(ss_lookup_new(&destination, &settings[which], SMTPSEC_MEMORY_OK, &record,
                                   &entry, &evaluation->lookup), 0);
    evaluation->lookup->stamps = stamps;
    evaluation->which = which;
    evidence = &evaluation->lookup->evidence;
    for (; *lines != NULL; lines++)
        facts_dns(evidence, *lines);
    for (i = 0; i < evidence->dns_count; i++)
        evidence->dns[i]->expires += now - FACTS_NOW;
    assert_int_equal(ss_missing(evidence, &settings[which], now, &wants), 0);
    if (wants.https) {
        facts_https(evidence, https);
        evidence->https.at = now;
    }
    ss_wants_free(&wants);
}

/* Decide, learn, offer; what the offer gave. */
static int
conclude(struct evaluation *evaluation, int64_t now)
{
    struct smtpsec_plan *plan;
    int r;

    assert_int_equal(ss_lookup_decide(evaluation->lookup, now, &plan), 0);
    r = ss_learn_lookup(&hurt.store, evaluation->lookup, plan, now);
    hurt.offers = evaluation->lookup;
    hurt.wrote = NULL;
    if (r == 0)
        r = ss_kept_offer(&hurt.store, evaluation->lookup, plan, evaluation->which + 1, now);
    ss_plan_free(plan);
    return r;
}

static int
evaluate(size_t which, const char *const *lines, const char *https, int64_t now)
{
    struct evaluation evaluation;
    int r;

    begin(&evaluation, which, lines, https, now);
    r = conclude(&evaluation, now);
    ss_lookup_free(evaluation.lookup);
    return r;
}

/* ---- What is kept ---- */

static struct ss_buf found_octets;

static bool
find(size_t which, int64_t now, struct ss_kept *kept)
{
    struct ss_name name = facts_name("d.test");
    struct ss_bytes value;

    ss_buf_free(&found_octets);
    ss_buf_init(&found_octets, SS_KEPT_OCTETS);
    if (ss_store_get(&hurt.store, SS_TABLE_PLANS, ss_policy_key(&name), &found_octets) != 0)
        return false;
    value = (struct ss_bytes){found_octets.data, found_octets.len};
    return ss_kept_read(kept, value, ss_policy_key(&name), which + 1, now);
}

static bool
is_kept(int64_t now)
{
    struct ss_kept kept;

    return find(0, now, &kept);
}

static int64_t
kept_until(int64_t now)
{
    struct ss_kept kept;

    return find(0, now, &kept) ? ss_kept_expires(&kept) : 0;
}

/* ---- What is remembered ---- */

static int
put_octets(void *arg, const struct ss_bytes *old, struct ss_buf *out, enum ss_edit *choice)
{
    const struct ss_buf *octets = arg;

    (void)old;
    ss_buf_put(out, octets->data, octets->len);
    *choice = SS_EDIT_PUT;
    return 0;
}

/* Write a record as another process would. */
static int
remember(const struct ss_record *record, int64_t now)
{
    struct ss_buf key, value;
    int r;

    ss_buf_init(&key, 1024);
    ss_buf_init(&value, SS_STORE_VALUE_MAX);
    ss_memory_key_write(&key, &record->key);
    ss_record_write(&value, record);
    r = ss_kept_update(&hurt.store, SS_TABLE_CLAIMS, (struct ss_bytes){key.data, key.len},
                       put_octets, &value, now);
    ss_buf_free(&key);
    ss_buf_free(&value);
    return r;
}

static void
record_of(struct ss_record *record)
{
    struct smtpsec_destination destination = destination_of("d.test");
    struct ss_memory_key key;

    ss_destination_key(&destination, &key);
    ss_record_init(record, &key);
}

/* A claim on a host, proved for twenty days. */
static int
claim(int32_t kind, const char *host, int64_t last)
{
    struct ss_record record;
    int r;

    record_of(&record);
    facts_claim(&record, kind, host, 20, last, 0);
    r = remember(&record, last);
    ss_record_free(&record);
    return r;
}

static int
deliver(const char *host, bool tls, int32_t identities, int64_t now)
{
    struct smtpsec_destination destination = destination_of("d.test");
    struct smtpsec_outcome outcome;

    memset(&outcome, 0, sizeof(outcome));
    ss_destination_key(&destination, &outcome.key);
    outcome.host = facts_name(host);
    outcome.at = now;
    outcome.mx_secure = true;
    outcome.starttls = tls ? SMTPSEC_STARTTLS_DONE : SMTPSEC_STARTTLS_ABSENT;
    outcome.judged = outcome.verified = outcome.accepted = true;
    outcome.identities = identities;
    outcome.expires = now + 300;
    outcome.inception = now - 3600;
    outcome.signature_expiration = now + SS_DAY;
    return ss_learn_outcome(&hurt.store, &settings[0].memory, &outcome, 0, now);
}

/* ---- Cases ---- */

static const char *const plain[] = {
    "MX d.test insecure 10:a.d.test", "A a.d.test insecure 192.0.2.1", "AAAA a.d.test nodata",
    "TXT _mta-sts.d.test nodata", NULL};
static const char *const dane[] = {
    "MX d.test secure 10:a.d.test", "A a.d.test secure 192.0.2.1", "AAAA a.d.test nodata-secure",
    "TLSA _25._tcp.a.d.test secure 3.1.1.1", "TXT _mta-sts.d.test nodata", NULL};
static const char *const with_sts[] = {
    "MX d.test insecure 10:a.d.test", "A a.d.test insecure 192.0.2.1", "AAAA a.d.test nodata",
    "TXT _mta-sts.d.test insecure v=STSv1;id=1;", "A mta-sts.d.test insecure 192.0.2.9",
    "AAAA mta-sts.d.test nodata", NULL};

/* Which plans are kept, and for how long. */
static const struct life {
    const char *name;
    const char *lines[10];
    const char *https;
    int64_t want; /* 0: not kept */
} lives[] = {
    { "life/plain", { "MX d.test insecure 10:a.d.test", "A a.d.test insecure 192.0.2.1",
      "AAAA a.d.test nodata", "TXT _mta-sts.d.test nodata" }, NULL, 3600 },
    { "life/the MX answer's TTL", { "MX d.test insecure 10:a.d.test ttl=60",
      "A a.d.test insecure 192.0.2.1", "AAAA a.d.test nodata", "TXT _mta-sts.d.test nodata" },
      NULL, 60 },
    { "life/a denial's TTL", { "MX d.test insecure 10:a.d.test", "A a.d.test insecure 192.0.2.1",
      "AAAA a.d.test nodata ttl=70", "TXT _mta-sts.d.test nodata" }, NULL, 70 },
    { "life/the TTL of no policy record", { "MX d.test insecure 10:a.d.test",
      "A a.d.test insecure 192.0.2.1", "AAAA a.d.test nodata",
      "TXT _mta-sts.d.test nodata ttl=80" },
      NULL, 80 },
    { "life/not without TTL", { "MX d.test insecure 10:a.d.test ttl=0",
      "A a.d.test insecure 192.0.2.1", "AAAA a.d.test nodata", "TXT _mta-sts.d.test nodata" },
      NULL, 0 },
    { "life/DANE", { "MX d.test secure 10:a.d.test", "A a.d.test secure 192.0.2.1",
      "AAAA a.d.test nodata-secure", "TLSA _25._tcp.a.d.test secure 3.1.1.1 ttl=90",
      "TXT _mta-sts.d.test nodata" }, NULL, 90 },
    { "life/no such domain", { "MX d.test nxdomain-secure ttl=300", "TXT _mta-sts.d.test nodata" },
      NULL, 300 },
    { "life/null MX", { "MX d.test insecure 0:. ttl=300", "TXT _mta-sts.d.test nodata" },
      NULL, 300 },
    { "life/no address", { "MX d.test insecure 10:a.d.test", "A a.d.test nodata ttl=200",
      "AAAA a.d.test nodata", "TXT _mta-sts.d.test nodata" }, NULL, 200 },
    { "life/a policy that was fetched", { "MX d.test insecure 10:a.d.test",
      "A a.d.test insecure 192.0.2.1", "AAAA a.d.test nodata",
      "TXT _mta-sts.d.test insecure v=STSv1;id=1; ttl=400", "A mta-sts.d.test insecure 192.0.2.9",
      "AAAA mta-sts.d.test nodata" }, ENFORCE, 400 },
    { "life/not where a fetch failed", { "MX d.test insecure 10:a.d.test",
      "A a.d.test insecure 192.0.2.1", "AAAA a.d.test nodata",
      "TXT _mta-sts.d.test insecure v=STSv1;id=1;", "A mta-sts.d.test insecure 192.0.2.9",
      "AAAA mta-sts.d.test nodata" }, NULL, 0 },
    { "life/not where MX failed", { "MX d.test servfail", "TXT _mta-sts.d.test nodata" }, NULL, 0 },
    { "life/not where an address failed", { "MX d.test insecure 10:a.d.test",
      "A a.d.test insecure 192.0.2.1", "AAAA a.d.test timeout", "TXT _mta-sts.d.test nodata" },
      NULL, 0 },
    { "life/not where TLSA failed", { "MX d.test secure 10:a.d.test 20:b.d.test",
      "A a.d.test secure 192.0.2.1", "AAAA a.d.test nodata-secure",
      "TLSA _25._tcp.a.d.test bogus", "A b.d.test secure 192.0.2.1", "AAAA b.d.test nodata-secure",
      "TLSA _25._tcp.b.d.test nodata-secure", "TXT _mta-sts.d.test nodata" }, NULL, 0 },
    { "life/not where the policy record failed", { "MX d.test insecure 10:a.d.test",
      "A a.d.test insecure 192.0.2.1", "AAAA a.d.test nodata", "TXT _mta-sts.d.test servfail" },
      NULL, 0 },
    { "life/not where something is unknown", { "MX d.test insecure 10:a.d.test",
      "A a.d.test insecure 192.0.2.1", "TXT _mta-sts.d.test nodata" }, NULL, 0 },
};

static void
lives_so_long(void **state)
{
    const struct life *life = *state;

    set_up();
    assert_int_equal(evaluate(0, life->lines, life->https, NOW), life->want > 0);
    assert_int_equal(is_kept(NOW), life->want > 0);
    assert_false(is_kept(NOW - 1));
    assert_int_equal(is_kept(NOW + life->want - 1), life->want > 0);
    assert_false(is_kept(NOW + life->want));
    tear_down();
}

/* What the memory asks for, or may. */
static void
refused_by_memory(void **state)
{
    (void)state;
    set_up();
    /* DANE is remembered of the host, and nothing signed says that it has gone. */
    assert_int_equal(claim(SMTPSEC_CLAIM_DANE, "a.d.test", NOW - 3600), 0);
    assert_int_equal(evaluate(0, plain, NULL, NOW), 0);
    assert_false(is_kept(NOW));
    tear_down();
}

static void
would_be_refused(void **state)
{
    (void)state;
    set_up();
    settings[0].memory.mode[SMTPSEC_CLAIM_DANE] = SMTPSEC_MODE_REPORT;
    assert_int_equal(claim(SMTPSEC_CLAIM_DANE, "a.d.test", NOW - 3600), 0);
    assert_int_equal(evaluate(0, plain, NULL, NOW), 0);
    tear_down();
}

static void
met_is_kept(void **state)
{
    (void)state;
    set_up();
    assert_int_equal(claim(SMTPSEC_CLAIM_ENCRYPTED, "a.d.test", NOW - 3600), 0);
    assert_int_equal(evaluate(0, plain, NULL, NOW), 1);
    assert_true(is_kept(NOW));
    tear_down();
}

static void
clock_not_believed(void **state)
{
    struct evaluation evaluation;

    (void)state;
    set_up();
    begin(&evaluation, 0, plain, NULL, NOW);
    evaluation.lookup->evidence.memory_at = NOW - 30 * SS_DAY;
    assert_int_equal(conclude(&evaluation, NOW), 0);
    ss_lookup_free(evaluation.lookup);
    tear_down();
}

static void
other_destinations(void **state)
{
    struct evaluation evaluation;

    (void)state;
    set_up();
    begin(&evaluation, 0, plain, NULL, NOW);
    evaluation.lookup->evidence.destination.minimum = SMTPSEC_LEVEL_ENCRYPTED;
    assert_int_equal(conclude(&evaluation, NOW), 0);
    ss_lookup_free(evaluation.lookup);
    begin(&evaluation, 0, plain, NULL, NOW);
    evaluation.lookup->evidence.destination.port = 587;
    assert_int_equal(conclude(&evaluation, NOW), 0);
    ss_lookup_free(evaluation.lookup);
    begin(&evaluation, 0, plain, NULL, NOW);
    evaluation.lookup->evidence.dnssec = SMTPSEC_DNSSEC_LOST;
    assert_int_equal(conclude(&evaluation, NOW), 0);
    ss_lookup_free(evaluation.lookup);
    begin(&evaluation, 0, plain, NULL, NOW);
    evaluation.lookup->deferred = true;
    assert_int_equal(conclude(&evaluation, NOW), 0);
    ss_lookup_free(evaluation.lookup);
    assert_false(is_kept(NOW));
    tear_down();
}

static void
exception_is_not_kept(void **state)
{
    struct ss_exception exception;

    (void)state;
    set_up();
    memset(&exception, 0, sizeof(exception));
    exception.domain = facts_name("d.test");
    exception.kind = SS_EXCEPT_DANE_LIVE;
    exception.until = NOW + 600;
    assert_int_equal(ss_exceptions_add(&settings[0].exceptions, &exception), 0);
    assert_int_equal(evaluate(0, dane, NULL, NOW), 0);
    ss_exceptions_unref(settings[0].exceptions);
    tear_down();
}

/* A delivery that raises drops what was kept by less. */
static void
write_drops(void **state)
{
    (void)state;
    set_up();
    assert_int_equal(evaluate(0, plain, NULL, NOW), 1);
    assert_true(is_kept(NOW));
    assert_int_equal(deliver("a.d.test", true, 0, NOW), 0);
    assert_false(is_kept(NOW));
    assert_int_equal(evaluate(0, plain, NULL, NOW + 1), 1);
    assert_true(is_kept(NOW + 1));
    tear_down();
}

static void
policy_drops(void **state)
{
    (void)state;
    set_up();
    assert_int_equal(evaluate(0, plain, NULL, NOW), 1);
    assert_int_equal(evaluate(0, with_sts, ENFORCE, NOW + 1), 1);
    assert_int_equal(kept_until(NOW + 1), NOW + 1 + 3600);
    tear_down();
}

static void
forget_drops(void **state)
{
    struct ss_name name = facts_name("d.test");

    (void)state;
    set_up();
    assert_int_equal(evaluate(0, plain, NULL, NOW), 1);
    assert_int_equal(ss_kept_forget(&hurt.store, &name), 0);
    assert_false(is_kept(NOW));
    tear_down();
}

static void
fingerprint_tells(void **state)
{
    struct ss_kept kept;

    (void)state;
    set_up();
    assert_int_equal(evaluate(0, dane, NULL, NOW), 1);
    assert_true(find(0, NOW, &kept));
    assert_false(find(1, NOW, &kept));
    tear_down();
}

/* The memory was read before a write of another, and the plan offered after it. */
static struct evaluation late;

static void
offer_late(void)
{
    int r = conclude(&late, NOW + 1);

    assert_true(r == 0 || r == SMTPSEC_E_MEMORY);
}

static void
late_evaluation(void **state)
{
    (void)state;
    set_up();
    begin(&late, 0, plain, NULL, NOW);
    assert_int_equal(claim(SMTPSEC_CLAIM_DANE, "a.d.test", NOW), 0);
    assert_int_equal(conclude(&late, NOW + 1), 0);
    assert_false(is_kept(NOW + 1));
    ss_lookup_free(late.lookup);
    tear_down();
}

/* The same, where another evaluation has put its plan in place of the mark. */
static void
late_after_another(void **state)
{
    struct ss_kept_host host;
    struct ss_kept kept;

    (void)state;
    set_up();
    begin(&late, 0, plain, NULL, NOW);
    assert_int_equal(claim(SMTPSEC_CLAIM_ENCRYPTED, "a.d.test", NOW - 60), 0);
    assert_int_equal(evaluate(0, plain, NULL, NOW), 1);
    /* By what is remembered now it asks for TLS, and so does what is kept of it. */
    assert_int_equal(conclude(&late, NOW + 1), 1);
    assert_true(find(0, NOW + 1, &kept));
    ss_kept_host(&kept, 0, &host);
    assert_int_equal(host.tls, SMTPSEC_TLS_REQUIRED);
    ss_lookup_free(late.lookup);
    tear_down();
}

static int
edit_away(void *arg, const struct ss_bytes *old, struct ss_buf *out, enum ss_edit *choice)
{
    (void)arg;
    (void)old;
    (void)out;
    *choice = SS_EDIT_DELETE;
    return 0;
}

/* Of the memory the policy alone has changed, and another plan has taken the mark's place. */
static void
late_after_policy(void **state)
{
    struct ss_kept_host host;
    struct ss_record record;
    struct ss_kept kept;
    struct ss_buf key;

    (void)state;
    set_up();
    begin(&late, 0, plain, NULL, NOW);
    assert_int_equal(evaluate(0, with_sts, ENFORCE, NOW), 1);
    record_of(&record);
    ss_buf_init(&key, 1024);
    ss_memory_key_write(&key, &record.key);
    assert_int_equal(ss_store_update(hurt.inner, SS_TABLE_CLAIMS,
                                     (struct ss_bytes){key.data, key.len}, edit_away, NULL), 0);
    ss_buf_free(&key);
    assert_int_equal(conclude(&late, NOW + 1), 1);
    assert_true(find(0, NOW + 1, &kept));
    ss_kept_host(&kept, 0, &host);
    assert_int_equal(host.identities, SMTPSEC_IDENTITY_PKIX);
    ss_lookup_free(late.lookup);
    tear_down();
}

/* Between mark and commit. */
static void
overtaken_writer(void **state)
{
    (void)state;
    set_up();
    begin(&late, 0, plain, NULL, NOW);
    hurt.meanwhile = offer_late;
    assert_int_equal(claim(SMTPSEC_CLAIM_DANE, "a.d.test", NOW), 0);
    assert_null(hurt.meanwhile);
    assert_false(is_kept(NOW + 1));
    ss_lookup_free(late.lookup);
    tear_down();
}

/* A writer that died leaves a mark; the next evaluation takes it away. */
static void
dead_writer(void **state)
{
    (void)state;
    set_up();
    assert_int_equal(evaluate(0, plain, NULL, NOW), 1);
    hurt.dies = true;
    assert_int_equal(deliver("a.d.test", true, 0, NOW), SMTPSEC_E_MEMORY);
    assert_false(is_kept(NOW));
    assert_int_equal(evaluate(0, plain, NULL, NOW + 1), 1);
    assert_true(is_kept(NOW + 1));
    tear_down();
}

static void
dead_policy_writer(void **state)
{
    struct evaluation evaluation;
    struct smtpsec_plan *plan;

    (void)state;
    set_up();
    begin(&evaluation, 0, with_sts, ENFORCE, NOW);
    assert_int_equal(ss_lookup_decide(evaluation.lookup, NOW, &plan), 0);
    hurt.dies = true;
    assert_int_equal(ss_learn_lookup(&hurt.store, evaluation.lookup, plan, NOW), SMTPSEC_E_MEMORY);
    ss_plan_free(plan);
    ss_lookup_free(evaluation.lookup);
    assert_int_equal(evaluate(0, plain, NULL, NOW + 1), 1);
    assert_true(is_kept(NOW + 1));
    tear_down();
}

/* Where the mark cannot be written, nothing that is kept may stay. */
static void
mark_fails(void **state)
{
    (void)state;
    set_up();
    assert_int_equal(evaluate(0, plain, NULL, NOW), 1);
    hurt.plans_fail = SMTPSEC_E_MEMORY;
    assert_int_equal(deliver("a.d.test", true, 0, NOW), 0);
    hurt.plans_fail = 0;
    assert_false(is_kept(NOW));
    tear_down();
}

/* All plans are gone then, but who evaluates meanwhile would keep another before the commit. */
static void
keep_meanwhile(void)
{
    assert_true(conclude(&late, NOW + 1) <= 1);
}

static void
mark_fails_for(int times)
{
    set_up();
    begin(&late, 0, plain, NULL, NOW);
    hurt.meanwhile = keep_meanwhile;
    hurt.plans_fail_times = times;
    assert_int_equal(claim(SMTPSEC_CLAIM_DANE, "a.d.test", NOW), 0);
    assert_null(hurt.meanwhile);
    assert_int_equal(hurt.plans_fail_times, 0);
    assert_false(is_kept(NOW + 1));
    ss_lookup_free(late.lookup);
    tear_down();
}

static void
mark_fails_once(void **state)
{
    (void)state;
    mark_fails_for(1);
}

static void
mark_fails_twice(void **state)
{
    (void)state;
    mark_fails_for(2);
}

/* PREC-11: an older signed MX set is held against until the remembered signature ends. */
static void
differs_at_its_end(void **state)
{
    static const char *const older[] = {
        "MX d.test secure inception=1798700000 10:b.d.test", "A b.d.test secure 192.0.2.1",
        "AAAA b.d.test nodata-secure", "TLSA _25._tcp.b.d.test nodata-secure",
        "TXT _mta-sts.d.test nodata", NULL};
    struct ss_record record;

    (void)state;
    set_up();
    record_of(&record);
    facts_claim(&record, SMTPSEC_CLAIM_ENCRYPTED, "a.d.test", 20, NOW - 7200, 0);
    record.mx_inception = 1799000000;
    record.mx_expiration = NOW + 1500;
    assert_int_equal(remember(&record, NOW - 7200), 0);
    ss_record_free(&record);
    assert_int_equal(evaluate(0, older, NULL, NOW), 1);
    assert_true(is_kept(NOW));
    assert_in_range(kept_until(NOW), NOW + 700, NOW + 1501);
    tear_down();
}

/* Nothing that is kept outlives a claim that it asks for. */
static void
ends_with_its_claim(void **state)
{
    struct ss_record record;

    (void)state;
    set_up();
    record_of(&record);
    /* Twenty days of proof bind nineteen days longer. */
    facts_claim(&record, SMTPSEC_CLAIM_ENCRYPTED, "a.d.test", 20, NOW - 19 * SS_DAY + 1000, 0);
    assert_int_equal(remember(&record, NOW - SS_DAY), 0);
    ss_record_free(&record);
    assert_int_equal(evaluate(0, plain, NULL, NOW), 1);
    assert_int_equal(kept_until(NOW), NOW + 1000);
    tear_down();
}

/* What is there already, with the better half of its life, is not written again. */
static void
unchanged_is_not_written(void **state)
{
    size_t writes;

    (void)state;
    set_up();
    assert_int_equal(evaluate(0, plain, NULL, NOW), 1);
    writes = hurt.plan_writes;
    assert_int_equal(evaluate(0, plain, NULL, NOW + 1700), 1);
    assert_int_equal(hurt.plan_writes, writes);
    assert_int_equal(evaluate(0, plain, NULL, NOW + 1900), 1);
    assert_int_equal(hurt.plan_writes, writes + 1);
    assert_int_equal(kept_until(NOW + 1900), NOW + 1900 + 3600);
    tear_down();
}

/* A sweep over all that faded drops plans, and leaves no marks behind. */
static void
prune_leaves_no_marks(void **state)
{
    struct ss_store_figures figures;
    enum ss_pruned what;
    struct ss_record record;
    struct ss_buf key;

    (void)state;
    set_up();
    record_of(&record);
    facts_claim(&record, SMTPSEC_CLAIM_ENCRYPTED, "a.d.test", 1, NOW - 200 * SS_DAY, 0);
    assert_int_equal(remember(&record, NOW - 200 * SS_DAY), 0);
    assert_int_equal(evaluate(0, plain, NULL, NOW), 1);
    ss_buf_init(&key, 1024);
    ss_memory_key_write(&key, &record.key);
    assert_int_equal(ss_prune_destination(&hurt.store, (struct ss_bytes){key.data, key.len},
                                          &settings[0].memory, NOW, &what), 0);
    assert_int_equal(what, SS_PRUNED_ALL);
    assert_int_equal(ss_store_figures(hurt.inner, &figures), 0);
    assert_int_equal(figures.entries[SS_TABLE_PLANS], 0);
    ss_buf_free(&key);
    ss_record_free(&record);
    tear_down();
}

/* ---- Random histories ---- */

#define LATE 3
#define LINES 24

/* Who made what is kept now, and of which answers. */
static struct evaluation source;
static struct evaluation lates[LATE];
static uint64_t seed;
static int64_t at;
static size_t checked; /* how often a kept plan was found and compared */

static size_t
pick(size_t count)
{
    return facts_pick(&seed, count);
}

static const char *
one(const char *const *list, size_t count)
{
    return list[pick(count)];
}

#define ONE(...) \
    one((const char *const[]){__VA_ARGS__}, sizeof((const char *const[]){__VA_ARGS__}) / \
        sizeof(const char *))

/* Answers of the moment; most of them are whole. */
static const char *const *
answers(void)
{
    static char room[LINES][160];
    static const char *lines[LINES];
    static const char *const hosts[] = {"a.d.test", "b.d.test"};
    size_t i, n = 0;

    snprintf(room[n++], sizeof(room[0]), "MX d.test %s",
             ONE("secure 10:a.d.test", "secure 10:a.d.test 20:b.d.test", "insecure 10:a.d.test",
                 "insecure 10:b.d.test", "insecure 10:a.d.test 10:b.d.test", "nxdomain",
                 "nxdomain-secure", "insecure 0:.", "servfail"));
    for (i = 0; i < 2; i++) {
        snprintf(room[n++], sizeof(room[0]), "A %s %s", hosts[i],
                 ONE("secure 192.0.2.1", "secure 192.0.2.1 ttl=600", "insecure 192.0.2.1",
                     "nodata-secure"));
        snprintf(room[n++], sizeof(room[0]), "AAAA %s nodata-secure", hosts[i]);
        snprintf(room[n++], sizeof(room[0]), "TLSA _25._tcp.%s %s", hosts[i],
                 ONE("secure 3.1.1.1", "secure 3.1.1.2 ttl=1200", "nodata-secure",
                     "nodata-secure", "insecure 3.1.1.1"));
    }
    snprintf(room[n++], sizeof(room[0]), "TXT _mta-sts.d.test insecure %s",
             ONE("v=STSv1;id=1;", "v=STSv1;id=2;", "v=STSv1;id=1; ttl=300", "v=spf1"));
    snprintf(room[n++], sizeof(room[0]), "A mta-sts.d.test insecure 192.0.2.9");
    snprintf(room[n++], sizeof(room[0]), "AAAA mta-sts.d.test nodata");
    for (i = 0; i < n; i++)
        lines[i] = room[i];
    lines[n] = NULL;
    return lines;
}

static void
drop(struct evaluation *evaluation)
{
    ss_lookup_free(evaluation->lookup);
    evaluation->lookup = NULL;
}

/* Conclude, and note whether what is kept is now this one's; it is used up. */
static void
finish(struct evaluation *evaluation)
{
    struct evaluation mine = *evaluation; /* another may come in between */
    int r;

    evaluation->lookup = NULL;
    if (mine.lookup == NULL)
        return;
    r = conclude(&mine, at);
    assert_true(r >= 0 || r == SMTPSEC_E_MEMORY);
    if (hurt.wrote == mine.lookup) {
        drop(&source);
        source = mine;
    } else {
        drop(&mine);
    }
}

static void
finish_one(void)
{
    finish(&lates[pick(LATE)]);
}

/* A fresh decision by the same answers and what is remembered now. */
static struct smtpsec_plan *
decide_anew(size_t which, int64_t now)
{
    struct ss_evidence evidence = source.lookup->evidence;
    struct smtpsec_plan *plan;
    int fault;

    assert_int_equal(ss_recall(&hurt.store, &evidence.destination, &evidence.record,
                               &evidence.entry, &fault), 0);
    memset(&evidence.https, 0, sizeof(evidence.https));
    assert_int_equal(ss_decide(&evidence, &settings[which], now, &plan), 0);
    ss_record_free(&evidence.record);
    ss_sts_entry_free(&evidence.entry);
    return plan;
}

/* Never weaker, and never other: what is found is what would be decided. */
static void
compare(size_t which, int64_t now)
{
    struct smtpsec_plan *plan;
    struct ss_kept_host host;
    struct ss_kept kept;
    size_t i;

    if (!find(which, now, &kept))
        return;
    checked++;
    assert_non_null(source.lookup);
    plan = decide_anew(which, now);
    assert_int_equal(ss_kept_verdict(&kept), plan->verdict);
    assert_int_equal(ss_kept_reason(&kept), plan->reason);
    assert_string_equal(ss_kept_digest(&kept), plan->digest_hex);
    assert_int_equal(kept.hosts, plan->count);
    for (i = 0; i < plan->count; i++) {
        ss_kept_host(&kept, i, &host);
        assert_string_equal(host.name, plan->hosts[i].text);
        assert_int_equal(host.action, plan->hosts[i].action);
        assert_int_equal(host.reason, plan->hosts[i].reason);
        assert_string_equal(host.digest, plan->hosts[i].requirement != NULL
                                             ? plan->hosts[i].requirement->digest_hex
                                             : "");
    }
    ss_plan_free(plan);
}

static void
compare_all(void)
{
    struct ss_kept kept;
    size_t which;

    for (which = 0; which < SETTINGS; which++) {
        compare(which, at);
        if (find(which, at, &kept)) {
            int64_t end = ss_kept_expires(&kept);

            compare(which, end - 1);
            compare(which, at + (int64_t)pick((size_t)(end - at)));
        }
    }
}

static void
step(void)
{
    static const int64_t spans[] = {0, 1, 30, 299, 1800, 3599, 7200, SS_DAY, 3 * SS_DAY};
    struct ss_name name = facts_name("d.test");
    struct evaluation now;

    hurt.dies = pick(6) == 0;
    hurt.plans_fail = pick(12) == 0 ? SMTPSEC_E_MEMORY : 0;
    hurt.meanwhile = pick(2) == 0 ? finish_one : NULL;
    switch (pick(7)) {
    case 0:
        at += spans[pick(sizeof(spans) / sizeof(spans[0]))];
        break;
    case 1:
    case 2:
        begin(&now, pick(SETTINGS), answers(), ONE(ENFORCE, TESTING, LEAVE, NULL), at);
        finish(&now);
        break;
    case 3: {
        struct evaluation *begun = &lates[pick(LATE)];

        drop(begun);
        begin(begun, pick(SETTINGS), answers(), ONE(ENFORCE, TESTING, LEAVE, NULL), at);
        break;
    }
    case 4:
        finish_one();
        break;
    case 5:
        (void)deliver(ONE("a.d.test", "b.d.test"), pick(5) > 0,
                      pick(2) > 0 ? SMTPSEC_IDENTITY_DANE : 0, at);
        break;
    default:
        if (pick(3) > 0)
            (void)claim(pick(3) == 0 ? SMTPSEC_CLAIM_DANE : SMTPSEC_CLAIM_ENCRYPTED,
                        ONE("a.d.test", "b.d.test"), at - (int64_t)pick(20) * SS_DAY);
        else if (hurt.plans_fail == 0)
            assert_int_equal(ss_kept_forget(&hurt.store, &name), 0);
        break;
    }
    hurt.dies = false;
    hurt.plans_fail = 0;
    hurt.meanwhile = NULL;
    compare_all();
}

static void
random_histories(void **state)
{
    unsigned rounds = 400 / ss_test_share(), round, i;

    (void)state;
    checked = 0;
    for (round = 0; round < rounds; round++) {
        set_up();
        seed = round;
        at = NOW;
        for (i = 0; i < 60; i++)
            step();
        drop(&source);
        for (i = 0; i < LATE; i++)
            drop(&lates[i]);
        tear_down();
    }
    ss_buf_free(&found_octets);
    /* A test that finds nothing compares nothing. */
    assert_true(checked > rounds * 5);
}

int
main(void)
{
    struct ss_test_table t = SS_TABLE("engine/kept");

    SS_TABLE_ROWS(&t, lives_so_long, lives);
    ss_table_case(&t, "not kept/refused by the memory", refused_by_memory);
    ss_table_case(&t, "not kept/would be refused", would_be_refused);
    ss_table_case(&t, "not kept/the clock is not believed", clock_not_believed);
    ss_table_case(&t, "not kept/other destinations and states", other_destinations);
    ss_table_case(&t, "not kept/an exception", exception_is_not_kept);
    ss_table_case(&t, "kept/a claim that is met", met_is_kept);
    ss_table_case(&t, "dropped/by a delivery", write_drops);
    ss_table_case(&t, "dropped/by a policy", policy_drops);
    ss_table_case(&t, "dropped/by forget", forget_drops);
    ss_table_case(&t, "dropped/by other settings", fingerprint_tells);
    ss_table_case(&t, "late/after a write", late_evaluation);
    ss_table_case(&t, "late/after a write and another plan", late_after_another);
    ss_table_case(&t, "late/after a policy and another plan", late_after_policy);
    ss_table_case(&t, "late/between mark and commit", overtaken_writer);
    ss_table_case(&t, "a writer died/claims", dead_writer);
    ss_table_case(&t, "a writer died/policy", dead_policy_writer);
    ss_table_case(&t, "the mark cannot be written", mark_fails);
    ss_table_case(&t, "the mark cannot be written at first, and another keeps a plan before the commit",
                  mark_fails_once);
    ss_table_case(&t, "no mark can be written, and another keeps a plan before the commit",
                  mark_fails_twice);
    ss_table_case(&t, "PREC-11 what differs at its end is kept for less", differs_at_its_end);
    ss_table_case(&t, "a claim's end is its end", ends_with_its_claim);
    ss_table_case(&t, "unchanged is not written", unchanged_is_not_written);
    ss_table_case(&t, "prune leaves no marks", prune_leaves_no_marks);
    ss_table_case(&t, "random histories", random_histories);
    return ss_table_run(&t);
}
