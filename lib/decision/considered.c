/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "decision/considered.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/text.h"
#include "decision/demand.h"
#include "decision/sts_view.h"

#define TLSA_DATA_MAX 2048 /* of one record, in octets; a longer one is left out */

void
ss_considered_free(struct smtpsec_report *report)
{
    if (report == NULL)
        return;
    ss_report_clear(&report->told);
    free(report->hosts);
    free(report);
}

/* ---- Policies ------------------------------------------------------------ */

/* RPT-22: "usage selector type hex", one string a record. */
static int
put_record(struct ss_report *told, size_t policy, const struct ss_tlsa *record)
{
    char text[16 + 2 * TLSA_DATA_MAX + 1];
    struct ss_bytes string;
    int at;

    if (record->len > TLSA_DATA_MAX)
        return 0;
    at = snprintf(text, sizeof(text), "%u %u %u ", record->usage, record->selector,
                  record->matching);
    ss_hex_write(text + at, record->data, record->len);
    string.data = (const uint8_t *)text;
    string.len = strlen(text);
    return ss_report_add_string(told, policy, string);
}

/* RPT-21: the policy domain of a TLSA policy is the TLSA base domain. */
static int
consider_tlsa(struct smtpsec_report *report, const struct smtpsec_host *host,
              struct ss_considered_host *out)
{
    size_t before = report->told.policy_count;
    size_t i;
    int r;

    out->tlsa = host->tlsa.count > 0; /* none where the look-up failed */
    out->usable = host->dane == SMTPSEC_DANE_USABLE;
    r = ss_report_policy(&report->told, SMTPSEC_POLICY_TLSA,
                         host->base.text[0] != '\0' ? host->base.text : host->text,
                         &out->tlsa_policy);
    if (report->told.policy_count == before) /* two hosts, one base domain */
        return r;
    for (i = 0; r == 0 && i < host->tlsa.count; i++)
        r = put_record(&report->told, out->tlsa_policy, &host->tlsa.records[i]);
    return r;
}

/* RPT-22: the lines of the policy, as they came, even if faulty. */
static int
put_lines(struct ss_report *told, size_t policy, const struct ss_policy_text *text)
{
    struct ss_bytes line;
    size_t start = 0, i;
    int r = 0;

    for (i = 0; r == 0 && i <= text->len; i++) {
        if (i < text->len && text->data[i] != '\n')
            continue;
        line.data = text->data == NULL ? NULL : text->data + start;
        line.len = i - start;
        start = i + 1;
        if (line.len > 0 && line.data[line.len - 1] == '\r')
            line.len--;
        if (line.len > 0)
            r = ss_report_add_string(told, policy, line);
    }
    return r;
}

static int
consider_sts(struct smtpsec_report *report, const struct smtpsec_plan *plan)
{
    size_t i;
    int r;

    r = ss_report_policy(&report->told, SMTPSEC_POLICY_STS, plan->domain, &report->sts_policy);
    if (r == 0 && plan->sts_mode != SMTPSEC_STS_ABSENT)
        r = put_lines(&report->told, report->sts_policy, &plan->tlsrpt.policy);
    else if (r == 0)
        r = put_lines(&report->told, report->sts_policy, &plan->tlsrpt.faulty);
    for (i = 0; r == 0 && i < plan->sts_mx_count; i++)
        r = ss_report_add_pattern(&report->told, report->sts_policy, plan->sts_mx[i]);
    report->sts = plan->sts_mode == SMTPSEC_STS_ENFORCE || plan->sts_mode == SMTPSEC_STS_TESTING;
    return r;
}

/* ---- What failed before any connection ------------------------------------ */

static int
fail_before(struct smtpsec_report *report, size_t policy, int32_t result, const char *host,
            const char *reason)
{
    struct ss_report_failure failure = {.result = result, .receiving_host = host, .reason = reason};
    struct ss_report *told = &report->told;
    size_t i;
    int r = 0;

    /* One entry a policy: it is one delivery that none of these let through to a session. */
    for (i = 0; i < told->entry_count; i++)
        if (told->entries[i].policy == policy)
            break;
    if (i == told->entry_count)
        r = ss_report_begin(told, policy, &i);
    return r == 0 ? ss_report_fail(told, i, &failure) : r;
}

static const char *
token(int32_t reason)
{
    return reason == SMTPSEC_REASON_STS_MX_MISMATCH ? "mx-not-in-sts-policy" /* RPT-17 */
                                                    : smtpsec_reason_name(reason);
}

