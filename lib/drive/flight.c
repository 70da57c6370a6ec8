/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "drive/flight.h"

#include <stdlib.h>
#include <string.h>

#include "base/address.h"
#include "drive/runner.h"
#include "engine/learn.h"
#include "pkix/chain.h"
#include "pkix/digest.h"
#include "pkix/session.h"
#include "sts/sts_policy.h"

#define STS_PATH "/.well-known/mta-sts.txt"

struct ss_flight {
    struct ss_runner *runner;
    char host[SS_NAME_TEXT];
    struct ss_passenger *passengers;
    struct ss_timer turn;       /* look whether it is our turn */
    int64_t waiting_since_ms;   /* 0: has not waited */
    struct ss_lease *lease;     /* NULL: none held, or none to be had */
    struct ss_fetch *fetch;     /* NULL: not under way */
    struct ss_flight *next;
    struct ss_flight **prev;
};

static int64_t
now_of(const struct ss_flight *flight)
{
    return flight->runner->clock(flight->runner->clock_user);
}

/* No more passengers come on board. */
static void
close_doors(struct ss_flight *flight)
{
    if (flight->prev == NULL)
        return;
    *flight->prev = flight->next;
    if (flight->next != NULL)
        flight->next->prev = flight->prev;
    flight->prev = NULL;
}

static void
free_flight(struct ss_flight *flight)
{
    close_doors(flight);
    ss_loop_untimer(&flight->turn);
    if (flight->fetch != NULL)
        flight->runner->module->cancel(flight->fetch);
    ss_lease_release(flight->lease);
    free(flight);
}

static void
unlink_passenger(struct ss_passenger *passenger)
{
    struct ss_passenger **at = &passenger->flight->passengers;

    while (*at != passenger)
        at = &(*at)->next;
    *at = passenger->next;
    passenger->flight = NULL;
}

void
ss_flight_leave(struct ss_passenger *passenger)
{
    struct ss_flight *flight = passenger->flight;

    if (flight == NULL)
        return;
    unlink_passenger(passenger);
    /* With its doors closed the flight is landing, and frees itself. */
    if (flight->passengers == NULL && flight->prev != NULL)
        free_flight(flight);
}

/* What the policy host gave, as the fetcher told it. */
struct cargo {
    int32_t failure;
    int32_t status;
    const char *content_type;
    struct ss_bytes body;
};

static int
unload(struct ss_passenger *passenger, const struct cargo *cargo, int64_t now)
{
    if (cargo->failure != SMTPSEC_FAILURE_NONE)
        return ss_lookup_answer_failure(passenger->lookup, passenger->need, cargo->failure, now);
    return ss_lookup_answer_https(passenger->lookup, passenger->need, cargo->status,
                                  cargo->content_type, cargo->body, now);
}

/*
 * Everybody gets the same reply. The lookups share the lease from here on: it
 * must not end before what came of the fetch is stored.
 */
static void
land(struct ss_flight *flight, const struct cargo *cargo)
{
    struct ss_passenger *passenger;
    int64_t now = now_of(flight);
    int r;

    close_doors(flight);
    flight->fetch = NULL;
    while ((passenger = flight->passengers) != NULL) {
        unlink_passenger(passenger);
        /* A part of ours that is missing is no failure of the policy host's. */
        r = flight->runner->load_status;
        if (r == 0)
            r = unload(passenger, cargo, now);
        ss_lease_release(passenger->lookup->lease);
        passenger->lookup->lease = ss_lease_ref(flight->lease);
        passenger->landed(passenger->arg, r);
    }
    free_flight(flight);
}

