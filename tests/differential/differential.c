/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Thousands of random cases, each judged by this library and by OpenSSL's DANE
 * verifier. A difference that no explanation fits fails the run.
 *
 *   differential --seed S --cases N     cases 0 to N - 1
 *   differential --seed S --only CASE   one case, told in full
 *
 * --tell N: how many unexplained cases are printed.
 */
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "explain.h"

/* Cases that share a pool of certificates. */
#define EPOCH 2000

struct tally {
    uint64_t cases, both_accept, both_refuse, neither_usable, unexplained;
    uint64_t unusable_records, usable_records, explained_records;
    uint64_t explained[64];
};

struct run {
    uint64_t seed, first, cases;
    uint64_t tell; /* unexplained cases told */
    bool only;
    struct oracle oracle;
    struct pool pool;
    struct tally tally;
};

static void
tell_verdicts(const struct trial *trial, const struct our_verdict *ours,
              const struct their_verdict *theirs)
{
    size_t i;

    for (i = 0; i < trial->record_count; i++)
        printf("  record %zu: ours %s, OpenSSL %s\n", i, ours->usable[i] ? "usable" : "unusable",
               theirs->usable[i] ? "usable" : "unusable");
    if (ours->any_usable)
        printf("  ours: %s, %s%s\n", ours->accepted ? "accept" : "reject",
               smtpsec_reason_name(ours->reason),
               ours->torn ? " (smtpsec_verify says otherwise)" : "");
    if (theirs->any_usable)
        printf("  OpenSSL: %s, %s at depth %d\n", theirs->accepted ? "accept" : "reject",
               X509_verify_cert_error_string(theirs->error), theirs->depth);
}

static void
tell_unexplained(struct run *run, const struct trial *trial, const struct our_verdict *ours,
                 const struct their_verdict *theirs)
{
    if (run->tally.unexplained++ >= run->tell || run->only)
        return;
    printf("UNEXPLAINED ");
    trial_print(trial, false, stdout);
    tell_verdicts(trial, ours, theirs);
    printf("  again: differential --seed %" PRIu64 " --only %" PRIu64 "\n", trial->seed,
           trial->number);
}

/*
 * Put aside the records that one side takes for usable and the other does not:
 * the verdicts on the rest must still agree. False when one has no explanation.
 */
static bool
drop_disputed(struct run *run, struct trial *trial, const struct our_verdict *ours,
              const struct their_verdict *theirs)
{
    size_t kept = 0;
    size_t i;

    for (i = 0; i < trial->record_count; i++) {
        const char *why = explain_record(&trial->records[i], ours->usable[i]);

        if (ours->usable[i] == theirs->usable[i]) {
            trial->records[kept++] = trial->records[i];
            continue;
        }
        if (why == NULL)
            return false;
        run->tally.explained_records++;
        if (run->only)
            printf("  TLSA-18, record %zu: %s\n", i, why);
    }
    trial->record_count = kept;
    return true;
}

static void
count_records(struct run *run, const struct trial *trial, const struct our_verdict *ours)
{
    size_t i;

    for (i = 0; i < trial->record_count; i++)
        if (ours->usable[i])
            run->tally.usable_records++;
        else
            run->tally.unusable_records++;
}

static void
count_verdicts(struct run *run, const struct trial *trial, const struct our_verdict *ours,
               const struct their_verdict *theirs)
{
    struct dispute dispute = {trial, ours, theirs, &run->oracle, &run->pool, {0, {0}}};
    int which = -1;

    if (ours->any_usable == theirs->any_usable && ours->accepted == theirs->accepted &&
        !ours->torn) {
        if (!ours->any_usable)
            run->tally.neither_usable++;
        else if (ours->accepted)
            run->tally.both_accept++;
        else
            run->tally.both_refuse++;
        return;
    }
    if (ours->any_usable && theirs->any_usable && !ours->torn)
        which = explain(&dispute);
    if (which >= 0)
        run->tally.explained[which]++;
    else
        tell_unexplained(run, trial, ours, theirs);
    if (run->only && which >= 0)
        printf("%s: %s\n", explanations[which].row, explanations[which].sentence);
}

