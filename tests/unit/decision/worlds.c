/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "worlds.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define POLICY(mode, lines) "version: STSv1\nmode: " mode "\nmax_age: 86400\n" lines

const char *const world_enforce[3] = {
    POLICY("enforce", "mx: a.d.test\nmx: b.d.test\n"),
    POLICY("enforce", "mx: *.d.test\n"),
    POLICY("enforce", "mx: c.d.test\n"),
};
const char *const world_others[3] = {
    POLICY("testing", "mx: a.d.test\n"),
    POLICY("none", ""),
    "this is no policy\n",
};

static void
must(bool holds)
{
    if (!holds)
        abort();
}

/* Does a line answer this question? */
static bool
answers(const char *line, const char *type, const char *name)
{
    size_t type_len = strlen(type), len = strlen(name);

    return strncmp(line, type, type_len) == 0 && line[type_len] == ' ' &&
           strncmp(line + type_len + 1, name, len) == 0 && line[type_len + 1 + len] == ' ';
}

char *
world_line(struct world *world, const char *type, const char *name)
{
    size_t i;

    for (i = 0; i < world->count; i++)
        if (answers(world->lines[i], type, name))
            return world->lines[i];
    return NULL;
}

void
world_put(struct world *world, const char *format, ...)
{
    char text[256], type[8], name[128];
    char *line;
    va_list args;

    va_start(args, format);
    must((size_t)vsnprintf(text, sizeof(text), format, args) < sizeof(text));
    va_end(args);
    must(sscanf(text, "%7s %127s", type, name) == 2);
    line = world_line(world, type, name);
    if (line == NULL) {
        must(world->count < WORLD_LINES);
        line = world->lines[world->count++];
    }
    strcpy(line, text);
}

static const char *
one_of(uint64_t *seed, const char *const *list, size_t count)
{
    return list[facts_pick(seed, count)];
}

#define ONE_OF(seed, ...) \
    one_of((seed), (const char *const[]){__VA_ARGS__}, \
           sizeof((const char *const[]){__VA_ARGS__}) / sizeof(char *))

/* Anything that is no records. */
static const char *
nothing(uint64_t *seed)
{
    return ONE_OF(seed, "nodata", "nodata-secure", "nodata", "nodata-secure", "nxdomain",
                  "nxdomain-secure", "servfail", "timeout", "bogus", "refused", "malformed");
}

static void
make_address(struct world *world, uint64_t *seed, const char *type, const char *host,
             const char *address, bool alias)
{
    const char *status = ONE_OF(seed, "secure", "secure", "secure", "insecure", NULL);

    if (status == NULL)
        world_put(world, "%s %s %s", type, host, nothing(seed));
    else
        world_put(world, "%s %s %s %s%s ttl=%zu", type, host, status,
                  alias ? "cname=h.p.test " : "", address, 60 + facts_pick(seed, 7200));
}

static void
make_tlsa(struct world *world, uint64_t *seed, const char *base)
{
    const char *records = ONE_OF(seed, "3.1.1.1", "2.1.1.2 3.1.1.3", "0.0.1.4", "3.1.2.5 3.1.1.6",
                                 "1.0.1.1 3.1.1.9");
    const char *status = ONE_OF(seed, "secure", "secure", "insecure", NULL, NULL);

    if (status == NULL)
        world_put(world, "TLSA _25._tcp.%s %s inception=%lld", base, nothing(seed),
                  (long long)(FACTS_NOW - 3600));
    else
        world_put(world, "TLSA _25._tcp.%s %s %s ttl=%zu", base, status, records,
                  60 + facts_pick(seed, 7200));
}

static void
make_host(struct world *world, uint64_t *seed, const char *host)
{
    bool alias = facts_pick(seed, 5) == 0;

    make_address(world, seed, "A", host, "192.0.2.1", alias);
    make_address(world, seed, "AAAA", host, "2001:db8::1", alias);
    make_tlsa(world, seed, host);
    if (facts_pick(seed, 3) == 0)
        world_put(world, "CNAME %s %s", host, nothing(seed));
    else
        world_put(world, "CNAME %s %s h.p.test", host, ONE_OF(seed, "secure", "insecure"));
}

static void
make_mx(struct world *world, uint64_t *seed)
{
    char list[200] = "";
    char host = 'a';
    size_t count = 1 + facts_pick(seed, WORLD_HOSTS);

    for (; count > 0; count--, host++)
        sprintf(list + strlen(list), " %d:%c.d.test", (int)(10 * (1 + facts_pick(seed, 2))), host);
    if (facts_pick(seed, 8) == 0)
        world_put(world, "MX d.test %s", nothing(seed));
    else
        world_put(world, "MX d.test %s%s inception=%lld ttl=%zu",
                  ONE_OF(seed, "secure", "secure", "insecure"), list,
                  (long long)(FACTS_NOW - 3600), 60 + facts_pick(seed, 7200));
}

