/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "trial.h"

#include <string.h>

static void
append(struct trial *trial, const struct pool_cert *cert)
{
    if (trial->chain_count < TRIAL_CHAIN)
        trial->chain[trial->chain_count++] = cert;
}

static void
insert(struct trial *trial, size_t at, const struct pool_cert *cert)
{
    if (trial->chain_count == TRIAL_CHAIN)
        return;
    memmove(&trial->chain[at + 1], &trial->chain[at],
            (trial->chain_count - at) * sizeof(trial->chain[0]));
    trial->chain[at] = cert;
    trial->chain_count++;
}

static void
drop(struct trial *trial, size_t at)
{
    trial->chain_count--;
    memmove(&trial->chain[at], &trial->chain[at + 1],
            (trial->chain_count - at) * sizeof(trial->chain[0]));
}

static void
shuffle(struct trial *trial, struct dice *dice, size_t from)
{
    size_t i;

    for (i = trial->chain_count; i > from + 1; i--) {
        size_t other = from + dice_below(dice, (unsigned)(i - from));
        const struct pool_cert *cert = trial->chain[i - 1];

        trial->chain[i - 1] = trial->chain[other];
        trial->chain[other] = cert;
    }
}

static const struct pool_cert *
any_cert(const struct pool *pool, struct dice *dice)
{
    return &pool->certs[dice_below(dice, (unsigned)pool->count)];
}

/* The certificates by which the leaf was issued, in order. */
static size_t
true_path(const struct pool *pool, const struct pool_cert *leaf, const struct pool_cert **path)
{
    size_t count = 0;

    path[count++] = leaf;
    while (leaf->parent >= 0 && count < TRIAL_CHAIN) {
        leaf = &pool->certs[leaf->parent];
        path[count++] = leaf;
    }
    return count;
}

/* Others of the same name as one in the chain: reissued, cross-signed, or false. */
static void
add_twins(struct trial *trial, const struct pool *pool, struct dice *dice)
{
    const struct pool_cert *model = trial->chain[dice_below(dice, (unsigned)trial->chain_count)];
    size_t i;

    for (i = 0; i < POOL_ROOTS + POOL_INTERMEDIATES && i < pool->count; i++)
        if (&pool->certs[i] != model && strcmp(pool->certs[i].cn, model->cn) == 0)
            insert(trial, 1 + dice_below(dice, (unsigned)trial->chain_count), &pool->certs[i]);
}

static void
disturb(struct trial *trial, const struct pool *pool, struct dice *dice)
{
    unsigned n;

    switch (dice_below(dice, 10)) {
    case 0:
    case 1:
        shuffle(trial, dice, 1);
        break;
    case 2:
        for (n = dice_below(dice, 4) + 1; n > 0; n--)
            insert(trial, 1 + dice_below(dice, (unsigned)trial->chain_count),
                   any_cert(pool, dice));
        break;
    case 3:
        if (trial->chain_count > 1)
            drop(trial, 1 + dice_below(dice, (unsigned)(trial->chain_count - 1)));
        break;
    case 4:
        insert(trial, 1 + dice_below(dice, (unsigned)trial->chain_count),
               trial->chain[dice_below(dice, (unsigned)trial->chain_count)]);
        break;
    case 5:
        trial->chain_count = 1;
        break;
    case 6:
    case 7:
    case 8:
        add_twins(trial, pool, dice);
        break;
    default:
        shuffle(trial, dice, dice_percent(dice, 30) ? 0 : 1);
        append(trial, any_cert(pool, dice));
        break;
    }
}

static void
make_chain(struct trial *trial, const struct pool *pool, struct dice *dice,
           const struct pool_cert **path, size_t *path_count)
{
    const struct pool_cert *leaf =
        dice_percent(dice, 93)
            ? &pool->certs[POOL_ROOTS + POOL_INTERMEDIATES + dice_below(dice, POOL_LEAVES)]
            : any_cert(pool, dice);
    unsigned percent = 40;
    size_t i;

    *path_count = true_path(pool, leaf, path);
    for (i = 0; i < *path_count; i++)
        append(trial, path[i]);
    if (*path_count > 1 && dice_percent(dice, 40))
        trial->chain_count--;
    for (; dice_percent(dice, percent); percent /= 2)
        disturb(trial, pool, dice);
}

static unsigned
some_usage(struct dice *dice)
{
    unsigned roll = dice_below(dice, 100);

    if (roll < 62)
        return 2;
    if (roll < 88)
        return 3;
    if (roll < 97)
        return roll & 1;
    return roll == 97 ? 4 : roll == 98 ? 255 : 5;
}

static unsigned
some_small(struct dice *dice, unsigned known)
{
    return dice_percent(dice, 97) ? dice_below(dice, known) : known + dice_below(dice, 200);
}

/* Whose octets: mostly such as can match. */
static const struct pool_cert *
some_target(const struct trial *trial, const struct pool *pool, struct dice *dice, unsigned usage,
            const struct pool_cert *const *path, size_t path_count)
{
    unsigned roll = dice_below(dice, 100);

    if (roll < 12)
        return any_cert(pool, dice);
    if (roll < 30)
        return trial->chain[dice_below(dice, (unsigned)trial->chain_count)];
    if ((usage & 1) != 0 && roll < 70)
        return trial->chain[0];
    if (usage == 2 && path_count > 1 && roll < 95)
        return path[1 + dice_below(dice, (unsigned)path_count - 1)];
    return path[dice_below(dice, (unsigned)path_count)];
}

