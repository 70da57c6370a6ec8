/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * The rules of the memory as stories: what was seen on which day, and which
 * floor follows. Hours count from noon of the first day.
 */
#include <stdio.h>
#include <string.h>

#include "memory/life.h"
#include "memory/rules.h"
#include "table.h"

#define NOON (INT64_C(20000) * SS_DAY + SS_DAY / 2)
#define DAYS(n) ((n) * 24)
#define HOUR 3600

enum what {
    END = 0,
    /* deliveries accepted by a host */
    PLAIN,       /* without TLS */
    TLS,         /* TLS, nothing verified, unsigned MX */
    TLS_SIGNED,  /* the same on a signed MX */
    PKIX,        /* valid certificate, unsigned MX */
    PKIX_SIGNED, /* ... signed MX */
    LOGGED,      /* TLS on a signed MX, told by a log */
    LOGGED_PLAIN,/* without TLS, told by a log */
    DANE,        /* DANE, signed MX; n: inception in hours, text: unused */
    HALF_DANE,   /* DANE on an unsigned MX */
    DAILY_TLS,   /* TLS on n days, one after the other */
    DAILY_PKIX,  /* PKIX_SIGNED on n days */
    DAILY_DANE,  /* DANE on n days, no TTL to speak of */
    /* the rest */
    REFUSED,     /* a soft refusal */
    REFUSED_HARD,
    ENFORCE,     /* policy fetched, life of n hours */
    TESTING, NONE_POLICY, NO_POLICY,
    DENIED,      /* signed denial of TLSA with inception of n hours; n 0: not known */
    TLSA_SEEN,   /* signed TLSA, by DNS alone; inception n hours, TTL of an hour */
    TLSA_LONG,   /* the same, with a TTL of a year */
    TLSA_ZONE,   /* the same as TLSA_SEEN, signed by the zone in text, inception n hours */
    DENIED_NAME, /* a denial whose part about the name is of n hours, the rest 100 days older */
    NO_DS,       /* denial of DS of the host's zone, or with host NULL of the MX set's; n hours */
    UNSIGNED,    /* unsigned answers of the host's zone, or the MX set's */
    SIGNED,      /* signed again */
    DANE_LONG,   /* DANE by another set, with a TTL of a year */
    MX_SET,      /* signed set of the hosts in text "a b", inception n hours */
    FLOOR,       /* expect of host, unsigned MX set, this floor */
    FLOOR_SIGNED,/* the same, signed MX set */
    DOMAIN,      /* expect of the domain */
    REPORTED,    /* expect of host to be reported */
    CLAIMS,      /* expect these claims */
    UNCHANGED    /* the step before was not worth a write */
};

struct step {
    int hour;
    enum what what;
    const char *host;
    const char *text;
    int n;
};

struct row {
    const char *name;
    int32_t mode_dane, mode_encrypted, mode_soft_pkix; /* 0: as by default; else mode + 10 */
    int hold_hours;                                    /* 0: default; -1: report; -2: earned */
    struct step steps[26];
};

struct story {
    struct ss_record record;
    struct ss_memory_settings settings;
    bool changed;
    int64_t at;
};

static struct ss_name
name(const char *text)
{
    struct ss_name n = { 0 };

    if (text != NULL)
        assert_true(ss_name_from_text(&n, text, strlen(text)));
    return n;
}

/* ---- what is expected, as words ---- */

static void
describe(const struct ss_floor *floor, char out[128])
{
    if (floor->level == SMTPSEC_LEVEL_NONE) {
        assert_int_equal(floor->tls, SMTPSEC_TLS_OPTIONAL);
        assert_int_equal(floor->identities, 0);
        strcpy(out, "none");
        return;
    }
    assert_int_equal(floor->tls, SMTPSEC_TLS_REQUIRED);
    snprintf(out, 128, "%s%s%s%s%s",
             floor->level == SMTPSEC_LEVEL_ENCRYPTED ? "encrypted"
             : floor->level == SMTPSEC_LEVEL_AUTHENTICATED ? "authenticated"
             : floor->level == SMTPSEC_LEVEL_DNSSEC ? "dnssec"
             : floor->level == SMTPSEC_LEVEL_MTA_STS ? "mta-sts" : "dane",
             floor->identities & SMTPSEC_IDENTITY_DANE ? "+dane" : "",
             floor->identities & SMTPSEC_IDENTITY_PKIX ? "+pkix" : "",
             floor->sts_patterns ? " patterns" : "", floor->soft ? " soft" : "");
}

static void
expect_floor(struct story *story, const struct step *step)
{
    struct ss_name host = name(step->host);
    struct ss_floors floors;
    char got[160];

    if (step->what == DOMAIN)
        ss_floors_for_domain(&story->record, &story->settings, story->at, &floors);
    else
        ss_floors_for_host(&story->record, &story->settings, &host, step->what == FLOOR_SIGNED,
                           story->at, &floors);
    describe(step->what == REPORTED ? &floors.reported : &floors.enforced, got);
    if (step->what != REPORTED) {
        strcat(got, floors.hold ? " hold" : "");
        strcat(got, floors.hold_ended ? " ended" : "");
    }
    if (strcmp(got, step->text) != 0)
        fail_msg("hour %d, host %s: %s, expected %s", step->hour,
                 step->host != NULL ? step->host : "-", got, step->text);
    if (floors.enforced.level != SMTPSEC_LEVEL_NONE)
        assert_true(floors.enforced.until >= story->at);
    if (floors.hold) {
        assert_int_equal(floors.hold_until, story->settings.hold == SMTPSEC_HOLD_EARNED
                                                ? floors.enforced.until
                                                : story->record.refused_since + story->settings.hold);
        assert_true(floors.enforced.until <= floors.hold_until);
    }
}

/* "kind:host:days ..." in the record's order. */
static void
expect_claims(const struct story *story, const struct step *step)
{
    static const char *const kinds[] = { "", "dane", "sts", "enc", "dnssec" };
    char got[1024] = "", host[SS_NAME_TEXT];
    size_t i, at = 0;

    for (i = 0; i < story->record.count; i++) {
        const struct ss_claim *claim = &story->record.claims[i];

        ss_name_to_text(&claim->host, host);
        at += (size_t)snprintf(got + at, sizeof(got) - at, "%s%s:%s:%u", i > 0 ? " " : "",
                               kinds[claim->kind], host, (unsigned)claim->days);
    }
    if (strcmp(got, step->text) != 0)
        fail_msg("hour %d: claims \"%s\", expected \"%s\"", step->hour, got, step->text);
}

/* ---- what is seen ---- */

static void
observe(struct story *story, const struct ss_observation *seen)
{
    assert_int_equal(ss_record_observe(&story->record, &story->settings, seen, &story->changed), 0);
}

