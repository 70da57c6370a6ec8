/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "api/context.h"

#include <stdlib.h>
#include <string.h>
#include <sys/random.h>
#include <unistd.h>

#include "api/fingerprint.h"
#include "api/refresh.h"
#include "drive/uptime.h"
#include "engine/kept.h"
#include "engine/learn.h"
#include "pkix/anchors.h"

int
ss_context_check(const struct smtpsec_context *context)
{
    return context->pid == getpid() ? 0 : SMTPSEC_E_FORKED;
}

int64_t
ss_context_now(const struct smtpsec_context *context)
{
    return context->runner.clock(context->runner.clock_user);
}

int32_t
ss_context_memory_state(const struct smtpsec_context *context)
{
    return context->store == NULL ? SMTPSEC_MEMORY_OFF : context->store->state;
}

const struct ss_seal_key *
ss_context_key(const struct smtpsec_context *context)
{
    return context == NULL ? NULL : &context->key;
}

static struct ss_fetch_host
lend_loop(struct ss_loop *loop)
{
    struct ss_fetch_host host;

    host.loop = loop;
    host.watch = ss_loop_watch;
    host.rewatch = ss_loop_rewatch;
    host.unwatch = ss_loop_unwatch;
    host.timer = ss_loop_timer;
    host.untimer = ss_loop_untimer;
    return host;
}

static int
open_module(struct ss_runner *runner, struct ss_error *error)
{
    struct ss_fetch_host host = lend_loop(runner->loop);
    int r = ss_fetch_module_find(&runner->module, error);

    if (r == 0)
        r = runner->module->open(&host, &runner->fetcher);
    if (r == SMTPSEC_E_FETCH)
        ss_error_set(error, r, "the HTTPS part cannot be used");
    if (r != 0)
        runner->module = NULL;
    return r;
}

/* Tried once: what is missing now will be missing for the next fetch. Memory may come back. */
static void
open_module_late(struct ss_runner *runner)
{
    struct smtpsec_context *context = runner->load_user;
    struct ss_error error = {0};
    int r = open_module(runner, &error);

    runner->load_status = r;
    if (r != SMTPSEC_E_NOMEM)
        runner->load_fetch = NULL;
    if (r == SMTPSEC_E_FETCH)
        ss_events_add(&context->events, SMTPSEC_EVENT_FETCH_UNAVAILABLE, ss_context_now(context),
                      "", "no policy can be fetched: %s", error.text);
}

/* The HTTPS part, where MTA-STS is on and there is somebody to ask. */
static int
open_fetch(struct smtpsec_context *context, struct smtpsec_options *options)
{
    if (!options->settings.mta_sts)
        return 0;
    if (options->anchors == NULL || ss_anchors_count(options->anchors) == 0)
        return ss_error_set(&options->error, SMTPSEC_E_TRUST,
                            "MTA-STS needs trust anchors for the policy hosts");
    if (!options->fetch_late)
        return open_module(&context->runner, &options->error);
    context->runner.load_fetch = open_module_late;
    context->runner.load_user = context;
    return 0;
}

static int
open_network(struct smtpsec_context *context, struct smtpsec_options *options)
{
    struct ss_runner *runner = &context->runner;
    bool trusted = false;
    size_t i;
    int r;

    if (options->resolvers.count == 0) {
        ss_canary_init(&context->canary, options->canaries, options->canary_count, true);
        return 0;
    }
    r = ss_loop_new(&runner->loop);
    if (r == 0)
        r = ss_resolver_new(runner->loop, &options->resolvers, &runner->resolver);
    if (r == 0)
        r = open_fetch(context, options);
    for (i = 0; i < options->resolvers.count; i++)
        trusted = trusted || options->resolvers.servers[i].trusted;
    ss_canary_init(&context->canary, options->canaries, options->canary_count, trusted);
    if (r == 0 && !trusted) /* RES-26 */
        ss_events_add(&context->events, SMTPSEC_EVENT_UNTRUSTED_RESOLVER, ss_context_now(context), "",
                      "no resolver is trusted to validate: every answer is insecure, DANE is off");
    return r;
}

