/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "engine/lookup.h"

#include <stdlib.h>
#include <string.h>

#include "api/context.h"
#include "api/refresh.h"
#include "decision/evidence.h"
#include "pkix/idna.h"
#include "sts/sts_policy.h"

struct smtpsec_lookup {
    struct smtpsec_context *context;
    struct ss_lookup *lookup;
    size_t open;
};

static int
step(struct smtpsec_lookup *lookup, int64_t now)
{
    return ss_lookup_step(lookup->lookup, now, &lookup->open);
}

static int
begin(struct smtpsec_context *context, const struct smtpsec_destination *destination, bool refresh,
      int64_t now, struct smtpsec_lookup **out)
{
    struct smtpsec_lookup *lookup;
    int r = ss_context_check(context);

    if (r != 0)
        return r;
    lookup = calloc(1, sizeof(*lookup));
    if (lookup == NULL)
        return SMTPSEC_E_NOMEM;
    lookup->context = context;
    r = refresh ? ss_context_refresh_lookup(context, destination, &lookup->lookup)
                : ss_context_lookup(context, destination, &lookup->lookup);
    if (r == 0) {
        lookup->lookup->settings.sts_async = false; /* nobody but the caller would fetch */
        ss_canary_lend(&context->canary, &lookup->lookup->evidence);
        r = step(lookup, now);
    }
    if (r != 0) {
        smtpsec_lookup_free(lookup);
        return r;
    }
    *out = lookup;
    return 0;
}

int
smtpsec_lookup_new(struct smtpsec_context *context, const struct smtpsec_destination *destination,
                   int64_t now, struct smtpsec_lookup **out)
{
    if (context == NULL || destination == NULL || out == NULL)
        return SMTPSEC_E_INVALID;
    return begin(context, destination, false, now, out);
}

int
smtpsec_lookup_new_refresh(struct smtpsec_context *context, const char *domain, int64_t now,
                           struct smtpsec_lookup **out)
{
    struct smtpsec_destination destination;
    int r;

    if (context == NULL || domain == NULL || out == NULL)
        return SMTPSEC_E_INVALID;
    memset(&destination, 0, sizeof(destination));
    destination.port = 25;
    r = ss_idna_name(&destination.domain, domain);
    return r != 0 ? r : begin(context, &destination, true, now, out);
}

void
smtpsec_lookup_free(struct smtpsec_lookup *lookup)
{
    if (lookup == NULL)
        return;
    ss_lookup_free(lookup->lookup);
    free(lookup);
}

size_t
smtpsec_lookup_need_count(const struct smtpsec_lookup *lookup)
{
    return lookup == NULL ? 0 : lookup->open;
}

uint32_t
smtpsec_lookup_need_id(const struct smtpsec_lookup *lookup, size_t n)
{
    const struct ss_need *need = lookup == NULL ? NULL : ss_lookup_open_need(lookup->lookup, n);

    return need == NULL ? 0 : need->id;
}

static struct ss_need *
find(const struct smtpsec_lookup *lookup, uint32_t id)
{
    return lookup == NULL ? NULL : ss_lookup_need(lookup->lookup, id);
}

int32_t
smtpsec_lookup_need_kind(const struct smtpsec_lookup *lookup, uint32_t id)
{
    const struct ss_need *need = find(lookup, id);

    return need == NULL ? 0 : need->kind;
}

const char *
smtpsec_lookup_need_name(const struct smtpsec_lookup *lookup, uint32_t id)
{
    const struct ss_need *need = find(lookup, id);

    return need == NULL ? NULL : need->name;
}

uint16_t
smtpsec_lookup_need_type(const struct smtpsec_lookup *lookup, uint32_t id)
{
    const struct ss_need *need = find(lookup, id);

    return need == NULL || need->kind != SMTPSEC_NEED_DNS ? 0 : need->question.type;
}

int
smtpsec_lookup_need_dnssec(const struct smtpsec_lookup *lookup, uint32_t id)
{
    const struct ss_need *need = find(lookup, id);

    return need != NULL && need->kind == SMTPSEC_NEED_DNS && need->question.dnssec;
}

