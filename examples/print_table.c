/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "print_table.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "text.h"

enum { WHY_LINES = 6, WHY_COLUMNS = 92 };

void
table_style_init(struct table_style *style, int verbose)
{
    const char *no_color = getenv("NO_COLOR");

    style->verbose = verbose;
    style->colour = isatty(STDOUT_FILENO) && (no_color == NULL || no_color[0] == '\0');
}

static void
print_verdict(const struct table_style *style, int32_t verdict)
{
    static const char *const colours[] = {"\033[32m", "\033[33m", "\033[31m"};
    int known = verdict >= SMTPSEC_VERDICT_DELIVER && verdict <= SMTPSEC_VERDICT_FAIL;

    if (style->colour && known)
        fputs(colours[verdict], stdout);
    fputs(smtpsec_verdict_name(verdict), stdout);
    if (style->colour && known)
        fputs("\033[0m", stdout);
}

const char *
table_identities(int32_t identities)
{
    switch (identities & (SMTPSEC_IDENTITY_DANE | SMTPSEC_IDENTITY_PKIX)) {
    case SMTPSEC_IDENTITY_DANE:
        return "dane";
    case SMTPSEC_IDENTITY_PKIX:
        return "pkix";
    case 0:
        return "-";
    default:
        return "dane+pkix";
    }
}

const char *
table_time(char *buffer, size_t room, int64_t time)
{
    time_t seconds = (time_t)time;
    struct tm parts;

    if (gmtime_r(&seconds, &parts) == NULL ||
        strftime(buffer, room, "%Y-%m-%dT%H:%M:%SZ", &parts) == 0)
        snprintf(buffer, room, "%" PRId64, time);
    return buffer;
}

static void
label(const char *name)
{
    printf("  %-11s ", name);
}

/* "mx-bogus: The MX answer is bogus (RFC 7672 2.1.1)" */
static void
print_reason(int32_t reason)
{
    const char *rfc = smtpsec_reason_rfc(reason);

    printf("%s: %s", smtpsec_reason_name(reason), smtpsec_reason_text(reason));
    if (rfc[0] != '\0')
        printf(" (%s)", rfc);
}

/* Only what is wrong with the resolver is worth a line. */
static void
print_dnssec(int32_t dnssec)
{
    if (dnssec == SMTPSEC_DNSSEC_UNKNOWN || dnssec == SMTPSEC_DNSSEC_VALIDATES)
        return;
    label("dnssec");
    printf("%s: %s, DANE is off\n", smtpsec_dnssec_name(dnssec),
           dnssec == SMTPSEC_DNSSEC_LOST ? "known-signed names come back unsigned"
                                         : "no resolver is trusted to validate");
}

static void
print_head(const struct table_style *style, const struct smtpsec_plan *plan)
{
    printf("%s\n", smtpsec_plan_domain(plan));
    label("verdict");
    print_verdict(style, smtpsec_plan_verdict(plan));
    if (smtpsec_plan_reason(plan) != SMTPSEC_REASON_NONE) {
        const char *enhanced = smtpsec_plan_enhanced(plan);

        printf("  %s%s", enhanced, enhanced[0] != '\0' ? " " : "");
        print_reason(smtpsec_plan_reason(plan));
    }
    putchar('\n');
    label("requires");
    printf("%s (protection %s)\n", smtpsec_level_name(smtpsec_plan_level(plan)),
           smtpsec_protection_name(smtpsec_plan_protection(plan)));
    print_dnssec(smtpsec_plan_dnssec(plan));
    label("mx");
    printf("%s, %s; route %s, port %u\n", smtpsec_origin_name(smtpsec_plan_mx_origin(plan)),
           smtpsec_trust_name(smtpsec_plan_mx_trust(plan)), smtpsec_plan_route(plan),
           (unsigned int)smtpsec_plan_port(plan));
}

static void
print_sts(const struct smtpsec_plan *plan)
{
    char until[40];

    label("mta-sts");
    fputs(smtpsec_sts_mode_name(smtpsec_plan_sts_mode(plan)), stdout);
    if (smtpsec_plan_sts_mode(plan) != SMTPSEC_STS_ABSENT)
        printf(", %s, id %s, until %s", smtpsec_sts_source_name(smtpsec_plan_sts_source(plan)),
               smtpsec_plan_sts_id(plan),
               table_time(until, sizeof(until), smtpsec_plan_sts_expires(plan)));
    if (smtpsec_plan_sts_error(plan) != SMTPSEC_RESULT_NONE)
        printf("; %s: %s", smtpsec_result_name(smtpsec_plan_sts_error(plan)),
               smtpsec_plan_sts_error_text(plan));
    putchar('\n');
}

