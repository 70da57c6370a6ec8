/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * What the fetch of a policy costs, with all the system's CAs as anchors,
 * beside a client of GnuTLS on plain sockets that knows one root: time,
 * processor time, how long the loop is kept, memory.
 */
#include <gnutls/abstract.h>
#include <gnutls/x509.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "base/error.h"
#include "base/name.h"
#include "bench.h"
#include "certs.h"
#include "drive/fetch.h"
#include "drive/file.h"
#include "https_peer.h"
#include "pkix/anchors.h"
#include "pkix/chain.h"
#include "pkix/session.h"

#define DAY (INT64_C(24) * 60 * 60)

struct world {
    struct ss_bytes root;
    uint16_t port;
    struct smtpsec_anchors *anchors;
    struct ss_loop *loop;
    const struct ss_fetch_module *module;
    struct ss_fetcher *fetcher;
    bool done;
    uint64_t longest;     /* turn of the loop in this fetch */
    uint64_t longest_cpu; /* the same, in processor time: without who else wants the processor */
};

static uint64_t
cpu_now(void)
{
    struct timespec now;

    clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &now);
    return (uint64_t)now.tv_sec * UINT64_C(1000000000) + (uint64_t)now.tv_nsec;
}

/* ---- the same steps as those of drive/flight.c ---- */

static int32_t
judge(void *arg, void *gnutls_session)
{
    struct world *world = arg;
    int32_t reason = SMTPSEC_REASON_NO_CERTIFICATE;
    struct ss_tls_facts facts;
    struct ss_chain *chain = NULL;
    struct ss_name host;
    int r;

    ss_tls_facts_read(&facts, gnutls_session);
    if (facts.count == 0 || !ss_name_from_text(&host, PEER_HOST, strlen(PEER_HOST)))
        return SMTPSEC_FAILURE_CERT_NOT_TRUSTED;
    r = ss_chain_new(facts.certificates, facts.count, &chain);
    if (r == 0)
        r = ss_chain_match_names(chain, &host, 1, false, &reason);
    if (r == 0 && reason == SMTPSEC_REASON_NONE)
        r = ss_chain_verify(chain, world->anchors, time(NULL), &reason);
    ss_chain_free(chain);
    return r == 0 && reason == SMTPSEC_REASON_NONE ? SMTPSEC_FAILURE_NONE
                                                   : SMTPSEC_FAILURE_CERT_NOT_TRUSTED;
}

static void
told(void *arg, int32_t failure, int32_t status, const char *type, const uint8_t *body, size_t len)
{
    struct world *world = arg;

    (void)type;
    (void)body;
    if (failure != SMTPSEC_FAILURE_NONE || status != 200 || len == 0)
        bench_fail("a fetch has failed");
    world->done = true;
}

static void
fetch(struct world *world)
{
    static const char *const addresses[] = {"127.0.0.1"};
    struct ss_fetch_request request = {
        .host = PEER_HOST, .path = PEER_PATH, .port = world->port, .addresses = addresses,
        .address_count = 1, .body_max = 65536, .timeout_ms = 20000, .verify = judge, .done = told,
        .arg = world,
    };
    struct ss_fetch *one;

    world->done = false;
    world->longest = world->longest_cpu = 0;
    if (world->module->start(world->fetcher, &request, &one) != 0)
        bench_fail("a fetch cannot be started");
    while (!world->done) {
        struct pollfd ready = {ss_loop_fd(world->loop), POLLIN, 0};
        uint64_t begin, begin_cpu, took;

        poll(&ready, 1, ss_loop_timeout_ms(world->loop));
        begin = bench_now();
        begin_cpu = cpu_now();
        ss_loop_process(world->loop);
        took = bench_now() - begin;
        world->longest = took > world->longest ? took : world->longest;
        took = cpu_now() - begin_cpu;
        world->longest_cpu = took > world->longest_cpu ? took : world->longest_cpu;
    }
}

/* The system's bundle, and the root of our policy host among it. */
static void
load_anchors(struct world *world)
{
    struct ss_error error = {0};
    struct ss_bytes pem;
    struct ss_buf text;

    if (ss_anchors_new(&world->anchors) != 0)
        bench_fail("out of memory");
    ss_buf_init(&text, 16 * 1024 * 1024);
    if (ss_file_read(SS_CA_BUNDLE, &text, &error) == 0) {
        pem.data = text.data;
        pem.len = text.len;
        ss_anchors_add_pem(world->anchors, pem);
    } else {
        fprintf(stderr, "no bundle of the system: %s\n", error.text);
    }
    ss_buf_free(&text);
    if (ss_anchors_add_der(world->anchors, world->root) != 0)
        bench_fail("no root");
}

