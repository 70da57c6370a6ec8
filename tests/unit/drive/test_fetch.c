/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* What one fetch ends in, against a server that does what the path says. */
#include <stdio.h>
#include <string.h>

#include "fetch_world.h"
#include "smtpsec.h"
#include "table.h"

/* Enough for any good answer, even under valgrind; a bad end by time has a short one. */
#define LONG_MS 30000
#define SHORT_MS 400

#define OK SMTPSEC_FAILURE_NONE
#define TIMEOUT SMTPSEC_FAILURE_TIMEOUT
#define TYPE SMTPSEC_FAILURE_HTTP_TYPE
#define SIZE SMTPSEC_FAILURE_HTTP_SIZE
#define BROKEN SMTPSEC_FAILURE_HTTP_BROKEN
#define ENCODING SMTPSEC_FAILURE_HTTP_ENCODING

static struct world world;

struct row {
    const char *name;
    const char *path;
    int64_t timeout_ms;
    int32_t want_failure;
    int32_t want_status;
    const char *want_type;
    size_t want_len;
};

static const struct row rows[] = {
    {"a good reply", "/good", LONG_MS, OK, 200, "text/plain", 16},
    {"STSF-08 type with parameters", "/charset", LONG_MS, OK, 200, "Text/Plain; charset=utf-8",
     16},
    {"an empty body", "/empty", LONG_MS, OK, 200, "text/plain", 0},
    {"chunks, and trailers that say nothing", "/chunked", LONG_MS, OK, 200, "text/plain", 5},
    {"a body without length, closed in form", "/no-length", LONG_MS, OK, 200, "text/plain", 16},
    {"an interim reply first", "/continue", LONG_MS, OK, 200, "text/plain", 16},
    {"cookies and other memories", "/cookies", LONG_MS, OK, 200, "text/plain", 16},
    {"STSF-06 a redirect is an answer", "/301", LONG_MS, OK, 301, "(none)", 0},
    {"STSF-05 404", "/404", LONG_MS, OK, 404, "(none)", 0},
    {"STSF-05 404 with a huge length", "/404-huge", LONG_MS, OK, 404, "(none)", 0},
    {"STSF-05 404 compressed", "/404-gzip", LONG_MS, OK, 404, "(none)", 0},
    {"STSF-05 204", "/204", LONG_MS, OK, 204, "(none)", 0},
    {"STSF-05 206", "/206", LONG_MS, OK, 206, "(none)", 0},
    {"STSF-05 500", "/500", LONG_MS, OK, 500, "(none)", 0},
    {"STSF-08 another type is passed on", "/html", LONG_MS, OK, 200, "text/html", 3},
    {"STSF-08 no type is passed on", "/no-type", LONG_MS, OK, 200, "(none)", 16},
    {"STSF-08 two types", "/two-types", LONG_MS, TYPE, 0, "(none)", 0},
    {"STSF-08 the same type twice", "/same-types", LONG_MS, OK, 200, "text/plain", 16},
    {"STSF-09 65536 octets", "/limit", LONG_MS, OK, 200, "text/plain", BODY_MAX},
    {"STSF-09 65537 octets", "/oversize", LONG_MS, SIZE, 0, "(none)", 0},
    {"STSF-09 65537 octets, unsaid", "/oversize-unsaid", LONG_MS, SIZE, 0, "(none)", 0},
    {"STSF-09 a huge length", "/huge-length", LONG_MS, SIZE, 0, "(none)", 0},
    {"STSF-09 endless chunks", "/endless-chunks", LONG_MS, SIZE, 0, "(none)", 0},
    {"STSF-09 compressed body", "/gzip", LONG_MS, ENCODING, 0, "(none)", 0},
    {"STSF-09 compressed transfer", "/te-gzip", LONG_MS, ENCODING, 0, "(none)", 0},
    {"STSF-09 encoding identity", "/identity", LONG_MS, OK, 200, "text/plain", 16},
    {"STSF-09 too many header lines", "/header-lines", LONG_MS, SIZE, 0, "(none)", 0},
    {"STSF-09 too many header octets", "/header-octets", LONG_MS, SIZE, 0, "(none)", 0},
    {"STSF-09 endless headers", "/endless-head", LONG_MS, SIZE, 0, "(none)", 0},
    {"STSF-09 endless interim replies", "/continue-flood", LONG_MS, SIZE, 0, "(none)", 0},
    {"STSF-10 one octet at a time", "/drip", SHORT_MS, TIMEOUT, 0, "(none)", 0},
    {"STSF-10 silence before the head", "/hang", SHORT_MS, TIMEOUT, 0, "(none)", 0},
    {"STSF-10 silence in the body", "/hang-in-body", SHORT_MS, TIMEOUT, 0, "(none)", 0},
    {"a reset in the middle", "/reset", LONG_MS, BROKEN, 0, "(none)", 0},
    {"a body shorter than its length", "/short", LONG_MS, BROKEN, 0, "(none)", 0},
    {"a chunk cut off", "/chunk-cut", LONG_MS, BROKEN, 0, "(none)", 0},
    {"a stream cut off without close_notify", "/cut", LONG_MS, BROKEN, 0, "(none)", 0},
    {"a folded header", "/fold", LONG_MS, BROKEN, 0, "(none)", 0},
    {"HTTP/0.9", "/http09", LONG_MS, BROKEN, 0, "(none)", 0},
    {"HTTP/2 in the clear", "/http2", LONG_MS, BROKEN, 0, "(none)", 0},
    {"no status number", "/bad-status", LONG_MS, BROKEN, 0, "(none)", 0},
};

