/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Report mode against enforce mode (design 6.8, 10), by random records, plans
 * and sessions: what the one says would be refused is exactly what the other
 * refuses, at the plan or at the session, and for the same reason.
 */
#include "table.h"

#include <string.h>

#include "certs.h"
#include "facts.h"
#include "decision/verify.h"
#include "pkix/anchors.h"
#include "worlds.h"

#define WORLDS 1500
#define SESSIONS 4

static struct ss_test_cert *root, *good, *self_signed;
static struct smtpsec_anchors *anchors;

/* How often each thing was met: a comparison that nothing reaches proves nothing. */
static struct {
    unsigned hosts, lost, answers, tls, dane, pkix, old_tls, mixed, ended, met;
} seen;

static void
make_certificates(void)
{
    root = ss_test_cert(&(struct ss_test_cert_spec){.cn = "Root", .key = 1, .ca = true});
    good = ss_test_cert(&(struct ss_test_cert_spec){
        .cn = "leaf", .key = 2, .issuer = root, .dns = {"*.d.test", "d.test"}});
    self_signed = ss_test_cert(
        &(struct ss_test_cert_spec){.cn = "leaf", .key = 3, .dns = {"*.d.test", "d.test"}});
    if (ss_anchors_new(&anchors) != 0 || ss_anchors_add_der(anchors, ss_test_cert_der(root)) != 0)
        abort();
}

/* ---- Settings, evidence and plans ---- */

enum how { ENFORCE, REPORT, MIXED };

static void
make_settings(struct ss_settings *settings, enum how how, uint64_t choice)
{
    int32_t *mode = settings->memory.mode;
    int32_t kind;

    ss_settings_init(settings);
    /* Where DANE is only audited, the memory is the one that may ask for it. */
    if (facts_pick(&choice, 3) == 0)
        settings->dane = SMTPSEC_MODE_REPORT;
    settings->dane_over_sts = facts_pick(&choice, 4) == 0;
    settings->insecure_mx =
        facts_pick(&choice, 4) == 0 ? SMTPSEC_LEVEL_ENCRYPTED : SMTPSEC_LEVEL_DANE;
    settings->minimum = facts_pick(&choice, 8) == 0 ? SMTPSEC_LEVEL_AUTHENTICATED
                                                    : SMTPSEC_LEVEL_NONE;
    for (kind = SMTPSEC_CLAIM_DANE; kind <= SMTPSEC_CLAIM_DNSSEC; kind++) {
        mode[kind] = how == REPORT ? SMTPSEC_MODE_REPORT : SMTPSEC_MODE_ENFORCE;
        if (how == MIXED && facts_pick(&choice, 2) == 0)
            mode[kind] = SMTPSEC_MODE_REPORT;
    }
    settings->memory.soft_pkix_mode = how == ENFORCE ? SMTPSEC_MODE_ENFORCE : SMTPSEC_MODE_REPORT;
}

static struct smtpsec_plan *
make_plan(const struct world *world, enum how how, uint64_t choice)
{
    static const int64_t refused[] = {0, 0, FACTS_NOW - 3600, FACTS_NOW - 80 * 3600};
    struct smtpsec_message message = {false, false, false, false};
    struct smtpsec_plan *plan = NULL, *derived = NULL;
    struct ss_settings settings;
    struct ss_evidence evidence;

    make_settings(&settings, how, choice);
    world_remember(world, &evidence);
    world_tell(world, &evidence, 0);
    evidence.record.refused_since = refused[facts_pick(&choice, 4)];
    if (facts_pick(&choice, 6) == 0)
        evidence.dnssec = SMTPSEC_DNSSEC_LOST;
    assert_int_equal(ss_decide(&evidence, &settings, FACTS_NOW, &plan), 0);
    ss_evidence_free(&evidence);
    message.requiretls = facts_pick(&choice, 6) == 0;
    message.tls_required_no = facts_pick(&choice, 6) == 0;
    assert_int_equal(ss_plan_copy_facts(plan, &derived), 0);
    assert_int_equal(ss_plan_apply(derived, &message), 0);
    ss_plan_free(plan);
    return derived;
}

/* ---- Sessions ---- */

