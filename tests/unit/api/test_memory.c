/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The memory's housekeeping through the public interface, in RAM and on disk. */
/* The table of tests and the tables of a store have one name; here the former steps aside. */
#define ss_table ss_test_table
#include "table.h"
#undef ss_table

#include <dirent.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "api/context.h"
#include "engine/learn.h"
#include "memory/claim.h"
#include "memory/sts_entry.h"
#include "smtpsec.h"

#define NOW INT64_C(1800000000)
#define DAYS(n) ((int64_t)(n) * SS_DAY)

static int64_t now;
static char directory[64];

static int64_t
clock_of_test(void *user)
{
    (void)user;
    return now;
}

enum where { IN_RAM, ON_DISK, READ_ONLY, NOWHERE };

static struct smtpsec_context *
open_context(enum where where)
{
    struct smtpsec_options *options;
    struct smtpsec_context *context;

    assert_int_equal(smtpsec_options_new(&options), 0);
    assert_int_equal(smtpsec_options_set_mta_sts(options, 0), 0);
    assert_int_equal(smtpsec_options_set_clock(options, clock_of_test, NULL), 0);
    if (where == IN_RAM)
        assert_int_equal(smtpsec_options_set_memory_ram(options), 0);
    else if (where != NOWHERE)
        assert_int_equal(smtpsec_options_set_memory(options, directory), 0);
    if (where == READ_ONLY)
        assert_int_equal(smtpsec_options_set_memory_read_only(options, 1), 0);
    assert_int_equal(smtpsec_context_new(options, &context), 0);
    smtpsec_options_free(options);
    return context;
}

static int
set_up(void **state)
{
    (void)state;
    now = NOW;
    strcpy(directory, "/tmp/smtpsec-memory.XXXXXX");
    return mkdtemp(directory) != NULL ? 0 : -1;
}

/* The volatile tables, in a directory of their own. */
static void
remove_plans(void)
{
    static const char *const names[] = { "/data.mdb", "/lock.mdb", "/open.lock", "/write.lock", "" };
    char path[160];
    size_t i;

    for (i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
        snprintf(path, sizeof(path), "%s/plans%s", directory, names[i]);
        (void)remove(path);
    }
}

static int
tear_down(void **state)
{
    DIR *dir;
    struct dirent *entry;

    (void)state;
    remove_plans();
    dir = opendir(directory);
    while (dir != NULL && (entry = readdir(dir)) != NULL) {
        if (entry->d_name[0] != '.')
            unlinkat(dirfd(dir), entry->d_name, 0);
    }
    if (dir != NULL)
        closedir(dir);
    return rmdir(directory);
}

/* ---- What is stored ---- */

static struct ss_name
name(const char *text)
{
    struct ss_name out;

    memset(&out, 0, sizeof(out));
    if (text[0] != '\0')
        assert_true(ss_name_from_text(&out, text, strlen(text)));
    return out;
}

static int
put_value(void *arg, const struct ss_bytes *old, struct ss_buf *out, enum ss_edit *edit)
{
    const struct ss_buf *value = arg;

    (void)old;
    ss_buf_put(out, value->data, value->len);
    *edit = SS_EDIT_PUT;
    return 0;
}

static void
put(struct smtpsec_context *context, enum ss_store_table table, const struct ss_buf *key,
    struct ss_buf *value)
{
    struct ss_bytes view = {key->data, key->len};

    assert_true(ss_buf_ok(key) && ss_buf_ok(value));
    assert_int_equal(ss_store_update(context->store, table, view, put_value, value), 0);
}

/* A destination with one claim; days are counted back from NOW, host "" for the whole domain. */
struct known {
    const char *domain;
    const char *relay;
    const char *host;
    int32_t kind;
    int first, last;
    uint32_t days;
    int64_t expires;
    int64_t refused_since;
    int64_t held_until;
};

