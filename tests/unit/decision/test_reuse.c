/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * What one requirement covers of another, by random requirements and real
 * chains: where it says yes, every session that the one accepts the other
 * accepts. And what an open session satisfies, case by case.
 */
#include "table.h"

#include <string.h>

#include "certs.h"
#include "facts.h"
#include "decision/reuse.h"
#include "decision/verify.h"
#include "pkix/anchors.h"
#include "worlds.h"

#define WORLDS 60
#define CHANGES 16
#define CHAINS 5

static struct ss_test_cert *root, *leaves[CHAINS];
static struct smtpsec_anchors *anchors;

static struct {
    unsigned covered, changed, refused, right, accepted;
} seen;

static void
make_certificates(void)
{
    static const char *const names[CHAINS] = {"a.d.test", "d.test", "*.d.test", "other.test",
                                              "a.d.test"};
    int i;

    root = ss_test_cert(&(struct ss_test_cert_spec){.cn = "Root", .key = 1, .ca = true});
    for (i = 0; i < CHAINS; i++)
        leaves[i] = ss_test_cert(&(struct ss_test_cert_spec){
            .cn = "leaf", .key = (unsigned)i + 2, .issuer = i < CHAINS - 1 ? root : NULL,
            .dns = {names[i]}});
    if (ss_anchors_new(&anchors) != 0 || ss_anchors_add_der(anchors, ss_test_cert_der(root)) != 0)
        abort();
}

static void
show_chain(struct smtpsec_session *session, size_t which)
{
    assert_int_equal(ss_session_add(session, ss_test_cert_der(leaves[which])), 0);
    if (which < CHAINS - 1)
        assert_int_equal(ss_session_add(session, ss_test_cert_der(root)), 0);
}

/* ---- Random requirements ---- */

static void
digest_of(struct ss_bytes octets, uint8_t digest[SS_SHA256_LEN])
{
    assert_int_equal(ss_sha256(octets.data, octets.len, digest), 0);
}

/* A record of a world matches nobody; let it match one of our chains, or its anchor. */
static void
let_match(struct smtpsec_requirement *requirement, uint64_t *seed)
{
    size_t i;

    for (i = 0; i < requirement->tlsa.count; i++) {
        struct ss_tlsa *record = &requirement->tlsa.records[i];

        if (record->matching != 1 || facts_pick(seed, 3) == 0)
            continue;
        if (facts_pick(seed, 2) == 0)
            record->usage = (uint8_t)(2 + facts_pick(seed, 2));
        digest_of(record->usage == 2   ? record->selector == 0 ? ss_test_cert_der(root)
                                                               : ss_test_cert_spki(root)
                  : record->selector == 0 ? ss_test_cert_der(leaves[facts_pick(seed, 2) * 4])
                                          : ss_test_cert_spki(leaves[facts_pick(seed, 2) * 4]),
                  record->data);
    }
}

static void
change_tlsa(struct smtpsec_requirement *r, uint64_t *seed)
{
    struct ss_tlsa *record;

    if (r->tlsa.count == 0)
        return;
    record = &r->tlsa.records[facts_pick(seed, r->tlsa.count)];
    if (facts_pick(seed, 2) == 0 && record->len > 0)
        record->data[0] ^= 1;
    else
        record->usage = record->usage == 3 ? 2 : 3;
}

static void
change_names(struct smtpsec_requirement *r, uint64_t *seed)
{
    struct ss_name name = facts_name(facts_pick(seed, 2) == 0 ? "other.test" : "a.d.test");

    if (r->dane_name_count > 0 && facts_pick(seed, 2) == 0)
        r->dane_name_count--;
    else if (r->dane_name_count < SS_DANE_NAMES)
        ss_reference_set(&r->dane_names[r->dane_name_count++], &name);
}

static void
change_identities(struct smtpsec_requirement *r, uint64_t *seed)
{
    r->identities ^= facts_pick(seed, 2) == 0 && ss_tlsa_set_usable(&r->tlsa)
                         ? SMTPSEC_IDENTITY_DANE
                         : SMTPSEC_IDENTITY_PKIX;
    if (r->identities != 0)
        r->tls = SMTPSEC_TLS_REQUIRED;
}

