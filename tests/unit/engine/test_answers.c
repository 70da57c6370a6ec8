/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Answers that are kept from one evaluation to the next: what is asked, what is decided, what is kept. */
#define ss_table ss_test_table
#include "table.h"
#undef ss_table

#include <stdio.h>
#include <string.h>

#include "by_hand.h"
#include "decision/plan.h"
#include "dns/answer_codec.h"
#include "engine/answers.h"
#include "engine/learn.h"
#include "memory/codec.h"

#define NOW BY_HAND_NOW
#define PRINT UINT64_C(0x1122334455667788)
#define ENFORCE BY_HAND_POLICY("enforce", "mx: *.d.test\r\n")

static struct world world;
static struct ss_settings settings;
static struct ss_store *store;
static uint64_t fingerprint;

static const char *const dane[] = {
    "dns MX d.test secure ttl=300 inception=1799990000 10:mx.d.test",
    "dns A mx.d.test secure ttl=200 192.0.2.1",
    "dns AAAA mx.d.test nodata-secure ttl=250",
    "dns TLSA _25._tcp.mx.d.test secure ttl=100 inception=1799990000 "
    "3.1.1.000102030405060708090a0b0c0d0e0f101112131415161718191a1b1c1d1e1f",
    "dns TXT _mta-sts.d.test nodata-secure ttl=150", NULL};
static const char *const sts[] = {"dns MX d.test insecure ttl=300 10:mx.d.test 20:mx.e.test",
                                  "dns A mx.d.test insecure ttl=300 192.0.2.1",
                                  "dns AAAA mx.d.test nodata ttl=300",
                                  "dns A mx.e.test insecure ttl=300 192.0.2.2",
                                  "dns AAAA mx.e.test insecure ttl=300 2001:db8::2",
                                  "dns TXT _mta-sts.d.test insecure ttl=300 v=STSv1;id=1;",
                                  "dns A mta-sts.d.test insecure ttl=300 192.0.2.9",
                                  "dns AAAA mta-sts.d.test nodata ttl=300", NULL};
static const char *const alias[] = {
    "dns MX d.test secure ttl=300 inception=1799990000 10:mx.d.test",
    "dns A mx.d.test secure ttl=300 cname=target.e.test 192.0.2.1",
    "dns AAAA mx.d.test nodata-secure ttl=300 cname=target.e.test",
    "dns TLSA _25._tcp.target.e.test nodata-secure ttl=300 inception=1799990000",
    "dns TLSA _25._tcp.mx.d.test nodata-secure ttl=300 inception=1799990000",
    "dns TXT _mta-sts.d.test nodata ttl=300", NULL};
static const char *const null_mx[] = {"dns MX d.test insecure ttl=300 0:.",
                                      "dns TXT _mta-sts.d.test nodata ttl=300", NULL};
static const char *const nobody[] = {"dns MX d.test nxdomain ttl=300",
                                     "dns TXT _mta-sts.d.test nxdomain ttl=300", NULL};
static const char *const implicit[] = {"dns MX d.test nodata ttl=300",
                                       "dns A d.test insecure ttl=300 192.0.2.1",
                                       "dns AAAA d.test nodata ttl=300",
                                       "dns TXT _mta-sts.d.test nodata ttl=300", NULL};

static void
set_up(const char *const *facts)
{
    ss_settings_init(&settings);
    fingerprint = PRINT;
    assert_int_equal(ss_store_ram_open(&store), 0);
    by_hand_world(&world, facts);
}

static void
tear_down(void)
{
    ss_store_close(store);
    world_free(&world);
}

static void
fact(const char *line)
{
    const char *const lines[] = {line, NULL};

    by_hand_world(&world, lines);
}

/* What one evaluation came to. */
struct seen {
    size_t asked;  /* questions to the resolver */
    size_t again;  /* of those, when a plan was in doubt */
    int32_t verdict;
    int32_t reason;
    int64_t expires;
    char digest[2 * SS_SHA256_LEN + 1];
    int64_t oldest; /* of the trace, of what was kept; -1: nothing was */
    int kept;       /* what ss_answers_keep() gave */
};