/* RPT-10: told only where the operator asks for it; nothing in them speaks of DNSSEC. */
static int32_t
transient_result(int32_t reason)
{
    switch (reason) {
    case SMTPSEC_REASON_MX_SERVFAIL:
    case SMTPSEC_REASON_MX_TIMEOUT:
    case SMTPSEC_REASON_MX_RCODE:
    case SMTPSEC_REASON_MX_MALFORMED:
        return SMTPSEC_RESULT_VALIDATION_FAILURE; /* as RPT-11 */
    case SMTPSEC_REASON_ADDR_SERVFAIL:
    case SMTPSEC_REASON_ADDR_TIMEOUT:
    case SMTPSEC_REASON_ADDR_RCODE:
    case SMTPSEC_REASON_ADDR_MALFORMED:
    case SMTPSEC_REASON_CNAME_LOOKUP:
    case SMTPSEC_REASON_TLSA_SERVFAIL:
    case SMTPSEC_REASON_TLSA_TIMEOUT:
    case SMTPSEC_REASON_TLSA_RCODE:
    case SMTPSEC_REASON_TLSA_MALFORMED:
    case SMTPSEC_REASON_TLSA_TRUNCATED:
        return SMTPSEC_RESULT_DNSSEC_INVALID;
    default:
        return SMTPSEC_RESULT_NONE;
    }
}

/* What RFC 8460 calls it that a host, or with NULL the destination, is not to be used. */
static int32_t
result_of(const struct smtpsec_plan *plan, const struct smtpsec_host *host, int32_t reason)
{
    int32_t result = SMTPSEC_RESULT_NONE;

    if (reason != SMTPSEC_REASON_NONE)
        result = smtpsec_reason_result(reason);
    if (result == SMTPSEC_RESULT_NONE && plan->settings.tlsrpt_transient)
        result = transient_result(reason);
    /* RPT-12: an operator who asks for signed MX records has not asked for DANE. */
    if (reason == SMTPSEC_REASON_MX_INSECURE && plan->minimum != SMTPSEC_LEVEL_DANE &&
        host->minimum != SMTPSEC_LEVEL_DANE)
        result = SMTPSEC_RESULT_NONE;
    return result;
}

/* A host that is skipped for what RFC 8460 knows. What the memory alone refuses has no type. */
static int
skipped(struct smtpsec_report *report, const struct smtpsec_plan *plan,
        const struct smtpsec_host *host, struct ss_considered_host *out, int32_t reason)
{
    int32_t result = result_of(plan, host, reason);
    int r = 0;

    switch (result) {
    case SMTPSEC_RESULT_NONE: /* RPT-10: a plain time-out, for one */
        return 0;
    case SMTPSEC_RESULT_DNSSEC_INVALID: /* RPT-09 */
    case SMTPSEC_RESULT_DANE_REQUIRED:  /* RPT-12 */
        if (!out->tlsa)
            r = consider_tlsa(report, host, out);
        return r == 0 ? fail_before(report, out->tlsa_policy, result, host->text, token(reason))
                      : r;
    default:
        return report->sts
                   ? fail_before(report, report->sts_policy, result, host->text, token(reason))
                   : 0;
    }
}

/*
 * What else is wrong with a host's DANE: a look-up that failed where DANE only
 * reports, so that the host is used (RPT-09), and records none of which is
 * usable, at a host that is skipped for another reason. Where it is used, each
 * session tells of them; a host that no mail needed tells nothing (RPT-08).
 */
static int
beside(struct smtpsec_report *report, const struct smtpsec_plan *plan,
       const struct smtpsec_host *host, struct ss_considered_host *out)
{
    if (host->dane == SMTPSEC_DANE_FAILED && host->dane_reason != host->reason)
        return skipped(report, plan, host, out, host->dane_reason);
    if (host->dane == SMTPSEC_DANE_UNUSABLE && host->action == SMTPSEC_ACTION_SKIP)
        return fail_before(report, out->tlsa_policy, SMTPSEC_RESULT_TLSA_INVALID, host->text,
                           "all-unusable");
    return 0;
}

static int
consider_hosts(struct smtpsec_report *report, const struct smtpsec_plan *plan)
{
    size_t i;
    int r = 0;

    for (i = 0; r == 0 && i < plan->count; i++) {
        const struct smtpsec_host *host = &plan->hosts[i];
        struct ss_considered_host *out = &report->hosts[report->host_count++];

        snprintf(out->name, sizeof(out->name), "%s", host->reference.text);
        if (host->dane == SMTPSEC_DANE_USABLE || host->dane == SMTPSEC_DANE_UNUSABLE)
            r = consider_tlsa(report, host, out);
        if (r == 0)
            r = skipped(report, plan, host, out, host->reason);
        if (r == 0)
            r = beside(report, plan, host, out);
    }
    return r;
}