static void
open_fetcher(struct world *world)
{
    struct ss_fetch_host host = {NULL, ss_loop_watch, ss_loop_rewatch, ss_loop_unwatch,
                                 ss_loop_timer, ss_loop_untimer};
    struct ss_error error = {0};

    if (ss_loop_new(&world->loop) != 0)
        bench_fail("no loop");
    if (ss_fetch_module_find(&world->module, &error) != 0)
        bench_fail(error.text);
    host.loop = world->loop;
    if (world->module->open(&host, &world->fetcher) != 0)
        bench_fail("the HTTPS part cannot be opened");
}

static void
close_world(struct world *world)
{
    world->module->close(world->fetcher);
    ss_loop_free(world->loop);
    ss_anchors_unref(world->anchors);
}

/* ---- figures ---- */

struct longest {
    double *wall, *cpu;
    size_t count;
};

static void
report_longest(struct longest *longest)
{
    bench_value("policy fetch, longest turn of the loop, median", "ns",
                bench_percentile(longest->wall, longest->count, 0.5), 5e6, 0);
    bench_value("policy fetch, longest turn of the loop, p99", "ns",
                bench_percentile(longest->wall, longest->count, 0.99), 5e6, 0);
    bench_value("policy fetch, longest turn of the loop, processor, p99", "ns",
                bench_percentile(longest->cpu, longest->count, 0.99), 5e6, 0);
}

static void
time_ours(struct world *world, struct bench_pair *wall, struct bench_pair *cpu)
{
    uint64_t begin = bench_now(), begin_cpu = cpu_now();

    fetch(world);
    bench_ours(cpu, (double)(cpu_now() - begin_cpu));
    bench_ours(wall, (double)(bench_now() - begin));
}

static void
time_floor(struct world *world, struct raw_client *raw, struct bench_pair *wall,
           struct bench_pair *cpu)
{
    uint64_t begin = bench_now(), begin_cpu = cpu_now();

    raw_client_fetch(raw, world->port);
    bench_floor(cpu, (double)(cpu_now() - begin_cpu));
    bench_floor(wall, (double)(bench_now() - begin));
}

/* names: of the figures of time and of processor time. */
static void
measure_later(struct world *world, const char *const names[2], size_t rounds,
              struct longest *longest)
{
    static const char floor_name[] = "GnuTLS on a socket, one root";
    struct raw_client *raw = raw_client_new(world->root);
    struct bench_pair wall, cpu;
    size_t i;

    longest->wall = calloc(rounds, sizeof(double));
    longest->cpu = calloc(rounds, sizeof(double));
    if (longest->wall == NULL || longest->cpu == NULL)
        bench_fail("out of memory");
    bench_pair_init(&wall, names[0], floor_name, "ns", 1.15, 0);
    bench_pair_init(&cpu, names[1], floor_name, "ns", 1.15, 0);
    for (i = 0; i < 5; i++) {
        fetch(world);
        raw_client_fetch(raw, world->port);
    }
    for (i = 0; i < rounds; i++) {
        time_ours(world, &wall, &cpu);
        longest->wall[i] = (double)world->longest;
        longest->cpu[i] = (double)world->longest_cpu;
        time_floor(world, raw, &wall, &cpu);
    }
    longest->count = rounds;
    bench_report(&wall);
    bench_report(&cpu);
    raw_client_free(raw);
}

/* What one process tells of its beginning. */
struct beginning {
    double load, open, first, longest, memory;
};

static void
begin_world(struct world *world, struct beginning *told_of)
{
    double before = bench_private_memory();
    uint64_t at;

    at = bench_now();
    load_anchors(world);
    told_of->load = (double)(bench_now() - at);
    told_of->memory = bench_private_memory() - before;
    at = bench_now();
    open_fetcher(world);
    told_of->open = (double)(bench_now() - at);
    at = bench_now();
    fetch(world);
    told_of->first = (double)(bench_now() - at);
    told_of->longest = (double)world->longest;
}

static void
begin_raw(struct world *world, struct beginning *told_of)
{
    uint64_t at = bench_now();
    struct raw_client *raw = raw_client_new(world->root);

    raw_client_fetch(raw, world->port);
    told_of->first = (double)(bench_now() - at);
}

/* Each in a process of its own, since it happens once in one. */
static struct beginning
in_child(struct world *world, void (*work)(struct world *, struct beginning *))
{
    struct beginning result = {0};
    int ends[2];
    pid_t child;

    if (pipe(ends) != 0)
        bench_fail("no pipe");
    child = fork();
    if (child < 0)
        bench_fail("no process");
    if (child == 0) {
        work(world, &result);
        if (write(ends[1], &result, sizeof(result)) != (ssize_t)sizeof(result))
            _exit(1);
        _exit(0);
    }
    close(ends[1]);
    if (read(ends[0], &result, sizeof(result)) != (ssize_t)sizeof(result))
        bench_fail("a process has told nothing");
    close(ends[0]);
    waitpid(child, NULL, 0);
    return result;
}