static void
read_trace(const struct smtpsec_plan *plan, struct seen *seen)
{
    size_t i;

    seen->oldest = -1;
    for (i = 0; i < plan->notes.count; i++)
        if (strcmp(plan->notes.list[i].source, "cache") == 0 &&
            strncmp(plan->notes.list[i].rule, "STSA", 4) != 0 &&
            plan->notes.list[i].age > seen->oldest)
            seen->oldest = plan->notes.list[i].age;
}

static size_t
dns_needs(const struct ss_lookup *lookup)
{
    size_t count = 0;
    size_t i;

    for (i = 0; i < lookup->need_count; i++)
        count += lookup->needs[i]->kind == SMTPSEC_NEED_DNS;
    return count;
}

/* As smtpsec_start() does it. between: called after the answers were recalled. */
static struct seen
evaluate_with(struct ss_store *kept_in, int64_t now, void (*between)(void))
{
    struct smtpsec_destination destination;
    struct ss_lookup *lookup;
    struct ss_sts_entry entry;
    struct ss_record record;
    struct smtpsec_plan *plan;
    struct seen seen;
    int fault;

    memset(&seen, 0, sizeof(seen));
    by_hand_destination(&destination, "d.test");
    assert_int_equal(ss_recall(store, &destination, &record, &entry, &fault), 0);
    assert_int_equal(ss_lookup_new(&destination, &settings, SMTPSEC_MEMORY_OK, &record, &entry,
                                   &lookup),
                     0);
    lookup->evidence.dnssec = SMTPSEC_DNSSEC_VALIDATES;
    if (kept_in != NULL)
        assert_int_equal(ss_answers_recall(kept_in, fingerprint, lookup, now), 0);
    if (between != NULL)
        between();
    assert_int_equal(by_hand_run(lookup, &world, ENFORCE, now, false, NULL), 0);
    assert_int_equal(ss_lookup_decide(lookup, now, &plan), 0);
    seen.asked = dns_needs(lookup);
    if (ss_answers_recalled(lookup) && ss_answers_doubted(plan)) {
        ss_plan_free(plan);
        ss_answers_take_back(lookup);
        assert_int_equal(by_hand_run(lookup, &world, ENFORCE, now, false, NULL), 0);
        assert_int_equal(ss_lookup_decide(lookup, now, &plan), 0);
        seen.again = dns_needs(lookup) - seen.asked;
    }
    assert_int_equal(ss_learn_lookup(store, lookup, plan, now), 0);
    if (kept_in != NULL && !ss_answers_doubted(plan))
        seen.kept = ss_answers_keep(kept_in, fingerprint, lookup, now);
    seen.verdict = plan->verdict;
    seen.reason = plan->reason;
    seen.expires = plan->expires;
    memcpy(seen.digest, plan->digest_hex, sizeof(seen.digest));
    read_trace(plan, &seen);
    ss_plan_free(plan);
    ss_lookup_free(lookup);
    return seen;
}

static struct seen
evaluate(int64_t now)
{
    return evaluate_with(store, now, NULL);
}

/* The value as it stands there; its length, 0: none. */
static size_t
stored(struct ss_buf *value)
{
    struct ss_name domain;

    assert_true(ss_name_from_text(&domain, "d.test", 6));
    ss_buf_init(value, SS_STORE_VALUE_MAX);
    (void)ss_store_get(store, SS_TABLE_ANSWERS, ss_policy_key(&domain), value);
    return value->len;
}

static int
put_edit(void *arg, const struct ss_bytes *old, struct ss_buf *out, enum ss_edit *edit)
{
    const struct ss_buf *value = arg;

    (void)old;
    *edit = SS_EDIT_DELETE;
    if (value != NULL) {
        *edit = SS_EDIT_PUT;
        ss_buf_put(out, value->data, value->len);
    }
    return 0;
}

