/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * From a framed reply to an answer: the alias chain, the records at its end,
 * and what the whole is worth. Inside this file a malformed reply is
 * SMTPSEC_E_FORMAT and too long a chain SMTPSEC_E_LIMIT; to the outside both
 * are failed answers.
 */
#include "dns/message.h"

#include <stdlib.h>
#include <string.h>

#include "dns/denial.h"
#include "dns/frame.h"
#include "dns/record.h"

/* No answer is kept longer than a week (RFC 8767 section 4). */
#define TTL_MAX 604800

enum { RCODE_NOERROR = 0, RCODE_SERVFAIL = 2, RCODE_NXDOMAIN = 3 };
enum { RR_SIG = 24, RR_KEY = 25, RR_NSEC = 47 };
enum { EDE_INDETERMINATE = 5 };

struct reply {
    const struct ss_question *question;
    struct ss_dns_frames frames;
    struct ss_answer *answer;
    bool disagree; /* signers */
};

/* What the answer section says at one name. */
struct place {
    size_t asked;   /* records of the asked type */
    bool other;     /* data that must not stand beside an alias */
    bool alias;
    struct ss_name target;
    uint32_t alias_ttl;
    int64_t inception; /* the earliest signature over the alias, or a DNAME above; 0: none */
    bool under_dname;  /* a DNAME stands above the name */
};

static uint32_t
ttl_of(uint32_t ttl)
{
    /* RFC 2181 section 8: with the top bit set it counts as zero. */
    if ((ttl & 0x80000000) != 0)
        return 0;
    return ttl > TTL_MAX ? TTL_MAX : ttl;
}

static uint32_t
least(uint32_t a, uint32_t b)
{
    return a < b ? a : b;
}

/* Records that DNSSEC puts beside an alias (RFC 4034 section 3 and 4, RFC 2535 2.3.5). */
static bool
may_stand_beside_alias(uint16_t type)
{
    return type == SS_RR_RRSIG || type == RR_NSEC || type == RR_SIG || type == RR_KEY;
}

static int
note_alias(const struct ss_dns_frames *frames, const struct ss_dns_frame *frame,
           struct place *place)
{
    uint32_t ttl = ttl_of(frame->ttl);
    struct ss_rr rr;
    int code = ss_dns_record_read(frames, frame, &rr);

    if (code != 0)
        return code;
    if (place->alias && !ss_name_equal(&place->target, &rr.name))
        return SMTPSEC_E_FORMAT;
    place->alias_ttl = place->alias ? least(place->alias_ttl, ttl) : ttl;
    place->alias = true;
    place->target = rr.name;
    return 0;
}

/* A signature in the answer section: does it cover what leads on from here? */
static int
note_alias_signature(const struct ss_dns_frames *frames, const struct ss_dns_frame *frame,
                     bool is_here, struct place *place)
{
    struct ss_rrsig rrsig;
    int code = ss_dns_rrsig_read(frames, frame, &rrsig);

    if (code == 0 && rrsig.covered == (is_here ? SS_RR_CNAME : SS_RR_DNAME) &&
        (place->inception == 0 || rrsig.inception < place->inception))
        place->inception = rrsig.inception;
    return code;
}

static int
look_at(const struct reply *reply, const struct ss_name *name, struct place *place)
{
    const struct ss_dns_frames *frames = &reply->frames;
    const struct ss_dns_frame *frame;
    struct ss_name owner;
    size_t i;
    int code = 0;

    memset(place, 0, sizeof(*place));
    for (i = 0; i < frames->count && code == 0; i++) {
        frame = &frames->list[i];
        if (frame->section != SS_DNS_ANSWER || frame->rr_class != SS_DNS_CLASS_IN)
            continue;
        ss_dns_frame_owner(frames, frame, &owner);
        if (frame->type == SS_RR_RRSIG && ss_dns_is_under(name, &owner))
            code = note_alias_signature(frames, frame, ss_name_equal(&owner, name), place);
        else if (!ss_name_equal(&owner, name))
            place->under_dname |= frame->type == SS_RR_DNAME && ss_dns_is_under(name, &owner);
        else if (frame->type == SS_RR_CNAME)
            code = note_alias(frames, frame, place);
        else if (frame->type == reply->question->type)
            place->asked++;
        else if (!may_stand_beside_alias(frame->type))
            place->other = true;
    }
    return code;
}

/*
 * Follow the aliases (RFC 1034 3.6.2) to where no alias stands; a CNAME that
 * was asked for is data. A DNAME works through the CNAME made from it (RFC 6672
 * 3.1, matrix RES-15); one without it is an answer that was cut.
 */