static const struct known knowns[] = {
    {"b.test", "", "mx.b.test", SMTPSEC_CLAIM_DANE, 60, 1, 30, 0, 0, 0},
    {"a.test", "", "mx.a.test", SMTPSEC_CLAIM_ENCRYPTED, 20, 0, 8, 0, NOW - 3600, 0},
    {"a.test", "a.test", "a.test", SMTPSEC_CLAIM_DNSSEC, 2, 1, 2, 0, 0, 0},
    {"long-name.test", "", "", SMTPSEC_CLAIM_MTA_STS, 9, 9, 1, NOW + DAYS(5), 0, NOW + 60},
    {"faded.test", "", "mx.faded.test", SMTPSEC_CLAIM_DANE, 300, 200, 30, 0, 0, 0},
    {"faded2.test", "", "mx.faded.test", SMTPSEC_CLAIM_ENCRYPTED, 95, 95, 0, 0, 0, 0},
};

enum { KNOWNS = sizeof(knowns) / sizeof(knowns[0]) };

static void
remember(struct smtpsec_context *context, const struct known *known)
{
    struct ss_name host = name(known->host);
    struct ss_record record;
    struct ss_claim *claim;
    struct ss_memory_key key;
    struct ss_buf octets, value;

    memset(&key, 0, sizeof(key));
    key.domain = name(known->domain);
    key.relay = name(known->relay);
    key.port = 25;
    ss_record_init(&record, &key);
    record.refused_since = known->refused_since;
    record.held_until = known->held_until;
    claim = ss_record_add(&record, known->kind, &host);
    assert_non_null(claim);
    claim->first_seen = NOW - DAYS(known->first);
    claim->last_seen = claim->counted = NOW - DAYS(known->last);
    claim->days = known->days;
    claim->expires = known->expires;
    ss_buf_init(&octets, 4096);
    ss_buf_init(&value, 4096);
    ss_memory_key_write(&octets, &key);
    ss_record_write(&value, &record);
    put(context, SS_TABLE_CLAIMS, &octets, &value);
    ss_buf_free(&octets);
    ss_buf_free(&value);
    ss_record_free(&record);
}

static void
remember_policy(struct smtpsec_context *context, const char *domain, const char *mode,
                int64_t fetched)
{
    struct ss_name of = name(domain);
    struct ss_sts_entry entry;
    struct ss_buf octets, value;
    char body[128];

    snprintf(body, sizeof(body), "version: STSv1\r\nmode: %s\r\nmx: mx.%s\r\nmax_age: 604800\r\n",
             mode, domain);
    ss_sts_entry_init(&entry);
    strcpy(entry.id, "1");
    entry.fetched = entry.attempted = entry.used = fetched;
    entry.max_age = 604800;
    entry.body = (uint8_t *)body;
    entry.len = strlen(body);
    ss_buf_init(&octets, 4096);
    ss_buf_init(&value, 4096);
    ss_buf_put(&octets, of.wire, of.len);
    ss_sts_entry_write(&value, (struct ss_bytes){ octets.data, octets.len }, &entry);
    put(context, SS_TABLE_POLICIES, &octets, &value);
    ss_buf_free(&octets);
    ss_buf_free(&value);
}

/* In an order of one's own. */
static void
fill(struct smtpsec_context *context, bool backwards)
{
    size_t i;

    if (backwards)
        remember_policy(context, "b.test", "testing", NOW - DAYS(1));
    for (i = 0; i < KNOWNS; i++)
        remember(context, &knowns[backwards ? KNOWNS - 1 - i : i]);
    remember_policy(context, "long-name.test", "enforce", NOW - DAYS(2));
    if (!backwards)
        remember_policy(context, "b.test", "testing", NOW - DAYS(1));
    remember_policy(context, "old.test", "enforce", NOW - DAYS(200));
}

static void
damage(struct smtpsec_context *context, enum ss_store_table table, const char *key, size_t len)
{
    struct ss_buf octets, value;

    ss_buf_init(&octets, 64);
    ss_buf_init(&value, 64);
    ss_buf_put(&octets, key, len);
    ss_buf_put(&value, "nonsense", 8);
    put(context, table, &octets, &value);
    ss_buf_free(&octets);
    ss_buf_free(&value);
}

