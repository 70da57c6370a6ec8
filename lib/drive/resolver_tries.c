/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "drive/query.h"

#include <sys/random.h>

#include "smtpsec.h"

/* Every server is asked, and those that were silent once more. */
#define ROUNDS 2
#define TRY_MS_MIN 250

enum {
    RCODE_NOERROR = 0,
    RCODE_FORMERR = 1,
    RCODE_SERVFAIL = 2,
    RCODE_NXDOMAIN = 3,
    RCODE_NOTIMP = 4,
    RCODE_REFUSED = 5
};

/* RFC 8914 section 4. */
enum {
    EXTENDED_INDETERMINATE = 5,
    EXTENDED_BOGUS_FIRST = 6, /* DNSSEC Bogus, and the reasons for it ... */
    EXTENDED_BOGUS_LAST = 12  /* ... up to NSEC Missing */
};

static const struct ss_server *
server_of(const struct ss_query *query)
{
    return &query->resolver->config.servers[query->server];
}

static bool
may_ask(const struct ss_query *query, size_t server)
{
    return !query->spent[server] &&
           (!query->trusted_only || query->resolver->config.servers[server].trusted);
}

/* The place after this one in the order of tries; false at its end. */
static bool
next_place(const struct ss_query *query, size_t *server, int *round)
{
    size_t count = query->resolver->config.count;
    size_t place;

    for (place = (size_t)query->round * count + query->server + 1; place < ROUNDS * count;
         place++) {
        if (may_ask(query, place % count)) {
            *server = place % count;
            *round = (int)(place / count);
            return true;
        }
    }
    return false;
}

/*
 * Time for this try. The last one has all that is left. TCP has the share of
 * both rounds, because a truncated reply is not asked for again.
 */
static int64_t
try_ms(const struct ss_query *query)
{
    const struct ss_resolver_config *config = &query->resolver->config;
    int64_t left_ms = query->deadline_ms - ss_loop_now_ms(query->resolver->loop);
    int64_t share_ms = config->timeout_ms / (int64_t)(ROUNDS * config->count);
    size_t server;
    int round;

    if (!next_place(query, &server, &round))
        return left_ms;
    if (query->tcp)
        share_ms *= ROUNDS;
    if (share_ms < TRY_MS_MIN)
        share_ms = TRY_MS_MIN;
    return share_ms < left_ms ? share_ms : left_ms;
}

/*
 * An id that nobody can guess, and that is forgotten once it is used. A child
 * cannot come by the same ones: in it the context refuses to work.
 */
static bool
draw_id(struct ss_resolver *resolver, uint16_t *id)
{
    if (resolver->id_count == 0) {
        if (getrandom(resolver->ids, sizeof(resolver->ids), GRND_NONBLOCK) !=
            (ssize_t)sizeof(resolver->ids))
            return false;
        resolver->id_count = SS_RESOLVER_IDS;
    }
    *id = resolver->ids[--resolver->id_count];
    resolver->ids[resolver->id_count] = 0;
    return true;
}

/* Write what is sent. */
static bool
write_message(struct ss_query *query)
{
    struct ss_buf out;
    size_t len;

    if (!draw_id(query->resolver, &query->id))
        return false;
    /* A buffer that is at its limit from the start never grows. */
    ss_buf_init(&out, sizeof(query->sent));
    out.data = query->sent;
    out.cap = sizeof(query->sent);
    ss_buf_be16(&out, 0);
    ss_dns_query_write(&out, query->id, &query->question, query->second_look);
    if (!ss_buf_ok(&out))
        return false;
    query->sent_len = out.len;
    len = out.len - SS_TCP_PREFIX;
    query->sent[0] = (uint8_t)(len >> 8);
    query->sent[1] = (uint8_t)len;
    return true;
}

static int32_t
open_try(struct ss_query *query)
{
    if (query->resolver->config.count == 0)
        return SMTPSEC_FAILURE_UNREACHABLE;
    /* No memory, or no random numbers yet: as good as no answer, and worth another try. */
    if (!write_message(query))
        return SMTPSEC_FAILURE_TIMEOUT;
    return query->tcp ? ss_query_tcp(query) : ss_query_udp(query);
}

bool
ss_query_try(struct ss_query *query)
{
    int64_t wait_ms = 0;

    ss_query_close(query);
    query->stillborn = open_try(query);
    if (query->stillborn == SMTPSEC_FAILURE_NONE)
        wait_ms = try_ms(query);
    return ss_loop_timer(query->resolver->loop, &query->timer, wait_ms) == 0;
}

