/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Contexts: wrong use, events, forks, cancelled and abandoned evaluations. */
#include "table.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "api/context.h"
#include "certs.h"
#include "smtpsec.h"

/* Loopback, and nobody listens: each question waits for its time-out, or is refused at once. */
#define NOBODY "127.0.0.99#9"

static int64_t
clock_of_test(void *user)
{
    return *(int64_t *)user;
}

static int64_t test_now = 1800000000;

static struct smtpsec_context *
open_context(const char *resolver)
{
    struct smtpsec_options *options;
    struct smtpsec_context *context;

    assert_int_equal(smtpsec_options_new(&options), 0);
    assert_int_equal(smtpsec_options_set_mta_sts(options, 0), 0);
    assert_int_equal(smtpsec_options_set_memory_ram(options), 0);
    assert_int_equal(smtpsec_options_set_clock(options, clock_of_test, &test_now), 0);
    if (resolver != NULL)
        assert_int_equal(smtpsec_options_add_resolver(options, resolver, 1), 0);
    assert_int_equal(smtpsec_context_new(options, &context), 0);
    smtpsec_options_free(options);
    return context;
}

static struct smtpsec_destination *
open_destination(const char *domain)
{
    struct smtpsec_destination *destination;

    assert_int_equal(smtpsec_destination_new(domain, &destination), 0);
    return destination;
}

static int64_t
milliseconds(void)
{
    struct timespec t;

    clock_gettime(CLOCK_MONOTONIC, &t);
    return (int64_t)t.tv_sec * 1000 + t.tv_nsec / 1000000;
}

/* ---- Events ---- */

static void
events(void **state)
{
    struct smtpsec_context *context = open_context(NULL);
    char text[32];
    int i;

    (void)state;
    assert_int_equal(smtpsec_event_next(context), 0);
    assert_int_equal(smtpsec_event_kind(context), 0);
    assert_string_equal(smtpsec_event_text(context), "");
    for (i = 0; i < SS_EVENTS_MAX; i++)
        ss_events_add(&context->events, SMTPSEC_EVENT_REFUSED, i, "d.test", "event %d", i);
    for (i = 0; i < SS_EVENTS_MAX; i++) {
        assert_int_equal(smtpsec_event_next(context), 1);
        assert_int_equal(smtpsec_event_time(context), i);
        snprintf(text, sizeof(text), "event %d", i);
        assert_string_equal(smtpsec_event_text(context), text);
        assert_string_equal(smtpsec_event_domain(context), "d.test");
    }
    assert_int_equal(smtpsec_event_next(context), 0);
    smtpsec_context_free(context);
}

static void
events_overflow(void **state)
{
    struct smtpsec_context *context = open_context(NULL);
    int i;

    (void)state;
    for (i = 0; i < SS_EVENTS_MAX + 3; i++)
        ss_events_add(&context->events, SMTPSEC_EVENT_REFUSED, i, "d.test", "event %d", i);
    /* That some are lost is told first; the newest are there. */
    assert_int_equal(smtpsec_event_next(context), 1);
    assert_int_equal(smtpsec_event_kind(context), SMTPSEC_EVENT_DROPPED);
    assert_string_equal(smtpsec_event_text(context), "3 older events were lost");
    for (i = 3; i < SS_EVENTS_MAX + 3; i++) {
        assert_int_equal(smtpsec_event_next(context), 1);
        assert_int_equal(smtpsec_event_kind(context), SMTPSEC_EVENT_REFUSED);
        assert_int_equal(smtpsec_event_time(context), i);
    }
    assert_int_equal(smtpsec_event_next(context), 0);
    smtpsec_context_free(context);
}

/* What a stranger may make long is cut, not written past the end. */
static void
long_event(void **state)
{
    struct smtpsec_context *context = open_context(NULL);
    char text[1600];

    (void)state;
    memset(text, 'x', sizeof(text) - 1);
    text[sizeof(text) - 1] = '\0';
    ss_events_add(&context->events, SMTPSEC_EVENT_REFUSED, 1, text, "%s", text);
    assert_int_equal(smtpsec_event_next(context), 1);
    assert_int_equal(strlen(smtpsec_event_text(context)), 1023);
    assert_int_equal(strlen(smtpsec_event_domain(context)), 255);
    smtpsec_context_free(context);
}

