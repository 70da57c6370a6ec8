/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "responder.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <poll.h>
#include <sched.h>
#include <signal.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#define HEADER 12
#define QUESTION_MAX 512
#define REPLY_MAX 2048
#define BATCH 64
/* Replies that wait for their time; the delay is the same for all, so they leave in order. */
#define WAITING 8192

enum {
    TYPE_A = 1,
    TYPE_SOA = 6,
    TYPE_MX = 15,
    TYPE_TXT = 16,
    TYPE_AAAA = 28,
    TYPE_OPT = 41,
    TYPE_RRSIG = 46,
    TYPE_TLSA = 52
};

/* ---- Replies ---- */

struct reply {
    size_t len;
    uint8_t octets[REPLY_MAX];
    struct sockaddr_in to;
    int64_t due_ns;
};

struct question {
    size_t end; /* of the question section */
    uint16_t type;
    unsigned hosts; /* N of the domain */
    bool dane;
    bool dnssec; /* DO */
};

static void
put(struct reply *reply, const void *data, size_t len)
{
    memcpy(reply->octets + reply->len, data, len);
    reply->len += len;
}

static void
put16(struct reply *reply, unsigned value)
{
    const uint8_t octets[2] = {(uint8_t)(value >> 8), (uint8_t)value};

    put(reply, octets, 2);
}

/* Owner: the question's name. */
static void
put_head(struct reply *reply, unsigned type, unsigned rdlen)
{
    put16(reply, 0xc000 | HEADER);
    put16(reply, type);
    put16(reply, 1);
    put16(reply, 0);
    put16(reply, 3600);
    put16(reply, rdlen);
}

static unsigned
put_rrsig(struct reply *reply, const struct question *question, unsigned covered)
{
    static const uint8_t signer[] = "\4dane\4test";
    static const uint8_t signature[64];

    if (!question->dane || !question->dnssec)
        return 0;
    put_head(reply, TYPE_RRSIG, 18 + sizeof(signer) + sizeof(signature));
    put16(reply, covered);
    put16(reply, 13 << 8 | 3);
    put16(reply, 0);
    put16(reply, 3600);
    put16(reply, (unsigned)(2000000000 >> 16)); /* expiration */
    put16(reply, 2000000000 & 0xffff);
    put16(reply, (unsigned)(1700000000 >> 16)); /* inception */
    put16(reply, 1700000000 & 0xffff);
    put16(reply, 4711);
    put(reply, signer, sizeof(signer));
    put(reply, signature, sizeof(signature));
    return 1;
}

static unsigned
put_mx(struct reply *reply, const struct question *question)
{
    unsigned i;

    for (i = 1; i <= question->hosts; i++) {
        const char digits[2] = {(char)('0' + i / 10), (char)('0' + i % 10)};

        put_head(reply, TYPE_MX, 2 + 5 + 2);
        put16(reply, 10 * i);
        put(reply, "\4mx", 3);
        put(reply, digits, 2);
        put16(reply, 0xc000 | HEADER);
    }
    return i - 1 + put_rrsig(reply, question, TYPE_MX);
}

static unsigned
put_data(struct reply *reply, const struct question *question, const void *data, unsigned len)
{
    put_head(reply, question->type, len);
    put(reply, data, len);
    return 1 + put_rrsig(reply, question, question->type);
}

static unsigned
put_answers(struct reply *reply, const struct question *question)
{
    static const uint8_t v6[16] = {0x20, 0x01, 0x0d, 0xb8, [15] = 1};
    static const uint8_t v4[4] = {192, 0, 2, 1};
    static const uint8_t tlsa[35] = {3, 1, 1, 7};

    switch (question->type) {
    case TYPE_MX:
        return put_mx(reply, question);
    case TYPE_A:
        return put_data(reply, question, v4, sizeof(v4));
    case TYPE_AAAA:
        return put_data(reply, question, v6, sizeof(v6));
    case TYPE_TLSA:
        return question->dane ? put_data(reply, question, tlsa, sizeof(tlsa)) : 0;
    default:
        return 0;
    }
}

