/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* A plan for each nexthop, and a requirement for each of its hosts. */
#include <sys_defs.h>

#include <netinet/in.h>
#include <stdio.h>
#include <string.h>
#include <strings.h>

#include <msg.h>
#include <mymalloc.h>
#include <vstring.h>

#include <deliver_request.h>
#include <dns.h>
#include <dsn_buf.h>
#include <mail_params.h>

#include "smtp.h"
#include "smtp_smtpsec_state.h"

/* ---- Evaluate ----------------------------------------------------------- */

/* IPv4; names may begin like one. */
static int
is_address(const char *domain)
{
    return domain[strspn(domain, "0123456789.")] == '\0';
}

/* Content filters, and names of the operator's own network: not for the DNS to tell. */
static int
is_local(const char *domain, int lookup_mx)
{
    size_t len = strlen(domain);

    if (strcasecmp(domain, "localhost") == 0 || strcmp(domain, "::1") == 0)
        return 1;
    if (strncmp(domain, "127.0.0.", 8) == 0 && is_address(domain))
        return 1;
    if (len > 10 && strcasecmp(domain + len - 10, ".localhost") == 0)
        return 1;
    return !lookup_mx && strpbrk(domain, ".:") == NULL;
}

static void
forget_nexthop(void)
{
    glue_forget_session();
    smtpsec_plan_free(glue_at.plan);
    glue_at.plan = NULL;
    glue_at.requirement = NULL;
    glue_at.broken = NULL;
    glue_at.is_literal = 0;
}

static int
make_destination(const char *domain, unsigned port, int lookup_mx,
                 struct smtpsec_destination **out)
{
    char literal[80];
    int rc;

    glue_at.is_literal = !lookup_mx && strpbrk(domain, ":") != NULL;
    if (!lookup_mx && is_address(domain))
        glue_at.is_literal = 1;
    if (glue_at.is_literal)
        snprintf(literal, sizeof(literal), "[%s%s]",
                 strpbrk(domain, ":") && strncasecmp(domain, "ipv6:", 5) ? "IPv6:" : "", domain);
    rc = smtpsec_destination_new(glue_at.is_literal ? literal : domain, out);
    if (rc == 0 && !lookup_mx && !glue_at.is_literal)
        rc = smtpsec_destination_set_relay(*out, domain);
    if (rc == 0 && ntohs(port) != 25)
        rc = smtpsec_destination_set_port(*out, ntohs(port));
    return rc;
}

static int
evaluate(const char *domain, unsigned port, int lookup_mx)
{
    struct smtpsec_destination *destination = NULL;
    int rc = make_destination(domain, port, lookup_mx, &destination);

    if (rc == 0)
        rc = smtpsec_evaluate_destination(glue_set.context, destination, glue_set.timeout_s * 1000,
                                          &glue_at.plan);
    smtpsec_destination_free(destination);
    glue_tell_events();
    return rc;
}

static int
plan_requires(void)
{
    size_t i;

    for (i = 0; i < smtpsec_plan_host_count(glue_at.plan); i++) {
        const struct smtpsec_host *host = smtpsec_plan_host(glue_at.plan, i);

        if (smtpsec_host_action(host) != SMTPSEC_ACTION_USE ||
            smtpsec_requirement_tls(smtpsec_host_requirement(host)) == SMTPSEC_TLS_REQUIRED)
            return 1;
    }
    return 0;
}

static int
refused_as_a_whole(SMTP_STATE *state, const char *domain, int found, int rc)
{
    if (rc == SMTPSEC_E_NAME && !found)
        return 0; /* no domain name: Postfix says so itself */
    if (rc != 0) {
        msg_warn("smtpsec: %s: %s", domain, smtpsec_strerror(rc));
        if (glue_set.mode == GLUE_ENFORCE)
            glue_set_reason(state->why, "4.7.5", "transport security cannot be evaluated");
        return glue_set.mode == GLUE_ENFORCE;
    }
    if (smtpsec_plan_verdict(glue_at.plan) == SMTPSEC_VERDICT_DELIVER)
        return 0;
    if (!found && smtpsec_plan_verdict(glue_at.plan) == SMTPSEC_VERDICT_FAIL)
        return 0;
    glue_tell(state, 1, smtpsec_plan_text(glue_at.plan));
    if (glue_set.mode != GLUE_ENFORCE)
        return 0;
    glue_set_reason(state->why, smtpsec_plan_enhanced(glue_at.plan),
                    smtpsec_plan_dsn_text(glue_at.plan));
    return 1;
}

