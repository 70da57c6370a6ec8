/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include <stdlib.h>
#include <string.h>

#include "api/memory_walk.h"
#include "decision/plan.h"
#include "engine/kept.h"
#include "engine/learn.h"

struct smtpsec_claims {
    size_t count;
    size_t cap;
    struct smtpsec_claim *list;
};

struct listing {
    const struct smtpsec_context *context;
    struct smtpsec_claims *claims;
    int64_t now;
};

static int
add_claim(struct listing *listing, const struct ss_claim *claim, const struct ss_memory_key *key)
{
    struct smtpsec_claims *claims = listing->claims;

    if (claims->count == claims->cap) {
        size_t cap = claims->cap == 0 ? 16 : claims->cap * 2;
        struct smtpsec_claim *list = realloc(claims->list, cap * sizeof(*list));

        if (list == NULL)
            return SMTPSEC_E_NOMEM;
        claims->list = list;
        claims->cap = cap;
    }
    ss_claim_show(&claims->list[claims->count++], claim, key, &listing->context->settings.memory,
                  listing->now);
    return 0;
}

static int
visit(void *arg, struct ss_bytes octets, struct ss_bytes value)
{
    struct listing *listing = arg;
    struct ss_memory_key key;
    struct ss_record record;
    size_t i;
    int r;

    if (!ss_memory_key_read(&key, octets))
        return 0;
    r = ss_record_read(&record, &key, value);
    if (r == SMTPSEC_E_FORMAT || r == SMTPSEC_E_VERSION)
        return 0; /* damaged: said when it is used */
    for (i = 0; r == 0 && i < record.count; i++)
        r = add_claim(listing, &record.claims[i], &key);
    if (r == 0 || r == SMTPSEC_E_NOMEM)
        ss_record_free(&record);
    return r;
}

int
smtpsec_memory_list(struct smtpsec_context *context, const char *domain,
                    struct smtpsec_claims **out)
{
    struct listing listing;
    const struct ss_name *name;
    struct ss_name room;
    int r = ss_memory_ready(context, domain, &room, &name);

    if (r != 0 || out == NULL)
        return r != 0 ? r : SMTPSEC_E_INVALID;
    memset(&listing, 0, sizeof(listing));
    listing.context = context;
    listing.now = ss_context_memory_time(context, ss_context_now(context)).now;
    listing.claims = calloc(1, sizeof(*listing.claims));
    if (listing.claims == NULL)
        return SMTPSEC_E_NOMEM;
    r = ss_memory_walk(context->store, SS_TABLE_CLAIMS, name, visit, &listing);
    if (r != 0) {
        smtpsec_claims_free(listing.claims);
        return r;
    }
    *out = listing.claims;
    return 0;
}

void
smtpsec_claims_free(struct smtpsec_claims *claims)
{
    if (claims == NULL)
        return;
    free(claims->list);
    free(claims);
}

size_t
smtpsec_claims_count(const struct smtpsec_claims *claims)
{
    return claims == NULL ? 0 : claims->count;
}

const struct smtpsec_claim *
smtpsec_claims_get(const struct smtpsec_claims *claims, size_t n)
{
    return claims == NULL || n >= claims->count ? NULL : &claims->list[n];
}

const char *
smtpsec_claim_domain(const struct smtpsec_claim *claim)
{
    return claim == NULL ? NULL : claim->domain.text;
}

const char *
smtpsec_claim_host(const struct smtpsec_claim *claim)
{
    return claim == NULL ? NULL : claim->host.text;
}

const char *
smtpsec_claim_route(const struct smtpsec_claim *claim)
{
    if (claim == NULL)
        return NULL;
    return claim->key.relay.len > 0 ? "relay" : "mx";
}

uint16_t
smtpsec_claim_port(const struct smtpsec_claim *claim)
{
    return claim == NULL ? 0 : claim->key.port;
}

int32_t
smtpsec_claim_kind(const struct smtpsec_claim *claim)
{
    return claim == NULL ? 0 : claim->claim.kind;
}

int64_t
smtpsec_claim_first_seen(const struct smtpsec_claim *claim)
{
    return claim == NULL ? 0 : claim->claim.first_seen;
}

int64_t
smtpsec_claim_last_seen(const struct smtpsec_claim *claim)
{
    return claim == NULL ? 0 : claim->claim.last_seen;
}

uint32_t
smtpsec_claim_days(const struct smtpsec_claim *claim)
{
    return claim == NULL ? 0 : claim->claim.days;
}

int64_t
smtpsec_claim_binds_until(const struct smtpsec_claim *claim)
{
    return claim == NULL ? 0 : claim->binds_until;
}

int
smtpsec_claim_in_force(const struct smtpsec_claim *claim)
{
    return claim != NULL && claim->in_force;
}

const char *
smtpsec_claim_evidence(const struct smtpsec_claim *claim)
{
    return claim == NULL ? NULL : claim->evidence;
}

/* ---- Forget ---- */

static int
drop(void *arg, const struct ss_bytes *old, struct ss_buf *out, enum ss_edit *edit)
{
    bool *found = arg;

    (void)out;
    *found = *found || old != NULL;
    *edit = old != NULL ? SS_EDIT_DELETE : SS_EDIT_KEEP;
    return 0;
}

struct forgetting {
    struct ss_store *store;
    int64_t now;
    bool found;
};

/* All keys of the domain, by whatever route, each in a transaction of its own. */
static int
forget_one(void *arg, struct ss_bytes key, struct ss_bytes value)
{
    struct forgetting *forgetting = arg;

    (void)value;
    return ss_kept_update(forgetting->store, SS_TABLE_CLAIMS, key, drop, &forgetting->found,
                          forgetting->now);
}

int
smtpsec_memory_forget(struct smtpsec_context *context, const char *domain)
{
    struct forgetting forgetting = {NULL, 0, false};
    struct ss_reference reference;
    const struct ss_name *name;
    struct ss_name room;
    int r = ss_memory_ready(context, domain, &room, &name);

    if (r != 0 || name == NULL)
        return r != 0 ? r : SMTPSEC_E_INVALID;
    if (context->store->state != SMTPSEC_MEMORY_OK)
        return SMTPSEC_E_MEMORY;
    forgetting.store = context->store;
    forgetting.now = ss_context_now(context);
    r = ss_memory_walk(context->store, SS_TABLE_CLAIMS, name, forget_one, &forgetting);
    if (r == 0)
        r = ss_kept_update(context->store, SS_TABLE_POLICIES, ss_policy_key(name), drop,
                           &forgetting.found, forgetting.now);
    /* Also where nothing is remembered: plans are kept of such domains, too. */
    if (ss_kept_forget(context->store, name) != 0)
        (void)ss_store_discard_volatile(context->store);
    if (r != 0)
        return r;
    if (!forgetting.found)
        return SMTPSEC_E_NOT_FOUND;
    ss_reference_set(&reference, name);
    ss_events_add(&context->events, SMTPSEC_EVENT_CLAIM_FORGOTTEN, ss_context_now(context),
                  reference.text, "all that was known of the domain is forgotten");
    return 0;
}
