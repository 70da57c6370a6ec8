/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Question: type le16, name (length u8, wire form)
 * Answer:   flags le16, ttl le32, and what flags name: aliases u8, end, times
 *           of 40 bits, zone; then, of an answer with records, their number
 *           less one u8, and the records
 * Record:   by its type: octets of the address; preference le16 and name;
 *           name; length le16 and octets
 *
 * What is zero is left out, records rise, names are in lower case: the reader
 * refuses all else, so each answer has one form, and nothing that it accepts is
 * something that the reader of messages (reply.c) could not have made.
 */
#include "dns/answer_codec.h"

#include <stdlib.h>
#include <string.h>

#include "smtpsec.h"

enum {
    IS_OUTCOME = 0x0003, /* SMTPSEC_ANSWER_*; never FAILED */
    IS_SECURE = 0x0004,
    IS_DNSSEC = 0x0008,  /* the question asked for signatures */
    IS_DELEGATION = 0x0010,
    IS_WILDCARD = 0x0020,
    HAS_ALIASES = 0x0040,
    HAS_END = 0x0080,    /* which is not the question's name */
    HAS_ZONE = 0x0100,
    HAS_INCEPTION = 0x0200,
    HAS_EXPIRATION = 0x0400,
    HAS_NAME_INCEPTION = 0x0800,
    HAS_ALIAS_INCEPTION = 0x1000
};

#define TIMES 4
#define TIME_MAX INT64_C(0xffffffffff)
static const unsigned time_bits[TIMES] = { HAS_INCEPTION, HAS_EXPIRATION, HAS_NAME_INCEPTION,
                                           HAS_ALIAS_INCEPTION };

/* What stands in a record. */
enum shape { SHAPE_NONE, SHAPE_ADDRESS4, SHAPE_ADDRESS6, SHAPE_MX, SHAPE_NAME, SHAPE_OCTETS };

static enum shape
shape_of(uint16_t type)
{
    switch (type) {
    case SS_RR_A:
        return SHAPE_ADDRESS4;
    case SS_RR_AAAA:
        return SHAPE_ADDRESS6;
    case SS_RR_MX:
        return SHAPE_MX;
    case SS_RR_CNAME:
        return SHAPE_NAME;
    case SS_RR_TXT:
    case SS_RR_DS:
    case SS_RR_TLSA:
        return SHAPE_OCTETS;
    default:
        return SHAPE_NONE;
    }
}

static void
times_of(struct ss_answer *answer, int64_t *times[TIMES])
{
    times[0] = &answer->inception;
    times[1] = &answer->expiration;
    times[2] = &answer->name_inception;
    times[3] = &answer->alias_inception;
}

/* ---- What may be kept ---- */

static bool
record_keepable(const struct ss_rr *rr, uint16_t type)
{
    if (rr->type != type)
        return false;
    switch (shape_of(type)) {
    case SHAPE_ADDRESS4:
        return rr->address.family == 4;
    case SHAPE_ADDRESS6:
        return rr->address.family == 6;
    case SHAPE_MX:
    case SHAPE_NAME:
        return rr->name.len > 0;
    case SHAPE_OCTETS:
        return rr->len <= UINT16_MAX;
    default:
        return false;
    }
}

static bool
records_keepable(const struct ss_answer *answer, uint16_t type)
{
    size_t i;

    if ((answer->count > 0) != (answer->outcome == SMTPSEC_ANSWER_RECORDS) ||
        answer->count > SS_DNS_RECORD_LIMIT)
        return false;
    for (i = 0; i < answer->count; i++)
        if (!record_keepable(&answer->records[i], type) ||
            (i > 0 && ss_rr_compare(&answer->records[i - 1], &answer->records[i]) >= 0))
            return false;
    return true;
}

bool
ss_answer_keepable(const struct ss_question *question, const struct ss_answer *answer)
{
    struct ss_answer copy = *answer; /* to be looked at alone */
    int64_t *times[TIMES];
    size_t i;

    times_of(&copy, times);
    for (i = 0; i < TIMES; i++)
        if (*times[i] < 0 || *times[i] > TIME_MAX)
            return false;
    return question->name.len > 0 && shape_of(question->type) != SHAPE_NONE &&
           answer->outcome > SMTPSEC_ANSWER_FAILED && answer->outcome <= SMTPSEC_ANSWER_NO_NAME &&
           (answer->trust == SMTPSEC_TRUST_SECURE || answer->trust == SMTPSEC_TRUST_INSECURE) &&
           answer->failure == SMTPSEC_FAILURE_NONE && answer->ttl > 0 && answer->end.len > 0 &&
           answer->aliases <= SS_DNS_ALIAS_LIMIT && records_keepable(answer, question->type);
}

