/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "decision/observe.h"

#include <stdlib.h>
#include <string.h>

#include "memory/clock.h"
#include "memory/life.h"

void
ss_observations_free(struct ss_observations *observations)
{
    free(observations->list);
    free(observations->hosts);
    memset(observations, 0, sizeof(*observations));
}

static bool
lowers_alone(const struct ss_observation *observation)
{
    switch (observation->what) {
    case SS_OBSERVED_NO_TLSA:
    case SS_OBSERVED_MX_SET:
    case SS_OBSERVED_NO_DS:
        return true;
    case SS_OBSERVED_POLICY:
        return observation->sts_mode != SMTPSEC_STS_ENFORCE;
    default:
        return false;
    }
}

void
ss_observations_hold(struct ss_observations *observations, int64_t memory_now)
{
    size_t i, kept = 0;

    for (i = 0; i < observations->count; i++) {
        struct ss_observation *observation = &observations->list[i];

        if (!lowers_alone(observation))
            continue;
        /* Memory time may be older than the last use by what goes by between two marks. */
        observation->at = ss_time_add(memory_now, SS_CLOCK_WRITE);
        observations->list[kept++] = *observation;
    }
    observations->count = kept;
}

static struct ss_observation *
next(struct ss_observations *out, enum ss_observed what, int64_t now)
{
    struct ss_observation *observation = &out->list[out->count++];

    memset(observation, 0, sizeof(*observation));
    observation->what = what;
    observation->at = now;
    return observation;
}

/* A signed set, or a signed denial of one: then the domain itself is all of it. */
static void
signed_mx_set(const struct ss_resolution *resolution, int64_t now, struct ss_observations *out)
{
    struct ss_observation *observation;
    size_t i;

    /* A set cut at our limit does not say that the other hosts are gone. */
    if (resolution->mx == NULL || resolution->trust != SMTPSEC_TRUST_SECURE ||
        resolution->count == 0 || resolution->cut)
        return;
    for (i = 0; i < resolution->count; i++)
        out->hosts[i] = resolution->hosts[i].name;
    observation = next(out, SS_OBSERVED_MX_SET, now);
    observation->hosts = out->hosts;
    observation->host_count = resolution->count;
    observation->inception = resolution->mx->answer.inception;
    observation->signature_expiration = resolution->mx->answer.expiration;
    observation->zone = ss_zone_depth(&resolution->mx->question.name, &resolution->mx->answer.zone);
}

/* What a zone that is remembered as signed says of itself; host NULL: of the MX set. */
static void
zone_seen(const struct ss_zone *zone, const struct ss_name *host, int64_t now,
          struct ss_observations *out)
{
    struct ss_observation *observation;

    switch (zone->state) {
    case SS_ZONE_SIGNED:
        observation = next(out, SS_OBSERVED_SIGNED, now);
        break;
    case SS_ZONE_DENIED:
        observation = next(out, SS_OBSERVED_NO_DS, now);
        observation->inception = zone->ds->answer.name_inception;
        break;
    case SS_ZONE_UNSURE:
        observation = next(out, SS_OBSERVED_UNSIGNED, now);
        break;
    default:
        return;
    }
    if (host != NULL)
        observation->host = *host;
}

static void
zones(const struct ss_resolution *resolution, int64_t now, struct ss_observations *out)
{
    size_t i;

    zone_seen(&resolution->zone, NULL, now, out);
    for (i = 0; i < resolution->count; i++)
        zone_seen(&resolution->hosts[i].zone, &resolution->hosts[i].name, now, out);
}