static int
follow(struct reply *reply)
{
    struct ss_answer *answer = reply->answer;
    struct place place;
    int code;

    answer->end = reply->question->name;
    for (;;) {
        code = look_at(reply, &answer->end, &place);
        if (code != 0)
            return code;
        if (place.alias && (place.asked > 0 || place.other))
            return SMTPSEC_E_FORMAT;
        if (place.alias && reply->question->type == SS_RR_CNAME)
            return 0;
        if (!place.alias)
            return place.asked == 0 && place.under_dname ? SMTPSEC_E_FORMAT : 0;
        if (answer->aliases == SS_DNS_ALIAS_LIMIT)
            return SMTPSEC_E_LIMIT;
        answer->aliases++;
        answer->ttl = least(answer->ttl, place.alias_ttl);
        if (place.inception != 0 &&
            (answer->alias_inception == 0 || place.inception < answer->alias_inception))
            answer->alias_inception = place.inception;
        answer->end = place.target;
    }
}

/* Add a record unless it is there already (RFC 2181 section 5: an RRset is a set). */
static int
add_record(struct ss_answer *answer, struct ss_rr *rr)
{
    struct ss_rr *records;
    size_t i;

    for (i = 0; i < answer->count; i++)
        if (ss_rr_compare(&answer->records[i], rr) == 0)
            return 0;
    if (answer->count == SS_DNS_RECORD_LIMIT)
        return SMTPSEC_E_FORMAT;
    records = realloc(answer->records, (answer->count + 1) * sizeof(*records));
    if (records == NULL)
        return SMTPSEC_E_NOMEM;
    answer->records = records;
    records[answer->count++] = *rr;
    rr->data = NULL;
    return 0;
}

static int
collect_record(struct reply *reply, const struct ss_dns_frame *frame)
{
    struct ss_rr rr;
    int code = ss_dns_record_read(&reply->frames, frame, &rr);

    if (code != 0)
        return code;
    code = add_record(reply->answer, &rr);
    free(rr.data);
    reply->answer->ttl = least(reply->answer->ttl, ttl_of(frame->ttl));
    return code;
}

/*
 * Of several signatures over one RRset the earliest counts: a validator needs
 * one that is good and hands on the rest, so whoever replays an old set could
 * lay a fresh-looking signature beside it (PREC-11).
 */
static int
collect_signature(struct reply *reply, const struct ss_dns_frame *frame)
{
    struct ss_answer *answer = reply->answer;
    struct ss_rrsig rrsig;
    int code = ss_dns_rrsig_read(&reply->frames, frame, &rrsig);

    if (code != 0 || rrsig.covered != reply->question->type)
        return code;
    ss_dns_note_signer(answer, &rrsig.signer, &reply->disagree);
    if (rrsig.labels < ss_name_labels(&answer->end))
        answer->wildcard = true;
    if (answer->inception == 0 || rrsig.inception < answer->inception) {
        answer->inception = rrsig.inception;
        answer->expiration = rrsig.expiration;
    }
    return 0;
}

static int
collect_records(struct reply *reply)
{
    const struct ss_dns_frames *frames = &reply->frames;
    const struct ss_dns_frame *frame;
    struct ss_name owner;
    size_t i;
    int code = 0;

    for (i = 0; i < frames->count && code == 0; i++) {
        frame = &frames->list[i];
        if (frame->section != SS_DNS_ANSWER || frame->rr_class != SS_DNS_CLASS_IN)
            continue;
        ss_dns_frame_owner(frames, frame, &owner);
        if (!ss_name_equal(&owner, &reply->answer->end))
            continue;
        if (frame->type == reply->question->type)
            code = collect_record(reply, frame);
        else if (frame->type == SS_RR_RRSIG)
            code = collect_signature(reply, frame);
    }
    return code;
}

/* RFC 2308 section 5: a denial lives for the lesser of the SOA's TTL and its minimum. */
static int
collect_soa(struct reply *reply, const struct ss_dns_frame *frame, bool *soa)
{
    struct ss_name owner;
    uint32_t minimum;
    int code;

    ss_dns_frame_owner(&reply->frames, frame, &owner);
    if (!ss_dns_is_under(&reply->answer->end, &owner))
        return 0;
    code = ss_dns_soa_minimum(&reply->frames, frame, &minimum);
    if (code != 0)
        return code;
    *soa = true;
    reply->answer->ttl = least(reply->answer->ttl, least(ttl_of(frame->ttl), ttl_of(minimum)));
    return 0;
}

static int
collect_denial(struct reply *reply)
{
    const struct ss_dns_frames *frames = &reply->frames;
    const struct ss_dns_frame *frame;
    bool soa = false;
    size_t i;
    int code = 0;

    for (i = 0; i < frames->count && code == 0; i++) {
        frame = &frames->list[i];
        if (frame->section != SS_DNS_AUTHORITY || frame->rr_class != SS_DNS_CLASS_IN)
            continue;
        if (frame->type == SS_RR_SOA)
            code = collect_soa(reply, frame, &soa);
    }
    if (code == 0)
        code = ss_dns_denial_read(frames, reply->question->type, reply->answer);
    if (code != 0 || soa)
        return code;
    /* No SOA, no time to keep it (RFC 2308 section 5); and not from a resolver: a referral. */
    reply->answer->ttl = 0;
    return (frames->flags & SS_DNS_RA) != 0 ? 0 : SMTPSEC_E_FORMAT;
}