/* RPT-11: no policy is known where even the MX records cannot be had. */
static int
destination_failed(struct smtpsec_report *report, const struct smtpsec_plan *plan)
{
    int32_t result = result_of(plan, NULL, plan->dns_reason);
    size_t policy;
    int r;

    if (result == SMTPSEC_RESULT_NONE)
        return 0;
    r = ss_report_policy(&report->told, SMTPSEC_POLICY_NONE, plan->domain, &policy);
    return r == 0 ? fail_before(report, policy, result, NULL, token(plan->dns_reason)) : r;
}

/* RPT-18: a live policy could not be fetched anew, for this reason if it is known. */
static int
refresh_failed(struct smtpsec_report *report, int32_t why)
{
    bool grammar = why == SS_STS_FAILED_GRAMMAR;
    char text[64] = "refresh-failed";

    if (grammar)
        snprintf(text, sizeof(text), "refresh: the policy breaks the grammar");
    else if (why != 0)
        snprintf(text, sizeof(text), "refresh: %s", smtpsec_failure_name(why));
    return fail_before(report, report->sts_policy,
                       grammar ? SMTPSEC_RESULT_STS_POLICY_INVALID : ss_sts_fetch_result(why), NULL,
                       text);
}

static int
consider(struct smtpsec_report *report, const struct smtpsec_plan *plan)
{
    bool failed = plan->sts_error != SMTPSEC_RESULT_NONE;
    int r = 0;

    if (plan->dns_reason != SMTPSEC_REASON_NONE)
        return destination_failed(report, plan);
    if (plan->sts_mode == SMTPSEC_STS_ENFORCE || plan->sts_mode == SMTPSEC_STS_TESTING || failed)
        r = consider_sts(report, plan);
    if (r == 0 && failed) /* RPT-14 to RPT-16 */
        r = fail_before(report, report->sts_policy, plan->sts_error, NULL, plan->sts_error_text);
    else if (r == 0 && plan->tlsrpt.refresh_failed && report->sts) /* RPT-18 */
        r = refresh_failed(report, plan->tlsrpt.refresh_why);
    return r == 0 ? consider_hosts(report, plan) : r;
}

int
ss_considered_new(const struct smtpsec_plan *plan, struct smtpsec_report **out)
{
    struct smtpsec_report *report = calloc(1, sizeof(*report));
    int r;

    if (report == NULL)
        return SMTPSEC_E_NOMEM;
    report->hosts = calloc(plan->count > 0 ? plan->count : 1, sizeof(*report->hosts));
    r = report->hosts == NULL ? SMTPSEC_E_NOMEM
                              : ss_report_init(&report->told, plan->domain, plan->tlsrpt.record);
    memcpy(report->domain, plan->domain, sizeof(report->domain));
    /* TRN-10: a report on reports would go round; TLS-Required: No lifts what would be told of. */
    report->silent = plan->tlsrpt.record[0] == '\0' || plan->message.tls_report ||
                     ss_plan_lifted(plan);
    if (r == 0 && !report->silent)
        r = consider(report, plan);
    if (r != 0) {
        ss_considered_free(report);
        return r;
    }
    *out = report;
    return 0;
}

/* ---- Sessions -------------------------------------------------------------- */

struct telling {
    struct smtpsec_report *report;
    const struct smtpsec_verdict *verdict;
    struct ss_report_failure failure; /* all but result and reason */
};

static int
add_failure(struct telling *telling, size_t entry, int32_t result, const char *reason)
{
    telling->failure.result = result;
    telling->failure.reason = reason;
    return ss_report_fail(&telling->report->told, entry, &telling->failure);
}

/* An entry with up to two reasons (RPT-19). A fault of our own side is nobody's session. */
static int
tell_reasons(struct telling *telling, size_t policy, int32_t first, int32_t second)
{
    size_t entry;
    int r;

    if (first != SMTPSEC_REASON_NONE && smtpsec_reason_result(first) == SMTPSEC_RESULT_NONE)
        return 0;
    r = ss_report_begin(&telling->report->told, policy, &entry);
    if (r == 0 && first != SMTPSEC_REASON_NONE)
        r = add_failure(telling, entry, smtpsec_reason_result(first), token(first));
    if (r == 0 && smtpsec_reason_result(second) != SMTPSEC_RESULT_NONE)
        r = add_failure(telling, entry, smtpsec_reason_result(second), token(second));
    return r;
}