/* A store was opened for it, in whatever state. */
static void
use_memory(struct smtpsec_context *context, uint64_t kept, uint64_t plans, bool read_only)
{
    int64_t now = ss_context_now(context);

    ss_context_bound_memory(context, kept, plans);
    ss_context_tell_begun(context, now);
    if (context->store->state == SMTPSEC_MEMORY_LOST)
        ss_events_add(&context->events, SMTPSEC_EVENT_MEMORY_LOST, now, "", "no memory: %s",
                      context->store->error.text);
    context->cannot_write = context->store->state == SMTPSEC_MEMORY_READ_ONLY && !read_only;
    if (context->cannot_write)
        ss_events_add(&context->events, SMTPSEC_EVENT_MEMORY_READ_ONLY, now, "",
                      "the memory can only be read: %s",
                      context->store->error.text[0] != '\0' ? context->store->error.text
                                                            : "its directory cannot be written");
}

static int
open_memory(struct smtpsec_context *context, const struct smtpsec_options *options)
{
    struct ss_store_lmdb_options how = { .read_only = options->memory_read_only,
                                         .shared = options->memory_shared,
                                         .group = options->memory_group };
    int r = 0;

    if (options->memory_ram)
        r = ss_store_ram_open(&context->store);
    else if (options->memory != NULL)
        r = ss_store_lmdb_open(options->memory, &how, NULL, &context->store);
    if (r == 0 && context->store != NULL)
        use_memory(context, options->memory_limit, options->plan_cache_limit,
                   options->memory_read_only);
    return r;
}

int
ss_context_give_store(struct smtpsec_context *context, struct ss_store *store, uint64_t kept,
                      uint64_t plans)
{
    if (context->store != NULL || store == NULL) {
        ss_store_close(store);
        return SMTPSEC_E_INVALID;
    }
    context->store = context->runner.store = store;
    use_memory(context, kept, plans, store->state == SMTPSEC_MEMORY_READ_ONLY);
    return 0;
}

int
smtpsec_context_new(struct smtpsec_options *options, struct smtpsec_context **out)
{
    struct smtpsec_context *context;
    int r;

    if (options == NULL || out == NULL)
        return SMTPSEC_E_INVALID;
    context = calloc(1, sizeof(*context));
    if (context == NULL)
        return SMTPSEC_E_NOMEM;
    context->pid = getpid();
    context->settings = options->settings;
    ss_settings_settle(&context->settings);
    context->key = options->key;
    context->clock.boot = ss_uptime_boot();
    context->dns_timeout_ms = options->resolvers.timeout_ms;
    r = (int)getrandom(context->refresh_seed, sizeof(context->refresh_seed), GRND_NONBLOCK);
    if (r != (int)sizeof(context->refresh_seed)) {
        free(context);
        return ss_error_set(&options->error, SMTPSEC_E_SYSTEM, "no random numbers");
    }
    if (options->anchors != NULL)
        context->anchors = ss_anchors_ref(options->anchors);
    ss_exceptions_ref(context->settings.exceptions);
    ss_rules_ref(context->settings.rules);
    context->runner.anchors = context->anchors;
    context->runner.allow_private = options->allow_private;
    context->runner.fetch_timeout_ms = options->fetch_timeout_ms;
    context->runner.clock = options->clock;
    context->runner.clock_user = options->clock_user;
    r = ss_events_init(&context->events);
    if (r == 0)
        r = open_network(context, options);
    if (r == 0)
        r = open_memory(context, options);
    context->runner.store = context->store;
    /* 6.3: a context that lets no hold begin decides by rules of its own. */
    context->plan_cache = options->plan_cache && context->store != NULL && !context->cannot_write;
    if (r == 0 && context->plan_cache)
        context->fingerprint = ss_fingerprint(options);
    context->plan_cache = context->fingerprint != 0;
    if (r != 0) {
        ss_error_set(&options->error, r, "%s", smtpsec_strerror(r));
        smtpsec_context_free(context);
        return r;
    }
    *out = context;
    return 0;
}

void
smtpsec_context_free(struct smtpsec_context *context)
{
    struct ss_runner *runner;

    if (context == NULL)
        return;
    runner = &context->runner;
    /*
     * In a child of the process that made it, the epoll instance and the TLS
     * streams are still the parent's: taking a watch away or closing a stream
     * here would be felt there. They are abandoned, not closed.
     */
    if (ss_context_check(context) == 0) {
        ss_runner_stop(runner, free);
        ss_refreshings_free(context);
        if (runner->module != NULL)
            runner->module->close(runner->fetcher);
        ss_resolver_free(runner->resolver);
        ss_loop_free(runner->loop);
    } else {
        ss_runner_abandon(runner);
    }
    ss_store_close(context->store);
    ss_events_free(&context->events);
    ss_anchors_unref(context->anchors);
    ss_exceptions_unref(context->settings.exceptions);
    ss_rules_unref(context->settings.rules);
    ss_holds_free(&context->holds);
    memset(&context->key, 0, sizeof(context->key));
    free(context);
}

