/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Fetches one MTA-STS policy with libcurl's easy interface, for the example by_hand. */
#ifndef EXAMPLE_HAND_HTTPS_H
#define EXAMPLE_HAND_HTTPS_H

#include <stddef.h>
#include <stdint.h>

struct hand_fetch {
    const char *url;
    const char *host;
    const char *const *addresses; /* nothing else is resolved */
    size_t address_count;
    const char *ca_file;
    int64_t timeout_ms;
};

struct hand_policy {
    int32_t failure; /* SMTPSEC_FAILURE_*; NONE: a whole reply is here */
    int32_t status;
    char *content_type; /* NULL: none was sent */
    char *body;
    size_t len;
};

void hand_https_get(const struct hand_fetch *fetch, struct hand_policy *policy);
void hand_policy_free(struct hand_policy *policy);
/* 1 for loopback, private, link-local and the like: not for a stranger's policy host. */
int hand_address_is_inside(const char *address);

#endif
