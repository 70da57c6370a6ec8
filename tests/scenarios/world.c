/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "world.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/text.h"
#include "certs.h"
#include "dns/answer.h"
#include "dns_builder.h"
#include "smtpsec.h"

static const struct {
    const char *text;
    uint16_t type;
} types[] = {{"A", SS_RR_A},     {"AAAA", SS_RR_AAAA}, {"MX", SS_RR_MX},
             {"TXT", SS_RR_TXT}, {"TLSA", SS_RR_TLSA}, {"CNAME", SS_RR_CNAME},
             {"DS", SS_RR_DS},   {"SOA", SS_RR_SOA}};

uint16_t
world_type(const char *text)
{
    size_t i;

    for (i = 0; i < sizeof(types) / sizeof(types[0]); i++)
        if (strcmp(types[i].text, text) == 0)
            return types[i].type;
    return 0;
}

const char *
world_type_name(uint16_t type)
{
    size_t i;

    for (i = 0; i < sizeof(types) / sizeof(types[0]); i++)
        if (types[i].type == type)
            return types[i].text;
    return "?";
}

static char *
keep(const char *text)
{
    char *copy = strdup(text);

    if (copy == NULL)
        abort();
    return copy;
}

static void
clear_fact(struct world_fact *fact)
{
    size_t i;

    free(fact->name);
    free(fact->status);
    for (i = 0; i < fact->word_count; i++)
        free(fact->words[i]);
    memset(fact, 0, sizeof(*fact));
}

static struct world_fact *
find(const struct world *world, const char *name, uint16_t type)
{
    size_t i;

    for (i = 0; i < world->count; i++)
        if (world->facts[i].type == type && strcmp(world->facts[i].name, name) == 0)
            return (struct world_fact *)(uintptr_t)&world->facts[i];
    return NULL;
}

/* dns TYPE NAME STATUS WORD...; https HOST STATUS WORD...; smtp HOST STARTTLS WORD... */
const char *
world_add(struct world *world, size_t count, char **words)
{
    bool dns = strcmp(words[0], "dns") == 0;
    size_t head = dns ? 4 : 3;
    struct world_fact *fact;
    uint16_t type = 0;
    size_t i;

    if (count < head)
        return "too few words";
    if (dns) {
        type = world_type(words[1]);
        if (type == 0)
            return "unknown type";
    }
    if (strcmp(words[0], "smtp") == 0)
        type = WORLD_SMTP;
    fact = find(world, words[head - 2], type);
    if (fact != NULL)
        clear_fact(fact);
    else if (world->count == WORLD_FACTS)
        return "too many facts";
    else
        fact = &world->facts[world->count++];
    fact->type = type;
    fact->name = keep(words[head - 2]);
    fact->status = keep(words[head - 1]);
    for (i = head; i < count && fact->word_count < WORLD_WORDS; i++)
        fact->words[fact->word_count++] = keep(words[i]);
    return NULL;
}

const struct world_fact *
world_https(const struct world *world, const char *host)
{
    return find(world, host, 0);
}

const struct world_fact *
world_smtp(const struct world *world, const char *host)
{
    return find(world, host, WORLD_SMTP);
}

/* ---- Certificates ---- */

struct named_chain {
    char name[300];
    struct ss_test_cert *leaf;
    struct ss_test_cert *issuer;
};

static struct named_chain chains[64];
static size_t chain_count;
static struct ss_test_cert *ca, *stranger;

/* Valid for as long as any scenario runs: a year before, five after. */
#define BEFORE (SS_TEST_NOW - 365 * SS_TEST_DAY)
#define AFTER (SS_TEST_NOW + 5 * 365 * SS_TEST_DAY)

static struct ss_test_cert *
make_ca(const char *cn, unsigned key)
{
    return ss_test_cert(&(struct ss_test_cert_spec){
        .cn = cn, .key = key, .ca = true, .not_before = BEFORE, .not_after = AFTER});
}

