/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "api/near_us.h"

#include <string.h>

#include "api/context.h"
#include "pkix/digest.h"

/* One refusal on its way into the list. */
struct adding {
    const struct smtpsec_context *context;
    const struct ss_name *domain;
    int64_t now;
    size_t number; /* to be told; 0: not */
};

/* An empty list, with a key that no stranger knows. */
static int
begin(const struct smtpsec_context *context, struct ss_many *many)
{
    static const char purpose[] = "refusals";
    uint8_t digest[SS_SHA256_LEN];
    int r;

    memset(many, 0, sizeof(*many));
    r = ss_hmac_sha256(context->refresh_seed, sizeof(context->refresh_seed), purpose,
                       sizeof(purpose), digest);
    memcpy(many->key, digest, sizeof(many->key));
    return r;
}

static int
hash(const struct ss_many *many, const struct ss_name *domain, uint32_t *out)
{
    uint8_t digest[SS_SHA256_LEN];
    int r = ss_hmac_sha256(many->key, sizeof(many->key), domain->wire, domain->len, digest);

    *out = (uint32_t)digest[0] << 24 | (uint32_t)digest[1] << 16 | (uint32_t)digest[2] << 8 |
           digest[3];
    return r;
}

/* A damaged list is begun anew: it holds nothing but alarms. */
static int
read_list(const struct smtpsec_context *context, const struct ss_bytes *value, struct ss_many *many)
{
    int r = value == NULL ? SMTPSEC_E_NOT_FOUND : ss_many_read(many, *value);

    return r == SMTPSEC_E_NOT_FOUND || r == SMTPSEC_E_FORMAT ? begin(context, many) : r;
}

static int
add(void *arg, const struct ss_bytes *old, struct ss_buf *out, enum ss_edit *choice)
{
    struct adding *adding = arg;
    struct ss_many many;
    uint32_t domain;
    int r = read_list(adding->context, old, &many);

    *choice = SS_EDIT_KEEP;
    adding->number = 0;
    if (r == 0)
        r = hash(&many, adding->domain, &domain);
    if (r != 0 || !ss_many_news(&many, domain, adding->now))
        return r;
    adding->number = ss_many_add(&many, domain, adding->now);
    ss_many_write(out, &many);
    *choice = SS_EDIT_PUT;
    return 0;
}

/* Is it in the stored list already? Asked without a write. */
static int
is_news(const struct adding *adding, bool *news)
{
    struct ss_store *store = adding->context->store;
    struct ss_bytes value;
    struct ss_many many;
    struct ss_buf buf;
    uint32_t domain;
    int r;

    *news = true;
    ss_buf_init(&buf, SS_STORE_VALUE_MAX);
    r = ss_store_get(store, SS_TABLE_META, ss_many_key(), &buf);
    value.data = buf.data;
    value.len = buf.len;
    if (r == 0) {
        r = read_list(adding->context, &value, &many);
        if (r == 0)
            r = hash(&many, adding->domain, &domain);
        if (r == 0)
            *news = ss_many_news(&many, domain, adding->now);
    }
    ss_buf_free(&buf);
    return r == SMTPSEC_E_NOT_FOUND ? 0 : r;
}

/* False: this context has to count for itself. */
static bool
add_to_store(struct smtpsec_context *context, struct adding *adding)
{
    struct ss_near_us *near_us = &context->near_us;
    bool news;
    int r;

    if (context->store == NULL || context->store->state != SMTPSEC_MEMORY_OK)
        return false;
    /* A write that fails may have waited for a lock: not at each refusal. */
    if (near_us->failed != 0 && adding->now >= near_us->failed &&
        adding->now - near_us->failed < SS_MANY_WITHIN)
        return false;
    r = is_news(adding, &news);
    if (r == 0 && news)
        r = ss_store_update(context->store, SS_TABLE_META, ss_many_key(), add, adding);
    near_us->failed = r != 0 ? adding->now : 0;
    return r == 0;
}

static void
add_here(struct smtpsec_context *context, struct adding *adding)
{
    static const uint8_t no_key[SS_MANY_KEY];
    struct ss_many *own = &context->near_us.own;
    uint32_t domain;

    if (memcmp(own->key, no_key, sizeof(no_key)) == 0 && begin(context, own) != 0)
        return;
    if (hash(own, adding->domain, &domain) == 0)
        adding->number = ss_many_add(own, domain, adding->now);
}

void
ss_near_us(struct smtpsec_context *context, const struct ss_name *domain, int64_t now)
{
    struct adding adding = {context, domain, now, 0};

    if (!add_to_store(context, &adding)) {
        adding.number = 0;
        add_here(context, &adding);
    }
    if (adding.number > 0)
        ss_events_add(&context->events, SMTPSEC_EVENT_MANY_REFUSED, now, "",
                      "%zu domains fell short of what is remembered within an hour: the fault is "
                      "probably near us; look at the resolver, the clock, boxes on the way and our "
                      "own TLS. Nothing is lowered", adding.number);
}