enum { LOAD, OPEN, LONGEST, LOADED, KINDS };

static void
measure_first(struct world *world, int rounds)
{
    static const struct {
        const char *name;
        const char *unit;
        double goal;
    } kinds[KINDS] = {
        {"trust anchors of the system, load", "ns", 0},
        {"HTTPS part, open", "ns", 0},
        {"first fetch, longest turn of the loop", "ns", 5e6},
        {"trust anchors of the system, private memory", "B", 0},
    };
    double *values[KINDS];
    struct bench_pair first;
    int i, kind;

    for (kind = 0; kind < KINDS; kind++)
        if ((values[kind] = calloc((size_t)rounds, sizeof(double))) == NULL)
            bench_fail("out of memory");
    bench_pair_init(&first, "first policy fetch of a process, time", "the same by GnuTLS", "ns", 0,
                    0);
    for (i = 0; i < rounds; i++) {
        struct beginning ours = in_child(world, begin_world);
        struct beginning raw = in_child(world, begin_raw);

        bench_ours(&first, ours.first);
        bench_floor(&first, raw.first);
        values[LOAD][i] = ours.load;
        values[OPEN][i] = ours.open;
        values[LONGEST][i] = ours.longest;
        values[LOADED][i] = ours.memory;
    }
    bench_report(&first);
    for (kind = 0; kind < KINDS; kind++) {
        bench_value(kinds[kind].name, kinds[kind].unit,
                    bench_percentile(values[kind], (size_t)rounds, 0.5), kinds[kind].goal, 0);
        free(values[kind]);
    }
}

static struct ss_test_cert *
certificate(const char *cn, const struct ss_test_cert *issuer, unsigned key, bool ca)
{
    struct ss_test_cert_spec spec = {
        .cn = cn, .issuer = issuer, .key = key, .ca = ca, .key_ids = true,
        .not_before = time(NULL) - DAY, .not_after = time(NULL) + 30 * DAY,
    };

    if (!ca)
        spec.dns[0] = PEER_HOST;
    return ss_test_cert(&spec);
}

static gnutls_datum_t
make_key(unsigned n)
{
    gnutls_datum_t der = {NULL, 0};
    struct ss_bytes bytes;
    gnutls_x509_privkey_t key;

    if (gnutls_x509_privkey_init(&key) < 0 ||
        gnutls_x509_privkey_generate(key, GNUTLS_PK_ECDSA,
                                     GNUTLS_CURVE_TO_BITS(GNUTLS_ECC_CURVE_SECP256R1), 0) < 0 ||
        gnutls_x509_privkey_export2(key, GNUTLS_X509_FMT_DER, &der) < 0)
        bench_fail("no key");
    gnutls_x509_privkey_deinit(key);
    bytes.data = der.data;
    bytes.len = der.size;
    ss_test_key_set(n, bytes);
    return der;
}

/* As public CAs issue: the leaf's issuer is sent with it; and a leaf of the root's own. */
static void
measure(const struct ss_bytes *chain, size_t count, struct ss_bytes root, gnutls_datum_t key,
        bool quick)
{
    static const char *const names[PEER_CHAIN][2] = {
        {"policy fetch of a host without intermediate, time",
         "policy fetch of a host without intermediate, processor"},
        {"policy fetch, time", "policy fetch, processor"},
    };
    struct ss_bytes key_bytes = {key.data, key.size};
    struct world world = {.root = root};
    struct longest longest;
    pid_t peer = peer_start(chain, count, key_bytes, &world.port);

    if (count == PEER_CHAIN)
        measure_first(&world, quick ? 5 : 41);
    load_anchors(&world);
    open_fetcher(&world);
    measure_later(&world, names[count - 1], quick ? 100 : 1000, &longest);
    if (count == PEER_CHAIN)
        report_longest(&longest);
    free(longest.wall);
    free(longest.cpu);
    close_world(&world);
    peer_stop(peer);
}

int
main(int argc, char **argv)
{
    bool quick = bench_quick(argc, argv);
    gnutls_datum_t key = make_key(0);
    struct ss_test_cert *root = certificate("Root of the benchmark", NULL, 1, true);
    struct ss_test_cert *issuer = certificate("Issuer of the benchmark", root, 2, true);
    struct ss_bytes chain[PEER_CHAIN];

    chain[0] = ss_test_cert_der(certificate(PEER_HOST, issuer, 0, false));
    chain[1] = ss_test_cert_der(issuer);
    measure(chain, 2, ss_test_cert_der(root), key, quick);
    chain[0] = ss_test_cert_der(certificate(PEER_HOST, root, 0, false));
    measure(chain, 1, ss_test_cert_der(root), key, quick);
    gnutls_free(key.data);
    ss_test_certs_free();
    return 0;
}
