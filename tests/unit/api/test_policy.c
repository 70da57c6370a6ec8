/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The operator's settings of the memory: by calls, and by a file taken whole or not at all. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "table.h"
#include "api/context.h"

#define NOW INT64_C(1800000000)
#define DAY INT64_C(86400)

static int64_t
clock_of_test(void *user)
{
    (void)user;
    return NOW;
}

static struct smtpsec_options *
new_options(void)
{
    struct smtpsec_options *options;

    assert_int_equal(smtpsec_options_new(&options), 0);
    assert_int_equal(smtpsec_options_set_clock(options, clock_of_test, NULL), 0);
    assert_int_equal(smtpsec_options_set_mta_sts(options, 0), 0);
    return options;
}

static int
load(struct smtpsec_options *options, const char *text, size_t len)
{
    char path[] = "/tmp/smtpsec-test-XXXXXX";
    int fd = mkstemp(path);
    int r;

    assert_true(fd >= 0);
    assert_int_equal(write(fd, text, len), (ssize_t)len);
    close(fd);
    r = smtpsec_options_load_policy(options, path);
    unlink(path);
    return r;
}

static bool
lifts(const struct smtpsec_options *options, const char *domain, int32_t kind, int64_t now)
{
    const struct ss_exception *lifted[5];
    struct ss_memory_settings memory;
    struct ss_name name;

    assert_true(ss_name_from_text(&name, domain, strlen(domain)));
    ss_settings_for(&options->settings, &name, now, &memory, lifted);
    assert_int_equal(memory.mode[kind], lifted[kind] != NULL ? SMTPSEC_MODE_REPORT
                                                             : options->settings.memory.mode[kind]);
    return lifted[kind] != NULL;
}

struct row {
    const char *name;
    int64_t value;
    int want;
};

static const struct row holds[] = {
    { "hold/report", SMTPSEC_HOLD_REPORT, 0 },
    { "hold/earned", SMTPSEC_HOLD_EARNED, 0 },
    { "hold/a second", 1, 0 },
    { "hold/30 days", 30 * DAY, 0 },
    { "hold/30 days and a second", 30 * DAY + 1, SMTPSEC_E_INVALID },
    { "hold/less than earned", -2, SMTPSEC_E_INVALID },
};

static const struct row caps[] = {
    { "cap/a day", DAY, 0 },
    { "cap/366 days", 366 * DAY, 0 },
    { "cap/less than a day", DAY - 1, SMTPSEC_E_INVALID },
    { "cap/more than 366 days", 366 * DAY + 1, SMTPSEC_E_INVALID },
    { "cap/none", 0, SMTPSEC_E_INVALID },
};

static void
check_hold(void **state)
{
    const struct row *row = *state;
    struct smtpsec_options *options = new_options();

    assert_int_equal(smtpsec_options_set_hold(options, row->value), row->want);
    assert_true(options->settings.memory.hold == (row->want == 0 ? row->value : 3 * DAY));
    smtpsec_options_free(options);
}

static void
check_cap(void **state)
{
    const struct row *row = *state;
    struct smtpsec_options *options = new_options();

    assert_int_equal(smtpsec_options_set_cap(options, row->value), row->want);
    assert_true(options->settings.memory.cap == (row->want == 0 ? row->value : 90 * DAY));
    smtpsec_options_free(options);
}

struct exception_row {
    const char *name;
    const char *domain;
    int32_t kind;
    int64_t until;
    int want;
};

static const struct exception_row exceptions[] = {
    { "PREC-08 exception/a domain", "d.test", SMTPSEC_CLAIM_DANE, NOW, 0 },
    { "PREC-08 exception/all kinds", "d.test", 0, NOW, 0 },
    { "PREC-08 exception/names below", ".d.test", 0, NOW, 0 },
    { "PREC-08 exception/UTF-8", "b\xc3\xbc" "cher.test", 0, NOW, 0 },
    { "PREC-08 exception/no end", "d.test", 0, 0, SMTPSEC_E_INVALID },
    { "PREC-08 exception/for ever", "d.test", 0, INT64_MAX, SMTPSEC_E_INVALID },
    { "exception/no kind", "d.test", 5, NOW, SMTPSEC_E_INVALID },
    { "exception/a negative kind", "d.test", -1, NOW, SMTPSEC_E_INVALID },
    { "exception/the root", ".", 0, NOW, SMTPSEC_E_NAME },
    { "exception/two dots", "..", 0, NOW, SMTPSEC_E_NAME },
    { "exception/nothing", "", 0, NOW, SMTPSEC_E_NAME },
    { "exception/an address", "192.0.2.1", 0, NOW, SMTPSEC_E_NAME },
    { "exception/a wildcard", "*.d.test", 0, NOW, SMTPSEC_E_NAME },
};

