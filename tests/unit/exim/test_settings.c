/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Settings of the Exim module: what is not understood, or others may write, is refused. */
#include "table.h"

#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "settings.h"

#define USER "user = exim\n"

struct row {
    const char *name;
    const char *text;
    const char *wrong; /* part of what is said; NULL: it can be used */
};

static const struct row rows[] = {
    {"the user alone", USER, NULL},
    {"without a last line's end", "user = exim", NULL},
    {"comments and empty lines", "# ours\n\n  \t\n" USER, NULL},
    {"CR LF", "mode = report\r\nuser = exim\r\n", NULL},
    {"no blanks", "mode=enforce\n" USER, NULL},
    {"everything", "mode = enforce\ntrust_resolver = yes\nallow_private_policy_hosts = no\n"
                   "timeout = 10\nmemory = /m\nspool = /s\nca_file = /c\npolicy = /p\n"
                   "resolver = 127.0.0.1\nresolver = ::1\nown_name = mx.example\n" USER, NULL},
    {"nothing", "", "no user"},
    {"a name that is not known", USER "modes = report\n", "line 2"},
    {"a value that is not known", USER "mode = reports\n", "line 2"},
    {"no value", USER "mode =\n", "line 2"},
    {"no equals sign", USER "mode report\n", "line 2"},
    {"the same twice", USER "memory = /a\nmemory = /b\n", "line 3"},
    {"a relative path", USER "memory = var/lib\n", "line 2"},
    {"a path with a blank", USER "memory = /a b\n", "line 2"},
    {"a switch that is neither", USER "trust_resolver = 1\n", "line 2"},
    {"a time-out of nothing", USER "timeout = 0\n", "line 2"},
    {"a time-out that is too long", USER "timeout = 301\n", "line 2"},
    {"a time-out of many digits", USER "timeout = 99999999999\n", "line 2"},
    {"a time-out that is no number", USER "timeout = 5s\n", "line 2"},
    {"a control character", USER "memory = /a\x01\n", "line 2"},
    {"a comment behind a value is part of it", USER "mode = report # today\n", "line 2"},
    {"nine resolvers",
     USER "resolver=1\nresolver=2\nresolver=3\nresolver=4\nresolver=5\nresolver=6\nresolver=7\n"
          "resolver=8\nresolver=9\n", "line 10"},
};

static void
reads(void **state)
{
    const struct row *row = *state;
    struct exim_settings settings;
    char wrong[200] = "";
    int r = exim_settings_read(&settings, row->text, strlen(row->text), wrong, sizeof(wrong));

    assert_int_equal(r, row->wrong == NULL ? 0 : -1);
    if (row->wrong == NULL)
        assert_string_equal(settings.user, "exim");
    else
        assert_non_null(strstr(wrong, row->wrong));
}

static void
values_are_kept(void **state)
{
    static const char text[] =
        "mode = report\nuser = exim\nmemory = /m\nspool = /s\nca_file = /c\npolicy = /p\n"
        "resolver = 127.0.0.1\nresolver = ::1\nown_name = mx.example\ntimeout = 7\n"
        "trust_resolver = yes\nallow_private_policy_hosts = yes\n";
    struct exim_settings s;
    char wrong[200];

    (void)state;
    assert_int_equal(exim_settings_read(&s, text, strlen(text), wrong, sizeof(wrong)), 0);
    assert_int_equal(s.report, 1);
    assert_int_equal(s.trust_resolver, 1);
    assert_int_equal(s.allow_private, 1);
    assert_int_equal(s.timeout_ms, 7000);
    assert_string_equal(s.memory, "/m");
    assert_string_equal(s.spool, "/s");
    assert_string_equal(s.ca_file, "/c");
    assert_string_equal(s.policy, "/p");
    assert_int_equal(s.resolver_count, 2);
    assert_string_equal(s.resolvers[1], "::1");
    assert_int_equal(s.own_name_count, 1);
    assert_string_equal(s.own_names[0], "mx.example");
}

static void
silence_enforces(void **state)
{
    struct exim_settings s;
    char wrong[200];

    (void)state;
    assert_int_equal(exim_settings_read(&s, USER, strlen(USER), wrong, sizeof(wrong)), 0);
    assert_int_equal(s.report, 0);
    assert_int_equal(s.trust_resolver, 0);
    assert_int_equal(s.allow_private, 0);
    assert_int_equal(s.timeout_ms, 30000);
    assert_string_equal(s.memory, "");
}

/* ---- The file ---- */

struct file_row {
    const char *name;
    mode_t mode; /* 0: there is no file */
    size_t padding;
    int want;
};

static const struct file_row file_rows[] = {
    {"for the owner alone", 0600, 0, 0},
    {"readable by all", 0644, 0, 0},
    {"writable by the group", 0664, 0, -1},
    {"writable by all", 0646, 0, -1},
    {"missing", 0, 0, -1},
    {"as long as it may be", 0644, EXIM_SETTINGS_OCTETS - 1 - 12, 0},
    {"too long", 0644, EXIM_SETTINGS_OCTETS - 12, -1},
};

static void
write_file(const char *path, const struct file_row *row)
{
    FILE *file = fopen(path, "w");
    size_t i;

    assert_non_null(file);
    fputs(USER, file);
    for (i = 0; i < row->padding; i++)
        fputc('\n', file);
    assert_int_equal(fclose(file), 0);
    assert_int_equal(chmod(path, row->mode), 0);
}

static void
loads(void **state)
{
    const struct file_row *row = *state;
    char folder[] = "/tmp/exim-settings.XXXXXX";
    char path[64];
    struct exim_settings settings;
    char wrong[200] = "";

    assert_int_equal(strlen(USER), 12);
    assert_non_null(mkdtemp(folder));
    snprintf(path, sizeof(path), "%s/settings", folder);
    if (row->mode != 0)
        write_file(path, row);
    assert_int_equal(exim_settings_load(&settings, path, wrong, sizeof(wrong)), row->want);
    assert_int_equal(wrong[0] != '\0', row->want != 0);
    unlink(path);
    rmdir(folder);
}

static void
a_directory_is_no_file(void **state)
{
    struct exim_settings settings;
    char wrong[200] = "";

    (void)state;
    assert_int_equal(exim_settings_load(&settings, "/", wrong, sizeof(wrong)), -1);
}

int
main(void)
{
    struct ss_table table = SS_TABLE("exim_settings");

    SS_TABLE_ROWS(&table, reads, rows);
    ss_table_case(&table, "values are kept", values_are_kept);
    ss_table_case(&table, "silence enforces", silence_enforces);
    SS_TABLE_ROWS(&table, loads, file_rows);
    ss_table_case(&table, "a directory is no file", a_directory_is_no_file);
    return ss_table_run(&table);
}
