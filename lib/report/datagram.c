/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "report/datagram.h"

#include <string.h>

#include "report/json.h"

static void
put_text(struct ss_buf *out, const char *key, const char *value)
{
    ss_json_key(out, key);
    ss_json_text(out, value, strlen(value));
}

static void
put_list(struct ss_buf *out, const char *key, const struct ss_buf *list)
{
    if (list->len == 0)
        return;
    ss_json_raw(out, ",");
    ss_json_key(out, key);
    ss_json_raw(out, "[");
    ss_buf_put(out, list->data, list->len);
    ss_json_raw(out, "]");
}

static void
put_entry(struct ss_buf *out, const struct ss_report *report, const struct ss_report_entry *entry)
{
    const struct ss_report_policy *policy = &report->policies[entry->policy];

    ss_json_raw(out, "{");
    ss_json_key(out, "policy-type");
    ss_json_number(out, policy->type);
    ss_json_raw(out, ",");
    put_text(out, "policy-domain", policy->domain);
    put_list(out, "policy-string", &policy->strings);
    put_list(out, "mx-host", &policy->patterns);
    put_list(out, "failure-details", &entry->details);
    ss_json_raw(out, ",");
    ss_json_key(out, "t");
    ss_json_number(out, (int64_t)entry->failures);
    ss_json_raw(out, ",");
    ss_json_key(out, "f");
    ss_json_number(out, entry->failures > 0);
    ss_json_raw(out, "}");
}

/* Put the entries that fit. Returns 0 or NOMEM. */
static int
put_entries(struct ss_buf *out, const struct ss_report *report)
{
    struct ss_buf one;
    bool first = true, nomem = false;
    size_t i;

    for (i = 0; i < report->entry_count && !nomem; i++) {
        ss_buf_init(&one, SS_DATAGRAM_OCTETS);
        put_entry(&one, report, &report->entries[i]);
        nomem = one.nomem;
        if (ss_buf_ok(&one) && out->len + one.len + 3 <= SS_DATAGRAM_OCTETS) {
            if (!first)
                ss_json_raw(out, ",");
            ss_buf_put(out, one.data, one.len);
            first = false;
        }
        ss_buf_free(&one);
    }
    return nomem ? SMTPSEC_E_NOMEM : 0;
}

int
ss_datagram_write(const struct ss_report *report, struct ss_buf *out)
{
    int r;

    ss_buf_init(out, SS_DATAGRAM_OCTETS);
    if (report->entry_count == 0)
        return 0;
    ss_json_raw(out, "{");
    put_text(out, "dpv", "1");
    ss_json_raw(out, ",");
    put_text(out, "d", report->domain);
    ss_json_raw(out, ",");
    put_text(out, "pr", report->record);
    ss_json_raw(out, ",");
    ss_json_key(out, "policies");
    ss_json_raw(out, "[");
    r = put_entries(out, report);
    ss_json_raw(out, "]}");
    return r == 0 && ss_buf_ok(out) ? 0 : SMTPSEC_E_NOMEM;
}
