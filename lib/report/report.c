/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "report/report.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "report/json.h"

int
ss_report_init(struct ss_report *report, const char *domain, const char *record)
{
    memset(report, 0, sizeof(*report));
    snprintf(report->domain, sizeof(report->domain), "%s", domain);
    report->record = strdup(record);
    return report->record == NULL ? SMTPSEC_E_NOMEM : 0;
}

void
ss_report_clear(struct ss_report *report)
{
    size_t i;

    for (i = 0; i < report->policy_count; i++) {
        ss_buf_free(&report->policies[i].strings);
        ss_buf_free(&report->policies[i].patterns);
    }
    for (i = 0; i < report->entry_count; i++)
        ss_buf_free(&report->entries[i].details);
    free(report->policies);
    free(report->entries);
    free(report->record);
    memset(report, 0, sizeof(*report));
}

int
ss_report_policy(struct ss_report *report, int32_t type, const char *domain, size_t *index)
{
    struct ss_report_policy *policies, *policy;
    size_t i;

    for (i = 0; i < report->policy_count; i++) {
        if (report->policies[i].type == type && strcmp(report->policies[i].domain, domain) == 0) {
            *index = i;
            return 0;
        }
    }
    policies = realloc(report->policies, (i + 1) * sizeof(*policies));
    if (policies == NULL)
        return SMTPSEC_E_NOMEM;
    report->policies = policies;
    policy = &policies[report->policy_count++];
    policy->type = type;
    snprintf(policy->domain, sizeof(policy->domain), "%s", domain);
    ss_buf_init(&policy->strings, SS_REPORT_POLICY_OCTETS);
    ss_buf_init(&policy->patterns, SS_REPORT_POLICY_OCTETS);
    *index = i;
    return 0;
}

/* Append an element, whole or not at all: half of one would be another text, or no JSON. */
static int
append(struct ss_buf *list, struct ss_bytes element)
{
    int r = 0;

    if (element.len + list->len + 3 > list->limit)
        return 0;
    if (list->len > 0)
        ss_buf_u8(list, ',');
    ss_buf_put(list, element.data, element.len);
    if (!ss_buf_ok(list))
        r = SMTPSEC_E_NOMEM;
    return r;
}

static int
append_text(struct ss_buf *list, struct ss_bytes text)
{
    struct ss_buf one;
    struct ss_bytes element;
    int r = 0;

    ss_buf_init(&one, SS_REPORT_POLICY_OCTETS);
    ss_json_text(&one, text.data, text.len);
    element.data = one.data;
    element.len = one.len;
    if (one.nomem)
        r = SMTPSEC_E_NOMEM;
    else if (!one.full)
        r = append(list, element);
    ss_buf_free(&one);
    return r;
}

int
ss_report_add_string(struct ss_report *report, size_t policy, struct ss_bytes string)
{
    return append_text(&report->policies[policy].strings, string);
}

int
ss_report_add_pattern(struct ss_report *report, size_t policy, const char *pattern)
{
    struct ss_bytes text;

    text.data = (const uint8_t *)pattern;
    text.len = strlen(pattern);
    return append_text(&report->policies[policy].patterns, text);
}

int
ss_report_begin(struct ss_report *report, size_t policy, size_t *index)
{
    struct ss_report_entry *entries, *entry;

    entries = realloc(report->entries, (report->entry_count + 1) * sizeof(*entries));
    if (entries == NULL)
        return SMTPSEC_E_NOMEM;
    report->entries = entries;
    entry = &entries[report->entry_count];
    entry->policy = policy;
    entry->failures = 0;
    ss_buf_init(&entry->details, SS_REPORT_ENTRY_OCTETS);
    *index = report->entry_count++;
    return 0;
}

static void
put_member(struct ss_buf *out, const char *key, const char *value)
{
    if (value == NULL || value[0] == '\0')
        return;
    ss_json_raw(out, ",");
    ss_json_key(out, key);
    ss_json_text(out, value, strlen(value));
}

/* Add a detail, whole or not at all; what found no room is not counted. Returns 0 or NOMEM. */
static int
append_detail(struct ss_report_entry *entry, const struct ss_report_failure *failure)
{
    struct ss_bytes element;
    struct ss_buf one;
    size_t before = entry->details.len;
    int r = 0;

    ss_buf_init(&one, SS_REPORT_ENTRY_OCTETS);
    ss_json_raw(&one, "{");
    ss_json_key(&one, "c");
    ss_json_number(&one, failure->result);
    put_member(&one, "s", failure->sending_ip);
    put_member(&one, "n", failure->receiving_host);
    put_member(&one, "h", failure->receiving_helo);
    put_member(&one, "r", failure->receiving_ip);
    put_member(&one, "f", failure->reason);
    ss_json_raw(&one, "}");
    element.data = one.data;
    element.len = one.len;
    if (one.nomem)
        r = SMTPSEC_E_NOMEM;
    else if (!one.full)
        r = append(&entry->details, element);
    /* The collector compares the count with the list. */
    if (r == 0 && entry->details.len > before)
        entry->failures++;
    ss_buf_free(&one);
    return r;
}

int
ss_report_fail(struct ss_report *report, size_t entry, const struct ss_report_failure *failure)
{
    struct ss_report_failure bare = {.result = failure->result};
    struct ss_report_entry *to = &report->entries[entry];
    size_t before = to->failures;
    int r = append_detail(to, failure);

    /* An entry without details counts as a success: no length of what a host says may make it one. */
    return r == 0 && to->failures == before ? append_detail(to, &bare) : r;
}