/* Change one thing, to more or to less. */
static void
change(struct smtpsec_requirement *r, uint64_t *seed)
{
    struct ss_name name = facts_name("b.d.test");

    switch (facts_pick(seed, 11)) {
    case 0:
        if (r->identities == 0)
            r->tls = !r->tls;
        break;
    case 1:
    case 2:
        change_identities(r, seed);
        break;
    case 3:
        r->tls_version = r->tls_version == 0x0303 ? 0x0304 : 0x0303;
        break;
    case 4:
        change_tlsa(r, seed);
        break;
    case 5:
        change_names(r, seed);
        break;
    case 6:
        r->requiretls = !r->requiretls;
        break;
    case 7:
        ss_reference_set(facts_pick(seed, 2) == 0 ? &r->sni : &r->host, &name);
        break;
    case 8:
        r->lifted = !r->lifted;
        break;
    case 9:
        r->key.port ^= 1;
        break;
    default:
        r->sources = SMTPSEC_SOURCE_OPERATOR; /* why: it changes nothing */
        break;
    }
}

static bool
accepts(const struct smtpsec_requirement *requirement, const struct smtpsec_session *session)
{
    struct smtpsec_verdict verdict;

    assert_int_equal(ss_verify(anchors, requirement, session, FACTS_NOW, &verdict), 0);
    ss_verdict_clear(&verdict);
    return verdict.accepted;
}

/* Every kind of session. */
static void
compare(const struct smtpsec_requirement *opened, const struct smtpsec_requirement *wanted)
{
    static const int32_t without[] = {SMTPSEC_STARTTLS_ABSENT, SMTPSEC_STARTTLS_REFUSED,
                                      SMTPSEC_STARTTLS_FAILED, SMTPSEC_STARTTLS_INJECTED};
    static const uint16_t versions[] = {0x0302, 0x0303, 0x0304};
    bool covers = ss_requirement_covers(opened, wanted), lost = false;
    struct smtpsec_session session;
    size_t i, k;

    for (i = 0; i < CHAINS * 3 + 4; i++) {
        memset(&session, 0, sizeof(session));
        if (i < CHAINS * 3) {
            session.starttls = SMTPSEC_STARTTLS_DONE;
            session.version = versions[i % 3];
            show_chain(&session, i / 3);
        } else {
            k = i - CHAINS * 3;
            session.starttls = without[k];
        }
        if (accepts(opened, &session)) {
            seen.accepted++;
            lost = lost || !accepts(wanted, &session);
        }
        ss_session_clear(&session);
    }
    assert_false(covers && lost);
    seen.covered += covers;
    seen.changed += covers && memcmp(opened->digest, wanted->digest, SS_SHA256_LEN) != 0;
    seen.refused += !covers;
    seen.right += lost;
}

static void
change_and_compare(const struct smtpsec_requirement *plain, uint64_t *seed)
{
    struct smtpsec_requirement *opened, *wanted;
    size_t i, n;

    assert_int_equal(ss_requirement_copy(plain, &opened), 0);
    let_match(opened, seed);
    assert_int_equal(ss_requirement_seal_digest(opened), 0);
    assert_int_equal(ss_requirement_covers(opened, opened), !opened->lifted);
    for (i = 0; i < CHANGES; i++) {
        assert_int_equal(ss_requirement_copy(opened, &wanted), 0);
        for (n = facts_pick(seed, 3) + 1; n > 0; n--)
            change(wanted, seed);
        assert_int_equal(ss_requirement_seal_digest(wanted), 0);
        compare(opened, wanted);
        compare(wanted, opened);
        ss_requirement_free(wanted);
    }
    ss_requirement_free(opened);
}