/* ---- Writing ---- */

static void
write_name(struct ss_buf *out, const struct ss_name *name)
{
    ss_buf_u8(out, name->len);
    ss_buf_put(out, name->wire, name->len);
}

static void
write_time(struct ss_buf *out, int64_t time)
{
    ss_buf_le32(out, (uint32_t)((uint64_t)time & 0xffffffffu));
    ss_buf_u8(out, (uint8_t)((uint64_t)time >> 32));
}

static unsigned
flags_of(const struct ss_question *question, struct ss_answer *answer)
{
    unsigned flags = (unsigned)answer->outcome & IS_OUTCOME;
    int64_t *times[TIMES];
    size_t i;

    flags |= answer->trust == SMTPSEC_TRUST_SECURE ? IS_SECURE : 0;
    flags |= question->dnssec ? IS_DNSSEC : 0;
    flags |= answer->delegation ? IS_DELEGATION : 0;
    flags |= answer->wildcard ? IS_WILDCARD : 0;
    flags |= answer->aliases > 0 ? HAS_ALIASES : 0;
    flags |= ss_name_equal(&answer->end, &question->name) ? 0 : HAS_END;
    flags |= answer->zone.len > 0 ? HAS_ZONE : 0;
    times_of(answer, times);
    for (i = 0; i < TIMES; i++)
        flags |= *times[i] != 0 ? time_bits[i] : 0;
    return flags;
}

static void
write_record(struct ss_buf *out, const struct ss_rr *rr)
{
    switch (shape_of(rr->type)) {
    case SHAPE_ADDRESS4:
        ss_buf_put(out, rr->address.octets, 4);
        break;
    case SHAPE_ADDRESS6:
        ss_buf_put(out, rr->address.octets, 16);
        break;
    case SHAPE_MX:
        ss_buf_le16(out, rr->preference);
        write_name(out, &rr->name);
        break;
    case SHAPE_NAME:
        write_name(out, &rr->name);
        break;
    default:
        ss_buf_le16(out, (uint16_t)rr->len);
        ss_buf_put(out, rr->data, rr->len);
        break;
    }
}

void
ss_answer_write(struct ss_buf *out, const struct ss_question *question,
                const struct ss_answer *answer)
{
    struct ss_answer copy = *answer;
    unsigned flags = flags_of(question, &copy);
    int64_t *times[TIMES];
    size_t i;

    ss_buf_le16(out, question->type);
    write_name(out, &question->name);
    ss_buf_le16(out, (uint16_t)flags);
    ss_buf_le32(out, answer->ttl);
    if (flags & HAS_ALIASES)
        ss_buf_u8(out, (uint8_t)answer->aliases);
    if (flags & HAS_END)
        write_name(out, &answer->end);
    if (flags & HAS_ZONE)
        write_name(out, &answer->zone);
    times_of(&copy, times);
    for (i = 0; i < TIMES; i++)
        if (flags & time_bits[i])
            write_time(out, *times[i]);
    if (answer->count > 0)
        ss_buf_u8(out, (uint8_t)(answer->count - 1));
    for (i = 0; i < answer->count; i++)
        write_record(out, &answer->records[i]);
}

/* ---- Reading ---- */

static void
read_name(struct ss_rd *rd, struct ss_name *name)
{
    uint8_t len = ss_rd_u8(rd);
    const uint8_t *wire = ss_rd_take(rd, len);

    /* In lower case already: names are compared as octets. */
    if (wire == NULL || !ss_name_from_wire(name, wire, len) || memcmp(name->wire, wire, len) != 0)
        rd->bad = true;
}

static int64_t
read_time(struct ss_rd *rd)
{
    uint64_t low = ss_rd_le32(rd);
    uint64_t high = ss_rd_u8(rd);

    if ((high << 32 | low) == 0)
        rd->bad = true;
    return (int64_t)(high << 32 | low);
}