static void
check_exception(void **state)
{
    const struct exception_row *row = *state;
    struct smtpsec_options *options = new_options();

    assert_int_equal(
        smtpsec_options_add_exception(options, row->domain, row->kind, row->until, NULL),
        row->want);
    assert_int_equal(ss_exceptions_count(options->settings.exceptions), row->want == 0 ? 1 : 0);
    smtpsec_options_free(options);
}

/* A note is cut where it is too long. */
static void
long_note(void **state)
{
    struct smtpsec_options *options = new_options();
    const struct ss_exception *found;
    struct ss_name name;
    char note[1000];

    (void)state;
    memset(note, 'x', sizeof(note) - 1);
    note[sizeof(note) - 1] = '\0';
    assert_int_equal(smtpsec_options_add_exception(options, "d.test", 0, NOW, note), 0);
    assert_true(ss_name_from_text(&name, "d.test", 6));
    found = ss_exceptions_find(options->settings.exceptions, &name, SMTPSEC_CLAIM_DANE, 0);
    assert_int_equal(strlen(found->note), SS_EXCEPTION_NOTE - 1);
    smtpsec_options_free(options);
}

static void
exceptions_limit(void **state)
{
    struct smtpsec_options *options = new_options();
    int i;

    (void)state;
    for (i = 0; i < SS_EXCEPTIONS_MAX; i++)
        assert_int_equal(smtpsec_options_add_exception(options, "d.test", 0, NOW, NULL), 0);
    assert_int_equal(smtpsec_options_add_exception(options, "e.test", 0, NOW, NULL),
                     SMTPSEC_E_LIMIT);
    smtpsec_options_free(options);
}

#define POLICY "mode dane report\nsoft-certificates enforce\nhold earned\ncap 10d\ncanary a.test\n"
#define EXCEPT "except d.test all until 2027-03-01 \"moves\"\n"

static void
taken(void **state)
{
    struct smtpsec_options *options = new_options();
    const struct ss_memory_settings *memory = &options->settings.memory;

    (void)state;
    assert_int_equal(smtpsec_options_add_canary(options, "x.test"), 0);
    assert_int_equal(smtpsec_options_add_canary(options, "y.test"), 0);
    assert_int_equal(
        smtpsec_options_set_mode(options, SMTPSEC_CLAIM_ENCRYPTED, SMTPSEC_MODE_OFF), 0);
    assert_int_equal(smtpsec_options_add_exception(options, "old.test", 0, NOW + DAY, NULL), 0);
    assert_int_equal(load(options, POLICY EXCEPT, strlen(POLICY EXCEPT)), 0);
    assert_int_equal(memory->mode[SMTPSEC_CLAIM_DANE], SMTPSEC_MODE_REPORT);
    assert_int_equal(memory->mode[SMTPSEC_CLAIM_ENCRYPTED], SMTPSEC_MODE_OFF); /* not named */
    assert_int_equal(memory->soft_pkix_mode, SMTPSEC_MODE_ENFORCE);
    assert_true(memory->hold == SMTPSEC_HOLD_EARNED);
    assert_true(memory->cap == 10 * DAY);
    assert_int_equal(options->canary_count, 1);
    assert_true(lifts(options, "d.test", SMTPSEC_CLAIM_DNSSEC, NOW));
    /* What the file does not say any more is gone: an exception must not outlive its line. */
    assert_false(lifts(options, "old.test", SMTPSEC_CLAIM_DNSSEC, NOW));
    assert_int_equal(load(options, "", 0), 0);
    assert_false(lifts(options, "d.test", SMTPSEC_CLAIM_DNSSEC, NOW));
    smtpsec_options_free(options);
}