/* RPT-08: that no record is usable is so without a session, too. */
static int
tell_unusable(struct telling *telling, const struct ss_considered_host *host)
{
    size_t entry;
    int r = ss_report_begin(&telling->report->told, host->tlsa_policy, &entry);

    return r == 0 ? add_failure(telling, entry, SMTPSEC_RESULT_TLSA_INVALID, "all-unusable") : r;
}

/* Why TLS did not come to be, or cannot serve, whatever the policy. */
static int32_t
general_reason(const struct smtpsec_verdict *verdict)
{
    if (verdict->plain != SMTPSEC_REASON_NONE)
        return verdict->plain;
    return !verdict->accepted && verdict->reason == SMTPSEC_REASON_TLS_VERSION
               ? SMTPSEC_REASON_TLS_VERSION
               : SMTPSEC_REASON_NONE;
}

static int
tell_tlsa(struct telling *telling, const struct ss_considered_host *host, int32_t general)
{
    if (general != SMTPSEC_REASON_NONE)
        return tell_reasons(telling, host->tlsa_policy, general, SMTPSEC_REASON_NONE);
    if (host->usable)
        return (telling->verdict->judged & SMTPSEC_IDENTITY_DANE) != 0
                   ? tell_reasons(telling, host->tlsa_policy, telling->verdict->dane,
                                  SMTPSEC_REASON_NONE)
                   : 0;
    return tell_unusable(telling, host);
}

static int
tell_sts(struct telling *telling, const struct smtpsec_requirement *requirement, int32_t general)
{
    const struct smtpsec_verdict *verdict = telling->verdict;
    int32_t misfit =
        requirement->sts_misfit ? SMTPSEC_REASON_STS_MX_MISMATCH : SMTPSEC_REASON_NONE;
    size_t policy = telling->report->sts_policy;

    if (general != SMTPSEC_REASON_NONE)
        return tell_reasons(telling, policy, general, misfit);
    if ((verdict->judged & SMTPSEC_IDENTITY_PKIX) == 0)
        return 0; /* DANE alone beside it, by the operator's choice (PREC-02) */
    if (verdict->pkix == SMTPSEC_REASON_NONE)
        return tell_reasons(telling, policy, misfit, SMTPSEC_REASON_NONE);
    return tell_reasons(telling, policy, verdict->pkix,
                        verdict->pkix_too != SMTPSEC_REASON_NONE ? verdict->pkix_too : misfit);
}

static int
tell_session(struct telling *telling, const struct smtpsec_requirement *requirement,
             const struct ss_considered_host *host)
{
    int32_t general = general_reason(telling->verdict);
    size_t policy;
    int r = 0;

    if (host->tlsa)
        r = tell_tlsa(telling, host, general);
    if (r == 0 && telling->report->sts)
        r = tell_sts(telling, requirement, general);
    if (r != 0 || host->tlsa || telling->report->sts)
        return r;
    /* RPT-20: no policy of the domain's is known, and TLS, or its absence, is told all the same. */
    r = ss_report_policy(&telling->report->told, SMTPSEC_POLICY_NONE, telling->report->domain,
                         &policy);
    return r == 0 ? tell_reasons(telling, policy, telling->verdict->plain, SMTPSEC_REASON_NONE) : r;
}

int
ss_considered_session(struct smtpsec_report *report,
                      const struct smtpsec_requirement *requirement,
                      const struct smtpsec_session *session,
                      const struct smtpsec_verdict *verdict,
                      const struct ss_session_place *place)
{
    struct telling telling = {.report = report, .verdict = verdict};
    size_t i;

    if (report->silent)
        return 0;
    if (report->sessions == SS_REPORT_SESSIONS)
        return SMTPSEC_E_LIMIT;
    for (i = 0; i < report->host_count; i++)
        if (strcmp(report->hosts[i].name, requirement->host.text) == 0)
            break;
    if (i == report->host_count)
        return SMTPSEC_E_INVALID;
    report->sessions++;
    /* No session came about, or it was not looked at. */
    telling.failure.receiving_host = requirement->host.text;
    if (session->starttls == SMTPSEC_STARTTLS_NOT_REACHED)
        return report->hosts[i].tlsa && !report->hosts[i].usable
                   ? tell_unusable(&telling, &report->hosts[i])
                   : 0;
    if (!verdict->looked)
        return 0;
    telling.failure.sending_ip = place->sending_ip;
    telling.failure.receiving_ip = place->receiving_ip;
    telling.failure.receiving_helo = place->helo;
    return tell_session(&telling, requirement, &report->hosts[i]);
}
