/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "decision/plan.h"

#include <stdlib.h>

#include "decision/decide.h"

void
smtpsec_plan_free(struct smtpsec_plan *plan)
{
    ss_plan_free(plan);
}

const char *
smtpsec_plan_domain(const struct smtpsec_plan *plan)
{
    return plan == NULL ? NULL : plan->domain;
}

const char *
smtpsec_plan_route(const struct smtpsec_plan *plan)
{
    return plan == NULL ? NULL : plan->route;
}

uint16_t
smtpsec_plan_port(const struct smtpsec_plan *plan)
{
    return plan == NULL ? 0 : plan->key.port;
}

int32_t
smtpsec_plan_verdict(const struct smtpsec_plan *plan)
{
    return plan == NULL ? SMTPSEC_VERDICT_DEFER : plan->verdict;
}

int32_t
smtpsec_plan_reason(const struct smtpsec_plan *plan)
{
    return plan == NULL ? 0 : plan->reason;
}

const char *
smtpsec_plan_enhanced(const struct smtpsec_plan *plan)
{
    return plan == NULL ? NULL : plan->enhanced;
}

const char *
smtpsec_plan_text(const struct smtpsec_plan *plan)
{
    return plan == NULL ? NULL : plan->text;
}

int32_t
smtpsec_plan_level(const struct smtpsec_plan *plan)
{
    return plan == NULL ? 0 : plan->level;
}

int32_t
smtpsec_plan_protection(const struct smtpsec_plan *plan)
{
    return plan == NULL ? 0 : smtpsec_level_protection(plan->level);
}

int64_t
smtpsec_plan_expires(const struct smtpsec_plan *plan)
{
    return plan == NULL ? 0 : plan->expires;
}

const char *
smtpsec_plan_digest(const struct smtpsec_plan *plan)
{
    return plan == NULL ? NULL : plan->digest_hex;
}

int32_t
smtpsec_plan_mx_origin(const struct smtpsec_plan *plan)
{
    return plan == NULL ? 0 : plan->origin;
}

int32_t
smtpsec_plan_mx_trust(const struct smtpsec_plan *plan)
{
    return plan == NULL ? 0 : plan->mx_trust;
}

int32_t
smtpsec_plan_dnssec(const struct smtpsec_plan *plan)
{
    return plan == NULL ? SMTPSEC_DNSSEC_UNKNOWN : plan->dnssec;
}

int32_t
smtpsec_plan_sts_mode(const struct smtpsec_plan *plan)
{
    return plan == NULL ? 0 : plan->sts_mode;
}

int32_t
smtpsec_plan_sts_source(const struct smtpsec_plan *plan)
{
    return plan == NULL ? 0 : plan->sts_source;
}

const char *
smtpsec_plan_sts_id(const struct smtpsec_plan *plan)
{
    return plan == NULL ? NULL : plan->sts_id;
}

int64_t
smtpsec_plan_sts_max_age(const struct smtpsec_plan *plan)
{
    return plan == NULL ? 0 : plan->sts_max_age;
}

int64_t
smtpsec_plan_sts_expires(const struct smtpsec_plan *plan)
{
    return plan == NULL ? 0 : plan->sts_expires;
}

size_t
smtpsec_plan_sts_mx_count(const struct smtpsec_plan *plan)
{
    return plan == NULL ? 0 : plan->sts_mx_count;
}

const char *
smtpsec_plan_sts_mx(const struct smtpsec_plan *plan, size_t n)
{
    return plan == NULL || n >= plan->sts_mx_count ? NULL : plan->sts_mx[n];
}

int32_t
smtpsec_plan_sts_error(const struct smtpsec_plan *plan)
{
    return plan == NULL ? 0 : plan->sts_error;
}

const char *
smtpsec_plan_tlsrpt(const struct smtpsec_plan *plan)
{
    return plan == NULL ? NULL : plan->tlsrpt.record;
}

const char *
smtpsec_plan_sts_error_text(const struct smtpsec_plan *plan)
{
    return plan == NULL ? NULL : plan->sts_error_text;
}

int32_t
smtpsec_plan_memory_state(const struct smtpsec_plan *plan)
{
    return plan == NULL ? 0 : plan->memory_state;
}

int
smtpsec_plan_has_floor(const struct smtpsec_plan *plan)
{
    return plan == NULL ? 0 : plan->floors.enforced.level > SMTPSEC_LEVEL_NONE;
}

