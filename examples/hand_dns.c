/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "hand_dns.h"

#include <arpa/inet.h>
#include <errno.h>
#include <netinet/in.h>
#include <poll.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>
#include <time.h>
#include <unistd.h>

#include <smtpsec.h>

#include "text.h"

enum {
    TRY_MS = 2000,
    ROUNDS = 2,
    PAYLOAD = 1232,
    HEADER = 12,
    FLAG_TC = 0x02, /* octet 2 */
    FLAG_AD = 0x20, /* octet 3 */
    FLAG_CD = 0x10,
    RCODE_NOERROR = 0,
    RCODE_SERVFAIL = 2,
    RCODE_NXDOMAIN = 3,
    TYPE_OPT = 41,
    OPTION_EDE = 15,
    EDE_INDETERMINATE = 5,
    EDE_BOGUS_FIRST = 6,
    EDE_BOGUS_LAST = 12
};

struct query {
    uint8_t octets[600];
    size_t len;
    size_t question_len;
};

int64_t
hand_now_ms(void)
{
    struct timespec t;

    clock_gettime(CLOCK_MONOTONIC, &t);
    return (int64_t)t.tv_sec * 1000 + t.tv_nsec / 1000000;
}

static int
read_port(const char *text, uint16_t *port)
{
    int64_t number = 53;

    if (text != NULL && text_number(text, 1, 65535, &number) != 0)
        return -1;
    *port = (uint16_t)number;
    return 0;
}

int
hand_server_read(struct hand_server *server, const char *text, int trusted)
{
    struct sockaddr_in *v4 = (struct sockaddr_in *)&server->address;
    struct sockaddr_in6 *v6 = (struct sockaddr_in6 *)&server->address;
    const char *hash = strchr(text, '#');
    size_t len = hash != NULL ? (size_t)(hash - text) : strlen(text);
    char address[64];
    uint16_t port = 0;

    memset(server, 0, sizeof(*server));
    if (len >= 2 && text[0] == '[' && text[len - 1] == ']') {
        text++;
        len -= 2;
    }
    if (len >= sizeof(address) || read_port(hash != NULL ? hash + 1 : NULL, &port) != 0)
        return -1;
    memcpy(address, text, len);
    address[len] = '\0';
    if (inet_pton(AF_INET, address, &v4->sin_addr) == 1) {
        v4->sin_family = AF_INET;
        v4->sin_port = htons(port);
        server->address_len = sizeof(*v4);
        server->trusted = trusted || (ntohl(v4->sin_addr.s_addr) >> 24) == 127;
        return 0;
    }
    if (inet_pton(AF_INET6, address, &v6->sin6_addr) != 1)
        return -1;
    v6->sin6_family = AF_INET6;
    v6->sin6_port = htons(port);
    server->address_len = sizeof(*v6);
    server->trusted = trusted || IN6_IS_ADDR_LOOPBACK(&v6->sin6_addr);
    return 0;
}

/* ---- Messages ----------------------------------------------------------- */

static void
put16(uint8_t *at, unsigned int value)
{
    at[0] = (uint8_t)(value >> 8);
    at[1] = (uint8_t)(value & 255);
}

static unsigned int
get16(const uint8_t *at)
{
    return (unsigned int)at[0] << 8 | at[1];
}

static int
is_digit(char c)
{
    return c >= '0' && c <= '9';
}

/* One octet of a name: plain, "\." or "\DDD" (RFC 1035 5.1). The text it took; 0: wrong. */
static size_t
read_octet(const char *text, uint8_t *octet)
{
    int value;

    if (text[0] != '\\') {
        *octet = (uint8_t)text[0];
        return 1;
    }
    if (!is_digit(text[1])) {
        *octet = (uint8_t)text[1];
        return text[1] != '\0' ? 2 : 0;
    }
    if (!is_digit(text[2]) || !is_digit(text[3]))
        return 0;
    value = (text[1] - '0') * 100 + (text[2] - '0') * 10 + (text[3] - '0');
    *octet = (uint8_t)value;
    return value <= 255 ? 4 : 0;
}

