/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Evidence for tests, written as words. A fact is one line:
 *
 *   TYPE NAME STATUS WORD...
 *
 * STATUS: secure, insecure, nodata, nodata-secure, nxdomain, nxdomain-secure,
 * or the name of a failure. WORD: data of the type, ttl=N, inception=N, or
 * cname=TARGET in front of the data. TLSA data is usage.selector.matching.N:
 * a digest of which every octet is N. Whatever cannot be read aborts.
 */
#ifndef SS_TEST_FACTS_H
#define SS_TEST_FACTS_H

#include "decision/decide.h"
#include "decision/evidence.h"

#define FACTS_NOW INT64_C(1800000000)

struct ss_name facts_name(const char *text);
/* An empty evidence for a domain, port 25, with a memory in order. */
void facts_init(struct ss_evidence *evidence, const char *domain);
void facts_dns(struct ss_evidence *evidence, const char *line);
/* The question of a line alone. */
void facts_question(struct ss_question *question, const char *line);
/* The policy host's answer; body NULL: it failed by time-out. */
void facts_https(struct ss_evidence *evidence, const char *body);
/* A cached policy. */
void facts_entry(struct ss_sts_entry *entry, const char *id, const char *body, int64_t fetched,
                 int64_t max_age);
/* A claim proved on so many days, one a day, the last one at `last`. */
struct ss_claim *facts_claim(struct ss_record *record, int32_t kind, const char *host,
                             uint32_t days, int64_t last, int64_t expires);
/* All of a plan that a caller can see, as text; to be given to free(). */
char *facts_plan_text(const struct smtpsec_plan *plan);

/* The same numbers from the same seed, everywhere. */
uint64_t facts_random(uint64_t *state);
size_t facts_pick(uint64_t *state, size_t count);

#endif
