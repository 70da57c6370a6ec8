/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* An outcome: as octets, and what it tells the memory. */
#include "table.h"

#include <string.h>

#include "decision/outcome.h"
#include "facts.h"

static struct smtpsec_outcome *
full(void)
{
    struct smtpsec_requirement *requirement;
    struct smtpsec_outcome *outcome;
    struct ss_name name = facts_name("mx.d.test");

    assert_int_equal(ss_requirement_new(&requirement), 0);
    requirement->key.domain = facts_name("d.test");
    requirement->key.port = 25;
    ss_reference_set(&requirement->host, &name);
    requirement->level = SMTPSEC_LEVEL_DANE;
    requirement->sources = SMTPSEC_SOURCE_DANE | SMTPSEC_SOURCE_MEMORY;
    requirement->mx_secure = true;
    requirement->tlsa_expires = FACTS_NOW + 300;
    requirement->tlsa_inception = FACTS_NOW - 7;
    requirement->tlsa_expiration = FACTS_NOW + 8;
    assert_int_equal(ss_requirement_seal_digest(requirement), 0);
    assert_int_equal(ss_outcome_new(requirement, FACTS_NOW, &outcome), 0);
    ss_requirement_free(requirement);
    outcome->starttls = SMTPSEC_STARTTLS_DONE;
    outcome->judged = outcome->verified = outcome->accepted = true;
    outcome->achieved = SMTPSEC_LEVEL_DANE;
    outcome->identities = SMTPSEC_IDENTITY_DANE;
    memset(outcome->tlsa_digest, 1, sizeof(outcome->tlsa_digest));
    memset(outcome->spki_digest, 2, sizeof(outcome->spki_digest));
    return outcome;
}

static void
signed_before_time(struct smtpsec_outcome *outcome)
{
    outcome->inception = INT64_MIN;
}

static void
lives_for_ever(struct smtpsec_outcome *outcome)
{
    outcome->expires = INT64_MAX;
}

static void
encode(const struct smtpsec_outcome *outcome, struct ss_buf *out)
{
    ss_buf_init(out, 4096);
    ss_outcome_encode(outcome, out);
    assert_true(ss_buf_ok(out));
}

static int
decode(const uint8_t *data, size_t len, struct smtpsec_outcome **out)
{
    /* An allocation of the exact size lets the sanitizers see a read past its end. */
    uint8_t *exact = malloc(len > 0 ? len : 1);
    struct ss_bytes bytes = {exact, len};
    int r;

    assert_non_null(exact);
    if (len > 0)
        memcpy(exact, data, len);
    *out = NULL;
    r = ss_outcome_decode(bytes, out);
    free(exact);
    return r;
}

typedef void (*change)(struct smtpsec_outcome *outcome);

struct row {
    const char *name;
    change change;
    int want; /* of decoding */
    bool says;
    enum ss_observed what;
};

static void
as_it_is(struct smtpsec_outcome *outcome)
{
    (void)outcome;
}

static void
by_relay(struct smtpsec_outcome *outcome)
{
    outcome->key.relay = facts_name("relay.test");
    outcome->key.domain = outcome->key.relay;
    outcome->key.port = 587;
    outcome->requiretls_offered = true;
}

static void
without_tls(struct smtpsec_outcome *outcome)
{
    outcome->starttls = SMTPSEC_STARTTLS_ABSENT;
    outcome->identities = 0;
    outcome->achieved = outcome->required = SMTPSEC_LEVEL_NONE;
}

static void
no_host(struct smtpsec_outcome *outcome)
{
    outcome->host.len = 0;
}

static void
unjudged(struct smtpsec_outcome *outcome)
{
    outcome->judged = outcome->verified = false;
}

static void
not_accepted(struct smtpsec_outcome *outcome)
{
    outcome->accepted = false;
}

static void
null_sender(struct smtpsec_outcome *outcome)
{
    outcome->null_sender = true;
}

static void
refused(struct smtpsec_outcome *outcome)
{
    outcome->verified = false;
    outcome->reason = SMTPSEC_REASON_NOT_TRUSTED;
}

static void
refused_by_memory(struct smtpsec_outcome *outcome)
{
    refused(outcome);
    outcome->reason = SMTPSEC_REASON_DOWNGRADE;
    outcome->memory_refused = outcome->soft = true;
}