static void
print_memory(const struct smtpsec_plan *plan)
{
    char until[40];

    label("memory");
    fputs(smtpsec_memory_state_name(smtpsec_plan_memory_state(plan)), stdout);
    if (smtpsec_plan_has_floor(plan))
        printf("; floor %s, tls %s, %s", smtpsec_level_name(smtpsec_plan_floor_level(plan)),
               smtpsec_tls_name(smtpsec_plan_floor_tls(plan)),
               table_identities(smtpsec_plan_floor_identities(plan)));
    if (smtpsec_plan_claim_count(plan) > 0)
        printf("; %zu claims", smtpsec_plan_claim_count(plan));
    if (smtpsec_plan_has_hold(plan))
        printf("; holds until %s", table_time(until, sizeof(until),
                                              smtpsec_plan_hold_until(plan)));
    if (smtpsec_plan_would_refuse(plan))
        fputs("; would refuse", stdout);
    putchar('\n');
}

/* The width of the longest host name, so that the columns stand. */
static int
name_width(const struct smtpsec_plan *plan)
{
    size_t widest = 4;
    size_t i;

    for (i = 0; i < smtpsec_plan_host_count(plan); i++) {
        size_t len = strlen(smtpsec_host_name(smtpsec_plan_host(plan, i)));

        if (len > widest)
            widest = len;
    }
    return widest > 60 ? 60 : (int)widest;
}

static void
print_addresses(const struct smtpsec_host *host)
{
    size_t i;

    fputs("        addresses ", stdout);
    for (i = 0; i < smtpsec_host_address_count(host); i++)
        printf("%s%s", i > 0 ? ", " : "", smtpsec_host_address(host, i));
    puts(smtpsec_host_partial(host) ? " (one family could not be looked up)" : "");
}

static void
print_names(const struct smtpsec_requirement *requirement)
{
    size_t i;

    if ((smtpsec_requirement_identities(requirement) & SMTPSEC_IDENTITY_DANE) != 0) {
        fputs("        dane      ", stdout);
        for (i = 0; i < smtpsec_requirement_dane_name_count(requirement); i++)
            printf("%s%s", i > 0 ? ", " : "", smtpsec_requirement_dane_name(requirement, i));
        putchar('\n');
    }
    if ((smtpsec_requirement_identities(requirement) & SMTPSEC_IDENTITY_PKIX) != 0) {
        fputs("        pkix      ", stdout);
        for (i = 0; i < smtpsec_requirement_pkix_name_count(requirement); i++)
            printf("%s%s", i > 0 ? ", " : "", smtpsec_requirement_pkix_name(requirement, i));
        putchar('\n');
    }
}

static void
print_visit(const struct visit *visit)
{
    printf("        connect   %s", visit->accepted ? "accept" : "reject");
    if (visit->tls[0] != '\0')
        printf(", %s", visit->tls);
    else
        printf(", no TLS (starttls %s)", smtpsec_starttls_name(visit->starttls));
    if (visit->accepted)
        printf(", achieved %s", smtpsec_level_name(smtpsec_verdict_achieved(visit->verdict)));
    if (visit->address != NULL)
        printf(", at %s", visit->address);
    putchar('\n');
    if (!visit->accepted) {
        fputs("                  ", stdout);
        print_reason(visit->reason);
        putchar('\n');
    }
    if (smtpsec_verdict_would_refuse(visit->verdict))
        printf("                  %s\n", smtpsec_verdict_text(visit->verdict));
    if (!visit->accepted && visit->starttls != SMTPSEC_STARTTLS_DONE && visit->said[0] != '\0')
        printf("                  server: %s\n", visit->said);
}

static void
print_tlsa(const struct smtpsec_host *host)
{
    size_t i;

    for (i = 0; i < smtpsec_host_tlsa_count(host); i++) {
        int32_t reason = smtpsec_host_tlsa_reason(host, i);
        size_t len = 0;
        const uint8_t *data = smtpsec_host_tlsa_data(host, i, &len);
        char hex[33];

        text_hex(hex, sizeof(hex), data, data != NULL ? len : 0);
        printf("        tlsa      %d %d %d %s%s%s%s\n", smtpsec_host_tlsa_usage(host, i),
               smtpsec_host_tlsa_selector(host, i), smtpsec_host_tlsa_matching(host, i), hex,
               len > 16 ? "..." : "", reason != SMTPSEC_REASON_NONE ? " not used: " : "",
               reason != SMTPSEC_REASON_NONE ? smtpsec_reason_name(reason) : "");
    }
}

