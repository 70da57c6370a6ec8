/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Every reason with its word, its sentence, its enhanced status code (RFC 3463,
 * RFC 7505 for 5.1.10, RFC 8689 for 5.7.30), the rule behind it and what
 * RFC 8460 calls it. A failure that says nothing about the other side, such as a
 * dead resolver, has no result type (matrix RPT-10).
 */
#include "base/words.h"

#include "smtpsec.h"

#define DNS "4.4.3"
#define POLICY "4.7.5"

static const struct ss_reason reasons[] = {
    { SMTPSEC_REASON_NONE, "none", "There is nothing to object to.", "", "",
      SMTPSEC_RESULT_NONE },
    /* The destination: rows RES-03 to RES-34. */
    { SMTPSEC_REASON_NO_SUCH_DOMAIN, "no-such-domain", "The domain does not exist.", "5.1.2",
      "RFC 5321 5.1", SMTPSEC_RESULT_NONE },
    { SMTPSEC_REASON_NULL_MX, "null-mx", "The domain says that it accepts no mail.", "5.1.10",
      "RFC 7505 3", SMTPSEC_RESULT_NONE },
    { SMTPSEC_REASON_NO_ADDRESS, "no-address", "No address could be found.", "5.4.4",
      "RFC 5321 5.1", SMTPSEC_RESULT_NONE },
    { SMTPSEC_REASON_INVALID_DOMAIN, "invalid-domain", "This is not a domain name.", "5.1.2",
      "RFC 5891 4", SMTPSEC_RESULT_NONE },
    { SMTPSEC_REASON_MX_SERVFAIL, "mx-servfail",
      "The look-up of the MX records failed at the name server.", DNS, "RFC 7672 2.1.2",
      SMTPSEC_RESULT_NONE },
    { SMTPSEC_REASON_MX_TIMEOUT, "mx-timeout", "The look-up of the MX records had no answer.", DNS,
      "RFC 7672 2.1.2", SMTPSEC_RESULT_NONE },
    { SMTPSEC_REASON_MX_BOGUS, "mx-bogus", "The MX records fail DNSSEC validation.", DNS,
      "RFC 7672 2.1.1", SMTPSEC_RESULT_VALIDATION_FAILURE },
    { SMTPSEC_REASON_MX_INDETERMINATE, "mx-indeterminate",
      "The DNSSEC state of the MX records could not be found out.", DNS, "RFC 7672 2.1.1",
      SMTPSEC_RESULT_VALIDATION_FAILURE },
    { SMTPSEC_REASON_MX_ALIAS, "mx-alias",
      "An alias on the way to the MX host runs in a loop, is too long or is refused.", DNS,
      "RFC 7672 2.1.3", SMTPSEC_RESULT_NONE },
    { SMTPSEC_REASON_MX_RCODE, "mx-rcode", "The name server refused the MX look-up.", DNS,
      "RFC 7672 2.1.2", SMTPSEC_RESULT_NONE },
    { SMTPSEC_REASON_MX_MALFORMED, "mx-malformed", "The answer to the MX look-up is malformed.",
      DNS, "RFC 7672 2.1.2", SMTPSEC_RESULT_NONE },
    { SMTPSEC_REASON_MX_INSECURE, "mx-insecure",
      "DANE is mandatory here and the MX records are not signed.", POLICY, "RFC 7672 2.2.1",
      SMTPSEC_RESULT_DANE_REQUIRED },
    { SMTPSEC_REASON_NO_USABLE_HOST, "no-usable-host", "No MX host may be used now.", POLICY,
      "RFC 7672 2.2", SMTPSEC_RESULT_NONE },
    { SMTPSEC_REASON_TOO_MANY_HOSTS, "too-many-hosts", "The domain has too many MX hosts.", DNS,
      "RFC 5321 5.1", SMTPSEC_RESULT_NONE },
    { SMTPSEC_REASON_NO_BETTER_HOST, "no-better-host",
      "No MX host is better than this host itself.", "5.4.6", "RFC 5321 5.1",
      SMTPSEC_RESULT_NONE },
    { SMTPSEC_REASON_ANSWER_HELD, "answer-held",
      "An unsigned permanent answer contradicts what was proved before, and is held for a day.",
      POLICY, "", SMTPSEC_RESULT_NONE },
    { SMTPSEC_REASON_DNSSEC_LOST, "dnssec-lost",
      "The resolver no longer validates DNSSEC, and DANE was proved here before.", POLICY,
      "RFC 7672 2.1.1", SMTPSEC_RESULT_NONE },
    /* A host: rows RES-12 to RES-31, TLSA-04 to TLSA-25, STSA-01, RTLS-04, RTLS-12. */
    { SMTPSEC_REASON_NULL_HOST, "null-host", "The MX record names no host.", "5.1.10",
      "RFC 7505 3", SMTPSEC_RESULT_NONE },
    { SMTPSEC_REASON_ADDRESS_AS_MX, "address-as-mx",
      "The MX record holds an address where a name belongs.", "4.4.4", "RFC 5321 5.1",
      SMTPSEC_RESULT_NONE },
    { SMTPSEC_REASON_ADDR_SERVFAIL, "addr-servfail",
      "The look-up of the host's addresses failed at the name server.", DNS, "RFC 7672 2.1.2",
      SMTPSEC_RESULT_NONE },
    { SMTPSEC_REASON_ADDR_TIMEOUT, "addr-timeout",
      "The look-up of the host's addresses had no answer.", DNS, "RFC 7672 2.1.2",
      SMTPSEC_RESULT_NONE },
    { SMTPSEC_REASON_ADDR_BOGUS, "addr-bogus", "The host's addresses fail DNSSEC validation.", DNS,
      "RFC 7672 2.1.2", SMTPSEC_RESULT_DNSSEC_INVALID },
    { SMTPSEC_REASON_ADDR_ALIAS, "addr-alias",
      "The host's name is an alias that runs in a loop or is too long.", DNS, "RFC 7672 2.1.3",
      SMTPSEC_RESULT_NONE },
    { SMTPSEC_REASON_ADDR_RCODE, "addr-rcode", "The name server refused the address look-up.", DNS,
      "RFC 7672 2.1.2", SMTPSEC_RESULT_NONE },
    { SMTPSEC_REASON_ADDR_MALFORMED, "addr-malformed",
      "The answer to the address look-up is malformed.", DNS, "RFC 7672 2.1.2",
      SMTPSEC_RESULT_NONE },
    { SMTPSEC_REASON_CNAME_LOOKUP, "cname-lookup",
      "Whether the host's alias is signed could not be found out.", DNS, "RFC 7672 2.2.2",
      SMTPSEC_RESULT_NONE },
    { SMTPSEC_REASON_TLSA_SERVFAIL, "tlsa-servfail",
      "The look-up of the TLSA records failed at the name server.", POLICY, "RFC 7672 2.1.2",
      SMTPSEC_RESULT_NONE },
    { SMTPSEC_REASON_TLSA_TIMEOUT, "tlsa-timeout",
      "The look-up of the TLSA records had no answer.", POLICY, "RFC 7672 2.1.2",
      SMTPSEC_RESULT_NONE },
    { SMTPSEC_REASON_TLSA_BOGUS, "tlsa-bogus",
      "The TLSA records, or their denial, fail DNSSEC validation.", POLICY, "RFC 7672 2.2",
      SMTPSEC_RESULT_DNSSEC_INVALID },
    { SMTPSEC_REASON_TLSA_ALIAS, "tlsa-alias",
      "An alias at the TLSA name runs in a loop or is too long.", POLICY, "RFC 7672 2.1.3",
      SMTPSEC_RESULT_NONE },
    { SMTPSEC_REASON_TLSA_RCODE, "tlsa-rcode", "The name server refused the TLSA look-up.", POLICY,
      "RFC 7672 2.1.2", SMTPSEC_RESULT_NONE },
    { SMTPSEC_REASON_TLSA_MALFORMED, "tlsa-malformed",
      "The answer to the TLSA look-up is malformed.", POLICY, "RFC 7672 2.1.2",
      SMTPSEC_RESULT_NONE },
    { SMTPSEC_REASON_TLSA_TRUNCATED, "tlsa-truncated",
      "The TLSA records did not fit into a datagram and could not be had over TCP.", POLICY,
      "RFC 7671 10.1.1", SMTPSEC_RESULT_NONE },
    { SMTPSEC_REASON_DANE_REQUIRED, "dane-required",
      "DANE is mandatory here and the host has no usable TLSA records.", POLICY, "RFC 7672 6",
      SMTPSEC_RESULT_DANE_REQUIRED },
    { SMTPSEC_REASON_STS_MX_MISMATCH, "sts-mx-mismatch",
      "The MTA-STS policy of the domain does not list this host.", POLICY, "RFC 8461 4.1",
      SMTPSEC_RESULT_VALIDATION_FAILURE },
    { SMTPSEC_REASON_DOWNGRADE, "downgrade",
      "The host offers less than what was proved here before.", POLICY, "RFC 3207 6",
      SMTPSEC_RESULT_NONE },
    { SMTPSEC_REASON_MX_IS_SELF, "mx-is-self",
      "The host is this host itself, or not better than it.", "4.4.6", "RFC 5321 5.1",
      SMTPSEC_RESULT_NONE },
    { SMTPSEC_REASON_REQUIRETLS_MX_UNAUTHENTICATED, "requiretls-mx-unauthenticated",
      "The message requires TLS and nothing proves that this is a host of the domain.", "5.7.10",
      "RFC 8689 4.2.1", SMTPSEC_RESULT_NONE },
    { SMTPSEC_REASON_REQUIRETLS_UNSUPPORTED, "requiretls-unsupported",
      "The message requires TLS on its whole way and the host does not promise that.", "5.7.30",
      "RFC 8689 4.2.1", SMTPSEC_RESULT_NONE },
    { SMTPSEC_REASON_ADDR_INDETERMINATE, "addr-indeterminate",
      "The DNSSEC state of the host's addresses could not be found out.", DNS, "RFC 7672 2.1.1",
      SMTPSEC_RESULT_DNSSEC_INVALID },
    { SMTPSEC_REASON_TLSA_INDETERMINATE, "tlsa-indeterminate",
      "The DNSSEC state of the TLSA records could not be found out.", POLICY, "RFC 7672 2.1.1",
      SMTPSEC_RESULT_DNSSEC_INVALID },
    { SMTPSEC_REASON_STS_REQUIRED, "sts-required",
      "The operator asks for MTA-STS, and no policy enforces it.", POLICY, "RFC 8461 5",
      SMTPSEC_RESULT_NONE },
    /* The connection: rows TLSA-10, PREC-12, PREC-16, PREC-17, RPT-02, RPT-03, RPT-07. */
    { SMTPSEC_REASON_NO_STARTTLS, "no-starttls", "The host does not offer STARTTLS.", POLICY,
      "RFC 7672 2.2", SMTPSEC_RESULT_STARTTLS_NOT_SUPPORTED },
    { SMTPSEC_REASON_STARTTLS_REFUSED, "starttls-refused",
      "The host offers STARTTLS and then refuses it.", POLICY, "RFC 3207 4",
      SMTPSEC_RESULT_STARTTLS_NOT_SUPPORTED },
    { SMTPSEC_REASON_STARTTLS_INJECTION, "starttls-injection",
      "Cleartext followed the reply to STARTTLS.", POLICY, "RFC 3207 6",
      SMTPSEC_RESULT_VALIDATION_FAILURE },
    { SMTPSEC_REASON_TLS_HANDSHAKE, "tls-handshake", "The TLS handshake did not complete.", POLICY,
      "RFC 7672 2.2", SMTPSEC_RESULT_VALIDATION_FAILURE },
    { SMTPSEC_REASON_TLS_VERSION, "tls-version", "The TLS version is too old.", POLICY,
      "RFC 7671 3", SMTPSEC_RESULT_VALIDATION_FAILURE },
    { SMTPSEC_REASON_RESUMED, "resumed",
      "The TLS session was resumed from one made under another requirement.", POLICY, "",
      SMTPSEC_RESULT_NONE },
    { SMTPSEC_REASON_REQUIREMENT_EXPIRED, "requirement-expired",
      "The requirement is too old and must be evaluated again.", POLICY, "", SMTPSEC_RESULT_NONE },
    { SMTPSEC_REASON_CONNECT_FAILED, "connect-failed", "The host could not be reached.", "4.4.1",
      "RFC 5321 5.1", SMTPSEC_RESULT_NONE },
    /* The certificate: rows DANE-EE, DANE-TA, NAME, STSA-04, RPT-04 to RPT-13. */
    { SMTPSEC_REASON_NO_CERTIFICATE, "no-certificate", "The host showed no certificate.", POLICY,
      "RFC 7672 8.2", SMTPSEC_RESULT_VALIDATION_FAILURE },
    { SMTPSEC_REASON_RAW_PUBLIC_KEY, "rpk",
      "The host showed a bare public key where that cannot match.", POLICY, "RFC 7671 5.1",
      SMTPSEC_RESULT_VALIDATION_FAILURE },
    { SMTPSEC_REASON_DANE_NO_MATCH, "dane-no-match", "No TLSA record matches the certificate.",
      POLICY, "RFC 7672 2.2", SMTPSEC_RESULT_VALIDATION_FAILURE },
    { SMTPSEC_REASON_DANE_TA_NO_PATH, "dane-ta-no-path",
      "The certificate does not chain to a trust anchor of the TLSA records.", POLICY,
      "RFC 7672 3.1.2", SMTPSEC_RESULT_CERTIFICATE_NOT_TRUSTED },
    { SMTPSEC_REASON_DANE_TA_LEAF, "dane-ta-leaf",
      "A trust-anchor TLSA record matches the host's own certificate.", POLICY, "RFC 7671 5.2",
      SMTPSEC_RESULT_CERTIFICATE_NOT_TRUSTED },
    { SMTPSEC_REASON_NAME_MISMATCH, "name-mismatch", "The certificate is for another name.",
      POLICY, "RFC 9525 6.3", SMTPSEC_RESULT_CERTIFICATE_HOST_MISMATCH },
    { SMTPSEC_REASON_EXPIRED, "expired", "A certificate in the chain has expired.", POLICY,
      "RFC 5280 6.1", SMTPSEC_RESULT_CERTIFICATE_EXPIRED },
    { SMTPSEC_REASON_NOT_YET_VALID, "not-yet-valid",
      "A certificate in the chain is not valid yet.", POLICY, "RFC 5280 6.1",
      SMTPSEC_RESULT_CERTIFICATE_NOT_TRUSTED },
    { SMTPSEC_REASON_NOT_TRUSTED, "not-trusted",
      "The certificate does not chain to a trusted authority.", POLICY, "RFC 5280 6.1",
      SMTPSEC_RESULT_CERTIFICATE_NOT_TRUSTED },
    { SMTPSEC_REASON_SELF_SIGNED, "self-signed", "The certificate is signed by itself.", POLICY,
      "RFC 5280 6.1", SMTPSEC_RESULT_CERTIFICATE_NOT_TRUSTED },
    { SMTPSEC_REASON_NOT_CA, "not-ca", "An issuer in the chain is not a certificate authority.",
      POLICY, "RFC 5280 4.2.1.9", SMTPSEC_RESULT_CERTIFICATE_NOT_TRUSTED },
    { SMTPSEC_REASON_PATH_LENGTH, "path-length",
      "The chain is longer than an authority in it allows.", POLICY, "RFC 5280 4.2.1.9",
      SMTPSEC_RESULT_CERTIFICATE_NOT_TRUSTED },
    { SMTPSEC_REASON_NAME_CONSTRAINT, "name-constraint",
      "The name lies outside what an authority in the chain may certify.", POLICY,
      "RFC 5280 4.2.1.10", SMTPSEC_RESULT_CERTIFICATE_NOT_TRUSTED },
    { SMTPSEC_REASON_EKU, "eku", "The certificate is not for TLS servers.", POLICY,
      "RFC 5280 4.2.1.12", SMTPSEC_RESULT_CERTIFICATE_NOT_TRUSTED },
    { SMTPSEC_REASON_WEAK_ALGORITHM, "weak-algorithm",
      "A key or signature in the chain is too weak.", POLICY, "",
      SMTPSEC_RESULT_CERTIFICATE_NOT_TRUSTED },
    { SMTPSEC_REASON_BAD_CERTIFICATE, "bad-certificate", "A certificate cannot be read.", POLICY,
      "RFC 5280 4.1", SMTPSEC_RESULT_CERTIFICATE_NOT_TRUSTED },
    { SMTPSEC_REASON_CHAIN_TOO_LONG, "chain-too-long",
      "The host showed more certificates than are read.", POLICY, "",
      SMTPSEC_RESULT_CERTIFICATE_NOT_TRUSTED },
    { SMTPSEC_REASON_BAD_SIGNATURE, "bad-signature", "A signature in the chain is wrong.", POLICY,
      "RFC 5280 6.1", SMTPSEC_RESULT_CERTIFICATE_NOT_TRUSTED },
    { SMTPSEC_REASON_NO_TRUST_ANCHORS, "no-trust-anchors",
      "No certificate authorities were loaded here.", POLICY, "", SMTPSEC_RESULT_NONE },
    { SMTPSEC_REASON_KEY_USAGE, "key-usage",
      "A certificate in the chain is used for what its key usage does not allow.", POLICY,
      "RFC 5280 4.2.1.3", SMTPSEC_RESULT_CERTIFICATE_NOT_TRUSTED },
    /* A record that is not used: rows TLSA-14 to TLSA-22. They lead to no reply. */
    { SMTPSEC_REASON_TLSA_SHORT, "short", "The TLSA record is too short.", "", "RFC 6698 2.1",
      SMTPSEC_RESULT_TLSA_INVALID },
    { SMTPSEC_REASON_TLSA_USAGE, "tlsa-usage", "The certificate usage is not for SMTP or unknown.",
      "", "RFC 7672 3.1.3", SMTPSEC_RESULT_TLSA_INVALID },
    { SMTPSEC_REASON_TLSA_SELECTOR, "tlsa-selector", "The selector is unknown.", "",
      "RFC 6698 4.1", SMTPSEC_RESULT_TLSA_INVALID },
    { SMTPSEC_REASON_TLSA_MATCHING, "tlsa-matching", "The matching type is unknown.", "",
      "RFC 6698 4.1", SMTPSEC_RESULT_TLSA_INVALID },
    { SMTPSEC_REASON_TLSA_LENGTH, "bad-length", "The digest has the wrong length.", "",
      "RFC 6698 4.1", SMTPSEC_RESULT_TLSA_INVALID },
    { SMTPSEC_REASON_TLSA_DER, "bad-der",
      "The data is not the one certificate or key it should be.", "", "RFC 6698 2.1.4",
      SMTPSEC_RESULT_TLSA_INVALID },
    { SMTPSEC_REASON_TLSA_WEAKER, "tlsa-weaker",
      "A record with a stronger digest stands beside it.", "", "RFC 7671 9", SMTPSEC_RESULT_NONE },
    { SMTPSEC_REASON_TLSA_DISABLED, "tlsa-disabled", "This digest is switched off here.", "",
      "RFC 7671 9", SMTPSEC_RESULT_NONE },
};

static const struct ss_reason unknown = {
    -1, "unknown", "The reason is unknown to this version.", "", "", SMTPSEC_RESULT_NONE
};

size_t
ss_reason_count(void)
{
    return sizeof(reasons) / sizeof(reasons[0]);
}

const struct ss_reason *
ss_reason_at(size_t n)
{
    return n < ss_reason_count() ? &reasons[n] : NULL;
}

static const struct ss_reason *
find(int32_t code)
{
    size_t i;

    for (i = 0; i < ss_reason_count(); i++)
        if (reasons[i].code == code)
            return &reasons[i];
    return &unknown;
}

const char *
smtpsec_reason_name(int32_t reason)
{
    return find(reason)->name;
}

const char *
smtpsec_reason_text(int32_t reason)
{
    return find(reason)->text;
}

const char *
smtpsec_reason_enhanced(int32_t reason)
{
    return find(reason)->enhanced;
}

const char *
smtpsec_reason_rfc(int32_t reason)
{
    return find(reason)->rfc;
}

int32_t
smtpsec_reason_result(int32_t reason)
{
    return find(reason)->result;
}