static void
refused_by_hard_claims(struct smtpsec_outcome *outcome)
{
    refused_by_memory(outcome);
    outcome->soft = false;
}

static void
refused_soft_by_others(struct smtpsec_outcome *outcome)
{
    refused(outcome);
    outcome->soft = true;
}

static void
would_refuse(struct smtpsec_outcome *outcome)
{
    outcome->would_refuse = true;
    outcome->reason = SMTPSEC_REASON_DOWNGRADE;
}

static void
would_refuse_and_refused(struct smtpsec_outcome *outcome)
{
    refused(outcome);
    outcome->would_refuse = true;
}

static void
refused_by_memory_and_verified(struct smtpsec_outcome *outcome)
{
    outcome->memory_refused = true;
}

static void
refused_by_no_memory(struct smtpsec_outcome *outcome)
{
    refused_by_memory(outcome);
    outcome->sources = SMTPSEC_SOURCE_DANE;
}

static void
refused_by_memory_unreached(struct smtpsec_outcome *outcome)
{
    refused_by_memory(outcome);
    outcome->starttls = SMTPSEC_STARTTLS_NOT_REACHED;
    outcome->achieved = SMTPSEC_LEVEL_NONE;
    outcome->identities = 0;
}

static void
refused_and_accepted(struct smtpsec_outcome *outcome)
{
    refused(outcome);
    outcome->accepted = true;
}

static void
starttls_unknown(struct smtpsec_outcome *outcome)
{
    outcome->starttls = SMTPSEC_STARTTLS_INJECTED + 1;
}

static void
level_unknown(struct smtpsec_outcome *outcome)
{
    outcome->required = SMTPSEC_LEVEL_DANE + 1;
}

static void
achieved_unknown(struct smtpsec_outcome *outcome)
{
    outcome->achieved = SMTPSEC_LEVEL_DANE + 1;
}

static void
identity_unknown(struct smtpsec_outcome *outcome)
{
    outcome->identities = 4;
}

static void
identity_without_tls(struct smtpsec_outcome *outcome)
{
    without_tls(outcome);
    outcome->identities = SMTPSEC_IDENTITY_PKIX;
}

static void
level_without_tls(struct smtpsec_outcome *outcome)
{
    without_tls(outcome);
    outcome->achieved = SMTPSEC_LEVEL_ENCRYPTED;
}

static void
verified_unjudged(struct smtpsec_outcome *outcome)
{
    outcome->judged = false;
}

static void
capital_in_host(struct smtpsec_outcome *outcome)
{
    outcome->host.wire[1] = 'M';
}

static void
observed(struct smtpsec_outcome *outcome)
{
    ss_outcome_observe(outcome, SMTPSEC_STARTTLS_DONE);
}

static void
observed_plain(struct smtpsec_outcome *outcome)
{
    ss_outcome_observe(outcome, SMTPSEC_STARTTLS_ABSENT);
}

static void
observed_deferred(struct smtpsec_outcome *outcome)
{
    observed(outcome);
    outcome->accepted = false;
}

static void
observed_null_sender(struct smtpsec_outcome *outcome)
{
    observed(outcome);
    outcome->null_sender = true;
}

static void
observed_lifted(struct smtpsec_outcome *outcome)
{
    observed_plain(outcome);
    outcome->lifted = true;
}

static void
observed_identity(struct smtpsec_outcome *outcome)
{
    observed(outcome);
    outcome->identities = SMTPSEC_IDENTITY_DANE;
}

static void
observed_and_judged(struct smtpsec_outcome *outcome)
{
    observed(outcome);
    outcome->judged = outcome->verified = true;
}

static void
observed_level(struct smtpsec_outcome *outcome)
{
    observed(outcome);
    outcome->achieved = SMTPSEC_LEVEL_ENCRYPTED;
}

static void
observed_failure(struct smtpsec_outcome *outcome)
{
    ss_outcome_observe(outcome, SMTPSEC_STARTTLS_FAILED);
}

#define NOTHING false, SS_OBSERVED_DELIVERY

