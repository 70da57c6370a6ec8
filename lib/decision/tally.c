/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "decision/tally.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/text.h"

/* Is the session's certificate at fault? */
static bool
is_certificate(int32_t reason)
{
    return reason >= SMTPSEC_REASON_NO_CERTIFICATE && reason < SMTPSEC_REASON_TLSA_SHORT &&
           reason != SMTPSEC_REASON_NO_TRUST_ANCHORS; /* that is ours */
}

/*
 * Did the host fail for a reason of REQUIRETLS alone? The keyword is nobody
 * else's matter (RTLS-13). TLS and certificate are, where another source demands
 * them: the untagged message would wait, and so does this one (RTLS-11). So is a
 * version later than the 1.2 that any identity needs: it is the operator's wish.
 * STARTTLS that is refused with a 4yz, or a host out of reach, may be back.
 */
static bool
is_final(const struct smtpsec_tally *tally, const struct ss_tally_host *host, int32_t reason)
{
    switch (reason) {
    case SMTPSEC_REASON_REQUIRETLS_MX_UNAUTHENTICATED: /* RTLS-04 */
        return !tally->unsure;
    case SMTPSEC_REASON_REQUIRETLS_UNSUPPORTED:
        return host->requiretls;
    case SMTPSEC_REASON_TLS_VERSION:
        return host->requiretls && host->alone && !host->version_raised;
    case SMTPSEC_REASON_NO_STARTTLS:
    case SMTPSEC_REASON_TLS_HANDSHAKE:
        return host->requiretls && host->alone;
    default:
        return host->requiretls && host->alone && is_certificate(reason);
    }
}

/* What an operator is helped by most: what a server shows, then what the DNS says, then silence. */
static int
telling(int32_t reason)
{
    if (reason == SMTPSEC_REASON_NONE)
        return 0;
    if (reason == SMTPSEC_REASON_CONNECT_FAILED)
        return 1;
    if (reason < SMTPSEC_REASON_TLSA_SERVFAIL || reason == SMTPSEC_REASON_ADDR_INDETERMINATE)
        return 2;
    return 3;
}

static void
conclude(struct smtpsec_tally *tally, int32_t verdict, int32_t reason, const char *enhanced)
{
    size_t i, at;

    tally->verdict = verdict;
    tally->reason = reason;
    snprintf(tally->enhanced, sizeof(tally->enhanced), "%s",
             enhanced[0] != '\0' ? enhanced : "4.4.1");
    /* The class follows the verdict, whatever the reason's own is. */
    tally->enhanced[0] = verdict == SMTPSEC_VERDICT_FAIL ? '5' : '4';
    snprintf(tally->text, sizeof(tally->text), "%s: %s, %s (%s)", tally->domain,
             smtpsec_verdict_name(verdict), smtpsec_reason_name(reason),
             reason == SMTPSEC_REASON_NONE ? "No host took the message."
                                           : smtpsec_reason_text(reason));
    for (i = 0; i < tally->count; i++) {
        at = strlen(tally->text);
        snprintf(tally->text + at, sizeof(tally->text) - at, "%s %s: %s", i == 0 ? ":" : ",",
                 tally->hosts[i].text,
                 tally->hosts[i].tried ? smtpsec_reason_name(tally->hosts[i].reason)
                                       : "not tried");
    }
}

/* RTLS-13: every host lacks the keyword; else RTLS-11: some lack TLS, or are not authenticated. */
static void
conclude_final(struct smtpsec_tally *tally)
{
    int32_t reason = SMTPSEC_REASON_REQUIRETLS_UNSUPPORTED;
    size_t i;

    for (i = 0; i < tally->count && reason == SMTPSEC_REASON_REQUIRETLS_UNSUPPORTED; i++)
        reason = tally->hosts[i].reason;
    conclude(tally, SMTPSEC_VERDICT_FAIL, reason,
             reason == SMTPSEC_REASON_REQUIRETLS_UNSUPPORTED ? "5.7.30" : "5.7.10");
}

static void
settle(struct smtpsec_tally *tally)
{
    bool final = tally->count > 0 && !tally->cut, used = false;
    int32_t reason = SMTPSEC_REASON_NONE;
    size_t i;

    for (i = 0; i < tally->count; i++) {
        const struct ss_tally_host *host = &tally->hosts[i];

        used = used || host->use;
        final = final && host->final;
        if (telling(host->reason) > telling(reason))
            reason = host->reason;
    }
    if (!used) /* nobody was to be tried: the plan has said what that means */
        conclude(tally, tally->plan_verdict, tally->plan_reason, tally->plan_enhanced);
    else if (final)
        conclude_final(tally);
    else
        conclude(tally, SMTPSEC_VERDICT_DEFER, reason, smtpsec_reason_enhanced(reason));
}

static void
take_host(struct smtpsec_tally *tally, const struct smtpsec_host *from, struct ss_tally_host *host)
{
    const struct smtpsec_requirement *requirement = from->requirement;

    ss_text_escape(host->text, sizeof(host->text), from->text, strlen(from->text));
    host->use = requirement != NULL;
    if (!host->use) {
        host->tried = true;
        host->reason = from->reason;
        host->final = is_final(tally, host, from->reason);
        return;
    }
    host->requiretls = requirement->requiretls;
    host->alone = requirement->sources == SMTPSEC_SOURCE_REQUIRETLS;
    host->version_raised = requirement->tls_version > 0x0303;
}

int
ss_tally_new(const struct smtpsec_plan *plan, struct smtpsec_tally **out)
{
    struct smtpsec_tally *tally = calloc(1, sizeof(*tally));
    size_t i;

    if (tally == NULL)
        return SMTPSEC_E_NOMEM;
    tally->hosts = calloc(plan->count > 0 ? plan->count : 1, sizeof(*tally->hosts));
    if (tally->hosts == NULL) {
        free(tally);
        return SMTPSEC_E_NOMEM;
    }
    memcpy(tally->domain, plan->domain, sizeof(tally->domain));
    memcpy(tally->plan_enhanced, plan->enhanced, sizeof(tally->plan_enhanced));
    tally->plan_verdict = plan->verdict == SMTPSEC_VERDICT_FAIL ? SMTPSEC_VERDICT_FAIL
                                                                : SMTPSEC_VERDICT_DEFER;
    tally->plan_reason = plan->reason;
    tally->unsure = plan->sts_unsure || plan->dnssec == SMTPSEC_DNSSEC_LOST;
    tally->cut = plan->cut;
    tally->count = plan->count;
    for (i = 0; i < plan->count; i++)
        take_host(tally, &plan->hosts[i], &tally->hosts[i]);
    settle(tally);
    *out = tally;
    return 0;
}

void
ss_tally_free(struct smtpsec_tally *tally)
{
    if (tally == NULL)
        return;
    free(tally->hosts);
    free(tally);
}

int
ss_tally_add(struct smtpsec_tally *tally, size_t host, int32_t reason)
{
    struct ss_tally_host *of;
    bool final;

    if (host >= tally->count || !tally->hosts[host].use)
        return SMTPSEC_E_INVALID;
    of = &tally->hosts[host];
    final = is_final(tally, of, reason);
    /* Of several connections to it, say one an address, one that leaves hope is enough. */
    if (!of->tried || (of->final && !final) ||
        (of->final == final && telling(reason) > telling(of->reason)))
        of->reason = reason;
    of->final = final && (!of->tried || of->final);
    of->tried = true;
    settle(tally);
    return 0;
}
