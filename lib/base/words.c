/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * The words of every list in smtpsec.h. They are part of the JSON output: a
 * word never changes, and a test walks the header to see that each value has one.
 */
#include "base/words.h"

#include "smtpsec.h"

struct word {
    int32_t value;
    const char *name;
};

static const char *
word_of(const struct word *words, size_t count, int32_t value)
{
    size_t i;

    for (i = 0; i < count; i++)
        if (words[i].value == value)
            return words[i].name;
    return "unknown";
}

#define WORD(words, value) word_of((words), sizeof(words) / sizeof((words)[0]), (value))

static const struct word error_words[] = {
    { SMTPSEC_OK, "ok" },
    { SMTPSEC_E_NOMEM, "nomem" },
    { SMTPSEC_E_INVALID, "invalid" },
    { SMTPSEC_E_NAME, "name" },
    { SMTPSEC_E_PENDING, "pending" },
    { SMTPSEC_E_NEED, "need" },
    { SMTPSEC_E_LIMIT, "limit" },
    { SMTPSEC_E_FORMAT, "format" },
    { SMTPSEC_E_SEAL, "seal" },
    { SMTPSEC_E_VERSION, "version" },
    { SMTPSEC_E_TRUST, "trust" },
    { SMTPSEC_E_RESOLVER, "resolver" },
    { SMTPSEC_E_FETCH, "fetch" },
    { SMTPSEC_E_MEMORY, "memory" },
    { SMTPSEC_E_SYSTEM, "system" },
    { SMTPSEC_E_STALE, "stale" },
    { SMTPSEC_E_FORKED, "forked" },
    { SMTPSEC_E_NOT_FOUND, "not-found" },
};

const char *
smtpsec_error_name(int code)
{
    return WORD(error_words, code);
}

static const struct word trust_words[] = {
    { SMTPSEC_TRUST_INDETERMINATE, "indeterminate" },
    { SMTPSEC_TRUST_INSECURE, "insecure" },
    { SMTPSEC_TRUST_SECURE, "secure" },
    { SMTPSEC_TRUST_BOGUS, "bogus" },
};

const char *
smtpsec_trust_name(int32_t trust)
{
    return WORD(trust_words, trust);
}

static const struct word answer_words[] = {
    { SMTPSEC_ANSWER_FAILED, "failed" },
    { SMTPSEC_ANSWER_RECORDS, "records" },
    { SMTPSEC_ANSWER_NO_DATA, "no-data" },
    { SMTPSEC_ANSWER_NO_NAME, "no-name" },
};

const char *
smtpsec_answer_name(int32_t answer)
{
    return WORD(answer_words, answer);
}

static const struct word failure_words[] = {
    { SMTPSEC_FAILURE_NONE, "none" },
    { SMTPSEC_FAILURE_TIMEOUT, "timeout" },
    { SMTPSEC_FAILURE_SERVFAIL, "servfail" },
    { SMTPSEC_FAILURE_REFUSED, "refused" },
    { SMTPSEC_FAILURE_NOTIMP, "notimp" },
    { SMTPSEC_FAILURE_FORMERR, "formerr" },
    { SMTPSEC_FAILURE_RCODE, "rcode" },
    { SMTPSEC_FAILURE_MALFORMED, "malformed" },
    { SMTPSEC_FAILURE_TRUNCATED, "truncated" },
    { SMTPSEC_FAILURE_ALIAS, "alias" },
    { SMTPSEC_FAILURE_BOGUS, "bogus" },
    { SMTPSEC_FAILURE_INDETERMINATE, "indeterminate" },
    { SMTPSEC_FAILURE_UNREACHABLE, "unreachable" },
    { SMTPSEC_FAILURE_HTTP_STATUS, "http-status" },
    { SMTPSEC_FAILURE_HTTP_TYPE, "http-type" },
    { SMTPSEC_FAILURE_HTTP_SIZE, "http-size" },
    { SMTPSEC_FAILURE_HTTP_BROKEN, "http-broken" },
    { SMTPSEC_FAILURE_HTTP_ENCODING, "http-encoding" },
    { SMTPSEC_FAILURE_TLS_VERSION, "tls-version" },
    { SMTPSEC_FAILURE_TLS_HANDSHAKE, "tls-handshake" },
    { SMTPSEC_FAILURE_CERT_EXPIRED, "cert-expired" },
    { SMTPSEC_FAILURE_CERT_NOT_YET_VALID, "cert-not-yet-valid" },
    { SMTPSEC_FAILURE_CERT_NAME, "cert-name" },
    { SMTPSEC_FAILURE_CERT_NOT_TRUSTED, "cert-not-trusted" },
    { SMTPSEC_FAILURE_ADDRESS_REFUSED, "address-refused" },
    { SMTPSEC_FAILURE_CANCELLED, "cancelled" },
};

