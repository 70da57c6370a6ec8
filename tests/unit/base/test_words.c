/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Every value of smtpsec.h has a word. The header itself is read (its path is
 * the argument), so that a value without one cannot be added unnoticed.
 */
#include "table.h"

#include <stdbool.h>
#include <stdio.h>
#include <string.h>

#include "base/words.h"
#include "smtpsec.h"

static char header[200000];

struct list {
    const char *name;
    const char *prefix;
    const char *except; /* a longer prefix that is another list, or NULL */
    const char *(*word)(int32_t value);
    size_t want_count;
};

static const char *
error_word(int32_t value)
{
    return smtpsec_error_name(value);
}

static const struct list lists[] = {
    { "words/error", "SMTPSEC_E_", NULL, error_word, 17 },
    { "words/trust", "SMTPSEC_TRUST_", NULL, smtpsec_trust_name, 4 },
    { "words/answer", "SMTPSEC_ANSWER_", NULL, smtpsec_answer_name, 4 },
    { "words/failure", "SMTPSEC_FAILURE_", NULL, smtpsec_failure_name, 26 },
    { "words/level", "SMTPSEC_LEVEL_", NULL, smtpsec_level_name, 6 },
    { "words/protection", "SMTPSEC_PROTECTION_", NULL, smtpsec_protection_name, 3 },
    { "words/tls", "SMTPSEC_TLS_", NULL, smtpsec_tls_name, 2 },
    { "words/identity", "SMTPSEC_IDENTITY_", NULL, smtpsec_identity_name, 2 },
    { "words/source", "SMTPSEC_SOURCE_", NULL, smtpsec_source_name, 5 },
    { "words/verdict", "SMTPSEC_VERDICT_", NULL, smtpsec_verdict_name, 3 },
    { "words/action", "SMTPSEC_ACTION_", NULL, smtpsec_action_name, 2 },
    { "words/origin", "SMTPSEC_ORIGIN_", NULL, smtpsec_origin_name, 4 },
    { "words/sts mode", "SMTPSEC_STS_", "SMTPSEC_STS_SOURCE_", smtpsec_sts_mode_name, 4 },
    { "words/sts source", "SMTPSEC_STS_SOURCE_", NULL, smtpsec_sts_source_name, 3 },
    { "words/dane status", "SMTPSEC_DANE_", NULL, smtpsec_dane_status_name, 6 },
    { "words/result", "SMTPSEC_RESULT_", NULL, smtpsec_result_name, 12 },
    { "words/policy", "SMTPSEC_POLICY_", NULL, smtpsec_policy_name, 3 },
    { "words/claim", "SMTPSEC_CLAIM_", NULL, smtpsec_claim_name, 4 },
    { "words/mode", "SMTPSEC_MODE_", NULL, smtpsec_mode_name, 3 },
    { "words/memory state", "SMTPSEC_MEMORY_", NULL, smtpsec_memory_state_name, 4 },
    { "words/need", "SMTPSEC_NEED_", NULL, smtpsec_need_name, 2 },
    { "words/starttls", "SMTPSEC_STARTTLS_", NULL, smtpsec_starttls_name, 6 },
    { "words/event", "SMTPSEC_EVENT_", NULL, smtpsec_event_name, 12 },
    { "words/stage", "SMTPSEC_STAGE_", NULL, smtpsec_stage_name, 9 },
    { "words/reply", "SMTPSEC_REPLY_", NULL, smtpsec_reply_name, 5 },
    { "words/reason", "SMTPSEC_REASON_", NULL, smtpsec_reason_name, 78 },
};

static void
check_word(const char *word)
{
    assert_true(strlen(word) > 0);
    assert_string_not_equal(word, "unknown");
    assert_int_equal(strspn(word, "abcdefghijklmnopqrstuvwxyz0123456789-"), strlen(word));
    assert_int_not_equal(word[0], '-');
    assert_int_not_equal(word[strlen(word) - 1], '-');
}

/* The next "NAME = value" behind *at with this prefix; false at the end. */
static bool
next_value(const char **at, const struct list *list, int32_t *value)
{
    const char *found = *at;
    const char *end;
    int number;

    while ((found = strstr(found, list->prefix)) != NULL) {
        end = found + strspn(found, "ABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_");
        if ((list->except == NULL || strncmp(found, list->except, strlen(list->except)) != 0) &&
            sscanf(end, " = %d", &number) == 1) {
            *value = number;
            *at = end;
            return true;
        }
        found = end;
    }
    return false;
}