struct DNS_RR *
smtp_smtpsec_nexthop(SMTP_STATE *state, const char *domain, unsigned port, int lookup_mx,
                     DNS_RR *addr_list)
{
    if (glue_set.mode == GLUE_OFF)
        return addr_list;
    forget_nexthop();
    if (is_local(domain, lookup_mx) || (addr_list == 0 && SMTP_HAS_LOOP_DSN(state->why)))
        return addr_list;
    if (refused_as_a_whole(state, domain, addr_list != 0, evaluate(domain, port, lookup_mx))) {
        dns_rr_free(addr_list);
        return 0;
    }
    /* Postfix looks an open connection up by nexthop alone: it may be one without TLS. */
    if (glue_at.plan != NULL && glue_set.mode == GLUE_ENFORCE && plan_requires())
        state->misc_flags &= ~SMTP_MISC_FLAG_CONN_CACHE_MASK;
    return addr_list;
}

/* ---- One host ----------------------------------------------------------- */

/* Names compare without case and without a final dot. */
static int
same_name(const char *a, const char *b)
{
    size_t len = strlen(a);

    if (len > 1 && a[len - 1] == '.')
        len--;
    return strlen(b) == len && strncasecmp(a, b, len) == 0;
}

static const struct smtpsec_host *
find_host(const char *name)
{
    size_t i;

    for (i = 0; i < smtpsec_plan_host_count(glue_at.plan); i++) {
        const struct smtpsec_host *host = smtpsec_plan_host(glue_at.plan, i);

        if (glue_at.is_literal || same_name(name, smtpsec_host_name(host)))
            return host;
    }
    return NULL;
}

/* Server names and certificates are wanted in report mode too, or it would report nonsense. */
static void
ask_for_certificate(SMTP_TLS_POLICY *tls, const struct smtpsec_requirement *requirement)
{
    const char *sni = smtpsec_requirement_sni(requirement);

    if (*sni && tls->sni == 0)
        tls->sni = mystrdup(sni);
    if (tls->exclusions == 0) {
        tls->exclusions = vstring_alloc(40);
        vstring_sprintf(tls->exclusions, "%s %s", var_smtp_tls_excl_ciph,
                        tls->level > TLS_LEV_MAY ? var_smtp_tls_mand_excl : "");
    }
    vstring_strcat(tls->exclusions, " aNULL");
}

/* For a DSN: what is remembered here is nothing to tell strangers. */
static const char *
discreet(int32_t reason)
{
    return reason == SMTPSEC_REASON_DOWNGRADE
               ? "It does not offer the transport security that is required."
               : smtpsec_reason_text(reason);
}

static void
refuse_host(SMTP_TLS_POLICY *tls, SMTP_ITERATOR *iter, int32_t reason)
{
    const char *name = vstring_str(iter->host);
    VSTRING *text = vstring_alloc(100);

    vstring_sprintf(text, "%s: skip, %s (%s)", name, smtpsec_reason_name(reason),
                    smtpsec_reason_text(reason));
    glue_tell(iter->parent, 1, vstring_str(text));
    vstring_sprintf(text, "host %s: %s", name, discreet(reason));
    if (glue_set.mode == GLUE_ENFORCE) {
        tls->level = TLS_LEV_INVALID;
        glue_set_reason(tls->why, smtpsec_reason_enhanced(reason), vstring_str(text));
    }
    vstring_free(text);
}

void
smtp_smtpsec_policy(SMTP_TLS_POLICY *tls, SMTP_ITERATOR *iter)
{
    const struct smtpsec_host *host;
    const struct smtpsec_requirement *requirement;

    if (glue_set.mode == GLUE_OFF || glue_at.plan == NULL || tls->level == TLS_LEV_INVALID)
        return;
    if (tls->conn_reuse) { /* tlsproxy(8) hands no certificates back */
        msg_warn("smtpsec: open TLS connections are not reused while %s is on", PARAM_MODE);
        tls->conn_reuse = 0;
    }
    host = find_host(vstring_str(iter->host));
    if (host == NULL || smtpsec_host_action(host) != SMTPSEC_ACTION_USE) {
        refuse_host(tls, iter,
                    host == NULL ? SMTPSEC_REASON_NO_USABLE_HOST : smtpsec_host_reason(host));
        return;
    }
    requirement = smtpsec_host_requirement(host);
    if (glue_set.mode == GLUE_ENFORCE && tls->level < TLS_LEV_ENCRYPT &&
        smtpsec_requirement_tls(requirement) == SMTPSEC_TLS_REQUIRED)
        tls->level = TLS_LEV_ENCRYPT;
    if (tls->level >= TLS_LEV_MAY)
        ask_for_certificate(tls, requirement);
}

/* The requirement of the host that is being talked to; its plan may have been made anew. */
const struct smtpsec_requirement *
glue_requirement(const SMTP_STATE *state)
{
    const struct smtpsec_host *host;

    if (glue_set.mode == GLUE_OFF || glue_at.plan == NULL)
        return NULL;
    host = find_host(vstring_str(state->iterator->host));
    return smtpsec_host_requirement(host);
}
