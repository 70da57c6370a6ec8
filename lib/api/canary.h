/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Does the resolver validate? Known-signed names are asked from time to time,
 * beside an evaluation and never in its way. Answers without AD say that
 * DNSSEC is lost; a failed look-up says nothing (design 6.7).
 */
#ifndef SS_API_CANARY_H
#define SS_API_CANARY_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/name.h"
#include "decision/evidence.h"
#include "drive/resolver.h"

#define SS_CANARIES SS_CANARY_NAMES
/* Asked again after this, and sooner while it is not well. */
#define SS_CANARY_INTERVAL 3600
#define SS_CANARY_RETRY 60

struct smtpsec_context;

struct ss_canary {
    struct ss_name names[SS_CANARIES];
    size_t count;       /* 0: nobody to be asked */
    int32_t state;      /* SMTPSEC_DNSSEC_* */
    int64_t asked;      /* when; 0: never */
    size_t open;        /* questions on their way */
    bool any_signed;    /* of the present round */
    size_t unsigned_answers;
    bool told;          /* that DNSSEC is lost */
};

/* Begin: no trusted resolver means UNTRUSTED, for good. */
void ss_canary_init(struct ss_canary *canary, const struct ss_name *names, size_t count, bool trusted);
/* Give a lookup that the caller drives the names, that it may ask them itself if it must know. */
void ss_canary_lend(const struct ss_canary *canary, struct ss_evidence *evidence);
/*
 * What the answers of a lookup tell, also of one that the caller drove: an
 * event when DNSSEC is lost, and when it is back.
 */
void ss_canary_tell(struct smtpsec_context *context, int32_t dnssec, bool any_signed, int64_t now);
/* Ask if it is time. Never calls back before returning; trouble leaves the state as it was. */
void ss_canary_ask(struct smtpsec_context *context);

#endif