static void
fetch_done(void *arg, int32_t failure, int32_t status, const char *content_type,
           const uint8_t *body, size_t len)
{
    struct cargo cargo = {failure, status, content_type, {body, len}};

    land(arg, &cargo);
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
    struct ss_flight *flight = arg;
    struct ss_runner *runner = flight->runner;
    int32_t reason = SMTPSEC_REASON_NO_CERTIFICATE;
    struct ss_tls_facts facts;
    struct ss_chain *chain = NULL;
    struct ss_name host;
    int r;

    ss_tls_facts_read(&facts, gnutls_session);
    if (facts.version < 0x0303)
        return SMTPSEC_FAILURE_TLS_VERSION; /* STSF-15 */
    if (facts.count == 0 || runner->anchors == NULL ||
        !ss_name_from_text(&host, flight->host, strlen(flight->host)))
        return SMTPSEC_FAILURE_CERT_NOT_TRUSTED;
    r = ss_chain_new(facts.certificates, facts.count, &chain);
    if (r == 0)
        r = ss_chain_match_names(chain, &host, 1, false, &reason);
    if (r == 0 && reason == SMTPSEC_REASON_NONE)
        r = ss_chain_verify(chain, runner->anchors, now_of(flight), &reason);
    ss_chain_free(chain);
    return r != 0 ? SMTPSEC_FAILURE_CERT_NOT_TRUSTED : certificate_failure(reason);
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

/* Start the fetch. Returns 0 or a SMTPSEC_FAILURE_* that is known at once. */
static int32_t
take_off(struct ss_flight *flight)
{
    struct ss_runner *runner = flight->runner;
    const struct ss_need *need = flight->passengers->need;
    struct ss_fetch_request request;
    const char **addresses;
    int r = SMTPSEC_E_FETCH;

    if (runner->module == NULL && runner->load_fetch != NULL)
        runner->load_fetch(runner);
    if (runner->module == NULL)
        return SMTPSEC_FAILURE_UNREACHABLE;
    addresses = calloc(need->address_count + 1, sizeof(*addresses));
    if (addresses == NULL)
        return SMTPSEC_FAILURE_UNREACHABLE;
    memset(&request, 0, sizeof(request));
    request.host = flight->host;
    request.path = STS_PATH;
    request.port = 443;
    request.addresses = addresses;
    request.address_count = allowed_addresses(runner, need, addresses);
    request.body_max = SS_STS_BODY_MAX;
    request.timeout_ms = runner->fetch_timeout_ms;
    request.verify = verify_policy_host;
    request.done = fetch_done;
    request.arg = flight;
    if (request.address_count > 0)
        r = runner->module->start(runner->fetcher, &request, &flight->fetch);
    free(addresses);
    if (request.address_count == 0)
        return SMTPSEC_FAILURE_ADDRESS_REFUSED;
    return r == 0 ? SMTPSEC_FAILURE_NONE : SMTPSEC_FAILURE_UNREACHABLE;
}

/*
 * True when it is our turn. Where the store cannot tell, it always is; and who
 * has waited for as long as a fetch may take waits no more: a holder that is
 * stopped must not keep others from a policy.
 */
static bool
our_turn(struct ss_flight *flight)
{
    struct ss_runner *runner = flight->runner;
    int64_t now_ms = ss_loop_now_ms(runner->loop);
    uint8_t digest[SS_SHA256_LEN];
    uint64_t name = 0;
    size_t i;

    /* A digest that nobody can choose: else a stranger's slow host could make others wait. */
    if (runner->store == NULL || ss_sha256(flight->host, strlen(flight->host), digest) != 0)
        return true;
    for (i = 0; i < sizeof(name); i++)
        name = name << 8 | digest[i];
    if (ss_store_lease(runner->store, name, &flight->lease) != SMTPSEC_E_PENDING)
        return true;
    if (flight->waiting_since_ms == 0)
        flight->waiting_since_ms = now_ms > 0 ? now_ms : 1;
    return now_ms - flight->waiting_since_ms >= runner->fetch_timeout_ms ||
           ss_loop_timer(runner->loop, &flight->turn, SS_FLIGHT_LOOK_MS) != 0;
}

/* Another may have fetched since this lookup read the memory: then there is nothing left to do. */
static int
look_again(struct ss_flight *flight, struct ss_passenger *passenger)
{
    struct ss_lookup *lookup = passenger->lookup;
    struct ss_sts_entry entry;
    int fault = 0;
    int r;

    r = ss_recall_policy(flight->runner->store, &lookup->evidence.destination.domain, &entry,
                         &fault);
    if (r == 0 && fault == 0)
        r = ss_lookup_entry_again(lookup, passenger->need, &entry, now_of(flight));
    ss_sts_entry_free(&entry);
    return r == SMTPSEC_E_NOMEM ? r : 0; /* a store in trouble changes nothing */
}

/* Let those off whose need is closed, or cannot be served. */
static void
let_off(struct ss_flight *flight)
{
    struct ss_passenger *passenger = flight->passengers;

    while (passenger != NULL) {
        struct ss_passenger *next = passenger->next;
        int r = look_again(flight, passenger);

        if (r != 0 || !passenger->need->open) {
            unlink_passenger(passenger);
            passenger->landed(passenger->arg, r);
        }
        passenger = next;
    }
}

static void
turn(void *arg)
{
    struct ss_flight *flight = arg;
    struct ss_passenger *passenger;
    struct cargo cargo;

    if (!our_turn(flight))
        return;
    if (flight->runner->store != NULL)
        let_off(flight);
    if (flight->passengers == NULL) {
        free_flight(flight);
        return;
    }
    for (passenger = flight->passengers; passenger != NULL; passenger = passenger->next)
        passenger->lookup->evidence.https.begun = true;
    memset(&cargo, 0, sizeof(cargo));
    cargo.failure = take_off(flight);
    if (cargo.failure != SMTPSEC_FAILURE_NONE)
        land(flight, &cargo);
}

static struct ss_flight *
find(const struct ss_runner *runner, const char *host)
{
    struct ss_flight *flight;

    for (flight = runner->flights; flight != NULL; flight = flight->next)
        if (strcmp(flight->host, host) == 0)
            return flight;
    return NULL;
}

static int
begin(struct ss_runner *runner, const char *host, struct ss_flight **out)
{
    struct ss_flight *flight = calloc(1, sizeof(*flight));
    int r;

    if (flight == NULL)
        return SMTPSEC_E_NOMEM;
    flight->runner = runner;
    memcpy(flight->host, host, strlen(host) + 1);
    flight->turn.fire = turn;
    flight->turn.arg = flight;
    r = ss_loop_timer(runner->loop, &flight->turn, 0);
    if (r != 0) {
        free(flight);
        return r;
    }
    flight->next = runner->flights;
    flight->prev = &runner->flights;
    if (flight->next != NULL)
        flight->next->prev = &flight->next;
    runner->flights = flight;
    *out = flight;
    return 0;
}

int
ss_flight_board(struct ss_runner *runner, struct ss_passenger *passenger)
{
    struct ss_flight *flight = find(runner, passenger->need->name);
    int r = 0;

    if (flight == NULL)
        r = begin(runner, passenger->need->name, &flight);
    if (r != 0)
        return r;
    passenger->lookup->evidence.https.begun = flight->fetch != NULL;
    passenger->flight = flight;
    passenger->next = flight->passengers;
    flight->passengers = passenger;
    return 0;
}

void
ss_flights_abandon(struct ss_runner *runner)
{
    struct ss_flight *flight;

    for (flight = runner->flights; flight != NULL; flight = flight->next) {
        ss_lease_release(flight->lease);
        flight->lease = NULL;
    }
}
