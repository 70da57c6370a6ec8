/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Plans for tests, written as words.
 *
 *   mx:    "signed", "unsigned", "none" (no MX, the domain itself), "relay".
 *   hosts: one after the other, with ";" between; each is its name and words:
 *          tls, dane, pkix     what its requirement asks
 *          sts                 MTA-STS is among those who ask
 *          requiretls, tls13   it asks for that too
 *          usable, unusable, disabled, absent, insecure, failed, unasked
 *                              its TLSA records; disabled: unusable by a setting of ours
 *          !REASON             it is skipped, for this reason
 *          +tls +dane +pkix    what the memory asks of it
 *   sts:   "", or a mode and MX patterns: "enforce mx.d.test *.e.test"; or "!" and a result type.
 *
 * Whatever cannot be read aborts.
 */
#ifndef SERVE_TEST_PLANS_H
#define SERVE_TEST_PLANS_H

#include "decision/plan.h"

#define PLANS_DOMAIN "d.test"

struct smtpsec_plan *plans_make(const char *mx, const char *hosts, const char *sts);
/* One that is not to be delivered. */
struct smtpsec_plan *plans_refused(int32_t verdict, int32_t reason, const char *text);

#endif