int32_t
smtpsec_context_memory_state(const struct smtpsec_context *context)
{
    return context == NULL ? SMTPSEC_MEMORY_OFF : ss_context_memory_state(context);
}

int32_t
smtpsec_context_dnssec(const struct smtpsec_context *context)
{
    return context == NULL ? SMTPSEC_DNSSEC_UNKNOWN : context->canary.state;
}

int64_t
smtpsec_context_now(const struct smtpsec_context *context)
{
    return context == NULL ? 0 : ss_context_now(context);
}

int
ss_context_lookup(struct smtpsec_context *context, const struct smtpsec_destination *destination,
                  struct ss_lookup **out)
{
    struct ss_settings settings;
    struct ss_sts_entry entry;
    struct ss_record record;
    struct ss_memory_key key;
    struct ss_stamps stamps;
    int32_t state;
    int fault = 0;
    int r = 0;

    ss_destination_key(destination, &key);
    ss_record_init(&record, &key);
    ss_sts_entry_init(&entry);
    memset(&stamps, 0, sizeof(stamps));
    if (context->store != NULL)
        r = ss_recall_stamped(context->store, destination, &record, &entry, &stamps, &fault);
    if (r == SMTPSEC_E_NOMEM)
        return r;
    /* Asked for now: a store that was lost may have come back with this call. */
    state = ss_context_memory_state(context);
    ss_context_tell_begun(context, ss_context_now(context));
    if (r != 0 || fault != 0) {
        /* Lost memory makes nothing stricter and nothing weaker than the live policies are. */
        state = SMTPSEC_MEMORY_LOST;
        ss_events_add(&context->events, SMTPSEC_EVENT_MEMORY_LOST, ss_context_now(context), "",
                      "what was remembered of a destination cannot be read: %s",
                      smtpsec_strerror(fault != 0 ? fault : r));
    }
    settings = context->settings;
    if (context->cannot_write && settings.memory.hold > 0)
        settings.memory.hold = 0; /* 6.3: a hold that cannot be counted would never end */
    if (record.refused_since == 0)
        record.refused_since = ss_holds_since(&context->holds, &key);
    /* What is fetched apart from the evaluation must be kept somewhere, and by somebody. */
    if (state != SMTPSEC_MEMORY_OK || context->runner.loop == NULL)
        settings.sts_async = false;
    r = ss_lookup_new(destination, &settings, state, &record, &entry, out);
    if (r == 0)
        (*out)->stamps = stamps;
    ss_record_free(&record);
    ss_sts_entry_free(&entry);
    return r;
}

int
ss_context_decide(struct smtpsec_context *context, struct ss_lookup *lookup, int64_t now,
                  struct smtpsec_plan **out)
{
    struct ss_memory_time time = ss_context_memory_time(context, now);

    lookup->evidence.dnssec = context->canary.state;
    lookup->evidence.memory_at = time.held ? time.now : 0;
    return ss_lookup_decide(lookup, now, out);
}

void
ss_context_accept(struct smtpsec_context *context, struct ss_lookup *lookup, int64_t now,
                  const struct smtpsec_plan *plan)
{
    struct ss_lowered lowered;
    int r;

    ss_count_plan(&context->counters, plan);
    /* Where we ask the canaries ourselves, they alone say that it is back. */
    ss_canary_tell(context, plan->dnssec,
                   context->runner.resolver == NULL && plan->mx_trust == SMTPSEC_TRUST_SECURE, now);
    ss_tell_plan(context, plan, now);
    if (context->store == NULL || context->store->state != SMTPSEC_MEMORY_OK)
        return;
    lowered.count = 0;
    lookup->lowered = &lowered;
    r = ss_learn_lookup(context->store, lookup, plan, now);
    lookup->lowered = NULL;
    if (r != 0)
        ss_tell_write_failed(context, now, plan->domain, r);
    else
        ss_tell_lowered(context, &lookup->evidence.destination.domain, &lowered, now);
    /* Trouble here is nobody's but the next one's who asks: he evaluates. */
    if (context->plan_cache && lookup->shared && r == 0)
        (void)ss_kept_offer(context->store, lookup, plan, context->fingerprint, now);
}

int
ss_context_conclude(struct smtpsec_context *context, struct ss_lookup *lookup, int64_t now,
                    struct smtpsec_plan **out)
{
    int r = ss_context_decide(context, lookup, now, out);

    if (r == 0)
        ss_context_accept(context, lookup, now, *out);
    return r;
}