/* From inside process() a lack of memory may end the query at once. */
static void
try_or_finish(struct ss_query *query)
{
    int32_t failure = query->failure;

    if (!ss_query_try(query))
        ss_query_finish(query, NULL, 0,
                        failure != SMTPSEC_FAILURE_NONE ? failure : SMTPSEC_FAILURE_TIMEOUT);
}

/* What a server said outweighs silence, and silence that nobody was there. The first stays. */
static int
weight(int32_t failure)
{
    switch (failure) {
    case SMTPSEC_FAILURE_NONE:
        return 0;
    case SMTPSEC_FAILURE_UNREACHABLE:
        return 1;
    case SMTPSEC_FAILURE_TIMEOUT:
        return 2;
    default:
        return 3;
    }
}

static void
next_server(struct ss_query *query)
{
    bool late = ss_loop_now_ms(query->resolver->loop) >= query->deadline_ms;

    query->second_look = false;
    query->tcp = false;
    if (late || !next_place(query, &query->server, &query->round))
        ss_query_finish(query, NULL, 0, query->failure);
    else
        try_or_finish(query);
}

/*
 * A trusted server that fails may have been made to fail: who can block the
 * zone's own servers makes a validating resolver silent or SERVFAIL. An
 * untrusted server that then answers would turn a failure into "insecure"
 * (matrix RES-05), so from here on only trusted ones are asked, unless nobody
 * was there at all.
 */
static void
note_failure(struct ss_query *query, int32_t failure)
{
    if (weight(failure) > weight(query->failure))
        query->failure = failure;
    if (failure != SMTPSEC_FAILURE_TIMEOUT)
        query->spent[query->server] = true;
    if (failure != SMTPSEC_FAILURE_UNREACHABLE && server_of(query)->trusted)
        query->trusted_only = true;
}

void
ss_query_try_failed(struct ss_query *query, int32_t failure)
{
    /* A second look that sees nothing leaves the SERVFAIL as it stands. */
    if (!query->second_look) {
        /* The reply is known to be there and to be too long (matrix TLSA-25). */
        note_failure(query, query->tcp ? SMTPSEC_FAILURE_TRUNCATED : failure);
    }
    next_server(query);
}

void
ss_query_truncated(struct ss_query *query)
{
    query->tcp = true;
    try_or_finish(query);
}

static int32_t
rcode_failure(int rcode)
{
    switch (rcode) {
    case RCODE_FORMERR:
        return SMTPSEC_FAILURE_FORMERR;
    case RCODE_SERVFAIL:
        return SMTPSEC_FAILURE_SERVFAIL;
    case RCODE_NOTIMP:
        return SMTPSEC_FAILURE_NOTIMP;
    case RCODE_REFUSED:
        return SMTPSEC_FAILURE_REFUSED;
    default:
        return SMTPSEC_FAILURE_RCODE;
    }
}

/*
 * SERVFAIL of a validating resolver: bogus, or dead servers? Some say it
 * themselves (RFC 8914). Otherwise the same question with CD gets the data
 * that validation refused (RFC 4035 5.5); matrix RES-05, RES-06.
 */
static void
explain_servfail(struct ss_query *query, const uint8_t *message, size_t len)
{
    int extended = ss_dns_reply_extended_error(message, len);

    note_failure(query, SMTPSEC_FAILURE_SERVFAIL);
    if (extended == EXTENDED_INDETERMINATE) {
        ss_query_finish(query, NULL, 0, SMTPSEC_FAILURE_INDETERMINATE);
    } else if (extended >= EXTENDED_BOGUS_FIRST && extended <= EXTENDED_BOGUS_LAST) {
        ss_query_finish(query, NULL, 0, SMTPSEC_FAILURE_BOGUS);
    } else {
        query->second_look = true;
        query->tcp = false;
        try_or_finish(query);
    }
}

void
ss_query_replied(struct ss_query *query, const uint8_t *message, size_t len)
{
    int rcode = ss_dns_reply_rcode(message, len);
    bool data = rcode == RCODE_NOERROR || rcode == RCODE_NXDOMAIN;

    if (query->second_look && data) {
        ss_query_finish(query, NULL, 0, SMTPSEC_FAILURE_BOGUS);
    } else if (data) {
        ss_query_finish(query, message, len, SMTPSEC_FAILURE_NONE);
    } else if (rcode == RCODE_SERVFAIL && server_of(query)->trusted && !query->second_look) {
        explain_servfail(query, message, len);
    } else if (query->second_look) {
        next_server(query);
    } else {
        note_failure(query, rcode_failure(rcode));
        next_server(query);
    }
}