/* ---- Wrong use ---- */

static void
never(void *user, int status, struct smtpsec_plan *plan)
{
    (void)status;
    smtpsec_plan_free(plan);
    (*(int *)user)++;
}

static void
wrong_use(void **state)
{
    struct smtpsec_context *context = open_context(NOBODY);
    struct smtpsec_context *blind = open_context(NULL);
    struct smtpsec_destination *destination = open_destination("d.test");
    struct smtpsec_options *options;
    struct smtpsec_lookup *lookup;
    struct smtpsec_plan *plan = NULL;
    uint8_t key[65] = {0};
    int called = 0, i;

    (void)state;
    assert_int_equal(smtpsec_evaluate(context, "d.test", 0, &plan), SMTPSEC_E_INVALID);
    assert_int_equal(smtpsec_evaluate(context, "d.test", -1, &plan), SMTPSEC_E_INVALID);
    assert_int_equal(smtpsec_evaluate(context, "d.test", 10, NULL), SMTPSEC_E_INVALID);
    assert_int_equal(smtpsec_evaluate(context, "", 10, &plan), SMTPSEC_E_NAME);
    assert_int_equal(smtpsec_evaluate(context, ".", 10, &plan), SMTPSEC_E_NAME);
    assert_int_equal(smtpsec_evaluate(context, "a..b", 10, &plan), SMTPSEC_E_NAME);
    assert_int_equal(smtpsec_evaluate(context, "[192.0.2.1", 10, &plan), SMTPSEC_E_NAME);
    assert_int_equal(smtpsec_evaluate(context, "[]", 10, &plan), SMTPSEC_E_NAME);
    assert_int_equal(smtpsec_evaluate(context, "[IPv6:192.0.2]", 10, &plan), SMTPSEC_E_NAME);
    assert_int_equal(smtpsec_start(context, destination, 10, NULL, NULL, NULL), SMTPSEC_E_INVALID);
    assert_int_equal(smtpsec_start(context, destination, 0, never, &called, NULL),
                     SMTPSEC_E_INVALID);
    /* Without resolvers: by hand alone. */
    assert_int_equal(smtpsec_evaluate(blind, "d.test", 10, &plan), SMTPSEC_E_RESOLVER);
    assert_int_equal(smtpsec_fd(blind), -1);
    assert_int_equal(smtpsec_timeout_ms(blind), -1);
    assert_int_equal(smtpsec_process(blind), 0);
    assert_int_equal(smtpsec_lookup_new(blind, destination, test_now, &lookup), 0);
    assert_int_equal(smtpsec_lookup_plan(lookup, test_now, &plan), SMTPSEC_E_PENDING);
    assert_int_equal(smtpsec_lookup_plan(lookup, test_now, NULL), SMTPSEC_E_INVALID);
    assert_int_equal(smtpsec_lookup_answer_failure(lookup, 99, SMTPSEC_FAILURE_TIMEOUT, test_now),
                     SMTPSEC_E_NEED);
    assert_int_equal(smtpsec_lookup_answer_failure(lookup, 1, SMTPSEC_FAILURE_NONE, test_now),
                     SMTPSEC_E_INVALID);
    assert_int_equal(smtpsec_lookup_answer_failure(lookup, 1, 26, test_now), SMTPSEC_E_INVALID);
    assert_int_equal(smtpsec_lookup_answer_https(lookup, 1, 200, NULL, NULL, 0, test_now),
                     SMTPSEC_E_NEED); /* a need of DNS */
    assert_int_equal(smtpsec_lookup_answer_dns(lookup, 1, NULL, 0, 1, test_now), SMTPSEC_E_INVALID);
    assert_int_equal(smtpsec_lookup_need_id(lookup, 1), 0);
    assert_null(smtpsec_lookup_need_url(lookup, 1));
    assert_null(smtpsec_lookup_need_address(lookup, 1, 0));
    assert_int_equal(smtpsec_lookup_answer_failure(lookup, 1, SMTPSEC_FAILURE_TIMEOUT, test_now),
                     0);
    assert_int_equal(smtpsec_lookup_answer_failure(lookup, 1, SMTPSEC_FAILURE_TIMEOUT, test_now),
                     SMTPSEC_E_NEED);
    assert_int_equal(smtpsec_lookup_need_count(lookup), 0);
    assert_int_equal(smtpsec_lookup_plan(lookup, test_now, &plan), 0);
    assert_int_equal(smtpsec_plan_reason(plan), SMTPSEC_REASON_MX_TIMEOUT);
    assert_null(smtpsec_plan_host(plan, 0));
    assert_null(smtpsec_plan_claim(plan, 0));
    assert_null(smtpsec_plan_sts_mx(plan, 0));
    assert_null(smtpsec_plan_explain_text(plan, smtpsec_plan_explain_count(plan)));
    smtpsec_plan_free(plan);
    smtpsec_lookup_free(lookup);
    assert_int_equal(smtpsec_destination_set_port(destination, 0), SMTPSEC_E_INVALID);
    assert_int_equal(smtpsec_destination_set_relay(destination, "."), SMTPSEC_E_NAME);
    /* Options: limits. */
    assert_int_equal(smtpsec_options_new(&options), 0);
    assert_int_equal(smtpsec_options_set_seal_key(options, key, 15), SMTPSEC_E_INVALID);
    assert_int_equal(smtpsec_options_set_seal_key(options, key, 65), SMTPSEC_E_INVALID);
    assert_int_equal(smtpsec_options_set_seal_key(options, key, 64), 0);
    assert_int_equal(smtpsec_options_set_dns_timeout(options, 99), SMTPSEC_E_INVALID);
    assert_int_equal(smtpsec_options_set_dns_timeout(options, 60001), SMTPSEC_E_INVALID);
    assert_int_equal(smtpsec_options_set_fetch_timeout(options, 60000), 0);
    assert_int_equal(smtpsec_options_set_mode(options, 0, SMTPSEC_MODE_OFF), SMTPSEC_E_INVALID);
    assert_int_equal(smtpsec_options_set_mode(options, 5, SMTPSEC_MODE_OFF), SMTPSEC_E_INVALID);
    assert_int_equal(smtpsec_options_set_mode(options, SMTPSEC_CLAIM_DANE, 3), SMTPSEC_E_INVALID);
    assert_int_equal(smtpsec_options_set_insecure_mx(options, SMTPSEC_LEVEL_MTA_STS),
                     SMTPSEC_E_INVALID);
    assert_int_equal(smtpsec_options_add_resolver(options, "not an address", 0), SMTPSEC_E_INVALID);
    assert_non_null(strstr(smtpsec_options_error(options), "99 ms"));
    for (i = 0; i < 8; i++)
        assert_int_equal(smtpsec_options_add_resolver(options, "127.0.0.1", 0), 0);
    assert_int_equal(smtpsec_options_add_resolver(options, "127.0.0.1", 0), SMTPSEC_E_LIMIT);
    smtpsec_options_free(options);
    assert_int_equal(called, 0);
    smtpsec_destination_free(destination);
    smtpsec_context_free(context);
    smtpsec_context_free(blind);
}

