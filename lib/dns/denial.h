/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * When was a denial signed? The resolver has validated it; here it is only
 * looked at what in it is old. A denial consists of NSEC or NSEC3 records, each
 * a set with signatures of its own, and a replay needs just one old set among
 * fresh ones. So the earliest counts, of those sets that the denial hangs on:
 *
 * - NODATA: the set that stands at the name (or its hash) and lacks the type;
 * - NXDOMAIN: all, but for the NSEC3 record that only shows which ancestor
 *   exists. Those that cover the name itself are told apart, for whoever knows
 *   that no wildcard gave it records.
 *
 * Where that cannot be told (a wildcard without the type, an empty name,
 * hashes that cost too much), the earliest over all counts. A set laid beside
 * the others never makes a denial look fresher than one that proves itself.
 */
#ifndef SS_DNS_DENIAL_H
#define SS_DNS_DENIAL_H

#include "dns/answer.h"
#include "dns/frame.h"

/* NSEC3 hashes with more iterations than this are not computed (RFC 9276 3.2). */
#define SS_NSEC3_ITERATIONS 500

/*
 * Read the signatures of a denial (`outcome` NO_DATA or NO_NAME) of the asked
 * type at answer->end, and fill the answer's. Returns 0, SMTPSEC_E_FORMAT, _NOMEM.
 */
int ss_dns_denial_read(const struct ss_dns_frames *frames, uint16_t type, struct ss_answer *answer);

/* Is it the same name, or below? */
bool ss_dns_is_under(const struct ss_name *name, const struct ss_name *top);
/* Note who signed a set at or below whose zone; two that disagree leave none. */
void ss_dns_note_signer(struct ss_answer *answer, const struct ss_name *signer, bool *disagree);

#endif
