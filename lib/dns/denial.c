/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "dns/denial.h"

#include <ldns/sha1.h>
#include <string.h>

#include "base/bytes.h"
#include "dns/record.h"
#include "smtpsec.h"

enum { RR_NSEC = 47, RR_NSEC3 = 50 };
enum { HASH_SHA1 = 1, HASH_LEN = 20, HASH_TEXT = 32 };

/* Far more than any denial has; of a longer one the earliest signature counts. */
#define SETS_MAX 24
/* Rounds of hashing spent on one reply. */
#define ROUNDS_MAX 20000

/* One NSEC or NSEC3 record with its signatures. */
struct set {
    struct ss_name owner;
    uint16_t type;
    const struct ss_dns_frame *record; /* NULL: only signatures were there */
    int64_t inception;                 /* the earliest; 0: unsigned */
    int64_t expiration;
};

struct denial {
    const struct ss_dns_frames *frames;
    struct ss_answer *answer;
    uint16_t type;
    size_t count;
    struct set sets[SETS_MAX];
    bool more;         /* than can be told apart */
    unsigned rounds_left;
    bool disagree;     /* signers */
    struct set oldest; /* over all */
};

/* A record's rdata, taken apart. */
struct nsec {
    struct ss_name next;  /* NSEC */
    uint16_t iterations;  /* NSEC3 */
    struct ss_bytes salt;
    struct ss_bytes next_hash;
    struct ss_bytes types; /* bit map */
};

bool
ss_dns_is_under(const struct ss_name *name, const struct ss_name *top)
{
    size_t at = 0;

    while (at < name->len && (size_t)name->len - at > top->len)
        at += 1 + (size_t)name->wire[at];
    return at < name->len && (size_t)name->len - at == top->len &&
           memcmp(name->wire + at, top->wire, top->len) == 0;
}

void
ss_dns_note_signer(struct ss_answer *answer, const struct ss_name *signer, bool *disagree)
{
    if (*disagree || !ss_dns_is_under(&answer->end, signer))
        return;
    if (answer->zone.len == 0) {
        answer->zone = *signer;
    } else if (!ss_name_equal(&answer->zone, signer)) {
        memset(&answer->zone, 0, sizeof(answer->zone));
        *disagree = true;
    }
}

/* ---- The sets ---- */

static struct set *
set_of(struct denial *denial, const struct ss_name *owner, uint16_t type)
{
    size_t i;

    for (i = 0; i < denial->count; i++)
        if (denial->sets[i].type == type && ss_name_equal(&denial->sets[i].owner, owner))
            return &denial->sets[i];
    if (denial->count == SETS_MAX) {
        denial->more = true;
        return NULL;
    }
    memset(&denial->sets[denial->count], 0, sizeof(denial->sets[denial->count]));
    denial->sets[denial->count].owner = *owner;
    denial->sets[denial->count].type = type;
    return &denial->sets[denial->count++];
}

/* The earlier signature of the two stays; an unsigned set has none to offer. */
static void
take_earlier(struct set *into, int64_t inception, int64_t expiration)
{
    if (inception == 0 || (into->inception != 0 && into->inception <= inception))
        return;
    into->inception = inception;
    into->expiration = expiration;
}

static int
note_signature(struct denial *denial, const struct ss_dns_frame *frame,
               const struct ss_name *owner)
{
    struct ss_rrsig rrsig;
    struct set *set;
    int code = ss_dns_rrsig_read(denial->frames, frame, &rrsig);

    if (code != 0 || (rrsig.covered != RR_NSEC && rrsig.covered != RR_NSEC3))
        return code;
    set = set_of(denial, owner, rrsig.covered);
    if (set != NULL)
        take_earlier(set, rrsig.inception, rrsig.expiration);
    take_earlier(&denial->oldest, rrsig.inception, rrsig.expiration);
    ss_dns_note_signer(denial->answer, &rrsig.signer, &denial->disagree);
    return 0;
}

