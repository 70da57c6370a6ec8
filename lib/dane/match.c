/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include <string.h>

#include "dane/tlsa.h"
#include "pkix/digest.h"

/*
 * A zone may publish hundreds of anchors, and each search for a path costs
 * signatures. No honest RRset needs more searches than this.
 */
#define MOST_SEARCHES 32

/*
 * Digests of one certificate, by selector and matching type: each made at most
 * once, however many records ask for it. Only `made` begins at zero.
 */
struct prints {
    uint8_t made; /* a bit for each of the four */
    uint8_t octets[4][SS_SHA512_LEN];
};

struct judge {
    struct ss_chain *chain;
    const struct ss_name *names;
    size_t name_count;
    int64_t now;
    size_t searches;
    int32_t best;
    /* The verdict under each sent certificate, once it was asked for. */
    bool judged[SS_CHAIN_CERTIFICATES];
    int32_t verdict[SS_CHAIN_CERTIFICATES];
    struct prints *prints; /* of the leaf; for anchors, of all that were sent */
};

/* The more a failure tells, the higher; at equal height the first one stays. */
static int
telling(int32_t reason)
{
    switch (reason) {
    case SMTPSEC_REASON_NONE:
        return 7;
    case SMTPSEC_REASON_NAME_MISMATCH:
        return 6;
    case SMTPSEC_REASON_EXPIRED:
    case SMTPSEC_REASON_NOT_YET_VALID:
        return 5;
    case SMTPSEC_REASON_BAD_SIGNATURE:
        return 3;
    case SMTPSEC_REASON_DANE_TA_NO_PATH:
        return 2;
    case SMTPSEC_REASON_DANE_TA_LEAF:
        return 1;
    case SMTPSEC_REASON_DANE_NO_MATCH:
        return 0;
    default:
        return 4;
    }
}

static void
remember(struct judge *judge, int32_t reason)
{
    if (telling(reason) > telling(judge->best))
        judge->best = reason;
}

/* DANE-EE-06: the selected octets as they were sent. */
static bool
select_octets(const struct ss_chain *chain, size_t n, uint8_t selector, struct ss_bytes *octets)
{
    if (selector == SS_TLSA_SPKI)
        return ss_chain_spki(chain, n, octets);
    *octets = ss_chain_certificate(chain, n);
    return octets->data != NULL;
}

static int
make_print(const struct ss_tlsa *record, struct ss_bytes octets, uint8_t *out)
{
    if (record->matching == SS_TLSA_SHA256)
        return ss_sha256(octets.data, octets.len, out);
    return ss_sha512(octets.data, octets.len, out);
}

/* RFC 6698 2.1.3 */
static bool
equal(const struct ss_tlsa *record, const void *data, size_t len)
{
    return len > 0 && record->len == len && memcmp(record->data, data, len) == 0;
}

/* Used, and of a kind we know: records also come from blobs that were read back. */
static bool
is_used(const struct ss_tlsa *record)
{
    return record->reason == SMTPSEC_REASON_NONE && record->selector <= SS_TLSA_SPKI &&
           record->matching <= SS_TLSA_SHA512;
}

/* Gives NULL when there is nothing to be hashed. */
static int
print_of(struct judge *judge, const struct ss_tlsa *record, size_t n, const uint8_t **print)
{
    unsigned which = 2u * record->selector + (record->matching == SS_TLSA_SHA512);
    struct prints *prints = &judge->prints[n];
    uint8_t *octets = prints->octets[which];
    struct ss_bytes selected;
    int code;

    *print = octets;
    if ((prints->made & 1u << which) != 0)
        return 0;
    *print = NULL;
    if (!select_octets(judge->chain, n, record->selector, &selected))
        return 0;
    code = make_print(record, selected, octets);
    if (code != 0)
        return code;
    prints->made |= (uint8_t)(1u << which);
    *print = octets;
    return 0;
}

