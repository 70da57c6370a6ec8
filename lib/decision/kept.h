/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Plans as they are kept for whoever asks again (the codec of their octets). */
#ifndef SS_DECISION_KEPT_H
#define SS_DECISION_KEPT_H

/* Of the octets; one of another version is as if not there. */
#define SS_KEPT_VERSION 1

#endif
