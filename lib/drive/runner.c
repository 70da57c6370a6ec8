/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "drive/runner.h"

#include <stdlib.h>
#include <string.h>

#include "base/address.h"
#include "pkix/chain.h"
#include "pkix/session.h"
#include "sts/sts_policy.h"

#define STS_PATH "/.well-known/mta-sts.txt"

/* One need on its way. */
struct errand {
    struct ss_job *job;
    struct ss_need *need;
    struct ss_query *query;
    struct ss_fetch *fetch;
    struct errand *next;
};

struct ss_job {
    struct ss_runner *runner;
    struct ss_lookup *lookup;
    ss_job_done done;
    void *arg;
    int status;
    struct ss_timer deadline;
    struct ss_timer finish;   /* the end is told from the loop, never from start */
    struct errand *errands;
    struct ss_job *next;
    struct ss_job **prev;
};

static int64_t
now_of(const struct ss_runner *runner)
{
    return runner->clock(runner->clock_user);
}

static void
drop_errands(struct ss_job *job)
{
    struct errand *errand = job->errands;

    while (errand != NULL) {
        struct errand *next = errand->next;

        if (errand->query != NULL)
            ss_query_cancel(errand->query);
        if (errand->fetch != NULL)
            job->runner->module->cancel(errand->fetch);
        free(errand);
        errand = next;
    }
    job->errands = NULL;
}

/* Free the job; its lookup stays. */
static void
free_job(struct ss_job *job)
{
    drop_errands(job);
    ss_loop_untimer(&job->deadline);
    ss_loop_untimer(&job->finish);
    *job->prev = job->next;
    if (job->next != NULL)
        job->next->prev = job->prev;
    free(job);
}

static void
tell(void *arg)
{
    struct ss_job *job = arg;
    struct ss_lookup *lookup = job->lookup;
    ss_job_done done = job->done;
    void *user = job->arg;
    int status = job->status;

    free_job(job);
    done(user, status, lookup);
}

static void
end(struct ss_job *job, int status)
{
    job->status = status;
    drop_errands(job);
    /* Without a timer there is no way to tell later; the deadline timer exists and is moved. */
    if (ss_loop_timer(job->runner->loop, &job->finish, 0) != 0)
        ss_loop_timer(job->runner->loop, &job->deadline, 0);
}

static void pump(struct ss_job *job);

static void
finish_errand(struct errand *errand)
{
    struct errand **at = &errand->job->errands;

    while (*at != errand)
        at = &(*at)->next;
    *at = errand->next;
    free(errand);
}

static void
dns_done(void *arg, const uint8_t *message, size_t len, bool trusted, int32_t failure)
{
    struct errand *errand = arg;
    struct ss_job *job = errand->job;
    struct ss_need *need = errand->need;
    int64_t now = now_of(job->runner);
    struct ss_bytes bytes = {message, len};
    int r;

    finish_errand(errand);
    if (message != NULL)
        r = ss_lookup_answer_dns(job->lookup, need, bytes, trusted, now);
    else
        r = ss_lookup_answer_failure(job->lookup, need, failure, now);
    if (r != 0)
        end(job, r);
    else
        pump(job);
}

static int32_t
certificate_failure(int32_t reason)
{
    switch (reason) {
    case SMTPSEC_REASON_NONE:
        return SMTPSEC_FAILURE_NONE;
    case SMTPSEC_REASON_EXPIRED:
        return SMTPSEC_FAILURE_CERT_EXPIRED;
    case SMTPSEC_REASON_NOT_YET_VALID:
        return SMTPSEC_FAILURE_CERT_NOT_YET_VALID;
    case SMTPSEC_REASON_NAME_MISMATCH:
        return SMTPSEC_FAILURE_CERT_NAME;
    default:
        return SMTPSEC_FAILURE_CERT_NOT_TRUSTED;
    }
}

/* STSF-02 to STSF-04: the policy host's certificate, by our anchors, our matcher and our clock. */
static int32_t
verify_policy_host(void *arg, void *gnutls_session)
{
    struct errand *errand = arg;
    struct ss_runner *runner = errand->job->runner;
    int32_t reason = SMTPSEC_REASON_NO_CERTIFICATE;
    struct ss_tls_facts facts;
    struct ss_chain *chain = NULL;
    struct ss_name host;
    int r;

    ss_tls_facts_read(&facts, gnutls_session);
    if (facts.version < 0x0303)
        return SMTPSEC_FAILURE_TLS_VERSION; /* STSF-15 */
    if (facts.count == 0 || runner->anchors == NULL ||
        !ss_name_from_text(&host, errand->need->name, strlen(errand->need->name)))
        return SMTPSEC_FAILURE_CERT_NOT_TRUSTED;
    r = ss_chain_new(facts.certificates, facts.count, &chain);
    if (r == 0)
        r = ss_chain_match_names(chain, &host, 1, false, &reason);
    if (r == 0 && reason == SMTPSEC_REASON_NONE)
        r = ss_chain_verify(chain, runner->anchors, now_of(runner), &reason);
    ss_chain_free(chain);
    return r != 0 ? SMTPSEC_FAILURE_CERT_NOT_TRUSTED : certificate_failure(reason);
}