static void
all_or_nothing(void **state)
{
    struct smtpsec_options *options = new_options();
    struct ss_memory_settings before = options->settings.memory;

    (void)state;
    assert_int_equal(smtpsec_options_add_exception(options, "old.test", 0, NOW + DAY, NULL), 0);
    assert_int_equal(load(options, POLICY EXCEPT "cap 1d\n", strlen(POLICY EXCEPT) + 7),
                     SMTPSEC_E_FORMAT);
    assert_memory_equal(&options->settings.memory, &before, sizeof(before));
    assert_int_equal(options->canary_count, 0);
    assert_true(lifts(options, "old.test", SMTPSEC_CLAIM_DNSSEC, NOW));
    assert_false(lifts(options, "d.test", SMTPSEC_CLAIM_DNSSEC, NOW));
    assert_non_null(strstr(smtpsec_options_error(options),
                           ":7: cap was set on line 4 already; expected: once"));
    smtpsec_options_free(options);
}

static void
unreadable(void **state)
{
    struct smtpsec_options *options = new_options();

    (void)state;
    assert_int_equal(smtpsec_options_load_policy(options, "/nonexistent"), SMTPSEC_E_SYSTEM);
    assert_int_equal(smtpsec_options_load_policy(options, "/tmp"), SMTPSEC_E_SYSTEM);
    assert_non_null(strstr(smtpsec_options_error(options), "/nonexistent"));
    smtpsec_options_free(options);
}

static void
too_long(void **state)
{
    struct smtpsec_options *options = new_options();
    size_t len = ((size_t)1 << 20) + 1;
    char *text = malloc(len);
    struct smtpsec_faults *faults = NULL;

    (void)state;
    assert_non_null(text);
    memset(text, '\n', len);
    assert_int_equal(load(options, text, len), SMTPSEC_E_FORMAT);
    assert_non_null(strstr(smtpsec_options_error(options), "longer than 1048576 octets"));
    assert_int_equal(smtpsec_policy_check((uint8_t *)text, len, NOW, &faults), SMTPSEC_E_LIMIT);
    assert_null(faults);
    assert_int_equal(smtpsec_policy_check((uint8_t *)text, len - 1, NOW, &faults), 0);
    assert_int_equal(smtpsec_faults_count(faults), 0);
    smtpsec_faults_free(faults);
    free(text);
    smtpsec_options_free(options);
}

static void
checked(void **state)
{
    static const char text[] = "# x\nexcept d.test all until 2027-01-01\nhold 3\n";
    struct smtpsec_faults *faults;

    (void)state;
    assert_int_equal(smtpsec_policy_check((const uint8_t *)text, sizeof(text) - 1, NOW, &faults),
                     0);
    assert_int_equal(smtpsec_faults_count(faults), 2);
    assert_int_equal(smtpsec_faults_line(faults, 0), 2);
    assert_true(smtpsec_faults_harmless(faults, 0));
    assert_int_equal(smtpsec_faults_line(faults, 1), 3);
    assert_false(smtpsec_faults_harmless(faults, 1));
    assert_non_null(strstr(smtpsec_faults_text(faults, 1), "is no hold"));
    assert_int_equal(smtpsec_faults_line(faults, 2), 0);
    assert_null(smtpsec_faults_text(faults, 2));
    smtpsec_faults_free(faults);
    assert_int_equal(smtpsec_policy_check(NULL, 0, NOW, &faults), 0);
    smtpsec_faults_free(faults);
}

/* ---- Lines ---- */

struct line_row {
    const char *name;
    const char *line;
    int want;
    const char *want_error; /* begins with; NULL: none */
};

/* On top of: level default authenticated, except d.test dane. */
static const struct line_row lines[] = {
    { "PREC-08 line/a rule", "level d.test dane", 0, NULL },
    { "PREC-08 line/with blanks and a comment", "  level d.test dane # why", 0, NULL },
    { "line/nothing", "", 0, NULL },
    { "line/a comment", "# level d.test dane", 0, NULL },
    { "line/a setting", "cap 30d", 0, NULL },
    { "PREC-08 line/an exception", "except e.test dane-live until 2027-03-01 \"why\"", 0, NULL },
    { "PREC-08 line/an exception that ended", "except e.test dane-live until 2026-03-01", 0, NULL },
    { "PREC-08 line/less than a wider rule", "level d.test encrypted", SMTPSEC_E_FORMAT,
      "asks for less than \"level default authenticated\"; expected" },
    { "line/the same rule again", "level default authenticated", SMTPSEC_E_FORMAT,
      "there is such a rule for the same name already" },
    { "line/the same exception again", "except d.test dane until 2027-03-01", SMTPSEC_E_FORMAT,
      "there is an exception for this domain and kind already" },
    { "PREC-08 line/lower without a date", "except e.test level", SMTPSEC_E_FORMAT,
      "too few words" },
    { "line/two lines", "cap 1d\ncap 2d", SMTPSEC_E_FORMAT, "octet 0x0a is a control character" },
    { "line/its end", "cap 1d\n", SMTPSEC_E_FORMAT, "octet 0x0a is a control character" },
};