static void
check_list(void **state)
{
    const struct list *list = *state;
    const char *words[128];
    const char *at = header;
    size_t count = 0;
    int32_t value;
    size_t i;

    while (next_value(&at, list, &value)) {
        assert_true(count < 128);
        words[count] = list->word(value);
        check_word(words[count]);
        for (i = 0; i < count; i++)
            assert_string_not_equal(words[i], words[count]);
        count++;
    }
    /* The header is walked itself; the count shows that the walk finds what was there once. */
    assert_true(count >= list->want_count);
    assert_string_equal(list->word(9999), "unknown");
    assert_string_equal(list->word(-9999), "unknown");
}

struct word_row {
    const char *name;
    const char *(*word)(int32_t value);
    int32_t value;
    const char *want;
};

/* The words of the JSON output that others read; they do not change. */
static const struct word_row fixed[] = {
    { "json/dnssec not asked", smtpsec_dnssec_name, SMTPSEC_DNSSEC_UNKNOWN, "unknown" },
    { "json/dnssec validates", smtpsec_dnssec_name, SMTPSEC_DNSSEC_VALIDATES, "validates" },
    { "json/dnssec lost", smtpsec_dnssec_name, SMTPSEC_DNSSEC_LOST, "lost" },
    { "json/dnssec untrusted", smtpsec_dnssec_name, SMTPSEC_DNSSEC_UNTRUSTED, "untrusted" },
    { "json/trust secure", smtpsec_trust_name, SMTPSEC_TRUST_SECURE, "secure" },
    { "json/trust bogus", smtpsec_trust_name, SMTPSEC_TRUST_BOGUS, "bogus" },
    { "json/origin null", smtpsec_origin_name, SMTPSEC_ORIGIN_NULL, "null" },
    { "json/origin implicit", smtpsec_origin_name, SMTPSEC_ORIGIN_IMPLICIT, "implicit" },
    { "json/sts absent", smtpsec_sts_mode_name, SMTPSEC_STS_ABSENT, "absent" },
    { "json/sts enforce", smtpsec_sts_mode_name, SMTPSEC_STS_ENFORCE, "enforce" },
    { "json/sts fetched", smtpsec_sts_source_name, SMTPSEC_STS_SOURCE_FETCHED, "fetched" },
    { "json/defer", smtpsec_verdict_name, SMTPSEC_VERDICT_DEFER, "defer" },
    { "json/skip", smtpsec_action_name, SMTPSEC_ACTION_SKIP, "skip" },
    { "json/not asked", smtpsec_dane_status_name, SMTPSEC_DANE_NOT_ASKED, "not-asked" },
    { "json/unusable", smtpsec_dane_status_name, SMTPSEC_DANE_UNUSABLE, "unusable" },
    { "json/offered", smtpsec_starttls_name, SMTPSEC_STARTTLS_DONE, "offered" },
    { "json/not reached", smtpsec_starttls_name, SMTPSEC_STARTTLS_NOT_REACHED, "not-reached" },
    { "json/read-only", smtpsec_memory_state_name, SMTPSEC_MEMORY_READ_ONLY, "read-only" },
    { "json/level mta-sts", smtpsec_level_name, SMTPSEC_LEVEL_MTA_STS, "mta-sts" },
    { "json/level none", smtpsec_level_name, SMTPSEC_LEVEL_NONE, "none" },
    { "json/nomem", error_word, SMTPSEC_E_NOMEM, "nomem" },
    { "json/ok", error_word, SMTPSEC_OK, "ok" },
    { "RPT-24 json/304", smtpsec_result_name, 304, "tlsa-invalid" },
    { "RPT-24 json/1", smtpsec_policy_name, 1, "tlsa" },
    { "RPT-24 json/2", smtpsec_policy_name, 2, "sts" },
    { "RPT-24 json/9", smtpsec_policy_name, 9, "no-policy-found" },
    { "RPT-24 json/201", smtpsec_result_name, 201, "starttls-not-supported" },
    { "RPT-24 json/303", smtpsec_result_name, 303, "sts-webpki-invalid" },
    { "DANE-EE-10 json/rpk", smtpsec_reason_name, SMTPSEC_REASON_RAW_PUBLIC_KEY, "rpk" },
    { "TLSA-16 json/bad-length", smtpsec_reason_name, SMTPSEC_REASON_TLSA_LENGTH, "bad-length" },
    { "TLSA-17 json/short", smtpsec_reason_name, SMTPSEC_REASON_TLSA_SHORT, "short" },
    { "TLSA-18 json/bad-der", smtpsec_reason_name, SMTPSEC_REASON_TLSA_DER, "bad-der" },
};