/* Returns the octets written, 0 for a text that is no name. room is at least 256. */
static size_t
write_name(uint8_t *out, const char *text)
{
    size_t label = 0; /* where the present label's length goes */
    size_t used = 1;

    while (*text != '\0') {
        uint8_t octet = 0;
        size_t took = 1;

        if (*text == '.') {
            if (used - label - 1 == 0)
                return 0;
            out[label] = (uint8_t)(used - label - 1);
            label = used++;
        } else {
            took = read_octet(text, &octet);
            if (took == 0 || used - label - 1 >= 63)
                return 0;
            out[used++] = octet;
        }
        if (used >= 255)
            return 0;
        text += took;
    }
    out[label] = (uint8_t)(used - label - 1);
    if (out[label] != 0)
        out[used++] = 0;
    return used;
}

/* RD and AD (RFC 6840 section 5.7); DO as the question says; CD for the second look. */
static int
write_query(struct query *query, const struct hand_question *question, int second_look)
{
    uint8_t *q = query->octets;
    size_t name_len;

    memset(query, 0, sizeof(*query));
    if (getrandom(q, 2, 0) != 2)
        return -1;
    q[2] = 0x01;
    q[3] = (uint8_t)(FLAG_AD | (second_look ? FLAG_CD : 0));
    put16(q + 4, 1);
    put16(q + 10, 1);
    name_len = write_name(q + HEADER, question->name);
    if (name_len == 0)
        return -1;
    put16(q + HEADER + name_len, question->type);
    put16(q + HEADER + name_len + 2, 1);
    query->question_len = name_len + 4;
    query->len = HEADER + query->question_len;
    put16(q + query->len + 1, TYPE_OPT);
    put16(q + query->len + 3, PAYLOAD);
    put16(q + query->len + 7, question->dnssec ? 0x8000 : 0);
    query->len += 11;
    return 0;
}

/* Our id, a reply, one question, ours octet for octet. */
static int
reply_fits(const struct query *query, const uint8_t *message, size_t len)
{
    return len >= HEADER + query->question_len && memcmp(message, query->octets, 2) == 0 &&
           (message[2] & 0xf8) == 0x80 && get16(message + 4) == 1 &&
           memcmp(message + HEADER, query->octets + HEADER, query->question_len) == 0;
}

/* The place behind a name; 0 when the message ends before. */
static size_t
skip_name(const uint8_t *message, size_t len, size_t at)
{
    while (at < len) {
        uint8_t c = message[at];

        if (c == 0)
            return at + 1;
        if ((c & 0xc0) == 0xc0)
            return at + 2 <= len ? at + 2 : 0;
        if ((c & 0xc0) != 0)
            return 0;
        at += (size_t)c + 1;
    }
    return 0;
}

/* The extended error in the options of an OPT record; -1 without one. */
static int
find_option(const uint8_t *options, size_t len)
{
    size_t at = 0;

    while (len - at >= 4) {
        size_t size = get16(options + at + 2);

        if (size > len - at - 4)
            return -1;
        if (get16(options + at) == OPTION_EDE && size >= 2)
            return (int)get16(options + at + 4);
        at += 4 + size;
    }
    return -1;
}

/* RFC 8914; -1 when the resolver said none. */
static int
extended_error(const struct query *query, const uint8_t *message, size_t len)
{
    size_t left = get16(message + 6) + get16(message + 8) + get16(message + 10);
    size_t at = HEADER + query->question_len;

    while (left-- > 0) {
        size_t size;

        at = skip_name(message, len, at);
        if (at == 0 || len - at < 10)
            return -1;
        size = get16(message + at + 8);
        if (size > len - at - 10)
            return -1;
        if (get16(message + at) == TYPE_OPT)
            return find_option(message + at + 10, size);
        at += 10 + size;
    }
    return -1;
}

