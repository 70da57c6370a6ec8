/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "store_support.h"

#include <dirent.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

/* The head of a row. */
struct made_row {
    const char *name;
    const struct store_maker *maker;
};

/* Rows and names are kept until the end: the table shows them when it runs. */
static void **made;
static size_t made_count;

static void *
keep(void *block)
{
    void **list = realloc(made, (made_count + 1) * sizeof(*list));

    if (block == NULL || list == NULL)
        abort();
    made = list;
    made[made_count++] = block;
    return block;
}

void
store_rows(struct ss_test_table *table, CMUnitTestFunction check, const void *rows,
           size_t row_size, size_t count)
{
    const struct store_maker *const *maker;
    struct made_row *row;
    char *copy, *name;
    size_t i;

    for (maker = store_makers; *maker != NULL; maker++) {
        copy = keep(malloc(row_size * count));
        memcpy(copy, rows, row_size * count);
        for (i = 0; i < count; i++) {
            row = (struct made_row *)(void *)(copy + i * row_size);
            if (asprintf(&name, "%s: %s", (*maker)->name, row->name) == -1)
                abort();
            row->name = keep(name);
            row->maker = *maker;
        }
        ss_table_add(table, check, copy, row_size, count);
    }
}

struct ss_bytes
store_bytes(const char *text)
{
    return (struct ss_bytes){ (const uint8_t *)text, strlen(text) };
}

int
store_edit_put(void *arg, const struct ss_bytes *old, struct ss_buf *out, enum ss_edit *edit)
{
    const struct ss_bytes *value = arg;

    (void)old;
    ss_buf_put(out, value->data, value->len);
    *edit = SS_EDIT_PUT;
    return 0;
}

static int
edit_delete(void *arg, const struct ss_bytes *old, struct ss_buf *out, enum ss_edit *edit)
{
    (void)arg;
    (void)old;
    (void)out;
    *edit = SS_EDIT_DELETE;
    return 0;
}

static int
edit_keep(void *arg, const struct ss_bytes *old, struct ss_buf *out, enum ss_edit *edit)
{
    (void)arg;
    (void)old;
    ss_buf_put(out, "unused", 6);
    *edit = SS_EDIT_KEEP;
    return 0;
}

int
store_edit_add(void *arg, const struct ss_bytes *old, struct ss_buf *out, enum ss_edit *edit)
{
    struct ss_rd rd;
    uint32_t n = 0;

    (void)arg;
    if (old != NULL) {
        ss_rd_init(&rd, old->data, old->len);
        n = ss_rd_le32(&rd);
        if (!ss_rd_done(&rd))
            return SMTPSEC_E_FORMAT;
    }
    ss_buf_le32(out, n + 1);
    *edit = SS_EDIT_PUT;
    return 0;
}

int
store_put(struct ss_store *store, const char *key, const char *value)
{
    struct ss_bytes bytes = store_bytes(value);

    return ss_store_update(store, SS_TABLE_CLAIMS, store_bytes(key), store_edit_put, &bytes);
}

int
store_delete(struct ss_store *store, const char *key)
{
    return ss_store_update(store, SS_TABLE_CLAIMS, store_bytes(key), edit_delete, NULL);
}

int
store_keep(struct ss_store *store, const char *key)
{
    return ss_store_update(store, SS_TABLE_CLAIMS, store_bytes(key), edit_keep, NULL);
}

int
store_add(struct ss_store *store, const char *key)
{
    return ss_store_update(store, SS_TABLE_CLAIMS, store_bytes(key), store_edit_add, NULL);
}

long
store_number(struct ss_store *store, const char *key)
{
    struct ss_buf got;
    struct ss_rd rd;
    long n;
    int rc;

    ss_buf_init(&got, 100);
    rc = ss_store_get(store, SS_TABLE_CLAIMS, store_bytes(key), &got);
    ss_rd_init(&rd, got.data, got.len);
    n = rc == 0 ? (long)ss_rd_le32(&rd) : rc == SMTPSEC_E_NOT_FOUND ? -1 : rc;
    ss_buf_free(&got);
    return n;
}

int
store_has(struct ss_store *store, const char *key, const char *value)
{
    struct ss_buf got;
    int rc, same;

    ss_buf_init(&got, SS_STORE_VALUE_MAX);
    rc = ss_store_get(store, SS_TABLE_CLAIMS, store_bytes(key), &got);
    if (value == NULL)
        same = rc == SMTPSEC_E_NOT_FOUND;
    else
        same = rc == 0 && got.len == strlen(value) &&
               (got.len == 0 || memcmp(got.data, value, got.len) == 0);
    ss_buf_free(&got);
    return same;
}

void
store_expect(struct ss_store *store, const char *key, const char *value)
{
    if (!store_has(store, key, value))
        fail_msg("%s: expected %s", key, value != NULL ? value : "nothing");
}

_Noreturn void
store_child_exit(int status)
{
    char text[16];

    snprintf(text, sizeof(text), "%d", status);
    execl("/bin/sh", "sh", "-c", "exit $0", text, (char *)NULL);
    _exit(status != 0 ? status : 98);
}

void
store_directory(char path[64])
{
    strcpy(path, "/dev/shm/ss-store-XXXXXX");
    if (mkdtemp(path) != NULL)
        return;
    strcpy(path, "/tmp/ss-store-XXXXXX");
    assert_non_null(mkdtemp(path));
}

/* A directory in it. */
static void
remove_flat(const char *directory)
{
    DIR *dir = opendir(directory);
    struct dirent *entry;

    while (dir != NULL && (entry = readdir(dir)) != NULL)
        unlinkat(dirfd(dir), entry->d_name, 0);
    if (dir != NULL)
        closedir(dir);
    rmdir(directory);
}

void
store_remove(const char *directory)
{
    DIR *dir = opendir(directory);
    struct dirent *entry;
    char path[512];

    if (dir == NULL)
        return;
    while ((entry = readdir(dir)) != NULL) {
        snprintf(path, sizeof(path), "%s/%s", directory, entry->d_name);
        if (strcmp(entry->d_name, ".") != 0 && strcmp(entry->d_name, "..") != 0 &&
            unlink(path) != 0)
            remove_flat(path);
    }
    closedir(dir);
    rmdir(directory);
}
