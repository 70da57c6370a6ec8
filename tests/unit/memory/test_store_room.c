/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Probation and bounds (DESIGN 6.12), of every maker of stores. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "memory/rank.h"
#include "store_support.h"

#define T0 INT64_C(1800000000)
#define KNOWN 1000
#define STRANGERS ((int)(50000 / ss_test_share())) /* always more than probation holds */

struct row {
    const char *name;
    const struct store_maker *maker;
    void (*check)(struct ss_store *store);
};

static struct ss_memory_settings settings;
static int64_t now;

static uint64_t
rank(void *arg, enum ss_store_table table, struct ss_bytes key, struct ss_bytes value)
{
    (void)arg;
    return ss_entry_rank(table, key, value, &settings, now);
}

static void
bound(struct ss_store *store, uint64_t kept, uint64_t probation)
{
    struct ss_store_limits limits = { .kept = kept, .probation = probation, .rank = rank,
                                      .seed = 7 };

    ss_store_set_limits(store, &limits);
}

/* ---- entries ---- */

struct put {
    struct ss_bytes value;
    enum ss_edit what;
    bool had_old;
};

static int
edit(void *arg, const struct ss_bytes *old, struct ss_buf *out, enum ss_edit *what)
{
    struct put *put = arg;

    put->had_old = old != NULL;
    ss_buf_put(out, put->value.data, put->value.len);
    *what = put->what;
    return 0;
}

static int
change(struct ss_store *store, const char *key, const char *value, enum ss_edit what, bool had_old)
{
    struct put put = { store_bytes(value), what, false };
    int rc = ss_store_update(store, SS_TABLE_CLAIMS, store_bytes(key), edit, &put);

    assert_int_equal(put.had_old, had_old);
    return rc;
}

static uint64_t
entries(struct ss_store *store, enum ss_store_table table)
{
    struct ss_store_figures figures;

    assert_int_equal(ss_store_figures(store, &figures), 0);
    return figures.entries[table];
}

static void
expect(struct ss_store *store, uint64_t kept, uint64_t probation)
{
    assert_int_equal(entries(store, SS_TABLE_CLAIMS), kept);
    assert_int_equal(entries(store, SS_TABLE_CLAIMS_NEW), probation);
}

static bool
is_new(struct ss_store *store, const char *key)
{
    struct ss_buf got;
    int rc;

    ss_buf_init(&got, SS_STORE_VALUE_MAX);
    rc = ss_store_get(store, SS_TABLE_CLAIMS_NEW, store_bytes(key), &got);
    ss_buf_free(&got);
    return rc == 0;
}

/* ---- two tables that look like one ---- */

static void
moves(struct ss_store *store)
{
    assert_int_equal(change(store, "a", "1", SS_EDIT_PUT_NEW, false), 0);
    expect(store, 0, 1);
    store_expect(store, "a", "1");
    assert_int_equal(change(store, "a", "2", SS_EDIT_PUT_NEW, true), 0);
    expect(store, 0, 1);
    store_expect(store, "a", "2");
    assert_int_equal(change(store, "a", "3", SS_EDIT_PUT, true), 0);
    expect(store, 1, 0);
    store_expect(store, "a", "3");
    /* What is off probation stays off it. */
    assert_int_equal(change(store, "a", "4", SS_EDIT_PUT_NEW, true), 0);
    expect(store, 1, 0);
    store_expect(store, "a", "4");
    assert_int_equal(change(store, "a", "", SS_EDIT_DELETE, true), 0);
    expect(store, 0, 0);
    assert_int_equal(change(store, "b", "1", SS_EDIT_PUT_NEW, false), 0);
    assert_int_equal(change(store, "b", "", SS_EDIT_DELETE, true), 0);
    expect(store, 0, 0);
    assert_int_equal(change(store, "b", "", SS_EDIT_DELETE, false), 0);
}

static int
join(void *arg, struct ss_bytes key, struct ss_bytes value)
{
    char *line = arg;

    snprintf(line + strlen(line), 64, "%.*s=%.*s ", (int)key.len, (const char *)key.data,
             (int)value.len, (const char *)value.data);
    return 0;
}

static void
shown(struct ss_store *store, enum ss_store_table table, const char *after, const char *want)
{
    char line[512] = "";

    assert_int_equal(ss_store_each_after(store, table, store_bytes(after), 100, join, line), 0);
    assert_string_equal(line, want);
}