/* NULL: remove it. */
static void
put(const struct ss_buf *value)
{
    struct ss_name domain;

    assert_true(ss_name_from_text(&domain, "d.test", 6));
    assert_int_equal(ss_store_update(store, SS_TABLE_ANSWERS, ss_policy_key(&domain), put_edit,
                                     (void *)(uintptr_t)value),
                     0);
}

/* ---- A question that is repeated ---- */

struct row {
    const char *name;
    const char *const *facts;
    size_t asked;
    int32_t verdict;
};

static const struct row rows[] = {
    {"DANE", dane, 5, SMTPSEC_VERDICT_DELIVER},
    {"MTA-STS, two hosts; the policy is cached", sts, 6, SMTPSEC_VERDICT_DELIVER},
    {"RES-27 a host behind an alias", alias, 6, SMTPSEC_VERDICT_DELIVER},
    {"RES-11 null MX", null_mx, 2, SMTPSEC_VERDICT_FAIL},
    {"RES-07 no such domain", nobody, 2, SMTPSEC_VERDICT_FAIL},
    {"RES-08 no MX", implicit, 4, SMTPSEC_VERDICT_DELIVER},
};

/* It asks nothing, writes nothing, and is decided as if all had been asked. */
static void
repeated(void **state)
{
    const struct row *row = *state;
    struct seen first, again, fresh;
    struct ss_buf before, after;

    set_up(row->facts);
    (void)evaluate_with(NULL, NOW - 1, NULL); /* what is learnt is learnt here */
    first = evaluate(NOW);
    assert_int_equal(first.asked, row->asked);
    assert_int_equal(first.verdict, row->verdict);
    assert_int_equal(first.oldest, -1);
    assert_true(stored(&before) > 0);
    again = evaluate(NOW + 60);
    fresh = evaluate_with(NULL, NOW + 60, NULL);
    assert_int_equal(fresh.asked, row->asked);
    assert_int_equal(again.asked, 0);
    assert_int_equal(again.again, 0);
    assert_int_equal(again.oldest, 60);
    assert_int_equal(again.verdict, fresh.verdict);
    assert_int_equal(again.reason, fresh.reason);
    assert_string_equal(again.digest, fresh.digest);
    assert_int_equal(again.expires, first.expires); /* no longer than the TTL */
    assert_true(stored(&after) == before.len && memcmp(before.data, after.data, after.len) == 0);
    ss_buf_free(&before);
    ss_buf_free(&after);
    tear_down();
}

/* Each answer lives as long as its own TTL, and no longer. */
static void
ttl(void **state)
{
    static const struct {
        int64_t after;
        size_t asked;
    } steps[] = {{99, 0}, {100, 1}, {149, 0}, {150, 1}, {199, 0}, {200, 2}, {249, 0}, {250, 1}};
    struct seen seen;
    size_t i;

    (void)state;
    set_up(dane);
    assert_int_equal(evaluate(NOW).asked, 5);
    for (i = 0; i < sizeof(steps) / sizeof(steps[0]); i++) {
        seen = evaluate(NOW + steps[i].after);
        assert_int_equal(seen.asked, steps[i].asked);
        assert_true(seen.expires <= NOW + steps[i].after + 100);
    }
    tear_down();
}

static void
an_hour_at_most(void **state)
{
    (void)state;
    set_up(nobody);
    fact("dns MX d.test nxdomain ttl=86400");
    fact("dns TXT _mta-sts.d.test nxdomain ttl=86400");
    assert_int_equal(evaluate(NOW).asked, 2);
    assert_int_equal(evaluate(NOW + SS_ANSWERS_LIFE - 1).asked, 0);
    assert_int_equal(evaluate(NOW + SS_ANSWERS_LIFE).asked, 2);
    tear_down();
}

