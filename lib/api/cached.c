/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Plans that are kept, found by name. Between the question and the answer
 * nothing is allocated and nothing is asked of the kernel but what the store
 * needs: not even getpid(), which is a system call; the reader notices a fork.
 */
#include <stddef.h>
#include <stdlib.h>
#include <string.h>

#include "api/context.h"
#include "base/text.h"
#include "decision/kept.h"

#define LABEL_MAX 63

struct smtpsec_cached {
    struct smtpsec_context *context;
    struct ss_store_reader *reader; /* NULL: not opened yet, or the cache is off */
    struct ss_kept kept;            /* hosts is 0 while nothing is found */
    bool found;
    struct ss_memory_key key;       /* of the last one asked for */
    uint8_t value[SS_KEPT_OCTETS];
};

int
smtpsec_cached_new(struct smtpsec_context *context, struct smtpsec_cached **out)
{
    struct smtpsec_cached *cached;

    if (context == NULL || out == NULL)
        return SMTPSEC_E_INVALID;
    /* The octets are written before they are read: to clear them would touch every page. */
    cached = malloc(sizeof(*cached));
    if (cached == NULL)
        return SMTPSEC_E_NOMEM;
    memset(cached, 0, offsetof(struct smtpsec_cached, value));
    cached->context = context;
    cached->key.port = 25;
    *out = cached;
    return 0;
}

void
smtpsec_cached_free(struct smtpsec_cached *cached)
{
    if (cached == NULL)
        return;
    ss_store_reader_close(cached->reader);
    free(cached);
}

/* ---- Finding ---- */

/* Letters, digits, hyphen, underscore, as ss_name_from_text() takes them; 0 for all else. */
static const uint8_t folded[256] = {
    ['-'] = '-', ['_'] = '_',
    ['0'] = '0', ['1'] = '1', ['2'] = '2', ['3'] = '3', ['4'] = '4',
    ['5'] = '5', ['6'] = '6', ['7'] = '7', ['8'] = '8', ['9'] = '9',
    ['a'] = 'a', ['b'] = 'b', ['c'] = 'c', ['d'] = 'd', ['e'] = 'e', ['f'] = 'f', ['g'] = 'g',
    ['h'] = 'h', ['i'] = 'i', ['j'] = 'j', ['k'] = 'k', ['l'] = 'l', ['m'] = 'm', ['n'] = 'n',
    ['o'] = 'o', ['p'] = 'p', ['q'] = 'q', ['r'] = 'r', ['s'] = 's', ['t'] = 't', ['u'] = 'u',
    ['v'] = 'v', ['w'] = 'w', ['x'] = 'x', ['y'] = 'y', ['z'] = 'z',
    ['A'] = 'a', ['B'] = 'b', ['C'] = 'c', ['D'] = 'd', ['E'] = 'e', ['F'] = 'f', ['G'] = 'g',
    ['H'] = 'h', ['I'] = 'i', ['J'] = 'j', ['K'] = 'k', ['L'] = 'l', ['M'] = 'm', ['N'] = 'n',
    ['O'] = 'o', ['P'] = 'p', ['Q'] = 'q', ['R'] = 'r', ['S'] = 's', ['T'] = 't', ['U'] = 'u',
    ['V'] = 'v', ['W'] = 'w', ['X'] = 'x', ['Y'] = 'y', ['Z'] = 'z',
};

/* Text to wire form in one pass. False for all that is no plain name: it is to be evaluated. */
static bool
read_name(struct ss_name *name, const char *text)
{
    size_t label = 0, at = 1; /* the present label's length stands at `label` */

    for (; *text != '\0'; text++) {
        uint8_t octet = folded[(uint8_t)*text];

        if (*text == '.') {
            if (at - label - 1 == 0 || at - label - 1 > LABEL_MAX)
                return false;
            name->wire[label] = (uint8_t)(at - label - 1);
            label = at;
        } else if (octet == 0) {
            return false;
        } else {
            name->wire[at] = octet;
        }
        /* The root's octet must still fit behind it. */
        if (++at >= SS_NAME_WIRE)
            return false;
    }
    if (at - label - 1 > LABEL_MAX || at == 1)
        return false;
    name->wire[label] = (uint8_t)(at - label - 1);
    if (name->wire[label] != 0) /* else the text ended in a dot, and this is the root */
        name->wire[at++] = 0;
    name->len = (uint8_t)at;
    return true;
}

/* What this context knows beside the memory: then what others decided counts for nothing. */
static bool
knows_better(const struct smtpsec_cached *cached)
{
    const struct smtpsec_context *context = cached->context;

    return context->store->state == SMTPSEC_MEMORY_LOST ||
           context->canary.state == SMTPSEC_DNSSEC_LOST ||
           (context->holds.count > 0 && ss_holds_since(&context->holds, &cached->key) != 0);
}