static void
deliver(struct story *story, const struct step *step, enum what what, int64_t at)
{
    struct ss_observation seen = {.what = SS_OBSERVED_DELIVERY, .at = at, .host = name(step->host)};

    seen.tls = what != PLAIN && what != LOGGED_PLAIN;
    seen.unseen = what == LOGGED || what == LOGGED_PLAIN;
    /* What a log cannot know counts for nothing, even if somebody fills it in. */
    if (seen.unseen)
        seen.identities = SMTPSEC_IDENTITY_DANE | SMTPSEC_IDENTITY_PKIX;
    seen.mx_secure = seen.unseen || what == TLS_SIGNED || what == PKIX_SIGNED || what == DANE;
    if (what == PKIX || what == PKIX_SIGNED)
        seen.identities = SMTPSEC_IDENTITY_PKIX;
    if (what == DANE || what == HALF_DANE) {
        seen.identities = SMTPSEC_IDENTITY_DANE;
        memset(seen.tlsa_digest, step->what == DANE_LONG ? 'e' : 'd', 32);
        seen.inception = step->n != 0 ? NOON + (int64_t)step->n * HOUR : 0;
        seen.signature_expiration = step->n != 0 ? seen.inception + 10 * SS_DAY : 0;
        seen.expires = at + (step->what == DANE_LONG ? 365 * SS_DAY : HOUR);
    }
    memset(seen.spki_digest, 'k', 32);
    observe(story, &seen);
}

static void
daily(struct story *story, const struct step *step)
{
    enum what what = step->what == DAILY_TLS ? TLS : step->what == DAILY_PKIX ? PKIX_SIGNED : DANE;
    struct step one = *step;
    int i;

    one.n = 0;
    for (i = 0; i < step->n; i++)
        deliver(story, &one, what, story->at + (int64_t)i * SS_DAY);
}

static void
policy(struct story *story, const struct step *step, int32_t mode)
{
    struct ss_observation seen = { .what = SS_OBSERVED_POLICY, .at = story->at, .sts_mode = mode,
                                   .sts_id = "1" };

    seen.expires = story->at + (int64_t)step->n * HOUR;
    observe(story, &seen);
}

static void
mx_set(struct story *story, const struct step *step)
{
    struct ss_observation seen = { .what = SS_OBSERVED_MX_SET, .at = story->at };
    struct ss_name hosts[8];
    const char *at = step->text, *end;

    while (*at != '\0') {
        end = strchr(at, ' ');
        if (end == NULL)
            end = at + strlen(at);
        assert_true(ss_name_from_text(&hosts[seen.host_count++], at, (size_t)(end - at)));
        at = *end == ' ' ? end + 1 : end;
    }
    seen.hosts = hosts;
    seen.inception = step->n != 0 ? NOON + (int64_t)step->n * HOUR : 0;
    seen.signature_expiration = step->n != 0 ? seen.inception + 10 * SS_DAY : 0;
    observe(story, &seen);
}

static void
other(struct story *story, const struct step *step)
{
    struct ss_observation seen = { .at = story->at, .host = name(step->host) };

    seen.what = step->what == DENIED ? SS_OBSERVED_NO_TLSA : SS_OBSERVED_REFUSAL;
    seen.soft = step->what == REFUSED;
    seen.inception = step->n != 0 ? NOON + (int64_t)step->n * HOUR : 0;
    observe(story, &seen);
}

static void
signed_zone(struct story *story, const struct step *step)
{
    struct ss_observation seen = {.at = story->at, .host = name(step->host)};

    switch (step->what) {
    case NO_DS:
        seen.what = SS_OBSERVED_NO_DS;
        break;
    case UNSIGNED:
        seen.what = SS_OBSERVED_UNSIGNED;
        break;
    case SIGNED:
        seen.what = SS_OBSERVED_SIGNED;
        break;
    case DENIED_NAME:
        seen.what = SS_OBSERVED_NO_TLSA;
        break;
    default:
        seen.what = SS_OBSERVED_TLSA;
        memset(seen.tlsa_digest, 'd', 32);
        seen.expires = story->at + (step->what == TLSA_LONG ? 365 * SS_DAY : HOUR);
        break;
    }
    seen.inception = step->n != 0 ? NOON + (int64_t)step->n * HOUR : 0;
    seen.signature_expiration = seen.inception + 10 * SS_DAY;
    if (step->what == DENIED_NAME) {
        seen.name_inception = seen.inception;
        seen.inception -= 100 * SS_DAY;
    }
    if (step->what == TLSA_ZONE) {
        struct ss_name zone = name(step->text);

        seen.zone = ss_zone_depth(&seen.host, &zone);
    }
    observe(story, &seen);
}

static void
run_step(struct story *story, const struct step *step)
{
    story->at = NOON + (int64_t)step->hour * HOUR;
    switch (step->what) {
    case LOGGED: case LOGGED_PLAIN:
    case PLAIN: case TLS: case TLS_SIGNED: case PKIX: case PKIX_SIGNED: case DANE: case HALF_DANE:
        deliver(story, step, step->what, story->at);
        break;
    case DANE_LONG:
        deliver(story, step, DANE, story->at);
        break;
    case TLSA_SEEN: case TLSA_LONG: case TLSA_ZONE: case DENIED_NAME: case NO_DS: case UNSIGNED: case SIGNED:
        signed_zone(story, step);
        break;
    case DAILY_TLS: case DAILY_PKIX: case DAILY_DANE:
        daily(story, step);
        break;
    case ENFORCE:
        policy(story, step, SMTPSEC_STS_ENFORCE);
        break;
    case TESTING:
        policy(story, step, SMTPSEC_STS_TESTING);
        break;
    case NONE_POLICY:
        policy(story, step, SMTPSEC_STS_NONE);
        break;
    case NO_POLICY:
        policy(story, step, SMTPSEC_STS_ABSENT);
        break;
    case REFUSED: case REFUSED_HARD: case DENIED:
        other(story, step);
        break;
    case MX_SET:
        mx_set(story, step);
        break;
    case FLOOR: case FLOOR_SIGNED: case DOMAIN: case REPORTED:
        expect_floor(story, step);
        break;
    case CLAIMS:
        expect_claims(story, step);
        break;
    case UNCHANGED:
        assert_false(story->changed);
        break;
    case END:
        break;
    }
}

/* After each step the record must be one that can be stored. */
static void
assert_storable(const struct story *story)
{
    struct ss_record got;
    struct ss_buf out;

    ss_buf_init(&out, 1 << 20);
    ss_record_write(&out, &story->record);
    assert_int_equal(ss_record_read(&got, &story->record.key,
                                    (struct ss_bytes){ out.data, out.len }),
                     0);
    assert_int_equal(got.count, story->record.count);
    if (got.count > 0)
        assert_memory_equal(got.claims, story->record.claims, got.count * sizeof(*got.claims));
    ss_record_free(&got);
    ss_buf_free(&out);
}

static void
check_story(void **state)
{
    const struct row *row = *state;
    struct ss_memory_key key = { name("d.test"), { 0 }, 25 };
    struct story story = { 0 };
    size_t i;

    ss_record_init(&story.record, &key);
    ss_memory_settings_init(&story.settings);
    if (row->mode_dane != 0)
        story.settings.mode[SMTPSEC_CLAIM_DANE] = row->mode_dane - 10;
    if (row->mode_encrypted != 0)
        story.settings.mode[SMTPSEC_CLAIM_ENCRYPTED] = row->mode_encrypted - 10;
    if (row->mode_soft_pkix != 0)
        story.settings.soft_pkix_mode = row->mode_soft_pkix - 10;
    if (row->hold_hours == -1)
        story.settings.hold = SMTPSEC_HOLD_REPORT;
    else if (row->hold_hours == -2)
        story.settings.hold = SMTPSEC_HOLD_EARNED;
    else if (row->hold_hours != 0)
        story.settings.hold = (int64_t)row->hold_hours * HOUR;
    for (i = 0; i < sizeof(row->steps) / sizeof(row->steps[0]) && row->steps[i].what != END; i++) {
        run_step(&story, &row->steps[i]);
        assert_storable(&story);
    }
    ss_record_free(&story.record);
}

