/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Trust anchors: filled once, then read by any number of threads. Counted by
 * references (atomically), since contexts and callers share them.
 */
#ifndef SS_PKIX_ANCHORS_H
#define SS_PKIX_ANCHORS_H

#include "base/bytes.h"
#include "base/error.h"
#include "smtpsec.h"

int ss_anchors_new(struct smtpsec_anchors **out);
struct smtpsec_anchors *ss_anchors_ref(struct smtpsec_anchors *anchors);
void ss_anchors_unref(struct smtpsec_anchors *anchors);
/* Add all certificates of a PEM text. Returns 0, NOMEM, TRUST (none in it). */
int ss_anchors_add_pem(struct smtpsec_anchors *anchors, struct ss_bytes pem);
/* Returns 0, NOMEM, FORMAT. */
int ss_anchors_add_der(struct smtpsec_anchors *anchors, struct ss_bytes der);
size_t ss_anchors_count(const struct smtpsec_anchors *anchors);
/* The first error; kept in the object. */
struct ss_error *ss_anchors_error(struct smtpsec_anchors *anchors);

#endif
