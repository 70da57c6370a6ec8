/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * The readers of lib/sts against a second reading of the same grammar (abnf.h).
 *
 *   test_differential [SEED [CASES]]
 *
 * Where they disagree the input is printed, escaped as for printf(1). Put it
 * into tests/data under the name of the fault once it is clear who was wrong.
 */
#include <stdio.h>
#include <string.h>

#include "table.h"
#include "abnf.h"
#include "sts/sts_policy.h"
#include "sts/sts_record.h"
#include "sts_cases.h"

#define TEXTS 16

static uint64_t seed = 8461;
static size_t cases = 150000;

struct tally {
    size_t valid, by_mode[3], patterns, fits;
};

static void
show(const struct sts_case *c)
{
    size_t i;

    for (i = 0; i < c->len; i++) {
        unsigned char o = c->data[i];

        if (o >= 0x20 && o <= 0x7E && o != '\\' && o != '%')
            printf("%c", o);
        else
            printf(o == '\n' ? "\\n" : "\\x%02x", o);
    }
    printf("\n");
}

/* ---- Policies ------------------------------------------------------------- */

static bool
same_pattern(const struct ss_sts_pattern *ours, const struct abnf_mx *theirs)
{
    char name[SS_NAME_TEXT];

    if (ours->wildcard != theirs->wildcard || strcmp(ours->text, theirs->text) != 0 ||
        (ours->name.len == 0) != theirs->never)
        return false;
    if (theirs->never)
        return true;
    ss_name_to_text(&ours->name, name);
    return strcmp(name, theirs->text + (theirs->wildcard ? 2 : 0)) == 0;
}

/* Hosts at, above, below and beside a pattern fit the same policies in both readings. */
static bool
same_fits(const struct ss_sts_policy *ours, const struct abnf_policy *theirs, size_t number,
          struct tally *tally)
{
    static const char *const heads[] = {"", "a.", "a.b.", "x", "*."};
    const struct abnf_mx *mx = &theirs->mx[number];
    char host[400];
    struct ss_name name;
    size_t i;

    for (i = 0; i < sizeof(heads) / sizeof(heads[0]); i++) {
        snprintf(host, sizeof(host), "%s%s", heads[i], mx->text + (mx->wildcard ? 2 : 0));
        if (!ss_name_from_text(&name, host, strlen(host)))
            continue;
        if (ss_sts_policy_fits(ours, &name) != abnf_fits(theirs, host))
            return false;
        tally->fits += abnf_fits(theirs, host);
    }
    return true;
}

static char
letter(int32_t mode)
{
    if (mode == SMTPSEC_STS_ENFORCE)
        return 'e';
    return mode == SMTPSEC_STS_TESTING ? 't' : mode == SMTPSEC_STS_NONE ? 'n' : ' ';
}

/* NULL: they agree; else what they disagree about. */
static const char *
policy_difference(const struct ss_sts_policy *ours, bool valid, const struct abnf_policy *theirs,
                  struct tally *tally)
{
    size_t i;

    if (valid != theirs->valid)
        return "whether it is a policy";
    if (!valid)
        return ours->mode == SMTPSEC_STS_ABSENT && ours->mx_count == 0 ? NULL : "what is no policy";
    if (letter(ours->mode) != theirs->mode)
        return "the mode";
    if (ours->max_age != theirs->max_age)
        return "max_age";
    if (ours->mx_count != theirs->mx_count)
        return "how many mx";
    for (i = 0; i < ours->mx_count; i++) {
        if (!same_pattern(&ours->mx[i], &theirs->mx[i]))
            return "a pattern";
        if (!same_fits(ours, theirs, i, tally))
            return "who fits a pattern";
    }
    tally->valid++;
    tally->by_mode[theirs->mode == 'e' ? 0 : theirs->mode == 't' ? 1 : 2]++;
    tally->patterns += ours->mx_count;
    return NULL;
}

static const char *
read_policy_twice(const struct sts_case *c, struct tally *tally)
{
    static struct abnf_policy theirs;
    struct ss_sts_policy ours;
    struct ss_bytes body = {c->data, c->len};
    const char *difference;
    bool valid = false;

    assert_int_equal(ss_sts_policy_read(&ours, body, &valid, NULL), 0);
    abnf_policy(&theirs, c->data, c->len);
    difference = policy_difference(&ours, valid, &theirs, tally);
    if (difference != NULL)
        printf("library: valid %d mode %c max_age %lld mx %zu; ABNF: valid %d mode %c max_age "
               "%lld mx %zu\n", valid, letter(ours.mode), (long long)ours.max_age, ours.mx_count,
               theirs.valid, theirs.mode, (long long)theirs.max_age, theirs.mx_count);
    ss_sts_policy_free(&ours);
    return difference;
}