/* A clock that was set back: what is from the future is not there. */
static void
from_the_future(void **state)
{
    (void)state;
    set_up(dane);
    assert_int_equal(evaluate(NOW).asked, 5);
    assert_int_equal(evaluate(NOW - 1).asked, 5);
    tear_down();
}

/* ---- What is not kept ---- */

struct spoilt {
    const char *name;
    const char *fact; /* in place of the one of dane[] */
    size_t again;     /* questions of the second evaluation */
};

static const struct spoilt spoilt[] = {
    {"TTL 0", "dns AAAA mx.d.test nodata-secure ttl=0", 1},
    {"a time-out", "dns AAAA mx.d.test timeout", 1},
    {"a time-out of what DANE asks: held up, and all is asked", "dns TLSA _25._tcp.mx.d.test timeout", 5},
    {"no server that answers", "dns TXT _mta-sts.d.test servfail", 1},
    {"RES-05 where one is bogus none is kept", "dns AAAA mx.d.test bogus", 5},
    {"RES-04 no MX to be had", "dns MX d.test servfail", 2},
};

static void
not_kept(void **state)
{
    const struct spoilt *row = *state;

    set_up(dane);
    fact(row->fact);
    (void)evaluate(NOW);
    assert_int_equal(evaluate(NOW + 1).asked, row->again);
    tear_down();
}

static void
other_destinations(void **state)
{
    struct smtpsec_destination destination;

    (void)state;
    by_hand_destination(&destination, "d.test");
    assert_true(ss_answers_apply(&destination));
    destination.minimum = SMTPSEC_LEVEL_DANE;
    assert_true(ss_answers_apply(&destination));
    destination.port = 26;
    assert_false(ss_answers_apply(&destination));
    destination.port = 25;
    destination.relay = true;
    assert_false(ss_answers_apply(&destination));
    destination.relay = false;
    destination.literal = true;
    assert_false(ss_answers_apply(&destination));
}

static void
long_fact(char *line)
{
    char *words[WORLD_WORDS];
    char *rest = NULL, *word;
    size_t count = 0;

    for (word = strtok_r(line, " ", &rest); word != NULL; word = strtok_r(NULL, " ", &rest))
        words[count++] = word;
    assert_null(world_add(&world, count, words));
}

static void
many_addresses(unsigned host, const char *type, const char *net)
{
    char line[2048];
    size_t len;
    unsigned i;

    len = (size_t)snprintf(line, sizeof(line), "dns %s h%02u.d.test insecure ttl=300", type, host);
    for (i = 1; i <= 100; i++) {
        line[len++] = ' ';
        len += (size_t)snprintf(line + len, sizeof(line) - len, "%s%u", net, i);
    }
    long_fact(line);
}

/* A domain of more than there is room for: all is asked each time, and nothing is written. */
static void
too_many(void **state)
{
    char line[1024] = "dns MX d.test insecure ttl=300";
    struct ss_buf value;
    struct seen seen;
    unsigned i;

    (void)state;
    set_up(nobody);
    for (i = 0; i < 9; i++) {
        snprintf(line + strlen(line), sizeof(line) - strlen(line), " 10:h%02u.d.test", i);
        many_addresses(i, "A", "192.0.2.");
        many_addresses(i, "AAAA", "2001:db8::");
    }
    long_fact(line);
    seen = evaluate(NOW);
    assert_int_equal(seen.verdict, SMTPSEC_VERDICT_DELIVER);
    assert_int_equal(seen.asked, 2 + 2 * 9);
    assert_int_equal(seen.kept, SMTPSEC_E_LIMIT);
    assert_int_equal(stored(&value), 0);
    ss_buf_free(&value);
    assert_int_equal(evaluate(NOW + 1).asked, seen.asked);
    tear_down();
}

/* ---- What is not used ---- */

