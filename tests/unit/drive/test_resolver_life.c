/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Many questions, questions that are stopped, and a resolver short of everything. */
#include "drive/resolver.h"

#include <dirent.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <stdio.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <unistd.h>

#include "dns_world.h"
#include "failing_alloc.h"
#include "smtpsec.h"
#include "table.h"

#define LONG_MS 5000
#define MANY 300
#define IN_FLIGHT 256
#define RIGHT "192.0.2.1"

struct scene {
    struct ss_loop *loop;
    struct ss_resolver *resolver;
    unsigned token;
};

static struct scene
scene_new(const char *servers, int32_t timeout_ms)
{
    struct scene scene;

    scene.loop = world_loop();
    scene.resolver = world_resolver(scene.loop, servers, timeout_ms);
    scene.token = world_token();
    return scene;
}

static void
scene_free(struct scene *scene)
{
    ss_resolver_free(scene->resolver);
    ss_loop_free(scene->loop);
}

static void
ask_many(struct scene *scene, struct told *told, size_t count, const char *behaviour)
{
    size_t i;

    for (i = 0; i < count; i++) {
        told_init(&told[i], SS_RR_A, "a-%s.n%zu.t%u.test", behaviour, i, scene->token);
        told_ask(&told[i], scene->resolver);
    }
}

static struct told *
told_array(size_t count)
{
    struct told *told = calloc(count, sizeof(*told));

    assert_non_null(told);
    return told;
}

static size_t
open_descriptors(void)
{
    DIR *folder = opendir("/proc/self/fd");
    size_t count = 0;

    if (folder == NULL)
        return 0;
    while (readdir(folder) != NULL)
        count++;
    closedir(folder);
    return count;
}

static void
check_many(void **state)
{
    struct scene scene = scene_new("a", LONG_MS);
    size_t before = open_descriptors(), i;
    struct told *told = told_array(MANY);

    (void)state;
    ask_many(&scene, told, MANY, "ok");
    assert_in_range(open_descriptors(), before, before + IN_FLIGHT);
    told_wait(told, MANY, scene.loop);
    for (i = 0; i < MANY; i++) {
        assert_int_equal(told[i].calls, 1);
        assert_string_equal(told[i].text, RIGHT);
    }
    assert_int_equal(open_descriptors(), before);
    assert_int_equal(ss_loop_timeout_ms(scene.loop), -1);
    free(told);
    scene_free(&scene);
}

/* Those that wait for a place have the same time as the others, not more. */
static void
check_many_silent(void **state)
{
    struct scene scene = scene_new("a", 300);
    struct told *told = told_array(MANY);
    char seen[128];
    size_t i;

    (void)state;
    ask_many(&scene, told, MANY, "silent");
    told_wait(told, MANY, scene.loop);
    for (i = 0; i < MANY; i++) {
        assert_int_equal(told[i].calls, 1);
        assert_int_equal(told[i].failure, SMTPSEC_FAILURE_TIMEOUT);
    }
    world_ask_text('a', "seen", scene.token, seen, sizeof(seen));
    assert_non_null(strstr(seen, "tcp=0"));
    free(told);
    scene_free(&scene);
}

/* RFC 5452 section 9.2: ids and ports are not to be guessed from earlier ones. */
static void
check_ports_and_ids(void **state)
{
    struct scene scene = scene_new("a", LONG_MS);
    struct told told;
    unsigned ports, ids;
    char text[128];
    int i;

    (void)state;
    for (i = 0; i < 40; i++) {
        told_init(&told, SS_RR_A, "a-ok.t%u.test", scene.token);
        told_ask(&told, scene.resolver);
        told_wait(&told, 1, scene.loop);
    }
    world_ask_text('a', "distinct", scene.token, text, sizeof(text));
    assert_int_equal(sscanf(text, "ports=%5u ids=%5u", &ports, &ids), 2);
    /* Chance may make a few equal. */
    assert_in_range(ports, 36, 40);
    assert_in_range(ids, 38, 40);
    scene_free(&scene);
}