static void
covering(void **state)
{
    uint64_t seed = 20271116;
    struct world world;
    unsigned share = ss_test_share();
    size_t i, k;

    (void)state;
    for (i = 0; i < WORLDS / share; i++) {
        struct smtpsec_plan *plan;

        world_make(&world, &seed);
        plan = world_plan(&world, 0);
        for (k = 0; k < plan->count; k++)
            if (plan->hosts[k].requirement != NULL && facts_pick(&seed, 4) == 0)
                change_and_compare(plan->hosts[k].requirement, &seed);
        ss_plan_free(plan);
    }
    print_message("covered %u (%u of another digest), not covered %u, of these %u would have let "
                  "a session through; %u sessions accepted\n", seen.covered, seen.changed,
                  seen.refused, seen.right, seen.accepted);
    assert_true(seen.covered > 100 / share && seen.changed > 60 / share);
    assert_true(seen.refused > 200 / share && seen.right > 50 / share);
    assert_true(seen.accepted > 2000 / share);
}

/* ---- One open session ---- */

enum {
    OTHER_HOST = 1, OTHER_PORT = 2, OTHER_SNI = 4, OTHER_DOMAIN = 8, LIFTED_THEN = 16,
    LIFTED_NOW = 32, PLAIN = 64, NO_CHAIN = 128, RESUMED = 256, RESUMED_OTHER = 512,
    BAD_CHAIN = 1024, ASKS_REQUIRETLS = 2048, OFFERS_REQUIRETLS = 4096, NOT_OPENED = 8192,
    LATER = 16384, OLD_TLS = 32768, RAISED = 65536, NOT_DEMANDED = 131072, TOO_LONG = 262144, RAW_KEY = 524288
};

struct row {
    const char *name;
    unsigned how;
    bool want;
};

static const struct row rows[] = {
    {"PREC-12 the same requirement, its chain kept", 0, true},
    {"PREC-12 the chain does not verify", BAD_CHAIN, false},
    {"PREC-12 the TLS version is too old", OLD_TLS, false},
    {"PREC-12 another host", OTHER_HOST, false},
    {"PREC-12 another port", OTHER_PORT, false},
    {"PREC-12 another SNI", OTHER_SNI, false},
    {"PREC-12 another recipient domain at the same host, which proves the same", OTHER_DOMAIN,
     true},
    {"PREC-12 another recipient domain, without the chain", OTHER_DOMAIN | NO_CHAIN, false},
    {"PREC-12 opened under TLS-Required: No", LIFTED_THEN, false},
    {"PREC-12 wanted under TLS-Required: No", LIFTED_NOW, false},
    {"PREC-12 REQUIRETLS is wanted, and not offered", ASKS_REQUIRETLS, false},
    {"PREC-12 REQUIRETLS is wanted and offered", ASKS_REQUIRETLS | OFFERS_REQUIRETLS, true},
    {"PREC-12 cleartext, and TLS is demanded", PLAIN, false},
    {"PREC-12 cleartext, and nothing is demanded", PLAIN | NOT_DEMANDED, true},
    {"PREC-12 TLS, and nothing is demanded", NOT_DEMANDED | BAD_CHAIN, true},
    {"PREC-12 without its chain, under the same requirement", NO_CHAIN, true},
    {"PREC-12 without its chain, and TLS too old", NO_CHAIN | OLD_TLS, false},
    {"PREC-12 without its chain, more is asked now", NO_CHAIN | RAISED, false},
    {"PREC-12 without its chain, which was too long to be judged", NO_CHAIN | TOO_LONG, false},
    {"PREC-12 a raw key in place of the chain is judged, and is no PKIX", NO_CHAIN | RAW_KEY, false},
    {"PREC-12 resumed without a chain, under the same requirement", NO_CHAIN | RESUMED, true},
    {"PREC-12 resumed without a chain, under another digest", NO_CHAIN | RESUMED_OTHER, false},
    {"PREC-12 resumed without a chain, more is asked now", NO_CHAIN | RESUMED | RAISED, false},
    {"PREC-12 the chain is kept, more is asked now, and it proves that", RAISED, true},
    {"PREC-12 nobody said what it was opened under", NOT_OPENED, false},
    {"PREC-12 the requirement is too old", LATER, false},
    {"PREC-12 the requirement is too old, no chain", LATER | NO_CHAIN, false},
};