static void
check(void **state)
{
    const struct row *row = *state;
    struct server_stats stats;
    struct told told;

    server_reset();
    told_init(&told, &world);
    world.ended = 0;
    assert_int_equal(world_fetch(&told, "good", row->path, row->timeout_ms), 0);
    world_run(&world, 1);
    assert_int_equal(told.verify_calls, 1);
    assert_true(told.session_is_live);
    assert_int_equal(told.failure, row->want_failure);
    assert_int_equal(told.status, row->want_status);
    assert_string_equal(told.type, row->want_type);
    assert_int_equal(told.len, row->want_len);
    server_stats(1, &stats);
    assert_int_equal(stats.accepted, 1);
    assert_int_equal(stats.requests, 1); /* no second one, whatever the first said */
    assert_int_equal(told.done_calls, 1);
}

struct judged_row {
    const char *name;
    int32_t verify_says;
};

static const struct judged_row judged_rows[] = {
    {"STSF-02 expired", SMTPSEC_FAILURE_CERT_EXPIRED},
    {"STSF-02 not yet valid", SMTPSEC_FAILURE_CERT_NOT_YET_VALID},
    {"STSF-02 another name", SMTPSEC_FAILURE_CERT_NAME},
    {"STSF-02 not trusted", SMTPSEC_FAILURE_CERT_NOT_TRUSTED},
    {"STSF-02 no certificate that could be read", SMTPSEC_FAILURE_TLS_HANDSHAKE},
};

/* Not one octet of a request reaches a server whose certificate is refused. */
static void
check_judged(void **state)
{
    const struct judged_row *row = *state;
    struct server_stats stats;
    struct told told;

    server_reset();
    told_init(&told, &world);
    world.ended = 0;
    told.verify_says = row->verify_says;
    assert_int_equal(world_fetch(&told, "good", "/good", LONG_MS), 0);
    world_run(&world, 1);
    assert_int_equal(told.verify_calls, 1);
    assert_int_equal(told.failure, row->verify_says);
    assert_int_equal(told.status, 0);
    assert_int_equal(told.len, 0);
    server_stats(1, &stats);
    assert_int_equal(stats.accepted, 1);
    assert_int_equal(stats.closed, 1);
    assert_int_equal(stats.octets, 0);
}

struct peer_row {
    const char *name;
    const char *port;
    const char *addresses[3];
    int64_t timeout_ms;
    int32_t want_failure;
};

static const struct peer_row peer_rows[] = {
    {"STSF-15 TLS 1.1 only", "old", {"127.0.0.1"}, LONG_MS, SMTPSEC_FAILURE_TLS_VERSION},
    {"no TLS at all", "plain", {"127.0.0.1"}, LONG_MS, SMTPSEC_FAILURE_TLS_HANDSHAKE},
    {"STSF-10 silence in the handshake", "mute", {"127.0.0.1"}, SHORT_MS, TIMEOUT},
    {"connection refused", "refused", {"127.0.0.3"}, LONG_MS, SMTPSEC_FAILURE_UNREACHABLE},
    {"STSF-10 nobody answers", "good", {"127.0.0.2"}, SHORT_MS, TIMEOUT},
    {"first address refuses", "good", {"127.0.0.3", "127.0.0.1"}, LONG_MS, OK},
    {"first address is dead", "good", {"127.0.0.2", "127.0.0.1"}, 4000, OK},
    {"second address is dead", "good", {"127.0.0.1", "127.0.0.2"}, 4000, OK},
    {"first address of the other family refuses", "good", {"::1", "127.0.0.1"}, LONG_MS, OK},
};

static void
check_peer(void **state)
{
    const struct peer_row *row = *state;
    struct told told;
    size_t count = 0;

    while (count < 3 && row->addresses[count] != NULL)
        count++;
    server_reset();
    told_init(&told, &world);
    world.ended = 0;
    assert_int_equal(world_fetch_from(&told, row->port, "/good", row->timeout_ms, row->addresses,
                                      count), 0);
    world_run(&world, 1);
    assert_int_equal(told.failure, row->want_failure);
    assert_int_equal(told.status, row->want_failure == OK ? 200 : 0);
    assert_int_equal(told.verify_calls, row->want_failure == OK ? 1 : 0);
}

static void
ipv6(void **state)
{
    static const char *const addresses[] = {"::1"};
    struct told told;

    (void)state;
    if (server_port("v6") == 0)
        skip();
    told_init(&told, &world);
    world.ended = 0;
    assert_int_equal(world_fetch_from(&told, "v6", "/good", LONG_MS, addresses, 1), 0);
    world_run(&world, 1);
    assert_int_equal(told.failure, OK);
    assert_int_equal(told.status, 200);
}

