/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "openssl/alert.h"

#include <openssl/x509_vfy.h>

#include "smtpsec.h"

int
ss_openssl_error(int32_t reason)
{
    switch (reason) {
    case SMTPSEC_REASON_NAME_MISMATCH:
        return X509_V_ERR_HOSTNAME_MISMATCH;
    case SMTPSEC_REASON_EXPIRED:
        return X509_V_ERR_CERT_HAS_EXPIRED;
    case SMTPSEC_REASON_NOT_YET_VALID:
        return X509_V_ERR_CERT_NOT_YET_VALID;
    case SMTPSEC_REASON_NOT_TRUSTED:
        return X509_V_ERR_UNABLE_TO_GET_ISSUER_CERT_LOCALLY;
    case SMTPSEC_REASON_SELF_SIGNED:
        return X509_V_ERR_DEPTH_ZERO_SELF_SIGNED_CERT;
    case SMTPSEC_REASON_NOT_CA:
        return X509_V_ERR_INVALID_CA;
    case SMTPSEC_REASON_BAD_SIGNATURE:
        return X509_V_ERR_CERT_SIGNATURE_FAILURE;
    case SMTPSEC_REASON_CHAIN_TOO_LONG:
        return X509_V_ERR_CERT_CHAIN_TOO_LONG;
#ifdef X509_V_ERR_DANE_NO_MATCH /* not in LibreSSL */
    case SMTPSEC_REASON_DANE_NO_MATCH:
    case SMTPSEC_REASON_DANE_TA_NO_PATH:
    case SMTPSEC_REASON_DANE_TA_LEAF:
        return X509_V_ERR_DANE_NO_MATCH;
#endif
    default:
        return X509_V_ERR_APPLICATION_VERIFICATION;
    }
}