/* ---- Transport ---------------------------------------------------------- */

static int
wait_until(int fd, short events, int64_t until_ms)
{
    struct pollfd p = {fd, events, 0};
    int64_t left = until_ms - hand_now_ms();
    int rc;

    if (left <= 0)
        return -1;
    do {
        rc = poll(&p, 1, (int)left);
    } while (rc < 0 && errno == EINTR);
    return rc > 0 ? 0 : -1;
}

static int
open_socket(const struct hand_server *server, int type)
{
    int fd = socket(server->address.ss_family, type | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);

    if (fd < 0)
        return -1;
    if (connect(fd, (const struct sockaddr *)&server->address, server->address_len) == 0 ||
        errno == EINPROGRESS)
        return fd;
    close(fd);
    return -1;
}

/* Returns SMTPSEC_FAILURE_*; foreign datagrams are waited past. */
static int32_t
ask_udp(const struct hand_server *server, const struct query *query, int64_t until_ms,
        struct hand_reply *reply)
{
    int fd = open_socket(server, SOCK_DGRAM);
    int32_t failure = SMTPSEC_FAILURE_TIMEOUT;

    if (fd < 0)
        return SMTPSEC_FAILURE_UNREACHABLE;
    if (send(fd, query->octets, query->len, MSG_NOSIGNAL) != (ssize_t)query->len)
        failure = SMTPSEC_FAILURE_UNREACHABLE;
    while (failure == SMTPSEC_FAILURE_TIMEOUT && wait_until(fd, POLLIN, until_ms) == 0) {
        ssize_t n = recv(fd, reply->message, sizeof(reply->message), 0);

        if (n < 0 && errno != EAGAIN && errno != EINTR)
            failure = SMTPSEC_FAILURE_UNREACHABLE;
        if (n <= 0 || !reply_fits(query, reply->message, (size_t)n))
            continue;
        reply->len = (size_t)n;
        failure = SMTPSEC_FAILURE_NONE;
    }
    close(fd);
    return failure;
}

/* Move exactly len octets, in or out. */
static int
move_octets(int fd, uint8_t *data, size_t len, int out, int64_t until_ms)
{
    while (len > 0) {
        ssize_t n;

        if (wait_until(fd, out ? POLLOUT : POLLIN, until_ms) != 0)
            return -1;
        n = out ? send(fd, data, len, MSG_NOSIGNAL) : recv(fd, data, len, 0);
        if (n == 0 || (n < 0 && errno != EAGAIN && errno != EINTR))
            return -1;
        if (n > 0) {
            data += n;
            len -= (size_t)n;
        }
    }
    return 0;
}

/* A truncated reply is not used at all: TCP or nothing. */
static int32_t
ask_tcp(const struct hand_server *server, const struct query *query, int64_t until_ms,
        struct hand_reply *reply)
{
    int fd = open_socket(server, SOCK_STREAM);
    uint8_t framed[sizeof(query->octets) + 2];
    uint8_t size[2];
    int rc = fd < 0 ? -1 : 0;

    put16(framed, (unsigned int)query->len);
    memcpy(framed + 2, query->octets, query->len);
    if (rc == 0)
        rc = move_octets(fd, framed, query->len + 2, 1, until_ms);
    if (rc == 0)
        rc = move_octets(fd, size, sizeof(size), 0, until_ms);
    if (rc == 0)
        rc = move_octets(fd, reply->message, get16(size), 0, until_ms);
    if (fd >= 0)
        close(fd);
    if (rc != 0 || !reply_fits(query, reply->message, get16(size)) ||
        (reply->message[2] & FLAG_TC) != 0)
        return SMTPSEC_FAILURE_TRUNCATED;
    reply->len = get16(size);
    return SMTPSEC_FAILURE_NONE;
}