static void
other_rules(void **state)
{
    (void)state;
    set_up(dane);
    assert_int_equal(evaluate(NOW).asked, 5);
    fingerprint++;
    assert_int_equal(evaluate(NOW + 1).asked, 5);
    assert_int_equal(evaluate(NOW + 2).asked, 0);
    fingerprint = PRINT; /* the last one to keep has the place */
    assert_int_equal(evaluate(NOW + 3).asked, 5);
    tear_down();
}

/* One octet of it is changed: all is asked, whichever it was, and it is written anew. */
static void
damaged(void **state)
{
    struct ss_buf value;
    size_t len, i;

    (void)state;
    set_up(dane);
    (void)evaluate(NOW);
    len = stored(&value);
    for (i = 0; i < len; i += 7) {
        value.data[i] ^= 0x20;
        put(&value);
        value.data[i] ^= 0x20;
        assert_int_equal(evaluate(NOW + 1).asked, 5);
        assert_int_equal(evaluate(NOW + 1).asked, 0);
    }
    value.len--;
    put(&value);
    assert_int_equal(evaluate(NOW + 1).asked, 5);
    value.len = 0;
    put(&value);
    assert_int_equal(evaluate(NOW + 1).asked, 5);
    ss_buf_free(&value);
    tear_down();
}

/* ---- By the memory as it is now ---- */

/* A remembered claim of DANE on the host, as deliveries on three days leave it. */
static void
remember_dane(void)
{
    struct smtpsec_destination destination;
    struct smtpsec_outcome outcome;
    int day;

    for (day = 3; day > 0; day--) {
        memset(&outcome, 0, sizeof(outcome));
        by_hand_destination(&destination, "d.test");
        ss_destination_key(&destination, &outcome.key);
        by_hand_destination(&destination, "mx.d.test");
        outcome.host = destination.domain;
        outcome.at = NOW - day * SS_DAY;
        outcome.mx_secure = true;
        outcome.starttls = SMTPSEC_STARTTLS_DONE;
        outcome.judged = outcome.verified = outcome.accepted = true;
        outcome.identities = SMTPSEC_IDENTITY_DANE;
        outcome.expires = outcome.at + 300;
        outcome.inception = outcome.at - 3600;
        outcome.signature_expiration = outcome.at + 30 * SS_DAY;
        assert_int_equal(
            ss_learn_outcome(store, &settings.memory, &outcome, 0, outcome.at), 0);
    }
}

/*
 * Kept while nothing was remembered, and weaker than what is remembered now: the
 * kept answers do not let it pass. All is asked, and where the resolver says
 * the same, it is refused.
 */
static void
memory_now(void **state)
{
    struct seen seen;
    struct ss_buf value;

    (void)state;
    set_up(dane);
    fact("dns TLSA _25._tcp.mx.d.test nodata ttl=300"); /* unsigned: what an attacker leaves */
    assert_int_equal(evaluate(NOW).verdict, SMTPSEC_VERDICT_DELIVER);
    assert_int_equal(evaluate(NOW + 1).asked, 0);
    remember_dane();
    seen = evaluate(NOW + 2);
    assert_int_equal(seen.verdict, SMTPSEC_VERDICT_DEFER);
    assert_int_equal(seen.reason, SMTPSEC_REASON_DOWNGRADE);
    assert_true(seen.again > 0);
    /* And the attack is over: nothing of it was kept. */
    by_hand_world(&world, dane);
    seen = evaluate(NOW + 3);
    assert_int_equal(seen.verdict, SMTPSEC_VERDICT_DELIVER);
    assert_int_equal(evaluate(NOW + 4).asked, 0);
    assert_true(stored(&value) > 0);
    ss_buf_free(&value);
    tear_down();
}