/* MTA-STS without trust anchors would fetch from anybody: refused when the context is made. */
static void
no_anchors(void **state)
{
    struct smtpsec_options *options;
    struct smtpsec_context *context = NULL;

    (void)state;
    assert_int_equal(smtpsec_options_new(&options), 0);
    assert_int_equal(smtpsec_options_add_resolver(options, NOBODY, 1), 0);
    assert_int_equal(smtpsec_context_new(options, &context), SMTPSEC_E_TRUST);
    assert_null(context);
    assert_string_not_equal(smtpsec_options_error(options), "");
    smtpsec_options_free(options);
}

/* The HTTPS part is there with the context, or not before it is wanted. */
static void
fetch_part(void **state)
{
    struct ss_test_cert_spec root = {.cn = "Root", .key = 1, .ca = true};
    struct ss_bytes der = ss_test_cert_der(ss_test_cert(&root));
    struct smtpsec_anchors *anchors;
    struct smtpsec_options *options;
    struct smtpsec_context *context;
    int late;

    (void)state;
    assert_int_equal(smtpsec_anchors_new(&anchors), 0);
    assert_int_equal(smtpsec_anchors_add_der(anchors, der.data, der.len), 0);
    for (late = 0; late < 2; late++) {
        assert_int_equal(smtpsec_options_new(&options), 0);
        assert_int_equal(smtpsec_options_add_resolver(options, NOBODY, 1), 0);
        assert_int_equal(smtpsec_options_set_anchors(options, anchors), 0);
        assert_int_equal(smtpsec_options_set_fetch_late(options, late), 0);
        assert_int_equal(smtpsec_context_new(options, &context), 0);
        assert_int_equal(context->runner.module == NULL, late);
        assert_int_equal(context->runner.load_fetch != NULL, late);
        if (late)
            context->runner.load_fetch(&context->runner);
        assert_non_null(context->runner.module);
        assert_non_null(context->runner.fetcher);
        assert_null(context->runner.load_fetch);
        smtpsec_context_free(context);
        smtpsec_options_free(options);
    }
    assert_int_equal(smtpsec_options_set_fetch_late(NULL, 1), SMTPSEC_E_INVALID);
    smtpsec_anchors_free(anchors);
    ss_test_certs_free();
}