static const struct row rows[] = {
    {"PREC-10 an accepted, verified delivery raises", as_it_is, 0, true, SS_OBSERVED_DELIVERY},
    {"by a relay too", by_relay, 0, true, SS_OBSERVED_DELIVERY},
    {"a delivery in plaintext tells that TLS was missing", without_tls, 0, true,
     SS_OBSERVED_DELIVERY},
    {"an address literal is not remembered", no_host, 0, NOTHING},
    {"without a verdict nothing is known", unjudged, 0, NOTHING},
    {"PREC-10 a handshake alone raises nothing", not_accepted, 0, NOTHING},
    {"an empty sender raises nothing", null_sender, 0, NOTHING},
    {"a refusal for its certificate is not the memory's", refused, 0, NOTHING},
    {"PREC-09 a refusal by the memory counts", refused_by_memory, 0, true, SS_OBSERVED_REFUSAL},
    {"PREC-09 a refusal by hard claims is told, and starts no hold", refused_by_hard_claims, 0, true,
     SS_OBSERVED_REFUSAL},
    {"PREC-09 a delivery that would be refused is a delivery", would_refuse, 0, true,
     SS_OBSERVED_DELIVERY},
    {"bad: would be refused, and is", would_refuse_and_refused, SMTPSEC_E_FORMAT, NOTHING},
    {"bad: refused by the memory, and verified", refused_by_memory_and_verified, SMTPSEC_E_FORMAT,
     NOTHING},
    {"bad: refused by a memory that asks for nothing", refused_by_no_memory, SMTPSEC_E_FORMAT,
     NOTHING},
    {"bad: refused by the memory, and not reached", refused_by_memory_unreached, SMTPSEC_E_FORMAT,
     NOTHING},
    {"a refusal that others demanded too does not count", refused_soft_by_others, 0, NOTHING},
    {"who was refused raises nothing, whatever was accepted", refused_and_accepted, 0, NOTHING},
    {"bad: signed before all time", signed_before_time, SMTPSEC_E_FORMAT, NOTHING},
    {"bad: a TTL beyond all time", lives_for_ever, SMTPSEC_E_FORMAT, NOTHING},
    {"bad: unknown STARTTLS", starttls_unknown, SMTPSEC_E_FORMAT, NOTHING},
    {"bad: unknown level", level_unknown, SMTPSEC_E_FORMAT, NOTHING},
    {"bad: unknown level achieved", achieved_unknown, SMTPSEC_E_FORMAT, NOTHING},
    {"bad: unknown identity", identity_unknown, SMTPSEC_E_FORMAT, NOTHING},
    {"bad: an identity without TLS", identity_without_tls, SMTPSEC_E_FORMAT, NOTHING},
    {"bad: a level without TLS", level_without_tls, SMTPSEC_E_FORMAT, NOTHING},
    {"bad: verified without a verdict", verified_unjudged, SMTPSEC_E_FORMAT, NOTHING},
    {"PREC-10 a delivery in a log is a delivery", observed, 0, true, SS_OBSERVED_DELIVERY},
    {"one without TLS, too", observed_plain, 0, true, SS_OBSERVED_DELIVERY},
    {"a log's deferral says nothing", observed_deferred, 0, NOTHING},
    {"nor does its empty sender", observed_null_sender, 0, NOTHING},
    {"TRN-09 nor what TLS-Required: No lifted", observed_lifted, 0, NOTHING},
    {"bad: an identity in a log", observed_identity, SMTPSEC_E_FORMAT, NOTHING},
    {"bad: a verdict in a log", observed_and_judged, SMTPSEC_E_FORMAT, NOTHING},
    {"bad: a level in a log", observed_level, SMTPSEC_E_FORMAT, NOTHING},
    {"bad: a failed handshake in a log", observed_failure, SMTPSEC_E_FORMAT, NOTHING},
    {"bad: a capital letter in the host", capital_in_host, SMTPSEC_E_FORMAT, NOTHING},
};

static void
must_tell_all(const struct smtpsec_outcome *outcome, const struct ss_observation *observation)
{
    assert_int_equal(observation->at, outcome->at);
    assert_true(ss_name_equal(&observation->host, &outcome->host));
    if (observation->what == SS_OBSERVED_REFUSAL) {
        assert_int_equal(observation->soft, outcome->soft);
        return;
    }
    assert_int_equal(observation->tls, outcome->starttls == SMTPSEC_STARTTLS_DONE);
    assert_int_equal(observation->unseen, outcome->observed);
    assert_int_equal(observation->identities, outcome->observed ? 0 : outcome->identities);
    assert_int_equal(observation->mx_secure, outcome->mx_secure);
    assert_int_equal(observation->expires, FACTS_NOW + 300);
    assert_int_equal(observation->inception, FACTS_NOW - 7);
    assert_int_equal(observation->signature_expiration, FACTS_NOW + 8);
    assert_memory_equal(observation->tlsa_digest, outcome->tlsa_digest, SS_SHA256_LEN);
    assert_memory_equal(observation->spki_digest, outcome->spki_digest, SS_SHA256_LEN);
}