static void
request_words(void **state)
{
    struct server_stats stats;
    struct told told;
    char host[64];

    (void)state;
    server_reset();
    told_init(&told, &world);
    world.ended = 0;
    assert_int_equal(world_fetch(&told, "good", "/.well-known/mta-sts.txt", LONG_MS), 0);
    world_run(&world, 1);
    server_stats(1, &stats);
    snprintf(host, sizeof(host), "%s:%u", WORLD_HOST, (unsigned)server_port("good"));
    assert_string_equal(stats.sni, WORLD_HOST);
    assert_string_equal(stats.host, host);
    assert_string_equal(stats.path, "/.well-known/mta-sts.txt");
}

/* STSF-07: two fetches of the same are two connections and two requests. */
static void
nothing_is_kept(void **state)
{
    struct server_stats stats;
    struct told told;
    int i;

    (void)state;
    server_reset();
    for (i = 0; i < 2; i++) {
        told_init(&told, &world);
        world.ended = 0;
        assert_int_equal(world_fetch(&told, "good", "/cookies", LONG_MS), 0);
        world_run(&world, 1);
        assert_int_equal(told.status, 200);
        assert_int_equal(told.verify_calls, 1);
        assert_true(told.session_is_live);
    }
    server_stats(2, &stats);
    assert_int_equal(stats.accepted, 2);
    assert_int_equal(stats.requests, 2);
}

static void
proxy_is_ignored(void **state)
{
    struct told told;

    (void)state;
    setenv("https_proxy", "http://127.0.0.3:1/", 1);
    setenv("ALL_PROXY", "http://127.0.0.3:1/", 1);
    told_init(&told, &world);
    world.ended = 0;
    assert_int_equal(world_fetch(&told, "good", "/good", LONG_MS), 0);
    world_run(&world, 1);
    unsetenv("https_proxy");
    unsetenv("ALL_PROXY");
    assert_int_equal(told.failure, OK);
    assert_int_equal(told.status, 200);
}

struct words_row {
    const char *name;
    const char *host;
    const char *path;
    const char *address;
    uint16_t port;
};

static const struct words_row words_rows[] = {
    {"a host with a slash", "d.test/x", "/", "127.0.0.1", 443},
    {"a host with a user", "u@d.test", "/", "127.0.0.1", 443},
    {"a host with a port", "d.test:1", "/", "127.0.0.1", 443},
    {"a host with a final dot", "d.test.", "/", "127.0.0.1", 443},
    {"a host with a comma", "d.test,e.test", "/", "127.0.0.1", 443},
    {"an empty host", "", "/", "127.0.0.1", 443},
    {"a path without slash", "d.test", "x", "127.0.0.1", 443},
    {"a path with a line end", "d.test", "/\r\nX: y", "127.0.0.1", 443},
    {"a path with a blank", "d.test", "/ x", "127.0.0.1", 443},
    {"a name for an address", "d.test", "/", "localhost", 443},
    {"a list for an address", "d.test", "/", "127.0.0.1,127.0.0.2", 443},
    {"an address with a zone", "d.test", "/", "fe80::1%lo", 443},
    {"no address", "d.test", "/", NULL, 443},
    {"no port", "d.test", "/", "127.0.0.1", 0},
};

static int32_t
never_verify(void *arg, void *session)
{
    (void)arg;
    (void)session;
    fail();
    return SMTPSEC_FAILURE_NONE;
}

static void
never_done(void *arg, int32_t failure, int32_t status, const char *content_type,
           const uint8_t *body, size_t len)
{
    (void)arg;
    (void)failure;
    (void)status;
    (void)content_type;
    (void)body;
    (void)len;
    fail();
}

static void
check_words(void **state)
{
    const struct words_row *row = *state;
    struct ss_fetch_request request = {row->host, row->path, row->port, &row->address,
                                       row->address != NULL, BODY_MAX, LONG_MS, never_verify,
                                       never_done, NULL};
    struct ss_fetch *fetch;

    assert_int_equal(world.module->start(world.fetcher, &request, &fetch), SMTPSEC_E_FETCH);
    assert_null(fetch);
    world_idle(&world, 1);
}

int
main(int argc, char **argv)
{
    struct ss_table t = SS_TABLE("fetch");
    int code;

    if (argc != 3)
        return 1;
    code = server_start(argv[1], argv[2]);
    if (code != 0)
        return code;
    world_open(&world);
    SS_TABLE_ROWS(&t, check, rows);
    SS_TABLE_ROWS(&t, check_judged, judged_rows);
    SS_TABLE_ROWS(&t, check_peer, peer_rows);
    SS_TABLE_ROWS(&t, check_words, words_rows);
    ss_table_case(&t, "an IPv6 address", ipv6);
    ss_table_case(&t, "STSF-01 name, Host and path of the request", request_words);
    ss_table_case(&t, "STSF-07 nothing is kept between fetches", nothing_is_kept);
    ss_table_case(&t, "the environment's proxy is ignored", proxy_is_ignored);
    code = ss_table_run(&t);
    world_close(&world);
    server_stop();
    return code;
}