static void
fetch_done(void *arg, int32_t failure, int32_t status, const char *content_type, const uint8_t *body,
           size_t len)
{
    struct errand *errand = arg;
    struct ss_job *job = errand->job;
    struct ss_need *need = errand->need;
    int64_t now = now_of(job->runner);
    struct ss_bytes bytes = {body, len};
    int r;

    finish_errand(errand);
    if (failure == SMTPSEC_FAILURE_NONE)
        r = ss_lookup_answer_https(job->lookup, need, status, content_type, bytes, now);
    else
        r = ss_lookup_answer_failure(job->lookup, need, failure, now);
    if (r != 0)
        end(job, r);
    else
        pump(job);
}

/* The addresses that may be tried: a stranger's name must not lead us into our own network. */
static size_t
allowed_addresses(const struct ss_runner *runner, const struct ss_need *need, const char **out)
{
    struct ss_address address;
    size_t count = 0;
    size_t i;

    for (i = 0; i < need->address_count; i++)
        if (ss_address_from_text(&address, need->addresses[i]) &&
            (runner->allow_private || !ss_address_is_inside(&address)))
            out[count++] = need->addresses[i];
    return count;
}

/* Start a fetch; a failure that is known at once is given back in *failure. */
static int
start_fetch(struct ss_job *job, struct errand *errand, int32_t *failure)
{
    struct ss_runner *runner = job->runner;
    struct ss_need *need = errand->need;
    struct ss_fetch_request request;
    const char **addresses;
    int r;

    *failure = SMTPSEC_FAILURE_NONE;
    if (runner->module == NULL) {
        *failure = SMTPSEC_FAILURE_UNREACHABLE;
        return 0;
    }
    addresses = calloc(need->address_count + 1, sizeof(*addresses));
    if (addresses == NULL)
        return SMTPSEC_E_NOMEM;
    memset(&request, 0, sizeof(request));
    request.host = need->name;
    request.path = STS_PATH;
    request.port = 443;
    request.addresses = addresses;
    request.address_count = allowed_addresses(runner, need, addresses);
    request.body_max = SS_STS_BODY_MAX;
    request.timeout_ms = runner->fetch_timeout_ms;
    request.verify = verify_policy_host;
    request.done = fetch_done;
    request.arg = errand;
    r = 0;
    if (request.address_count == 0)
        *failure = SMTPSEC_FAILURE_ADDRESS_REFUSED;
    else
        r = runner->module->start(runner->fetcher, &request, &errand->fetch);
    free(addresses);
    if (r == SMTPSEC_E_FETCH) {
        *failure = SMTPSEC_FAILURE_UNREACHABLE;
        r = 0;
    }
    return r;
}

static int
start_errand(struct ss_job *job, struct ss_need *need, bool *answered)
{
    struct errand *errand = calloc(1, sizeof(*errand));
    int32_t failure = SMTPSEC_FAILURE_NONE;
    int r;

    if (errand == NULL)
        return SMTPSEC_E_NOMEM;
    need->taken = true;
    errand->job = job;
    errand->need = need;
    errand->next = job->errands;
    job->errands = errand;
    if (need->kind == SMTPSEC_NEED_DNS)
        return ss_resolver_ask(job->runner->resolver, &need->question, dns_done, errand,
                               &errand->query);
    r = start_fetch(job, errand, &failure);
    if (r == 0 && failure != SMTPSEC_FAILURE_NONE) {
        finish_errand(errand);
        *answered = true;
        r = ss_lookup_answer_failure(job->lookup, need, failure, now_of(job->runner));
    }
    return r;
}

/* Open what follows from what is known, and start it. */
static void
pump(struct ss_job *job)
{
    struct ss_need *need;
    size_t open, n;
    bool answered;
    int r;

    do {
        answered = false;
        r = ss_lookup_step(job->lookup, now_of(job->runner), &open);
        for (n = 0; r == 0 && (need = ss_lookup_open_need(job->lookup, n)) != NULL; n++)
            if (!need->taken)
                r = start_errand(job, need, &answered);
    } while (r == 0 && answered);
    if (r != 0 || open == 0)
        end(job, r);
}

int
ss_runner_start(struct ss_runner *runner, struct ss_lookup *lookup, int32_t deadline_ms,
                ss_job_done done, void *arg, struct ss_job **out)
{
    struct ss_job *job = calloc(1, sizeof(*job));
    int r;

    if (job == NULL)
        return SMTPSEC_E_NOMEM;
    job->runner = runner;
    job->lookup = lookup;
    job->done = done;
    job->arg = arg;
    job->deadline.fire = tell;
    job->deadline.arg = job;
    job->finish.fire = tell;
    job->finish.arg = job;
    r = ss_loop_timer(runner->loop, &job->deadline, deadline_ms);
    if (r != 0) {
        free(job);
        return r;
    }
    job->next = runner->jobs;
    job->prev = &runner->jobs;
    if (job->next != NULL)
        job->next->prev = &job->next;
    runner->jobs = job;
    pump(job);
    if (out != NULL)
        *out = job;
    return 0;
}

void
ss_job_cancel(struct ss_job *job)
{
    struct ss_lookup *lookup = job->lookup;

    free_job(job);
    ss_lookup_free(lookup);
}

void
ss_runner_stop(struct ss_runner *runner, void (*gone)(void *arg))
{
    while (runner->jobs != NULL) {
        void *arg = runner->jobs->arg;

        ss_job_cancel(runner->jobs);
        gone(arg);
    }
}
