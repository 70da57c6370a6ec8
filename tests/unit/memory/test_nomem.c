/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Each allocation of the room fails in turn: nothing crashes, nothing leaks, and NOMEM is said. */
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "memory/claim.h"
#include "memory/rules.h"
#include "memory/sts_entry.h"
#include "store_support.h"

void *__real_malloc(size_t size);
void *__real_calloc(size_t count, size_t size);
void *__real_realloc(void *old, size_t size);
void *__wrap_malloc(size_t size);
void *__wrap_calloc(size_t count, size_t size);
void *__wrap_realloc(void *old, size_t size);

static long left = -1; /* allocations that still succeed; -1: all */
static bool hit;

static bool
fails(void)
{
    if (left < 0)
        return false;
    if (left == 0) {
        hit = true;
        return true;
    }
    left--;
    return false;
}

void *
__wrap_malloc(size_t size)
{
    return fails() ? NULL : __real_malloc(size);
}

void *
__wrap_calloc(size_t count, size_t size)
{
    return fails() ? NULL : __real_calloc(count, size);
}

void *
__wrap_realloc(void *old, size_t size)
{
    return fails() ? NULL : __real_realloc(old, size);
}

static int
observe_all(struct ss_record *record)
{
    struct ss_memory_settings settings;
    struct ss_observation seen = { .what = SS_OBSERVED_DELIVERY, .at = 1750000000, .tls = true,
                                   .mx_secure = true, .sts_id = "1" };
    bool changed;
    int rc;

    ss_memory_settings_init(&settings);
    seen.identities = SMTPSEC_IDENTITY_DANE | SMTPSEC_IDENTITY_PKIX;
    seen.host = record->key.domain;
    rc = ss_record_observe(record, &settings, &seen, &changed);
    if (rc != 0)
        return rc;
    seen.what = SS_OBSERVED_POLICY;
    seen.sts_mode = SMTPSEC_STS_ENFORCE;
    seen.expires = seen.at + 1000;
    return ss_record_observe(record, &settings, &seen, &changed);
}

static int
record_job(void)
{
    struct ss_memory_key key = { .port = 25 };
    struct ss_record record, copy = { 0 }, got = { 0 };
    struct ss_buf out;
    int rc;

    ss_name_from_text(&key.domain, "d.test", 6);
    ss_record_init(&record, &key);
    ss_buf_init(&out, SS_STORE_VALUE_MAX);
    rc = observe_all(&record);
    if (rc == 0)
        rc = ss_record_copy(&copy, &record);
    if (rc == 0) {
        ss_record_write(&out, &copy);
        rc = ss_buf_ok(&out) ? 0 : SMTPSEC_E_NOMEM;
    }
    if (rc == 0)
        rc = ss_record_read(&got, &key, (struct ss_bytes){ out.data, out.len });
    if (rc == 0 && got.count != 4)
        rc = 1;
    ss_record_free(&got);
    ss_record_free(&copy);
    ss_record_free(&record);
    ss_buf_free(&out);
    return rc;
}

static int
entry_job(void)
{
    struct ss_sts_entry entry, copy = { 0 }, got = { 0 };
    uint8_t body[] = "version: STSv1";
    struct ss_buf out;
    int rc;

    ss_sts_entry_init(&entry);
    strcpy(entry.id, "1");
    entry.body = body;
    entry.len = sizeof(body);
    ss_buf_init(&out, SS_STORE_VALUE_MAX);
    rc = ss_sts_entry_copy(&copy, &entry);
    if (rc == 0) {
        ss_sts_entry_write(&out, (struct ss_bytes){ NULL, 0 }, &copy);
        rc = ss_buf_ok(&out) ? 0 : SMTPSEC_E_NOMEM;
    }
    if (rc == 0)
        rc = ss_sts_entry_read(&got, (struct ss_bytes){ NULL, 0 }, (struct ss_bytes){ out.data, out.len });
    ss_sts_entry_free(&got);
    ss_sts_entry_free(&copy);
    ss_buf_free(&out);
    return rc;
}

static int
each_one(void *arg, struct ss_bytes key, struct ss_bytes value)
{
    (void)arg;
    (void)key;
    (void)value;
    return 0;
}

static int
use_store(struct ss_store *store)
{
    struct ss_bytes value = store_bytes("value");
    struct ss_buf got;
    char key[2] = "a";
    int rc = 0;

    ss_buf_init(&got, 100);
    for (; rc == 0 && key[0] < 'a' + 20; key[0]++)
        rc = ss_store_update(store, SS_TABLE_CLAIMS, store_bytes(key), store_edit_put, &value);
    if (rc == 0)
        rc = ss_store_get(store, SS_TABLE_CLAIMS, store_bytes("b"), &got);
    if (rc == 0)
        rc = ss_store_each_after(store, SS_TABLE_CLAIMS, store_bytes(""), 100, each_one, NULL);
    ss_buf_free(&got);
    return rc;
}

static int
ram_job(void)
{
    struct ss_store *store = NULL;
    int rc = ss_store_ram_open(&store);

    if (rc == 0)
        rc = use_store(store);
    ss_store_close(store);
    return rc;
}

static char directory[64];

/* Our own allocations; LMDB's are inside its library. */
static int
lmdb_job(void)
{
    struct ss_store *store = NULL;
    bool set_aside = false;
    int rc = ss_store_lmdb_open(directory, NULL, &set_aside, &store);

    /* Damage must not be seen where memory was short. */
    if (set_aside)
        return 2;
    if (rc == 0 && store->state != SMTPSEC_MEMORY_OK)
        rc = SMTPSEC_E_NOMEM; /* said in words: the file could not be read */
    else if (rc == 0)
        rc = use_store(store);
    ss_store_close(store);
    return rc;
}

struct row {
    const char *name;
    int (*job)(void);
    long least; /* allocations there are at least */
};

static const struct row rows[] = {
    { "records and observations", record_job, 8 },
    { "policies", entry_job, 3 },
    { "store in RAM", ram_job, 40 },
    { "store in LMDB", lmdb_job, 20 },
};

static void
check(void **state)
{
    const struct row *row = *state;
    long n;
    int rc;

    store_directory(directory);
    for (n = 0;; n++) {
        hit = false;
        left = n;
        rc = row->job();
        left = -1;
        if (!hit)
            break;
        assert_int_equal(rc, SMTPSEC_E_NOMEM);
    }
    assert_int_equal(rc, 0);
    assert_true(n >= row->least);
    store_remove(directory);
}

int
main(void)
{
    struct ss_test_table t = SS_TABLE("memory/nomem");

    SS_TABLE_ROWS(&t, check, rows);
    return ss_table_run(&t);
}