/* ---- Export ---- */

static int
keep_line(void *user, const char *line)
{
    char *text = user;

    assert_true(strlen(text) + strlen(line) + 2 < 8192);
    strcat(text, line);
    strcat(text, "\n");
    return 0;
}

static const char exported[] =
    "smtpsec-memory 1\n"
    "destination domain=a.test route=mx port=25 refused_since=1799996400\n"
    "claim domain=a.test route=mx port=25 kind=encrypted host=mx.a.test first_seen=1798272000 "
    "last_seen=1800000000 counted=1800000000 days=8\n"
    "destination domain=a.test route=relay relay=a.test port=25\n"
    "claim domain=a.test route=relay relay=a.test port=25 kind=dnssec host=a.test "
    "first_seen=1799827200 last_seen=1799913600 counted=1799913600 days=2\n"
    "destination domain=b.test route=mx port=25\n"
    "claim domain=b.test route=mx port=25 kind=dane host=mx.b.test first_seen=1794816000 "
    "last_seen=1799913600 counted=1799913600 days=30\n"
    "destination domain=faded.test route=mx port=25\n"
    "claim domain=faded.test route=mx port=25 kind=dane host=mx.faded.test first_seen=1774080000 "
    "last_seen=1782720000 counted=1782720000 days=30\n"
    "destination domain=faded2.test route=mx port=25\n"
    "claim domain=faded2.test route=mx port=25 kind=encrypted host=mx.faded.test "
    "first_seen=1791792000 last_seen=1791792000 counted=1791792000 days=0\n"
    "destination domain=long-name.test route=mx port=25 held_until=1800000060\n"
    "claim domain=long-name.test route=mx port=25 kind=mta-sts first_seen=1799222400 "
    "last_seen=1799222400 counted=1799222400 days=1 expires=1800432000\n"
    "policy domain=b.test id=1 fetched=1799913600 max_age=604800 attempted=1799913600 "
    "used=1799913600 text=version:\\x20STSv1\\x0d\\x0amode:\\x20testing\\x0d\\x0amx:\\x20mx.b.test"
    "\\x0d\\x0amax_age:\\x20604800\\x0d\\x0a\n"
    "policy domain=old.test id=1 fetched=1782720000 max_age=604800 attempted=1782720000 "
    "used=1782720000 text=version:\\x20STSv1\\x0d\\x0amode:\\x20enforce\\x0d\\x0amx:\\x20"
    "mx.old.test\\x0d\\x0amax_age:\\x20604800\\x0d\\x0a\n"
    "policy domain=long-name.test id=1 fetched=1799827200 max_age=604800 attempted=1799827200 "
    "used=1799827200 text=version:\\x20STSv1\\x0d\\x0amode:\\x20enforce\\x0d\\x0amx:\\x20"
    "mx.long-name.test\\x0d\\x0amax_age:\\x20604800\\x0d\\x0a\n";

struct place {
    const char *name;
    enum where where;
    bool backwards;
};

static const struct place places[] = {
    {"in RAM", IN_RAM, false},
    {"in RAM, learnt in another order", IN_RAM, true},
    {"on disk", ON_DISK, false},
    {"on disk, learnt in another order", ON_DISK, true},
};

static void
same_text_everywhere(void **state)
{
    const struct place *place = *state;
    struct smtpsec_context *context = open_context(place->where);
    char text[8192] = "";

    fill(context, place->backwards);
    assert_int_equal(smtpsec_memory_export(context, NULL, keep_line, text), 0);
    assert_string_equal(text, exported);
    smtpsec_context_free(context);
}

