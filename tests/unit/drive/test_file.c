/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "drive/file.h"

#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "failing_alloc.h"
#include "smtpsec.h"
#include "table.h"

#define LIMIT 10000

static char folder[] = "/tmp/smtpsec-test-file-XXXXXX";

enum kind { KIND_FILE, KIND_FIFO, KIND_FOLDER, KIND_ABSENT, KIND_LINK };

struct file_row {
    const char *name;
    enum kind kind;
    size_t len;
    int want;
    const char *want_text; /* found in the error */
};

static const struct file_row file_rows[] = {
    { "empty", KIND_FILE, 0, 0, NULL },
    { "one octet", KIND_FILE, 1, 0, NULL },
    { "exactly one read", KIND_FILE, 4096, 0, NULL },
    { "more than one read", KIND_FILE, 9000, 0, NULL },
    { "exactly the limit", KIND_FILE, LIMIT, 0, NULL },
    { "one more than the limit", KIND_FILE, LIMIT + 1, SMTPSEC_E_LIMIT, "longer than 10000" },
    { "a symbolic link to a file", KIND_LINK, 100, 0, NULL },
    { "absent", KIND_ABSENT, 0, SMTPSEC_E_SYSTEM, "No such file" },
    { "a folder", KIND_FOLDER, 0, SMTPSEC_E_SYSTEM, "not a regular file" },
    { "a FIFO nobody writes to", KIND_FIFO, 0, SMTPSEC_E_SYSTEM, "not a regular file" },
};

static uint8_t
octet_at(size_t i)
{
    return (uint8_t)(i * 7 + i / 251);
}

static void
file_write(const char *path, size_t len)
{
    FILE *file = fopen(path, "wb");
    size_t i;

    assert_non_null(file);
    for (i = 0; i < len; i++)
        assert_int_equal(fputc(octet_at(i), file), octet_at(i));
    assert_int_equal(fclose(file), 0);
}

static void
make(const struct file_row *row, const char *path, const char *target)
{
    switch (row->kind) {
    case KIND_FILE:
        file_write(path, row->len);
        break;
    case KIND_LINK:
        file_write(target, row->len);
        assert_int_equal(symlink(target, path), 0);
        break;
    case KIND_FIFO:
        assert_int_equal(mkfifo(path, 0600), 0);
        break;
    case KIND_FOLDER:
        assert_int_equal(mkdir(path, 0700), 0);
        break;
    case KIND_ABSENT:
        break;
    }
}

static void
check_file(void **state)
{
    const struct file_row *row = *state;
    struct ss_error error = { 0, "" };
    char path[200], target[200];
    struct ss_buf buf;
    size_t i;

    snprintf(path, sizeof(path), "%s/it", folder);
    snprintf(target, sizeof(target), "%s/target", folder);
    make(row, path, target);
    ss_buf_init(&buf, LIMIT);
    assert_int_equal(ss_file_read(path, &buf, &error), row->want);
    assert_int_equal(error.code, row->want);
    if (row->want != 0) {
        assert_non_null(strstr(error.text, row->want_text));
        assert_non_null(strstr(error.text, path));
    } else {
        assert_int_equal(buf.len, row->len);
        for (i = 0; i < buf.len; i++)
            assert_int_equal(buf.data[i], octet_at(i));
    }
    ss_buf_free(&buf);
    (void)remove(path);
    (void)remove(target);
}

static void
check_no_memory(void **state)
{
    struct ss_error error = { 0, "" };
    struct ss_buf buf;
    char path[200];

    (void)state;
    snprintf(path, sizeof(path), "%s/it", folder);
    file_write(path, 9000);
    ss_buf_init(&buf, LIMIT);
    alloc_fail_set(1);
    assert_int_equal(ss_file_read(path, &buf, &error), SMTPSEC_E_NOMEM);
    assert_true(alloc_fail_reached());
    alloc_fail_set(0);
    assert_int_equal(error.code, SMTPSEC_E_NOMEM);
    ss_buf_free(&buf);
    (void)remove(path);
}

/* A descriptor left open by each read would soon show. */
static void
check_descriptors(void **state)
{
    const char *paths[] = { folder, "/dev/null", "/nowhere/at/all", NULL };
    struct ss_buf buf;
    char path[200];
    int before, after, i;

    (void)state;
    snprintf(path, sizeof(path), "%s/it", folder);
    file_write(path, LIMIT + 1);
    paths[3] = path;
    before = open("/dev/null", O_RDONLY);
    close(before);
    for (i = 0; i < 4; i++) {
        ss_buf_init(&buf, LIMIT);
        assert_int_not_equal(ss_file_read(paths[i], &buf, NULL), 0);
        ss_buf_free(&buf);
    }
    after = open("/dev/null", O_RDONLY);
    close(after);
    assert_int_equal(before, after);
    (void)remove(path);
}

int
main(void)
{
    struct ss_table t = SS_TABLE("drive/file");
    int failures;

    if (mkdtemp(folder) == NULL) {
        perror(folder);
        return 1;
    }
    SS_TABLE_ROWS(&t, check_file, file_rows);
    ss_table_case(&t, "no memory", check_no_memory);
    ss_table_case(&t, "no descriptor stays open", check_descriptors);
    failures = ss_table_run(&t);
    (void)rmdir(folder);
    return failures;
}