int32_t
smtpsec_plan_floor_level(const struct smtpsec_plan *plan)
{
    return plan == NULL ? 0 : plan->floors.enforced.level;
}

int32_t
smtpsec_plan_floor_tls(const struct smtpsec_plan *plan)
{
    return plan == NULL ? 0 : plan->floors.enforced.tls;
}

int32_t
smtpsec_plan_floor_identities(const struct smtpsec_plan *plan)
{
    return plan == NULL ? 0 : plan->floors.enforced.identities;
}

int
smtpsec_plan_has_hold(const struct smtpsec_plan *plan)
{
    return plan == NULL ? 0 : plan->floors.hold;
}

int64_t
smtpsec_plan_hold_until(const struct smtpsec_plan *plan)
{
    return plan == NULL ? 0 : plan->floors.hold_until;
}

int
smtpsec_plan_would_refuse(const struct smtpsec_plan *plan)
{
    return plan == NULL ? 0 : plan->would_refuse;
}

size_t
smtpsec_plan_claim_count(const struct smtpsec_plan *plan)
{
    return plan == NULL ? 0 : plan->claim_count;
}

const struct smtpsec_claim *
smtpsec_plan_claim(const struct smtpsec_plan *plan, size_t n)
{
    return plan == NULL || n >= plan->claim_count ? NULL : &plan->claims[n];
}

size_t
smtpsec_plan_explain_count(const struct smtpsec_plan *plan)
{
    return plan == NULL ? 0 : plan->notes.count;
}

const char *
smtpsec_plan_explain_rule(const struct smtpsec_plan *plan, size_t n)
{
    return plan == NULL || n >= plan->notes.count ? NULL : plan->notes.list[n].rule;
}

const char *
smtpsec_plan_explain_rfc(const struct smtpsec_plan *plan, size_t n)
{
    return plan == NULL || n >= plan->notes.count ? NULL : plan->notes.list[n].rfc;
}

const char *
smtpsec_plan_explain_text(const struct smtpsec_plan *plan, size_t n)
{
    return plan == NULL || n >= plan->notes.count ? NULL : plan->notes.list[n].text;
}

const char *
smtpsec_plan_explain_input(const struct smtpsec_plan *plan, size_t n)
{
    return plan == NULL || n >= plan->notes.count ? NULL : plan->notes.list[n].input;
}

const char *
smtpsec_plan_explain_source(const struct smtpsec_plan *plan, size_t n)
{
    return plan == NULL || n >= plan->notes.count ? NULL : plan->notes.list[n].source;
}

int64_t
smtpsec_plan_explain_age(const struct smtpsec_plan *plan, size_t n)
{
    return plan == NULL || n >= plan->notes.count ? SS_AGE_UNKNOWN : plan->notes.list[n].age;
}

const char *
smtpsec_plan_explain_effect(const struct smtpsec_plan *plan, size_t n)
{
    return plan == NULL || n >= plan->notes.count ? NULL
                                                  : ss_effect_name(plan->notes.list[n].effect);
}

const char *
smtpsec_plan_dsn_text(const struct smtpsec_plan *plan)
{
    return plan == NULL ? NULL : plan->dsn;
}

size_t
smtpsec_plan_host_count(const struct smtpsec_plan *plan)
{
    return plan == NULL ? 0 : plan->count;
}

const struct smtpsec_host *
smtpsec_plan_host(const struct smtpsec_plan *plan, size_t n)
{
    return plan == NULL || n >= plan->count ? NULL : &plan->hosts[n];
}

/* splitmix64: a seed gives the same order on every platform. */
static uint64_t
next_random(uint64_t *state)
{
    uint64_t z = (*state += 0x9e3779b97f4a7c15U);

    z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9U;
    z = (z ^ (z >> 27)) * 0x94d049bb133111ebU;
    return z ^ (z >> 31);
}

/* RES-01, RES-02: shuffled inside one preference, never across. */
int
smtpsec_plan_shuffle(const struct smtpsec_plan *plan, uint64_t seed, size_t *order, size_t count)
{
    size_t start, end, i;

    if (plan == NULL || order == NULL || count < plan->count)
        return SMTPSEC_E_INVALID;
    for (i = 0; i < plan->count; i++)
        order[i] = i;
    for (start = 0; start < plan->count; start = end) {
        for (end = start + 1; end < plan->count; end++)
            if (plan->hosts[end].preference != plan->hosts[start].preference)
                break;
        for (i = end - start; i > 1; i--) {
            size_t k = start + (size_t)(next_random(&seed) % i);
            size_t swapped = order[start + i - 1];

            order[start + i - 1] = order[k];
            order[k] = swapped;
        }
    }
    return 0;
}