static int
matches_sent(struct judge *judge, const struct ss_tlsa *record, size_t n, bool *matches)
{
    const uint8_t *print;
    struct ss_bytes octets;
    int code;

    *matches = false;
    if (record->matching == SS_TLSA_FULL) {
        *matches = select_octets(judge->chain, n, record->selector, &octets) &&
                   equal(record, octets.data, octets.len);
        return 0;
    }
    code = print_of(judge, record, n, &print);
    if (code == 0 && print != NULL)
        *matches = equal(record, print,
                         record->matching == SS_TLSA_SHA256 ? SS_SHA256_LEN : SS_SHA512_LEN);
    return code;
}

/* DANE-TA-15: names are always checked below an anchor, the CN included (NAME-06). */
static int
check_names(struct judge *judge, int32_t *reason)
{
    if (*reason != SMTPSEC_REASON_NONE)
        return 0;
    return ss_chain_match_names(judge->chain, judge->names, judge->name_count, true, reason);
}

static int
judge_under_sent(struct judge *judge, size_t n, int32_t *reason)
{
    int code;

    if (judge->judged[n]) {
        *reason = judge->verdict[n];
        return 0;
    }
    code = ss_chain_verify_under_sent(judge->chain, n, judge->now, reason);
    if (code == 0)
        code = check_names(judge, reason);
    judge->judged[n] = code == 0;
    judge->verdict[n] = *reason;
    return code;
}

/* RFC 7672 3.1.2: the anchor is one of those sent. Gives the best verdict, NO_MATCH for none. */
static int
judge_sent_anchors(struct judge *judge, const struct ss_tlsa *record, int32_t *best)
{
    size_t count = ss_chain_count(judge->chain);
    int32_t reason;
    bool matches;
    size_t n;
    int code;

    *best = SMTPSEC_REASON_DANE_NO_MATCH;
    for (n = 0; n < count && *best != SMTPSEC_REASON_NONE; n++) {
        code = matches_sent(judge, record, n, &matches);
        if (code != 0)
            return code;
        if (!matches)
            continue;
        code = judge_under_sent(judge, n, &reason);
        if (code != 0)
            return code;
        if (telling(reason) > telling(*best))
            *best = reason;
    }
    return 0;
}

/* The anchor stands in the record itself (DANE-TA-04, DANE-TA-06). */
static int
judge_own_anchor(struct judge *judge, const struct ss_tlsa *record, int32_t *reason)
{
    struct ss_bytes data = {record->data, record->len};
    int code;

    *reason = SMTPSEC_REASON_DANE_NO_MATCH;
    if (judge->searches >= MOST_SEARCHES)
        return 0;
    judge->searches++;
    if (record->selector == SS_TLSA_CERT)
        code = ss_chain_verify_under_certificate(judge->chain, data, judge->now, reason);
    else
        code = ss_chain_verify_under_key(judge->chain, data, judge->now, reason);
    if (code == 0)
        code = check_names(judge, reason);
    return code;
}

/*
 * DANE-TA-11: a key record whose certificate was sent is judged by that
 * certificate; only when none of the sent ones leads to the leaf may the bare
 * key stand for an anchor, which then has no end.
 */
static int
judge_ta(struct judge *judge, const struct ss_tlsa *record, int32_t *reason)
{
    int32_t own;
    int code = judge_sent_anchors(judge, record, reason);

    if (code != 0 || record->matching != SS_TLSA_FULL ||
        telling(*reason) > telling(SMTPSEC_REASON_DANE_TA_NO_PATH))
        return code;
    code = judge_own_anchor(judge, record, &own);
    if (code == 0 && telling(own) > telling(*reason))
        *reason = own;
    return code;
}

static int
judge_record(struct judge *judge, const struct ss_tlsa *record, int32_t *reason)
{
    bool matches;
    int code;

    if (record->usage == SS_TLSA_TA)
        return judge_ta(judge, record, reason);
    /* DANE-EE-01 to DANE-EE-05: the leaf's octets, and nothing else (RFC 7672 3.1.1). */
    code = matches_sent(judge, record, 0, &matches);
    *reason = matches ? SMTPSEC_REASON_NONE : SMTPSEC_REASON_DANE_NO_MATCH;
    return code;
}

