/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The policy body (RFC 8461 section 3.2), its MX patterns (4.1), and the reply that carries it (3.3). */
#ifndef SS_STS_POLICY_H
#define SS_STS_POLICY_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/bytes.h"
#include "base/name.h"
#include "base/notes.h"
#include "smtpsec.h"

#define SS_STS_BODY_MAX 65536
#define SS_STS_MAX_AGE 31557600
/* Most mx lines kept; a policy with more is invalid (an engine limit). */
#define SS_STS_MX_MAX 1024

struct ss_sts_pattern {
    bool wildcard;       /* "*." stood in front */
    struct ss_name name; /* what follows it; len 0: legal but matches nothing */
    char *text;          /* lower case, as it is shown */
};

struct ss_sts_policy {
    int32_t mode;    /* SMTPSEC_STS_NONE, _TESTING, _ENFORCE; _ABSENT: no policy here */
    int64_t max_age; /* seconds, clamped to SS_STS_MAX_AGE */
    size_t mx_count;
    struct ss_sts_pattern *mx;
};

/*
 * Read a body. *valid tells whether it is a policy; every fault goes to notes
 * with its section. The policy is empty (mode ABSENT) when it is not valid.
 * Returns 0 or SMTPSEC_E_NOMEM.
 */
int ss_sts_policy_read(struct ss_sts_policy *policy, struct ss_bytes body, bool *valid,
                       struct ss_notes *notes);
void ss_sts_policy_free(struct ss_sts_policy *policy);
/* Does an MX name fit a pattern (RFC 8461 4.1)? */
bool ss_sts_policy_fits(const struct ss_sts_policy *policy, const struct ss_name *mx);
/*
 * Is this reply's head acceptable (RFC 8461 3.2, 3.3): status 200, media type
 * text/plain? content_type may be NULL. SMTPSEC_FAILURE_NONE or why not.
 */
int32_t ss_sts_reply_check(int32_t status, const char *content_type);

#endif
