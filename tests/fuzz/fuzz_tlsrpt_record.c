/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* TXT records, one a line: what is found is text, one of the lines, and names somewhere to report to. */
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "report/datagram.h"
#include "report/tlsrpt_record.h"

#define TEXTS 16

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void
check_record(const struct ss_tlsrpt_record *record, const struct ss_bytes *texts, size_t count)
{
    size_t len = strnlen(record->text, sizeof(record->text));
    size_t i;

    for (i = 0; i < count; i++)
        if (texts[i].len == len && memcmp(texts[i].data, record->text, len) == 0)
            break;
    if (i == count || len > SS_TLSRPT_TEXT || strncmp(record->text, "v=TLSRPTv1", 10) != 0 ||
        (strcasestr(record->text, "mailto:") == NULL && strcasestr(record->text, "https://") == NULL))
        abort();
}

/* The octets as a policy's text: what is written is ASCII, and in bounds. */
static void
check_datagram(const uint8_t *data, size_t size)
{
    struct ss_bytes string = {data, size};
    struct ss_report report;
    struct ss_buf out;
    size_t policy, entry, i;

    if (ss_report_init(&report, "d.test", "v=TLSRPTv1;rua=mailto:r@d.test") != 0 ||
        ss_report_policy(&report, SMTPSEC_POLICY_STS, "d.test", &policy) != 0 ||
        ss_report_add_string(&report, policy, string) != 0 ||
        ss_report_begin(&report, policy, &entry) != 0 || ss_datagram_write(&report, &out) != 0)
        abort();
    for (i = 0; i < out.len; i++)
        if (out.data[i] < ' ' || out.data[i] > '~')
            abort();
    if (out.len > SS_DATAGRAM_OCTETS)
        abort();
    ss_buf_free(&out);
    ss_report_clear(&report);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct ss_bytes texts[TEXTS];
    struct ss_tlsrpt_record record;
    struct ss_notes notes = {0};
    size_t count = 0, start = 0, i;

    for (i = 0; i <= size && count < TEXTS; i++) {
        if (i < size && data[i] != '\n')
            continue;
        texts[count].data = data + start;
        texts[count++].len = i - start;
        start = i + 1;
    }
    if (ss_tlsrpt_record_find(texts, count, &record, &notes) == SS_TLSRPT_FOUND)
        check_record(&record, texts, count);
    else if (record.text[0] != '\0')
        abort();
    ss_notes_free(&notes);
    check_datagram(data, size);
    return 0;
}
