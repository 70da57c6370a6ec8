/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * A report as one datagram, in version 1 of the protocol that libtlsrpt and
 * its collector speak: a JSON object. The numbers are that library's, and ours
 * (RPT-24).
 *
 *   dpv       "1"
 *   d         policy domain
 *   pr        text of its _smtp._tls record
 *   policies  array, one element an entry:
 *     policy-type      number
 *     policy-domain
 *     policy-string    array of texts; left out when empty, as the two below
 *     mx-host          array of texts
 *     failure-details  array: c result, s sending address, n host, h helo,
 *                      r receiving address, f reason
 *     t                how many failure details there are
 *     f                0: a success, 1: a failure
 *
 * It has no time in it: the collector counts it for the day, in UTC, on which
 * it came.
 */
#ifndef SS_REPORT_DATAGRAM_H
#define SS_REPORT_DATAGRAM_H

#include "report/report.h"

/* Longest datagram. Entries that find no room are left out, the last ones first. */
#define SS_DATAGRAM_OCTETS 65000

/* Nothing is written for a report without entries. Returns 0 or NOMEM. */
int ss_datagram_write(const struct ss_report *report, struct ss_buf *out);

#endif
