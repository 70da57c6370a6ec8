/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* What must hold of every plan, over thousands of worlds from one seed. */
#include "table.h"

#include <stdio.h>
#include <string.h>

#include "sts/sts_policy.h"
#include "worlds.h"

#define WORLDS (4000 / ss_test_share())

static uint64_t present; /* the seed of the world at hand, told when a test fails */

static void
fail_at(const char *what, const struct world *world, const struct smtpsec_plan *plan)
{
    char *text = facts_plan_text(plan);
    size_t i;

    for (i = 0; i < world->count; i++)
        print_message("%s\n", world->lines[i]);
    for (i = 0; i < world->claim_count; i++)
        print_message("claim %d %s days %u expires %lld\n", (int)world->claims[i].kind,
                      world->claims[i].host, world->claims[i].days,
                      (long long)world->claims[i].expires);
    print_message("https %d: %s\nentry live %d: %s\n", world->https,
                  world->body != NULL ? world->body : "-", world->entry_live,
                  world->entry != NULL ? world->entry : "-");
    print_message("%s\nseed %llu: %s\n", text, (unsigned long long)present, what);
    free(text);
    fail_msg("%s", what);
}

#define MUST(holds, world, plan) \
    do { \
        if (!(holds)) \
            fail_at(#holds, (world), (plan)); \
    } while (0)

/* ---- One plan ---- */

static void
must_be_sound_host(const struct world *world, const struct smtpsec_plan *plan,
                   const struct smtpsec_host *host)
{
    const struct smtpsec_requirement *r = host->requirement;

    MUST((host->action == SMTPSEC_ACTION_USE) == (r != NULL), world, plan);
    MUST((host->reason == SMTPSEC_REASON_NONE) == (r != NULL), world, plan);
    if (r == NULL)
        return;
    MUST((r->identities != 0 ? r->tls == SMTPSEC_TLS_REQUIRED : true), world, plan);
    MUST((r->level == SMTPSEC_LEVEL_NONE) == (r->tls == SMTPSEC_TLS_OPTIONAL), world, plan);
    MUST((r->sources == 0) == (r->tls == SMTPSEC_TLS_OPTIONAL), world, plan);
    MUST(((r->identities & SMTPSEC_IDENTITY_DANE) != 0 ? ss_tlsa_set_usable(&r->tlsa) : true),
         world, plan);
    MUST((r->level >= SMTPSEC_LEVEL_AUTHENTICATED ? r->identities != 0 : true), world, plan);
    MUST((r->level == SMTPSEC_LEVEL_DANE ? (r->identities & SMTPSEC_IDENTITY_DANE) != 0 : true),
         world, plan);
    MUST((r->level == SMTPSEC_LEVEL_MTA_STS ? (r->identities & SMTPSEC_IDENTITY_PKIX) != 0 : true),
         world, plan);
    MUST((host->dane == SMTPSEC_DANE_USABLE ? (r->identities & SMTPSEC_IDENTITY_DANE) != 0 : true),
         world, plan);
    MUST((host->dane == SMTPSEC_DANE_UNUSABLE ? r->tls == SMTPSEC_TLS_REQUIRED : true), world,
         plan);
    MUST(host->dane != SMTPSEC_DANE_FAILED, world, plan);
    MUST(host->address_count > 0, world, plan);
    MUST(r->expires == plan->expires + SS_REQUIREMENT_GRACE, world, plan);
    MUST((plan->sts_mode == SMTPSEC_STS_ENFORCE
              ? host->sts_fits && (r->identities & SMTPSEC_IDENTITY_PKIX) != 0
              : true),
         world, plan);
}

static void
must_be_sound(const struct world *world, const struct smtpsec_plan *plan)
{
    size_t i, used = 0;

    for (i = 0; i < plan->count; i++) {
        must_be_sound_host(world, plan, &plan->hosts[i]);
        used += plan->hosts[i].requirement != NULL ? 1 : 0;
        /* RES-01, RES-02: by preference, then name; what is required moves nobody. */
        MUST((i == 0 || plan->hosts[i - 1].preference < plan->hosts[i].preference ||
              (plan->hosts[i - 1].preference == plan->hosts[i].preference &&
               ss_name_compare(&plan->hosts[i - 1].reference.name,
                               &plan->hosts[i].reference.name) < 0)),
             world, plan);
    }
    MUST((plan->verdict == SMTPSEC_VERDICT_DELIVER) == (used > 0), world, plan);
    MUST((plan->verdict == SMTPSEC_VERDICT_DELIVER) == (plan->reason == SMTPSEC_REASON_NONE), world,
         plan);
    /* Design 6.9: what policies refuse is deferred; only answers of the DNS are final. */
    MUST((plan->verdict == SMTPSEC_VERDICT_FAIL
              ? plan->reason == SMTPSEC_REASON_NO_SUCH_DOMAIN ||
                    plan->reason == SMTPSEC_REASON_NO_ADDRESS
              : true),
         world, plan);
    MUST(plan->expires > FACTS_NOW && plan->expires <= FACTS_NOW + SS_PLAN_LIFE, world, plan);
    MUST(plan->verdict == SMTPSEC_VERDICT_DELIVER ||
             plan->enhanced[0] == (plan->verdict == SMTPSEC_VERDICT_FAIL ? '5' : '4'),
         world, plan);
}

static void
sound(void **state)
{
    struct smtpsec_plan *plan;
    struct world world;
    uint64_t seed;

    (void)state;
    for (present = 1; present <= WORLDS; present++) {
        seed = present;
        world_make(&world, &seed);
        plan = world_plan(&world, 0);
        must_be_sound(&world, plan);
        ss_plan_free(plan);
    }
}

/* ---- The order of answers ---- */

static void
order(void **state)
{
    struct smtpsec_plan *plan, *other;
    struct world world;
    char *want, *text;
    uint64_t seed, k;

    (void)state;
    for (present = 1; present <= WORLDS / 8; present++) {
        seed = present;
        world_make(&world, &seed);
        plan = world_plan(&world, 0);
        want = facts_plan_text(plan);
        for (k = 1; k <= 4; k++) {
            other = world_plan(&world, facts_random(&seed) | 1);
            text = facts_plan_text(other);
            MUST(strcmp(want, text) == 0, &world, other);
            free(text);
            ss_plan_free(other);
        }
        free(want);
        ss_plan_free(plan);
    }
}

/* Whatever order the records of one answer have, and however often one stands there. */
static void
record_order(void **state)
{
    static const char *const sets[3][2] = {
        {"MX d.test secure 10:a.d.test 10:b.d.test 20:c.d.test",
         "TLSA _25._tcp.a.d.test secure 3.1.1.1 2.1.1.2 0.0.1.3"},
        {"MX d.test secure 20:c.d.test 10:b.d.test 10:a.d.test",
         "TLSA _25._tcp.a.d.test secure 0.0.1.3 3.1.1.1 2.1.1.2"},
        {"MX d.test secure 20:a.d.test 10:b.d.test 20:c.d.test 10:a.d.test",
         "TLSA _25._tcp.a.d.test secure 2.1.1.2 0.0.1.3 3.1.1.1"},
    };
    char digests[3][2 * SS_SHA256_LEN + 1];
    struct smtpsec_plan *plan;
    struct world world;
    size_t i;

    (void)state;
    for (i = 0; i < 3; i++) {
        memset(&world, 0, sizeof(world));
        world_put(&world, "%s", sets[i][0]);
        world_put(&world, "%s", sets[i][1]);
        world_put(&world, "A a.d.test secure 192.0.2.1");
        world_put(&world, "AAAA a.d.test nodata-secure");
        world_put(&world, "A b.d.test insecure 192.0.2.1");
        world_put(&world, "AAAA b.d.test nodata");
        plan = world_plan(&world, 0);
        assert_int_equal(plan->count, 3);
        assert_int_equal(plan->hosts[0].dane, SMTPSEC_DANE_USABLE);
        strcpy(digests[i], plan->digest_hex);
        ss_plan_free(plan);
    }
    assert_string_equal(digests[0], digests[1]);
    assert_string_equal(digests[0], digests[2]);
}

/* ---- Missing and deciding ---- */

/* Answer what is wanted, from the world, until nothing is; the number of rounds. */
static size_t
fill(struct world *world, struct ss_evidence *evidence, const struct ss_settings *settings)
{
    char name[SS_NAME_TEXT];
    struct ss_wants wants;
    size_t rounds = 0, i;
    const char *line;

    for (;; rounds++) {
        assert_int_equal(ss_missing(evidence, settings, FACTS_NOW, &wants), 0);
        if (wants.count == 0 && !wants.https)
            break;
        assert_true(rounds < 8);
        for (i = 0; i < wants.count; i++) {
            static const struct {
                uint16_t type;
                const char *text;
            } types[] = {{SS_RR_A, "A"},       {SS_RR_AAAA, "AAAA"}, {SS_RR_MX, "MX"},
                         {SS_RR_TXT, "TXT"},   {SS_RR_TLSA, "TLSA"}, {SS_RR_CNAME, "CNAME"}};
            size_t k = 0;

            while (types[k].type != wants.questions[i].type)
                k++;
            ss_name_to_text(&wants.questions[i].name, name);
            line = world_line(world, types[k].text, name);
            assert_non_null(line);
            /* Nothing is asked twice. */
            assert_null(ss_evidence_dns(evidence, &wants.questions[i].name,
                                        wants.questions[i].type));
            /* RES-16: what may raise or lower a claim is asked with its signatures. */
            assert_int_equal(wants.questions[i].dnssec, wants.questions[i].type == SS_RR_MX ||
                                                            wants.questions[i].type == SS_RR_TLSA);
            facts_dns(evidence, line);
        }
        if (wants.https)
            facts_https(evidence, world->https ? world->body : NULL);
        ss_wants_free(&wants);
    }
    ss_wants_free(&wants);
    return rounds;
}

/* A plan by the facts that were asked is the plan by all facts there are. */
static void
asked_is_enough(void **state)
{
    struct ss_settings settings;
    struct ss_evidence evidence;
    struct smtpsec_plan *plan, *all;
    struct world world;
    char *want, *text;
    uint64_t seed;

    (void)state;
    ss_settings_init(&settings);
    for (present = 1; present <= WORLDS / 2; present++) {
        seed = present;
        world_make(&world, &seed);
        if (!world.https) {
            world.https = true;
            world.body = NULL;
        }
        world_remember(&world, &evidence);
        assert_true(fill(&world, &evidence, &settings) <= 5);
        assert_int_equal(ss_decide(&evidence, &settings, FACTS_NOW, &plan), 0);
        world.https = evidence.https.known; /* nobody fetches without an address */
        all = world_plan(&world, 0);
        want = facts_plan_text(all);
        text = facts_plan_text(plan);
        MUST(strcmp(want, text) == 0, &world, plan);
        free(want);
        free(text);
        ss_plan_free(plan);
        ss_plan_free(all);
        ss_evidence_free(&evidence);
    }
}

/* What is not known when time is up counts as failed by time-out. */
static void
holes_are_failures(void **state)
{
    struct smtpsec_plan *plan, *other;
    struct world world, holed, timed_out;
    uint64_t seed;
    size_t i;

    (void)state;
    for (present = 1; present <= WORLDS / 2; present++) {
        seed = present;
        world_make(&world, &seed);
        world.https = true;
        timed_out = holed = world;
        holed.count = 0;
        for (i = 0; i < world.count; i++) {
            if (facts_pick(&seed, 6) > 0) {
                strcpy(holed.lines[holed.count++], world.lines[i]);
                continue;
            }
            strcpy(strchr(strchr(timed_out.lines[i], ' ') + 1, ' '), " timeout");
        }
        plan = world_plan(&holed, 0);
        other = world_plan(&timed_out, 0);
        must_be_sound(&holed, plan);
        MUST(plan->verdict == other->verdict, &holed, plan);
        MUST(plan->count == other->count, &holed, plan);
        for (i = 0; i < plan->count; i++) {
            MUST(plan->hosts[i].action == other->hosts[i].action, &holed, plan);
            if (plan->hosts[i].requirement != NULL)
                MUST(memcmp(plan->hosts[i].requirement->digest, other->hosts[i].requirement->digest,
                            SS_SHA256_LEN) == 0,
                     &holed, plan);
        }
        ss_plan_free(plan);
        ss_plan_free(other);
    }
}

/* ---- More evidence never asks less ---- */

static const struct smtpsec_host *
find_host(const struct smtpsec_plan *plan, const struct smtpsec_host *like)
{
    size_t i;

    for (i = 0; i < plan->count; i++)
        if (ss_name_equal(&plan->hosts[i].reference.name, &like->reference.name))
            return &plan->hosts[i];
    return NULL;
}

/* Each host in `more` asks all that it asked in `less`. fresh: one that was refused may be used. */
static void
must_ask_as_much(const struct world *world, const struct smtpsec_plan *less,
                 const struct smtpsec_plan *more, bool fresh)
{
    size_t i;

    for (i = 0; i < more->count; i++) {
        const struct smtpsec_host *after = &more->hosts[i];
        const struct smtpsec_host *before = find_host(less, after);

        if (after->requirement == NULL || before == NULL)
            continue;
        if (before->requirement == NULL) {
            MUST(fresh, world, less);
            continue;
        }
        MUST(after->requirement->tls >= before->requirement->tls, world, more);
        MUST((before->requirement->identities & ~after->requirement->identities) == 0, world, more);
        MUST(after->requirement->level >= before->requirement->level, world, more);
    }
}

enum addition { ADD_POLICY, ADD_FETCH, ADD_TLSA, ADD_CLAIM };

static void
add(struct world *world, enum addition what, uint64_t *seed)
{
    char host = (char)('a' + facts_pick(seed, WORLD_HOSTS));
    struct world_claim *claim;

    switch (what) {
    case ADD_POLICY:
        world->entry = world_enforce[facts_pick(seed, 3)];
        world->entry_live = true;
        break;
    case ADD_FETCH:
        world_put(world, "TXT _mta-sts.d.test insecure v=STSv1;id=9;");
        world_put(world, "A mta-sts.d.test insecure 192.0.2.9");
        world->https = true;
        world->body = world_enforce[facts_pick(seed, 3)];
        break;
    case ADD_TLSA:
        world_put(world, "TLSA _25._tcp.%c.d.test secure 3.1.1.%d", host,
                  (int)(1 + facts_pick(seed, 9)));
        break;
    case ADD_CLAIM:
        claim = &world->claims[world->claim_count++];
        memset(claim, 0, sizeof(*claim));
        claim->kind = (int32_t)(1 + facts_pick(seed, 4));
        if (claim->kind != SMTPSEC_CLAIM_MTA_STS)
            sprintf(claim->host, "%c.d.test", host);
        claim->days = 20;
        claim->expires = FACTS_NOW + 3600;
        break;
    }
}

static void
monotone(void **state)
{
    struct smtpsec_plan *less, *more;
    struct world world;
    enum addition what;
    uint64_t seed;

    (void)state;
    for (present = 1; present <= WORLDS; present++) {
        seed = present;
        world_make(&world, &seed);
        what = (enum addition)facts_pick(&seed, 4);
        if (what == ADD_POLICY || what == ADD_FETCH) {
            /* A new policy replaces an older one by right; here there was none. */
            world.entry = NULL;
            world.https = false;
        }
        if (what == ADD_CLAIM)
            world.claim_count = 0; /* a host's own claims take the place of the domain's minimum */
        less = world_plan(&world, 0);
        add(&world, what, &seed);
        more = world_plan(&world, 0);
        must_be_sound(&world, more);
        /* What DANE did not say before, it may say now; nothing else makes a host usable. */
        must_ask_as_much(&world, less, more, what == ADD_TLSA);
        ss_plan_free(less);
        ss_plan_free(more);
    }
}

/* ---- An attacker without keys ---- */

/*
 * He answers as he likes, but can sign nothing and has no certificate: what was
 * secure becomes insecure or fails, the policy host cannot be reached.
 */
static void
attack(struct world *world, uint64_t *seed)
{
    static const char *const evil[] = {
        "MX d.test insecure 10:a.d.test",       "MX d.test insecure 5:evil.test 10:a.d.test",
        "MX d.test insecure 5:d.d.test",        "MX d.test nodata",
        "MX d.test nxdomain",                   "MX d.test servfail",
        "TXT _mta-sts.d.test nxdomain",         "TXT _mta-sts.d.test insecure v=STSv1;id=66;",
        "TXT _mta-sts.d.test servfail",         "TLSA _25._tcp.a.d.test nxdomain",
        "TLSA _25._tcp.a.d.test insecure 3.1.1.66", "A a.d.test insecure 203.0.113.66",
        "AAAA a.d.test nodata",                 "A b.d.test insecure cname=h.p.test 203.0.113.66",
        "A c.d.test servfail",                  "AAAA c.d.test timeout"};
    size_t i;

    for (i = 0; i < world->count; i++) {
        char *secure = strstr(world->lines[i], " secure");

        if (secure != NULL) {
            char rest[256];

            strcpy(rest, secure + strlen(" secure"));
            sprintf(secure, " insecure%s", rest);
        }
        secure = strstr(world->lines[i], "-secure");
        if (secure != NULL)
            memmove(secure, secure + strlen("-secure"), strlen(secure + strlen("-secure")) + 1);
    }
    for (i = 1 + facts_pick(seed, 6); i > 0; i--)
        world_put(world, "%s", evil[facts_pick(seed, sizeof(evil) / sizeof(evil[0]))]);
    world_put(world, "A evil.test insecure 203.0.113.66");
    world_put(world, "AAAA evil.test nodata");
    world->https = facts_pick(seed, 2) > 0;
    world->body = NULL;
}

static bool
policy_lists(const char *body, const struct ss_name *host)
{
    struct ss_bytes bytes = {(const uint8_t *)body, strlen(body)};
    struct ss_sts_policy policy;
    bool valid, fits;

    assert_int_equal(ss_sts_policy_read(&policy, bytes, &valid, NULL), 0);
    assert_true(valid);
    fits = ss_sts_policy_fits(&policy, host);
    ss_sts_policy_free(&policy);
    return fits;
}

static bool
has_dane_claim(const struct world *world, const char *host)
{
    size_t i;

    for (i = 0; i < world->claim_count; i++)
        if (world->claims[i].kind == SMTPSEC_CLAIM_DANE &&
            strcmp(world->claims[i].host, host) == 0)
            return true;
    return false;
}

static void
attacked(void **state)
{
    struct smtpsec_plan *plan;
    struct world world;
    size_t i, used = 0, refused = 0;
    uint64_t seed;
    bool live;

    (void)state;
    for (present = 1; present <= WORLDS; present++) {
        seed = present;
        world_make(&world, &seed);
        /* Two in three worlds are protected by a live policy, all by one DANE claim on host a. */
        live = facts_pick(&seed, 3) > 0;
        world.entry = live ? world_enforce[facts_pick(&seed, 3)] : NULL;
        world.entry_live = live;
        world.claim_count = 1;
        world.claims[0] =
            (struct world_claim){SMTPSEC_CLAIM_DANE, "a.d.test", 20, FACTS_NOW + 3600};
        if (live)
            world.claims[world.claim_count++] =
                (struct world_claim){SMTPSEC_CLAIM_MTA_STS, "", 1, FACTS_NOW + 3600};
        attack(&world, &seed);
        plan = world_plan(&world, 0);
        must_be_sound(&world, plan);
        /* Design 6.6: no bounce by an unsigned answer against a claim, before its day is over. */
        MUST(plan->verdict != SMTPSEC_VERDICT_FAIL, &world, plan);
        for (i = 0; i < plan->count; i++) {
            const struct smtpsec_host *host = &plan->hosts[i];

            if (host->requirement == NULL) {
                refused++;
                continue;
            }
            used++;
            /* The one known host asks DANE: so do all others, on an unsigned MX (design 6.4). */
            MUST((host->requirement->identities & SMTPSEC_IDENTITY_DANE) != 0, &world, plan);
            MUST(has_dane_claim(&world, "a.d.test"), &world, plan);
            MUST(!live || (host->requirement->identities & SMTPSEC_IDENTITY_PKIX) != 0, &world,
                 plan);
            MUST(!live || policy_lists(world.entry, &host->reference.name), &world, plan);
        }
        ss_plan_free(plan);
    }
    assert_true(refused > 1000 / ss_test_share());
    /* Nothing of this is signed, so no DANE can be met: every host is refused. */
    assert_int_equal(used, 0);
}

/* The same with the policy alone: some hosts fit it, and are used with a valid certificate only. */
static void
attacked_policy(void **state)
{
    struct smtpsec_plan *plan;
    struct world world;
    size_t i, used = 0;
    uint64_t seed;

    (void)state;
    for (present = 1; present <= WORLDS; present++) {
        seed = present;
        world_make(&world, &seed);
        world.entry = world_enforce[facts_pick(&seed, 3)];
        world.entry_live = true;
        world.claim_count = 0;
        attack(&world, &seed);
        plan = world_plan(&world, 0);
        must_be_sound(&world, plan);
        MUST(plan->verdict != SMTPSEC_VERDICT_FAIL, &world, plan);
        for (i = 0; i < plan->count; i++) {
            if (plan->hosts[i].requirement == NULL)
                continue;
            used++;
            MUST(plan->hosts[i].requirement->identities == SMTPSEC_IDENTITY_PKIX, &world, plan);
            MUST(plan->hosts[i].requirement->level == SMTPSEC_LEVEL_MTA_STS, &world, plan);
            MUST(policy_lists(world.entry, &plan->hosts[i].reference.name), &world, plan);
        }
        ss_plan_free(plan);
    }
    assert_true(used > 500 / ss_test_share());
}

/* And with one earned TLS claim on each host: TLS stays required. */
static void
attacked_soft(void **state)
{
    struct smtpsec_plan *plan;
    struct world world;
    size_t i, used = 0;
    uint64_t seed;

    (void)state;
    for (present = 1; present <= WORLDS / 2; present++) {
        seed = present;
        world_make(&world, &seed);
        world.entry = NULL;
        for (world.claim_count = 0; world.claim_count < WORLD_HOSTS; world.claim_count++) {
            struct world_claim *claim = &world.claims[world.claim_count];

            memset(claim, 0, sizeof(*claim));
            claim->kind = SMTPSEC_CLAIM_ENCRYPTED;
            sprintf(claim->host, "%c.d.test", (char)('a' + world.claim_count));
            claim->days = 20;
        }
        attack(&world, &seed);
        plan = world_plan(&world, 0);
        must_be_sound(&world, plan);
        for (i = 0; i < plan->count; i++) {
            if (plan->hosts[i].requirement == NULL)
                continue;
            used++;
            MUST(plan->hosts[i].requirement->tls == SMTPSEC_TLS_REQUIRED, &world, plan);
            MUST(plan->hosts[i].requirement->soft, &world, plan);
        }
        ss_plan_free(plan);
    }
    assert_true(used > 500 / ss_test_share());
}

/* ---- The life of a plan ---- */

struct life {
    const char *name;
    const char *lines[5];
    int64_t want; /* seconds from now */
};

#define MX_AND_A(mx_ttl, a_ttl) \
    {"MX d.test secure 10:a.d.test ttl=" mx_ttl, "A a.d.test secure 192.0.2.1 ttl=" a_ttl, \
     "AAAA a.d.test nodata-secure", "TLSA _25._tcp.a.d.test secure 3.1.1.1 ttl=1800", \
     "TXT _mta-sts.d.test nodata ttl=1"}

static const struct life lives[] = {
    {"TLSA-24 the TTL of the MX", MX_AND_A("70", "300"), 70},
    {"TLSA-24 the TTL of an address", MX_AND_A("300", "80"), 80},
    {"TLSA-24 the TTL of the TLSA records", MX_AND_A("7200", "7200"), 1800},
    {"TLSA-24 a TTL of nothing", MX_AND_A("0", "300"), 0},
    {"TLSA-24 an hour at most", {"MX d.test secure 10:a.d.test ttl=7200",
                                 "A a.d.test insecure 192.0.2.1 ttl=7200",
                                 "AAAA a.d.test nodata ttl=7200"}, SS_PLAN_LIFE},
    {"TLSA-24 a failure has no TTL", {"MX d.test servfail"}, SS_PLAN_LIFE},
    {"TLSA-24 NXDOMAIN", {"MX d.test nxdomain ttl=90"}, 90},
    {"TLSA-24 null MX", {"MX d.test insecure 0:. ttl=95"}, 95},
};

static void
check_life(void **state)
{
    const struct life *row = *state;
    struct smtpsec_plan *plan;
    struct world world;
    size_t i;

    memset(&world, 0, sizeof(world));
    for (i = 0; i < 5 && row->lines[i] != NULL; i++)
        world_put(&world, "%s", row->lines[i]);
    plan = world_plan(&world, 0);
    assert_int_equal(plan->expires - FACTS_NOW, row->want);
    if (plan->count > 0 && plan->hosts[0].requirement != NULL)
        assert_int_equal(plan->hosts[0].requirement->expires - plan->expires,
                         SS_REQUIREMENT_GRACE);
    ss_plan_free(plan);
}

/* ---- Address families ---- */

struct families {
    const char *name;
    const char *a, *aaaa; /* NULL: never answered */
    int32_t want_reason;
    bool want_partial;
    size_t want_addresses;
};

static const struct families families[] = {
    {"RES-20 both", "secure 192.0.2.1", "secure 2001:db8::1", SMTPSEC_REASON_NONE, false, 2},
    {"RES-20 one, the other does not exist", "secure 192.0.2.1", "nodata", SMTPSEC_REASON_NONE,
     false, 1},
    {"RES-20 AAAA fails", "secure 192.0.2.1", "servfail", SMTPSEC_REASON_NONE, true, 1},
    {"RES-20 A fails", "bogus", "secure 2001:db8::1", SMTPSEC_REASON_NONE, true, 1},
    {"RES-20 AAAA is not answered in time", "secure 192.0.2.1", NULL, SMTPSEC_REASON_NONE, true, 1},
    {"RES-20 A is not answered in time", NULL, "secure 2001:db8::1", SMTPSEC_REASON_NONE, true, 1},
    {"RES-18 neither exists", "nodata", "nxdomain", SMTPSEC_REASON_NO_ADDRESS, false, 0},
    {"RES-21 A absent, AAAA fails", "nodata-secure", "servfail", SMTPSEC_REASON_ADDR_SERVFAIL,
     false, 0},
    {"RES-21 A absent, AAAA not answered", "nodata", NULL, SMTPSEC_REASON_ADDR_TIMEOUT, false, 0},
    {"RES-19 both fail", "bogus", "servfail", SMTPSEC_REASON_ADDR_BOGUS, false, 0},
    {"RES-19 neither is answered", NULL, NULL, SMTPSEC_REASON_ADDR_TIMEOUT, false, 0},
};

static void
check_families(void **state)
{
    const struct families *row = *state;
    struct smtpsec_plan *plan;
    struct world world;

    memset(&world, 0, sizeof(world));
    world_put(&world, "MX d.test insecure 10:a.d.test");
    world_put(&world, "TLSA _25._tcp.a.d.test nodata-secure");
    if (row->a != NULL)
        world_put(&world, "A a.d.test %s", row->a);
    if (row->aaaa != NULL)
        world_put(&world, "AAAA a.d.test %s", row->aaaa);
    plan = world_plan(&world, 0);
    assert_int_equal(plan->count, 1);
    assert_int_equal(plan->hosts[0].reason, row->want_reason);
    assert_int_equal(plan->hosts[0].partial, row->want_partial);
    assert_int_equal(plan->hosts[0].address_count, row->want_addresses);
    ss_plan_free(plan);
}

/* ---- Messages ---- */

/* REQUIRETLS only adds; TLS-Required: No lifts all; the plan itself stays as it is. */
static void
messages(void **state)
{
    static const struct smtpsec_message requiretls = {.requiretls = true};
    static const struct smtpsec_message no = {.tls_required_no = true};
    static const struct smtpsec_message both = {.requiretls = true, .tls_required_no = true};
    static const struct smtpsec_message bounce = {.requiretls = true, .null_sender = true};
    struct smtpsec_plan *plan, *strict, *lifted, *strict_too, *bounced;
    struct world world;
    char *before, *after;
    uint64_t seed;
    size_t i;

    (void)state;
    for (present = 1; present <= WORLDS / 4; present++) {
        seed = present;
        world_make(&world, &seed);
        plan = world_plan(&world, 0);
        before = facts_plan_text(plan);
        assert_int_equal(ss_plan_copy_facts(plan, &strict), 0);
        assert_int_equal(ss_plan_apply(strict, &requiretls), 0);
        assert_int_equal(ss_plan_copy_facts(strict, &lifted), 0);
        assert_int_equal(ss_plan_apply(lifted, &no), 0);
        assert_int_equal(ss_plan_copy_facts(lifted, &strict_too), 0);
        assert_int_equal(ss_plan_apply(strict_too, &both), 0);
        assert_int_equal(ss_plan_copy_facts(plan, &bounced), 0);
        assert_int_equal(ss_plan_apply(bounced, &bounce), 0);
        must_ask_as_much(&world, plan, strict, false);
        /* RTLS-18: REQUIRETLS outranks the header. RTLS-16: and not for a bounce. */
        assert_string_equal(strict->digest_hex, strict_too->digest_hex);
        assert_string_equal(plan->digest_hex, bounced->digest_hex);
        for (i = 0; i < plan->count; i++) {
            const struct smtpsec_requirement *r = strict->hosts[i].requirement;

            MUST(r == NULL || (r->requiretls && r->identities != 0), &world, strict);
            r = lifted->hosts[i].requirement;
            MUST((r == NULL) == (plan->hosts[i].unreachable != SMTPSEC_REASON_NONE), &world,
                 lifted);
            MUST(r == NULL || (r->tls == SMTPSEC_TLS_OPTIONAL && r->identities == 0), &world,
                 lifted);
        }
        after = facts_plan_text(plan);
        assert_string_equal(before, after);
        free(before);
        free(after);
        ss_plan_free(plan);
        ss_plan_free(strict);
        ss_plan_free(lifted);
        ss_plan_free(strict_too);
        ss_plan_free(bounced);
    }
}

int
main(void)
{
    struct ss_table t = SS_TABLE("decide");

    ss_table_case(&t, "every plan is sound", sound);
    ss_table_case(&t, "the order of answers does not matter", order);
    ss_table_case(&t, "the order of records does not matter", record_order);
    ss_table_case(&t, "what was asked is all that matters", asked_is_enough);
    ss_table_case(&t, "a hole is a time-out", holes_are_failures);
    ss_table_case(&t, "more evidence never asks less", monotone);
    ss_table_case(&t, "forged answers against a DANE claim", attacked);
    ss_table_case(&t, "STSA-16 forged answers against a live policy", attacked_policy);
    ss_table_case(&t, "PREC-09 forged answers against an earned claim", attacked_soft);
    ss_table_case(&t, "RTLS-18 REQUIRETLS adds, TLS-Required: No lifts", messages);
    SS_TABLE_ROWS(&t, check_life, lives);
    SS_TABLE_ROWS(&t, check_families, families);
    return ss_table_run(&t);
}
