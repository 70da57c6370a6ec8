/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * A second reading of RFC 8461 sections 3.1 and 3.2, slow and obvious: one
 * function a rule of the ABNF, tried at every place where it may end, and the
 * engine choices of rows STSD-* and STSP-* beside the rule they concern.
 * It shares no line with lib/sts, so that both are not wrong together.
 */
#ifndef SS_TEST_ABNF_H
#define SS_TEST_ABNF_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define ABNF_MX 1025

struct abnf_mx {
    bool wildcard;
    bool never;     /* legal, but the name of no host (STSP-17) */
    char text[300]; /* lower case, without the last dot */
};

struct abnf_policy {
    bool valid;
    char mode; /* first letter: e, t, n */
    int64_t max_age;
    size_t mx_count;
    struct abnf_mx mx[ABNF_MX];
};

enum abnf_state { ABNF_NONE, ABNF_FOUND, ABNF_SEVERAL, ABNF_INVALID };

void abnf_policy(struct abnf_policy *policy, const unsigned char *body, size_t len);
/* May a host of this name, lower case and without last dot, be used (section 4.1)? */
bool abnf_fits(const struct abnf_policy *policy, const char *host);
/* All TXT records at the name; id has room for 33. */
enum abnf_state abnf_record(const unsigned char *const *texts, const size_t *lens, size_t count,
                            char *id);

#endif
