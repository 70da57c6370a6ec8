/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* One line of a policy file is changed, and everything else kept octet for octet. */
#include "table.h"

#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "policy_edit.h"
#include "text.h"

#define NOW 1800000000

/* ---- The text ---- */

struct row {
    const char *name;
    const char *text;
    const char *want; /* NULL: it says so already */
};

static const struct row rows[] = {
    {"an empty file", "", "mode dane enforce\n"},
    {"appended behind all else", "# ours\nhold 72h\n", "# ours\nhold 72h\nmode dane enforce\n"},
    {"behind a last line without an end", "hold 72h", "hold 72h\nmode dane enforce\n"},
    {"in its line", "mode dane report\n", "mode dane enforce\n"},
    {"from off", "mode dane off\nmode encrypted off\n", "mode dane enforce\nmode encrypted off\n"},
    {"the last line has no end, and gets none", "hold 72h\nmode dane report",
     "hold 72h\nmode dane enforce"},
    {"blanks and comment stay", "\t mode \t dane  report\t # since May\nhold 72h\n",
     "\t mode \t dane  enforce\t # since May\nhold 72h\n"},
    {"a comment that says it says nothing", "# mode dane report\n",
     "# mode dane report\nmode dane enforce\n"},
    {"another kind is another line", "mode mta-sts report\n",
     "mode mta-sts report\nmode dane enforce\n"},
    {"no part of a word", "mode dane-x report\nmodes dane report\n",
     "mode dane-x report\nmodes dane report\nmode dane enforce\n"},
    {"lines that end in CR LF", "hold 72h\r\nmode dane report\r\ncap 90d\r\n",
     "hold 72h\r\nmode dane enforce\r\ncap 90d\r\n"},
    {"empty lines stay", "\n\nmode dane report\n\n\n", "\n\nmode dane enforce\n\n\n"},
    {"said already", "mode dane enforce\n", NULL},
    {"said already, with a comment", " mode dane enforce # yes\n", NULL},
    {"a line cut short by a comment", "mode dane # report\n",
     "mode dane # report\nmode dane enforce\n"},
};

static void
text_is_edited(void **state)
{
    const struct row *row = *state;
    char *out = NULL;
    size_t len = 0;
    int r = policy_edit_text(row->text, strlen(row->text), "dane", "enforce", &out, &len);

    assert_int_equal(r, row->want != NULL);
    if (row->want == NULL) {
        assert_null(out);
        return;
    }
    assert_int_equal(len, strlen(row->want));
    assert_memory_equal(out, row->want, len);
    free(out);
}

static void
octets_of_any_kind_stay(void **state)
{
    static const char text[] = "# \0\xff\n\0mode dane report\nmode dane report\n";
    static const char want[] = "# \0\xff\n\0mode dane report\nmode dane enforce\n";
    char *out = NULL;
    size_t len = 0;

    (void)state;
    assert_int_equal(policy_edit_text(text, sizeof(text) - 1, "dane", "enforce", &out, &len), 1);
    assert_int_equal(len, sizeof(want) - 1);
    assert_memory_equal(out, want, len);
    free(out);
}

/* ---- The file ---- */

static char directory[64];
static char path[96];
static char beside[96];

static int
set_up(void **state)
{
    (void)state;
    strcpy(directory, "/tmp/smtpsec-policy.XXXXXX");
    if (mkdtemp(directory) == NULL)
        return -1;
    snprintf(path, sizeof(path), "%s/policy", directory);
    snprintf(beside, sizeof(beside), "%s/beside", directory);
    return 0;
}

/* A file that is left behind keeps the directory, and fails the test. */
static int
tear_down(void **state)
{
    (void)state;
    unlink(path);
    unlink(beside);
    return rmdir(directory);
}

static void
write_file(const char *name, const char *text, mode_t mode)
{
    FILE *file = fopen(name, "w");

    assert_non_null(file);
    assert_true(fputs(text, file) >= 0);
    assert_int_equal(fclose(file), 0);
    assert_int_equal(chmod(name, mode), 0);
}

