/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The memory's bound and group as options, and a memory that comes back (design 6.12, 6.13). */
#include "table.h"

#include <dirent.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "engine/learn.h"
#include "memory_use.h"

static struct smtpsec_context *
open_bounded(const char *directory, uint64_t limit, bool shared)
{
    struct smtpsec_options *options;
    struct smtpsec_context *context;

    assert_int_equal(smtpsec_options_new(&options), 0);
    if (directory == NULL)
        assert_int_equal(smtpsec_options_set_memory_ram(options), 0);
    else
        assert_int_equal(smtpsec_options_set_memory(options, directory), 0);
    assert_int_equal(smtpsec_options_set_memory_limit(options, 999), SMTPSEC_E_INVALID);
    assert_int_equal(smtpsec_options_set_memory_group(options, UINT32_MAX), SMTPSEC_E_INVALID);
    if (limit != 0)
        assert_int_equal(smtpsec_options_set_memory_limit(options, limit), 0);
    if (shared)
        assert_int_equal(smtpsec_options_set_memory_group(options, (uint32_t)getegid()), 0);
    assert_int_equal(smtpsec_context_new(options, &context), 0);
    smtpsec_options_free(options);
    return context;
}

/* A delivery to mx.DOMAIN over TLS, or by DANE. */
static int
deliver(struct smtpsec_context *context, const char *name, bool dane)
{
    int64_t now = ss_context_now(context);
    struct smtpsec_outcome outcome;
    char host[80];

    memset(&outcome, 0, sizeof(outcome));
    snprintf(host, sizeof(host), "mx.%s", name);
    assert_true(ss_name_from_text(&outcome.key.domain, name, strlen(name)));
    assert_true(ss_name_from_text(&outcome.host, host, strlen(host)));
    outcome.key.port = 25;
    outcome.at = now;
    outcome.mx_secure = dane;
    outcome.starttls = SMTPSEC_STARTTLS_DONE;
    outcome.judged = outcome.verified = outcome.accepted = true;
    outcome.identities = dane ? SMTPSEC_IDENTITY_DANE : 0;
    outcome.expires = dane ? now + 86400 : 0;
    return ss_learn_outcome(context->store, &context->settings.memory, &outcome, 0, now);
}

static void
expect(struct smtpsec_context *context, uint64_t probation)
{
    struct ss_store_figures figures;

    assert_int_equal(ss_store_figures(context->store, &figures), 0);
    assert_int_equal(figures.entries[SS_TABLE_CLAIMS_NEW], probation);
}

static void
bounded(void **state)
{
    struct smtpsec_context *context = open_bounded(NULL, 1000, false);
    struct ss_memory_key key;
    struct ss_record record;
    char name[64];
    int i, r, fault = 0;

    (void)state;
    for (i = 0; i < 50; i++) {
        snprintf(name, sizeof(name), "dane%d.test", i);
        assert_int_equal(deliver(context, name, true), 0);
    }
    for (i = 0; i < 500; i++) {
        snprintf(name, sizeof(name), "stranger%d.test", i);
        assert_int_equal(deliver(context, name, false), 0);
    }
    expect(context, 100);
    for (i = 0; i < 50; i++) {
        snprintf(name, sizeof(name), "dane%d.test", i);
        memset(&key, 0, sizeof(key));
        assert_true(ss_name_from_text(&key.domain, name, strlen(name)));
        key.port = 25;
        assert_int_equal(ss_recall_record(context->store, &key, &record, &fault), 0);
        assert_non_null(record.claims);
        ss_record_free(&record);
    }
    /* Where few may go, some that come are not let in; then all are in force, and nobody is. */
    for (i = 50; i < 500; i++) {
        snprintf(name, sizeof(name), "dane%d.test", i);
        r = deliver(context, name, true);
        assert_true(r == 0 || (i > 60 && r == SMTPSEC_E_LIMIT));
    }
    assert_int_equal(deliver(context, "late.test", true), SMTPSEC_E_LIMIT);
    expect(context, 100);
    smtpsec_context_free(context);
}

static void
remove_files(const char *directory)
{
    DIR *dir = opendir(directory);
    struct dirent *entry;

    while (dir != NULL && (entry = readdir(dir)) != NULL)
        (void)unlinkat(dirfd(dir), entry->d_name, 0);
    if (dir != NULL)
        closedir(dir);
    rmdir(directory);
}

static void
remove_all(const char *directory)
{
    char plans[64];

    snprintf(plans, sizeof(plans), "%s/plans", directory);
    remove_files(plans);
    remove_files(directory);
    assert_int_equal(access(directory, F_OK), -1);
}

/* The memory is taken away in use: told as lost, then as begun anew, and mail goes on. */
static void
comes_back(void **state)
{
    char directory[] = "/tmp/ss-room-XXXXXX", path[64];
    struct smtpsec_context *context;
    struct smtpsec_plan *plan;

    (void)state;
    assert_non_null(mkdtemp(directory));
    context = use_open(directory, 0);
    use_domain("d.test");
    plan = use_evaluate(context, "d.test");
    assert_int_equal(smtpsec_plan_memory_state(plan), SMTPSEC_MEMORY_OK);
    smtpsec_plan_free(plan);
    assert_int_equal(use_events(context, SMTPSEC_EVENT_MEMORY_SET_ASIDE, NULL), 0);
    snprintf(path, sizeof(path), "%s/data.mdb", directory);
    assert_int_equal(unlink(path), 0);
    use_now += USE_DAY / 2;
    plan = use_evaluate(context, "d.test");
    smtpsec_plan_free(plan);
    plan = use_evaluate(context, "d.test");
    assert_int_equal(smtpsec_plan_memory_state(plan), SMTPSEC_MEMORY_OK);
    smtpsec_plan_free(plan);
    assert_int_equal(use_events(context, SMTPSEC_EVENT_MEMORY_SET_ASIDE, NULL), 1);
    assert_int_equal(smtpsec_context_memory_state(context), SMTPSEC_MEMORY_OK);
    smtpsec_context_free(context);
    remove_all(directory);
}

/* As root the group counts for nothing; else the files are the group's. */
static void
group(void **state)
{
    char directory[] = "/tmp/ss-room-XXXXXX", path[64];
    struct smtpsec_context *context;
    struct stat st;

    (void)state;
    assert_non_null(mkdtemp(directory));
    context = open_bounded(directory, 0, true);
    assert_int_equal(smtpsec_context_memory_state(context), SMTPSEC_MEMORY_OK);
    snprintf(path, sizeof(path), "%s/data.mdb", directory);
    assert_int_equal(stat(path, &st), 0);
    assert_int_equal(st.st_mode & 07777, geteuid() == 0 ? 0600 : 0660);
    smtpsec_context_free(context);
    remove_all(directory);
}

int
main(void)
{
    struct ss_table t = SS_TABLE("api/room");

    ss_table_case(&t, "DESIGN 6.12 a bound, and what is in force", bounded);
    ss_table_case(&t, "DESIGN 6.13 a memory that is taken away in use", comes_back);
    ss_table_case(&t, "DESIGN 6.13 a memory for a group", group);
    return ss_table_run(&t);
}