/* PREC-11 a kept set that is older than what was seen since is one that was replayed. */
static void
replayed(void **state)
{
    struct seen kept, fresh;

    (void)state;
    set_up(dane);
    remember_dane();
    fact("dns TLSA _25._tcp.mx.d.test nodata-secure ttl=300 inception=1699990000");
    kept = evaluate(NOW);
    fresh = evaluate_with(NULL, NOW, NULL);
    assert_int_equal(kept.verdict, fresh.verdict);
    assert_int_equal(kept.verdict, SMTPSEC_VERDICT_DEFER);
    kept = evaluate(NOW + 1);
    assert_int_equal(kept.verdict, SMTPSEC_VERDICT_DEFER);
    assert_true(kept.asked > 0); /* what refuses is not kept */
    tear_down();
}

/* ---- Two at once ---- */

static void
remove_them(void)
{
    put(NULL);
}

/* Forgotten while an evaluation ran: what it had recalled does not come back, what it asked may stay. */
static void
forgotten_meanwhile(void **state)
{
    (void)state;
    set_up(dane);
    (void)evaluate(NOW);
    assert_int_equal(evaluate_with(store, NOW + 100, remove_them).asked, 1);
    assert_int_equal(evaluate(NOW + 101).asked, 4);
    tear_down();
}

static struct ss_buf another;

static void
replace_them(void)
{
    put(&another);
}

/* Replaced meanwhile by another process: ours stands there, with what it asked alone. */
static void
replaced_meanwhile(void **state)
{
    (void)state;
    set_up(dane);
    (void)evaluate(NOW + 1);
    stored(&another);
    put(NULL);
    (void)evaluate(NOW);
    assert_int_equal(evaluate_with(store, NOW + 100, replace_them).asked, 1);
    assert_int_equal(evaluate(NOW + 101).asked, 4);
    ss_buf_free(&another);
    tear_down();
}

/* ---- A store that fails ---- */

static int
fail_get(struct ss_store *unused, enum ss_store_table table, struct ss_bytes key,
         struct ss_buf *value)
{
    (void)unused;
    (void)table;
    (void)key;
    (void)value;
    return SMTPSEC_E_MEMORY;
}

static int
fail_update(struct ss_store *unused, enum ss_store_table table, struct ss_bytes key,
            ss_store_edit edit, void *arg)
{
    (void)unused;
    (void)table;
    (void)key;
    (void)edit;
    (void)arg;
    return SMTPSEC_E_MEMORY;
}

static void
store_fails(void **state)
{
    static const struct ss_store_kind kind = {.get = fail_get, .update = fail_update};
    struct ss_store broken = {.kind = &kind, .state = SMTPSEC_MEMORY_OK};
    struct seen seen;

    (void)state;
    set_up(dane);
    seen = evaluate_with(&broken, NOW, NULL);
    assert_int_equal(seen.verdict, SMTPSEC_VERDICT_DELIVER);
    assert_int_equal(seen.kept, SMTPSEC_E_MEMORY);
    tear_down();
}

/* ---- Values that were never written ---- */

static size_t
each_count;

static int
count_each(void *arg, const struct ss_question *question, struct ss_answer *answer, int64_t asked)
{
    (void)question;
    (void)answer;
    (void)asked;
    each_count++;
    return *(int *)arg;
}

static void
put_answer(struct ss_buf *out, const char *name)
{
    struct ss_question question = {.type = SS_RR_A};
    struct ss_answer answer;

    assert_true(ss_name_from_text(&question.name, name, strlen(name)));
    ss_answer_init(&answer);
    answer.outcome = SMTPSEC_ANSWER_NO_DATA;
    answer.trust = SMTPSEC_TRUST_INSECURE;
    answer.ttl = 60;
    answer.end = question.name;
    ss_codec_time_write(out, NOW);
    ss_answer_write(out, &question, &answer);
}

struct value {
    const char *name;
    const char *names[3];
    uint64_t fingerprint;
    uint8_t kind;
    uint8_t version;
    int each;
    size_t cut; /* octets that are missing at the end of the body */
    const char *under; /* the key that it is read under; NULL: its own */
    int want;
    size_t seen;
};