static void
print_host(const struct table_style *style, const struct smtpsec_host *host, int width,
           const struct visit *visit)
{
    const struct smtpsec_requirement *requirement = smtpsec_host_requirement(host);

    printf("  %5u %-*s  %-6s ", (unsigned int)smtpsec_host_preference(host), width,
           smtpsec_host_name(host), smtpsec_action_name(smtpsec_host_action(host)));
    if (requirement != NULL)
        printf(" %-13s  %-8s  %s%s\n",
               smtpsec_level_name(smtpsec_requirement_level(requirement)),
               smtpsec_tls_name(smtpsec_requirement_tls(requirement)),
               table_identities(smtpsec_requirement_identities(requirement)),
               smtpsec_requirement_requiretls(requirement) ? "  REQUIRETLS" : "");
    else {
        putchar(' ');
        print_reason(smtpsec_host_reason(host));
        putchar('\n');
    }
    if (smtpsec_host_floor_text(host)[0] != '\0')
        printf("        memory    %s%s\n",
               smtpsec_host_would_refuse(host) ? "would refuse: " : "refuses: ",
               smtpsec_host_floor_text(host));
    if (smtpsec_host_address_count(host) > 0)
        print_addresses(host);
    if (requirement != NULL)
        print_names(requirement);
    if (style->verbose)
        print_tlsa(host);
    if (visit != NULL)
        print_visit(visit);
}

static void
print_hosts(const struct table_style *style, const struct smtpsec_plan *plan,
            struct visit *const *visits)
{
    int width = name_width(plan);
    size_t i;

    if (smtpsec_plan_host_count(plan) == 0)
        return;
    printf("   pref %-*s  action  %-13s  %-8s  %s\n", width, "host", "requires", "tls",
           "identities");
    for (i = 0; i < smtpsec_plan_host_count(plan); i++)
        print_host(style, smtpsec_plan_host(plan, i), width, visits != NULL ? visits[i] : NULL);
}

static void
print_why(const struct table_style *style, const struct smtpsec_plan *plan)
{
    size_t count = smtpsec_plan_explain_count(plan);
    size_t shown = style->verbose || count <= WHY_LINES ? count : WHY_LINES;
    size_t i;

    for (i = 0; i < shown; i++) {
        const char *text = smtpsec_plan_explain_text(plan, i);
        const char *rfc = smtpsec_plan_explain_rfc(plan, i);

        if (style->verbose)
            printf("  why: [%s] %s%s%s%s\n", smtpsec_plan_explain_rule(plan, i), text,
                   rfc[0] != '\0' ? " (" : "", rfc, rfc[0] != '\0' ? ")" : "");
        else
            printf("  why: %.*s%s\n", WHY_COLUMNS, text,
                   strlen(text) > WHY_COLUMNS ? "..." : "");
    }
    if (shown < count)
        printf("  why: (%zu more with --verbose)\n", count - shown);
}

void
table_plan(const struct table_style *style, const struct smtpsec_plan *plan,
           struct visit *const *visits)
{
    char until[40];

    print_head(style, plan);
    print_sts(plan);
    print_memory(plan);
    print_hosts(style, plan, visits);
    if (style->verbose)
        printf("  digest      %s\n  expires     %s\n", smtpsec_plan_digest(plan),
               table_time(until, sizeof(until), smtpsec_plan_expires(plan)));
    print_why(style, plan);
    fflush(stdout);
}

void
table_invalid_domain(const struct table_style *style, const char *domain)
{
    char shown[300];

    text_escape(shown, sizeof(shown), domain, strlen(domain));
    printf("%s\n", shown);
    label("verdict");
    print_verdict(style, SMTPSEC_VERDICT_FAIL);
    printf("  %s ", smtpsec_reason_enhanced(SMTPSEC_REASON_INVALID_DOMAIN));
    print_reason(SMTPSEC_REASON_INVALID_DOMAIN);
    putchar('\n');
}

void
table_claims(const struct table_style *style, const struct smtpsec_claims *claims)
{
    size_t i;

    for (i = 0; i < smtpsec_claims_count(claims); i++) {
        const struct smtpsec_claim *claim = smtpsec_claims_get(claims, i);
        const char *host = smtpsec_claim_host(claim);
        char first[40];
        char last[40];
        char until[40];

        printf("%-30s  %-30s  %-9s  %-8s  %s until %s\n", smtpsec_claim_domain(claim),
               host[0] != '\0' ? host : "-", smtpsec_claim_name(smtpsec_claim_kind(claim)),
               smtpsec_claim_route(claim),
               smtpsec_claim_in_force(claim) ? "in force" : "not in force,",
               table_time(until, sizeof(until), smtpsec_claim_binds_until(claim)));
        if (style->verbose)
            printf("    first %s, last %s, %u days; %s\n",
                   table_time(first, sizeof(first), smtpsec_claim_first_seen(claim)),
                   table_time(last, sizeof(last), smtpsec_claim_last_seen(claim)),
                   (unsigned int)smtpsec_claim_days(claim), smtpsec_claim_evidence(claim));
    }
}