static void
make_sts(struct world *world, uint64_t *seed)
{
    if (facts_pick(seed, 3) == 0)
        world_put(world, "TXT _mta-sts.d.test %s", nothing(seed));
    else
        world_put(world, "TXT _mta-sts.d.test %s %s", ONE_OF(seed, "insecure", "secure"),
                  ONE_OF(seed, "v=STSv1;id=2;", "v=STSv1;id=2;", "v=STSv1;id=1;", "v=spf1",
                         "v=STSv1;id=2; v=STSv1;id=3;"));
    make_address(world, seed, "A", "mta-sts.d.test", "192.0.2.9", false);
    make_address(world, seed, "AAAA", "mta-sts.d.test", "2001:db8::9", false);
    world->https = facts_pick(seed, 8) > 0;
    if (facts_pick(seed, 4) > 0)
        world->body = facts_pick(seed, 2) > 0 ? world_enforce[facts_pick(seed, 3)]
                                              : world_others[facts_pick(seed, 3)];
    if (facts_pick(seed, 2) > 0)
        world->entry = facts_pick(seed, 2) > 0 ? world_enforce[facts_pick(seed, 3)]
                                               : world_others[facts_pick(seed, 2)];
    world->entry_live = facts_pick(seed, 3) > 0;
}

static void
make_claims(struct world *world, uint64_t *seed)
{
    size_t count = facts_pick(seed, 4);

    for (; count > 0; count--) {
        struct world_claim *claim = &world->claims[world->claim_count++];

        claim->kind = (int32_t)(1 + facts_pick(seed, 4));
        if (claim->kind != SMTPSEC_CLAIM_MTA_STS)
            sprintf(claim->host, "%c.d.test", (char)('a' + facts_pick(seed, WORLD_HOSTS)));
        claim->days = (uint32_t)facts_pick(seed, 30);
        if (claim->kind == SMTPSEC_CLAIM_MTA_STS || claim->kind == SMTPSEC_CLAIM_DANE)
            claim->expires = FACTS_NOW + (facts_pick(seed, 2) > 0 ? 3600 : -7200);
    }
}

void
world_make(struct world *world, uint64_t *seed)
{
    static const char *const hosts[] = {"a.d.test", "b.d.test", "c.d.test", "d.d.test", "d.test",
                                        "h.p.test"};
    size_t i;

    memset(world, 0, sizeof(*world));
    make_mx(world, seed);
    for (i = 0; i < sizeof(hosts) / sizeof(hosts[0]); i++)
        make_host(world, seed, hosts[i]);
    make_sts(world, seed);
    make_claims(world, seed);
}

void
world_remember(const struct world *world, struct ss_evidence *evidence)
{
    size_t i;

    facts_init(evidence, "d.test");
    if (world->entry != NULL)
        facts_entry(&evidence->entry, "1", world->entry,
                    FACTS_NOW - (world->entry_live ? 3600 : 2 * SS_DAY), SS_DAY);
    for (i = 0; i < world->claim_count; i++)
        facts_claim(&evidence->record, world->claims[i].kind, world->claims[i].host,
                    world->claims[i].days, FACTS_NOW - 3600, world->claims[i].expires);
}

void
world_tell(const struct world *world, struct ss_evidence *evidence, uint64_t order)
{
    size_t at[WORLD_LINES];
    size_t i, k, swapped;

    for (i = 0; i < world->count; i++)
        at[i] = i;
    for (i = world->count; order != 0 && i > 1; i--) {
        k = facts_pick(&order, i);
        swapped = at[i - 1];
        at[i - 1] = at[k];
        at[k] = swapped;
    }
    if (world->https)
        facts_https(evidence, world->body);
    for (i = 0; i < world->count; i++)
        facts_dns(evidence, world->lines[at[i]]);
}

struct smtpsec_plan *
world_plan(const struct world *world, uint64_t order)
{
    struct ss_settings settings;
    struct ss_evidence evidence;
    struct smtpsec_plan *plan = NULL;

    ss_settings_init(&settings);
    world_remember(world, &evidence);
    world_tell(world, &evidence, order);
    must(ss_decide(&evidence, &settings, FACTS_NOW, &plan) == 0);
    ss_evidence_free(&evidence);
    return plan;
}