#define REPORT (10 + SMTPSEC_MODE_REPORT)
#define OFF (10 + SMTPSEC_MODE_OFF)
#define ENFORCED (10 + SMTPSEC_MODE_ENFORCE)
#define STORY(...) 0, 0, 0, 0, { __VA_ARGS__ }
#define M1 "mx1.d.test"
#define M2 "mx2.d.test"
#define M3 "mx3.d.test"

static const struct row rows[] = {
    /* ---- 6.1 raised only by proof ---- */
    {"6.1 PREC-10 nothing seen, nothing asked",
     STORY({0, FLOOR, M1, "none", 0}, {0, DOMAIN, NULL, "none", 0}, {0, CLAIMS, NULL, "", 0})},
    {"6.1 TLS raises encrypted alone",
     STORY({0, TLS, M1, NULL, 0}, {0, CLAIMS, NULL, "enc:" M1 ":1", 0})},
    {"6.1 a certificate on an unsigned MX raises encrypted at most",
     STORY({0, PKIX, M1, NULL, 0}, {0, CLAIMS, NULL, "enc:" M1 ":1", 0})},
    {"6.1 a certificate on a signed MX raises dnssec",
     STORY({0, PKIX_SIGNED, M1, NULL, 0}, {0, CLAIMS, NULL, "enc:" M1 ":1 dnssec:" M1 ":1", 0})},
    {"6.1 DANE raises dane",
     STORY({0, DANE, M1, NULL, 0}, {0, CLAIMS, NULL, "dane:" M1 ":1 enc:" M1 ":1", 0})},
    {"6.1 DANE on an unsigned MX raises encrypted at most",
     STORY({0, HALF_DANE, M1, NULL, 0}, {0, CLAIMS, NULL, "enc:" M1 ":1", 0})},
    {"6.1 a log raises encrypted alone",
     STORY({0, LOGGED, M1, NULL, 0}, {0, CLAIMS, NULL, "enc:" M1 ":1", 0})},
    {"6.1 a log that tells of no TLS raises nothing",
     STORY({0, LOGGED_PLAIN, M1, NULL, 0}, {0, UNCHANGED, NULL, NULL, 0})},
    {"6.2 TLS in a log says nothing against what certificates proved",
     STORY({0, DAILY_DANE, M1, NULL, 3}, {DAYS(4) + 1, LOGGED, M1, NULL, 0},
           {DAYS(4) + 1, CLAIMS, NULL, "dane:" M1 ":3 enc:" M1 ":4", 0})},
    {"6.2 nor against a valid certificate",
     STORY({0, PKIX_SIGNED, M1, NULL, 0}, {30, LOGGED, M1, NULL, 0},
           {30, CLAIMS, NULL, "enc:" M1 ":2 dnssec:" M1 ":1", 0})},
    {"6.2 no TLS in a log is a delivery without the property",
     STORY({0, DAILY_TLS, M1, NULL, 5}, {DAYS(5), LOGGED_PLAIN, M1, NULL, 0},
           {DAYS(5), CLAIMS, NULL, "", 0})},
    {"6.3 a log does not end a hold that asks for a certificate",
     0, 0, ENFORCED, 0,
     {{0, DAILY_PKIX, M1, NULL, 30}, {DAYS(31), REFUSED, M1, NULL, 0},
           {DAYS(32), LOGGED, M1, NULL, 0}, {DAYS(36), FLOOR_SIGNED, M1, "none ended", 0}}},
    {"6.3 a valid certificate does end it",
     0, 0, ENFORCED, 0,
     {{0, DAILY_PKIX, M1, NULL, 30}, {DAYS(31), REFUSED, M1, NULL, 0},
           {DAYS(32), PKIX_SIGNED, M1, NULL, 0}, {DAYS(36), FLOOR_SIGNED, M1, "dnssec+pkix soft", 0}}},
    {"6.1 a delivery without TLS raises nothing",
     STORY({0, PLAIN, M1, NULL, 0}, {0, UNCHANGED, NULL, NULL, 0}, {0, CLAIMS, NULL, "", 0})},
    {"6.1 refusals, sets and denials raise nothing",
     STORY({0, REFUSED, M1, NULL, 0}, {0, UNCHANGED, NULL, NULL, 0},
           {0, MX_SET, NULL, M1 " " M2, 1}, {0, UNCHANGED, NULL, NULL, 0}, {0, DENIED, M1, NULL, 1},
           {0, UNCHANGED, NULL, NULL, 0}, {0, CLAIMS, NULL, "", 0})},
    {"6.1 an enforce policy raises, others do not",
     STORY({0, TESTING, NULL, NULL, 100}, {0, UNCHANGED, NULL, NULL, 0},
           {0, NO_POLICY, NULL, NULL, 100}, {0, CLAIMS, NULL, "", 0}, {0, ENFORCE, NULL, NULL, 100},
           {0, CLAIMS, NULL, "sts::1", 0}, {100, FLOOR, M1, "mta-sts+pkix patterns", 0},
           {101, FLOOR, M1, "none", 0})},

    /* ---- counting ---- */
    {"at most one day a day, and no write within the hour",
     STORY({0, TLS, M1, NULL, 0}, {0, TLS, M1, NULL, 0}, {0, UNCHANGED, NULL, NULL, 0},
           {5, TLS, M1, NULL, 0}, {5, CLAIMS, NULL, "enc:" M1 ":1", 0}, {11, TLS, M1, NULL, 0},
           {11, CLAIMS, NULL, "enc:" M1 ":1", 0}, {12, TLS, M1, NULL, 0},
           {12, CLAIMS, NULL, "enc:" M1 ":2", 0}, {35, TLS, M1, NULL, 0},
           {35, CLAIMS, NULL, "enc:" M1 ":2", 0}, {36, TLS, M1, NULL, 0},
           {36, CLAIMS, NULL, "enc:" M1 ":3", 0})},
    {"an older observation moves nothing back",
     STORY({100, TLS, M1, NULL, 0}, {50, TLS, M1, NULL, 0}, {50, UNCHANGED, NULL, NULL, 0},
           {10, PLAIN, M1, NULL, 0}, {10, UNCHANGED, NULL, NULL, 0},
           {100, CLAIMS, NULL, "enc:" M1 ":1", 0})},

    {"an older proof with newer evidence moves nothing back either",
     STORY({100, DANE, M1, NULL, 100}, {50, DANE, M1, NULL, 200},
           {101, FLOOR, M1, "dane+dane", 0}, {102, FLOOR, M1, "none", 0})},

    /* ---- 6.2 earned life ---- */
    {"6.2 a claim planted for a moment binds for its TTL and no longer",
     STORY({0, DANE, M1, NULL, 0}, {0, FLOOR, M1, "dane+dane", 0}, {1, FLOOR, M1, "dane+dane", 0},
           {2, FLOOR, M1, "none", 0})},
    {"6.2 a claim planted for a day denies for about a day",
     STORY({0, DANE, M1, NULL, 0}, {24, DANE, M1, NULL, 0}, {47, FLOOR, M1, "dane+dane", 0},
           {48, FLOOR, M1, "none", 0})},
    {"6.2 seven days for each distinct day",
     STORY({0, DANE, M1, NULL, 0}, {DAYS(60), DANE, M1, NULL, 0},
           {DAYS(74) - 1, FLOOR, M1, "dane+dane", 0}, {DAYS(74), FLOOR, M1, "none", 0})},
    {"6.2 never longer than the cap of 90 days",
     STORY({0, DAILY_DANE, M1, NULL, 200}, {DAYS(289) - 1, FLOOR, M1, "dane+dane", 0},
           {DAYS(289), FLOOR, M1, "none", 0})},
    {"6.2 times after now count as now",
     STORY({0, DANE, M1, NULL, 0}, {DAYS(500), DANE, M1, NULL, 0},
           {DAYS(10), FLOOR, M1, "dane+dane", 0}, {-DAYS(10), FLOOR, M1, "dane+dane", 0})},
    {"6.2 a delivery without the property before the claim binds starts it anew",
     STORY({0, DAILY_TLS, M1, NULL, 5}, {DAYS(5), PLAIN, M1, NULL, 0},
           {DAYS(5), CLAIMS, NULL, "", 0}, {DAYS(6), TLS, M1, NULL, 0},
           {DAYS(6), CLAIMS, NULL, "enc:" M1 ":1", 0})},
    {"6.2 DANE that no longer binds starts anew with a delivery without it",
     STORY({0, DAILY_DANE, M1, NULL, 3}, {DAYS(4) - 1, TLS_SIGNED, M1, NULL, 0},
           {DAYS(4) - 1, CLAIMS, NULL, "dane:" M1 ":3 enc:" M1 ":4", 0},
           {DAYS(4) + 1, TLS_SIGNED, M1, NULL, 0}, {DAYS(4) + 1, CLAIMS, NULL, "enc:" M1 ":4", 0})},
    {"6.2 mail once a week earns a claim all the same",
     STORY({0, TLS, M1, NULL, 0}, {DAYS(7), TLS, M1, NULL, 0}, {DAYS(14), TLS, M1, NULL, 0},
           {DAYS(21), TLS, M1, NULL, 0}, {DAYS(28), TLS, M1, NULL, 0}, {DAYS(35), TLS, M1, NULL, 0},
           {DAYS(35), FLOOR, M1, "none", 0}, {DAYS(42), TLS, M1, NULL, 0},
           {DAYS(42), FLOOR, M1, "encrypted soft", 0})},
    {"PREC-10 a claim unseen for longer than the cap begins again",
     STORY({0, DAILY_TLS, M1, NULL, 20}, {DAYS(120), FLOOR, M1, "none", 0},
           {DAYS(120), TLS, M1, NULL, 0}, {DAYS(120), CLAIMS, NULL, "enc:" M1 ":1", 0})},

    /* ---- 6.3 soft floors hold, they do not wall off ---- */
    {"6.3 encrypted needs 7 distinct days",
     STORY({0, DAILY_TLS, M1, NULL, 5}, {DAYS(20), TLS, M1, NULL, 0},
           {DAYS(20), FLOOR, M1, "none", 0}, {DAYS(20), REPORTED, M1, "none", 0},
           {DAYS(21), TLS, M1, NULL, 0}, {DAYS(21), FLOOR, M1, "encrypted soft", 0})},
    {"6.3 encrypted needs 14 days from first to last",
     STORY({0, DAILY_TLS, M1, NULL, 14}, {DAYS(13), FLOOR, M1, "none", 0},
           {DAYS(14), TLS, M1, NULL, 0}, {DAYS(14), FLOOR, M1, "encrypted soft", 0})},
    {"6.3 PREC-09 a refusal holds for 72 h from the first, then mail goes on",
     STORY({0, DAILY_TLS, M1, NULL, 20}, {DAYS(20), FLOOR, M1, "encrypted soft", 0},
           {DAYS(20), REFUSED, M1, NULL, 0}, {DAYS(20), FLOOR, M1, "encrypted soft hold", 0},
           {DAYS(21), REFUSED, M1, NULL, 0}, {DAYS(21), UNCHANGED, NULL, NULL, 0},
           {DAYS(23) - 1, FLOOR, M1, "encrypted soft hold", 0},
           {DAYS(23), FLOOR, M1, "none ended", 0}, {DAYS(23), REPORTED, M1, "encrypted soft", 0},
           {DAYS(23), FLOOR, M2, "none ended", 0})},
    {"6.3 PREC-09 a plaintext delivery in force changes nothing",
     STORY({0, DAILY_TLS, M1, NULL, 20}, {DAYS(20), PLAIN, M1, NULL, 0},
           {DAYS(20), UNCHANGED, NULL, NULL, 0}, {DAYS(20), REFUSED, M1, NULL, 0},
           {DAYS(21), PLAIN, M1, NULL, 0}, {DAYS(21), UNCHANGED, NULL, NULL, 0},
           {DAYS(21), FLOOR, M1, "encrypted soft hold", 0})},
    {"6.3 after the hold an accepted weaker delivery makes it start anew",
     STORY({0, DAILY_TLS, M1, NULL, 20}, {DAYS(20), REFUSED, M1, NULL, 0},
           {DAYS(23), PLAIN, M1, NULL, 0}, {DAYS(23), CLAIMS, NULL, "", 0},
           {DAYS(23), FLOOR, M1, "none", 0}, {DAYS(24), DAILY_TLS, M1, NULL, 15},
           {DAYS(39), FLOOR, M1, "encrypted soft", 0})},
    {"6.3 TLS that comes back ends the hold, and the next one is as long",
     STORY({0, DAILY_TLS, M1, NULL, 20}, {DAYS(20), REFUSED, M1, NULL, 0},
           {DAYS(21), TLS, M1, NULL, 0}, {DAYS(21), FLOOR, M1, "encrypted soft", 0},
           {DAYS(30), REFUSED, M1, NULL, 0}, {DAYS(33) - 1, FLOOR, M1, "encrypted soft hold", 0},
           {DAYS(33), FLOOR, M1, "none ended", 0})},
    {"6.3 hard claims know no hold",
     STORY({0, DAILY_DANE, M1, NULL, 30}, {DAYS(30), REFUSED_HARD, M1, NULL, 0},
           {DAYS(30), UNCHANGED, NULL, NULL, 0}, {DAYS(40), FLOOR, M1, "dane+dane", 0})},
    {"6.3 a soft hold does not touch hard claims",
     STORY({0, DAILY_TLS, M2, NULL, 30}, {0, DAILY_DANE, M1, NULL, 30},
           {DAYS(30), REFUSED, M2, NULL, 0}, {DAYS(33), FLOOR, M2, "none ended", 0},
           {DAYS(33), FLOOR, M1, "dane+dane", 0})},
    {"6.3 dnssec: the TLS part is enforced, the certificate part reported",
     STORY({0, DAILY_PKIX, M1, NULL, 20}, {DAYS(20), FLOOR, M1, "encrypted soft", 0},
           {DAYS(20), REPORTED, M1, "dnssec+pkix soft", 0})},
    {"6.3 dnssec: the certificate part when told to enforce",
     0,
     0,
     ENFORCED,
     0,
     {{0, DAILY_PKIX, M1, NULL, 20}, {DAYS(20), FLOOR, M1, "dnssec+pkix soft", 0}}},
    {"6.3 dnssec: the certificate part when off",
     0,
     0,
     OFF,
     0,
     {{0, DAILY_PKIX, M1, NULL, 20}, {DAYS(20), REPORTED, M1, "encrypted soft", 0}}},
    {"6.3 an expired MTA-STS policy is a soft claim, if earned",
     STORY({0, ENFORCE, NULL, NULL, DAYS(10)}, {DAYS(5), ENFORCE, NULL, NULL, DAYS(10)},
           {DAYS(6), ENFORCE, NULL, NULL, DAYS(10)}, {DAYS(7), ENFORCE, NULL, NULL, DAYS(10)},
           {DAYS(8), ENFORCE, NULL, NULL, DAYS(10)}, {DAYS(9), ENFORCE, NULL, NULL, DAYS(10)},
           {DAYS(16), ENFORCE, NULL, NULL, DAYS(10)},
           {DAYS(26), FLOOR, M1, "mta-sts+pkix patterns", 0},
           {DAYS(26) + 1, FLOOR, M1, "encrypted soft", 0},
           {DAYS(26) + 1, REPORTED, M1, "authenticated+pkix soft", 0},
           {DAYS(27), REFUSED, M1, NULL, 0}, {DAYS(30), FLOOR, M1, "none ended", 0},
           {DAYS(30), PLAIN, M1, NULL, 0}, {DAYS(30), CLAIMS, NULL, "", 0})},
    {"6.3 an expired MTA-STS policy seen once asks for nothing",
     STORY({0, ENFORCE, NULL, NULL, DAYS(10)}, {DAYS(10) + 1, FLOOR, M1, "none", 0},
           {DAYS(10) + 1, REPORTED, M1, "none", 0})},
    {"6.3 hold: report",
     0,
     0,
     0,
     -1,
     {{0, DAILY_TLS, M1, NULL, 20},
      {DAYS(20), FLOOR, M1, "none", 0},
      {DAYS(20), REPORTED, M1, "encrypted soft", 0}}},
    {"6.3 hold: as long as earned",
     0,
     0,
     0,
     -2,
     {{0, DAILY_TLS, M1, NULL, 20},
      {DAYS(20), FLOOR, M1, "encrypted soft", 0},
      {DAYS(20), REFUSED, M1, NULL, 0},
      {DAYS(38) - 1, FLOOR, M1, "encrypted soft hold", 0},
      {DAYS(38), FLOOR, M1, "none", 0}}},
    {"6.3 hold: as long as earned, what falls short drops nothing that binds",
     0,
     0,
     0,
     -2,
     {{0, DAILY_TLS, M1, NULL, 20},
      {DAYS(20), REFUSED, M1, NULL, 0},
      {DAYS(37), PLAIN, M1, NULL, 0},
      {DAYS(37), FLOOR, M1, "encrypted soft hold", 0}}},

    /* ---- 6.4 the domain floor ---- */
    {"6.4 per-host claims are exact",
     STORY({0, DAILY_TLS, M2, NULL, 20}, {0, DAILY_DANE, M1, NULL, 20},
           {DAYS(20), FLOOR, M1, "dane+dane", 0}, {DAYS(20), FLOOR, M2, "encrypted soft", 0})},
    {"6.4 a host that has not earned a claim yet has no vote, and meets the floor of the others",
     STORY({0, DAILY_TLS, M1, NULL, 20}, {0, TLS, M2, NULL, 0},
           {DAYS(20), FLOOR, M1, "encrypted soft", 0}, {DAYS(20), FLOOR, M2, "encrypted soft", 0},
           {DAYS(20), FLOOR, M3, "encrypted soft", 0})},
    {"6.4 the domain floor is the minimum: DANE and TLS make TLS",
     STORY({0, DAILY_TLS, M2, NULL, 30}, {0, DAILY_DANE, M1, NULL, 30},
           {DAYS(30), DOMAIN, NULL, "encrypted soft", 0},
           {DAYS(30), FLOOR, M3, "encrypted soft", 0}, {DAYS(30), FLOOR, M1, "dane+dane", 0})},
    {"6.4 all hosts with DANE make a domain with DANE",
     STORY({0, DAILY_DANE, M1, NULL, 30}, {0, DAILY_DANE, M2, NULL, 30},
           {DAYS(30), DOMAIN, NULL, "dane+dane", 0}, {DAYS(30), FLOOR, M3, "dane+dane", 0})},
    {"6.4 a host new to a signed set is the owner's choice",
     STORY({0, DAILY_DANE, M1, NULL, 30}, {DAYS(30), FLOOR_SIGNED, M3, "none", 0},
           {DAYS(30), FLOOR_SIGNED, M1, "dane+dane", 0})},
    {"6.4 MTA-STS binds each host, new ones in a signed set too",
     STORY({0, ENFORCE, NULL, NULL, DAYS(10)}, {1, FLOOR_SIGNED, M3, "mta-sts+pkix patterns", 0},
           {1, DANE, M1, NULL, 0}, {2, FLOOR, M1, "dane+dane+pkix patterns", 0})},
    {"6.4 a host that takes mail without TLS votes so",
     STORY({0, TLS, M1, NULL, 0}, {1, PLAIN, M2, NULL, 0},
           {1, CLAIMS, NULL, "enc:" M1 ":1 enc:" M2 ":0", 0}, {2, DAILY_TLS, M1, NULL, 20},
           {DAYS(20), FLOOR, M1, "encrypted soft", 0}, {DAYS(20), FLOOR, M2, "none", 0},
           {DAYS(20), FLOOR, M3, "none", 0}, {DAYS(20), DOMAIN, NULL, "none", 0})},
    {"6.4 its first delivery over TLS begins a claim",
     STORY({0, TLS, M1, NULL, 0}, {1, PLAIN, M2, NULL, 0}, {2, TLS, M2, NULL, 0},
           {2, CLAIMS, NULL, "enc:" M1 ":1 enc:" M2 ":1", 0})},
    {"6.4 a vote ends with the cap",
     STORY({0, TLS, M1, NULL, 0}, {1, PLAIN, M2, NULL, 0}, {2, DAILY_TLS, M1, NULL, 100},
           {DAYS(100), FLOOR, M3, "encrypted soft", 0},
           {DAYS(100), FLOOR, M2, "encrypted soft", 0})},
    {"6.4 who falls short of the floor in force does not become known",
     STORY({0, DAILY_DANE, M1, NULL, 30}, {DAYS(30), PLAIN, M3, NULL, 0},
           {DAYS(30), UNCHANGED, NULL, NULL, 0}, {DAYS(30), TLS, M3, NULL, 0},
           {DAYS(30), UNCHANGED, NULL, NULL, 0}, {DAYS(30), HALF_DANE, M3, NULL, 0},
           {DAYS(30), UNCHANGED, NULL, NULL, 0}, {DAYS(30), FLOOR, M3, "dane+dane", 0})},
    {"6.4 nor in report mode",
     REPORT,
     REPORT,
     0,
     0,
     {{0, DAILY_TLS, M1, NULL, 20},
      {DAYS(20), FLOOR, M3, "none", 0},
      {DAYS(20), PLAIN, M3, NULL, 0},
      {DAYS(20), UNCHANGED, NULL, NULL, 0},
      {DAYS(20), REPORTED, M3, "encrypted soft", 0}}},
    {"6.4 after the hold it does",
     STORY({0, DAILY_TLS, M1, NULL, 20}, {DAYS(20), REFUSED, M3, NULL, 0},
           {DAYS(23), FLOOR, M3, "none ended", 0}, {DAYS(23), PLAIN, M3, NULL, 0},
           {DAYS(23), CLAIMS, NULL, "enc:" M1 ":20 enc:" M3 ":0", 0},
           {DAYS(23), FLOOR, M3, "none", 0}, {DAYS(23), FLOOR, M2, "none", 0})},

    /* ---- 6.5 lowered by proof, never by silence ---- */
    {"6.5 PREC-11 a signed denial of TLSA removes DANE at once",
     STORY({0, DAILY_DANE, M1, NULL, 30}, {DAYS(30), DENIED, M1, NULL, DAYS(30)},
           {DAYS(30), FLOOR, M1, "encrypted soft", 0},
           {DAYS(30), CLAIMS, NULL, "enc:" M1 ":30", 0})},
    {"6.5 PREC-11 a denial for one host touches no other",
     STORY({0, DANE, M1, NULL, 0}, {0, DANE, M2, NULL, 0}, {1, DENIED, M2, NULL, 1},
           {1, CLAIMS, NULL, "dane:" M1 ":1 enc:" M1 ":1 enc:" M2 ":1", 0})},
    {"6.5 PREC-11 a denial signed earlier is a replay, until the remembered signature ends",
     STORY({0, DAILY_DANE, M1, NULL, 20}, {DAYS(20), DANE, M1, NULL, DAYS(20)},
           {DAYS(21), DENIED, M1, NULL, DAYS(19)}, {DAYS(21), UNCHANGED, NULL, NULL, 0},
           {DAYS(21), FLOOR, M1, "dane+dane", 0}, {DAYS(30), DENIED, M1, NULL, DAYS(19)},
           {DAYS(30), UNCHANGED, NULL, NULL, 0}, {DAYS(30) + 1, DENIED, M1, NULL, DAYS(19)},
           {DAYS(30) + 1, FLOOR, M1, "encrypted soft", 0})},
    {"6.5 PREC-11 within the skew of 2 h it is no replay",
     STORY({0, DANE, M1, NULL, 100}, {1, DENIED, M1, NULL, 98},
           {1, CLAIMS, NULL, "enc:" M1 ":1", 0})},
    {"6.5 PREC-11 just beyond the skew it is",
     STORY({0, DANE, M1, NULL, 100}, {1, DENIED, M1, NULL, 97}, {1, UNCHANGED, NULL, NULL, 0})},
    {"6.5 PREC-11 a denial without inception is believed",
     STORY({0, DANE, M1, NULL, 100}, {1, DENIED, M1, NULL, 0},
           {1, CLAIMS, NULL, "enc:" M1 ":1", 0})},
    {"6.5 PREC-11 removal from a signed set ends claims",
     STORY({0, DAILY_TLS, M2, NULL, 30}, {0, DAILY_DANE, M1, NULL, 30},
           {0, ENFORCE, NULL, NULL, DAYS(50)}, {DAYS(30), MX_SET, NULL, M2, DAYS(30)},
           {DAYS(30), CLAIMS, NULL, "sts::1 enc:" M2 ":30", 0})},
    {"6.5 PREC-11 a set signed earlier is a replay",
     STORY({0, DANE, M1, NULL, 0}, {0, MX_SET, NULL, M1, DAYS(5)},
           {DAYS(5), MX_SET, NULL, M2, DAYS(4)}, {DAYS(5), UNCHANGED, NULL, NULL, 0},
           {DAYS(5), CLAIMS, NULL, "dane:" M1 ":1 enc:" M1 ":1", 0},
           {DAYS(5), MX_SET, NULL, M2, DAYS(5) - 2}, {DAYS(5), CLAIMS, NULL, "", 0})},
    {"6.5 PREC-11 14 days are the most that a replay is held against",
     STORY({0, DANE, M1, NULL, DAYS(100)}, {DAYS(14), DENIED, M1, NULL, 1},
           {DAYS(14), UNCHANGED, NULL, NULL, 0}, {DAYS(14) + 1, DENIED, M1, NULL, 1},
           {DAYS(14) + 1, CLAIMS, NULL, "enc:" M1 ":1", 0})},
    {"6.5 a fetched newer policy lowers at once",
     STORY({0, ENFORCE, NULL, NULL, DAYS(50)}, {DAYS(2), NONE_POLICY, NULL, NULL, DAYS(1)},
           {DAYS(2), FLOOR, M1, "none", 0}, {DAYS(3), ENFORCE, NULL, NULL, DAYS(9)},
           {DAYS(4), TESTING, NULL, NULL, DAYS(1)}, {DAYS(4), CLAIMS, NULL, "", 0})},
    {"6.5 an older fetch does not",
     STORY({DAYS(2), ENFORCE, NULL, NULL, DAYS(50)}, {DAYS(1), NONE_POLICY, NULL, NULL, DAYS(1)},
           {DAYS(1), UNCHANGED, NULL, NULL, 0}, {DAYS(3), FLOOR, M1, "mta-sts+pkix patterns", 0})},
    {"6.5 the newest max_age counts, also when shorter",
     STORY({0, ENFORCE, NULL, NULL, DAYS(50)}, {DAYS(1), ENFORCE, NULL, NULL, DAYS(1)},
           {DAYS(2), FLOOR, M1, "mta-sts+pkix patterns", 0}, {DAYS(2) + 1, FLOOR, M1, "none", 0})},
    {"6.5 silence lowers nothing",
     STORY({0, DAILY_DANE, M1, NULL, 30}, {DAYS(30), NO_POLICY, NULL, NULL, 0},
           {DAYS(30), UNCHANGED, NULL, NULL, 0}, {DAYS(35), TLS, M1, NULL, 0},
           {DAYS(35), PLAIN, M1, NULL, 0}, {DAYS(35), FLOOR, M1, "dane+dane", 0})},

    /* ---- 6.1 DNS alone may extend ---- */
    {"6.1 PREC-10 a TLSA set seen raises nothing",
     STORY({0, TLS, M1, NULL, 0}, {1, TLSA_SEEN, M1, NULL, 1}, {1, UNCHANGED, NULL, NULL, 0},
           {1, CLAIMS, NULL, "enc:" M1 ":1", 0})},
    {"6.1 PREC-10 it extends a live claim by its TTL, and counts no day",
     STORY({0, DANE, M1, NULL, 0}, {1, TLSA_SEEN, M1, NULL, 0}, {2, FLOOR, M1, "dane+dane", 0},
           {2, TLSA_SEEN, M1, NULL, 0}, {3, FLOOR, M1, "dane+dane", 0},
           {3, CLAIMS, NULL, "dane:" M1 ":1 enc:" M1 ":1", 0}, {4, FLOOR, M1, "none", 0},
           {4, TLSA_SEEN, M1, NULL, 0}, {4, UNCHANGED, NULL, NULL, 0}, {4, FLOOR, M1, "none", 0})},
    {"6.1 PREC-10 no TTL counts for more than a week",
     STORY({0, DANE, M1, NULL, 0}, {1, TLSA_LONG, M1, NULL, 0},
           {DAYS(7) + 1, FLOOR, M1, "dane+dane", 0}, {DAYS(7) + 2, FLOOR, M1, "none", 0})},
    {"6.1 PREC-10 nor that of a delivery",
     STORY({0, DANE_LONG, M1, NULL, 0}, {DAYS(7), FLOOR, M1, "dane+dane", 0},
           {DAYS(7) + 1, FLOOR, M1, "none", 0})},
    {"6.1 PREC-10 what a mature claim would gain is not worth a write",
     STORY({0, DAILY_DANE, M1, NULL, 30}, {DAYS(29), DANE, M1, NULL, DAYS(29)},
           {DAYS(30), TLSA_ZONE, M1, "d.test", DAYS(29)}, {DAYS(31), TLSA_ZONE, M1, "d.test", DAYS(29)},
           {DAYS(31), UNCHANGED, NULL, NULL, 0}, {DAYS(32), TLSA_ZONE, M1, "d.test", DAYS(30) - 1},
           {DAYS(32), UNCHANGED, NULL, NULL, 0}, {DAYS(32), TLSA_ZONE, M1, "d.test", DAYS(30)},
           {DAYS(32), DENIED, M1, NULL, DAYS(30) - 3}, {DAYS(32), UNCHANGED, NULL, NULL, 0},
           {DAYS(32), DENIED, M1, NULL, DAYS(30) - 2}, {DAYS(32), CLAIMS, NULL, "enc:" M1 ":30", 0})},
    {"6.1 PREC-11 an older set extends nothing",
     STORY({0, DANE, M1, NULL, 100}, {1, TLSA_LONG, M1, NULL, 97}, {1, UNCHANGED, NULL, NULL, 0},
           {2, FLOOR, M1, "none", 0})},

    /* ---- 6.5 zones that leave DNSSEC ---- */
    {"6.5 PREC-11 of a set at its own name only the name's denial must be new",
     STORY({0, DANE, M1, NULL, 100}, {1, DENIED_NAME, M1, NULL, 101}, {1, UNCHANGED, NULL, NULL, 0},
           {1, TLSA_ZONE, M1, "d.test", 100}, {1, DENIED_NAME, M1, NULL, 97},
           {1, UNCHANGED, NULL, NULL, 0}, {1, DENIED_NAME, M1, NULL, 101},
           {1, CLAIMS, NULL, "enc:" M1 ":1", 0})},
    {"6.5 PREC-11 another set may stand elsewhere: its place must be seen again",
     STORY({0, DANE, M1, NULL, 100}, {1, TLSA_ZONE, M1, "d.test", 100},
           {1, TLSA_ZONE, M1, NULL, 100}, {1, UNCHANGED, NULL, NULL, 0},
           {1, TLSA_ZONE, M1, NULL, 101}, {1, DENIED_NAME, M1, NULL, 101},
           {1, UNCHANGED, NULL, NULL, 0}, {1, TLSA_ZONE, M1, "d.test", 101},
           {2, DANE_LONG, M1, NULL, 101}, {2, DENIED_NAME, M1, NULL, 102},
           {2, UNCHANGED, NULL, NULL, 0})},
    {"6.5 PREC-11 a denial of DS of the MX set's zone takes DANE and DNSSEC of all hosts",
     STORY({0, DAILY_DANE, M1, NULL, 20}, {0, DAILY_PKIX, M2, NULL, 20},
           {0, ENFORCE, NULL, NULL, DAYS(50)}, {DAYS(20), NO_DS, NULL, NULL, DAYS(20)},
           {DAYS(20), CLAIMS, NULL, "sts::1 enc:" M1 ":20 enc:" M2 ":20", 0})},
    {"6.5 PREC-11 that of a host's zone its DANE alone",
     STORY({0, DAILY_DANE, M1, NULL, 20}, {0, DAILY_DANE, M2, NULL, 20},
           {0, PKIX_SIGNED, M1, NULL, 0}, {DAYS(20), NO_DS, M1, NULL, DAYS(20)},
           {DAYS(20), CLAIMS, NULL, "dane:" M2 ":20 enc:" M1 ":20 enc:" M2 ":20 dnssec:" M1 ":1", 0})},
    {"6.5 PREC-11 a denial of DS may be a day older than the last proof, as a cached DS is",
     STORY({0, DAILY_DANE, M1, NULL, 20}, {DAYS(20), NO_DS, NULL, NULL, DAYS(18) - 3},
           {DAYS(20), UNCHANGED, NULL, NULL, 0}, {DAYS(20), NO_DS, NULL, NULL, DAYS(18) - 2},
           {DAYS(20), CLAIMS, NULL, "enc:" M1 ":20", 0})},
    {"6.5 PREC-11 an older one is held for 14 days after the last proof",
     STORY({0, DAILY_DANE, M1, NULL, 20}, {DAYS(33), NO_DS, M1, NULL, DAYS(10)},
           {DAYS(33), UNCHANGED, NULL, NULL, 0}, {DAYS(33), FLOOR, M1, "dane+dane", 0},
           {DAYS(33) + 1, NO_DS, M1, NULL, DAYS(10)}, {DAYS(33) + 1, CLAIMS, NULL, "enc:" M1 ":20", 0})},
    {"6.5 PREC-11 a delivery over TLS proves no zone signed",
     STORY({0, DANE, M1, NULL, 0}, {0, TLSA_LONG, M1, NULL, 0}, {DAYS(5), TLS, M1, NULL, 0},
           {DAYS(6), NO_DS, NULL, NULL, 1}, {DAYS(6), CLAIMS, NULL, "enc:" M1 ":2", 0})},
    {"6.5 PREC-11 where nothing rests on the zone, nothing is noted",
     STORY({0, TLS, M1, NULL, 0}, {1, NO_DS, NULL, NULL, 1}, {1, UNCHANGED, NULL, NULL, 0},
           {1, UNSIGNED, NULL, NULL, 0}, {1, UNCHANGED, NULL, NULL, 0}, {1, UNSIGNED, M1, NULL, 0},
           {1, UNCHANGED, NULL, NULL, 0}, {1, SIGNED, NULL, NULL, 0}, {1, UNCHANGED, NULL, NULL, 0})},
    {"6.5 PREC-11 unsigned for 72 hours, seen once a day at least, writes four times a day",
     STORY({0, DAILY_DANE, M1, NULL, 20}, {DAYS(20), UNSIGNED, NULL, NULL, 0},
           {DAYS(20) + 5, UNSIGNED, NULL, NULL, 0}, {DAYS(20) + 5, UNCHANGED, NULL, NULL, 0},
           {DAYS(20) + 6, UNSIGNED, NULL, NULL, 0}, {DAYS(21) + 6, UNSIGNED, NULL, NULL, 0},
           {DAYS(22) + 6, UNSIGNED, NULL, NULL, 0}, {DAYS(23) - 1, UNSIGNED, NULL, NULL, 0},
           {DAYS(23) - 1, FLOOR, M1, "dane+dane", 0}, {DAYS(23), UNSIGNED, NULL, NULL, 0},
           {DAYS(23), CLAIMS, NULL, "enc:" M1 ":20", 0})},
    {"6.5 PREC-11 a pause of more than a day begins anew",
     STORY({0, DAILY_DANE, M1, NULL, 20}, {DAYS(20), UNSIGNED, M1, NULL, 0},
           {DAYS(21) + 1, UNSIGNED, M1, NULL, 0}, {DAYS(22) + 1, UNSIGNED, M1, NULL, 0},
           {DAYS(23) + 1, UNSIGNED, M1, NULL, 0}, {DAYS(24), UNSIGNED, M1, NULL, 0},
           {DAYS(24), FLOOR, M1, "dane+dane", 0}, {DAYS(24) + 1, UNSIGNED, M1, NULL, 0},
           {DAYS(24) + 1, CLAIMS, NULL, "enc:" M1 ":20", 0})},
    {"6.5 PREC-11 a signed answer ends the count, that of a host not the MX set's",
     STORY({0, DAILY_DANE, M1, NULL, 20}, {DAYS(20), UNSIGNED, NULL, NULL, 0},
           {DAYS(20), UNSIGNED, M1, NULL, 0}, {DAYS(20), SIGNED, M1, NULL, 0},
           {DAYS(21), UNSIGNED, NULL, NULL, 0}, {DAYS(21), UNSIGNED, M1, NULL, 0},
           {DAYS(22), UNSIGNED, NULL, NULL, 0}, {DAYS(22), UNSIGNED, M1, NULL, 0},
           {DAYS(23), UNSIGNED, M1, NULL, 0}, {DAYS(23), FLOOR, M1, "dane+dane", 0},
           {DAYS(23), SIGNED, NULL, NULL, 0}, {DAYS(23), UNSIGNED, NULL, NULL, 0},
           {DAYS(23), FLOOR, M1, "dane+dane", 0}, {DAYS(24), UNSIGNED, M1, NULL, 0},
           {DAYS(24), CLAIMS, NULL, "enc:" M1 ":20", 0})},
    {"6.5 PREC-11 a clock that went back begins the count anew",
     STORY({0, DAILY_DANE, M1, NULL, 20}, {DAYS(22), UNSIGNED, NULL, NULL, 0},
           {DAYS(21), UNSIGNED, NULL, NULL, 0}, {DAYS(22), UNSIGNED, NULL, NULL, 0},
           {DAYS(23), UNSIGNED, NULL, NULL, 0}, {DAYS(24) - 1, UNSIGNED, NULL, NULL, 0},
           {DAYS(24) - 1, FLOOR, M1, "dane+dane", 0}, {DAYS(24), UNSIGNED, NULL, NULL, 0},
           {DAYS(24), CLAIMS, NULL, "enc:" M1 ":20", 0})},

    /* ---- 6.8 modes ---- */
    {"6.8 off counts nowhere",
     OFF,
     0,
     0,
     0,
     {{0, DAILY_DANE, M1, NULL, 10},
      {DAYS(10), FLOOR, M1, "none", 0},
      {DAYS(10), REPORTED, M1, "none", 0}}},
    {"6.8 report tells and does not refuse",
     REPORT,
     0,
     0,
     0,
     {{0, DAILY_DANE, M1, NULL, 30},
      {DAYS(30), FLOOR, M1, "encrypted soft", 0},
      {DAYS(30), REPORTED, M1, "dane+dane", 0}}},
    {"6.8 a hard floor is not softened by a soft claim beside it",
     0,
     0,
     ENFORCED,
     0,
     {{0, DAILY_PKIX, M1, NULL, 20},
      {DAYS(20), DANE, M1, NULL, 0},
      {DAYS(20), FLOOR, M1, "dane+dane", 0},
      {DAYS(20) + 2, FLOOR, M1, "dnssec+pkix soft", 0}}},
};

