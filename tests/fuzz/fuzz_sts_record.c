/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* TXT records, one a line: whatever is found has a well-formed id. */
#include <stdlib.h>
#include <string.h>

#include "base/text.h"
#include "sts/sts_record.h"

#define TEXTS 16

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void
check_id(const struct ss_sts_record *record)
{
    size_t len = strnlen(record->id, sizeof(record->id));
    size_t i;

    if (len == 0 || len > SS_STS_ID_MAX)
        abort();
    for (i = 0; i < len; i++)
        if (!ss_is_alnum(record->id[i]))
            abort();
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct ss_bytes texts[TEXTS];
    struct ss_sts_record record;
    struct ss_notes notes = {0};
    size_t count = 0, start = 0, i;

    for (i = 0; i <= size && count < TEXTS; i++) {
        if (i < size && data[i] != '\n')
            continue;
        texts[count].data = data + start;
        texts[count++].len = i - start;
        start = i + 1;
    }
    if (ss_sts_record_find(texts, count, &record, &notes) == SS_STS_RECORD_FOUND)
        check_id(&record);
    else if (record.id[0] != '\0')
        abort();
    ss_notes_free(&notes);
    return 0;
}