static struct smtpsec_requirement *
want(const struct row *row)
{
    struct ss_name host = facts_name((row->how & OTHER_HOST) != 0 ? "b.d.test" : "a.d.test");
    struct ss_name sni = facts_name((row->how & OTHER_SNI) != 0 ? "b.d.test" : "a.d.test");
    struct ss_name domain = facts_name((row->how & OTHER_DOMAIN) != 0 ? "e.test" : "d.test");
    struct smtpsec_requirement *r;

    assert_int_equal(ss_requirement_new(&r), 0);
    r->key.domain = domain;
    r->key.port = (row->how & OTHER_PORT) != 0 ? 587 : 25;
    ss_reference_set(&r->host, &host);
    ss_reference_set(&r->sni, &sni);
    r->tls_version = 0x0303;
    r->expires = FACTS_NOW + 300;
    r->lifted = (row->how & LIFTED_NOW) != 0;
    r->requiretls = (row->how & ASKS_REQUIRETLS) != 0;
    if ((row->how & NOT_DEMANDED) == 0) {
        r->tls = SMTPSEC_TLS_REQUIRED;
        r->identities = SMTPSEC_IDENTITY_PKIX;
        r->sources = SMTPSEC_SOURCE_MTA_STS;
    }
    r->reported.tls = r->tls;
    r->reported.identities = r->identities;
    assert_int_equal(ss_requirement_seal_digest(r), 0);
    return r;
}

/* What it was opened under: the same host, port and SNI of d.test, whatever is wanted now. */
static void
open_session(const struct row *row, struct smtpsec_session *session)
{
    static const unsigned now_alone = OTHER_HOST | OTHER_PORT | OTHER_SNI | OTHER_DOMAIN |
                                      LIFTED_NOW | ASKS_REQUIRETLS;
    struct row then = {"", row->how & ~now_alone, false};
    struct smtpsec_requirement *opened;

    if ((row->how & RAISED) != 0)
        then.how |= NOT_DEMANDED;
    if ((row->how & ASKS_REQUIRETLS) != 0 && (row->how & OFFERS_REQUIRETLS) != 0)
        then.how |= ASKS_REQUIRETLS;
    opened = want(&then);
    opened->lifted = (row->how & LIFTED_THEN) != 0;
    if ((row->how & NOT_OPENED) == 0)
        ss_session_open_under(session, opened);
    if ((row->how & RESUMED) != 0)
        memcpy(session->resumed_digest, opened->digest, SS_SHA256_LEN);
    ss_requirement_free(opened);
}

static void
check(void **state)
{
    const struct row *row = *state;
    struct smtpsec_requirement *requirement = want(row);
    struct smtpsec_session session;
    bool fits = !row->want;

    memset(&session, 0, sizeof(session));
    session.starttls = (row->how & PLAIN) != 0 ? SMTPSEC_STARTTLS_ABSENT : SMTPSEC_STARTTLS_DONE;
    session.version = (row->how & OLD_TLS) != 0 ? 0x0302 : 0x0304;
    session.requiretls_offered = (row->how & OFFERS_REQUIRETLS) != 0;
    session.too_long = (row->how & TOO_LONG) != 0;
    session.resumed = (row->how & (RESUMED | RESUMED_OTHER)) != 0;
    if ((row->how & (PLAIN | NO_CHAIN)) == 0)
        show_chain(&session, (row->how & BAD_CHAIN) != 0 ? 3 : 0);
    if ((row->how & RAW_KEY) != 0)
        assert_int_equal(ss_session_set_raw_key(&session, ss_test_cert_spki(leaves[0])), 0);
    open_session(row, &session);
    assert_int_equal(ss_session_satisfies(anchors, requirement, &session,
                                          FACTS_NOW + ((row->how & LATER) != 0 ? 301 : 0), &fits),
                     0);
    assert_int_equal(fits, row->want);
    ss_session_clear(&session);
    ss_requirement_free(requirement);
}

