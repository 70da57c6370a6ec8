/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "decision/origin.h"

#include <stddef.h>

#include "smtpsec.h"

#define R(x) SMTPSEC_REASON_##x

static const struct ss_reason_origin origins[] = {
    /* The destination. */
    {R(NO_SUCH_DOMAIN), "RES-07", "dns"},
    {R(NULL_MX), "RES-11", "dns"},
    {R(NO_ADDRESS), "RES-18", "dns"},
    {R(INVALID_DOMAIN), "RES-33", "message"},
    {R(MX_SERVFAIL), "RES-04", "dns"},
    {R(MX_TIMEOUT), "RES-04", "dns"},
    {R(MX_BOGUS), "RES-05", "dns"},
    {R(MX_INDETERMINATE), "RES-06", "dns"},
    {R(MX_ALIAS), "RES-15", "dns"},
    {R(MX_RCODE), "RES-04", "dns"},
    {R(MX_MALFORMED), "RES-04", "dns"},
    {R(MX_INSECURE), "RES-24", "operator"},
    {R(NO_USABLE_HOST), "RES-34", "dns"},
    {R(TOO_MANY_HOSTS), "RES-03", "dns"},
    {R(NO_BETTER_HOST), "RES-03", "operator"},
    {R(ANSWER_HELD), "PREC-09", "memory"},
    {R(DNSSEC_LOST), "RES-26", "memory"},
    /* A host. */
    {R(NULL_HOST), "RES-12", "dns"},
    {R(ADDRESS_AS_MX), "RES-25", "dns"},
    {R(ADDR_SERVFAIL), "RES-19", "dns"},
    {R(ADDR_TIMEOUT), "RES-19", "dns"},
    {R(ADDR_BOGUS), "RES-19", "dns"},
    {R(ADDR_ALIAS), "RES-15", "dns"},
    {R(ADDR_RCODE), "RES-19", "dns"},
    {R(ADDR_MALFORMED), "RES-19", "dns"},
    {R(CNAME_LOOKUP), "RES-30", "dns"},
    {R(TLSA_SERVFAIL), "TLSA-04", "dns"},
    {R(TLSA_TIMEOUT), "TLSA-04", "dns"},
    {R(TLSA_BOGUS), "TLSA-05", "dns"},
    {R(TLSA_ALIAS), "TLSA-09", "dns"},
    {R(TLSA_RCODE), "TLSA-04", "dns"},
    {R(TLSA_MALFORMED), "TLSA-04", "dns"},
    {R(TLSA_TRUNCATED), "TLSA-25", "dns"},
    {R(DANE_REQUIRED), "TLSA-23", "operator"},
    {R(STS_MX_MISMATCH), "STSA-01", "https"},
    {R(DOWNGRADE), "PREC-09", "memory"},
    {R(MX_IS_SELF), "RES-03", "operator"},
    {R(REQUIRETLS_MX_UNAUTHENTICATED), "RTLS-04", "message"},
    {R(REQUIRETLS_UNSUPPORTED), "RTLS-12", "message"},
    {R(ADDR_INDETERMINATE), "RES-06", "dns"},
    {R(TLSA_INDETERMINATE), "RES-06", "dns"},
    {R(STS_REQUIRED), "PREC-08", "operator"},
    /* The connection. */
    {R(NO_STARTTLS), "TLSA-10", "session"},
    {R(STARTTLS_REFUSED), "PREC-17", "session"},
    {R(STARTTLS_INJECTION), "PREC-16", "session"},
    {R(TLS_HANDSHAKE), "TLSA-10", "session"},
    {R(TLS_VERSION), "DANE-EE-12", "session"},
    {R(RESUMED), "PREC-12", "session"},
    {R(REQUIREMENT_EXPIRED), "TLSA-24", "dns"},
    {R(CONNECT_FAILED), "RES-03", "session"},
    /* The certificate. */
    {R(NO_CERTIFICATE), "DANE-EE-11", "session"},
    {R(RAW_PUBLIC_KEY), "DANE-EE-10", "session"},
    {R(DANE_NO_MATCH), "DANE-EE-09", "session"},
    {R(DANE_TA_NO_PATH), "DANE-TA-01", "session"},
    {R(DANE_TA_LEAF), "DANE-TA-12", "session"},
    {R(NAME_MISMATCH), "NAME-10", "session"},
    {R(EXPIRED), "NAME-12", "session"},
    {R(NOT_YET_VALID), "NAME-12", "session"},
    {R(NOT_TRUSTED), "NAME-12", "session"},
    {R(SELF_SIGNED), "NAME-12", "session"},
    {R(NOT_CA), "NAME-12", "session"},
    {R(PATH_LENGTH), "NAME-12", "session"},
    {R(NAME_CONSTRAINT), "NAME-12", "session"},
    {R(EKU), "NAME-12", "session"},
    {R(WEAK_ALGORITHM), "NAME-12", "session"},
    {R(BAD_CERTIFICATE), "NAME-12", "session"},
    {R(CHAIN_TOO_LONG), "NAME-12", "session"},
    {R(BAD_SIGNATURE), "NAME-12", "session"},
    {R(NO_TRUST_ANCHORS), "NAME-12", "operator"},
    {R(KEY_USAGE), "NAME-12", "session"},
    /* A TLSA record that is not used. */
    {R(TLSA_SHORT), "TLSA-17", "dns"},
    {R(TLSA_USAGE), "TLSA-15", "dns"},
    {R(TLSA_SELECTOR), "TLSA-15", "dns"},
    {R(TLSA_MATCHING), "TLSA-15", "dns"},
    {R(TLSA_LENGTH), "TLSA-16", "dns"},
    {R(TLSA_DER), "TLSA-18", "dns"},
    {R(TLSA_WEAKER), "TLSA-20", "dns"},
    {R(TLSA_DISABLED), "TLSA-22", "operator"},
};

const struct ss_reason_origin *
ss_reason_origin(int32_t reason)
{
    static const struct ss_reason_origin nobody = {0, "", ""};
    size_t i;

    for (i = 0; i < sizeof(origins) / sizeof(origins[0]); i++)
        if (origins[i].reason == reason)
            return &origins[i];
    return &nobody;
}