static void
one_domain_is_exported(void **state)
{
    struct smtpsec_context *context = open_context(IN_RAM);
    char text[8192] = "";

    (void)state;
    fill(context, false);
    assert_int_equal(smtpsec_memory_export(context, "A.test.", keep_line, text), 0);
    assert_memory_equal(text, exported, strlen(text));
    assert_string_equal(strrchr(text, 'd'), "days=2\n");
    text[0] = '\0';
    assert_int_equal(smtpsec_memory_export(context, "b.test", keep_line, text), 0);
    assert_non_null(strstr(text, "\nclaim domain=b.test "));
    assert_non_null(strstr(text, "\npolicy domain=b.test "));
    assert_null(strstr(text, "domain=old.test"));
    text[0] = '\0';
    assert_int_equal(smtpsec_memory_export(context, "unknown.test", keep_line, text), 0);
    assert_string_equal(text, "smtpsec-memory 1\n");
    assert_int_equal(smtpsec_memory_export(context, "no domain", keep_line, text), SMTPSEC_E_NAME);
    assert_int_equal(smtpsec_memory_export(context, NULL, NULL, NULL), SMTPSEC_E_INVALID);
    smtpsec_context_free(context);
}

static int
stop_after_three(void *user, const char *line)
{
    (void)line;
    return ++*(int *)user == 3 ? 42 : 0;
}

static void
export_is_stopped(void **state)
{
    struct smtpsec_context *context = open_context(ON_DISK);
    int lines = 0;

    (void)state;
    fill(context, false);
    assert_int_equal(smtpsec_memory_export(context, NULL, stop_after_three, &lines), 42);
    assert_int_equal(lines, 3);
    smtpsec_context_free(context);
}

static void
many_routes_of_one_domain(void **state)
{
    struct known known = knowns[0];
    struct smtpsec_context *context = open_context(IN_RAM);
    struct smtpsec_claims *claims;
    char relay[32];
    int i;

    (void)state;
    known.relay = relay;
    for (i = 0; i < 200; i++) {
        snprintf(relay, sizeof(relay), "relay%d.test", i);
        remember(context, &known);
    }
    remember(context, &knowns[1]);
    remember(context, &knowns[3]);
    assert_int_equal(smtpsec_memory_list(context, "b.test", &claims), 0);
    assert_int_equal(smtpsec_claims_count(claims), 200);
    assert_int_equal(smtpsec_claim_port(smtpsec_claims_get(claims, 0)), 25);
    smtpsec_claims_free(claims);
    assert_int_equal(smtpsec_memory_forget(context, "b.test"), 0);
    assert_int_equal(smtpsec_memory_list(context, NULL, &claims), 0);
    assert_int_equal(smtpsec_claims_count(claims), 2);
    smtpsec_claims_free(claims);
    assert_int_equal(smtpsec_memory_forget(context, "b.test"), SMTPSEC_E_NOT_FOUND);
    smtpsec_context_free(context);
}

/* ---- Stats ---- */

static uint64_t
figure(const struct smtpsec_stats *stats, const char *wanted)
{
    size_t n;

    for (n = 0; smtpsec_stats_name(stats, n) != NULL; n++) {
        if (strcmp(smtpsec_stats_name(stats, n), wanted) == 0)
            return smtpsec_stats_value(stats, n);
    }
    fail_msg("no figure %s", wanted);
    return 0;
}

struct figure_row {
    const char *name;
    uint64_t want;
};

static const struct figure_row figure_rows[] = {
    {"destinations", 6},    {"probation", 0},        {"claims", 6},
    {"claims-dane", 2},     {"claims-mta-sts", 1},   {"claims-encrypted", 2},
    {"claims-dnssec", 1},   {"in-force", 3},         {"in-force-dane", 1},
    {"in-force-mta-sts", 1}, {"in-force-encrypted", 1}, {"in-force-dnssec", 0},
    {"earned", 1},          {"unearned", 1},         {"faded", 2},
    {"holds-running", 1},   {"ends-held", 1},        {"policies", 3},
    {"policies-enforce", 2}, {"policies-testing", 1}, {"policies-none", 0},
    {"policies-live", 2},   {"damaged", 2},
};

