/* SPDX-License-Identifier: LGPL-2.1-or-later */
#ifndef SS_OPENSSL_ALERT_H
#define SS_OPENSSL_ALERT_H

#include <stdint.h>

/* OpenSSL's word for a reason, X509_V_ERR_*: it chooses the alert that the server is told. */
int ss_openssl_error(int32_t reason);

#endif
