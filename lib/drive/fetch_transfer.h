/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* One HTTPS request as a libcurl handle with all its guards. Belongs to the HTTPS module. */
#ifndef SS_DRIVE_FETCH_TRANSFER_H
#define SS_DRIVE_FETCH_TRANSFER_H

#include <curl/curl.h>
#include <stdbool.h>
#include <stdint.h>

#include "drive/fetch.h"
#include "drive/fetch_reply.h"

struct ss_transfer {
    struct ss_fetch_request request; /* its strings are owned by whoever made it */
    size_t address;               /* which of the request's is tried */
    CURL *easy;
    CURLSH *names;                /* this transfer's own name cache */
    struct curl_slist *addresses; /* the one entry of it */
    struct ss_reply reply;
    bool verified;                /* `verify` has accepted this connection */
    int32_t failure;              /* of the certificate, of a socket; NONE: none yet */
    char text[CURL_ERROR_SIZE];
};

/*
 * Make the handle for the present address. owner: what CURLINFO_PRIVATE gives.
 * connect_ms: for connecting, the handshake included. False:
 * ss_transfer_close() what there is.
 */
bool ss_transfer_open(struct ss_transfer *transfer, void *owner, int64_t timeout_ms,
                      int64_t connect_ms);
/* The handle must not be in a multi handle any more. */
void ss_transfer_close(struct ss_transfer *transfer);
/* What came of it: SMTPSEC_FAILURE_*. */
int32_t ss_transfer_result(const struct ss_transfer *transfer, CURLcode code);
/* Move to the next address, when nobody answered at this one and there is another. */
bool ss_transfer_next_address(struct ss_transfer *transfer, CURLcode code);
/* Can it be made: a host that may stand in a URL, a path, at least one address, both callbacks? */
bool ss_transfer_is_request(const struct ss_fetch_request *request);

#endif