static struct ss_bytes
harmed(struct dice *dice, struct trial_record *record, struct ss_bytes rdata)
{
    uint8_t octets[2048];
    size_t len = rdata.len;
    size_t i;

    if (record->harm == HARM_NONE || len + 1 > sizeof(octets) || len < 4)
        return rdata;
    memcpy(octets, rdata.data, len);
    octets[len] = 0;
    if (record->harm == HARM_FLIPPED)
        octets[3 + dice_below(dice, (unsigned)len - 3)] ^= (uint8_t)(1u << dice_below(dice, 8));
    else if (record->harm == HARM_CUT)
        len -= 1 + dice_below(dice, (unsigned)(len - 3 < 20 ? len - 3 : 20));
    else if (record->harm == HARM_MORE)
        len++;
    else if (record->harm == HARM_EMPTY)
        len = 3;
    else if (record->harm == HARM_NOISE)
        for (i = 3; i < len; i++)
            octets[i] = (uint8_t)dice_next(dice);
    rdata = ss_test_tlsa_raw(octets[0], octets[1], octets[2],
                             (struct ss_bytes){octets + 3, len - 3});
    if (record->harm == HARM_SHORT)
        rdata.len = dice_below(dice, 3);
    return rdata;
}

static void
make_record(struct trial *trial, struct dice *dice)
{
    struct trial_record *record = &trial->records[trial->record_count++];
    struct ss_test_cert *cert = record->of->cert;
    struct ss_bytes rdata;

    /* Full data would be large, and no digest of that kind exists. */
    if (record->matching > 2)
        rdata = ss_test_tlsa_raw(record->usage, record->selector, record->matching,
                                 (struct ss_bytes){record->of->spki.data, 32});
    else
        rdata = ss_test_tlsa(record->usage, record->selector, record->matching, cert);
    if (dice_percent(dice, 12))
        record->harm = (enum harm)(1 + dice_below(dice, HARM_NOISE));
    record->rdata = harmed(dice, record, rdata);
}

static void
make_records(struct trial *trial, const struct pool *pool, struct dice *dice,
             const struct pool_cert *const *path, size_t path_count)
{
    unsigned count = 1 + dice_below(dice, TRIAL_RECORDS);

    while (trial->record_count < count) {
        struct trial_record *record = &trial->records[trial->record_count];

        record->usage = some_usage(dice);
        record->selector = some_small(dice, 2);
        record->matching = some_small(dice, 3);
        record->of = some_target(trial, pool, dice, record->usage, path, path_count);
        /* A stronger digest beside a weaker one of the same kind (TLSA-20). */
        if (trial->record_count > 0 && dice_percent(dice, 15)) {
            record->usage = record[-1].usage;
            record->selector = record[-1].selector;
            record->matching = 1 + dice_below(dice, 2);
        }
        make_record(trial, dice);
    }
}

static int64_t
some_time(struct dice *dice)
{
    static const int64_t others[] = {-31, 31, -30, 30, -1, 1, 200, -400};
    int64_t seconds = (int64_t)dice_below(dice, 3) - 1;

    if (dice_percent(dice, 82))
        return SS_TEST_NOW;
    return SS_TEST_NOW + others[dice_below(dice, 8)] * SS_TEST_DAY + seconds;
}

void
trial_make(struct trial *trial, const struct pool *pool, uint64_t seed, uint64_t number)
{
    struct dice dice = dice_for(seed, number, 2);
    const struct pool_cert *path[TRIAL_CHAIN];
    size_t path_count;

    memset(trial, 0, sizeof(*trial));
    trial->seed = seed;
    trial->number = number;
    make_chain(trial, pool, &dice, path, &path_count);
    make_records(trial, pool, &dice, path, path_count);
    trial->name_count = 1 + dice_below(&dice, TRIAL_NAMES);
    for (size_t i = 0; i < trial->name_count; i++)
        trial->names[i] = pool_reference(&dice);
    trial->now = some_time(&dice);
}

static void
print_octets(struct ss_bytes octets, FILE *out)
{
    size_t i;

    for (i = 0; i < octets.len; i++)
        fprintf(out, "%02x", octets.data[i]);
}

void
trial_print(const struct trial *trial, bool with_pem, FILE *out)
{
    static const char *const harms[] = {"",      "flipped", "cut",  "one more",
                                        "empty", "short",   "noise"};
    char text[512];
    size_t i;

    fprintf(out, "case %llu of seed %llu, now = %lld (%+lld)\n",
            (unsigned long long)trial->number, (unsigned long long)trial->seed,
            (long long)trial->now, (long long)(trial->now - SS_TEST_NOW));
    fprintf(out, "  names:");
    for (i = 0; i < trial->name_count; i++)
        fprintf(out, " %s", trial->names[i]);
    fprintf(out, "\n");
    for (i = 0; i < trial->record_count; i++) {
        const struct trial_record *record = &trial->records[i];

        pool_describe(record->of, text, sizeof(text));
        fprintf(out, "  TLSA %u %u %u %s of %s\n", record->usage, record->selector,
                record->matching, harms[record->harm], text);
        if (with_pem) {
            fprintf(out, "       ");
            print_octets(record->rdata, out);
            fprintf(out, "\n");
        }
    }
    for (i = 0; i < trial->chain_count; i++) {
        pool_describe(trial->chain[i], text, sizeof(text));
        fprintf(out, "  sent %zu: %s\n", i, text);
        if (with_pem) {
            struct ss_bytes pem = ss_test_cert_pem(trial->chain[i]->cert);

            fprintf(out, "%.*s", (int)pem.len, (const char *)pem.data);
        }
    }
}