static void
check_fixed(void **state)
{
    const struct word_row *row = *state;

    assert_string_equal(row->word(row->value), row->want);
}

struct reason_row {
    const char *name;
    int32_t reason;
    const char *want_enhanced;
    int32_t want_result;
};

static const struct reason_row reason_rows[] = {
    { "RES-05 reason/mx-bogus", SMTPSEC_REASON_MX_BOGUS, "4.4.3",
      SMTPSEC_RESULT_VALIDATION_FAILURE },
    { "RES-07 reason/no-such-domain", SMTPSEC_REASON_NO_SUCH_DOMAIN, "5.1.2", 0 },
    { "RES-09 reason/no-address", SMTPSEC_REASON_NO_ADDRESS, "5.4.4", 0 },
    { "RES-11 reason/null-mx", SMTPSEC_REASON_NULL_MX, "5.1.10", 0 },
    { "RES-24 reason/mx-insecure", SMTPSEC_REASON_MX_INSECURE, "4.7.5",
      SMTPSEC_RESULT_DANE_REQUIRED },
    { "TLSA-04 reason/tlsa-servfail", SMTPSEC_REASON_TLSA_SERVFAIL, "4.7.5", 0 },
    { "TLSA-05 reason/tlsa-bogus", SMTPSEC_REASON_TLSA_BOGUS, "4.7.5",
      SMTPSEC_RESULT_DNSSEC_INVALID },
    { "RPT-09 reason/addr-bogus", SMTPSEC_REASON_ADDR_BOGUS, "4.4.3",
      SMTPSEC_RESULT_DNSSEC_INVALID },
    { "RPT-02 reason/no-starttls", SMTPSEC_REASON_NO_STARTTLS, "4.7.5",
      SMTPSEC_RESULT_STARTTLS_NOT_SUPPORTED },
    { "RPT-03 reason/starttls-refused", SMTPSEC_REASON_STARTTLS_REFUSED, "4.7.5",
      SMTPSEC_RESULT_STARTTLS_NOT_SUPPORTED },
    { "RPT-04 reason/name-mismatch", SMTPSEC_REASON_NAME_MISMATCH, "4.7.5",
      SMTPSEC_RESULT_CERTIFICATE_HOST_MISMATCH },
    { "RPT-05 reason/expired", SMTPSEC_REASON_EXPIRED, "4.7.5",
      SMTPSEC_RESULT_CERTIFICATE_EXPIRED },
    { "RPT-05 reason/not-yet-valid", SMTPSEC_REASON_NOT_YET_VALID, "4.7.5",
      SMTPSEC_RESULT_CERTIFICATE_NOT_TRUSTED },
    { "RPT-06 reason/self-signed", SMTPSEC_REASON_SELF_SIGNED, "4.7.5",
      SMTPSEC_RESULT_CERTIFICATE_NOT_TRUSTED },
    { "RPT-07 reason/tls-handshake", SMTPSEC_REASON_TLS_HANDSHAKE, "4.7.5",
      SMTPSEC_RESULT_VALIDATION_FAILURE },
    { "RPT-08 reason/bad-der", SMTPSEC_REASON_TLSA_DER, "", SMTPSEC_RESULT_TLSA_INVALID },
    { "RPT-12 reason/dane-required", SMTPSEC_REASON_DANE_REQUIRED, "4.7.5",
      SMTPSEC_RESULT_DANE_REQUIRED },
    { "RPT-13 reason/dane-no-match", SMTPSEC_REASON_DANE_NO_MATCH, "4.7.5",
      SMTPSEC_RESULT_VALIDATION_FAILURE },
    { "RPT-13 reason/dane-ta-no-path", SMTPSEC_REASON_DANE_TA_NO_PATH, "4.7.5",
      SMTPSEC_RESULT_CERTIFICATE_NOT_TRUSTED },
    { "RPT-17 reason/sts-mx-mismatch", SMTPSEC_REASON_STS_MX_MISMATCH, "4.7.5",
      SMTPSEC_RESULT_VALIDATION_FAILURE },
    { "RTLS-04 reason/requiretls", SMTPSEC_REASON_REQUIRETLS_MX_UNAUTHENTICATED, "5.7.10", 0 },
    { "RTLS-13 reason/requiretls", SMTPSEC_REASON_REQUIRETLS_UNSUPPORTED, "5.7.30", 0 },
};