int
smtpsec_cached_find(struct smtpsec_cached *cached, const char *domain, int64_t now)
{
    struct ss_bytes key, value;
    int r = 0;

    if (cached == NULL || domain == NULL)
        return SMTPSEC_E_INVALID;
    cached->found = false;
    cached->kept.hosts = 0;
    if (!cached->context->plan_cache || !read_name(&cached->key.domain, domain) ||
        knows_better(cached))
        return 0;
    if (cached->reader == NULL)
        r = ss_store_reader_open(cached->context->store, SS_TABLE_PLANS, &cached->reader);
    key = (struct ss_bytes){cached->key.domain.wire, cached->key.domain.len};
    value = (struct ss_bytes){cached->value, 0};
    if (r == 0)
        r = ss_store_reader_get(cached->reader, key, cached->value, sizeof(cached->value),
                                &value.len);
    /* A store that cannot be read is no reason not to evaluate. */
    if (r != 0)
        return r == SMTPSEC_E_NOMEM ? r : 0;
    cached->found =
        ss_kept_read(&cached->kept, value, key, cached->context->fingerprint, now);
    if (!cached->found) {
        cached->kept.hosts = 0;
        return 0;
    }
    ss_count(&cached->context->counters, SMTPSEC_COUNTER_FROM_CACHE);
    return 1;
}

/* ---- What was found ---- */

int32_t
smtpsec_cached_verdict(const struct smtpsec_cached *cached)
{
    if (cached == NULL)
        return 0;
    return cached->found ? ss_kept_verdict(&cached->kept) : SMTPSEC_VERDICT_DEFER;
}

int32_t
smtpsec_cached_reason(const struct smtpsec_cached *cached)
{
    return cached != NULL && cached->found ? ss_kept_reason(&cached->kept) : SMTPSEC_REASON_NONE;
}

int32_t
smtpsec_cached_level(const struct smtpsec_cached *cached)
{
    return cached != NULL && cached->found ? ss_kept_level(&cached->kept) : SMTPSEC_LEVEL_NONE;
}

const char *
smtpsec_cached_digest(const struct smtpsec_cached *cached)
{
    return cached != NULL && cached->found ? ss_kept_digest(&cached->kept) : NULL;
}

int64_t
smtpsec_cached_expires(const struct smtpsec_cached *cached)
{
    return cached != NULL && cached->found ? ss_kept_expires(&cached->kept) : 0;
}

size_t
smtpsec_cached_host_count(const struct smtpsec_cached *cached)
{
    return cached != NULL && cached->found ? cached->kept.hosts : 0;
}

/* The n-th host; false and an empty one where there is none. */
static bool
host_at(const struct smtpsec_cached *cached, size_t n, struct ss_kept_host *host)
{
    if (cached == NULL || !cached->found || n >= cached->kept.hosts) {
        memset(host, 0, sizeof(*host));
        return false;
    }
    ss_kept_host(&cached->kept, n, host);
    return true;
}

const char *
smtpsec_cached_host_name(const struct smtpsec_cached *cached, size_t n)
{
    struct ss_kept_host host;

    return host_at(cached, n, &host) ? host.name : NULL;
}

uint16_t
smtpsec_cached_host_preference(const struct smtpsec_cached *cached, size_t n)
{
    struct ss_kept_host host;

    return host_at(cached, n, &host) ? host.preference : 0;
}

int32_t
smtpsec_cached_host_action(const struct smtpsec_cached *cached, size_t n)
{
    struct ss_kept_host host;

    if (cached == NULL)
        return 0;
    return host_at(cached, n, &host) ? host.action : SMTPSEC_ACTION_SKIP;
}

int32_t
smtpsec_cached_host_reason(const struct smtpsec_cached *cached, size_t n)
{
    struct ss_kept_host host;

    return host_at(cached, n, &host) ? host.reason : SMTPSEC_REASON_NONE;
}

size_t
smtpsec_cached_host_address_count(const struct smtpsec_cached *cached, size_t n)
{
    struct ss_kept_host host;

    return host_at(cached, n, &host) ? host.address_count : 0;
}

const char *
smtpsec_cached_host_address(const struct smtpsec_cached *cached, size_t n, size_t m)
{
    struct ss_kept_host host;

    return host_at(cached, n, &host) ? ss_kept_address(&host, m) : NULL;
}

int32_t
smtpsec_cached_host_level(const struct smtpsec_cached *cached, size_t n)
{
    struct ss_kept_host host;

    return host_at(cached, n, &host) ? host.level : SMTPSEC_LEVEL_NONE;
}

int32_t
smtpsec_cached_host_tls(const struct smtpsec_cached *cached, size_t n)
{
    struct ss_kept_host host;

    if (cached == NULL)
        return 0;
    return host_at(cached, n, &host) ? host.tls : SMTPSEC_TLS_REQUIRED;
}

int32_t
smtpsec_cached_host_identities(const struct smtpsec_cached *cached, size_t n)
{
    struct ss_kept_host host;

    return host_at(cached, n, &host) ? host.identities : 0;
}

int32_t
smtpsec_cached_host_sources(const struct smtpsec_cached *cached, size_t n)
{
    struct ss_kept_host host;

    return host_at(cached, n, &host) ? host.sources : 0;
}

const char *
smtpsec_cached_host_digest(const struct smtpsec_cached *cached, size_t n)
{
    struct ss_kept_host host;

    if (!host_at(cached, n, &host) || host.action == SMTPSEC_ACTION_SKIP)
        return NULL;
    return host.digest;
}

int
smtpsec_cached_requirement(const struct smtpsec_cached *cached, size_t n,
                           struct smtpsec_requirement **out)
{
    struct ss_kept_host host;

    if (out == NULL || cached == NULL)
        return SMTPSEC_E_INVALID;
    if (!host_at(cached, n, &host) || host.action == SMTPSEC_ACTION_SKIP)
        return SMTPSEC_E_NOT_FOUND;
    return ss_requirement_decode(host.requirement, out);
}