struct ss_bytes
world_ca(void)
{
    if (ca == NULL)
        ca = make_ca("Scenario CA", 1);
    return ss_test_cert_der(ca);
}

static struct named_chain *
named(const char *name)
{
    const char *host = strchr(name, ':');
    struct named_chain *chain;
    struct ss_test_cert_spec spec;
    size_t i;

    for (i = 0; i < chain_count; i++)
        if (strcmp(chains[i].name, name) == 0)
            return &chains[i];
    if (host == NULL || chain_count == sizeof(chains) / sizeof(chains[0]))
        return NULL;
    host++;
    world_ca();
    if (stranger == NULL)
        stranger = make_ca("Stranger CA", 2);
    chain = &chains[chain_count++];
    memset(chain, 0, sizeof(*chain));
    snprintf(chain->name, sizeof(chain->name), "%s", name);
    memset(&spec, 0, sizeof(spec));
    spec.cn = host;
    spec.dns[0] = host;
    spec.key = 2 + (unsigned)chain_count; /* each its own: a shared key would match where it must not */
    spec.not_before = BEFORE;
    spec.not_after = AFTER;
    if (strncmp(name, "good:", 5) == 0)
        chain->issuer = ca;
    else if (strncmp(name, "other:", 6) == 0)
        chain->issuer = stranger;
    else if (strncmp(name, "expired:", 8) == 0) {
        chain->issuer = ca;
        spec.not_after = SS_TEST_NOW - 10 * SS_TEST_DAY;
    } else if (strncmp(name, "brief:", 6) == 0) {
        chain->issuer = ca;
        spec.not_after = SS_TEST_NOW + 20 * SS_TEST_DAY;
    }
    spec.issuer = chain->issuer;
    chain->leaf = ss_test_cert(&spec);
    return chain;
}

size_t
world_chain(const char *name, struct ss_bytes out[4])
{
    struct named_chain *chain = named(name);
    size_t count = 0;

    if (chain == NULL)
        return 0;
    out[count++] = ss_test_cert_der(chain->leaf);
    if (chain->issuer != NULL)
        out[count++] = ss_test_cert_der(chain->issuer);
    return count;
}

void
world_clear(struct world *world)
{
    size_t i;

    for (i = 0; i < world->count; i++)
        clear_fact(&world->facts[i]);
    world->count = 0;
}

void
world_free(struct world *world)
{
    world_clear(world);
    ss_test_certs_free();
    chain_count = 0;
    ca = NULL;
    stranger = NULL;
}

/* ---- Replies ---- */

struct script {
    struct dns_builder *b;
    const struct world_fact *fact;
    char owner[300];
    uint32_t ttl;
    uint32_t inception;
    char zone[300]; /* the signer; "": of the owner the last two labels, for a DS the parent */
    const char *types; /* of an NSEC record; NULL: as it is usual */
    bool data;
};

/* "3.1.1.self:mx.d.test" (the leaf), "2.0.1.good:mx.d.test#ca", or hex instead of a chain's name. */
static void
put_tlsa(struct script *script, const char *word)
{
    unsigned usage, selector, matching;
    struct ss_bytes rdata;
    uint8_t octets[512];
    char what[300];
    size_t len;

    if (sscanf(word, "%u.%u.%u.%299s", &usage, &selector, &matching, what) != 4)
        abort();
    if (strchr(what, ':') != NULL) {
        bool issuer = strstr(what, "#ca") != NULL;
        struct named_chain *chain;

        what[strcspn(what, "#")] = '\0';
        chain = named(what);
        if (chain == NULL)
            abort();
        rdata = ss_test_tlsa(usage, selector, matching, issuer ? chain->issuer : chain->leaf);
        dns_builder_tlsa(script->b, script->owner, script->ttl, (uint8_t)usage, (uint8_t)selector,
                         (uint8_t)matching, rdata.data + 3, rdata.len - 3);
        return;
    }
    len = strcmp(what, "-") == 0 ? 0 : strlen(what) / 2;
    if (len > sizeof(octets) || (len > 0 && !ss_hex_read(ss_text_of(what), octets, len)))
        abort();
    dns_builder_tlsa(script->b, script->owner, script->ttl, (uint8_t)usage, (uint8_t)selector,
                     (uint8_t)matching, octets, len);
}