/* ---- Evaluations ---- */

static void
deadline(void **state)
{
    struct smtpsec_context *context = open_context(NOBODY);
    struct smtpsec_plan *plan = NULL;
    int64_t start = milliseconds();

    (void)state;
    assert_int_equal(smtpsec_evaluate(context, "d.test", 300, &plan), 0);
    assert_true(milliseconds() - start < 2000);
    assert_int_equal(smtpsec_plan_verdict(plan), SMTPSEC_VERDICT_DEFER);
    assert_int_equal(smtpsec_plan_reason(plan), SMTPSEC_REASON_MX_TIMEOUT);
    assert_int_equal(smtpsec_plan_enhanced(plan)[0], '4');
    assert_string_equal(smtpsec_plan_domain(plan), "d.test");
    smtpsec_plan_free(plan);
    smtpsec_context_free(context);
}

/* A literal asks nothing, and still ends in the loop, not in start. */
static void
literal(void **state)
{
    struct smtpsec_context *context = open_context(NOBODY);
    struct smtpsec_destination *destination = open_destination("[IPv6:2001:db8::1]");
    struct smtpsec_plan *plan = NULL;
    int called = 0;

    (void)state;
    assert_int_equal(smtpsec_start(context, destination, 1000, never, &called, NULL), 0);
    assert_int_equal(called, 0);
    assert_int_equal(smtpsec_evaluate_destination(context, destination, 1000, &plan), 0);
    assert_int_equal(called, 1);
    assert_int_equal(smtpsec_plan_verdict(plan), SMTPSEC_VERDICT_DELIVER);
    assert_string_equal(smtpsec_host_address(smtpsec_plan_host(plan, 0), 0), "2001:db8::1");
    assert_null(smtpsec_host_address(smtpsec_plan_host(plan, 0), 1));
    assert_string_equal(smtpsec_plan_domain(plan), "[2001:db8::1]");
    smtpsec_plan_free(plan);
    smtpsec_destination_free(destination);
    smtpsec_context_free(context);
}

/* ---- Cancelling ---- */

struct pair {
    struct smtpsec_request *other;
    int called;
};

static void
cancel_other(void *user, int status, struct smtpsec_plan *plan)
{
    struct pair *pair = user;

    (void)status;
    pair->called++;
    smtpsec_plan_free(plan);
    smtpsec_cancel(pair->other);
    pair->other = NULL;
}

static void
run(struct smtpsec_context *context, int64_t for_ms)
{
    int64_t end = milliseconds() + for_ms;

    while (milliseconds() < end) {
        struct pollfd fd = {smtpsec_fd(context), POLLIN, 0};
        int32_t wait = smtpsec_timeout_ms(context);

        poll(&fd, 1, wait < 0 || wait > 20 ? 20 : wait);
        assert_int_equal(smtpsec_process(context), 0);
    }
}