static void
make_session(struct smtpsec_session *session, uint64_t *seed)
{
    struct ss_test_cert *leaf = facts_pick(seed, 2) == 0 ? good : self_signed;

    memset(session, 0, sizeof(*session));
    session->starttls = facts_pick(seed, 3) > 0
                            ? SMTPSEC_STARTTLS_DONE
                            : (int32_t)facts_pick(seed, SMTPSEC_STARTTLS_INJECTED + 1);
    session->version = facts_pick(seed, 6) == 0 ? 0x0302 : 0x0304;
    if (facts_pick(seed, 8) == 0) {
        session->resumed = true;
        return;
    }
    assert_int_equal(ss_session_add(session, ss_test_cert_der(leaf)), 0);
    if (leaf == good)
        assert_int_equal(ss_session_add(session, ss_test_cert_der(root)), 0);
}

/* Worlds have TLSA records that match nobody; the first one is made to match the good leaf. */
static void
let_match(const struct smtpsec_requirement *plain, struct smtpsec_requirement **out)
{
    uint8_t digest[SS_SHA256_LEN];
    struct ss_tlsa *record;
    size_t i;

    assert_int_equal(ss_requirement_copy(plain, out), 0);
    assert_int_equal(ss_sha256(ss_test_cert_spki(good).data, ss_test_cert_spki(good).len, digest), 0);
    for (i = 0; i < (*out)->tlsa.count; i++) {
        record = &(*out)->tlsa.records[i];
        if (record->usage == 3 && record->matching == 1)
            memcpy(record->data, digest, sizeof(digest));
    }
    assert_int_equal(ss_requirement_seal_digest(*out), 0);
}

static void
judge(const struct smtpsec_host *host, struct smtpsec_session *session,
      struct smtpsec_verdict *verdict)
{
    struct smtpsec_requirement *requirement;

    let_match(host->requirement, &requirement);
    memcpy(session->resumed_digest, requirement->digest, SS_SHA256_LEN);
    assert_int_equal(ss_verify(anchors, requirement, session, FACTS_NOW, verdict), 0);
    ss_verdict_clear(verdict);
    ss_requirement_free(requirement);
}

static void
count_session(const struct smtpsec_session *session, const struct smtpsec_verdict *verdict)
{
    if (verdict->detail == SMTPSEC_REASON_TLS_VERSION)
        seen.old_tls++;
    else if (session->starttls != SMTPSEC_STARTTLS_DONE)
        seen.tls++;
    else if (verdict->detail == SMTPSEC_REASON_DANE_NO_MATCH)
        seen.dane++;
    else
        seen.pkix++;
}

/* One session, under the requirement of each plan for one host. */
static void
compare_session(const struct smtpsec_host *enforced, const struct smtpsec_host *reported,
                uint64_t *seed)
{
    struct smtpsec_verdict refused, told;
    struct smtpsec_session session;

    make_session(&session, seed);
    judge(enforced, &session, &refused);
    judge(reported, &session, &told);
    assert_false(refused.would_refuse && !enforced->floors.hold_ended);
    if (told.accepted && enforced->floors.hold_ended) {
        /* After a hold enforcing refuses no more, and goes on to tell. */
        assert_int_equal(told.would_refuse, !refused.accepted || refused.would_refuse);
        seen.ended += told.would_refuse;
    } else if (told.accepted) {
        assert_int_equal(told.would_refuse, !refused.accepted);
        assert_int_equal(told.would_reason, refused.accepted ? SMTPSEC_REASON_NONE : refused.reason);
        if (told.would_refuse)
            count_session(&session, &refused);
        else
            seen.met++;
        /* It is no result of RFC 8460: only what others ask is one. */
        if (told.would_refuse && told.reason == SMTPSEC_REASON_DOWNGRADE &&
            session.starttls == SMTPSEC_STARTTLS_DONE)
            assert_true(told.result == SMTPSEC_RESULT_NONE ||
                        told.result == SMTPSEC_RESULT_TLSA_INVALID);
    }
    ss_session_clear(&session);
}

