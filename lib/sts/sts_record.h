/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The _mta-sts TXT record (RFC 8461 section 3.1). */
#ifndef SS_STS_RECORD_H
#define SS_STS_RECORD_H

#include <stddef.h>

#include "base/bytes.h"
#include "base/notes.h"

#define SS_STS_ID_MAX 32

struct ss_sts_record {
    char id[SS_STS_ID_MAX + 1];
};

enum ss_sts_record_state {
    SS_STS_RECORD_NONE,    /* no TXT record begins with the version */
    SS_STS_RECORD_FOUND,
    SS_STS_RECORD_SEVERAL, /* more than one does: not available */
    SS_STS_RECORD_INVALID  /* the one that does breaks the grammar */
};

/* Find the record among all TXT strings at the name (character-strings joined). Faults go to notes. */
enum ss_sts_record_state ss_sts_record_find(const struct ss_bytes *texts, size_t count,
                                            struct ss_sts_record *record, struct ss_notes *notes);

#endif