/* ---- what does not fit a story ---- */

static void
check_eviction(void **state)
{
    struct ss_memory_key key = { name("d.test"), { 0 }, 25 };
    struct story story = { 0 };
    struct step step = { 0, TLS, NULL, NULL, 0 };
    char host[32];
    int i;

    (void)state;
    ss_record_init(&story.record, &key);
    ss_memory_settings_init(&story.settings);
    story.at = NOON;
    step.host = M1;
    step.what = DAILY_TLS;
    step.n = 20;
    daily(&story, &step);
    /* In force for its TTL, though there is no claim with less evidence. */
    step.host = M2;
    step.n = 0;
    deliver(&story, &step, DANE, NOON + 20 * SS_DAY - 1);
    step.host = host;
    for (i = 0; i < 2 * SS_CLAIMS_MAX; i++) {
        snprintf(host, sizeof(host), "h%d.d.test", i);
        deliver(&story, &step, TLS, NOON + 20 * SS_DAY + i);
        assert_true(story.record.count <= SS_CLAIMS_MAX);
    }
    /* Strangers push out strangers. */
    assert_int_equal(story.record.count, SS_CLAIMS_MAX);
    {
        struct ss_name mine = name(M1), newest = name(host), oldest = name("h0.d.test");
        struct ss_name dane = name(M2);

        assert_non_null(ss_record_find(&story.record, SMTPSEC_CLAIM_DANE, &dane));
        assert_non_null(ss_record_find(&story.record, SMTPSEC_CLAIM_ENCRYPTED, &mine));
        assert_non_null(ss_record_find(&story.record, SMTPSEC_CLAIM_ENCRYPTED, &newest));
        assert_null(ss_record_find(&story.record, SMTPSEC_CLAIM_ENCRYPTED, &oldest));
    }
    ss_record_free(&story.record);
}