/* Go through the used records of one usage; stop at the first that holds. */
static int
judge_usage(struct judge *judge, const struct ss_tlsa_set *set, uint8_t usage, int32_t *index)
{
    int32_t reason;
    size_t i;
    int code;

    for (i = 0; i < set->count && *index < 0; i++) {
        const struct ss_tlsa *record = &set->records[i];

        if (!is_used(record) || record->usage != usage)
            continue;
        code = judge_record(judge, record, &reason);
        if (code != 0)
            return code;
        remember(judge, reason);
        if (reason == SMTPSEC_REASON_NONE)
            *index = (int32_t)i;
    }
    return 0;
}

/* Apart, since a match of the leaf, which most are, needs none of this room. */
static int
judge_anchors(struct judge *judge, const struct ss_tlsa_set *set, int32_t *index)
{
    struct prints prints[SS_CHAIN_CERTIFICATES];
    size_t n;

    prints[0] = *judge->prints;
    for (n = 1; n < SS_CHAIN_CERTIFICATES; n++)
        prints[n].made = 0;
    memset(judge->judged, 0, sizeof(judge->judged));
    judge->searches = 0;
    judge->prints = prints;
    return judge_usage(judge, set, SS_TLSA_TA, index);
}

int
ss_dane_verify(const struct ss_tlsa_set *set, struct ss_chain *chain, const struct ss_name *names,
               size_t name_count, int64_t now, int32_t *index, int32_t *reason)
{
    struct prints leaf;
    struct judge judge;
    int code;

    *index = -1;
    *reason = SMTPSEC_REASON_NO_CERTIFICATE; /* DANE-EE-11 */
    if (ss_chain_count(chain) == 0)
        return 0;
    judge.chain = chain;
    judge.names = names;
    judge.name_count = name_count;
    judge.now = now;
    judge.best = SMTPSEC_REASON_DANE_NO_MATCH;
    judge.prints = &leaf;
    leaf.made = 0;
    /* DANE-EE-07: any one record suffices; the cheap ones first. */
    code = judge_usage(&judge, set, SS_TLSA_EE, index);
    if (code == 0 && *index < 0)
        code = judge_anchors(&judge, set, index);
    *reason = judge.best;
    return code;
}

/* DANE-EE-10 */
int
ss_dane_verify_raw_key(const struct ss_tlsa_set *set, struct ss_bytes spki, int32_t *index,
                       int32_t *reason)
{
    uint8_t prints[2][SS_SHA512_LEN]; /* each made at most once */
    bool made[2] = {false, false};
    size_t i;
    int code;

    *index = -1;
    *reason = spki.len > 0 ? SMTPSEC_REASON_RAW_PUBLIC_KEY : SMTPSEC_REASON_NO_CERTIFICATE;
    for (i = 0; i < set->count && spki.len > 0; i++) {
        const struct ss_tlsa *record = &set->records[i];
        bool longer = record->matching == SS_TLSA_SHA512;
        struct ss_bytes octets = spki;

        if (!is_used(record) || record->usage != SS_TLSA_EE || record->selector != SS_TLSA_SPKI)
            continue;
        *reason = SMTPSEC_REASON_DANE_NO_MATCH;
        if (record->matching != SS_TLSA_FULL) {
            code = made[longer] ? 0 : make_print(record, spki, prints[longer]);
            if (code != 0)
                return code;
            made[longer] = true;
            octets.data = prints[longer];
            octets.len = longer ? SS_SHA512_LEN : SS_SHA256_LEN;
        }
        if (equal(record, octets.data, octets.len)) {
            *index = (int32_t)i;
            *reason = SMTPSEC_REASON_NONE;
            return 0;
        }
    }
    return 0;
}
