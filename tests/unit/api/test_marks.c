/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Marks in the table of plans: who sets them, which may go, and a table full of them. */
#include "table.h"

#include <dirent.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "decision/kept.h"
#include "memory_use.h"

#define PLANS 1000
#define POLICY "version: STSv1\nmode: enforce\nmax_age: 604800\nmx: mx.d.test\n"

static char directory[64];
static struct smtpsec_context *on, *off;
static struct smtpsec_cached *cached;

static int64_t
clock_of_test(void *user)
{
    (void)user;
    return use_now;
}

static struct smtpsec_context *
open_with(int plan_cache)
{
    struct smtpsec_options *options;
    struct smtpsec_context *context;

    assert_int_equal(smtpsec_options_new(&options), 0);
    assert_int_equal(smtpsec_options_set_memory(options, directory), 0);
    assert_int_equal(smtpsec_options_set_clock(options, clock_of_test, NULL), 0);
    assert_int_equal(smtpsec_options_set_plan_cache(options, plan_cache), 0);
    assert_int_equal(smtpsec_options_set_plan_cache_limit(options, PLANS), 0);
    assert_int_equal(smtpsec_context_new(options, &context), 0);
    assert_int_equal(smtpsec_context_memory_state(context), SMTPSEC_MEMORY_OK);
    smtpsec_options_free(options);
    return context;
}

static void
set_up(void)
{
    strcpy(directory, "/tmp/ss-marks-XXXXXX");
    assert_non_null(mkdtemp(directory));
    on = open_with(1);
    off = open_with(0);
    assert_int_equal(smtpsec_cached_new(on, &cached), 0);
    use_domain("d.test");
    use_fact("dns AAAA mx.d.test nodata");
}

static void
remove_files(const char *path)
{
    DIR *dir = opendir(path);
    struct dirent *entry;

    while (dir != NULL && (entry = readdir(dir)) != NULL)
        (void)unlinkat(dirfd(dir), entry->d_name, 0);
    if (dir != NULL)
        closedir(dir);
    rmdir(path);
}

static void
tear_down(void)
{
    char plans[80];

    smtpsec_cached_free(cached);
    smtpsec_context_free(on);
    smtpsec_context_free(off);
    world_clear(&use_world);
    snprintf(plans, sizeof(plans), "%s/plans", directory);
    remove_files(plans);
    remove_files(directory);
    assert_int_equal(access(directory, F_OK), -1);
}

/* As one through the context's own resolvers ends. */
static void
evaluate(struct smtpsec_context *context)
{
    struct ss_bytes body = { (const uint8_t *)POLICY, sizeof(POLICY) - 1 }, message;
    struct smtpsec_destination *destination;
    struct smtpsec_plan *plan;
    struct ss_lookup *lookup;
    struct world_reply reply;
    struct ss_need *need;
    size_t open;

    assert_int_equal(smtpsec_destination_new("d.test", &destination), 0);
    assert_int_equal(ss_context_lookup(context, destination, &lookup), 0);
    lookup->shared = true;
    while (ss_lookup_step(lookup, use_now, &open) == 0 && open > 0) {
        need = ss_lookup_open_need(lookup, 0);
        if (need->kind == SMTPSEC_NEED_HTTPS) {
            assert_int_equal(ss_lookup_answer_https(lookup, need, 200, "text/plain", body, use_now),
                             0);
            continue;
        }
        world_ask(&use_world, need->name, need->question.type, &reply);
        message = (struct ss_bytes){ reply.message, reply.len };
        assert_int_equal(ss_lookup_answer_dns(lookup, need, message, true, use_now), 0);
        free(reply.message);
    }
    assert_int_equal(ss_context_conclude(context, lookup, use_now, &plan), 0);
    smtpsec_plan_free(plan);
    ss_lookup_free(lookup);
    smtpsec_destination_free(destination);
}

static int
find(void)
{
    return smtpsec_cached_find(cached, "d.test", use_now);
}

/* ---- a context that keeps no plans itself ---- */

static void
record(void)
{
    assert_int_equal(use_deliver(off, "d.test", true), 0);
}

static void
fetch_policy(void)
{
    use_fact("dns TXT _mta-sts.d.test insecure v=STSv1;id=1;");
    use_fact("dns A mta-sts.d.test insecure 192.0.2.2");
    evaluate(off);
}

static void
forget(void)
{
    assert_int_equal(smtpsec_memory_forget(off, "d.test"), SMTPSEC_E_NOT_FOUND);
}