/* From inside a callback the other request is stopped, though both were due at once. */
static void
cancel_inside(void **state)
{
    struct smtpsec_context *context = open_context(NOBODY);
    struct smtpsec_destination *destination = open_destination("[192.0.2.1]");
    struct pair one = {NULL, 0}, two = {NULL, 0};

    (void)state;
    assert_int_equal(smtpsec_start(context, destination, 1000, cancel_other, &one, &two.other), 0);
    assert_int_equal(smtpsec_start(context, destination, 1000, cancel_other, &two, &one.other), 0);
    run(context, 100);
    assert_int_equal(one.called + two.called, 1);
    smtpsec_destination_free(destination);
    smtpsec_context_free(context);
}

static void
cancel_before(void **state)
{
    struct smtpsec_context *context = open_context(NOBODY);
    struct smtpsec_destination *destination = open_destination("d.test");
    struct smtpsec_request *request = NULL;
    int called = 0;

    (void)state;
    assert_int_equal(smtpsec_start(context, destination, 50, never, &called, &request), 0);
    assert_non_null(request);
    smtpsec_cancel(request);
    run(context, 150);
    assert_int_equal(called, 0);
    smtpsec_destination_free(destination);
    smtpsec_context_free(context);
}

/* A resolver that takes questions and never answers. */
static int
open_silence(char *text, size_t room)
{
    struct sockaddr_in address;
    socklen_t len = sizeof(address);
    int fd = socket(AF_INET, SOCK_DGRAM, 0);

    memset(&address, 0, sizeof(address));
    address.sin_family = AF_INET;
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    assert_true(fd >= 0);
    assert_int_equal(bind(fd, (struct sockaddr *)&address, len), 0);
    assert_int_equal(getsockname(fd, (struct sockaddr *)&address, &len), 0);
    snprintf(text, room, "127.0.0.1#%u", (unsigned)ntohs(address.sin_port));
    return fd;
}

/* Freed with evaluations under way, a context calls nobody back and keeps nothing. */
static void
free_running(void **state)
{
    char resolver[32];
    int silence = open_silence(resolver, sizeof(resolver));
    struct smtpsec_context *context = open_context(resolver);
    struct smtpsec_destination *destination = open_destination("d.test");
    int called = 0, i;

    (void)state;
    for (i = 0; i < 5; i++)
        assert_int_equal(smtpsec_start(context, destination, 5000, never, &called, NULL), 0);
    smtpsec_destination_free(destination);
    assert_int_equal(smtpsec_process(context), 0);
    smtpsec_context_free(context);
    close(silence);
    assert_int_equal(called, 0);
}

/* ---- Forks ---- */

struct in_child {
    struct smtpsec_context *context;
    struct smtpsec_request *request;
};

/* What a child may do with its parent's context: be told that it is not its own. 0: all well. */
static int
child(const struct in_child *given)
{
    struct smtpsec_destination *destination;
    struct smtpsec_lookup *lookup;
    struct smtpsec_plan *plan;
    int called = 0;

    if (smtpsec_destination_new("d.test", &destination) != 0)
        return 1;
    if (smtpsec_evaluate(given->context, "d.test", 100, &plan) != SMTPSEC_E_FORKED)
        return 2;
    if (smtpsec_start(given->context, destination, 100, never, &called, NULL) != SMTPSEC_E_FORKED)
        return 3;
    if (smtpsec_process(given->context) != SMTPSEC_E_FORKED)
        return 4;
    if (smtpsec_lookup_new(given->context, destination, test_now, &lookup) != SMTPSEC_E_FORKED)
        return 5;
    smtpsec_destination_free(destination);
    smtpsec_cancel(given->request);
    smtpsec_context_free(given->context);
    return called;
}

/*
 * What the child said. It says so through a pipe and kills itself: what it
 * abandons by design is nothing that a leak checker should count.
 */
static int
in_child(const struct in_child *given)
{
    uint8_t said = 0xff;
    int ends[2];
    pid_t pid;

    assert_int_equal(pipe(ends), 0);
    pid = fork();
    assert_true(pid >= 0);
    if (pid == 0) {
        said = (uint8_t)child(given);
        if (write(ends[1], &said, 1) == 1)
            kill(getpid(), SIGKILL);
        _exit(1);
    }
    close(ends[1]);
    if (read(ends[0], &said, 1) != 1)
        said = 0xff;
    close(ends[0]);
    assert_int_equal(waitpid(pid, NULL, 0), pid);
    return said;
}

