/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "decision/tlsrpt_facts.h"

#include <stdlib.h>
#include <string.h>

/* RPT-01: of the policy domain, before any alias. An address has none. */
static bool
record_name(const struct ss_evidence *evidence, struct ss_name *name)
{
    return !evidence->destination.literal && !evidence->refresh &&
           ss_name_prepend(name, "_smtp._tls", &evidence->destination.domain);
}

void
ss_tlsrpt_want(const struct ss_evidence *evidence, struct ss_wants *wants)
{
    struct ss_name name;

    if ((wants->count > 0 || wants->https) && record_name(evidence, &name))
        ss_evidence_need_dns(evidence, &name, SS_RR_TXT, false, wants);
}

static void
read_record(const struct ss_evidence *evidence, struct ss_notes *notes, struct ss_tlsrpt_facts *out)
{
    struct ss_bytes texts[SS_DNS_RECORD_LIMIT];
    struct ss_tlsrpt_record record;
    const struct ss_dns_fact *txt;
    struct ss_name name;
    size_t i;

    if (!record_name(evidence, &name))
        return;
    txt = ss_evidence_dns(evidence, &name, SS_RR_TXT);
    if (txt == NULL || txt->answer.outcome != SMTPSEC_ANSWER_RECORDS)
        return;
    for (i = 0; i < txt->answer.count && i < SS_DNS_RECORD_LIMIT; i++) {
        texts[i].data = txt->answer.records[i].data;
        texts[i].len = txt->answer.records[i].len;
    }
    if (ss_tlsrpt_record_find(texts, i, &record, notes) == SS_TLSRPT_FOUND)
        memcpy(out->record, record.text, sizeof(out->record));
}

/* Cut at the end of a line, so that no line is told that nobody wrote. */
static int
keep_text(struct ss_policy_text *out, const uint8_t *data, size_t len)
{
    if (len > SS_POLICY_TEXT_MAX)
        for (len = SS_POLICY_TEXT_MAX; len > 0 && data[len - 1] != '\n';)
            len--;
    if (len == 0)
        return 0;
    out->data = malloc(len);
    if (out->data == NULL)
        return SMTPSEC_E_NOMEM;
    memcpy(out->data, data, len);
    out->len = len;
    return 0;
}

int
ss_tlsrpt_facts_read(const struct ss_evidence *evidence, const struct ss_sts_view *view,
                     struct ss_notes *notes, struct ss_tlsrpt_facts *out)
{
    const struct ss_sts_entry *entry = &evidence->entry;
    const struct ss_https_fact *https = &evidence->https;
    int r = 0;

    read_record(evidence, notes, out);
    if (out->record[0] == '\0')
        return 0;
    if (view->source == SMTPSEC_STS_SOURCE_FETCHED)
        r = keep_text(&out->policy, https->body, https->len);
    if (view->source == SMTPSEC_STS_SOURCE_CACHED)
        r = keep_text(&out->policy, entry->body, entry->len);
    if (r == 0 && view->error == SMTPSEC_RESULT_STS_POLICY_INVALID)
        r = keep_text(&out->faulty, https->body, https->len);
    out->refresh_failed = view->source == SMTPSEC_STS_SOURCE_CACHED &&
                          view->error == SMTPSEC_RESULT_NONE && entry->failing_since != 0;
    out->refresh_why = out->refresh_failed ? entry->failed_why : 0;
    return r;
}

int
ss_tlsrpt_facts_copy(struct ss_tlsrpt_facts *out, const struct ss_tlsrpt_facts *facts)
{
    int r;

    *out = *facts;
    memset(&out->policy, 0, sizeof(out->policy));
    memset(&out->faulty, 0, sizeof(out->faulty));
    r = keep_text(&out->policy, facts->policy.data, facts->policy.len);
    if (r == 0)
        r = keep_text(&out->faulty, facts->faulty.data, facts->faulty.len);
    if (r != 0)
        ss_tlsrpt_facts_free(out);
    return r;
}

void
ss_tlsrpt_facts_free(struct ss_tlsrpt_facts *facts)
{
    free(facts->policy.data);
    free(facts->faulty.data);
    memset(facts, 0, sizeof(*facts));
}
