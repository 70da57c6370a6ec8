/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * How long may the memory refuse? (DESIGN 6.2, 6.3, section 10.) Random
 * histories of one domain, honest and hostile evidence mixed, then silence:
 * nothing is proved any more. Refusals must end by the bound that doc/memory.md
 * states, computed here from a log of what was seen, and not from the record.
 *
 *   of a kind:  last proof + max(min(cap, last - first, 7 days x distinct days),
 *               what was left of the source's own life)
 *   by soft claims alone: 72 hours from the first refusal, and one try more
 *
 *   test_bound [HISTORIES [SEED]]
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "memory/life.h"
#include "memory/rules.h"
#include "table.h"

#define HOUR INT64_C(3600)
#define BEGIN (INT64_C(20000) * SS_DAY)
#define KINDS 5 /* SMTPSEC_CLAIM_*, from 1 */
#define HOSTS 6
#define TRY_MOST (30 * HOUR) /* between two tries of a queue in the silence */

static unsigned long histories = 500;
static unsigned long first_seed = 1;

/* What the log says of one kind of claim. */
struct proofs {
    int64_t first;
    int64_t last;
    uint32_t days;
    int64_t day;
    int64_t source; /* the latest end of a source's own life */
};

struct history {
    uint64_t random;
    struct ss_record record;
    struct ss_memory_settings settings;
    struct proofs proofs[KINDS];
    struct ss_name hosts[HOSTS];
    int64_t now;
    int64_t end; /* by when refusals must be over */
    /* of the silence */
    int64_t last_refusal;
    int64_t soft_since; /* first of a run of soft refusals; 0: none */
    int64_t soft_longest;
    unsigned refusals;
};

struct totals {
    unsigned long refused;  /* histories with a refusal in the silence */
    unsigned long hard;     /* of these, ones that outlasted 72 hours */
    unsigned long soft;     /* with a soft refusal */
    unsigned long near_end; /* refused within the last tenth of the bound: the bound is not slack */
};

static uint64_t
draw(struct history *history, uint64_t below)
{
    history->random ^= history->random << 13;
    history->random ^= history->random >> 7;
    history->random ^= history->random << 17;
    return history->random % below;
}

static void
log_proof(struct history *history, int32_t kind, int64_t source)
{
    struct proofs *proofs = &history->proofs[kind];
    int64_t day = history->now / SS_DAY;

    if (proofs->days == 0)
        proofs->first = history->now;
    if (proofs->days == 0 || day != proofs->day)
        proofs->days++;
    proofs->day = day;
    proofs->last = history->now;
    if (source > proofs->source)
        proofs->source = source;
}

static void
observe(struct history *history, struct ss_observation *observation)
{
    bool changed;

    observation->at = history->now;
    assert_int_equal(
        ss_record_observe(&history->record, &history->settings, observation, &changed), 0);
}

/* One delivery; whoever may have made it. */
static void
deliver(struct history *history, size_t host, bool tls, int32_t identities, bool mx_secure)
{
    struct ss_observation seen = { .what = SS_OBSERVED_DELIVERY };

    seen.host = history->hosts[host];
    seen.tls = tls;
    seen.identities = tls ? identities : 0;
    seen.mx_secure = mx_secure;
    if (tls) {
        log_proof(history, SMTPSEC_CLAIM_ENCRYPTED, 0);
        if (mx_secure && (identities & SMTPSEC_IDENTITY_PKIX) != 0)
            log_proof(history, SMTPSEC_CLAIM_DNSSEC, 0);
        if (mx_secure && (identities & SMTPSEC_IDENTITY_DANE) != 0) {
            seen.expires = history->now + (int64_t)draw(history, 7 * SS_DAY);
            seen.inception = history->now - (int64_t)draw(history, 5 * SS_DAY);
            seen.signature_expiration = history->now + (int64_t)draw(history, 20 * SS_DAY);
            log_proof(history, SMTPSEC_CLAIM_DANE, seen.expires);
        }
    }
    observe(history, &seen);
}

static void
fetch_policy(struct history *history)
{
    struct ss_observation seen = { .what = SS_OBSERVED_POLICY };

    seen.sts_mode = draw(history, 4) == 0 ? SMTPSEC_STS_NONE : SMTPSEC_STS_ENFORCE;
    seen.expires = history->now + (int64_t)draw(history, 40 * SS_DAY);
    strcpy(seen.sts_id, "a");
    if (seen.sts_mode == SMTPSEC_STS_ENFORCE)
        log_proof(history, SMTPSEC_CLAIM_MTA_STS, seen.expires);
    observe(history, &seen);
}

static void
refuse(struct history *history, bool soft)
{
    struct ss_observation seen = { .what = SS_OBSERVED_REFUSAL };

    seen.soft = soft;
    observe(history, &seen);
}

static void
dns_says(struct history *history)
{
    struct ss_observation seen = { 0 };

    seen.inception = history->now - (int64_t)draw(history, 10 * SS_DAY);
    seen.signature_expiration = seen.inception + 14 * SS_DAY;
    if (draw(history, 2) == 0) {
        seen.what = SS_OBSERVED_NO_TLSA;
        seen.host = history->hosts[draw(history, HOSTS)];
    } else {
        seen.what = SS_OBSERVED_MX_SET;
        seen.hosts = history->hosts;
        seen.host_count = 1 + draw(history, HOSTS);
    }
    observe(history, &seen);
}

/* One host for a while, daily or once in weeks: what earns claims. */
static void
regular_use(struct history *history)
{
    bool rare = draw(history, 3) == 0;
    size_t host = draw(history, HOSTS), days = draw(history, rare ? 4 : 40);
    int32_t identities = (int32_t)draw(history, 4);
    bool mx_secure = draw(history, 2) == 0;

    while (days-- > 0) {
        deliver(history, host, true, identities, mx_secure);
        history->now += HOUR * (int64_t)(rare ? 24 + draw(history, 24 * 60) : 1 + draw(history, 60));
    }
}

static void
learn(struct history *history)
{
    size_t events = 1 + draw(history, 12);

    while (events-- > 0) {
        switch (draw(history, 8)) {
        case 0:
        case 1:
            regular_use(history);
            break;
        case 2:
            fetch_policy(history);
            break;
        case 3:
            dns_says(history);
            break;
        case 4:
            refuse(history, draw(history, 2) == 0);
            break;
        default:
            deliver(history, draw(history, HOSTS), draw(history, 4) != 0,
                    (int32_t)draw(history, 4), draw(history, 2) == 0);
        }
        history->now += HOUR * (int64_t)draw(history, draw(history, 2) == 0 ? 12 : 24 * 20);
    }
}

static int64_t
smallest(int64_t a, int64_t b)
{
    return a < b ? a : b;
}

/* The stated function, from the log alone. */
static int64_t
bound(const struct history *history)
{
    int64_t end = 0;
    int32_t kind;

    for (kind = SMTPSEC_CLAIM_DANE; kind < KINDS; kind++) {
        const struct proofs *proofs = &history->proofs[kind];
        int64_t life = smallest(90 * SS_DAY, smallest(proofs->last - proofs->first,
                                                      7 * SS_DAY * (int64_t)proofs->days));
        int64_t until = proofs->last + life;

        if (proofs->days == 0)
            continue;
        if (proofs->source > until)
            until = proofs->source;
        if (until > end)
            end = until;
    }
    return end;
}

static bool
met(const struct ss_floor *floor, bool tls)
{
    return floor->level == SMTPSEC_LEVEL_NONE || (tls && floor->identities == 0);
}

/* A queue tries on and on; the domain has TLS without any identity, or not even that. */
static void
try_once(struct history *history, bool tls)
{
    size_t host = draw(history, HOSTS);
    struct ss_floors floors;

    ss_floors_for_host(&history->record, &history->settings, &history->hosts[host], false,
                       history->now, &floors);
    if (met(&floors.enforced, tls)) {
        struct ss_observation seen = { .what = SS_OBSERVED_DELIVERY, .tls = tls };

        seen.host = history->hosts[host];
        observe(history, &seen);
        return;
    }
    history->refusals++;
    history->last_refusal = history->now;
    /* What is refused says when it ends, and keeps that promise. */
    assert_true(floors.enforced.until >= history->now);
    if (floors.enforced.soft) {
        if (history->soft_since == 0)
            history->soft_since = history->now;
        if (history->now - history->soft_since > history->soft_longest)
            history->soft_longest = history->now - history->soft_since;
    } else {
        history->soft_since = 0;
    }
    refuse(history, floors.enforced.soft);
}

static void
fall_silent(struct history *history)
{
    int64_t stop = history->end + 30 * SS_DAY;
    bool tls = draw(history, 3) == 0;

    while (history->now < stop) {
        history->now += HOUR * (int64_t)(1 + draw(history, TRY_MOST / HOUR - 1));
        try_once(history, tls);
    }
}

static void
run(unsigned long seed, struct totals *totals)
{
    struct history history;
    struct ss_memory_key key = { .port = 25 };
    char text[32];
    int64_t begin;
    size_t i;

    memset(&history, 0, sizeof(history));
    history.random = UINT64_C(0x9e3779b97f4a7c15) * (seed + 1);
    history.now = BEGIN + (int64_t)draw(&history, 400 * SS_DAY);
    ss_memory_settings_init(&history.settings);
    assert_true(ss_name_from_text(&key.domain, "d.test", 6));
    ss_record_init(&history.record, &key);
    for (i = 0; i < HOSTS; i++) {
        snprintf(text, sizeof(text), "mx%zu.d.test", i);
        assert_true(ss_name_from_text(&history.hosts[i], text, strlen(text)));
    }
    learn(&history);
    history.end = bound(&history);
    begin = history.now;
    fall_silent(&history);
    if (history.last_refusal > history.end)
        fail_msg("seed %lu: refused %lld s after the bound", seed,
                 (long long)(history.last_refusal - history.end));
    if (history.soft_longest > 72 * HOUR + TRY_MOST)
        fail_msg("seed %lu: soft claims refused for %lld s on end", seed,
                 (long long)history.soft_longest);
    totals->refused += history.refusals > 0;
    totals->hard += history.last_refusal - begin > 72 * HOUR + TRY_MOST;
    totals->soft += history.soft_since != 0 || history.soft_longest != 0;
    totals->near_end += history.refusals > 0 &&
                        history.end - history.last_refusal < (history.end - begin) / 10;
    ss_record_free(&history.record);
}

static void
refusals_end(void **state)
{
    struct totals totals = { 0 };
    unsigned long i;

    (void)state;
    for (i = 0; i < histories; i++)
        run(first_seed + i, &totals);
    print_message("%lu histories: %lu refused after the last evidence, %lu of them beyond 72 h,"
                  " %lu by soft claims, %lu in the last tenth of the bound; none beyond it\n",
                  histories, totals.refused, totals.hard, totals.soft, totals.near_end);
    /* A generator that provokes no refusals would prove nothing. */
    assert_true(totals.refused > histories / 10);
    assert_true(totals.hard > histories / 100);
    assert_true(totals.soft > histories / 100);
    assert_true(totals.near_end > histories / 100);
}

int
main(int argc, char **argv)
{
    struct ss_table table = SS_TABLE("bound");

    if (argc > 1)
        histories = strtoul(argv[1], NULL, 10);
    if (argc > 2)
        first_seed = strtoul(argv[2], NULL, 10);
    ss_table_case(&table, "PREC-10 refusal by the memory ends by the stated bound", refusals_end);
    return ss_table_run(&table);
}