static void
check_reason(void **state)
{
    const struct reason_row *row = *state;

    assert_string_equal(smtpsec_reason_enhanced(row->reason), row->want_enhanced);
    assert_int_equal(smtpsec_reason_result(row->reason), row->want_result);
}

static void
every_reason(void **state)
{
    const char *at = header;
    size_t listed = 0;
    int32_t code;
    const struct ss_reason *reason;
    const char *text;
    size_t i;

    (void)state;
    for (i = 0; i < ss_reason_count(); i++) {
        reason = ss_reason_at(i);
        text = smtpsec_reason_text(reason->code);
        assert_string_equal(text, reason->text);
        assert_true(strlen(text) > 10 && text[0] >= 'A' && text[0] <= 'Z');
        assert_int_equal(text[strlen(text) - 1], '.');
        assert_string_equal(smtpsec_reason_rfc(reason->code), reason->rfc);
        assert_true(reason->rfc[0] == '\0' || strncmp(reason->rfc, "RFC ", 4) == 0);
        assert_string_not_equal(smtpsec_result_name(reason->result), "unknown");
        /* Design 6.11: a refusal says what would satisfy it; it follows "met by". */
        text = smtpsec_reason_met_by(reason->code);
        assert_int_equal(text[0] == '\0', reason->code == SMTPSEC_REASON_NONE);
        assert_true(text[0] == '\0' || text[strlen(text) - 1] != '.');
        /* X.Y.Z, and a refusal: RFC 3463. */
        assert_true(reason->enhanced[0] == '\0' || strspn(reason->enhanced, "45") == 1);
    }
    /* The table has nothing beyond the header's list, which is walked above. */
    while (next_value(&at, &lists[sizeof(lists) / sizeof(lists[0]) - 1], &code))
        listed++;
    assert_int_equal(i, listed);
    assert_null(ss_reason_at(i));
    assert_string_equal(smtpsec_reason_enhanced(9999), "");
    assert_string_equal(smtpsec_reason_rfc(9999), "");
    assert_string_equal(smtpsec_reason_met_by(9999), "");
    assert_int_equal(smtpsec_reason_result(9999), SMTPSEC_RESULT_NONE);
    assert_true(strlen(smtpsec_reason_text(9999)) > 0);
}

static void
every_error_text(void **state)
{
    int code;
    int other;

    (void)state;
    for (code = 0; code >= SMTPSEC_E_NOT_FOUND; code--) {
        assert_string_not_equal(smtpsec_strerror(code), "unknown");
        assert_string_not_equal(smtpsec_strerror(code), "unknown error");
        for (other = 0; other > code; other--)
            assert_string_not_equal(smtpsec_strerror(code), smtpsec_strerror(other));
    }
    assert_string_equal(smtpsec_strerror(SMTPSEC_E_NOT_FOUND - 1), "unknown error");
    assert_string_equal(smtpsec_strerror(1), "unknown error");
}

static void
protection_rises(void **state)
{
    static const int32_t want[] = { SMTPSEC_PROTECTION_NONE,    SMTPSEC_PROTECTION_PASSIVE,
                                    SMTPSEC_PROTECTION_PASSIVE, SMTPSEC_PROTECTION_PASSIVE,
                                    SMTPSEC_PROTECTION_ACTIVE,  SMTPSEC_PROTECTION_ACTIVE };
    int32_t level;

    (void)state;
    for (level = SMTPSEC_LEVEL_NONE; level <= SMTPSEC_LEVEL_DANE; level++)
        assert_int_equal(smtpsec_level_protection(level), want[level]);
    assert_int_equal(smtpsec_level_protection(-1), SMTPSEC_PROTECTION_NONE);
    assert_int_equal(smtpsec_level_protection(6), SMTPSEC_PROTECTION_NONE);
}

int
main(int argc, char **argv)
{
    struct ss_table t = SS_TABLE("base/words");
    FILE *file = argc > 1 ? fopen(argv[1], "r") : NULL;

    if (file == NULL || fread(header, 1, sizeof(header) - 1, file) == 0)
        return 1;
    fclose(file);
    SS_TABLE_ROWS(&t, check_list, lists);
    SS_TABLE_ROWS(&t, check_fixed, fixed);
    SS_TABLE_ROWS(&t, check_reason, reason_rows);
    ss_table_case(&t, "reason/every one", every_reason);
    ss_table_case(&t, "error/every text", every_error_text);
    ss_table_case(&t, "level/protection", protection_rises);
    return ss_table_run(&t);
}