static void
judge_both(struct run *run, const struct trial *trial, struct our_verdict *ours,
           struct their_verdict *theirs)
{
    library_judge(trial, ours);
    oracle_judge(&run->oracle, &run->pool, trial, NULL, theirs);
    if (run->only)
        tell_verdicts(trial, ours, theirs);
}

static void
one_case(struct run *run, uint64_t number)
{
    struct their_verdict theirs;
    struct our_verdict ours;
    struct trial trial;
    size_t records;

    run->tally.cases++;
    trial_make(&trial, &run->pool, run->seed, number);
    if (run->only)
        trial_print(&trial, true, stdout);
    judge_both(run, &trial, &ours, &theirs);
    count_records(run, &trial, &ours);
    records = trial.record_count;
    if (!drop_disputed(run, &trial, &ours, &theirs)) {
        tell_unexplained(run, &trial, &ours, &theirs);
        return;
    }
    if (trial.record_count != records)
        judge_both(run, &trial, &ours, &theirs);
    count_verdicts(run, &trial, &ours, &theirs);
}

static void
all_cases(struct run *run)
{
    uint64_t number;

    for (number = run->first; number < run->first + run->cases; number++) {
        if (number == run->first || number % EPOCH == 0) {
            pool_free(&run->pool);
            pool_make(&run->pool, run->seed, number / EPOCH);
        }
        one_case(run, number);
    }
    pool_free(&run->pool);
}

static bool
summary(const struct run *run)
{
    const struct tally *tally = &run->tally;
    uint64_t explained = 0;
    size_t i;

    for (i = 0; i < explanation_count; i++)
        explained += tally->explained[i];
    printf("seed %" PRIu64 ", OpenSSL %s\n", run->seed, OpenSSL_version(OPENSSL_VERSION_STRING));
    printf("%8" PRIu64 " cases (records: %" PRIu64 " usable, %" PRIu64 " not, %" PRIu64
           " usable to one, all by TLSA-18)\n",
           tally->cases, tally->usable_records, tally->unusable_records,
           tally->explained_records);
    printf("%8" PRIu64 " accepted by both\n", tally->both_accept);
    printf("%8" PRIu64 " refused by both\n", tally->both_refuse);
    printf("%8" PRIu64 " without a usable record, by both\n", tally->neither_usable);
    printf("%8" PRIu64 " differ, explained:\n", explained);
    for (i = 0; i < explanation_count; i++)
        printf("%12" PRIu64 " %s, only %s accept: %s\n", tally->explained[i], explanations[i].row,
               explanations[i].direction == OURS_ACCEPTS ? "we" : "OpenSSL",
               explanations[i].sentence);
    printf("%8" PRIu64 " differ, unexplained\n", tally->unexplained);
    if (run->only)
        return tally->unexplained == 0;
    /* A run that never says yes, or never no, compares nothing. */
    if (tally->both_accept == 0 || tally->both_refuse == 0 || tally->neither_usable == 0)
        printf("FAILED: nothing accepted, refused or unusable by both\n");
    return tally->unexplained == 0 && tally->both_accept > 0 && tally->both_refuse > 0 &&
           tally->neither_usable > 0;
}

static bool
read_options(struct run *run, int argc, char **argv)
{
    int i;

    run->seed = 1;
    run->cases = 20000;
    run->tell = 20;
    for (i = 1; i + 1 < argc; i += 2) {
        char *end;
        uint64_t value = strtoull(argv[i + 1], &end, 10);

        if (*end != '\0')
            return false;
        if (strcmp(argv[i], "--seed") == 0) {
            run->seed = value;
        } else if (strcmp(argv[i], "--cases") == 0) {
            run->cases = value;
        } else if (strcmp(argv[i], "--tell") == 0) {
            run->tell = value;
        } else if (strcmp(argv[i], "--only") == 0) {
            run->only = true;
            run->first = value;
            run->cases = 1;
        } else {
            return false;
        }
    }
    return i == argc;
}

int
main(int argc, char **argv)
{
    static struct run run;
    bool good;

    if (!read_options(&run, argc, argv)) {
        fprintf(stderr, "usage: differential [--seed S] [--cases N [--tell N] | --only CASE]\n");
        return 64;
    }
    oracle_open(&run.oracle);
    all_cases(&run);
    oracle_close(&run.oracle);
    good = summary(&run);
    return good ? 0 : 1;
}