const char *
smtpsec_lookup_need_url(const struct smtpsec_lookup *lookup, uint32_t id)
{
    const struct ss_need *need = find(lookup, id);

    return need == NULL || need->kind != SMTPSEC_NEED_HTTPS ? NULL : need->url;
}

size_t
smtpsec_lookup_need_address_count(const struct smtpsec_lookup *lookup, uint32_t id)
{
    const struct ss_need *need = find(lookup, id);

    return need == NULL ? 0 : need->address_count;
}

const char *
smtpsec_lookup_need_address(const struct smtpsec_lookup *lookup, uint32_t id, size_t n)
{
    const struct ss_need *need = find(lookup, id);

    return need == NULL || n >= need->address_count ? NULL : need->addresses[n];
}

int
smtpsec_lookup_answer_dns(struct smtpsec_lookup *lookup, uint32_t id, const uint8_t *message,
                          size_t len, int trusted, int64_t now)
{
    struct ss_need *need = find(lookup, id);
    struct ss_bytes bytes = {message, len};
    int r;

    if (need == NULL || need->kind != SMTPSEC_NEED_DNS)
        return SMTPSEC_E_NEED;
    if (message == NULL)
        return SMTPSEC_E_INVALID;
    r = ss_lookup_answer_dns(lookup->lookup, need, bytes, trusted != 0, now);
    return r != 0 ? r : step(lookup, now);
}

int
smtpsec_lookup_answer_https(struct smtpsec_lookup *lookup, uint32_t id, int32_t status,
                            const char *content_type, const uint8_t *body, size_t len, int64_t now)
{
    struct ss_need *need = find(lookup, id);
    struct ss_bytes bytes = {body, len};
    int r;

    if (need == NULL || need->kind != SMTPSEC_NEED_HTTPS)
        return SMTPSEC_E_NEED;
    if (body == NULL && len > 0)
        return SMTPSEC_E_INVALID;
    r = ss_lookup_answer_https(lookup->lookup, need, status, content_type, bytes, now);
    if (r == 0)
        r = step(lookup, now);
    return r == 0 && len > SS_STS_BODY_MAX ? SMTPSEC_E_LIMIT : r;
}

int
smtpsec_lookup_answer_failure(struct smtpsec_lookup *lookup, uint32_t id, int32_t failure,
                              int64_t now)
{
    struct ss_need *need = find(lookup, id);
    int r;

    if (need == NULL)
        return SMTPSEC_E_NEED;
    if (failure <= SMTPSEC_FAILURE_NONE || failure > SMTPSEC_FAILURE_CANCELLED)
        return SMTPSEC_E_INVALID;
    r = ss_lookup_answer_failure(lookup->lookup, need, failure, now);
    return r != 0 ? r : step(lookup, now);
}

int
smtpsec_lookup_plan(struct smtpsec_lookup *lookup, int64_t now, struct smtpsec_plan **out)
{
    if (lookup == NULL || out == NULL || lookup->lookup->evidence.refresh)
        return SMTPSEC_E_INVALID;
    if (lookup->open > 0)
        return SMTPSEC_E_PENDING;
    return ss_context_conclude(lookup->context, lookup->lookup, now, out);
}

int
smtpsec_lookup_refresh(struct smtpsec_lookup *lookup, int64_t now, int *refreshed)
{
    enum ss_refreshed what;
    int r;

    if (lookup == NULL || !lookup->lookup->evidence.refresh)
        return SMTPSEC_E_INVALID;
    if (lookup->open > 0)
        return SMTPSEC_E_PENDING;
    r = ss_context_refreshed(lookup->context, lookup->lookup, now, &what);
    if (r == 0 && refreshed != NULL)
        *refreshed = what == SS_REFRESHED_YES;
    return r;
}

size_t
smtpsec_limit_policy_octets(void)
{
    return SS_STS_BODY_MAX;
}