/* An IPv6 server, played by the test itself: the query comes back as an empty reply. */
static void
check_ipv6(void **state)
{
    struct sockaddr_in6 address = { .sin6_family = AF_INET6, .sin6_addr = IN6ADDR_LOOPBACK_INIT };
    struct ss_loop *loop = world_loop();
    struct ss_resolver_config config = { .count = 1, .timeout_ms = LONG_MS };
    socklen_t len = sizeof(address);
    struct ss_resolver *resolver;
    uint8_t message[512];
    struct told told;
    ssize_t got;
    int fd = socket(AF_INET6, SOCK_DGRAM | SOCK_CLOEXEC, 0);

    (void)state;
    if (fd < 0 || bind(fd, (struct sockaddr *)&address, len) != 0) {
        if (fd >= 0)
            close(fd);
        ss_loop_free(loop);
        skip();
    }
    assert_int_equal(getsockname(fd, (struct sockaddr *)&address, &len), 0);
    assert_true(ss_server_from_text(&config.servers[0], "::1", false));
    config.servers[0].port = ntohs(address.sin6_port);
    assert_int_equal(ss_resolver_new(loop, &config, &resolver), 0);
    told_init(&told, SS_RR_A, "t%u.test", world_token());
    told_ask(&told, resolver);
    got = recvfrom(fd, message, sizeof(message), 0, (struct sockaddr *)&address, &len);
    assert_in_range(got, 12, sizeof(message));
    message[2] |= 0x80; /* QR */
    message[3] |= 0x80; /* RA */
    assert_int_equal(sendto(fd, message, (size_t)got, 0, (struct sockaddr *)&address, len), got);
    told_wait(&told, 1, loop);
    assert_string_equal(told.text, "no-data secure");
    assert_true(told.trusted);
    ss_resolver_free(resolver);
    ss_loop_free(loop);
    close(fd);
}

/* ---- stopping ---- */

static void
check_cancel(void **state)
{
    struct scene scene = scene_new("a", LONG_MS);
    struct told told[3];

    (void)state;
    ask_many(&scene, told, 3, "ok");
    ss_query_cancel(told[1].query);
    ss_query_cancel(NULL);
    told_wait(&told[0], 1, scene.loop);
    told_wait(&told[2], 1, scene.loop);
    assert_int_equal(told[1].calls, 0);
    assert_int_equal(ss_loop_timeout_ms(scene.loop), -1);
    scene_free(&scene);
}

/* A queued one is taken away, and a place given back goes to the next in order. */
static void
check_cancel_queued(void **state)
{
    struct scene scene = scene_new("a", LONG_MS);
    struct told *told = told_array(IN_FLIGHT + 2);
    size_t i;

    (void)state;
    ask_many(&scene, told, IN_FLIGHT, "silent");
    told_init(&told[IN_FLIGHT], SS_RR_A, "a-ok.t%u.test", scene.token);
    told_ask(&told[IN_FLIGHT], scene.resolver);
    told_init(&told[IN_FLIGHT + 1], SS_RR_A, "a-ok.t%u.test", scene.token);
    told_ask(&told[IN_FLIGHT + 1], scene.resolver);
    ss_query_cancel(told[IN_FLIGHT].query);
    ss_query_cancel(told[3].query);
    told_wait(&told[IN_FLIGHT + 1], 1, scene.loop);
    assert_string_equal(told[IN_FLIGHT + 1].text, RIGHT);
    for (i = 0; i < IN_FLIGHT + 1; i++)
        assert_int_equal(told[i].calls, 0);
    scene_free(&scene);
    free(told);
}

static void
check_free_in_flight(void **state)
{
    struct scene scene = scene_new("a", LONG_MS);
    size_t before = open_descriptors(), i;
    struct told *told = told_array(MANY);

    (void)state;
    ask_many(&scene, told, MANY, "tcsilent");
    assert_int_equal(ss_loop_process(scene.loop), 0);
    ss_resolver_free(scene.resolver);
    ss_resolver_free(NULL);
    assert_int_equal(open_descriptors(), before);
    assert_int_equal(ss_loop_timeout_ms(scene.loop), -1);
    assert_int_equal(ss_loop_process(scene.loop), 0);
    for (i = 0; i < MANY; i++)
        assert_int_equal(told[i].calls, 0);
    ss_loop_free(scene.loop);
    free(told);
}