static void
forked(void **state)
{
    struct in_child given;
    struct smtpsec_destination *destination = open_destination("d.test");
    int called = 0;

    (void)state;
    given.context = open_context(NOBODY);
    assert_int_equal(smtpsec_start(given.context, destination, 300, never, &called, &given.request),
                     0);
    assert_int_equal(in_child(&given), 0);
    /* The parent's evaluation went on as if nothing had happened. */
    run(given.context, 500);
    assert_int_equal(called, 1);
    smtpsec_destination_free(destination);
    smtpsec_context_free(given.context);
}

/* A resolver in this process that knows of no name. */
static int
open_resolver(char address[32])
{
    struct sockaddr_in at = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    socklen_t len = sizeof(at);
    int fd = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);

    assert_true(fd >= 0);
    assert_int_equal(bind(fd, (struct sockaddr *)&at, sizeof(at)), 0);
    assert_int_equal(getsockname(fd, (struct sockaddr *)&at, &len), 0);
    snprintf(address, 32, "127.0.0.1#%u", ntohs(at.sin_port));
    return fd;
}

static size_t
answer_all(int fd)
{
    struct sockaddr_in from;
    socklen_t len = sizeof(from);
    uint8_t message[512];
    size_t answered = 0;
    ssize_t got;

    for (;;) {
        got = recvfrom(fd, message, sizeof(message), 0, (struct sockaddr *)&from, &len);
        if (got < 12)
            return answered;
        message[2] |= 0x80;
        message[3] = 0x83; /* RA, NXDOMAIN */
        assert_int_equal(sendto(fd, message, (size_t)got, 0, (struct sockaddr *)&from, len), got);
        answered++;
    }
}

static void
keep_plan(void *user, int status, struct smtpsec_plan *plan)
{
    assert_int_equal(status, 0);
    *(struct smtpsec_plan **)user = plan;
}

/* A child that cancels and frees does not take the sockets from its parent's loop. */
static void
forked_under_way(void **state)
{
    struct smtpsec_destination *destination = open_destination("d.test");
    struct smtpsec_plan *plan = NULL;
    struct in_child given;
    char address[32];
    int fd = open_resolver(address);
    size_t answered = 0;
    int64_t end;

    (void)state;
    given.context = open_context(address);
    assert_int_equal(smtpsec_start(given.context, destination, 2000, keep_plan, &plan,
                                   &given.request),
                     0);
    assert_int_equal(in_child(&given), 0);
    for (end = milliseconds() + 1500; plan == NULL && milliseconds() < end;) {
        answered += answer_all(fd);
        run(given.context, 20);
    }
    assert_true(answered >= 1);
    assert_non_null(plan);
    assert_int_equal(smtpsec_plan_reason(plan), SMTPSEC_REASON_NO_SUCH_DOMAIN);
    smtpsec_plan_free(plan);
    smtpsec_destination_free(destination);
    smtpsec_context_free(given.context);
    close(fd);
}

int
main(void)
{
    struct ss_table t = SS_TABLE("context");

    ss_table_case(&t, "events come in order", events);
    ss_table_case(&t, "a full queue loses the oldest, and says so", events_overflow);
    ss_table_case(&t, "long events are cut", long_event);
    ss_table_case(&t, "wrong use is told", wrong_use);
    ss_table_case(&t, "STSF-02 MTA-STS needs trust anchors", no_anchors);
    ss_table_case(&t, "the HTTPS part, with the context and late", fetch_part);
    ss_table_case(&t, "RES-04 an unreachable resolver defers, in time", deadline);
    ss_table_case(&t, "RES-25 a literal asks nothing", literal);
    ss_table_case(&t, "a request is cancelled inside another's callback", cancel_inside);
    ss_table_case(&t, "a cancelled request stays silent", cancel_before);
    ss_table_case(&t, "a context is freed with requests under way", free_running);
    ss_table_case(&t, "a child is told that the context is its parent's", forked);
    ss_table_case(&t, "a child that cancels leaves the parent's evaluation alone",
                  forked_under_way);
    return ss_table_run(&t);
}
