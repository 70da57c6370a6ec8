/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Who may use what another evaluation left: those who would have decided by the same rules. */
#ifndef SS_API_FINGERPRINT_H
#define SS_API_FINGERPRINT_H

#include <stdint.h>

struct smtpsec_options;

/*
 * 64 bits of a digest over all that two contexts may differ in and decide
 * differently for it: settings, exceptions, rules, canaries, resolvers and
 * whether they are trusted, and the library's version. Call it when the
 * settings have been settled. 0: without memory for it; then nothing is shared.
 */
uint64_t ss_fingerprint(const struct smtpsec_options *options);

#endif