static void
lists(struct ss_store *store)
{
    char line[512] = "";

    assert_int_equal(change(store, "b", "1", SS_EDIT_PUT_NEW, false), 0);
    assert_int_equal(change(store, "d", "2", SS_EDIT_PUT, false), 0);
    assert_int_equal(change(store, "a", "3", SS_EDIT_PUT, false), 0);
    assert_int_equal(change(store, "c", "4", SS_EDIT_PUT_NEW, false), 0);
    assert_int_equal(change(store, "e", "5", SS_EDIT_PUT_NEW, false), 0);
    shown(store, SS_TABLE_CLAIMS, "", "a=3 b=1 c=4 d=2 e=5 ");
    shown(store, SS_TABLE_CLAIMS, "b", "c=4 d=2 e=5 ");
    shown(store, SS_TABLE_CLAIMS, "bb", "c=4 d=2 e=5 ");
    shown(store, SS_TABLE_CLAIMS, "e", "");
    shown(store, SS_TABLE_CLAIMS_NEW, "", "b=1 c=4 e=5 ");
    shown(store, SS_TABLE_POLICIES, "", "");
    assert_int_equal(ss_store_walk(store, SS_TABLE_CLAIMS, join, line), 0);
    assert_string_equal(line, "a=3 b=1 c=4 d=2 e=5 ");
}

static void
tables(struct ss_store *store)
{
    struct put put = { store_bytes("v"), SS_EDIT_PUT_NEW, false };
    struct ss_buf got;

    assert_int_equal(ss_store_update(store, SS_TABLE_META, store_bytes("k"), edit, &put), 0);
    assert_int_equal(ss_store_update(store, SS_TABLE_POLICIES, store_bytes("k"), edit, &put), 0);
    assert_int_equal(entries(store, SS_TABLE_POLICIES_NEW), 1);
    expect(store, 0, 0);
    ss_buf_init(&got, 10);
    assert_int_equal(ss_store_get(store, SS_TABLE_META, store_bytes("k"), &got), 0);
    assert_int_equal(got.len, 1);
    assert_int_equal(ss_store_get(store, SS_TABLE_CLAIMS, store_bytes("k"), &got),
                     SMTPSEC_E_NOT_FOUND);
    ss_buf_free(&got);
    assert_int_equal(ss_store_update(store, SS_TABLE_CLAIMS_NEW, store_bytes("k"), edit, &put),
                     SMTPSEC_E_INVALID);
    assert_int_equal(ss_store_update(store, SS_TABLE_POLICIES_NEW, store_bytes("k"), edit, &put),
                     SMTPSEC_E_INVALID);
}

/* ---- bounds ---- */

static void
key_of(const char *domain, struct ss_memory_key *key, struct ss_buf *octets)
{
    memset(key, 0, sizeof(*key));
    assert_true(ss_name_from_text(&key->domain, domain, strlen(domain)));
    key->port = 25;
    ss_buf_init(octets, 1024);
    ss_memory_key_write(octets, key);
    assert_true(ss_buf_ok(octets));
}

/* A record of one claim that was seen on so many days up to now; returns how it is put. */
static enum ss_edit
record_of(const char *domain, int32_t kind, uint32_t days, int64_t expires, struct ss_buf *value)
{
    struct ss_memory_key key;
    struct ss_record record;
    struct ss_claim *claim;
    struct ss_name host;
    struct ss_buf octets;
    bool ripe;

    key_of(domain, &key, &octets);
    ss_buf_free(&octets);
    assert_true(ss_name_from_text(&host, "mx.test", 7));
    ss_record_init(&record, &key);
    claim = ss_record_add(&record, kind, kind == SMTPSEC_CLAIM_MTA_STS ? NULL : &host);
    assert_non_null(claim);
    if (kind == SMTPSEC_CLAIM_MTA_STS)
        strcpy(claim->sts_id, "1");
    claim->days = days;
    claim->first_seen = now - (int64_t)(days - 1) * SS_DAY;
    claim->last_seen = claim->counted = now;
    claim->expires = expires;
    ss_buf_init(value, SS_STORE_VALUE_MAX);
    ss_record_write(value, &record);
    assert_true(ss_buf_ok(value));
    ripe = ss_record_ripe(&record);
    ss_record_free(&record);
    return ripe ? SS_EDIT_PUT : SS_EDIT_PUT_NEW;
}