static int32_t
ask_server(const struct hand_server *server, const struct query *query, int64_t deadline_ms,
           struct hand_reply *reply)
{
    int64_t until_ms = hand_now_ms() + TRY_MS;
    int32_t failure;

    if (until_ms > deadline_ms)
        until_ms = deadline_ms;
    failure = ask_udp(server, query, until_ms, reply);
    if (failure == SMTPSEC_FAILURE_NONE && (reply->message[2] & FLAG_TC) != 0)
        failure = ask_tcp(server, query, until_ms, reply);
    return failure;
}

/* ---- Judgement ---------------------------------------------------------- */

/* SERVFAIL of a validating resolver: bogus, or dead servers? With CD the refused data comes. */
static int32_t
explain_servfail(const struct hand_server *server, const struct hand_question *question,
                 int extended, int64_t deadline_ms, struct hand_reply *reply)
{
    struct query query;
    int rcode;

    if (extended == EDE_INDETERMINATE)
        return SMTPSEC_FAILURE_INDETERMINATE;
    if (extended >= EDE_BOGUS_FIRST && extended <= EDE_BOGUS_LAST)
        return SMTPSEC_FAILURE_BOGUS;
    if (!server->trusted || write_query(&query, question, 1) != 0 ||
        ask_server(server, &query, deadline_ms, reply) != SMTPSEC_FAILURE_NONE)
        return SMTPSEC_FAILURE_SERVFAIL;
    rcode = reply->message[3] & 15;
    return rcode == RCODE_NOERROR || rcode == RCODE_NXDOMAIN ? SMTPSEC_FAILURE_BOGUS
                                                             : SMTPSEC_FAILURE_SERVFAIL;
}

static int32_t
failure_of_rcode(int rcode)
{
    switch (rcode) {
    case RCODE_NOERROR:
    case RCODE_NXDOMAIN:
        return SMTPSEC_FAILURE_NONE;
    case 1:
        return SMTPSEC_FAILURE_FORMERR;
    case 4:
        return SMTPSEC_FAILURE_NOTIMP;
    case 5:
        return SMTPSEC_FAILURE_REFUSED;
    default:
        return SMTPSEC_FAILURE_RCODE;
    }
}

static int32_t
ask_once(const struct hand_server *server, const struct hand_question *question,
         int64_t deadline_ms, struct hand_reply *reply)
{
    struct query query;
    int32_t failure;
    int rcode;

    if (write_query(&query, question, 0) != 0)
        return SMTPSEC_FAILURE_MALFORMED;
    failure = ask_server(server, &query, deadline_ms, reply);
    if (failure != SMTPSEC_FAILURE_NONE)
        return failure;
    rcode = reply->message[3] & 15;
    if (rcode != RCODE_SERVFAIL)
        return failure_of_rcode(rcode);
    return explain_servfail(server, question,
                            server->trusted ? extended_error(&query, reply->message, reply->len)
                                            : -1,
                            deadline_ms, reply);
}

void
hand_dns_ask(const struct hand_server *servers, size_t count, const struct hand_question *question,
             int64_t deadline_ms, struct hand_reply *reply)
{
    size_t i;

    reply->failure = SMTPSEC_FAILURE_TIMEOUT;
    for (i = 0; i < count * ROUNDS && hand_now_ms() < deadline_ms; i++) {
        const struct hand_server *server = &servers[i % count];

        reply->trusted = server->trusted;
        reply->failure = ask_once(server, question, deadline_ms, reply);
        if (reply->failure == SMTPSEC_FAILURE_NONE)
            return;
        reply->len = 0;
        /* Only silence is worth another try; a failure is not to be hidden by another server. */
        if (reply->failure != SMTPSEC_FAILURE_TIMEOUT &&
            reply->failure != SMTPSEC_FAILURE_UNREACHABLE)
            return;
    }
    reply->len = 0;
}