static void
check_in_force(void **state)
{
    struct ss_memory_settings settings;
    struct ss_claim claim = { .kind = SMTPSEC_CLAIM_MTA_STS, .first_seen = NOON, .last_seen = NOON,
                              .counted = NOON, .days = 1, .expires = NOON + 100 };

    (void)state;
    ss_memory_settings_init(&settings);
    assert_true(ss_claim_is_hard(&claim, NOON + 100));
    assert_true(ss_claim_in_force(&claim, &settings, NOON + 100));
    assert_false(ss_claim_is_hard(&claim, NOON + 101));
    assert_false(ss_claim_in_force(&claim, &settings, NOON + 101));
    assert_int_equal(ss_claim_binds_until(&claim, &settings), NOON + 100);
    claim.expires = 0;
    claim.last_seen = NOON + 30 * SS_DAY;
    claim.days = 2;
    assert_int_equal(ss_claim_binds_until(&claim, &settings), NOON + 44 * SS_DAY);
    claim.days = UINT32_MAX;
    assert_int_equal(ss_claim_binds_until(&claim, &settings), NOON + 60 * SS_DAY);
    claim.last_seen = NOON + 1000 * SS_DAY;
    assert_int_equal(ss_claim_binds_until(&claim, &settings), NOON + 1090 * SS_DAY);
    claim.last_seen = INT64_MAX;
    assert_int_equal(ss_claim_binds_until(&claim, &settings), INT64_MAX);
}

static void
check_defaults(void **state)
{
    struct ss_memory_settings settings;
    int kind;

    (void)state;
    ss_memory_settings_init(&settings);
    for (kind = 1; kind <= 4; kind++)
        assert_int_equal(settings.mode[kind], SMTPSEC_MODE_ENFORCE);
    assert_int_equal(settings.soft_pkix_mode, SMTPSEC_MODE_REPORT);
    assert_int_equal(settings.cap, 90 * SS_DAY);
    assert_int_equal(settings.hold, 72 * HOUR);
}

int
main(void)
{
    struct ss_table t = SS_TABLE("memory/rules");

    SS_TABLE_ROWS(&t, check_story, rows);
    ss_table_case(&t, "6.12 strangers do not push out what is in force", check_eviction);
    ss_table_case(&t, "6.2 lives", check_in_force);
    ss_table_case(&t, "defaults", check_defaults);
    return ss_table_run(&t);
}
