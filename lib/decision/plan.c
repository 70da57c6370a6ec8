/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "decision/plan.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/text.h"

int
ss_plan_new(struct smtpsec_plan **out)
{
    *out = calloc(1, sizeof(**out));
    return *out == NULL ? SMTPSEC_E_NOMEM : 0;
}

static void
free_host(struct smtpsec_host *host)
{
    free(host->text);
    free(host->addresses);
    ss_tlsa_set_free(&host->tlsa);
    ss_requirement_free(host->requirement);
}

void
ss_plan_free(struct smtpsec_plan *plan)
{
    size_t i;

    if (plan == NULL)
        return;
    for (i = 0; i < plan->count; i++)
        free_host(&plan->hosts[i]);
    free(plan->hosts);
    for (i = 0; i < plan->sts_mx_count; i++)
        free(plan->sts_mx[i]);
    free(plan->sts_mx);
    free(plan->claims);
    ss_tlsrpt_facts_free(&plan->tlsrpt);
    ss_notes_free(&plan->facts);
    ss_notes_free(&plan->notes);
    free(plan);
}

static int
copy_host(struct smtpsec_host *out, const struct smtpsec_host *host)
{
    *out = *host;
    out->requirement = NULL;
    out->action = SMTPSEC_ACTION_USE;
    out->reason = SMTPSEC_REASON_NONE;
    out->would_refuse = false;
    out->would_reason = SMTPSEC_REASON_NONE;
    out->floor_text[0] = '\0';
    memset(&out->tlsa, 0, sizeof(out->tlsa));
    out->text = strdup(host->text);
    out->addresses = calloc(host->address_count > 0 ? host->address_count : 1,
                            sizeof(*out->addresses));
    if (out->text == NULL || out->addresses == NULL)
        return SMTPSEC_E_NOMEM;
    if (host->address_count > 0)
        memcpy(out->addresses, host->addresses, host->address_count * sizeof(*out->addresses));
    return ss_tlsa_set_copy(&out->tlsa, &host->tlsa);
}

static int
copy_lists(struct smtpsec_plan *out, const struct smtpsec_plan *plan)
{
    size_t i;
    int r;

    out->sts_mx = calloc(plan->sts_mx_count > 0 ? plan->sts_mx_count : 1, sizeof(*out->sts_mx));
    out->claims = calloc(plan->claim_count > 0 ? plan->claim_count : 1, sizeof(*out->claims));
    out->hosts = calloc(plan->count > 0 ? plan->count : 1, sizeof(*out->hosts));
    if (out->sts_mx == NULL || out->claims == NULL || out->hosts == NULL)
        return SMTPSEC_E_NOMEM;
    for (i = 0; i < plan->sts_mx_count; i++) {
        out->sts_mx[i] = strdup(plan->sts_mx[i]);
        if (out->sts_mx[i] == NULL)
            return SMTPSEC_E_NOMEM;
        out->sts_mx_count++;
    }
    if (plan->claim_count > 0)
        memcpy(out->claims, plan->claims, plan->claim_count * sizeof(*out->claims));
    out->claim_count = plan->claim_count;
    for (i = 0; i < plan->count; i++) {
        out->count++;
        r = copy_host(&out->hosts[i], &plan->hosts[i]);
        if (r != 0)
            return r;
    }
    return 0;
}

int
ss_plan_copy_facts(const struct smtpsec_plan *plan, struct smtpsec_plan **out)
{
    struct smtpsec_plan *copy = malloc(sizeof(*copy));
    int r;

    if (copy == NULL)
        return SMTPSEC_E_NOMEM;
    *copy = *plan;
    copy->sts_mx_count = 0;
    copy->sts_mx = NULL;
    copy->claim_count = 0;
    copy->claims = NULL;
    copy->count = 0;
    copy->hosts = NULL;
    memset(&copy->tlsrpt, 0, sizeof(copy->tlsrpt));
    memset(&copy->facts, 0, sizeof(copy->facts));
    memset(&copy->notes, 0, sizeof(copy->notes));
    copy->verdict = SMTPSEC_VERDICT_DELIVER;
    copy->reason = SMTPSEC_REASON_NONE;
    copy->enhanced[0] = '\0';
    copy->text[0] = '\0';
    copy->dsn[0] = '\0';
    copy->would_refuse = false;
    r = copy_lists(copy, plan);
    if (r == 0)
        r = ss_tlsrpt_facts_copy(&copy->tlsrpt, &plan->tlsrpt);
    if (r == 0 && !ss_notes_copy(&copy->facts, &plan->facts))
        r = SMTPSEC_E_NOMEM;
    if (r != 0) {
        ss_plan_free(copy);
        return r;
    }
    *out = copy;
    return 0;
}

void
ss_claim_show(struct smtpsec_claim *shown, const struct ss_claim *claim,
              const struct ss_memory_key *key, const struct ss_memory_settings *settings, int64_t now)
{
    char hex[17];

    memset(shown, 0, sizeof(*shown));
    shown->claim = *claim;
    shown->key = *key;
    ss_reference_set(&shown->domain, &key->domain);
    ss_reference_set(&shown->host, &claim->host);
    shown->binds_until = ss_claim_binds_until(claim, settings);
    shown->in_force = ss_claim_in_force(claim, settings, now);
    ss_hex_write(hex, claim->tlsa_digest, 8);
    switch (claim->kind) {
    case SMTPSEC_CLAIM_DANE:
        snprintf(shown->evidence, sizeof(shown->evidence),
                 "delivery verified by TLSA set %s, signed from %lld", hex,
                 (long long)claim->inception);
        break;
    case SMTPSEC_CLAIM_MTA_STS:
        snprintf(shown->evidence, sizeof(shown->evidence), "enforce policy %s fetched, live until %lld",
                 claim->sts_id, (long long)claim->expires);
        break;
    case SMTPSEC_CLAIM_DNSSEC:
        snprintf(shown->evidence, sizeof(shown->evidence),
                 "delivery with a valid certificate on a signed MX");
        break;
    default:
        snprintf(shown->evidence, sizeof(shown->evidence), "delivery over TLS");
        break;
    }
}

bool
ss_plan_mx_secure(const struct smtpsec_plan *plan)
{
    /* RES-08: the implicit MX is the name that the sender wrote; RES-32: so is a relay. */
    return plan->mx_trust == SMTPSEC_TRUST_SECURE || plan->origin == SMTPSEC_ORIGIN_IMPLICIT;
}