/* One callback stops the other question, whose reply lies in the same batch of events. */
struct pair {
    struct told told;
    struct pair *other;
    struct ss_resolver *frees;
    struct scene *asks;
    struct told next;
};

static void
pair_done(void *arg, const uint8_t *message, size_t len, bool trusted, int32_t failure)
{
    struct pair *pair = arg;

    told_done(&pair->told, message, len, trusted, failure);
    if (pair->other != NULL) {
        ss_query_cancel(pair->other->told.query);
        pair->other->told.query = NULL;
    }
    ss_resolver_free(pair->frees);
    if (pair->asks != NULL) {
        told_init(&pair->next, SS_RR_A, "a-ok.t%u.test", pair->asks->token);
        told_ask(&pair->next, pair->asks->resolver);
    }
}

static void
pair_ask(struct pair *pair, const struct scene *scene)
{
    told_init(&pair->told, SS_RR_A, "a-ok.t%u.test", scene->token);
    assert_int_equal(ss_resolver_ask(scene->resolver, &pair->told.question, pair_done, pair,
                                     &pair->told.query), 0);
}

static void
wait_for_replies(void)
{
    /* Both replies should lie there before process(); the test holds either way. */
    usleep(100000);
}

static void
check_cancel_in_callback(void **state)
{
    struct scene scene = scene_new("a", LONG_MS);
    struct pair a, b;

    (void)state;
    memset(&a, 0, sizeof(a));
    memset(&b, 0, sizeof(b));
    a.other = &b;
    b.other = &a;
    pair_ask(&a, &scene);
    pair_ask(&b, &scene);
    wait_for_replies();
    while (a.told.calls + b.told.calls == 0)
        assert_int_equal(ss_loop_process(scene.loop), 0);
    assert_int_equal(ss_loop_process(scene.loop), 0);
    assert_int_equal(a.told.calls + b.told.calls, 1);
    scene_free(&scene);
}

static void
check_free_in_callback(void **state)
{
    struct scene scene = scene_new("a", LONG_MS);
    struct pair a, b;

    (void)state;
    memset(&a, 0, sizeof(a));
    memset(&b, 0, sizeof(b));
    a.frees = scene.resolver;
    b.frees = scene.resolver;
    pair_ask(&a, &scene);
    pair_ask(&b, &scene);
    wait_for_replies();
    while (a.told.calls + b.told.calls == 0)
        assert_int_equal(ss_loop_process(scene.loop), 0);
    assert_int_equal(ss_loop_process(scene.loop), 0);
    assert_int_equal(a.told.calls + b.told.calls, 1);
    ss_loop_free(scene.loop);
}

static void
check_ask_in_callback(void **state)
{
    struct scene scene = scene_new("a", LONG_MS);
    struct pair a;

    (void)state;
    memset(&a, 0, sizeof(a));
    a.asks = &scene;
    pair_ask(&a, &scene);
    told_wait(&a.told, 1, scene.loop);
    told_wait(&a.next, 1, scene.loop);
    assert_string_equal(a.next.text, RIGHT);
    scene_free(&scene);
}

/* ---- short of everything ---- */

struct config_row {
    const char *name;
    size_t count;
    int32_t timeout_ms;
    int want;
};

static const struct config_row config_rows[] = {
    { "eight servers", 8, 1, 0 },
    { "no server", 0, 1000, 0 },
    { "nine servers", 9, 1000, SMTPSEC_E_INVALID },
    { "no time", 1, 0, SMTPSEC_E_INVALID },
    { "negative time", 1, -1, SMTPSEC_E_INVALID },
};

static void
check_config(void **state)
{
    const struct config_row *row = *state;
    struct ss_loop *loop = world_loop();
    struct ss_resolver_config config;
    struct ss_resolver *resolver;

    memset(&config, 0, sizeof(config));
    config.count = row->count;
    config.timeout_ms = row->timeout_ms;
    assert_int_equal(ss_resolver_new(loop, &config, &resolver), row->want);
    assert_int_equal(resolver == NULL, row->want != 0);
    ss_resolver_free(resolver);
    ss_loop_free(loop);
}