/* The SOA that a denial needs; its owner is the zone, written out. */
static void
put_soa(struct reply *reply, const struct question *question)
{
    static const uint8_t zones[2][12] = {"\5plain\4test", "\4dane\4test"};
    const uint8_t numbers[20] = {0, 0, 0, 1, 0, 0, 0, 1, 0, 0, 0, 1, 0, 0, 0, 1, 0, 0, 14, 16};

    put(reply, zones[question->dane], question->dane ? 11 : 12);
    put16(reply, TYPE_SOA);
    put16(reply, 1);
    put16(reply, 0);
    put16(reply, 3600);
    put16(reply, 22);
    put16(reply, 0); /* two names, the root */
    put(reply, numbers, sizeof(numbers));
}

/* Name, type and DO of a query as libsmtpsec writes it: nothing behind the OPT. */
static bool
read_question(const uint8_t *query, size_t len, struct question *question)
{
    const uint8_t *domain = NULL, *zone = NULL;
    size_t at = HEADER, i;

    while (at < len && query[at] != 0) {
        domain = zone; /* the label before the last but one */
        zone = query + at;
        at += 1u + query[at];
    }
    if (at + 5 + 11 > len || domain == NULL)
        return false;
    question->end = at + 5;
    question->type = (uint16_t)(query[at + 1] << 8 | query[at + 2]);
    question->dane = domain[0] == 4;
    question->dnssec = (query[question->end + 7] & 0x80) != 0;
    question->hosts = 1;
    for (i = HEADER; query + i < domain; i++)
        if (query[i] == '-' && query[i + 1] >= '0' && query[i + 1] <= '9')
            question->hosts = (unsigned)atoi((const char *)query + i + 1);
    return question->hosts <= 20;
}

static bool
answer(const uint8_t *query, size_t len, struct reply *reply)
{
    static const uint8_t opt[11] = {0, 0, TYPE_OPT, 4, 208};
    struct question question;
    unsigned count;

    if (len > QUESTION_MAX || !read_question(query, len, &question))
        return false;
    reply->len = 0;
    put(reply, query, question.end);
    reply->octets[2] = 0x81; /* QR RD */
    reply->octets[3] = (uint8_t)(0x80 | (question.dane ? 0x20 : 0)); /* RA AD */
    count = put_answers(reply, &question);
    reply->octets[7] = (uint8_t)count;
    reply->octets[9] = count == 0;
    if (count == 0) {
        put_soa(reply, &question);
        if (question.type == TYPE_TXT)
            reply->octets[3] |= 3; /* NXDOMAIN */
    }
    put(reply, opt, sizeof(opt));
    reply->octets[11] = 1;
    return true;
}

/* ---- The process ---- */

struct responder {
    int fd;
    int64_t delay_ns;
    size_t first; /* of those that wait */
    size_t count;
    struct reply *waiting;
    uint8_t queries[BATCH][QUESTION_MAX];
    struct sockaddr_in from[BATCH];
};

static int64_t
now_ns(void)
{
    struct timespec t;

    clock_gettime(CLOCK_MONOTONIC, &t);
    return (int64_t)t.tv_sec * 1000000000 + t.tv_nsec;
}

static void
take(struct responder *responder)
{
    struct mmsghdr messages[BATCH];
    struct iovec parts[BATCH];
    int64_t due_ns;
    int i, count;

    memset(messages, 0, sizeof(messages));
    for (i = 0; i < BATCH; i++) {
        parts[i] = (struct iovec){responder->queries[i], QUESTION_MAX};
        messages[i].msg_hdr.msg_iov = &parts[i];
        messages[i].msg_hdr.msg_iovlen = 1;
        messages[i].msg_hdr.msg_name = &responder->from[i];
        messages[i].msg_hdr.msg_namelen = sizeof(responder->from[i]);
    }
    count = recvmmsg(responder->fd, messages, BATCH, MSG_DONTWAIT, NULL);
    due_ns = responder->delay_ns > 0 ? now_ns() + responder->delay_ns : 0;
    for (i = 0; i < count && responder->count < WAITING; i++) {
        struct reply *reply =
            &responder->waiting[(responder->first + responder->count) % WAITING];

        reply->to = responder->from[i];
        reply->due_ns = due_ns;
        if (answer(responder->queries[i], messages[i].msg_len, reply))
            responder->count++;
    }
}