static int
remember(struct ss_store *store, const char *domain, int32_t kind, uint32_t days, int64_t expires)
{
    struct ss_memory_key key;
    struct ss_buf octets, value;
    struct put put;
    int rc;

    put.what = record_of(domain, kind, days, expires, &value);
    put.value = (struct ss_bytes){ value.data, value.len };
    key_of(domain, &key, &octets);
    rc = ss_store_update(store, SS_TABLE_CLAIMS, (struct ss_bytes){ octets.data, octets.len }, edit,
                         &put);
    ss_buf_free(&octets);
    ss_buf_free(&value);
    return rc;
}

/* Is it stored, in this table, with these octets (NULL: with any)? */
static bool
remembered(struct ss_store *store, enum ss_store_table table, const char *domain,
           const struct ss_buf *value)
{
    struct ss_memory_key key;
    struct ss_buf octets, got;
    bool same;

    key_of(domain, &key, &octets);
    ss_buf_init(&got, SS_STORE_VALUE_MAX);
    same = ss_store_get(store, table, (struct ss_bytes){ octets.data, octets.len }, &got) == 0;
    if (same && value != NULL)
        same = got.len == value->len && memcmp(got.data, value->data, got.len) == 0;
    ss_buf_free(&octets);
    ss_buf_free(&got);
    return same;
}

static const char *
numbered(char name[64], const char *what, int n)
{
    snprintf(name, 64, "%s%d.test", what, n);
    return name;
}

/* Known domains are of all sorts of evidence, and none of their claims is in force. */
#define KNOWN_DAYS(n) (2 + (uint32_t)(n) % 5)

static void
come(struct ss_store *store, const char *domain, uint32_t days)
{
    assert_int_equal(remember(store, domain, SMTPSEC_CLAIM_ENCRYPTED, days, 0), 0);
}

static void
strangers(struct ss_store *store)
{
    struct ss_buf value;
    char name[64];
    int i;

    bound(store, 20000, 2000);
    for (i = 0; i < KNOWN; i++)
        come(store, numbered(name, "known", i), KNOWN_DAYS(i));
    for (i = 0; i < STRANGERS; i++) {
        now = T0 + i / 1000;
        come(store, numbered(name, "stranger", i), 1);
        /* In the midst of it somebody honest comes, and comes again on the next day. */
        if (i == STRANGERS / 2)
            come(store, "honest.test", 1);
        if (i == STRANGERS / 2 + 500) {
            assert_true(remembered(store, SS_TABLE_CLAIMS_NEW, "honest.test", NULL));
            now += SS_DAY;
            come(store, "honest.test", 2);
        }
    }
    expect(store, KNOWN + 1, 2000);
    assert_true(remembered(store, SS_TABLE_CLAIMS, "honest.test", NULL));
    now = T0;
    for (i = 0; i < KNOWN; i++) {
        (void)record_of(numbered(name, "known", i), SMTPSEC_CLAIM_ENCRYPTED, KNOWN_DAYS(i),
                        0, &value);
        assert_true(remembered(store, SS_TABLE_CLAIMS, name, &value));
        ss_buf_free(&value);
    }
}