static int
gather(struct denial *denial)
{
    const struct ss_dns_frame *frame;
    struct ss_name owner;
    struct set *set;
    size_t i;
    int code = 0;

    for (i = 0; i < denial->frames->count && code == 0; i++) {
        frame = &denial->frames->list[i];
        if (frame->section != SS_DNS_AUTHORITY || frame->rr_class != SS_DNS_CLASS_IN)
            continue;
        ss_dns_frame_owner(denial->frames, frame, &owner);
        if (frame->type == SS_RR_RRSIG) {
            code = note_signature(denial, frame, &owner);
        } else if (frame->type == RR_NSEC || frame->type == RR_NSEC3) {
            set = set_of(denial, &owner, frame->type);
            /* Two different records in one set are none that a signer makes. */
            if (set != NULL && set->record != NULL)
                denial->more = true;
            else if (set != NULL)
                set->record = frame;
        }
    }
    return code;
}

/* ---- Rdata ---- */

static bool
read_nsec3(struct ss_rd *rd, struct nsec *nsec)
{
    uint8_t algorithm = ss_rd_u8(rd);

    (void)ss_rd_u8(rd); /* flags: opt-out is the validator's to know, it leaves AD out */
    nsec->iterations = ss_rd_be16(rd);
    nsec->salt.len = ss_rd_u8(rd);
    nsec->salt.data = ss_rd_take(rd, nsec->salt.len);
    nsec->next_hash.len = ss_rd_u8(rd);
    nsec->next_hash.data = ss_rd_take(rd, nsec->next_hash.len);
    return !rd->bad && algorithm == HASH_SHA1 && nsec->next_hash.len == HASH_LEN &&
           nsec->iterations <= SS_NSEC3_ITERATIONS;
}

static bool
read_nsec(const struct denial *denial, const struct set *set, struct nsec *nsec)
{
    const struct ss_dns_frame *frame = set->record;
    size_t at, end;
    struct ss_rd rd;

    memset(nsec, 0, sizeof(*nsec));
    if (frame == NULL || set->inception == 0)
        return false;
    at = frame->rdata_at;
    end = at + frame->rdlen;
    if (set->type == RR_NSEC) {
        if (!ss_dns_name_read(denial->frames->octets, end, &at, &nsec->next))
            return false;
        ss_rd_init(&rd, denial->frames->octets + at, end - at);
    } else {
        ss_rd_init(&rd, denial->frames->octets + at, end - at);
        if (!read_nsec3(&rd, nsec))
            return false;
    }
    nsec->types.data = rd.at;
    nsec->types.len = rd.left;
    return true;
}

/* RFC 4034 4.1.2: windows of 256 types. */
static bool
has_type(const struct nsec *nsec, uint16_t type)
{
    const uint8_t *map;
    struct ss_rd rd;
    uint8_t window, len;

    ss_rd_init(&rd, nsec->types.data, nsec->types.len);
    while (rd.left > 0) {
        window = ss_rd_u8(&rd);
        len = ss_rd_u8(&rd);
        map = ss_rd_take(&rd, len);
        if (map == NULL || len > 32)
            return true; /* a map that cannot be read denies nothing */
        if (window == type >> 8 && (type & 0xff) / 8 < len)
            return (map[(type & 0xff) / 8] & (0x80u >> (type % 8))) != 0;
    }
    return false;
}

static bool
is_delegation(const struct nsec *nsec)
{
    return has_type(nsec, SS_RR_NS) && !has_type(nsec, SS_RR_SOA) && !has_type(nsec, SS_RR_DS);
}

/* Standing at the name, does it deny the type? RFC 6840 4.1: each side of a zone cut for its own. */
static bool
lacks_type(const struct nsec *nsec, uint16_t type)
{
    bool parent = has_type(nsec, SS_RR_NS) && !has_type(nsec, SS_RR_SOA);

    if (has_type(nsec, type) || has_type(nsec, SS_RR_CNAME))
        return false;
    return type == SS_RR_DS ? !has_type(nsec, SS_RR_SOA) : !parent;
}

/* ---- Order of names (RFC 4034 6.1) ---- */

static size_t
label_places(const struct ss_name *name, uint8_t places[128])
{
    size_t at = 0, count = 0;

    while (at < name->len && name->wire[at] != 0 && count < 128) {
        places[count++] = (uint8_t)at;
        at += 1 + (size_t)name->wire[at];
    }
    return count;
}