static const struct value values[] = {
    {"as written", {"a.test", "b.test"}, PRINT, SS_CODEC_ANSWERS, 1, 0, 0, NULL, 0, 2},
    {"no answers", {NULL}, PRINT, SS_CODEC_ANSWERS, 1, 0, 0, NULL, SMTPSEC_E_FORMAT, 0},
    {"names that fall", {"b.test", "a.test"}, PRINT, SS_CODEC_ANSWERS, 1, 0, 0, NULL, SMTPSEC_E_FORMAT, 1},
    {"a question twice", {"a.test", "a.test"}, PRINT, SS_CODEC_ANSWERS, 1, 0, 0, NULL, SMTPSEC_E_FORMAT, 1},
    {"of other rules", {"a.test"}, PRINT + 1, SS_CODEC_ANSWERS, 1, 0, 0, NULL, SMTPSEC_E_STALE, 0},
    {"of another kind", {"a.test"}, PRINT, SS_CODEC_RECORD, 1, 0, 0, NULL, SMTPSEC_E_FORMAT, 0},
    {"of a newer version", {"a.test"}, PRINT, SS_CODEC_ANSWERS, 2, 0, 0, NULL, SMTPSEC_E_VERSION, 0},
    {"cut", {"a.test", "b.test"}, PRINT, SS_CODEC_ANSWERS, 1, 0, 1, NULL, SMTPSEC_E_FORMAT, 1},
    {"under another's name", {"a.test"}, PRINT, SS_CODEC_ANSWERS, 1, 0, 0, "\1e\4test", SMTPSEC_E_FORMAT, 0},
    {"each says no", {"a.test", "b.test"}, PRINT, SS_CODEC_ANSWERS, 1, SMTPSEC_E_NOMEM, 0, NULL,
     SMTPSEC_E_NOMEM, 1},
};

static void
read_value(void **state)
{
    const struct value *row = *state;
    static const struct ss_bytes key = {(const uint8_t *)"\1d\4test", 8};
    struct ss_bytes under = key;
    int each = row->each;
    struct ss_buf out;
    size_t start, i;

    ss_buf_init(&out, SS_STORE_VALUE_MAX);
    start = ss_codec_begin(&out, row->kind, row->version);
    ss_buf_le64(&out, row->fingerprint);
    for (i = 0; i < 3 && row->names[i] != NULL; i++)
        put_answer(&out, row->names[i]);
    out.len -= row->cut;
    ss_codec_end(&out, start, key);
    each_count = 0;
    if (row->under != NULL)
        under.data = (const uint8_t *)row->under;
    assert_int_equal(ss_answers_read((struct ss_bytes){out.data, out.len}, under, PRINT, count_each,
                                     &each),
                     row->want);
    assert_int_equal(each_count, row->seen);
    ss_buf_free(&out);
}

int
main(void)
{
    struct ss_test_table table = SS_TABLE("answers");

    SS_TABLE_ROWS(&table, repeated, rows);
    SS_TABLE_ROWS(&table, not_kept, spoilt);
    SS_TABLE_ROWS(&table, read_value, values);
    ss_table_case(&table, "each answer for its own TTL", ttl);
    ss_table_case(&table, "an hour at most", an_hour_at_most);
    ss_table_case(&table, "nothing from the future", from_the_future);
    ss_table_case(&table, "for destinations by MX on port 25 alone", other_destinations);
    ss_table_case(&table, "too much for one domain is not kept", too_many);
    ss_table_case(&table, "by other rules: not there", other_rules);
    ss_table_case(&table, "damaged: not there", damaged);
    ss_table_case(&table, "PREC-09 decided by the memory as it is now", memory_now);
    ss_table_case(&table, "PREC-11 what is replayed is not kept", replayed);
    ss_table_case(&table, "forgotten meanwhile", forgotten_meanwhile);
    ss_table_case(&table, "replaced meanwhile", replaced_meanwhile);
    ss_table_case(&table, "a store that fails changes no decision", store_fails);
    return ss_table_run(&table);
}