/* A table of claims in force lets nobody in; what could not leave probation stays there. */
static void
in_force(struct ss_store *store)
{
    struct ss_buf value;
    char name[64];
    int i;

    bound(store, 100, 10);
    for (i = 0; i < 10; i++)
        assert_int_equal(remember(store, numbered(name, "new", i), SMTPSEC_CLAIM_DANE, 1,
                                  now + 3600), 0);
    for (i = 0; i < 100; i++)
        assert_int_equal(remember(store, numbered(name, "old", i), SMTPSEC_CLAIM_DANE, 2,
                                  now + 3600), 0);
    expect(store, 100, 10);
    for (i = 0; i < 50; i++) {
        assert_int_equal(remember(store, numbered(name, "stranger", i),
                                  SMTPSEC_CLAIM_ENCRYPTED, 1, 0), SMTPSEC_E_LIMIT);
        assert_int_equal(remember(store, name, SMTPSEC_CLAIM_ENCRYPTED, 5, 0), SMTPSEC_E_LIMIT);
    }
    assert_int_equal(remember(store, "new3.test", SMTPSEC_CLAIM_DANE, 2, now + 3600),
                     SMTPSEC_E_LIMIT);
    expect(store, 100, 10);
    (void)record_of("new3.test", SMTPSEC_CLAIM_DANE, 2, now + 3600, &value);
    assert_true(remembered(store, SS_TABLE_CLAIMS_NEW, "new3.test", &value));
    ss_buf_free(&value);
    for (i = 0; i < 100; i++)
        assert_true(remembered(store, SS_TABLE_CLAIMS, numbered(name, "old", i), NULL));
    /* Those that are there can always be changed. */
    assert_int_equal(remember(store, "old7.test", SMTPSEC_CLAIM_DANE, 3, now + 3600), 0);
    /* And when their time is over, there is room again. */
    now += 200 * SS_DAY;
    assert_int_equal(remember(store, "new3.test", SMTPSEC_CLAIM_DANE, 2, now + 3600), 0);
    assert_int_equal(remember(store, "stranger.test", SMTPSEC_CLAIM_ENCRYPTED, 1, 0), 0);
    expect(store, 100, 10);
}

/* A policy of the day has a claim that is in force; on probation it may go all the same. */
static void
policies_of_a_day(struct ss_store *store)
{
    char name[64];
    int i;

    bound(store, 100, 10);
    for (i = 0; i < 30; i++)
        assert_int_equal(remember(store, numbered(name, "new", i), SMTPSEC_CLAIM_MTA_STS, 1,
                                  now + 3600), 0);
    expect(store, 0, 10);
    for (i = 0; i < 100; i++)
        assert_int_equal(remember(store, numbered(name, "old", i), SMTPSEC_CLAIM_MTA_STS, 2,
                                  now + 3600), 0);
    assert_int_equal(remember(store, "late.test", SMTPSEC_CLAIM_MTA_STS, 2, now + 3600),
                     SMTPSEC_E_LIMIT);
    expect(store, 100, 10);
}

/* The one with the fewest days goes, of those the one that was not seen for longest. */
static void
least_goes(struct ss_store *store)
{
    char name[64];
    int i;

    bound(store, 10, 1);
    for (i = 0; i < 10; i++) {
        now = T0 + (i == 6 ? 0 : 100 + i);
        come(store, numbered(name, "d", i), i == 3 || i == 6 || i == 8 ? 2 : 3);
    }
    now = T0 + 1000;
    come(store, "e.test", 3);
    assert_false(remembered(store, SS_TABLE_CLAIMS, "d6.test", NULL));
    come(store, "f.test", 3);
    assert_false(remembered(store, SS_TABLE_CLAIMS, "d3.test", NULL));
    come(store, "g.test", 3);
    assert_false(remembered(store, SS_TABLE_CLAIMS, "d8.test", NULL));
    expect(store, 10, 0);
}

static void
smaller_bound(struct ss_store *store)
{
    char name[64];
    int i;

    bound(store, 1000, 100);
    for (i = 0; i < 60; i++)
        come(store, numbered(name, "d", i), 1);
    bound(store, 1000, 40);
    for (i = 0; i < 60; i++)
        come(store, numbered(name, "e", i), 1);
    expect(store, 0, 40);
    /* A tenth of what is kept, whatever was asked for. */
    bound(store, 200, 40);
    for (i = 0; i < 60; i++)
        come(store, numbered(name, "f", i), 1);
    expect(store, 0, 20);
}

/* Who says nothing of ranks loses nothing. */
static void
no_rank(struct ss_store *store)
{
    struct ss_store_limits limits = { .kept = 10 };
    char name[64];
    int i;

    ss_store_set_limits(store, &limits);
    assert_int_equal(store->limits.probation, 1);
    come(store, "a.test", 1);
    assert_int_equal(remember(store, "b.test", SMTPSEC_CLAIM_ENCRYPTED, 1, 0), SMTPSEC_E_LIMIT);
    for (i = 0; i < 10; i++)
        come(store, numbered(name, "d", i), 2);
    assert_int_equal(remember(store, "e.test", SMTPSEC_CLAIM_ENCRYPTED, 2, 0), SMTPSEC_E_LIMIT);
    expect(store, 10, 1);
}

