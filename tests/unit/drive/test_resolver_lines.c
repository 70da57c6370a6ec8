/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* A socket that serves another question next. */
#include "drive/resolver.h"

#include <netinet/in.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "dns_world.h"
#include "smtpsec.h"
#include "table.h"

#define LONG_MS 5000

/* A server that the test plays, more than one question to it, and the second inside `done`. */
struct reuse {
    struct ss_loop *loop;
    struct ss_resolver *resolver;
    int fd;
    struct sockaddr_in from; /* of the last question */
    uint8_t message[512];
    size_t len;
    struct told first, second;
};

static void
reuse_done(void *arg, const uint8_t *message, size_t len, bool trusted, int32_t failure)
{
    struct reuse *reuse = arg;

    told_done(&reuse->first, message, len, trusted, failure);
    told_ask(&reuse->second, reuse->resolver);
}

static void
reuse_begin(struct reuse *reuse)
{
    struct sockaddr_in address = { .sin_family = AF_INET };
    struct ss_resolver_config config = { .count = 1, .timeout_ms = LONG_MS };
    socklen_t len = sizeof(address);

    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    reuse->loop = world_loop();
    reuse->fd = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
    assert_int_equal(bind(reuse->fd, (struct sockaddr *)&address, len), 0);
    assert_int_equal(getsockname(reuse->fd, (struct sockaddr *)&address, &len), 0);
    assert_true(ss_server_from_text(&config.servers[0], "127.0.0.1", false));
    config.servers[0].port = ntohs(address.sin_port);
    assert_int_equal(ss_resolver_new(reuse->loop, &config, &reuse->resolver), 0);
    told_init(&reuse->first, SS_RR_A, "t%u.test", world_token());
    told_init(&reuse->second, SS_RR_A, "t%u.test", world_token());
    assert_int_equal(ss_resolver_ask(reuse->resolver, &reuse->first.question, reuse_done, reuse,
                                     &reuse->first.query), 0);
}

static void
reuse_end(struct reuse *reuse)
{
    ss_resolver_free(reuse->resolver);
    ss_loop_free(reuse->loop);
    close(reuse->fd);
}

static void
reuse_receive(struct reuse *reuse)
{
    socklen_t len = sizeof(reuse->from);
    ssize_t got = recvfrom(reuse->fd, reuse->message, sizeof(reuse->message), 0,
                           (struct sockaddr *)&reuse->from, &len);

    assert_in_range(got, 12, sizeof(reuse->message));
    reuse->len = (size_t)got;
}

/* The question comes back as an empty reply; changed: with another id. */
static void
reuse_reply(struct reuse *reuse, bool changed)
{
    uint8_t reply[512];

    memcpy(reply, reuse->message, reuse->len);
    reply[0] ^= changed;
    reply[2] |= 0x80; /* QR */
    reply[3] |= 0x80; /* RA */
    assert_int_equal(sendto(reuse->fd, reply, reuse->len, 0, (struct sockaddr *)&reuse->from,
                            sizeof(reuse->from)), (ssize_t)reuse->len);
}

/* What came to the socket for one question must not count against the next one. */
static void
check_rest_of_another(void **state)
{
    struct reuse reuse;
    in_port_t port;
    int i;

    (void)state;
    reuse_begin(&reuse);
    reuse_receive(&reuse);
    port = reuse.from.sin_port;
    reuse_reply(&reuse, false);
    for (i = 0; i < 110; i++)
        reuse_reply(&reuse, true);
    told_wait(&reuse.first, 1, reuse.loop);
    reuse_receive(&reuse);
    assert_int_not_equal(reuse.from.sin_port, port);
    for (i = 0; i < 20; i++)
        assert_int_equal(ss_loop_process(reuse.loop), 0);
    /* It was not asked anew, and is still awaited where it was asked from. */
    assert_int_equal(recv(reuse.fd, &i, sizeof(i), MSG_DONTWAIT), -1);
    reuse_reply(&reuse, false);
    told_wait(&reuse.second, 1, reuse.loop);
    assert_string_equal(reuse.second.text, "no-data secure");
    reuse_end(&reuse);
}

int
main(void)
{
    struct ss_table t = SS_TABLE("drive/resolver_lines");

    ss_table_case(&t, "RES-26 what is left of one question is not for the next",
                  check_rest_of_another);
    return ss_table_run(&t);
}
