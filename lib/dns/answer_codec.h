/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * A question and its answer as octets, to be kept until its TTL ends. All that
 * a decision reads of an answer is in them, signature times and signer too, so
 * that a kept answer is judged as the one that came from the network.
 */
#ifndef SS_DNS_ANSWER_CODEC_H
#define SS_DNS_ANSWER_CODEC_H

#include <stdbool.h>

#include "base/bytes.h"
#include "dns/answer.h"

/*
 * True for what may be kept: an answer that came, with or without records,
 * validated or unsigned, of a type that an evaluation asks for, and that may be
 * used for a second at least. Records are in ss_answer_sort()'s order.
 */
bool ss_answer_keepable(const struct ss_question *question, const struct ss_answer *answer);

/* Write one; it is keepable. One answer has one form. */
void ss_answer_write(struct ss_buf *out, const struct ss_question *question,
                     const struct ss_answer *answer);

/*
 * Read one, and leave rd behind it. Returns 0, FORMAT (also for what
 * ss_answer_write() would not have written), NOMEM; the answer is empty then.
 */
int ss_answer_read(struct ss_rd *rd, struct ss_question *question, struct ss_answer *answer);

#endif