const char *
smtpsec_failure_name(int32_t failure)
{
    return WORD(failure_words, failure);
}

static const struct word level_words[] = {
    { SMTPSEC_LEVEL_NONE, "none" },
    { SMTPSEC_LEVEL_ENCRYPTED, "encrypted" },
    { SMTPSEC_LEVEL_AUTHENTICATED, "authenticated" },
    { SMTPSEC_LEVEL_DNSSEC, "dnssec" },
    { SMTPSEC_LEVEL_MTA_STS, "mta-sts" },
    { SMTPSEC_LEVEL_DANE, "dane" },
};

const char *
smtpsec_level_name(int32_t level)
{
    return WORD(level_words, level);
}

static const struct word protection_words[] = {
    { SMTPSEC_PROTECTION_NONE, "none" },
    { SMTPSEC_PROTECTION_PASSIVE, "passive" },
    { SMTPSEC_PROTECTION_ACTIVE, "active" },
};

const char *
smtpsec_protection_name(int32_t protection)
{
    return WORD(protection_words, protection);
}

static const struct word tls_words[] = {
    { SMTPSEC_TLS_OPTIONAL, "optional" },
    { SMTPSEC_TLS_REQUIRED, "required" },
};

const char *
smtpsec_tls_name(int32_t tls)
{
    return WORD(tls_words, tls);
}

static const struct word identity_words[] = {
    { SMTPSEC_IDENTITY_DANE, "dane" },
    { SMTPSEC_IDENTITY_PKIX, "pkix" },
};

const char *
smtpsec_identity_name(int32_t identity)
{
    return WORD(identity_words, identity);
}

static const struct word source_words[] = {
    { SMTPSEC_SOURCE_DANE, "dane" },
    { SMTPSEC_SOURCE_MTA_STS, "mta-sts" },
    { SMTPSEC_SOURCE_OPERATOR, "operator" },
    { SMTPSEC_SOURCE_MEMORY, "memory" },
    { SMTPSEC_SOURCE_REQUIRETLS, "requiretls" },
};

const char *
smtpsec_source_name(int32_t source)
{
    return WORD(source_words, source);
}

static const struct word verdict_words[] = {
    { SMTPSEC_VERDICT_DELIVER, "deliver" },
    { SMTPSEC_VERDICT_DEFER, "defer" },
    { SMTPSEC_VERDICT_FAIL, "fail" },
};

const char *
smtpsec_verdict_name(int32_t verdict)
{
    return WORD(verdict_words, verdict);
}

static const struct word action_words[] = {
    { SMTPSEC_ACTION_USE, "use" },
    { SMTPSEC_ACTION_SKIP, "skip" },
};

const char *
smtpsec_action_name(int32_t action)
{
    return WORD(action_words, action);
}

static const struct word origin_words[] = {
    { SMTPSEC_ORIGIN_MX, "mx" },
    { SMTPSEC_ORIGIN_IMPLICIT, "implicit" },
    { SMTPSEC_ORIGIN_NULL, "null" },
    { SMTPSEC_ORIGIN_RELAY, "relay" },
};

const char *
smtpsec_origin_name(int32_t origin)
{
    return WORD(origin_words, origin);
}