static int
read_octets(struct ss_rd *rd, struct ss_rr *rr)
{
    size_t len = ss_rd_le16(rd);
    const uint8_t *octets = ss_rd_take(rd, len);

    if (octets == NULL)
        return SMTPSEC_E_FORMAT;
    rr->data = malloc(len > 0 ? len : 1);
    if (rr->data == NULL)
        return SMTPSEC_E_NOMEM;
    memcpy(rr->data, octets, len);
    rr->len = len;
    return 0;
}

static int
read_address(struct ss_rd *rd, struct ss_rr *rr, uint8_t family, size_t len)
{
    const uint8_t *octets = ss_rd_take(rd, len);

    if (octets == NULL)
        return SMTPSEC_E_FORMAT;
    rr->address.family = family;
    memcpy(rr->address.octets, octets, len);
    return 0;
}

static int
read_record(struct ss_rd *rd, uint16_t type, struct ss_rr *rr)
{
    rr->type = type;
    switch (shape_of(type)) {
    case SHAPE_ADDRESS4:
        return read_address(rd, rr, 4, 4);
    case SHAPE_ADDRESS6:
        return read_address(rd, rr, 6, 16);
    case SHAPE_OCTETS:
        return read_octets(rd, rr);
    case SHAPE_MX:
        rr->preference = ss_rd_le16(rd);
        read_name(rd, &rr->name);
        return rd->bad ? SMTPSEC_E_FORMAT : 0;
    default:
        read_name(rd, &rr->name);
        return rd->bad ? SMTPSEC_E_FORMAT : 0;
    }
}

static int
read_records(struct ss_rd *rd, uint16_t type, struct ss_answer *answer)
{
    size_t count = (size_t)ss_rd_u8(rd) + 1; /* SS_DNS_RECORD_LIMIT fits exactly */
    int r = rd->bad ? SMTPSEC_E_FORMAT : 0;

    /* None is shorter than two octets: no small value can ask for much memory. */
    if (r != 0 || rd->left / 2 < count)
        return SMTPSEC_E_FORMAT;
    answer->records = calloc(count, sizeof(*answer->records));
    if (answer->records == NULL)
        return SMTPSEC_E_NOMEM;
    while (r == 0 && answer->count < count)
        r = read_record(rd, type, &answer->records[answer->count++]);
    return r;
}

static int
read_answer(struct ss_rd *rd, struct ss_question *question, struct ss_answer *answer)
{
    unsigned flags = ss_rd_le16(rd);
    int64_t *times[TIMES];
    size_t i;

    answer->outcome = (int32_t)(flags & IS_OUTCOME);
    answer->trust = (flags & IS_SECURE) != 0 ? SMTPSEC_TRUST_SECURE : SMTPSEC_TRUST_INSECURE;
    question->dnssec = (flags & IS_DNSSEC) != 0;
    answer->delegation = (flags & IS_DELEGATION) != 0;
    answer->wildcard = (flags & IS_WILDCARD) != 0;
    answer->ttl = ss_rd_le32(rd);
    answer->aliases = (flags & HAS_ALIASES) != 0 ? ss_rd_u8(rd) : 0;
    answer->end = question->name;
    if (flags & HAS_END)
        read_name(rd, &answer->end);
    if (flags & HAS_ZONE)
        read_name(rd, &answer->zone);
    times_of(answer, times);
    for (i = 0; i < TIMES; i++)
        if (flags & time_bits[i])
            *times[i] = read_time(rd);
    /* Flags that nobody knows, or that name what is zero. */
    if (rd->bad || flags_of(question, answer) != flags)
        return SMTPSEC_E_FORMAT;
    return answer->outcome == SMTPSEC_ANSWER_RECORDS ? read_records(rd, question->type, answer) : 0;
}

int
ss_answer_read(struct ss_rd *rd, struct ss_question *question, struct ss_answer *answer)
{
    int r;

    memset(question, 0, sizeof(*question));
    ss_answer_init(answer);
    question->type = ss_rd_le16(rd);
    read_name(rd, &question->name);
    r = rd->bad ? SMTPSEC_E_FORMAT : read_answer(rd, question, answer);
    if (r == 0 && !ss_answer_keepable(question, answer))
        r = SMTPSEC_E_FORMAT;
    if (r != 0)
        ss_answer_free(answer);
    return r;
}