const char *
smtpsec_host_name(const struct smtpsec_host *host)
{
    return host == NULL ? NULL : host->text;
}

uint16_t
smtpsec_host_preference(const struct smtpsec_host *host)
{
    return host == NULL ? 0 : host->preference;
}

size_t
smtpsec_host_address_count(const struct smtpsec_host *host)
{
    return host == NULL ? 0 : host->address_count;
}

const char *
smtpsec_host_address(const struct smtpsec_host *host, size_t n)
{
    return host == NULL || n >= host->address_count ? NULL : host->addresses[n];
}

int
smtpsec_host_partial(const struct smtpsec_host *host)
{
    return host == NULL ? 0 : host->partial;
}

int32_t
smtpsec_host_action(const struct smtpsec_host *host)
{
    return host == NULL ? SMTPSEC_ACTION_SKIP : host->action;
}

int32_t
smtpsec_host_reason(const struct smtpsec_host *host)
{
    return host == NULL ? 0 : host->reason;
}

const struct smtpsec_requirement *
smtpsec_host_requirement(const struct smtpsec_host *host)
{
    return host == NULL ? NULL : host->requirement;
}

int32_t
smtpsec_host_floor_level(const struct smtpsec_host *host)
{
    return host == NULL ? 0 : host->floors.enforced.level;
}

int32_t
smtpsec_host_floor_tls(const struct smtpsec_host *host)
{
    return host == NULL ? 0 : host->floors.enforced.tls;
}

int32_t
smtpsec_host_floor_identities(const struct smtpsec_host *host)
{
    return host == NULL ? 0 : host->floors.enforced.identities;
}

int32_t
smtpsec_host_floor_claim(const struct smtpsec_host *host)
{
    return host == NULL ? 0 : host->floors.enforced.kind;
}

const char *
smtpsec_host_floor_host(const struct smtpsec_host *host)
{
    return host == NULL ? NULL : host->floor_host.text;
}

int64_t
smtpsec_host_floor_until(const struct smtpsec_host *host)
{
    return host == NULL ? 0 : host->floors.enforced.until;
}

const char *
smtpsec_host_floor_text(const struct smtpsec_host *host)
{
    return host == NULL ? NULL : host->floor_text;
}

int
smtpsec_host_would_refuse(const struct smtpsec_host *host)
{
    return host == NULL ? 0 : host->would_refuse;
}

int32_t
smtpsec_host_dane_status(const struct smtpsec_host *host)
{
    return host == NULL ? 0 : host->dane;
}

const char *
smtpsec_host_dane_base(const struct smtpsec_host *host)
{
    return host == NULL ? NULL : host->base.text;
}

size_t
smtpsec_host_tlsa_count(const struct smtpsec_host *host)
{
    return host == NULL ? 0 : host->tlsa.count;
}

int
smtpsec_host_tlsa_usage(const struct smtpsec_host *host, size_t n)
{
    return host == NULL || n >= host->tlsa.count ? 0 : host->tlsa.records[n].usage;
}

int
smtpsec_host_tlsa_selector(const struct smtpsec_host *host, size_t n)
{
    return host == NULL || n >= host->tlsa.count ? 0 : host->tlsa.records[n].selector;
}

int
smtpsec_host_tlsa_matching(const struct smtpsec_host *host, size_t n)
{
    return host == NULL || n >= host->tlsa.count ? 0 : host->tlsa.records[n].matching;
}

const uint8_t *
smtpsec_host_tlsa_data(const struct smtpsec_host *host, size_t n, size_t *len)
{
    if (host == NULL || n >= host->tlsa.count || len == NULL)
        return NULL;
    *len = host->tlsa.records[n].len;
    return host->tlsa.records[n].data;
}

int32_t
smtpsec_host_tlsa_reason(const struct smtpsec_host *host, size_t n)
{
    return host == NULL || n >= host->tlsa.count ? 0 : host->tlsa.records[n].reason;
}