static const struct word sts_mode_words[] = {
    { SMTPSEC_STS_ABSENT, "absent" },
    { SMTPSEC_STS_NONE, "none" },
    { SMTPSEC_STS_TESTING, "testing" },
    { SMTPSEC_STS_ENFORCE, "enforce" },
};

const char *
smtpsec_sts_mode_name(int32_t mode)
{
    return WORD(sts_mode_words, mode);
}

static const struct word sts_source_words[] = {
    { SMTPSEC_STS_SOURCE_NONE, "none" },
    { SMTPSEC_STS_SOURCE_CACHED, "cached" },
    { SMTPSEC_STS_SOURCE_FETCHED, "fetched" },
};

const char *
smtpsec_sts_source_name(int32_t source)
{
    return WORD(sts_source_words, source);
}

static const struct word dane_status_words[] = {
    { SMTPSEC_DANE_NOT_ASKED, "not-asked" },
    { SMTPSEC_DANE_ABSENT, "absent" },
    { SMTPSEC_DANE_INSECURE, "insecure" },
    { SMTPSEC_DANE_UNUSABLE, "unusable" },
    { SMTPSEC_DANE_USABLE, "usable" },
    { SMTPSEC_DANE_FAILED, "failed" },
};

const char *
smtpsec_dane_status_name(int32_t status)
{
    return WORD(dane_status_words, status);
}

static const struct word result_words[] = {
    { SMTPSEC_RESULT_NONE, "none" },
    { SMTPSEC_RESULT_STARTTLS_NOT_SUPPORTED, "starttls-not-supported" },
    { SMTPSEC_RESULT_CERTIFICATE_HOST_MISMATCH, "certificate-host-mismatch" },
    { SMTPSEC_RESULT_CERTIFICATE_NOT_TRUSTED, "certificate-not-trusted" },
    { SMTPSEC_RESULT_CERTIFICATE_EXPIRED, "certificate-expired" },
    { SMTPSEC_RESULT_VALIDATION_FAILURE, "validation-failure" },
    { SMTPSEC_RESULT_STS_POLICY_FETCH_ERROR, "sts-policy-fetch-error" },
    { SMTPSEC_RESULT_STS_POLICY_INVALID, "sts-policy-invalid" },
    { SMTPSEC_RESULT_STS_WEBPKI_INVALID, "sts-webpki-invalid" },
    { SMTPSEC_RESULT_TLSA_INVALID, "tlsa-invalid" },
    { SMTPSEC_RESULT_DNSSEC_INVALID, "dnssec-invalid" },
    { SMTPSEC_RESULT_DANE_REQUIRED, "dane-required" },
};

const char *
smtpsec_result_name(int32_t result_type)
{
    return WORD(result_words, result_type);
}

static const struct word policy_words[] = {
    { SMTPSEC_POLICY_TLSA, "tlsa" },
    { SMTPSEC_POLICY_STS, "sts" },
    { SMTPSEC_POLICY_NONE, "no-policy-found" },
};

const char *
smtpsec_policy_name(int32_t policy_type)
{
    return WORD(policy_words, policy_type);
}

static const struct word claim_words[] = {
    { SMTPSEC_CLAIM_DANE, "dane" },
    { SMTPSEC_CLAIM_MTA_STS, "mta-sts" },
    { SMTPSEC_CLAIM_ENCRYPTED, "encrypted" },
    { SMTPSEC_CLAIM_DNSSEC, "dnssec" },
};

const char *
smtpsec_claim_name(int32_t kind)
{
    return WORD(claim_words, kind);
}

static const struct word mode_words[] = {
    { SMTPSEC_MODE_OFF, "off" },
    { SMTPSEC_MODE_REPORT, "report" },
    { SMTPSEC_MODE_ENFORCE, "enforce" },
};

const char *
smtpsec_mode_name(int32_t mode)
{
    return WORD(mode_words, mode);
}

static const struct word memory_state_words[] = {
    { SMTPSEC_MEMORY_OFF, "off" },
    { SMTPSEC_MEMORY_OK, "ok" },
    { SMTPSEC_MEMORY_READ_ONLY, "read-only" },
    { SMTPSEC_MEMORY_LOST, "lost" },
};