/* Fill the answer from a reply of rcode NOERROR or NXDOMAIN. */
static int
fill(struct reply *reply, bool no_name, bool secure)
{
    struct ss_answer *answer = reply->answer;
    int code;

    answer->ttl = TTL_MAX;
    answer->trust = secure ? SMTPSEC_TRUST_SECURE : SMTPSEC_TRUST_INSECURE;
    code = follow(reply);
    if (code == 0)
        code = collect_records(reply);
    if (code != 0)
        return code;
    if (answer->count == 0) {
        answer->outcome = no_name ? SMTPSEC_ANSWER_NO_NAME : SMTPSEC_ANSWER_NO_DATA;
        return collect_denial(reply);
    }
    /* A name cannot have records and not exist. */
    if (no_name)
        return SMTPSEC_E_FORMAT;
    answer->outcome = SMTPSEC_ANSWER_RECORDS;
    ss_answer_sort(answer);
    return 0;
}

static int32_t
servfail(const struct ss_dns_frames *frames)
{
    int code = ss_dns_frames_extended_error(frames);

    if (ss_dns_extended_error_is_bogus(code))
        return SMTPSEC_FAILURE_BOGUS;
    return code == EDE_INDETERMINATE ? SMTPSEC_FAILURE_INDETERMINATE : SMTPSEC_FAILURE_SERVFAIL;
}

/* The failure an rcode stands for (RFC 1035 4.1.1), or NONE. */
static int32_t
rcode_failure(const struct ss_dns_frames *frames)
{
    switch (ss_dns_frames_rcode(frames)) {
    case RCODE_NOERROR:
    case RCODE_NXDOMAIN:
        return SMTPSEC_FAILURE_NONE;
    case 1:
        return SMTPSEC_FAILURE_FORMERR;
    case RCODE_SERVFAIL:
        return servfail(frames);
    case 4:
        return SMTPSEC_FAILURE_NOTIMP;
    case 5:
        return SMTPSEC_FAILURE_REFUSED;
    default:
        return SMTPSEC_FAILURE_RCODE;
    }
}

static bool
is_reply_to(const struct ss_dns_frames *frames, const struct ss_question *question)
{
    return (frames->flags & SS_DNS_QR) != 0 && (frames->flags & SS_DNS_OPCODE) == 0 &&
           frames->question_class == SS_DNS_CLASS_IN &&
           frames->question_type == question->type &&
           ss_name_equal(&frames->question, &question->name);
}

static int32_t
failure_of(int code)
{
    return code == SMTPSEC_E_LIMIT ? SMTPSEC_FAILURE_ALIAS : SMTPSEC_FAILURE_MALFORMED;
}

/* Judge a framed reply: 0, a failure as SMTPSEC_E_FORMAT or _LIMIT, or SMTPSEC_E_NOMEM. */
static int
judge(struct reply *reply, bool trusted, int32_t *failure)
{
    const struct ss_dns_frames *frames = &reply->frames;
    bool secure = trusted && (frames->flags & SS_DNS_AD) != 0;
    bool no_name = ss_dns_frames_rcode(frames) == RCODE_NXDOMAIN;
    int code;

    *failure = SMTPSEC_FAILURE_MALFORMED;
    if (!is_reply_to(frames, reply->question))
        return SMTPSEC_E_FORMAT;
    *failure = rcode_failure(frames);
    if (*failure != SMTPSEC_FAILURE_NONE)
        return SMTPSEC_E_FORMAT;
    code = fill(reply, no_name, secure);
    if (code != 0)
        *failure = failure_of(code);
    return code;
}

int
ss_dns_reply_read(const struct ss_question *question, const uint8_t *message, size_t len,
                  bool trusted, struct ss_answer *answer)
{
    struct reply reply = { question, { 0 }, answer, false };
    int32_t failure = SMTPSEC_FAILURE_MALFORMED;
    int code;

    ss_answer_init(answer);
    /* Before all else: cut off, it can look like a secure answer without records (TLSA-25). */
    if (message != NULL && len >= SS_DNS_HEADER && (message[2] << 8 & SS_DNS_TC) != 0) {
        ss_answer_fail(answer, SMTPSEC_FAILURE_TRUNCATED);
        return 0;
    }
    code = ss_dns_frames_read(&reply.frames, message, len);
    if (code == 0)
        code = judge(&reply, trusted, &failure);
    ss_dns_frames_free(&reply.frames);
    if (code == SMTPSEC_E_NOMEM)
        ss_answer_free(answer);
    else if (code != 0)
        ss_answer_fail(answer, failure);
    return code == SMTPSEC_E_NOMEM ? code : 0;
}