static void
stats_count(void **state)
{
    const struct place *place = *state;
    struct smtpsec_context *context = open_context(place->where);
    struct smtpsec_stats *stats;
    size_t i;

    fill(context, place->backwards);
    damage(context, SS_TABLE_CLAIMS, "\x01x\0\0", 4);
    damage(context, SS_TABLE_POLICIES, "\x01y\0", 3);
    assert_int_equal(smtpsec_memory_stats(context, &stats), 0);
    for (i = 0; i < sizeof(figure_rows) / sizeof(figure_rows[0]); i++) {
        if (figure(stats, figure_rows[i].name) != figure_rows[i].want)
            fail_msg("%s: %u", figure_rows[i].name,
                     (unsigned)figure(stats, figure_rows[i].name));
    }
    assert_true(figure(stats, "file-octets") >= figure(stats, "octets-in-use"));
    assert_true(figure(stats, "octets-in-use") > 500);
    smtpsec_stats_free(stats);
    smtpsec_context_free(context);
}

/* ---- Prune ---- */

static void
prune_removes_what_counts_no_more(void **state)
{
    const struct place *place = *state;
    struct smtpsec_context *context = open_context(place->where);
    size_t removed = 99;
    char text[8192] = "";

    fill(context, place->backwards);
    damage(context, SS_TABLE_CLAIMS, "\x01x\0\0", 4);
    assert_int_equal(smtpsec_memory_prune(context, &removed), 0);
    assert_int_equal(removed, 3);
    assert_int_equal(smtpsec_memory_export(context, NULL, keep_line, text), 0);
    assert_null(strstr(text, "faded"));
    assert_null(strstr(text, "old.test"));
    /* What still counts is there to the last octet, and damage is left for a check. */
    assert_non_null(strstr(text, "domain=a.test route=mx"));
    assert_non_null(strstr(text, "domain=a.test route=relay"));
    assert_non_null(strstr(text, "kind=dane host=mx.b.test"));
    assert_non_null(strstr(text, "kind=mta-sts"));
    assert_non_null(strstr(text, "policy domain=b.test"));
    assert_non_null(strstr(text, "policy domain=long-name.test"));
    assert_non_null(strstr(text, "# damaged entry table=claims key=01780000\n"));
    assert_int_equal(smtpsec_memory_prune(context, &removed), 0);
    assert_int_equal(removed, 0);
    smtpsec_context_free(context);
}

static void
prune_waits_for_the_clock(void **state)
{
    struct smtpsec_context *context = open_context(ON_DISK);
    char before[8192] = "", after[8192] = "";
    size_t removed = 99;

    (void)state;
    remember(context, &knowns[0]);
    remember_policy(context, "b.test", "enforce", NOW);
    assert_int_equal(smtpsec_memory_prune(context, NULL), 0); /* the time is known now */
    remember(context, &knowns[4]); /* by that time it would go, too */
    assert_int_equal(smtpsec_memory_export(context, NULL, keep_line, before), 0);
    now = NOW + DAYS(400);
    assert_int_equal(smtpsec_memory_prune(context, &removed), 0);
    assert_int_equal(removed, 0);
    assert_int_equal(smtpsec_memory_export(context, NULL, keep_line, after), 0);
    assert_string_equal(before, after);
    smtpsec_context_free(context);
}

static void
prune_needs_a_memory_to_write(void **state)
{
    struct smtpsec_context *context = open_context(ON_DISK);

    (void)state;
    fill(context, false);
    smtpsec_context_free(context);
    context = open_context(READ_ONLY);
    assert_int_equal(smtpsec_memory_prune(context, NULL), SMTPSEC_E_MEMORY);
    assert_int_equal(smtpsec_memory_check(context, NULL), 0);
    smtpsec_context_free(context);
}

