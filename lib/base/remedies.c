/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * What would satisfy a refusal (design 6.11), in the words that follow "met by".
 * Of the memory's refusals smtpsec_host_floor_text() says more: the claim, and
 * when it ends.
 */
#include "base/words.h"

#include "smtpsec.h"

#define R(x) SMTPSEC_REASON_##x

#define LOOKUPS "look-ups that are answered"
#define SIGNATURES "records whose DNSSEC signatures are valid"
#define MX_HOST "an MX record that names a host with an address"
#define ALIASES "an alias that ends at a host, or none"
#define SESSION "a host that offers STARTTLS and completes a handshake of TLS 1.2 or later"
#define MATCH "a certificate that one of the host's TLSA records matches"
#define CERTIFICATE "a valid certificate for the host's name, by a trusted authority"
#define PROVED "what was proved before, or time: see what the memory says"
#define OURS "other settings of this host: the other side cannot change it"
#define TLSA "a TLSA record that can be used"

static const struct remedy {
    int32_t reason;
    const char *text;
} remedies[] = {
    {R(NO_SUCH_DOMAIN), MX_HOST},
    {R(NULL_MX), MX_HOST},
    {R(NO_ADDRESS), MX_HOST},
    {R(INVALID_DOMAIN), "a domain name"},
    {R(MX_SERVFAIL), LOOKUPS},
    {R(MX_TIMEOUT), LOOKUPS},
    {R(MX_BOGUS), SIGNATURES},
    {R(MX_INDETERMINATE), SIGNATURES},
    {R(MX_ALIAS), ALIASES},
    {R(MX_RCODE), LOOKUPS},
    {R(MX_MALFORMED), LOOKUPS},
    {R(MX_INSECURE), "signed MX records"},
    {R(NO_USABLE_HOST), "one host that may be used: see what each of them lacks"},
    {R(TOO_MANY_HOSTS), "fewer MX records"},
    {R(NO_BETTER_HOST), "an MX host that is better than this host itself"},
    {R(ANSWER_HELD), "a signed answer, or the same answer for a day"},
    {R(DNSSEC_LOST), "a resolver that validates DNSSEC"},
    {R(NULL_HOST), MX_HOST},
    {R(ADDRESS_AS_MX), MX_HOST},
    {R(ADDR_SERVFAIL), LOOKUPS},
    {R(ADDR_TIMEOUT), LOOKUPS},
    {R(ADDR_BOGUS), SIGNATURES},
    {R(ADDR_ALIAS), ALIASES},
    {R(ADDR_RCODE), LOOKUPS},
    {R(ADDR_MALFORMED), LOOKUPS},
    {R(CNAME_LOOKUP), LOOKUPS},
    {R(TLSA_SERVFAIL), LOOKUPS},
    {R(TLSA_TIMEOUT), LOOKUPS},
    {R(TLSA_BOGUS), SIGNATURES},
    {R(TLSA_ALIAS), ALIASES},
    {R(TLSA_RCODE), LOOKUPS},
    {R(TLSA_MALFORMED), LOOKUPS},
    {R(TLSA_TRUNCATED), LOOKUPS},
    {R(DANE_REQUIRED), "signed TLSA records, or a lower minimum by the operator"},
    {R(STS_MX_MISMATCH),
     "an MX host that the MTA-STS policy lists, or a policy that lists this one"},
    {R(DOWNGRADE), PROVED},
    {R(MX_IS_SELF), "an MX host that is better than this host itself"},
    {R(REQUIRETLS_MX_UNAUTHENTICATED),
     "DNSSEC or MTA-STS for the MX hosts, and hosts that support REQUIRETLS"},
    {R(REQUIRETLS_UNSUPPORTED),
     "DNSSEC or MTA-STS for the MX hosts, and hosts that support REQUIRETLS"},
    {R(ADDR_INDETERMINATE), SIGNATURES},
    {R(TLSA_INDETERMINATE), SIGNATURES},
    {R(STS_REQUIRED), "an MTA-STS policy that enforces, or a lower minimum by the operator"},
    {R(NO_STARTTLS), SESSION},
    {R(STARTTLS_REFUSED), SESSION},
    {R(STARTTLS_INJECTION), SESSION},
    {R(TLS_HANDSHAKE), SESSION},
    {R(TLS_VERSION), "a handshake of a later TLS version"},
    {R(RESUMED), "a full handshake"},
    {R(REQUIREMENT_EXPIRED), "a new evaluation"},
    {R(CONNECT_FAILED), "a host that can be reached"},
    {R(NO_CERTIFICATE), CERTIFICATE},
    {R(RAW_PUBLIC_KEY), CERTIFICATE},
    {R(DANE_NO_MATCH), MATCH},
    {R(DANE_TA_NO_PATH), MATCH},
    {R(DANE_TA_LEAF), MATCH},
    {R(NAME_MISMATCH), CERTIFICATE},
    {R(EXPIRED), CERTIFICATE},
    {R(NOT_YET_VALID), CERTIFICATE},
    {R(NOT_TRUSTED), CERTIFICATE},
    {R(SELF_SIGNED), CERTIFICATE},
    {R(NOT_CA), CERTIFICATE},
    {R(PATH_LENGTH), CERTIFICATE},
    {R(NAME_CONSTRAINT), CERTIFICATE},
    {R(EKU), CERTIFICATE},
    {R(WEAK_ALGORITHM), CERTIFICATE},
    {R(BAD_CERTIFICATE), CERTIFICATE},
    {R(CHAIN_TOO_LONG), "a chain of no more certificates than are needed"},
    {R(BAD_SIGNATURE), CERTIFICATE},
    {R(NO_TRUST_ANCHORS), OURS},
    {R(KEY_USAGE), CERTIFICATE},
    {R(TLSA_SHORT), TLSA},
    {R(TLSA_USAGE), TLSA},
    {R(TLSA_SELECTOR), TLSA},
    {R(TLSA_MATCHING), TLSA},
    {R(TLSA_LENGTH), TLSA},
    {R(TLSA_DER), TLSA},
    {R(TLSA_WEAKER), TLSA},
    {R(TLSA_DISABLED), OURS},
};

const char *
smtpsec_reason_met_by(int32_t reason)
{
    size_t i;

    for (i = 0; i < sizeof(remedies) / sizeof(remedies[0]); i++)
        if (remedies[i].reason == reason)
            return remedies[i].text;
    return "";
}
