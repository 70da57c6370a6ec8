/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The parameter REQUIRETLS of MAIL, at the side that receives (RFC 8689 section 2, RTLS-20). */
#ifndef SS_REQUIRETLS_RECEIVE_H
#define SS_REQUIRETLS_RECEIVE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* A blank and the keyword: so much longer the MAIL line may be. */
#define SS_REQUIRETLS_OCTETS 11

/* The reply code; 250: the message is to be tagged. */
int32_t ss_requiretls_receive(bool inside_tls, bool offered, bool has_value);
/* What stands behind that code; "" for any other. */
const char *ss_requiretls_receive_text(int32_t code);

#endif
