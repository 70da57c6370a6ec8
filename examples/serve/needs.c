/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "serve/needs.h"

#include <stdlib.h>
#include <string.h>
#include <strings.h>

#define KNOWN_IDENTITIES (SMTPSEC_IDENTITY_DANE | SMTPSEC_IDENTITY_PKIX)
/* What an identity asks of the session anyway; smtpsec_requirement_tls_version() may say more. */
#define IDENTITY_VERSION 0x0303

/* A record set aside by a setting of ours is usable to Postfix. */
static int
all_unusable(const struct smtpsec_host *host)
{
    size_t i;

    for (i = 0; i < smtpsec_host_tlsa_count(host); i++)
        if (smtpsec_host_tlsa_reason(host, i) == SMTPSEC_REASON_TLSA_DISABLED)
            return 0;
    return 1;
}

static int
mx_signed(const struct smtpsec_plan *plan)
{
    return smtpsec_plan_mx_origin(plan) != SMTPSEC_ORIGIN_MX ||
           smtpsec_plan_mx_trust(plan) == SMTPSEC_TRUST_SECURE;
}

/* Postfix refuses unsigned MX sets and hosts without usable records at dane-only (dane_init). */
static int
dane_only_does(const struct smtpsec_plan *plan, const struct smtpsec_host *host)
{
    if (!mx_signed(plan))
        return SERVE_REFUSES;
    switch (smtpsec_host_dane_status(host)) {
    case SMTPSEC_DANE_USABLE:
        return SERVE_PASSES;
    case SMTPSEC_DANE_ABSENT:
    case SMTPSEC_DANE_INSECURE:
        return SERVE_REFUSES;
    case SMTPSEC_DANE_UNUSABLE:
        return all_unusable(host) ? SERVE_REFUSES : SERVE_UNSURE;
    default:
        return SERVE_UNSURE;
    }
}

/*
 * A reason that is not listed forbids. A host whose address could not be looked
 * up may have TLSA records behind a signed MX set; behind an unsigned one they
 * would protect nobody who could not do without them.
 */
static int
place_of_skip(const struct smtpsec_plan *plan, int32_t reason)
{
    switch (reason) {
    case SMTPSEC_REASON_NO_ADDRESS:
    case SMTPSEC_REASON_NULL_HOST:
    case SMTPSEC_REASON_ADDRESS_AS_MX:
    case SMTPSEC_REASON_MX_IS_SELF:
        return SERVE_GONE;
    case SMTPSEC_REASON_MX_ALIAS:
    case SMTPSEC_REASON_ADDR_SERVFAIL:
    case SMTPSEC_REASON_ADDR_TIMEOUT:
    case SMTPSEC_REASON_ADDR_BOGUS:
    case SMTPSEC_REASON_ADDR_ALIAS:
    case SMTPSEC_REASON_ADDR_RCODE:
    case SMTPSEC_REASON_ADDR_MALFORMED:
    case SMTPSEC_REASON_ADDR_INDETERMINATE:
        return mx_signed(plan) ? SERVE_UNKNOWN : SERVE_GONE;
    case SMTPSEC_REASON_CNAME_LOOKUP:
    case SMTPSEC_REASON_TLSA_SERVFAIL:
    case SMTPSEC_REASON_TLSA_TIMEOUT:
    case SMTPSEC_REASON_TLSA_BOGUS:
    case SMTPSEC_REASON_TLSA_ALIAS:
    case SMTPSEC_REASON_TLSA_RCODE:
    case SMTPSEC_REASON_TLSA_MALFORMED:
    case SMTPSEC_REASON_TLSA_TRUNCATED:
    case SMTPSEC_REASON_TLSA_INDETERMINATE:
        return SERVE_UNKNOWN;
    default:
        return SERVE_FORBIDDEN;
    }
}

static void
read_used(const struct smtpsec_requirement *requirement, struct serve_need *need)
{
    need->place = SERVE_USED;
    need->tls = smtpsec_requirement_tls(requirement);
    need->identities = smtpsec_requirement_identities(requirement);
    need->sts = (smtpsec_requirement_sources(requirement) & SMTPSEC_SOURCE_MTA_STS) != 0;
    need->version = smtpsec_requirement_tls_version(requirement);
    need->beyond = smtpsec_requirement_requiretls(requirement);
}

static void
read_skipped(const struct smtpsec_plan *plan, const struct smtpsec_host *host,
             struct serve_need *need)
{
    need->place = place_of_skip(plan, smtpsec_host_reason(host));
    if (smtpsec_host_action(host) == SMTPSEC_ACTION_USE)
        need->place = SERVE_FORBIDDEN; /* to be used, and nothing says how */
    need->tls = smtpsec_host_floor_tls(host);
    need->identities = smtpsec_host_floor_identities(host);
}

static void
read_host(const struct smtpsec_plan *plan, const struct smtpsec_host *host, struct serve_need *need)
{
    const struct smtpsec_requirement *requirement = smtpsec_host_requirement(host);

    need->name = smtpsec_host_name(host);
    if (need->name == NULL)
        need->name = "";
    need->dane_only = dane_only_does(plan, host);
    if (requirement != NULL && smtpsec_host_action(host) == SMTPSEC_ACTION_USE)
        read_used(requirement, need);
    else
        read_skipped(plan, host, need);
    if (need->identities != 0) {
        need->tls = SMTPSEC_TLS_REQUIRED;
        if (need->version < IDENTITY_VERSION)
            need->version = IDENTITY_VERSION;
    }
    if ((need->identities & ~KNOWN_IDENTITIES) != 0)
        need->beyond = 1;
}

