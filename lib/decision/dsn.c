/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "decision/dsn.h"

#include <stdio.h>

#include "smtpsec.h"

#define UNVERIFIED "could not be verified now"
#define WEAKER "shows weaker security than this domain offered before"
#define NOT_OFFERED "does not offer the security that this message needs"

/* Words after the subject; asked: who asks for it is said too. */
struct phrase {
    int32_t reason;
    int asked;
    const char *text;
};

static const struct phrase phrases[] = {
    {SMTPSEC_REASON_NO_SUCH_DOMAIN, 0, "does not exist"},
    {SMTPSEC_REASON_NULL_MX, 0, "accepts no mail"},
    {SMTPSEC_REASON_NO_ADDRESS, 0, "has no address"},
    {SMTPSEC_REASON_INVALID_DOMAIN, 0, "is not a domain name"},
    {SMTPSEC_REASON_MX_BOGUS, 0, "has MX records that fail DNSSEC validation"},
    {SMTPSEC_REASON_MX_ALIAS, 0, "has an MX record with an alias that cannot be followed"},
    {SMTPSEC_REASON_MX_MALFORMED, 0, "has MX records that cannot be read"},
    {SMTPSEC_REASON_MX_INSECURE, 0, NOT_OFFERED},
    {SMTPSEC_REASON_NO_USABLE_HOST, 0, "has no mail host that mail could be sent to securely"},
    {SMTPSEC_REASON_TOO_MANY_HOSTS, 0, "has too many mail hosts"},
    {SMTPSEC_REASON_NO_BETTER_HOST, 0, "has no mail host to relay to"},
    {SMTPSEC_REASON_ANSWER_HELD, 0, WEAKER},
    {SMTPSEC_REASON_DNSSEC_LOST, 0, UNVERIFIED},
    {SMTPSEC_REASON_NULL_HOST, 0, "has an MX record that names no host"},
    {SMTPSEC_REASON_ADDRESS_AS_MX, 0, "has an MX record with an address in place of a name"},
    {SMTPSEC_REASON_ADDR_BOGUS, 0, "has addresses that fail DNSSEC validation"},
    {SMTPSEC_REASON_ADDR_ALIAS, 0, "is an alias that cannot be followed"},
    {SMTPSEC_REASON_TLSA_BOGUS, 0, "has TLSA records that fail DNSSEC validation"},
    {SMTPSEC_REASON_TLSA_ALIAS, 0, "has TLSA records behind an alias that cannot be followed"},
    {SMTPSEC_REASON_TLSA_SERVFAIL, 0, "has TLSA records that could not be looked up"},
    {SMTPSEC_REASON_TLSA_TIMEOUT, 0, "has TLSA records that could not be looked up"},
    {SMTPSEC_REASON_TLSA_RCODE, 0, "has TLSA records that could not be looked up"},
    {SMTPSEC_REASON_TLSA_MALFORMED, 0, "has TLSA records that could not be looked up"},
    {SMTPSEC_REASON_TLSA_TRUNCATED, 0, "has TLSA records that could not be looked up"},
    {SMTPSEC_REASON_TLSA_INDETERMINATE, 0, "has TLSA records that could not be looked up"},
    {SMTPSEC_REASON_DANE_REQUIRED, 0, NOT_OFFERED},
    {SMTPSEC_REASON_STS_REQUIRED, 0, NOT_OFFERED},
    {SMTPSEC_REASON_STS_MX_MISMATCH, 0, "is not listed in the domain's MTA-STS policy"},
    {SMTPSEC_REASON_DOWNGRADE, 0, WEAKER},
    {SMTPSEC_REASON_REQUIRETLS_MX_UNAUTHENTICATED, 0,
     "cannot be proved to be the domain's mail host, as the message's REQUIRETLS needs"},
    {SMTPSEC_REASON_REQUIRETLS_UNSUPPORTED, 0, "does not support REQUIRETLS, as the message needs"},
    {SMTPSEC_REASON_NO_STARTTLS, 1, "offers no STARTTLS"},
    {SMTPSEC_REASON_STARTTLS_REFUSED, 1, "offers STARTTLS and refuses it"},
    {SMTPSEC_REASON_STARTTLS_INJECTION, 0, "sent cleartext after its reply to STARTTLS"},
    {SMTPSEC_REASON_TLS_HANDSHAKE, 1, "did not complete the TLS handshake"},
    {SMTPSEC_REASON_TLS_VERSION, 1, "speaks a TLS version that is too old"},
    {SMTPSEC_REASON_CONNECT_FAILED, 0, "could not be reached"},
    {SMTPSEC_REASON_NO_CERTIFICATE, 1, "showed no certificate"},
    {SMTPSEC_REASON_RAW_PUBLIC_KEY, 1, "showed a bare public key and no certificate"},
    {SMTPSEC_REASON_DANE_NO_MATCH, 0, "showed a certificate that matches no TLSA record"},
    {SMTPSEC_REASON_DANE_TA_NO_PATH, 0, "showed a certificate that matches no TLSA record"},
    {SMTPSEC_REASON_DANE_TA_LEAF, 0, "has a trust-anchor TLSA record that matches its own "
                                     "certificate"},
    {SMTPSEC_REASON_NAME_MISMATCH, 1, "showed a certificate for another name"},
    {SMTPSEC_REASON_EXPIRED, 1, "showed a certificate that has expired"},
    {SMTPSEC_REASON_NOT_YET_VALID, 1, "showed a certificate that is not valid yet"},
    {SMTPSEC_REASON_NOT_TRUSTED, 1, "showed a certificate of no trusted authority"},
    {SMTPSEC_REASON_SELF_SIGNED, 1, "showed a certificate that is signed by itself"},
    {SMTPSEC_REASON_NOT_CA, 1, "showed a certificate with an invalid chain"},
    {SMTPSEC_REASON_PATH_LENGTH, 1, "showed a certificate with an invalid chain"},
    {SMTPSEC_REASON_NAME_CONSTRAINT, 1, "showed a certificate with an invalid chain"},
    {SMTPSEC_REASON_EKU, 1, "showed a certificate that is not for TLS servers"},
    {SMTPSEC_REASON_WEAK_ALGORITHM, 1, "showed a certificate with a weak key or signature"},
    {SMTPSEC_REASON_BAD_CERTIFICATE, 1, "showed a certificate that cannot be read"},
    {SMTPSEC_REASON_CHAIN_TOO_LONG, 1, "showed too many certificates"},
    {SMTPSEC_REASON_BAD_SIGNATURE, 1, "showed a certificate with a wrong signature"},
    {SMTPSEC_REASON_KEY_USAGE, 1, "showed a certificate with an invalid chain"},
};

static const struct phrase *
phrase_of(int32_t reason)
{
    /* A look-up that failed may be our own resolver's fault, and the rest is ours for certain. */
    static const struct phrase other = {0, 0, UNVERIFIED};
    size_t i;

    for (i = 0; i < sizeof(phrases) / sizeof(phrases[0]); i++)
        if (phrases[i].reason == reason)
            return &phrases[i];
    return &other;
}

void
ss_dsn_write(char out[SS_DSN_TEXT], const char *subject, int32_t reason, int by_policy)
{
    const struct phrase *phrase = phrase_of(reason);

    snprintf(out, SS_DSN_TEXT, "%s %s%s", subject, phrase->text,
             !phrase->asked ? ""
             : by_policy    ? "; the domain's policy requires a secure session"
                            : "; this message requires a secure session");
}