/* Design 6.1: DNS alone may extend what a delivery raised. */
static void
tlsa_sets(const struct ss_resolution *resolution, int64_t now, struct ss_observations *out)
{
    size_t i;

    for (i = 0; i < resolution->count; i++) {
        const struct ss_target *host = &resolution->hosts[i];
        struct ss_observation *observation;

        if (!host->tlsa_seen)
            continue;
        observation = next(out, SS_OBSERVED_TLSA, now);
        observation->host = host->name;
        observation->expires = host->tlsa->expires;
        observation->inception = host->tlsa->answer.inception;
        observation->signature_expiration = host->tlsa->answer.expiration;
        memcpy(observation->tlsa_digest, host->tlsa_digest, sizeof(observation->tlsa_digest));
        /* Of a set that came by a wildcard none is kept: its denial hangs on more than its name's. */
        if (!host->tlsa->answer.wildcard && host->tlsa->answer.aliases == 0 &&
            ss_name_equal(&host->base, &host->name))
            observation->zone = ss_zone_depth(&host->name, &host->tlsa->answer.zone);
    }
}

static void
denials(const struct ss_resolution *resolution, int64_t now, struct ss_observations *out)
{
    size_t i;

    for (i = 0; i < resolution->count; i++) {
        const struct ss_target *host = &resolution->hosts[i];
        struct ss_observation *observation;

        /* A denial proves nothing beside insecure addresses, nor when another candidate has records. */
        if (host->dane != SMTPSEC_DANE_ABSENT || host->denial == NULL || !host->secure_addresses)
            continue;
        observation = next(out, SS_OBSERVED_NO_TLSA, now);
        observation->host = host->name;
        observation->inception = host->denial->answer.inception;
        observation->name_inception = host->name_inception;
        observation->signature_expiration = host->denial->answer.expiration;
    }
}

/*
 * The policy that is kept, fetched since the claim's last proof: for another
 * route or port of the domain, each of which has claims of its own. Without it
 * a domain that left MTA-STS would stay bound where it was not fetched for.
 */
static int
kept_policy(const struct ss_evidence *evidence, int64_t now, struct ss_observations *out)
{
    const struct ss_sts_entry *entry = &evidence->entry;
    const struct ss_claim *claim = ss_record_find(&evidence->record, SMTPSEC_CLAIM_MTA_STS, NULL);
    struct ss_bytes body = {entry->body, entry->len};
    struct ss_observation *observation;
    struct ss_sts_policy policy;
    bool valid = false;
    int r;

    if (claim == NULL || entry->id[0] == '\0' || entry->fetched <= claim->last_seen ||
        entry->fetched > now)
        return 0;
    memset(&policy, 0, sizeof(policy));
    r = ss_sts_policy_read(&policy, body, &valid, NULL);
    if (r == 0 && valid) {
        observation = next(out, SS_OBSERVED_POLICY, entry->fetched);
        observation->sts_mode = policy.mode;
        observation->expires = ss_time_add(entry->fetched, entry->max_age);
        memcpy(observation->sts_id, entry->id, sizeof(observation->sts_id));
    }
    ss_sts_policy_free(&policy);
    return r;
}

int
ss_observations_read(const struct ss_evidence *evidence, const struct ss_resolution *resolution,
                     const struct ss_sts_view *view, int64_t now, struct ss_observations *out)
{
    int r;

    memset(out, 0, sizeof(*out));
    /* What is used of them is written first: mostly nothing. */
    out->list = malloc((2 * resolution->count + 3) * sizeof(*out->list));
    out->hosts = malloc((resolution->count + 1) * sizeof(*out->hosts));
    if (out->list == NULL || out->hosts == NULL) {
        ss_observations_free(out);
        return SMTPSEC_E_NOMEM;
    }
    zones(resolution, now, out);
    signed_mx_set(resolution, now, out);
    tlsa_sets(resolution, now, out);
    denials(resolution, now, out);
    if (view->fetched != NULL) {
        struct ss_observation *observation = next(out, SS_OBSERVED_POLICY, view->fetched->at);

        observation->sts_mode = view->policy.mode;
        observation->expires = view->expires;
        memcpy(observation->sts_id, view->id, sizeof(observation->sts_id));
        return 0;
    }
    r = kept_policy(evidence, now, out);
    if (r != 0)
        ss_observations_free(out);
    return r;
}