static int
compare_labels(const uint8_t *a, const uint8_t *b)
{
    size_t shorter = a[0] < b[0] ? a[0] : b[0];
    int order = memcmp(a + 1, b + 1, shorter);

    return order != 0 ? order : (int)a[0] - (int)b[0];
}

static int
compare_canonical(const struct ss_name *a, const struct ss_name *b)
{
    uint8_t a_places[128], b_places[128];
    size_t a_count = label_places(a, a_places);
    size_t b_count = label_places(b, b_places);
    int order = 0;

    while (a_count > 0 && b_count > 0 && order == 0)
        order = compare_labels(a->wire + a_places[--a_count], b->wire + b_places[--b_count]);
    if (order != 0)
        return order;
    return (a_count > 0) - (b_count > 0);
}

/* ---- Hashes (RFC 5155 section 5) ---- */

/* Base32 with the alphabet that keeps the order (RFC 4648 section 7). */
static void
write_hash(char text[HASH_TEXT + 1], const uint8_t hash[HASH_LEN])
{
    static const char digits[] = "0123456789abcdefghijklmnopqrstuv";
    unsigned bits;
    size_t i;

    for (i = 0; i < HASH_TEXT; i++) {
        bits = (unsigned)hash[i * 5 / 8] << 8;
        if (i * 5 / 8 + 1 < HASH_LEN)
            bits |= hash[i * 5 / 8 + 1];
        text[i] = digits[bits >> (11 - i * 5 % 8) & 31];
    }
    text[HASH_TEXT] = '\0';
}

/* False when it would cost too much: whoever makes the reply chooses the rounds. */
static bool
hash_name(struct denial *denial, const struct ss_name *name, const struct nsec *nsec,
          char text[HASH_TEXT + 1])
{
    uint8_t octets[SS_NAME_WIRE + 255];
    uint8_t hash[HASH_LEN];
    size_t len = name->len;
    unsigned rounds = nsec->iterations + 1u;

    if (denial->rounds_left < rounds) {
        denial->more = true;
        return false;
    }
    denial->rounds_left -= rounds;
    memcpy(octets, name->wire, len);
    for (; rounds > 0; rounds--) {
        memcpy(octets + len, nsec->salt.data, nsec->salt.len);
        (void)ldns_sha1(octets, (unsigned)(len + nsec->salt.len), hash);
        memcpy(octets, hash, HASH_LEN);
        len = HASH_LEN;
    }
    write_hash(text, hash);
    return true;
}

/* Does the name lie in the zone below which the hashed owner stands? */
static bool
is_in_zone(const struct set *set, const struct ss_name *name)
{
    struct ss_name zone;

    if (set->owner.wire[0] != HASH_TEXT)
        return false;
    zone.len = (uint8_t)(set->owner.len - HASH_TEXT - 1);
    memcpy(zone.wire, set->owner.wire + HASH_TEXT + 1, zone.len);
    return ss_dns_is_under(name, &zone);
}

/* ---- What a set says of a name ---- */

static bool
matches(struct denial *denial, const struct set *set, const struct nsec *nsec,
        const struct ss_name *name)
{
    char hash[HASH_TEXT + 1];

    if (set->type == RR_NSEC)
        return ss_name_equal(&set->owner, name);
    return is_in_zone(set, name) && hash_name(denial, name, nsec, hash) &&
           memcmp(set->owner.wire + 1, hash, HASH_TEXT) == 0;
}

/* The last record of a zone leads back to its first. */
static bool
between(int name_to_owner, int name_to_next, int owner_to_next)
{
    if (owner_to_next >= 0)
        return name_to_owner > 0 || name_to_next < 0;
    return name_to_owner > 0 && name_to_next < 0;
}

