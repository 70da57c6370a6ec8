/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "ask_again.h"

#include <string.h>

#include "ingredients.h"

/* Paths looked at when OpenSSL is asked about each by itself. */
#define MOST_PATHS 256

bool
they_accept(const struct dispute *dispute, const struct trial *trial)
{
    struct leniency leniency = dispute->leniency;
    struct their_verdict theirs;

    oracle_judge(dispute->oracle, dispute->pool, trial, &leniency, &theirs);
    return theirs.accepted;
}

static bool
holds_certificate(const struct trial_record *record)
{
    return record->usage == 2 && record->selector == 0 && record->matching == 0;
}

/* The records but for certificates (2 0 0) that are not on the path: OpenSSL would try them too. */
static void
keep_records_of_path(struct trial *path, const struct trial *trial)
{
    size_t i;

    path->record_count = 0;
    for (i = 0; i < trial->record_count; i++)
        if (!holds_certificate(&trial->records[i]) ||
            (is_own_anchor(&trial->records[i], 0) && is_on_path(path, trial->records[i].of)))
            path->records[path->record_count++] = trial->records[i];
}

/* The certificate of a bare key was sent, so that it is judged by that and not by the key alone. */
static bool
ends_below_bare_key(const struct trial *path, const struct trial *trial)
{
    const struct pool_cert *top = path->chain[path->chain_count - 1];
    size_t i, k;

    for (i = 1; i < trial->chain_count; i++)
        for (k = 0; k < trial->record_count && can_issue(trial->chain[i], top); k++)
            if (is_own_anchor(&trial->records[k], 1) && !is_on_path(path, trial->chain[i]) &&
                names_it(&trial->records[k], 2, trial->chain[i]))
                return true;
    return false;
}

static bool
path_is_good(const struct dispute *dispute, const struct trial *path)
{
    struct trial alone = *path;

    keep_records_of_path(&alone, dispute->trial);
    return !ends_below_bare_key(path, dispute->trial) && they_accept(dispute, &alone);
}

/* The record carries the anchor itself, as certificate or as key. */
static bool
holds_anchor(const struct trial_record *record)
{
    return record->usage == 2 && record->matching == 0;
}

bool
they_refuse_without(const struct dispute *dispute, bool (*is_such)(const struct pool_cert *cert))
{
    struct trial without = *dispute->trial;
    size_t i;

    without.chain_count = 1;
    for (i = 1; i < dispute->trial->chain_count; i++)
        if (!is_such(dispute->trial->chain[i]))
            without.chain[without.chain_count++] = dispute->trial->chain[i];
    without.record_count = 0;
    for (i = 0; i < dispute->trial->record_count; i++)
        if (!holds_anchor(&dispute->trial->records[i]) ||
            !is_such(dispute->trial->records[i].of))
            without.records[without.record_count++] = dispute->trial->records[i];
    return !they_accept(dispute, &without);
}

/* OpenSSL does not come back from a wrong issuer: does it accept one of the paths, sent alone? */
bool
other_path(const struct dispute *dispute)
{
    struct candidates candidates = candidates_of(dispute->trial);
    static struct trial paths[MOST_PATHS];
    size_t count = 1;
    size_t done, i;

    paths[0] = *dispute->trial;
    paths[0].chain_count = 1;
    for (done = 0; done < count; done++) {
        const struct trial *path = &paths[done];

        if (path_is_good(dispute, path))
            return true;
        for (i = 1; i < candidates.count && count < MOST_PATHS; i++) {
            const struct pool_cert *next = candidates.list[i];

            if (path->chain_count == TRIAL_CHAIN || is_on_path(path, next) ||
                !can_issue(next, path->chain[path->chain_count - 1]))
                continue;
            paths[count] = *path;
            paths[count].chain[paths[count].chain_count++] = next;
            count++;
        }
    }
    return false;
}

/* The key alone (2 1 0) beside a certificate of that key (2 0 0): does it accept by the key? */
bool
key_beside_certificate(const struct dispute *dispute)
{
    const struct trial *trial = dispute->trial;
    struct trial by_key = *trial;
    size_t i, k;

    for (i = 0; i < trial->record_count; i++)
        for (k = 0; k < trial->record_count; k++) {
            if (!is_own_anchor(&trial->records[i], 1) || !is_own_anchor(&trial->records[k], 0) ||
                !same_octets(trial->records[i].of->spki, trial->records[k].of->spki))
                continue;
            by_key.record_count = 1;
            by_key.records[0] = trial->records[i];
            if (they_accept(dispute, &by_key))
                return true;
        }
    return false;
}

/*
 * The certificate of a bare key was sent under the issuer's name in other
 * letters. To us it is none of the path's, and the key stands by itself, as if
 * it had not been sent: does OpenSSL accept then?
 */
bool
key_in_other_letters(const struct dispute *dispute)
{
    struct trial without = *dispute->trial;
    size_t i, k;

    without.chain_count = 1;
    for (i = 1; i < dispute->trial->chain_count; i++) {
        const struct pool_cert *cert = dispute->trial->chain[i];
        bool other = false;

        for (k = 0; k < dispute->trial->chain_count; k++)
            other = other || (can_issue(cert, dispute->trial->chain[k]) &&
                              strcmp(cert->cn, dispute->trial->chain[k]->issuer_cn) != 0);
        for (k = 0; k < dispute->trial->record_count && other; k++)
            if (is_own_anchor(&dispute->trial->records[k], 1) &&
                names_it(&dispute->trial->records[k], 2, cert))
                break;
        if (!other || k == dispute->trial->record_count)
            without.chain[without.chain_count++] = cert;
    }
    return without.chain_count < dispute->trial->chain_count && they_accept(dispute, &without);
}

/*
 * A bit of a 2 0 0 anchor is wrong, yet name and key are still there, and the
 * key did sign: its own signature is not asked for. Without that bit OpenSSL accepts.
 */
bool
damaged_anchor(const struct dispute *dispute)
{
    struct trial mended = *dispute->trial;
    size_t damaged = 0;
    size_t i;

    for (i = 0; i < mended.record_count; i++)
        if (holds_certificate(&mended.records[i]) && mended.records[i].harm == HARM_FLIPPED) {
            mended.records[i].rdata = ss_test_tlsa(2, 0, 0, mended.records[i].of->cert);
            damaged++;
        }
    return damaged > 0 && they_accept(dispute, &mended);
}