/* A record that one looks at and the other does not: a digest that was switched off, say. */
static void
records_judged_otherwise(void **state)
{
    struct row plain = {"", 0, true};
    struct smtpsec_requirement *one = want(&plain), *two = want(&plain);
    struct ss_tlsa record;
    uint8_t octets[32] = {7};

    (void)state;
    memset(&record, 0, sizeof(record));
    record.usage = 3;
    record.selector = record.matching = 1;
    record.data = octets;
    record.len = sizeof(octets);
    assert_int_equal(ss_tlsa_set_add(&one->tlsa, &record), 0);
    record.reason = SMTPSEC_REASON_TLSA_DISABLED;
    assert_int_equal(ss_tlsa_set_add(&two->tlsa, &record), 0);
    one->identities = two->identities = SMTPSEC_IDENTITY_DANE;
    assert_true(ss_requirement_covers(one, one));
    assert_false(ss_requirement_covers(one, two));
    assert_false(ss_requirement_covers(two, one));
    ss_requirement_free(one);
    ss_requirement_free(two);
}

/* ---- Address literals ---- */

static struct smtpsec_requirement *
of_literal(const char *literal)
{
    struct smtpsec_requirement *r;

    assert_int_equal(ss_requirement_new(&r), 0);
    strcpy(r->domain, literal);
    r->key.port = 25;
    r->level = SMTPSEC_LEVEL_ENCRYPTED;
    r->tls = SMTPSEC_TLS_REQUIRED;
    r->sources = SMTPSEC_SOURCE_OPERATOR;
    r->tls_version = 0x0303;
    r->expires = FACTS_NOW + 300;
    assert_int_equal(ss_requirement_seal_digest(r), 0);
    return r;
}

/* As it is in another process. */
static struct smtpsec_requirement *
read_back(const struct smtpsec_requirement *requirement)
{
    struct smtpsec_requirement *back;
    struct ss_bytes bytes;
    struct ss_buf buf;

    ss_buf_init(&buf, 1 << 20);
    ss_requirement_encode(requirement, &buf);
    bytes.data = buf.data;
    bytes.len = buf.len;
    assert_int_equal(ss_requirement_decode(bytes, &back), 0);
    ss_buf_free(&buf);
    return back;
}

static bool
serves(const struct smtpsec_requirement *opened, const struct smtpsec_requirement *wanted)
{
    struct smtpsec_session session;
    bool fits = false;

    memset(&session, 0, sizeof(session));
    session.starttls = SMTPSEC_STARTTLS_DONE;
    session.version = 0x0304;
    ss_session_open_under(&session, opened);
    assert_int_equal(ss_session_satisfies(anchors, wanted, &session, FACTS_NOW, &fits), 0);
    assert_int_equal(ss_requirement_covers(opened, wanted), fits);
    return fits;
}

static void
literals(void **state)
{
    struct smtpsec_requirement *one = of_literal("[192.0.2.1]"), *two = of_literal("[192.0.2.2]");
    struct smtpsec_requirement *one_back = read_back(one), *two_back = read_back(two);

    (void)state;
    assert_true(serves(one, one));
    assert_false(serves(one, two));
    assert_false(serves(one_back, two_back));
    assert_false(serves(one_back, two));
    assert_false(serves(one, two_back));
    ss_requirement_free(one);
    ss_requirement_free(two);
    ss_requirement_free(one_back);
    ss_requirement_free(two_back);
}

int
main(void)
{
    struct ss_table t = SS_TABLE("decision/reuse");
    int failed;

    make_certificates();
    SS_TABLE_ROWS(&t, check, rows);
    ss_table_case(&t, "PREC-12 the same records, judged otherwise", records_judged_otherwise);
    ss_table_case(&t, "PREC-12 two address literals, in one process and read back", literals);
    ss_table_case(&t, "PREC-12 what is covered lets no session through that would be refused",
                  covering);
    failed = ss_table_run(&t);
    ss_anchors_unref(anchors);
    ss_test_certs_free();
    return failed;
}