static bool
covers(struct denial *denial, const struct set *set, const struct nsec *nsec,
       const struct ss_name *name)
{
    const uint8_t *owner = set->owner.wire + 1;
    char hash[HASH_TEXT + 1];
    char next[HASH_TEXT + 1];

    if (set->type == RR_NSEC)
        return between(compare_canonical(name, &set->owner), compare_canonical(name, &nsec->next),
                       compare_canonical(&set->owner, &nsec->next));
    if (!is_in_zone(set, name) || !hash_name(denial, name, nsec, hash))
        return false;
    write_hash(next, nsec->next_hash.data);
    return between(memcmp(hash, owner, HASH_TEXT), memcmp(hash, next, HASH_TEXT),
                   memcmp(owner, next, HASH_TEXT));
}

/* NODATA: the set at the name, if it proves the denial by itself. */
static void
weigh_no_data(struct denial *denial, struct set *all, struct set *own)
{
    struct nsec nsec;
    size_t i;

    for (i = 0; i < denial->count; i++) {
        const struct set *set = &denial->sets[i];

        if (!read_nsec(denial, set, &nsec) || !lacks_type(&nsec, denial->type) ||
            !matches(denial, set, &nsec, &denial->answer->end))
            continue;
        take_earlier(own, set->inception, set->expiration);
        denial->answer->delegation = is_delegation(&nsec);
    }
    *all = *own;
}

/* The n labels at the end of a name. */
static struct ss_name
last_labels(const struct ss_name *name, size_t n)
{
    struct ss_name out = *name;
    size_t labels = ss_name_labels(name);

    while (labels-- > n) {
        size_t head = 1 + (size_t)out.wire[0];

        out.len = (uint8_t)(out.len - head);
        memmove(out.wire, out.wire + head, out.len);
    }
    return out;
}

/* RFC 5155 7.2.1: the longest ancestor that exists, as labels; false when none is shown. */
static bool
closest_encloser(struct denial *denial, size_t *labels)
{
    struct ss_name ancestor;
    struct nsec nsec;
    size_t n, i;

    for (n = ss_name_labels(&denial->answer->end); n-- > 0;) {
        ancestor = last_labels(&denial->answer->end, n);
        for (i = 0; i < denial->count; i++)
            if (denial->sets[i].type == RR_NSEC3 && read_nsec(denial, &denial->sets[i], &nsec) &&
                matches(denial, &denial->sets[i], &nsec, &ancestor)) {
                *labels = n;
                return true;
            }
    }
    return false;
}

/* NXDOMAIN: what covers the name, and what denies a wildcard for it. */
static void
weigh_no_name(struct denial *denial, struct set *all, struct set *own)
{
    const struct ss_name *end = &denial->answer->end;
    struct ss_name encloser, closer = *end;
    struct nsec nsec;
    size_t labels = 0, i;
    bool hashed = closest_encloser(denial, &labels);

    encloser = last_labels(end, labels);
    if (hashed)
        closer = last_labels(end, labels + 1);
    for (i = 0; i < denial->count; i++) {
        const struct set *set = &denial->sets[i];
        bool covering;

        if (!read_nsec(denial, set, &nsec)) {
            take_earlier(all, set->inception, set->expiration);
            continue;
        }
        covering = covers(denial, set, &nsec, set->type == RR_NSEC ? end : &closer);
        if (covering)
            take_earlier(own, set->inception, set->expiration);
        /* An ancestor's existence is not what a replay could gain by. */
        if (covering || set->type == RR_NSEC || !hashed ||
            !matches(denial, set, &nsec, &encloser))
            take_earlier(all, set->inception, set->expiration);
    }
}

int
ss_dns_denial_read(const struct ss_dns_frames *frames, uint16_t type, struct ss_answer *answer)
{
    struct denial denial = {.frames = frames, .answer = answer, .type = type,
                            .rounds_left = ROUNDS_MAX};
    struct set all = {.type = 0}, own = {.type = 0};
    int code = gather(&denial);

    if (code != 0)
        return code;
    if (answer->outcome == SMTPSEC_ANSWER_NO_DATA)
        weigh_no_data(&denial, &all, &own);
    else
        weigh_no_name(&denial, &all, &own);
    if (own.inception == 0 || denial.more) {
        all = own = denial.oldest;
        answer->delegation = false;
    }
    answer->inception = all.inception;
    answer->expiration = all.expiration;
    answer->name_inception = own.inception;
    return 0;
}
