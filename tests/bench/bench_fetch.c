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
    uint64_t longest; /* turn of the loop in this fetch */
};

static uint64_t
cpu_now(void)
{
    struct timespec now;

    clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &now);
    return (uint64_t)now.tv_sec * UINT64_C(1000000000) + (uint64_t)now.tv_nsec;
}

/* Octets that this process has for itself; 0: the kernel does not tell. */
static uint64_t
private_memory(void)
{
    FILE *file = fopen("/proc/self/smaps_rollup", "re");
    unsigned long clean = 0, dirty = 0;
    char line[256];

    while (file != NULL && fgets(line, sizeof(line), file) != NULL) {
        sscanf(line, "Private_Clean: %lu", &clean);
        sscanf(line, "Private_Dirty: %lu", &dirty);
    }
    if (file != NULL)
        fclose(file);
    return (uint64_t)(clean + dirty) * 1024;
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
    world->longest = 0;
    if (world->module->start(world->fetcher, &request, &one) != 0)
        bench_fail("a fetch cannot be started");
    while (!world->done) {
        struct pollfd ready = {ss_loop_fd(world->loop), POLLIN, 0};
        uint64_t begin, took;

        poll(&ready, 1, ss_loop_timeout_ms(world->loop));
        begin = bench_now();
        ss_loop_process(world->loop);
        took = bench_now() - begin;
        if (took > world->longest)
            world->longest = took;
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

static void
measure_later(struct world *world, int rounds)
{
    struct raw_client *raw = raw_client_new(world->root);
    struct bench_pair wall, cpu;
    double *longest = calloc((size_t)rounds, sizeof(*longest));
    uint64_t begin, begin_cpu;
    int i;

    if (longest == NULL)
        bench_fail("out of memory");
    bench_pair_init(&wall, "policy fetch, time", "GnuTLS on a socket, one root", "ns", 1.15, 0);
    bench_pair_init(&cpu, "policy fetch, processor", "GnuTLS on a socket, one root", "ns", 1.15, 0);
    for (i = -5; i < rounds; i++) {
        begin = bench_now();
        begin_cpu = cpu_now();
        fetch(world);
        if (i >= 0) {
            bench_ours(&cpu, (double)(cpu_now() - begin_cpu));
            bench_ours(&wall, (double)(bench_now() - begin));
            longest[i] = (double)world->longest;
        }
        begin = bench_now();
        begin_cpu = cpu_now();
        raw_client_fetch(raw, world->port);
        if (i >= 0) {
            bench_floor(&cpu, (double)(cpu_now() - begin_cpu));
            bench_floor(&wall, (double)(bench_now() - begin));
        }
    }
    bench_report(&wall);
    bench_report(&cpu);
    bench_value("policy fetch, longest turn of the loop, median", "ns",
                bench_percentile(longest, (size_t)rounds, 0.5), 5e6, 0);
    bench_value("policy fetch, longest turn of the loop, p99", "ns",
                bench_percentile(longest, (size_t)rounds, 0.99), 5e6, 0);
    free(longest);
    raw_client_free(raw);
}

/* What one process tells of its beginning. */
struct beginning {
    double load, open, first, longest, memory_loaded, memory_fetched;
};

static void
begin_world(struct world *world, struct beginning *told_of)
{
    uint64_t at, before = private_memory();

    at = bench_now();
    load_anchors(world);
    told_of->load = (double)(bench_now() - at);
    told_of->memory_loaded = (double)private_memory() - (double)before;
    at = bench_now();
    open_fetcher(world);
    told_of->open = (double)(bench_now() - at);
    at = bench_now();
    fetch(world);
    told_of->first = (double)(bench_now() - at);
    told_of->longest = (double)world->longest;
    told_of->memory_fetched = (double)private_memory() - (double)before;
}

static void
begin_raw(struct world *world, struct beginning *told_of)
{
    uint64_t before = private_memory();
    uint64_t at = bench_now();
    struct raw_client *raw = raw_client_new(world->root);

    raw_client_fetch(raw, world->port);
    told_of->first = (double)(bench_now() - at);
    told_of->memory_fetched = (double)private_memory() - (double)before;
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

enum { LOAD, OPEN, LONGEST, LOADED, FETCHED, RAW, KINDS };

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
        {"process with anchors and a fetch, private memory", "B", 0},
        {"process with GnuTLS on a socket, private memory", "B", 0},
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
        values[LOADED][i] = ours.memory_loaded;
        values[FETCHED][i] = ours.memory_fetched;
        values[RAW][i] = raw.memory_fetched;
    }
    bench_report(&first);
    for (kind = 0; kind < KINDS; kind++) {
        bench_value(kinds[kind].name, kinds[kind].unit,
                    bench_percentile(values[kind], (size_t)rounds, 0.5), kinds[kind].goal, 0);
        free(values[kind]);
    }
}

static struct ss_test_cert *
certificate(const char *cn, const struct ss_test_cert *issuer, unsigned key)
{
    struct ss_test_cert_spec spec = {
        .cn = cn, .issuer = issuer, .key = key, .ca = issuer == NULL, .key_ids = true,
        .not_before = time(NULL) - DAY, .not_after = time(NULL) + 30 * DAY,
    };

    if (issuer != NULL)
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

int
main(int argc, char **argv)
{
    bool quick = bench_quick(argc, argv);
    gnutls_datum_t key = make_key(0);
    struct ss_bytes key_bytes = {key.data, key.size};
    struct ss_test_cert *root = certificate("Root of the benchmark", NULL, 1);
    struct ss_bytes leaf = ss_test_cert_der(certificate(PEER_HOST, root, 0));
    struct world world = {.root = ss_test_cert_der(root)};
    pid_t peer = peer_start(leaf, key_bytes, &world.port);

    measure_first(&world, quick ? 5 : 41);
    load_anchors(&world);
    open_fetcher(&world);
    measure_later(&world, quick ? 100 : 1000);
    close_world(&world);
    peer_stop(peer);
    gnutls_free(key.data);
    ss_test_certs_free();
    return 0;
}
