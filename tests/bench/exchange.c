/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "exchange.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <poll.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "bench.h"
#include "dns/message.h"

#define REPLY_MAX 4096
/* A reply to a question on loopback that does not come in this time was lost. */
#define WAIT_MS 3000

static int
ask(const struct exchange_query *query, uint16_t port)
{
    struct sockaddr_in to;
    int fd;

    memset(&to, 0, sizeof(to));
    to.sin_family = AF_INET;
    to.sin_port = htons(port);
    to.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    fd = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
    if (fd < 0 || connect(fd, (struct sockaddr *)&to, sizeof(to)) != 0 ||
        send(fd, query->octets, query->len, MSG_NOSIGNAL) != (ssize_t)query->len)
        bench_fail("a query cannot be sent");
    return fd;
}

/* Send a wave, take what comes, until every question has its reply. */
static void
run_wave(const struct exchange_query *queries, size_t count, uint16_t port, uint8_t *replies,
         size_t *lens)
{
    struct pollfd fds[EXCHANGE_QUERIES];
    size_t left = count;
    ssize_t len;
    size_t i;

    for (i = 0; i < count; i++)
        fds[i] = (struct pollfd){ask(&queries[i], port), POLLIN, 0};
    while (left > 0) {
        if (poll(fds, (nfds_t)count, WAIT_MS) <= 0)
            bench_fail("no reply");
        for (i = 0; i < count; i++) {
            if (fds[i].fd < 0 || (fds[i].revents & POLLIN) == 0)
                continue;
            len = recv(fds[i].fd, replies + (lens != NULL ? i * REPLY_MAX : 0), REPLY_MAX, 0);
            if (len < 0)
                bench_fail("a reply cannot be read");
            if (lens != NULL)
                lens[i] = (size_t)len;
            close(fds[i].fd);
            fds[i].fd = -1; /* poll() passes over it */
            left--;
        }
    }
}

void
exchange_run(const struct exchange *exchange, uint16_t port)
{
    uint8_t reply[REPLY_MAX];
    const struct exchange_query *query = exchange->queries;
    size_t i;

    for (i = 0; i < exchange->wave_count; i++) {
        run_wave(query, exchange->in_wave[i], port, reply, NULL);
        query += exchange->in_wave[i];
    }
}

void
exchange_repeat(const struct exchange *exchange, uint16_t port, size_t times)
{
    uint8_t reply[REPLY_MAX];
    size_t i;

    for (i = 0; i < times; i++)
        run_wave(exchange->queries, 1, port, reply, NULL);
}

static void
write_query(struct exchange *exchange, const struct smtpsec_lookup *lookup, uint32_t id)
{
    struct exchange_query *query = &exchange->queries[exchange->count];
    const char *name = smtpsec_lookup_need_name(lookup, id);
    struct ss_question question;
    struct ss_buf out;

    if (exchange->count == EXCHANGE_QUERIES ||
        smtpsec_lookup_need_kind(lookup, id) != SMTPSEC_NEED_DNS ||
        !ss_name_from_text(&question.name, name, strlen(name)))
        bench_fail("a need that the benchmark cannot ask");
    question.type = smtpsec_lookup_need_type(lookup, id);
    question.dnssec = smtpsec_lookup_need_dnssec(lookup, id) != 0;
    ss_buf_init(&out, 512);
    ss_dns_query_write(&out, (uint16_t)(7919 * (exchange->count + 1)), &question, false);
    if (!ss_buf_ok(&out) || out.len > EXCHANGE_OCTETS)
        bench_fail("a query that is too long");
    memcpy(query->octets, out.data, out.len);
    query->len = out.len;
    exchange->count++;
    ss_buf_free(&out);
}

/* Ask all that the look-up needs now, and tell it the replies. */
static void
learn_wave(struct exchange *exchange, struct smtpsec_lookup *lookup, uint16_t port, int64_t now)
{
    static uint8_t replies[EXCHANGE_QUERIES * REPLY_MAX];
    const struct exchange_query *first = &exchange->queries[exchange->count];
    size_t lens[EXCHANGE_QUERIES];
    uint32_t ids[EXCHANGE_QUERIES];
    size_t count = smtpsec_lookup_need_count(lookup);
    size_t i;

    if (exchange->wave_count == EXCHANGE_WAVES || count > EXCHANGE_QUERIES)
        bench_fail("too many questions");
    for (i = 0; i < count; i++) {
        ids[i] = smtpsec_lookup_need_id(lookup, i);
        write_query(exchange, lookup, ids[i]);
    }
    run_wave(first, count, port, replies, lens);
    for (i = 0; i < count; i++)
        if (smtpsec_lookup_answer_dns(lookup, ids[i], replies + i * REPLY_MAX, lens[i], 1, now) !=
            0)
            bench_fail("a reply is not taken");
    exchange->in_wave[exchange->wave_count++] = count;
}

void
exchange_learn(struct exchange *exchange, struct smtpsec_context *context, const char *domain,
               uint16_t port, int64_t now)
{
    struct smtpsec_destination *destination;
    struct smtpsec_lookup *lookup;

    memset(exchange, 0, sizeof(*exchange));
    if (smtpsec_destination_new(domain, &destination) != 0 ||
        smtpsec_lookup_new(context, destination, now, &lookup) != 0)
        bench_fail("a look-up by hand");
    while (smtpsec_lookup_need_count(lookup) > 0)
        learn_wave(exchange, lookup, port, now);
    smtpsec_lookup_free(lookup);
    smtpsec_destination_free(destination);
}