static void
check_no_descriptors(void **state)
{
    struct scene scene = scene_new("a", LONG_MS);
    struct rlimit was, none;
    struct told told;
    int lowest = open("/dev/null", O_RDONLY);

    (void)state;
    close(lowest);
    assert_int_equal(getrlimit(RLIMIT_NOFILE, &was), 0);
    none = was;
    none.rlim_cur = (rlim_t)lowest;
    assert_int_equal(setrlimit(RLIMIT_NOFILE, &none), 0);
    told_init(&told, SS_RR_A, "a-ok.t%u.test", scene.token);
    told_ask(&told, scene.resolver);
    told_wait(&told, 1, scene.loop);
    assert_int_equal(setrlimit(RLIMIT_NOFILE, &was), 0);
    assert_int_equal(told.failure, SMTPSEC_FAILURE_TIMEOUT);
    told_init(&told, SS_RR_A, "a-ok.t%u.test", scene.token);
    told_ask(&told, scene.resolver);
    told_wait(&told, 1, scene.loop);
    assert_string_equal(told.text, RIGHT);
    scene_free(&scene);
}

struct memory_row {
    const char *name;
    const char *behaviour;
};

static const struct memory_row memory_rows[] = {
    { "no memory, an answer by UDP", "ok" },
    { "no memory, an answer by TCP", "tc" },
    { "no memory, a second look", "servfail-ok" },
};

/* Only the resolver's allocations are to fail, not those of the message's reader. */
static void
memory_done(void *arg, const uint8_t *message, size_t len, bool trusted, int32_t failure)
{
    unsigned long fail_at = alloc_fail_at, count = alloc_count;

    alloc_fail_set(0);
    told_done(arg, message, len, trusted, failure);
    alloc_fail_at = fail_at;
    alloc_count = count;
}

/* Each allocation fails in turn: the question is refused, fails or is answered, but always ends. */
static bool
ask_without_memory(const char *behaviour, unsigned long fail_at)
{
    struct ss_resolver_config config = world_config("a!", 600);
    struct ss_resolver *resolver = NULL;
    struct ss_loop *loop = world_loop();
    struct told told;
    bool reached;

    told_init(&told, SS_RR_A, "a-%s.t%u.test", behaviour, world_token());
    alloc_fail_set(fail_at);
    if (ss_resolver_new(loop, &config, &resolver) == 0 &&
        ss_resolver_ask(resolver, &told.question, memory_done, &told, &told.query) == 0) {
        assert_int_equal(told.calls, 0);
        told_wait(&told, 1, loop);
        assert_int_equal(told.failure == SMTPSEC_FAILURE_NONE, told.text[0] != '\0');
    }
    reached = alloc_fail_reached();
    alloc_fail_set(0);
    ss_resolver_free(resolver);
    ss_loop_free(loop);
    return reached;
}

static void
check_no_memory(void **state)
{
    const struct memory_row *row = *state;
    unsigned long fail_at = 1;

    while (ask_without_memory(row->behaviour, fail_at))
        fail_at++;
    assert_true(fail_at > 3);
}

int
main(int argc, char **argv)
{
    struct ss_table t = SS_TABLE("drive/resolver_life");
    int failures;

    if (argc != 2) {
        fprintf(stderr, "usage: %s dns_server.py\n", argv[0]);
        return 99;
    }
    world_start(argv[1]);
    ss_table_case(&t, "three hundred questions at once", check_many);
    ss_table_case(&t, "RES-04 three hundred questions to a silent server", check_many_silent);
    ss_table_case(&t, "RES-26 ports and ids differ", check_ports_and_ids);
    ss_table_case(&t, "a server on IPv6", check_ipv6);
    ss_table_case(&t, "cancel in flight", check_cancel);
    ss_table_case(&t, "cancel in the queue", check_cancel_queued);
    ss_table_case(&t, "free with questions in flight", check_free_in_flight);
    ss_table_case(&t, "cancel in another's callback", check_cancel_in_callback);
    ss_table_case(&t, "free in a callback", check_free_in_callback);
    ss_table_case(&t, "ask in a callback", check_ask_in_callback);
    SS_TABLE_ROWS(&t, check_config, config_rows);
    ss_table_case(&t, "no descriptors left", check_no_descriptors);
    SS_TABLE_ROWS(&t, check_no_memory, memory_rows);
    failures = ss_table_run(&t);
    world_stop();
    return failures;
}