/* The host is not used where all is enforced: where it is, each session says so. */
static void
compare_refused(const struct smtpsec_host *enforced, const struct smtpsec_host *reported,
                uint64_t *seed)
{
    struct smtpsec_verdict told;
    struct smtpsec_session session;

    if (reported->requirement == NULL)
        return;
    make_session(&session, seed);
    judge(reported, &session, &told);
    assert_int_equal(told.would_refuse, told.accepted);
    assert_int_equal(told.would_reason, told.accepted ? enforced->reason : SMTPSEC_REASON_NONE);
    ss_session_clear(&session);
}

static bool
by_memory(int32_t reason)
{
    return reason == SMTPSEC_REASON_DOWNGRADE || reason == SMTPSEC_REASON_DNSSEC_LOST;
}

static void
compare_host(const struct smtpsec_host *enforced, const struct smtpsec_host *reported, enum how how,
             uint64_t *seed)
{
    size_t i;

    if (how == MIXED && by_memory(reported->reason)) {
        seen.mixed++;
        return;
    }
    assert_false(enforced->would_refuse);
    assert_int_equal(reported->would_refuse, by_memory(enforced->reason));
    assert_int_equal(reported->floor_text[0] != '\0', by_memory(enforced->reason));
    if (by_memory(enforced->reason)) {
        assert_int_equal(reported->would_reason, enforced->reason);
        assert_non_null(strstr(reported->floor_text, "; ends by itself at 20"));
        assert_string_equal(reported->floor_text, enforced->floor_text);
        seen.hosts++;
        seen.lost += enforced->reason == SMTPSEC_REASON_DNSSEC_LOST;
        for (i = 0; i < SESSIONS; i++)
            compare_refused(enforced, reported, seed);
        return;
    }
    assert_int_equal(reported->action, enforced->action);
    assert_int_equal(reported->reason, enforced->reason);
    for (i = 0; i < SESSIONS && enforced->requirement != NULL; i++)
        compare_session(enforced, reported, seed);
}

static void
compare_plans(const struct world *world, enum how how, uint64_t seed)
{
    struct smtpsec_plan *enforced = make_plan(world, ENFORCE, seed);
    struct smtpsec_plan *reported = make_plan(world, how, seed);
    /* A live policy holds an answer in any mode. */
    bool would = enforced->reason == SMTPSEC_REASON_ANSWER_HELD &&
                 reported->reason != SMTPSEC_REASON_ANSWER_HELD;
    size_t i;

    assert_int_equal(enforced->count, reported->count);
    seen.answers += would;
    for (i = 0; i < enforced->count; i++) {
        compare_host(&enforced->hosts[i], &reported->hosts[i], how, &seed);
        would = would || by_memory(enforced->hosts[i].reason);
    }
    if (how == REPORT)
        assert_int_equal(reported->would_refuse, would);
    assert_false(enforced->would_refuse);
    ss_plan_free(enforced);
    ss_plan_free(reported);
}

static void
parity(void **state)
{
    uint64_t seed = 20271115;
    struct world world;
    unsigned share = ss_test_share();
    size_t i;

    (void)state;
    for (i = 0; i < WORLDS / share; i++) {
        world_make(&world, &seed);
        compare_plans(&world, REPORT, facts_random(&seed));
        compare_plans(&world, MIXED, facts_random(&seed));
    }
    print_message("hosts %u (%u DNSSEC lost, %u in part enforced), answers %u; sessions: TLS %u, "
                  "DANE %u, PKIX %u, old TLS %u, after a hold %u, met %u\n",
                  seen.hosts, seen.lost, seen.mixed, seen.answers, seen.tls, seen.dane, seen.pkix,
                  seen.old_tls, seen.ended, seen.met);
    assert_true(seen.hosts > 100 / share && seen.met > 1000 / share);
    if (share > 1)
        return; /* a part of the worlds need not have each thing; all of them must */
    assert_true(seen.lost > 10 && seen.mixed > 20 && seen.answers > 10);
    assert_true(seen.tls > 100 && seen.pkix > 100 && seen.dane > 20 && seen.old_tls > 20);
    assert_true(seen.ended > 20);
}

int
main(void)
{
    struct ss_table t = SS_TABLE("parity");
    int failed;

    make_certificates();
    ss_table_case(&t, "PREC-09 report mode tells exactly what enforce mode refuses", parity);
    failed = ss_table_run(&t);
    ss_anchors_unref(anchors);
    ss_test_certs_free();
    return failed;
}
