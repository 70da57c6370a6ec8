/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Kept answers, through the public interface: a resolver in this thread counts
 * what it is asked, and says what the test's world says.
 */
#include "table.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <poll.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#include "dns/frame.h"
#include "memory_use.h"

#define DANE_ASKS 4
#define DIGEST "000102030405060708090a0b0c0d0e0f101112131415161718191a1b1c1d1e1f"

static char directory[64];

/* ---- The resolver ---- */

static struct {
    int fd;
    char text[32];
    bool mute;       /* it answers nobody */
    size_t asked;    /* canaries not counted */
    size_t canaries;
} resolver;

static void
resolver_open(void)
{
    struct sockaddr_in at = {.sin_family = AF_INET};
    socklen_t len = sizeof(at);

    memset(&resolver, 0, sizeof(resolver));
    at.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    resolver.fd = socket(AF_INET, SOCK_DGRAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
    assert_true(resolver.fd >= 0);
    assert_int_equal(bind(resolver.fd, (struct sockaddr *)&at, sizeof(at)), 0);
    assert_int_equal(getsockname(resolver.fd, (struct sockaddr *)&at, &len), 0);
    snprintf(resolver.text, sizeof(resolver.text), "127.0.0.1#%u", ntohs(at.sin_port));
}

static void
answer(const uint8_t *query, size_t len, const struct sockaddr_in *to)
{
    struct ss_dns_frames frames;
    struct world_reply reply;
    char name[SS_NAME_TEXT];

    assert_int_equal(ss_dns_frames_read(&frames, query, len), 0);
    ss_name_to_text(&frames.question, name);
    if (frames.question_type == SS_RR_SOA)
        resolver.canaries++;
    else
        resolver.asked++;
    if (!resolver.mute) {
        world_ask(&use_world, name, frames.question_type, &reply);
        if (reply.message != NULL) {
            memcpy(reply.message, query, 2); /* the id */
            (void)sendto(resolver.fd, reply.message, reply.len, 0, (const struct sockaddr *)to,
                         sizeof(*to));
        }
        free(reply.message);
    }
    ss_dns_frames_free(&frames);
}

static void
serve(void)
{
    struct sockaddr_in from;
    socklen_t from_len = sizeof(from);
    uint8_t query[2048];
    ssize_t len;

    while ((len = recvfrom(resolver.fd, query, sizeof(query), 0, (struct sockaddr *)&from,
                           &from_len)) > 0)
        answer(query, (size_t)len, &from);
}

/* ---- Contexts ---- */

struct how {
    const char *memory; /* NULL: in RAM, "": none */
    const char *policy; /* file; NULL: none */
    bool off;
    bool untrusted;     /* the resolver */
};

static int64_t
clock_of_test(void *user)
{
    (void)user;
    return use_now;
}

static struct smtpsec_context *
open_context(const struct how *how)
{
    struct smtpsec_options *options;
    struct smtpsec_context *context;

    assert_int_equal(smtpsec_options_new(&options), 0);
    assert_int_equal(smtpsec_options_set_mta_sts(options, 0), 0);
    assert_int_equal(smtpsec_options_set_clock(options, clock_of_test, NULL), 0);
    assert_int_equal(smtpsec_options_set_dns_timeout(options, 1000), 0);
    assert_int_equal(smtpsec_options_add_resolver(options, resolver.text, !how->untrusted), 0);
    if (how->memory == NULL)
        assert_int_equal(smtpsec_options_set_memory_ram(options), 0);
    else if (how->memory[0] != '\0')
        assert_int_equal(smtpsec_options_set_memory(options, how->memory), 0);
    if (how->policy != NULL)
        assert_int_equal(smtpsec_options_load_policy(options, how->policy), 0);
    if (how->off)
        assert_int_equal(smtpsec_options_set_plan_cache(options, 0), 0);
    if (how->untrusted) /* loopback is believed unless told otherwise */
        options->resolvers.servers[0].trusted = false;
    assert_int_equal(smtpsec_context_new(options, &context), 0);
    smtpsec_options_free(options);
    return context;
}

static const struct how in_ram = {NULL, NULL, false, false};

/* ---- Evaluations ---- */

struct result {
    bool done;
    struct smtpsec_plan *plan;
};

static void
take(void *user, int status, struct smtpsec_plan *plan)
{
    struct result *result = user;

    assert_int_equal(status, 0);
    result->done = true;
    result->plan = plan;
}

static void
turn(struct smtpsec_context *context)
{
    struct pollfd fds[] = {{smtpsec_fd(context), POLLIN, 0}, {resolver.fd, POLLIN, 0}};
    int32_t wait = smtpsec_timeout_ms(context);

    poll(fds, 2, wait < 0 || wait > 100 ? 100 : wait);
    serve();
    assert_int_equal(smtpsec_process(context), 0);
}

/* Evaluate, and count what was asked for it. */
static struct smtpsec_plan *
evaluate_to(struct smtpsec_context *context, const struct smtpsec_destination *destination,
            size_t *asked)
{
    size_t before = resolver.asked;
    struct result result = {false, NULL};

    assert_int_equal(smtpsec_start(context, destination, 2000, take, &result, NULL), 0);
    while (!result.done)
        turn(context);
    *asked = resolver.asked - before;
    return result.plan;
}

static struct smtpsec_plan *
evaluate(struct smtpsec_context *context, size_t *asked)
{
    struct smtpsec_destination *destination;
    struct smtpsec_plan *plan;

    assert_int_equal(smtpsec_destination_new("d.test", &destination), 0);
    plan = evaluate_to(context, destination, asked);
    smtpsec_destination_free(destination);
    return plan;
}

static size_t
count(struct smtpsec_context *context)
{
    size_t asked;

    smtpsec_plan_free(evaluate(context, &asked));
    return asked;
}

static int32_t
reason_of(struct smtpsec_context *context, size_t *asked)
{
    struct smtpsec_plan *plan = evaluate(context, asked);
    int32_t reason = smtpsec_plan_reason(plan);

    smtpsec_plan_free(plan);
    return reason;
}

/* ---- The surroundings ---- */

static void
dane_domain(void)
{
    use_fact("dns MX d.test secure ttl=300 inception=1799990000 10:mx.d.test");
    use_fact("dns A mx.d.test secure ttl=300 192.0.2.1");
    use_fact("dns AAAA mx.d.test nodata-secure ttl=300");
    use_fact("dns TLSA _25._tcp.mx.d.test secure ttl=200 inception=1799990000 "
             "3.1.1.self:mx.d.test");
}

static void
set_up(void)
{
    use_now = USE_START;
    strcpy(directory, "/tmp/smtpsec-answers.XXXXXX");
    assert_non_null(mkdtemp(directory));
    resolver_open();
    dane_domain();
}

static void
tear_down(void)
{
    char command[128];

    snprintf(command, sizeof(command), "rm -r %s", directory);
    assert_int_equal(system(command), 0);
    close(resolver.fd);
    world_clear(&use_world);
}

static const char *
policy_file(const char *text)
{
    static char path[128];
    FILE *file;

    snprintf(path, sizeof(path), "%s/policy", directory);
    file = fopen(path, "we");
    assert_non_null(file);
    assert_true(fputs(text, file) >= 0);
    assert_int_equal(fclose(file), 0);
    return path;
}

/* ---- Tests ---- */

static void
repeated(void **state)
{
    struct smtpsec_context *context;
    struct smtpsec_plan *one, *other;
    size_t asked, i, kept = 0;

    (void)state;
    set_up();
    context = open_context(&in_ram);
    one = evaluate(context, &asked);
    assert_int_equal(asked, DANE_ASKS);
    assert_int_equal(resolver.canaries, 1);
    use_now += 60;
    other = evaluate(context, &asked);
    assert_int_equal(asked, 0);
    assert_string_equal(smtpsec_plan_digest(one), smtpsec_plan_digest(other));
    assert_int_equal(smtpsec_plan_expires(one), USE_START + 200);
    assert_int_equal(smtpsec_plan_expires(other), USE_START + 200);
    for (i = 0; i < smtpsec_plan_explain_count(other); i++)
        if (strcmp(smtpsec_plan_explain_source(other, i), "cache") == 0) {
            assert_int_equal(smtpsec_plan_explain_age(other, i), 60);
            kept++;
        }
    assert_true(kept > 0);
    for (i = 0; i < smtpsec_plan_explain_count(one); i++)
        assert_string_not_equal(smtpsec_plan_explain_source(one, i), "cache");
    smtpsec_plan_free(one);
    smtpsec_plan_free(other);
    use_now = USE_START + 200; /* the TLSA set's time is over */
    assert_int_equal(count(context), 1);
    use_now = USE_START + 300;
    assert_int_equal(count(context), 3);
    smtpsec_context_free(context);
    tear_down();
}

struct negative {
    const char *name;
    const char *fact;
    size_t asked;
    int32_t reason;
};

static const struct negative negatives[] = {
    {"RES-07 no such domain", "dns MX d.test nxdomain ttl=300", 1, SMTPSEC_REASON_NO_SUCH_DOMAIN},
    {"RES-11 null MX", "dns MX d.test insecure ttl=300 0:.", 1, SMTPSEC_REASON_NULL_MX},
    {"RES-18 no address", "dns MX d.test insecure ttl=300 10:nowhere.test", 3,
     SMTPSEC_REASON_NO_ADDRESS},
};

static void
negative(void **state)
{
    const struct negative *row = *state;
    struct smtpsec_context *context;
    size_t asked;

    set_up();
    use_fact(row->fact);
    context = open_context(&in_ram);
    assert_int_equal(reason_of(context, &asked), row->reason);
    assert_int_equal(asked, row->asked);
    use_now += 60;
    assert_int_equal(reason_of(context, &asked), row->reason);
    assert_int_equal(asked, 0);
    smtpsec_context_free(context);
    tear_down();
}

struct never {
    const char *name;
    struct how how;
    const char *fact; /* NULL: as it is */
    size_t first;
    size_t second;
};

static const struct never nevers[] = {
    {"off by the setting", {NULL, NULL, true, false}, NULL, DANE_ASKS, DANE_ASKS},
    {"off without a memory", {"", NULL, false, false}, NULL, DANE_ASKS, DANE_ASKS},
    {"RES-26 from a resolver that nobody trusts: kept as what it is", {NULL, NULL, false, true},
     NULL, 3, 0},
    {"TTL 0", {NULL, NULL, false, false}, "dns A mx.d.test secure ttl=0 192.0.2.1", DANE_ASKS, 1},
    {"a failed answer, which is asked for twice", {NULL, NULL, false, false},
     "dns AAAA mx.d.test servfail", DANE_ASKS + 1, 2},
    {"where no server says whether it validates", {NULL, NULL, false, false}, "dns SOA . servfail",
     DANE_ASKS, DANE_ASKS},
    {"while the canary is lost", {NULL, NULL, false, false}, "dns SOA . insecure any", DANE_ASKS,
     DANE_ASKS},
};

static void
never(void **state)
{
    const struct never *row = *state;
    struct smtpsec_context *context;

    set_up();
    if (row->fact != NULL)
        use_fact(row->fact);
    context = open_context(&row->how);
    assert_int_equal(count(context), row->first);
    use_now += 60;
    assert_int_equal(count(context), row->second);
    smtpsec_context_free(context);
    tear_down();
}

/* The resolver stops validating: what was kept is thrown away, and asked for again when it is mended. */
static void
canary_lost(void **state)
{
    struct smtpsec_context *context;

    (void)state;
    set_up();
    use_fact("dns MX d.test secure ttl=86400 inception=1799990000 10:mx.d.test");
    use_fact("dns A mx.d.test secure ttl=86400 192.0.2.1");
    use_fact("dns AAAA mx.d.test nodata-secure ttl=86400");
    use_fact("dns TLSA _25._tcp.mx.d.test nodata-secure ttl=86400 inception=1799990000");
    context = open_context(&in_ram);
    assert_int_equal(count(context), DANE_ASKS);
    use_now += 3599;
    assert_int_equal(count(context), 0);
    use_fact("dns SOA . insecure any");
    use_now += 1; /* the answers are too old, and the canary is asked beside them */
    assert_int_equal(count(context), DANE_ASKS);
    assert_int_equal(smtpsec_context_dnssec(context), SMTPSEC_DNSSEC_LOST);
    use_fact("dns SOA . secure any");
    use_now += 60;
    assert_int_equal(count(context), DANE_ASKS);
    assert_int_equal(smtpsec_context_dnssec(context), SMTPSEC_DNSSEC_VALIDATES);
    assert_int_equal(count(context), 0);
    smtpsec_context_free(context);
    tear_down();
}

static int
found(struct smtpsec_context *context)
{
    struct smtpsec_cached *cached;
    int r;

    assert_int_equal(smtpsec_cached_new(context, &cached), 0);
    r = smtpsec_cached_find(cached, "d.test", use_now);
    smtpsec_cached_free(cached);
    return r;
}

/* Who finds a plan asks no canary: it must have come by a resolver that was seen to validate. */
static void
plan_of_unknown_resolver(void **state)
{
    struct smtpsec_context *context;

    (void)state;
    set_up();
    use_fact("dns SOA . servfail");
    use_fact("dns MX d.test insecure ttl=300 10:mx.d.test");
    context = open_context(&in_ram);
    assert_int_equal(count(context), DANE_ASKS);
    assert_int_equal(smtpsec_context_dnssec(context), SMTPSEC_DNSSEC_UNKNOWN);
    assert_int_equal(found(context), 0);
    dane_domain();
    use_fact("dns SOA . secure any");
    use_now += 60;
    assert_int_equal(count(context), DANE_ASKS);
    assert_int_equal(found(context), 1);
    smtpsec_context_free(context);
    tear_down();
}

static int
drop_plan(void *arg, const struct ss_bytes *old, struct ss_buf *out, enum ss_edit *edit)
{
    (void)arg;
    (void)out;
    *edit = old != NULL ? SS_EDIT_DELETE : SS_EDIT_KEEP;
    return 0;
}

/* Where all that is asked is kept, it came so, and no canary need be asked for its plan. */
static void
plan_of_kept_answers(void **state)
{
    static const uint8_t name[] = "\1d\4test";
    struct how how = {directory, NULL, false, false};
    struct smtpsec_context *one, *other;

    (void)state;
    set_up();
    one = open_context(&how);
    assert_int_equal(count(one), DANE_ASKS);
    assert_int_equal(found(one), 1);
    assert_int_equal(ss_store_update(one->store, SS_TABLE_PLANS,
                                     (struct ss_bytes){name, sizeof(name)}, drop_plan, NULL), 0);
    assert_int_equal(found(one), 0);
    other = open_context(&how);
    assert_int_equal(count(other), 0);
    assert_int_equal(smtpsec_context_dnssec(other), SMTPSEC_DNSSEC_UNKNOWN);
    assert_int_equal(found(one), 1);
    smtpsec_context_free(other);
    smtpsec_context_free(one);
    tear_down();
}

/* What was kept by a clock that was ahead must not come to life when its time comes. */
static void
clock_ahead_by(int64_t ahead, bool reopened)
{
    struct how how = {directory, NULL, false, false};
    struct smtpsec_destination *destination;
    struct smtpsec_context *context;
    size_t asked;

    set_up();
    context = open_context(&how);
    use_now += ahead;
    assert_int_equal(count(context), DANE_ASKS);
    assert_int_equal(found(context), 1);
    use_now -= ahead;
    assert_int_equal(found(context), 0);
    if (reopened) {
        smtpsec_context_free(context);
        context = open_context(&how);
    }
    assert_int_equal(smtpsec_destination_new("e.test", &destination), 0);
    smtpsec_plan_free(evaluate_to(context, destination, &asked));
    smtpsec_destination_free(destination);
    use_now += ahead + 10;
    assert_int_equal(found(context), 0);
    assert_int_equal(count(context), DANE_ASKS);
    smtpsec_context_free(context);
    tear_down();
}

static void
clock_set_back(void **state)
{
    (void)state;
    clock_ahead_by(7200, false);
}

/* By the memory's note of the time, which is as exact as its writes are frequent. */
static void
clock_set_back_between(void **state)
{
    (void)state;
    clock_ahead_by(4 * 3600, true);
}

/* Another process, and one that decides by other rules. */
static void
shared(void **state)
{
    struct how how = {directory, NULL, false, false};
    struct smtpsec_context *one, *other;

    (void)state;
    set_up();
    one = open_context(&how);
    assert_int_equal(count(one), DANE_ASKS);
    other = open_context(&how);
    assert_int_equal(count(other), 0);
    assert_int_equal(resolver.canaries, 1); /* who asks nothing need not know who would answer */
    smtpsec_context_free(other);
    how.policy = policy_file("mode dane report\n");
    other = open_context(&how);
    assert_int_equal(count(other), DANE_ASKS);
    assert_int_equal(count(other), 0);
    smtpsec_context_free(other);
    how.policy = policy_file("mode dane enforce\n");
    other = open_context(&how);
    assert_int_equal(count(other), DANE_ASKS);
    smtpsec_context_free(other);
    how.policy = policy_file("plan-cache off\n");
    other = open_context(&how);
    assert_int_equal(count(other), DANE_ASKS);
    assert_int_equal(count(other), DANE_ASKS);
    smtpsec_context_free(other);
    smtpsec_context_free(one);
    tear_down();
}

/* By the memory as it is: a claim that was recorded since, and that was forgotten since. */
static void
memory_now(void **state)
{
    struct smtpsec_context *context;
    size_t asked;
    int day;

    (void)state;
    set_up();
    context = open_context(&in_ram);
    for (day = 0; day < 3; day++, use_now += USE_DAY)
        assert_int_equal(use_deliver(context, "d.test", true), 0); /* by hand: nothing is kept of it */
    assert_int_equal(count(context), DANE_ASKS);
    assert_int_equal(count(context), 0);
    /* Without its signatures, and nothing kept, it is refused each time, and asked each time. */
    use_now += 300;
    use_fact("dns TLSA _25._tcp.mx.d.test nodata ttl=300");
    assert_int_equal(reason_of(context, &asked), SMTPSEC_REASON_DOWNGRADE);
    assert_true(asked >= DANE_ASKS);
    assert_int_equal(reason_of(context, &asked), SMTPSEC_REASON_DOWNGRADE);
    assert_true(asked >= DANE_ASKS);
    assert_int_equal(smtpsec_memory_forget(context, "d.test"), 0);
    assert_int_equal(reason_of(context, &asked), SMTPSEC_REASON_NONE);
    assert_int_equal(asked, DANE_ASKS);
    assert_int_equal(reason_of(context, &asked), SMTPSEC_REASON_NONE);
    assert_int_equal(asked, 0);
    /* Kept without signatures; then a delivery with them, seen by hand, brings the claim. */
    dane_domain();
    for (day = 0; day < 3; day++)
        assert_int_equal(use_deliver(context, "d.test", true), 0);
    use_fact("dns TLSA _25._tcp.mx.d.test nodata ttl=300");
    assert_int_equal(reason_of(context, &asked), SMTPSEC_REASON_DOWNGRADE);
    assert_true(asked >= DANE_ASKS);
    /* And when the resolver says what is true, the kept answers are not in the way. */
    dane_domain();
    assert_int_equal(reason_of(context, &asked), SMTPSEC_REASON_NONE);
    assert_true(asked >= DANE_ASKS);
    assert_int_equal(count(context), 0);
    smtpsec_context_free(context);
    tear_down();
}

/* Forgetting a domain takes its answers too. */
static void
forgotten(void **state)
{
    struct smtpsec_context *context;

    (void)state;
    set_up();
    context = open_context(&in_ram);
    assert_int_equal(use_deliver(context, "d.test", true), 0);
    assert_int_equal(count(context), DANE_ASKS);
    assert_int_equal(count(context), 0);
    assert_int_equal(smtpsec_memory_forget(context, "d.test"), 0);
    assert_int_equal(count(context), DANE_ASKS);
    smtpsec_context_free(context);
    tear_down();
}

/* In doubt all is asked again, within the time that was given, and it can be cancelled meanwhile. */
static void
in_doubt(void **state)
{
    struct smtpsec_destination *destination;
    struct smtpsec_context *context;
    struct smtpsec_request *request;
    struct result result = {false, NULL};
    size_t asked;
    int day, i;

    (void)state;
    set_up();
    use_fact("dns TLSA _25._tcp.mx.d.test nodata ttl=3600");
    use_fact("dns A mx.d.test secure ttl=3600 192.0.2.1");
    context = open_context(&in_ram);
    assert_int_equal(reason_of(context, &asked), SMTPSEC_REASON_NONE);
    assert_int_equal(count(context), 0);
    dane_domain();
    for (day = 0; day < 3; day++)
        assert_int_equal(use_deliver(context, "d.test", true), 0);
    resolver.mute = true;
    assert_int_equal(smtpsec_destination_new("d.test", &destination), 0);
    assert_int_equal(smtpsec_start(context, destination, 2000, take, &result, &request), 0);
    asked = resolver.asked;
    for (i = 0; i < 20 && resolver.asked == asked; i++)
        turn(context);
    assert_true(resolver.asked > asked);
    assert_false(result.done);
    smtpsec_cancel(request);
    for (i = 0; i < 3; i++)
        turn(context);
    assert_false(result.done);
    /* Nobody answers: it ends as a look-up that failed, not by what was kept. */
    assert_int_equal(reason_of(context, &asked), SMTPSEC_REASON_MX_TIMEOUT);
    resolver.mute = false;
    assert_int_equal(reason_of(context, &asked), SMTPSEC_REASON_NONE);
    smtpsec_destination_free(destination);
    smtpsec_context_free(context);
    tear_down();
}

/* Who drives a look-up by hand asks for all of it; a relay and another port are asked for too. */
static void
others(void **state)
{
    struct smtpsec_destination *destination;
    struct smtpsec_context *context;
    struct smtpsec_lookup *lookup;
    size_t asked;

    (void)state;
    set_up();
    context = open_context(&in_ram);
    assert_int_equal(count(context), DANE_ASKS);
    assert_int_equal(smtpsec_destination_new("d.test", &destination), 0);
    assert_int_equal(smtpsec_lookup_new(context, destination, use_now, &lookup), 0);
    assert_int_equal(smtpsec_lookup_need_count(lookup), 1);
    smtpsec_lookup_free(lookup);
    assert_int_equal(smtpsec_destination_set_minimum(destination, SMTPSEC_LEVEL_DANE), 0);
    smtpsec_plan_free(evaluate_to(context, destination, &asked));
    assert_int_equal(asked, 0);
    assert_int_equal(smtpsec_destination_set_port(destination, 26), 0);
    smtpsec_plan_free(evaluate_to(context, destination, &asked));
    assert_int_equal(asked, DANE_ASKS);
    smtpsec_plan_free(evaluate_to(context, destination, &asked));
    assert_int_equal(asked, DANE_ASKS);
    smtpsec_destination_free(destination);
    assert_int_equal(count(context), 0);
    smtpsec_context_free(context);
    tear_down();
}

int
main(void)
{
    struct ss_table table = SS_TABLE("answers");

    SS_TABLE_ROWS(&table, negative, negatives);
    SS_TABLE_ROWS(&table, never, nevers);
    ss_table_case(&table, "a repeated question asks nothing while the TTLs last", repeated);
    ss_table_case(&table, "RES-26 thrown away when the canary is lost", canary_lost);
    ss_table_case(&table, "RES-26 no plan by a resolver that nobody knows to validate",
                  plan_of_unknown_resolver);
    ss_table_case(&table, "a plan made of kept answers is kept", plan_of_kept_answers);
    ss_table_case(&table, "thrown away when the clock goes back", clock_set_back);
    ss_table_case(&table, "thrown away when the clock goes back between two processes",
                  clock_set_back_between);
    ss_table_case(&table, "shared by those who decide by the same rules", shared);
    ss_table_case(&table, "PREC-09 decided by the memory as it is", memory_now);
    ss_table_case(&table, "forgotten with the domain", forgotten);
    ss_table_case(&table, "in doubt all is asked again", in_doubt);
    ss_table_case(&table, "not by hand, not for others", others);
    return ss_table_run(&table);
}