static void
file_is(const char *name, const char *want)
{
    char *text = NULL;
    size_t len = 0;

    assert_int_equal(text_read_file(name, 10000, &text, &len), 0);
    assert_string_equal(text, want);
    free(text);
}

static void
mode_of_a_file_stays(void **state)
{
    struct stat before, after;

    (void)state;
    write_file(path, "mode dane report\n", 0640);
    assert_int_equal(stat(path, &before), 0);
    assert_int_equal(policy_edit_file(path, "dane", "enforce", NOW), TOOL_OK);
    file_is(path, "mode dane enforce\n");
    assert_int_equal(stat(path, &after), 0);
    assert_int_equal(after.st_mode, before.st_mode);
    assert_int_equal(after.st_uid, before.st_uid);
    assert_int_equal(after.st_gid, before.st_gid);
    assert_int_not_equal(after.st_ino, before.st_ino);
    /* Again: nothing is written at all. */
    assert_int_equal(policy_edit_file(path, "dane", "enforce", NOW), TOOL_OK);
    assert_int_equal(stat(path, &before), 0);
    assert_int_equal(after.st_ino, before.st_ino);
}

static void
owner_of_a_file_stays(void **state)
{
    struct stat after;

    (void)state;
    if (geteuid() != 0)
        skip();
    write_file(path, "", 04750);
    assert_int_equal(chown(path, 12345, 54321), 0);
    assert_int_equal(chmod(path, 04750), 0);
    assert_int_equal(policy_edit_file(path, "dane", "enforce", NOW), TOOL_OK);
    assert_int_equal(stat(path, &after), 0);
    assert_int_equal(after.st_uid, 12345);
    assert_int_equal(after.st_gid, 54321);
    assert_int_equal(after.st_mode & 07777, 04750);
}

static void
link_stays(void **state)
{
    struct stat after;

    (void)state;
    write_file(beside, "mode dane report\n", 0600);
    assert_int_equal(symlink("beside", path), 0);
    assert_int_equal(policy_edit_file(path, "dane", "enforce", NOW), TOOL_OK);
    assert_int_equal(lstat(path, &after), 0);
    assert_true(S_ISLNK(after.st_mode));
    file_is(beside, "mode dane enforce\n");
}

static void
file_of_two_names_is_left_alone(void **state)
{
    (void)state;
    write_file(path, "mode dane report\n", 0600);
    assert_int_equal(link(path, beside), 0);
    assert_int_equal(policy_edit_file(path, "dane", "enforce", NOW), TOOL_NO_INPUT);
    file_is(path, "mode dane report\n");
}

static void
faulty_file_is_left_alone(void **state)
{
    (void)state;
    write_file(path, "mode dane report\nhold never\n", 0600);
    assert_int_equal(policy_edit_file(path, "dane", "enforce", NOW), TOOL_DATA);
    file_is(path, "mode dane report\nhold never\n");
}

static void
missing_file_is_none(void **state)
{
    (void)state;
    assert_int_equal(policy_edit_file(path, "dane", "enforce", NOW), TOOL_NO_INPUT);
    assert_int_equal(policy_edit_file(directory, "dane", "enforce", NOW), TOOL_NO_INPUT);
}

int
main(void)
{
    struct ss_table table = SS_TABLE("policy_edit");
    size_t i;

    SS_TABLE_ROWS(&table, text_is_edited, rows);
    ss_table_case(&table, "octets of any kind stay", octets_of_any_kind_stay);
    ss_table_case(&table, "a file keeps its mode, and is not written for nothing",
                  mode_of_a_file_stays);
    ss_table_case(&table, "a file keeps its owner", owner_of_a_file_stays);
    ss_table_case(&table, "a symbolic link stays, its file changes", link_stays);
    ss_table_case(&table, "a file of two names is left alone", file_of_two_names_is_left_alone);
    ss_table_case(&table, "a faulty file is left alone", faulty_file_is_left_alone);
    ss_table_case(&table, "a missing file, and a directory", missing_file_is_none);
    for (i = 0; i < table.count; i++) {
        table.tests[i].setup_func = set_up;
        table.tests[i].teardown_func = tear_down;
    }
    return ss_table_run(&table);
}
