/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The _smtp._tls TXT record, by which a domain asks for TLS reports (RFC 8460 section 3). */
#ifndef SS_REPORT_TLSRPT_RECORD_H
#define SS_REPORT_TLSRPT_RECORD_H

#include <stddef.h>

#include "base/bytes.h"
#include "base/notes.h"

/* Longest record that is read; a longer one counts as invalid. */
#define SS_TLSRPT_TEXT 1024

struct ss_tlsrpt_record {
    char text[SS_TLSRPT_TEXT + 1]; /* as published; "" when none is usable */
};

enum ss_tlsrpt_state {
    SS_TLSRPT_NONE,    /* no TXT record begins with the version */
    SS_TLSRPT_FOUND,
    SS_TLSRPT_SEVERAL, /* more than one does: the domain is taken to want none */
    SS_TLSRPT_INVALID  /* the one that does breaks the grammar, or names nowhere to report to */
};

/* Find the record among all TXT strings at the name (character-strings joined). Faults go to notes. */
enum ss_tlsrpt_state ss_tlsrpt_record_find(const struct ss_bytes *texts, size_t count,
                                           struct ss_tlsrpt_record *record, struct ss_notes *notes);

#endif
