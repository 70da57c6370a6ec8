/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Notes that are drawn from an answer of the DNS: the question, the answer, its trust. */
#ifndef SS_DECISION_FACT_NOTES_H
#define SS_DECISION_FACT_NOTES_H

#include "base/notes.h"
#include "decision/evidence.h"

/*
 * Add a note with the fact as its input; notes may be NULL. Its age is 0 where
 * the plan asked for itself, for what a resolver kept before is not told to
 * us; of an answer that we kept, the source is "cache", and its age is known.
 */
void ss_note_fact(struct ss_notes *notes, const struct ss_dns_fact *fact, enum ss_effect effect,
                  const char *rule, const char *rfc, const char *format, ...)
    __attribute__((format(printf, 6, 7)));
/* The same of the addresses of a host. A question that was never answered is a failure here. */
void ss_note_addresses(struct ss_notes *notes, const struct ss_name *host,
                       const struct ss_dns_fact *a, const struct ss_dns_fact *aaaa,
                       enum ss_effect effect, const char *rule, const char *rfc,
                       const char *format, ...) __attribute__((format(printf, 8, 9)));

#endif