static void
put_data(struct script *script, const char *word)
{
    const char *strings[1] = {word};
    unsigned preference;
    char name[300];

    script->data = true;
    switch (script->fact->type) {
    case SS_RR_A:
        dns_builder_a(script->b, script->owner, script->ttl, word);
        break;
    case SS_RR_AAAA:
        dns_builder_aaaa(script->b, script->owner, script->ttl, word);
        break;
    case SS_RR_MX:
        if (sscanf(word, "%u:%299s", &preference, name) != 2)
            abort();
        dns_builder_mx(script->b, script->owner, script->ttl, (uint16_t)preference,
                       strcmp(name, ".") == 0 ? "" : name);
        break;
    case SS_RR_TXT:
        dns_builder_txt(script->b, script->owner, script->ttl, strings, 1);
        break;
    case SS_RR_CNAME:
        dns_builder_cname(script->b, script->owner, script->ttl, word);
        break;
    case SS_RR_DS:
        dns_builder_rr(script->b, script->owner, SS_RR_DS, 1, script->ttl, "\1\2\x0d\2digest", 10);
        break;
    case SS_RR_SOA:
        dns_builder_soa(script->b, script->owner, script->ttl, script->ttl);
        break;
    default:
        put_tlsa(script, word);
        break;
    }
}

/* Who signs what stands at the owner. */
static const char *
signer(const struct script *script)
{
    const char *zone = script->owner, *dot;

    if (script->zone[0] != '\0')
        return script->zone;
    dot = strchr(zone, '.');
    if (script->fact->type == SS_RR_DS)
        return dot != NULL ? dot + 1 : ".";
    while (dot != NULL && strchr(dot + 1, '.') != NULL) {
        zone = dot + 1;
        dot = strchr(zone, '.');
    }
    return zone;
}

static void
sign(struct script *script, const char *owner, uint16_t covered)
{
    uint8_t labels = 1;
    const char *at;

    for (at = owner; *at != '\0'; at++)
        labels = (uint8_t)(labels + (*at == '.'));
    dns_builder_rrsig_by(script->b, owner, script->ttl, covered, script->inception,
                         script->inception + 14 * 86400, labels, signer(script));
}

static void
put_word(struct script *script, const char *word)
{
    if (strncmp(word, "ttl=", 4) == 0) {
        script->ttl = (uint32_t)strtoul(word + 4, NULL, 10);
    } else if (strncmp(word, "inception=", 10) == 0) {
        script->inception = (uint32_t)strtoul(word + 10, NULL, 10);
    } else if (strncmp(word, "types=", 6) == 0) {
        script->types = word + 6;
    } else if (strncmp(word, "zone=", 5) == 0) {
        snprintf(script->zone, sizeof(script->zone), "%s", word + 5);
    } else if (strncmp(word, "cname=", 6) == 0) {
        dns_builder_cname(script->b, script->owner, script->ttl, word + 6);
        if (script->inception != 0)
            sign(script, script->owner, SS_RR_CNAME);
        snprintf(script->owner, sizeof(script->owner), "%s", word + 6);
    } else {
        put_data(script, word);
    }
}

static void
put_alias_chain(struct script *script, unsigned links, bool loop)
{
    char target[300];
    unsigned i;

    for (i = 0; i < links; i++) {
        if (loop && i + 1 == links)
            snprintf(target, sizeof(target), "%s", script->fact->name);
        else
            snprintf(target, sizeof(target), "link%u.test", i);
        dns_builder_cname(script->b, script->owner, script->ttl, target);
        snprintf(script->owner, sizeof(script->owner), "%s", target);
    }
}