/* Entries that nobody can read go first, whoever they were. */
static void
damaged_go(struct ss_store *store)
{
    bound(store, 20, 2);
    assert_int_equal(change(store, "damage", "x", SS_EDIT_PUT_NEW, false), 0);
    come(store, "a.test", 1);
    come(store, "b.test", 1);
    assert_false(is_new(store, "damage"));
    expect(store, 0, 2);
}

#define EACH(text, check) { text, NULL, check }

static const struct row rows[] = {
    EACH("DESIGN 6.12 put on probation, taken off it, never put back", moves),
    EACH("both tables are listed as one, in the order of keys", lists),
    EACH("each table has its own probation, and small values have none", tables),
    EACH("DESIGN 6.12 50,000 strangers of a day move nobody, and keep nobody out", strangers),
    EACH("DESIGN 6.12 a claim in force never goes", in_force),
    EACH("DESIGN 6.12 a policy of one day may go", policies_of_a_day),
    EACH("DESIGN 6.12 the least evidence goes first", least_goes),
    EACH("a smaller bound is reached by and by", smaller_bound),
    EACH("without ranks nothing goes", no_rank),
    EACH("damaged entries go first", damaged_go),
};

static void
check(void **state)
{
    const struct row *row = *state;
    struct ss_store *store = NULL;
    char directory[64];

    ss_memory_settings_init(&settings);
    now = T0;
    store = row->maker->open(directory);
    assert_int_equal(store->state, SMTPSEC_MEMORY_OK);
    row->check(store);
    row->maker->close(store, directory);
}

/* ---- ranks of policies ---- */

struct policy_row {
    const char *name;
    int64_t used_a, used_b; /* days before now */
    size_t len_a, len_b;
    bool live_a, live_b;
};

/* a goes before b */
static const struct policy_row policy_rows[] = {
    { "a dead one before a live one", 0, 50, 10, 90, false, true },
    { "of live ones the one not used for longer", 5, 4, 10, 90, true, true },
    { "of dead ones the one not used for longer", 5, 4, 10, 90, false, false },
    { "of one day the larger one", 4, 4, 65536, 65535, true, true },
};

static uint64_t
policy_rank(int64_t used, size_t len, bool live, bool probation)
{
    static uint8_t body[SS_STORE_VALUE_MAX];
    struct ss_sts_entry entry;

    ss_sts_entry_init(&entry);
    strcpy(entry.id, "1");
    entry.fetched = T0 - 100;
    entry.max_age = live ? 100 : 99;
    entry.used = T0 - used * SS_DAY;
    entry.body = body;
    entry.len = len;
    return ss_sts_entry_rank(&entry, T0, probation);
}

static void
check_policy(void **state)
{
    const struct policy_row *row = *state;

    assert_true(policy_rank(row->used_a, row->len_a, row->live_a, true) <
                policy_rank(row->used_b, row->len_b, row->live_b, true));
    assert_true(policy_rank(row->used_b, row->len_b, row->live_b, true) < SS_STORE_FIXED);
    assert_true((policy_rank(row->used_b, row->len_b, row->live_b, false) == SS_STORE_FIXED) ==
                row->live_b);
}

static void
check_ripe_policy(void **state)
{
    struct ss_sts_entry entry;

    (void)state;
    ss_sts_entry_init(&entry);
    assert_false(ss_sts_entry_ripe(&entry));
    ss_sts_entry_use(&entry, T0);
    ss_sts_entry_use(&entry, T0);
    assert_false(ss_sts_entry_ripe(&entry));
    ss_sts_entry_use(&entry, T0 + SS_DAY);
    assert_true(ss_sts_entry_ripe(&entry));
    /* As version 1 had it: the last day is the first that is known. */
    ss_sts_entry_init(&entry);
    entry.used = T0;
    assert_false(ss_sts_entry_ripe(&entry));
    ss_sts_entry_use(&entry, T0 + SS_DAY);
    assert_true(ss_sts_entry_ripe(&entry));
}

int
main(void)
{
    struct ss_test_table t = SS_TABLE("memory/store_room");

    STORE_ROWS(&t, check, rows);
    SS_TABLE_ROWS(&t, check_policy, policy_rows);
    ss_table_case(&t, "a policy is ripe when mail used it on two days", check_ripe_policy);
    return ss_table_run(&t);
}