static void
nothing_without_a_memory(void **state)
{
    struct smtpsec_context *context = open_context(NOWHERE);
    struct smtpsec_stats *stats = NULL;
    char text[8192] = "";

    (void)state;
    assert_int_equal(smtpsec_memory_export(context, NULL, keep_line, text), SMTPSEC_E_MEMORY);
    assert_string_equal(text, "");
    assert_int_equal(smtpsec_memory_prune(context, NULL), SMTPSEC_E_MEMORY);
    assert_int_equal(smtpsec_memory_stats(context, &stats), SMTPSEC_E_MEMORY);
    assert_int_equal(smtpsec_memory_check(context, NULL), SMTPSEC_E_MEMORY);
    smtpsec_context_free(context);
}

/* ---- Check ---- */

static void
check_counts_faults(void **state)
{
    const struct place *place = *state;
    struct smtpsec_context *context = open_context(place->where);
    size_t faults = 99;
    char before[8192] = "", after[8192] = "";

    fill(context, place->backwards);
    assert_int_equal(smtpsec_memory_check(context, &faults), 0);
    assert_int_equal(faults, 0);
    damage(context, SS_TABLE_CLAIMS, "\x01x\0\0", 4);
    damage(context, SS_TABLE_CLAIMS, "no key", 6);
    damage(context, SS_TABLE_POLICIES, "\x01y\0", 3);
    assert_int_equal(smtpsec_memory_export(context, NULL, keep_line, before), 0);
    assert_int_equal(smtpsec_memory_check(context, &faults), 0);
    assert_int_equal(faults, 3);
    assert_int_equal(smtpsec_memory_export(context, NULL, keep_line, after), 0);
    assert_string_equal(before, after);
    smtpsec_context_free(context);
}

/* The pages are read while the file is in use, and damaged under us. */
static void
check_sees_damaged_pages(void **state)
{
    struct smtpsec_context *context = open_context(ON_DISK);
    struct stat about;
    char path[128];
    size_t faults = 0;
    FILE *file;
    long at;

    (void)state;
    fill(context, false);
    snprintf(path, sizeof(path), "%s/data.mdb", directory);
    assert_int_equal(stat(path, &about), 0);
    file = fopen(path, "r+");
    assert_non_null(file);
    for (at = 2 * 4096; at + 4096 <= about.st_size; at += 4096) {
        assert_int_equal(fseek(file, at, SEEK_SET), 0);
        assert_int_equal(fwrite("\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff", 1, 10, file), 10);
    }
    assert_int_equal(fclose(file), 0);
    assert_int_equal(smtpsec_memory_check(context, &faults), SMTPSEC_E_MEMORY);
    assert_true(faults > 0);
    assert_int_equal(smtpsec_event_next(context), 1);
    assert_int_equal(smtpsec_event_kind(context), SMTPSEC_EVENT_MEMORY_LOST);
    smtpsec_context_free(context);
}

int
main(void)
{
    struct ss_test_table table = SS_TABLE("memory");
    size_t i;

    SS_TABLE_ROWS(&table, same_text_everywhere, places);
    SS_TABLE_ROWS(&table, stats_count, places);
    SS_TABLE_ROWS(&table, prune_removes_what_counts_no_more, places);
    SS_TABLE_ROWS(&table, check_counts_faults, places);
    ss_table_case(&table, "one domain is exported by all its routes", one_domain_is_exported);
    ss_table_case(&table, "an export is stopped", export_is_stopped);
    ss_table_case(&table, "200 routes of one domain", many_routes_of_one_domain);
    ss_table_case(&table, "nothing is pruned while the clock has leapt", prune_waits_for_the_clock);
    ss_table_case(&table, "pruning needs leave to write", prune_needs_a_memory_to_write);
    ss_table_case(&table, "no memory, no housekeeping", nothing_without_a_memory);
    ss_table_case(&table, "damaged pages", check_sees_damaged_pages);
    for (i = 0; i < table.count; i++) {
        table.tests[i].setup_func = set_up;
        table.tests[i].teardown_func = tear_down;
    }
    return ss_table_run(&table);
}