/* ---- Records ---------------------------------------------------------------- */

static const char *
read_record_twice(const struct sts_case *c, struct tally *tally)
{
    static const enum ss_sts_record_state same[] = {
        [ABNF_NONE] = SS_STS_RECORD_NONE, [ABNF_FOUND] = SS_STS_RECORD_FOUND,
        [ABNF_SEVERAL] = SS_STS_RECORD_SEVERAL, [ABNF_INVALID] = SS_STS_RECORD_INVALID};
    const unsigned char *texts[TEXTS];
    struct ss_bytes views[TEXTS];
    struct ss_sts_record record;
    char id[SS_STS_ID_MAX + 1];
    size_t lens[TEXTS], count = 0, start = 0, i;
    enum ss_sts_record_state ours;
    enum abnf_state theirs;

    for (i = 0; i < c->len && count < TEXTS; i++) {
        if (c->data[i] != '\n')
            continue;
        texts[count] = views[count].data = c->data + start;
        lens[count] = views[count].len = i - start;
        start = i + 1;
        count++;
    }
    ours = ss_sts_record_find(views, count, &record, NULL);
    theirs = abnf_record(texts, lens, count, id);
    if (ours == same[theirs] && strcmp(record.id, id) == 0) {
        tally->valid += theirs == ABNF_FOUND;
        tally->by_mode[0] += theirs == ABNF_INVALID;
        tally->by_mode[1] += theirs == ABNF_SEVERAL;
        tally->by_mode[2] += theirs == ABNF_NONE;
        return NULL;
    }
    printf("library: state %d id \"%s\"; ABNF: state %d id \"%s\"\n", (int)ours, record.id,
           (int)same[theirs], id);
    return ours == same[theirs] ? "the id" : "whether there is a record";
}

/* ---- The run ----------------------------------------------------------------- */

static void
run(const char *what, void (*make)(struct sts_case *, struct dice *),
    const char *(*read_twice)(const struct sts_case *, struct tally *), struct tally *tally)
{
    static struct sts_case c;
    struct dice dice = {seed};
    size_t i, faults = 0;

    for (i = 0; i < cases && faults < 10; i++) {
        const char *difference;

        make(&c, &dice);
        difference = read_twice(&c, tally);
        if (difference == NULL)
            continue;
        printf("%s %zu of seed %llu: they disagree about %s\n", what, i, (unsigned long long)seed,
               difference);
        show(&c);
        faults++;
    }
    assert_int_equal(faults, 0);
}

static void
policies_agree(void **state)
{
    struct tally tally = {0};

    (void)state;
    run("policy", sts_case_policy, read_policy_twice, &tally);
    printf("%zu policies: %zu valid (enforce %zu, testing %zu, none %zu), %zu patterns, "
           "%zu hosts fit\n", cases, tally.valid, tally.by_mode[0], tally.by_mode[1],
           tally.by_mode[2], tally.patterns, tally.fits);
    /* a generator that makes one kind alone would prove nothing */
    assert_in_range(tally.valid, cases / 10, cases - cases / 10);
    assert_true(tally.by_mode[1] > 0 && tally.by_mode[2] > 0 && tally.fits > cases / 20);
}

static void
records_agree(void **state)
{
    struct tally tally = {0};

    (void)state;
    run("record", sts_case_record, read_record_twice, &tally);
    printf("%zu records: %zu found, %zu invalid, %zu several, %zu none\n", cases, tally.valid,
           tally.by_mode[0], tally.by_mode[1], tally.by_mode[2]);
    assert_in_range(tally.valid, cases / 20, cases - cases / 20);
    assert_true(tally.by_mode[0] > cases / 20 && tally.by_mode[1] > 0 && tally.by_mode[2] > 0);
}

int
main(int argc, char **argv)
{
    struct ss_table t = SS_TABLE("sts_differential");

    if (argc > 1)
        seed = strtoull(argv[1], NULL, 0);
    if (argc > 2)
        cases = strtoul(argv[2], NULL, 0);
    sts_cases_load();
    ss_table_case(&t, "STSP-02, STSP-03 two readings of a policy agree", policies_agree);
    ss_table_case(&t, "STSD-04, STSD-06 two readings of a record agree", records_agree);
    return ss_table_run(&t);
}