static int
rcode_of(const char *status)
{
    if (strncmp(status, "nxdomain", 8) == 0)
        return 3;
    if (strcmp(status, "servfail") == 0)
        return 2;
    if (strcmp(status, "refused") == 0)
        return 5;
    if (strcmp(status, "notimp") == 0)
        return 4;
    return strcmp(status, "formerr") == 0 ? 1 : 0;
}

static bool
says_secure(const char *status)
{
    return strcmp(status, "secure") == 0 || strcmp(status, "nodata-secure") == 0 ||
           strcmp(status, "nxdomain-secure") == 0;
}

/* A name without data of the type, or none at all; for a DS, a delegation without it. */
static void
deny(struct script *script)
{
    bool no_name = rcode_of(script->fact->status) == 3;
    const char *zone = signer(script);
    const char *owner = no_name ? zone : script->owner;
    const char *has = script->fact->type == SS_RR_DS ? "NS RRSIG" : "A RRSIG";

    dns_builder_section(script->b, DNS_BUILDER_AUTHORITY);
    dns_builder_soa(script->b, "test", script->ttl, script->ttl);
    if (script->inception == 0)
        return;
    if (script->types != NULL)
        has = script->types;
    dns_builder_nsec(script->b, owner, script->ttl, zone, no_name ? "NS SOA RRSIG" : has);
    sign(script, owner, 47 /* NSEC */);
}

static void
write_message(const struct world_fact *fact, const char *name, uint16_t type,
              struct world_reply *reply)
{
    const char *status = fact->status;
    uint16_t flags = (uint16_t)(DNS_BUILDER_REPLY | (says_secure(status) ? DNS_BUILDER_AD : 0) |
                                (strcmp(status, "truncated") == 0 ? DNS_BUILDER_TC : 0));
    struct script script;
    size_t i;

    memset(&script, 0, sizeof(script));
    script.b = dns_builder_new(1, name, type, flags, (unsigned)rcode_of(status));
    script.fact = fact;
    script.ttl = 3600;
    snprintf(script.owner, sizeof(script.owner), "%s", name);
    if (strcmp(status, "alias-loop") == 0)
        put_alias_chain(&script, 3, true);
    if (strcmp(status, "alias-deep") == 0)
        put_alias_chain(&script, SS_DNS_ALIAS_LIMIT + 1, false);
    for (i = 0; i < fact->word_count; i++)
        put_word(&script, fact->words[i]);
    if (script.inception != 0 && script.data)
        sign(&script, script.owner, type);
    if (!script.data && rcode_of(status) % 3 == 0)
        deny(&script);
    reply->len = script.b->len - (strcmp(status, "malformed") == 0 ? 1 : 0);
    reply->message = malloc(reply->len);
    if (reply->message == NULL)
        abort();
    memcpy(reply->message, script.b->octets, reply->len);
    free(script.b);
}

static int32_t
failure_of(const char *status)
{
    if (strcmp(status, "timeout") == 0)
        return SMTPSEC_FAILURE_TIMEOUT;
    if (strcmp(status, "bogus") == 0)
        return SMTPSEC_FAILURE_BOGUS;
    if (strcmp(status, "indeterminate") == 0)
        return SMTPSEC_FAILURE_INDETERMINATE;
    return SMTPSEC_FAILURE_NONE;
}

void
world_ask(const struct world *world, const char *name, uint16_t type, struct world_reply *reply)
{
    static char nodata[] = "nodata", secure[] = "secure", any[] = "any";
    struct world_fact unknown;
    const struct world_fact *fact = find(world, name, type);

    memset(reply, 0, sizeof(*reply));
    if (fact == NULL) {
        memset(&unknown, 0, sizeof(unknown));
        unknown.type = type;
        unknown.status = nodata;
        unknown.name = nodata;
        if (type == SS_RR_SOA) { /* the canary's question: the resolver validates */
            unknown.status = secure;
            unknown.words[unknown.word_count++] = any;
        }
        fact = &unknown;
    }
    reply->failure = failure_of(fact->status);
    if (reply->failure == SMTPSEC_FAILURE_NONE)
        write_message(fact, name, type, reply);
}