/* Labels of letters, digits, "-" and "_" alone, the last one no number. */
static int
labels_plain(const char *name)
{
    size_t label = 0;
    int number = 1;

    for (; *name != '\0'; name++) {
        char c = *name;

        if (c == '.') {
            if (label == 0 || name[-1] == '-')
                return 0;
            label = 0;
            number = 1;
            continue;
        }
        if (!(c >= 'a' && c <= 'z') && !(c >= '0' && c <= '9') && c != '_' &&
            (c != '-' || label == 0))
            return 0;
        number = number && c >= '0' && c <= '9';
        if (++label > 63)
            return 0;
    }
    return label > 0 && name[-1] != '-' && !number;
}

/* The words that "match" and "servername" take for something else (tls_client.c:add_namechecks). */
static int
is_word(const char *name)
{
    return strcasecmp(name, "hostname") == 0 || strcasecmp(name, "nexthop") == 0 ||
           strcasecmp(name, "dot-nexthop") == 0;
}

int
serve_name_sayable(const char *name)
{
    return strlen(name) <= 253 && labels_plain(name) && !is_word(name);
}

/* Can a certificate for its own name be all that it asks? */
static int
pkix_suffices(const struct serve_need *need)
{
    return need->place == SERVE_USED && !need->beyond &&
           (need->identities & ~SMTPSEC_IDENTITY_PKIX) == 0;
}

/* A name stands for all hosts of that name. */
static int
others_agree(const struct serve_needs *needs, const char *name)
{
    size_t i;

    for (i = 0; i < needs->count; i++)
        if (strcasecmp(needs->list[i].name, name) == 0 && !pkix_suffices(&needs->list[i]))
            return 0;
    return 1;
}

int
serve_needs_read(const struct smtpsec_plan *plan, struct serve_needs *out)
{
    size_t i;

    memset(out, 0, sizeof(*out));
    out->count = smtpsec_plan_host_count(plan);
    out->list = calloc(out->count > 0 ? out->count : 1, sizeof(*out->list));
    if (out->list == NULL)
        return SMTPSEC_E_NOMEM;
    out->unseen = out->count >= SERVE_HOSTS_SEEN && mx_signed(plan);
    for (i = 0; i < out->count; i++) {
        struct serve_need *need = &out->list[i];

        read_host(plan, smtpsec_plan_host(plan, i), need);
        out->used += need->place == SERVE_USED;
        if (need->version > out->version)
            out->version = need->version;
    }
    for (i = 0; i < out->count; i++) {
        struct serve_need *need = &out->list[i];

        need->matched = pkix_suffices(need) && serve_name_sayable(need->name) &&
                        others_agree(out, need->name);
        out->matched += (size_t)need->matched;
    }
    return 0;
}

void
serve_needs_free(struct serve_needs *needs)
{
    free(needs->list);
    memset(needs, 0, sizeof(*needs));
}

/* No demand of ours: the operator's own level. */
static int
notfound_serves(const struct serve_need *need)
{
    return need->place <= SERVE_GONE && need->tls == SMTPSEC_TLS_OPTIONAL && !need->beyond;
}

static int
encrypt_serves(const struct serve_need *need)
{
    return need->place <= SERVE_GONE && need->identities == 0 && !need->beyond;
}

static int
dane_only_serves(const struct serve_need *need)
{
    if (need->dane_only == SERVE_REFUSES)
        return 1;
    /* Whatever its records are, Postfix goes there by DANE or not at all. */
    if (need->place == SERVE_UNKNOWN)
        return 1;
    return need->place <= SERVE_GONE && !need->beyond &&
           (need->identities & ~SMTPSEC_IDENTITY_DANE) == 0;
}

static int
dane_only_reaches(const struct serve_needs *needs)
{
    size_t i;

    for (i = 0; i < needs->count; i++)
        if (needs->list[i].place == SERVE_USED && needs->list[i].dane_only == SERVE_PASSES)
            return 1;
    return 0;
}

static int
all_served(const struct serve_needs *needs, int (*serves)(const struct serve_need *))
{
    size_t i;

    for (i = 0; i < needs->count; i++)
        if (!serves(&needs->list[i]))
            return 0;
    return 1;
}

int
serve_needs_level(const struct serve_needs *needs)
{
    if (needs->used == 0)
        return SERVE_TEMP;
    /* What is not seen is as what is not known: it may have TLSA records. */
    if (!needs->unseen && all_served(needs, notfound_serves))
        return SERVE_NOTFOUND;
    if (!needs->unseen && all_served(needs, encrypt_serves))
        return SERVE_ENCRYPT;
    if (needs->matched == needs->used)
        return SERVE_SECURE;
    if (all_served(needs, dane_only_serves) && dane_only_reaches(needs))
        return SERVE_DANE_ONLY;
    /* The hosts left out are lost; no other reply reaches any. */
    return needs->matched > 0 ? SERVE_SECURE : SERVE_TEMP;
}