const char *
smtpsec_memory_state_name(int32_t state)
{
    return WORD(memory_state_words, state);
}

static const struct word need_words[] = {
    { SMTPSEC_NEED_DNS, "dns" },
    { SMTPSEC_NEED_HTTPS, "https" },
};

const char *
smtpsec_need_name(int32_t kind)
{
    return WORD(need_words, kind);
}

static const struct word starttls_words[] = {
    { SMTPSEC_STARTTLS_NOT_REACHED, "not-reached" },
    { SMTPSEC_STARTTLS_ABSENT, "absent" },
    { SMTPSEC_STARTTLS_REFUSED, "refused" },
    { SMTPSEC_STARTTLS_FAILED, "failed" },
    { SMTPSEC_STARTTLS_DONE, "offered" },
    { SMTPSEC_STARTTLS_INJECTED, "injected" },
};

const char *
smtpsec_starttls_name(int32_t starttls)
{
    return WORD(starttls_words, starttls);
}

static const struct word dnssec_words[] = {
    { SMTPSEC_DNSSEC_UNKNOWN, "unknown" },
    { SMTPSEC_DNSSEC_VALIDATES, "validates" },
    { SMTPSEC_DNSSEC_LOST, "lost" },
    { SMTPSEC_DNSSEC_UNTRUSTED, "untrusted" },
};

const char *
smtpsec_dnssec_name(int32_t dnssec)
{
    return WORD(dnssec_words, dnssec);
}

static const struct word event_words[] = {
    { SMTPSEC_EVENT_UNTRUSTED_RESOLVER, "untrusted-resolver" },
    { SMTPSEC_EVENT_MEMORY_LOST, "memory-lost" },
    { SMTPSEC_EVENT_MEMORY_SET_ASIDE, "memory-set-aside" },
    { SMTPSEC_EVENT_MEMORY_READ_ONLY, "memory-read-only" },
    { SMTPSEC_EVENT_MEMORY_WRITE_FAILED, "memory-write-failed" },
    { SMTPSEC_EVENT_WOULD_REFUSE, "would-refuse" },
    { SMTPSEC_EVENT_REFUSED, "refused" },
    { SMTPSEC_EVENT_HOLD_ENDED, "hold-ended" },
    { SMTPSEC_EVENT_STS_FETCH_FAILED, "sts-fetch-failed" },
    { SMTPSEC_EVENT_CLAIM_FORGOTTEN, "claim-forgotten" },
    { SMTPSEC_EVENT_FETCH_UNAVAILABLE, "fetch-unavailable" },
    { SMTPSEC_EVENT_DROPPED, "dropped" },
    { SMTPSEC_EVENT_DNSSEC_LOST, "dnssec-lost" },
    { SMTPSEC_EVENT_DNSSEC_BACK, "dnssec-back" },
    { SMTPSEC_EVENT_STS_REFRESH_FAILING, "sts-refresh-failing" },
    { SMTPSEC_EVENT_CLOCK_STEPPED, "clock-stepped" },
    { SMTPSEC_EVENT_CLOCK_SETTLED, "clock-settled" },
    { SMTPSEC_EVENT_MANY_REFUSED, "many-refused" },
    { SMTPSEC_EVENT_CLAIM_LOWERED, "claim-lowered" },
    { SMTPSEC_EVENT_MEMORY_FULL, "memory-full" },
};

static const struct word counter_words[] = {
    { SMTPSEC_COUNTER_EVALUATIONS, "evaluations" },
    { SMTPSEC_COUNTER_CHECKED, "checked" },
    { SMTPSEC_COUNTER_REFUSED, "refused" },
    { SMTPSEC_COUNTER_WOULD_REFUSE, "would-refuse" },
    { SMTPSEC_COUNTER_NOTHING_KNOWN, "nothing-known" },
    { SMTPSEC_COUNTER_NOT_CHECKED, "not-checked" },
    { SMTPSEC_COUNTER_EXCEPTED, "excepted" },
    { SMTPSEC_COUNTER_HOLD_ENDED, "hold-ended" },
    { SMTPSEC_COUNTER_MET, "met" },
    { SMTPSEC_COUNTER_RECORDED, "recorded" },
    { SMTPSEC_COUNTER_NOT_RECORDED, "not-recorded" },
    { SMTPSEC_COUNTER_FROM_CACHE, "from-cache" },
};