static void
check_line(void **state)
{
    const struct line_row *row = *state;
    struct smtpsec_options *options = new_options();
    size_t rules, exceptions_kept;

    assert_int_equal(smtpsec_options_add_policy_line(options, "level default authenticated"), 0);
    assert_int_equal(smtpsec_options_add_exception(options, "d.test", SMTPSEC_CLAIM_DANE,
                                                   NOW + DAY, NULL), 0);
    rules = ss_rules_count(options->settings.rules);
    exceptions_kept = ss_exceptions_count(options->settings.exceptions);
    assert_int_equal(smtpsec_options_add_policy_line(options, row->line), row->want);
    if (row->want_error != NULL)
        assert_non_null(strstr(smtpsec_options_error(options), row->want_error));
    if (row->want != 0) {
        assert_int_equal(ss_rules_count(options->settings.rules), rules);
        assert_int_equal(ss_exceptions_count(options->settings.exceptions), exceptions_kept);
        assert_true(options->settings.memory.cap == 90 * DAY);
    }
    smtpsec_options_free(options);
}

/* Lines add up; what another line said stays. A context keeps what stood when it was made. */
static void
lines_add_up(void **state)
{
    struct smtpsec_options *options = new_options();
    struct smtpsec_context *context;

    (void)state;
    assert_int_equal(smtpsec_options_add_policy_line(options, "canary a.test"), 0);
    assert_int_equal(smtpsec_options_add_policy_line(options, "canary b.test"), 0);
    assert_int_equal(smtpsec_options_add_policy_line(options, "canary c.test"), SMTPSEC_E_FORMAT);
    assert_int_equal(smtpsec_options_add_policy_line(options, "cap 30d"), 0);
    assert_int_equal(smtpsec_options_add_policy_line(options, "mx mx.a.test dane"), 0);
    assert_int_equal(smtpsec_context_new(options, &context), 0);
    assert_int_equal(smtpsec_options_add_policy_line(options, "mx mx.b.test dane"), 0);
    assert_int_equal(options->canary_count, 2);
    assert_true(options->settings.memory.cap == 30 * DAY);
    assert_int_equal(ss_rules_count(options->settings.rules), 2);
    smtpsec_options_free(options);
    assert_int_equal(ss_rules_count(context->settings.rules), 1);
    smtpsec_context_free(context);
    assert_int_equal(smtpsec_options_add_policy_line(NULL, "cap 1d"), SMTPSEC_E_INVALID);
}

/* A context, and a second one made from the same options, keep what stood when they were made. */
static void
kept_by_contexts(void **state)
{
    struct smtpsec_options *options = new_options();
    struct smtpsec_context *first, *second;

    (void)state;
    assert_int_equal(smtpsec_options_add_exception(options, "a.test", 0, NOW, NULL), 0);
    assert_int_equal(smtpsec_context_new(options, &first), 0);
    assert_int_equal(smtpsec_options_add_exception(options, "b.test", 0, NOW, NULL), 0);
    assert_int_equal(smtpsec_context_new(options, &second), 0);
    smtpsec_options_free(options);
    assert_int_equal(ss_exceptions_count(first->settings.exceptions), 1);
    assert_int_equal(ss_exceptions_count(second->settings.exceptions), 2);
    smtpsec_context_free(first);
    smtpsec_context_free(second);
}

int
main(void)
{
    struct ss_table t = SS_TABLE("api/policy");

    SS_TABLE_ROWS(&t, check_hold, holds);
    SS_TABLE_ROWS(&t, check_cap, caps);
    SS_TABLE_ROWS(&t, check_exception, exceptions);
    ss_table_case(&t, "exception/a long note", long_note);
    ss_table_case(&t, "exception/limit", exceptions_limit);
    ss_table_case(&t, "file/what it says is taken", taken);
    ss_table_case(&t, "file/all or nothing", all_or_nothing);
    ss_table_case(&t, "file/unreadable", unreadable);
    ss_table_case(&t, "file/too long", too_long);
    ss_table_case(&t, "check", checked);
    SS_TABLE_ROWS(&t, check_line, lines);
    ss_table_case(&t, "line/lines add up", lines_add_up);
    ss_table_case(&t, "kept by contexts", kept_by_contexts);
    return ss_table_run(&t);
}