static const struct change {
    const char *name;
    void (*change)(void);
} changes[] = {
    { "switched off/an outcome drops what another context keeps", record },
    { "switched off/a policy drops what another context keeps", fetch_policy },
    { "switched off/forgetting drops what another context keeps", forget },
};

static void
switched_off(void **state)
{
    const struct change *change = *state;

    set_up();
    evaluate(on);
    assert_int_equal(find(), 1);
    change->change();
    assert_int_equal(find(), 0);
    tear_down();
}

/* ---- which may go ---- */

static const struct age {
    const char *name;
    int64_t made;
    uint64_t rank;
} ages[] = {
    { "rank/a mark of this second stays", USE_START, SS_STORE_FIXED },
    { "rank/a mark of an hour stays", USE_START - 3600, SS_STORE_FIXED },
    { "rank/an older mark may go", USE_START - 3601, 0 },
    { "rank/a mark of a clock ahead stays", USE_START + 3600, SS_STORE_FIXED },
    { "rank/a mark of a clock far ahead may go", USE_START + 3601, 0 },
};

static void
ranked(void **state)
{
    const struct age *age = *state;
    struct ss_kept_head head = { .of_claims = true, .made = age->made };
    struct ss_bytes key = { (const uint8_t *)"\001d", 3 };
    struct ss_buf value;

    ss_buf_init(&value, 1024);
    ss_kept_mark_write(&value, key, &head);
    assert_true(ss_kept_rank((struct ss_bytes){ value.data, value.len }, USE_START) == age->rank);
    ss_buf_free(&value);
}

/* ---- a table full of them ---- */

static int
put_octets(void *arg, const struct ss_bytes *old, struct ss_buf *out, enum ss_edit *choice)
{
    const struct ss_buf *value = arg;

    (void)old;
    ss_buf_put(out, value->data, value->len);
    *choice = SS_EDIT_PUT;
    return 0;
}

static void
fill(int count)
{
    struct ss_kept_head head = { .of_claims = true, .made = use_now };
    struct ss_buf value;
    char key[16];
    int i;

    ss_buf_init(&value, 1024);
    for (i = 0; i < count; i++) {
        /* Of other domains; a label of nine, and the root. */
        struct ss_bytes name = { (const uint8_t *)key, 11 };

        snprintf(key, sizeof(key), "\tmark%05d", i);
        value.len = 0;
        ss_kept_mark_write(&value, name, &head);
        assert_int_equal(ss_store_update(on->store, SS_TABLE_PLANS, name, put_octets, &value), 0);
    }
    ss_buf_free(&value);
}

static uint64_t
entries(void)
{
    struct ss_store_figures figures;

    assert_int_equal(ss_store_figures(on->store, &figures), 0);
    return figures.entries[SS_TABLE_PLANS];
}

/* No plan pushes a mark out; an outcome is recorded, and plans are kept again. */
static void
full_of_marks(void **state)
{
    (void)state;
    use_now = USE_START;
    set_up();
    fill(PLANS);
    assert_int_equal(entries(), PLANS);
    evaluate(on);
    assert_int_equal(find(), 0);
    assert_int_equal(entries(), PLANS);
    assert_int_equal(use_deliver(on, "d.test", true), 0);
    assert_int_equal(find(), 0);
    assert_int_equal(use_events(on, SMTPSEC_EVENT_MEMORY_LOST, NULL), 0);
    assert_true(entries() < PLANS);
    evaluate(on);
    /* Who had it open notices within a second that all was thrown away. */
    smtpsec_cached_free(cached);
    assert_int_equal(smtpsec_cached_new(on, &cached), 0);
    assert_int_equal(find(), 1);
    tear_down();
}

/* The same where what is kept is of the domain: it goes, however full it is. */
static void
full_but_for_one(void **state)
{
    (void)state;
    use_now = USE_START;
    set_up();
    evaluate(on);
    assert_int_equal(find(), 1);
    use_now++;
    fill(PLANS - 1);
    assert_int_equal(use_deliver(on, "d.test", true), 0);
    assert_int_equal(find(), 0);
    tear_down();
}

int
main(void)
{
    struct ss_table t = SS_TABLE("api/marks");

    SS_TABLE_ROWS(&t, switched_off, changes);
    SS_TABLE_ROWS(&t, ranked, ages);
    ss_table_case(&t, "full/of marks", full_of_marks);
    ss_table_case(&t, "full/but for one plan", full_but_for_one);
    return ss_table_run(&t);
}