static void
give(struct responder *responder)
{
    struct mmsghdr messages[BATCH];
    struct iovec parts[BATCH];
    int64_t now = responder->delay_ns > 0 ? now_ns() : 0;
    unsigned count;

    memset(messages, 0, sizeof(messages));
    for (count = 0; count < BATCH && count < responder->count; count++) {
        struct reply *reply = &responder->waiting[(responder->first + count) % WAITING];

        if (reply->due_ns > now)
            break;
        parts[count] = (struct iovec){reply->octets, reply->len};
        messages[count].msg_hdr.msg_iov = &parts[count];
        messages[count].msg_hdr.msg_iovlen = 1;
        messages[count].msg_hdr.msg_name = &reply->to;
        messages[count].msg_hdr.msg_namelen = sizeof(reply->to);
    }
    if (count > 0)
        (void)sendmmsg(responder->fd, messages, count, 0);
    responder->first = (responder->first + count) % WAITING;
    responder->count -= count;
}

static void
serve(struct responder *responder)
{
    struct pollfd fd = {responder->fd, POLLIN, 0};
    struct timespec wait = {0, 0};
    int64_t left_ns;

    for (;;) {
        left_ns = 0;
        if (responder->count > 0)
            left_ns = responder->waiting[responder->first].due_ns - now_ns();
        wait.tv_sec = 0;
        wait.tv_nsec = left_ns > 0 ? left_ns : 0;
        (void)ppoll(&fd, 1, responder->count > 0 ? &wait : NULL, NULL);
        take(responder);
        give(responder);
    }
}

void
bench_pin(int processor)
{
    cpu_set_t set;

    if (processor < 0)
        return;
    CPU_ZERO(&set);
    CPU_SET((size_t)processor, &set);
    (void)sched_setaffinity(0, sizeof(set), &set);
}

static void
run_child(int fd, unsigned delay_ms, int processor)
{
    struct responder *responder = calloc(1, sizeof(*responder));

    prctl(PR_SET_PDEATHSIG, SIGKILL);
    bench_pin(processor);
    if (responder == NULL)
        _exit(1);
    responder->fd = fd;
    responder->delay_ns = (int64_t)delay_ms * 1000000;
    responder->waiting = calloc(WAITING, sizeof(*responder->waiting));
    if (responder->waiting == NULL)
        _exit(1);
    serve(responder);
}

pid_t
bench_responder_start(unsigned delay_ms, int processor, uint16_t *port)
{
    struct sockaddr_in address;
    socklen_t len = sizeof(address);
    int fd = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
    int room = 4 << 20;
    pid_t pid;

    memset(&address, 0, sizeof(address));
    address.sin_family = AF_INET;
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    if (fd < 0 || bind(fd, (struct sockaddr *)&address, len) != 0 ||
        getsockname(fd, (struct sockaddr *)&address, &len) != 0) {
        perror("responder");
        exit(1);
    }
    (void)setsockopt(fd, SOL_SOCKET, SO_RCVBUF, &room, sizeof(room));
    *port = ntohs(address.sin_port);
    pid = fork();
    if (pid == 0) {
        run_child(fd, delay_ms, processor);
        _exit(0);
    }
    close(fd);
    return pid;
}

void
bench_responder_stop(pid_t pid)
{
    kill(pid, SIGTERM);
    (void)waitpid(pid, NULL, 0);
}