static const struct word stage_words[] = {
    { SMTPSEC_STAGE_GREETING, "greeting" },
    { SMTPSEC_STAGE_EHLO, "ehlo" },
    { SMTPSEC_STAGE_STARTTLS, "starttls" },
    { SMTPSEC_STAGE_EHLO_AGAIN, "ehlo-again" },
    { SMTPSEC_STAGE_AUTH, "auth" },
    { SMTPSEC_STAGE_MAIL, "mail" },
    { SMTPSEC_STAGE_RCPT, "rcpt" },
    { SMTPSEC_STAGE_DATA, "data" },
    { SMTPSEC_STAGE_END, "end" },
};

static const struct word reply_words[] = {
    { SMTPSEC_REPLY_GO_ON, "go-on" },
    { SMTPSEC_REPLY_WITHOUT, "without" },
    { SMTPSEC_REPLY_NEXT_HOST, "next-host" },
    { SMTPSEC_REPLY_DEFER, "defer" },
    { SMTPSEC_REPLY_FAIL, "fail" },
};

const char *
smtpsec_stage_name(int32_t stage)
{
    return WORD(stage_words, stage);
}

const char *
smtpsec_reply_name(int32_t reply)
{
    return WORD(reply_words, reply);
}

const char *
smtpsec_event_name(int32_t kind)
{
    return WORD(event_words, kind);
}

const char *
smtpsec_counter_name(int32_t counter)
{
    return WORD(counter_words, counter);
}

int32_t
smtpsec_level_protection(int32_t level)
{
    if (level >= SMTPSEC_LEVEL_MTA_STS && level <= SMTPSEC_LEVEL_DANE)
        return SMTPSEC_PROTECTION_ACTIVE;
    /* A valid certificate does not help when STARTTLS is stripped or the MX is spoofed. */
    if (level >= SMTPSEC_LEVEL_ENCRYPTED && level <= SMTPSEC_LEVEL_DNSSEC)
        return SMTPSEC_PROTECTION_PASSIVE;
    return SMTPSEC_PROTECTION_NONE;
}

static const struct word error_texts[] = {
    { SMTPSEC_OK, "no error" },
    { SMTPSEC_E_NOMEM, "out of memory" },
    { SMTPSEC_E_INVALID, "an argument breaks the contract" },
    { SMTPSEC_E_NAME, "not a domain name" },
    { SMTPSEC_E_PENDING, "needs are still open" },
    { SMTPSEC_E_NEED, "no such need is open" },
    { SMTPSEC_E_LIMIT, "a documented limit was passed" },
    { SMTPSEC_E_FORMAT, "malformed data" },
    { SMTPSEC_E_SEAL, "the seal is missing or wrong" },
    { SMTPSEC_E_VERSION, "made by a newer version" },
    { SMTPSEC_E_TRUST, "no trust anchors could be loaded" },
    { SMTPSEC_E_RESOLVER, "no usable resolver" },
    { SMTPSEC_E_FETCH, "the HTTPS part could not be loaded" },
    { SMTPSEC_E_MEMORY, "the memory is not available" },
    { SMTPSEC_E_SYSTEM, "the operating system refused" },
    { SMTPSEC_E_STALE, "too old, or from the future" },
    { SMTPSEC_E_FORKED, "this context belongs to the parent process" },
    { SMTPSEC_E_NOT_FOUND, "nothing is stored under that name" },
};

const char *
smtpsec_strerror(int code)
{
    return code <= 0 && code >= SMTPSEC_E_NOT_FOUND ? WORD(error_texts, code) : "unknown error";
}