static void
check(void **state)
{
    const struct row *row = *state;
    struct smtpsec_outcome *outcome = full();
    struct smtpsec_outcome *back;
    struct ss_observation observation;
    struct ss_buf buf, again;

    row->change(outcome);
    encode(outcome, &buf);
    assert_int_equal(decode(buf.data, buf.len, &back), row->want);
    if (row->want == 0) {
        encode(back, &again);
        assert_int_equal(again.len, buf.len);
        assert_memory_equal(again.data, buf.data, buf.len);
        ss_buf_free(&again);
        assert_int_equal(ss_outcome_observation(back, &observation), row->says);
        if (row->says) {
            assert_int_equal(observation.what, row->what);
            must_tell_all(outcome, &observation);
        }
        free(back);
    }
    ss_buf_free(&buf);
    free(outcome);
}

static void
cut(void **state)
{
    struct smtpsec_outcome *outcome = full();
    struct smtpsec_outcome *back;
    struct ss_buf buf;
    size_t len;

    (void)state;
    encode(outcome, &buf);
    for (len = 0; len < buf.len; len++)
        assert_int_equal(decode(buf.data, len, &back), SMTPSEC_E_FORMAT);
    ss_buf_u8(&buf, 0);
    assert_int_equal(decode(buf.data, buf.len, &back), SMTPSEC_E_FORMAT);
    ss_buf_free(&buf);
    free(outcome);
}

/* There is one form for each outcome: what is read is written again octet for octet. */
static void
flip(void **state)
{
    struct smtpsec_outcome *outcome = full();
    struct smtpsec_outcome *back;
    struct ss_buf buf, again;
    size_t i, refusals = 0;
    unsigned bit;

    (void)state;
    encode(outcome, &buf);
    for (i = 0; i < buf.len; i++)
        for (bit = 0; bit < 8; bit++) {
            buf.data[i] ^= (uint8_t)(1U << bit);
            if (decode(buf.data, buf.len, &back) == 0) {
                encode(back, &again);
                assert_int_equal(again.len, buf.len);
                assert_memory_equal(again.data, buf.data, buf.len);
                ss_buf_free(&again);
                free(back);
            } else {
                refusals++;
            }
            buf.data[i] ^= (uint8_t)(1U << bit);
        }
    assert_true(refusals > 0);
    ss_buf_free(&buf);
    free(outcome);
}

/* A second session in one outcome leaves nothing of the first one's verdict. */
static void
take_twice(void **state)
{
    struct smtpsec_outcome *outcome = full();
    struct smtpsec_outcome *back;
    struct smtpsec_session session = {.starttls = SMTPSEC_STARTTLS_DONE};
    struct smtpsec_verdict verdict = {.accepted = true, .achieved = SMTPSEC_LEVEL_DANE,
                                      .identities = SMTPSEC_IDENTITY_DANE};
    struct ss_buf buf;

    (void)state;
    assert_int_equal(ss_outcome_take(outcome, &session, &verdict), 0);
    assert_true(outcome->judged && outcome->verified);
    assert_int_equal(outcome->identities, SMTPSEC_IDENTITY_DANE);
    session.starttls = SMTPSEC_STARTTLS_ABSENT;
    assert_int_equal(ss_outcome_take(outcome, &session, NULL), 0);
    assert_false(outcome->judged || outcome->verified);
    encode(outcome, &buf);
    assert_int_equal(decode(buf.data, buf.len, &back), 0);
    assert_int_equal(back->identities, 0);
    free(back);
    ss_buf_free(&buf);
    free(outcome);
}

int
main(void)
{
    struct ss_table t = SS_TABLE("outcome");

    SS_TABLE_ROWS(&t, check, rows);
    ss_table_case(&t, "every cut, and one octet more, is refused", cut);
    ss_table_case(&t, "what is read is written again octet for octet", flip);
    ss_table_case(&t, "a second session replaces the first", take_twice);
    return ss_table_run(&t);
}
