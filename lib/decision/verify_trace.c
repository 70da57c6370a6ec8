/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* What was judged of a session, by which rule, in the order in which it was looked at. */
#include <string.h>

#include "base/text.h"
#include "decision/origin.h"
#include "decision/verify.h"

static const char *
version_text(uint16_t version)
{
    switch (version) {
    case 0x0304:
        return "TLS 1.3";
    case 0x0303:
        return "TLS 1.2";
    case 0x0302:
        return "TLS 1.1";
    case 0x0301:
        return "TLS 1.0";
    default:
        return version > 0x0304 ? "later than TLS 1.3" : "SSL or not known";
    }
}

/* "3 1 1 0123..." */
static const char *
record_text(struct ss_trace *trace, const struct ss_word_facts *facts)
{
    char *room = ss_trace_room(trace, 6 + 2 * (size_t)facts->record_len);

    if (room == NULL || facts->usage > 9 || facts->selector > 9 || facts->matching > 9)
        return ""; /* such a one cannot match */
    room[0] = (char)('0' + facts->usage);
    room[2] = (char)('0' + facts->selector);
    room[4] = (char)('0' + facts->matching);
    room[1] = room[3] = room[5] = ' ';
    ss_hex_write(room + 6, facts->record, facts->record_len);
    return room;
}

static enum ss_effect
effect_of(const struct ss_word_facts *facts, int32_t identity)
{
    return (facts->required & identity) != 0 ? SS_REFUSES : SS_REPORTS;
}

static void
trace_starttls(const struct smtpsec_verdict *verdict, struct ss_trace *trace)
{
    const char *input = smtpsec_starttls_name(verdict->facts.starttls);

    if (verdict->plain == SMTPSEC_REASON_NONE)
        ss_trace_add(trace, SS_INFORMS, "TLSA-10", "RFC 3207 4", "session", input,
                     "The session is inside TLS.");
    else
        ss_trace_add(trace, verdict->accepted ? SS_INFORMS : SS_REFUSES,
                     ss_reason_origin(verdict->plain)->rule, smtpsec_reason_rfc(verdict->plain),
                     "session", input,
                     smtpsec_reason_text(verdict->plain));
}

static void
trace_version(const struct smtpsec_verdict *verdict, struct ss_trace *trace)
{
    bool old = verdict->facts.version < verdict->facts.least_version;
    bool refused = verdict->reason == SMTPSEC_REASON_TLS_VERSION ||
                   verdict->detail == SMTPSEC_REASON_TLS_VERSION;

    ss_trace_add(trace,
                 !old || !refused    ? SS_INFORMS
                 : verdict->accepted ? SS_REPORTS
                                     : SS_REFUSES,
                 "DANE-EE-12", "RFC 7671 3", "session", version_text(verdict->facts.version),
                 !old      ? "The TLS version suffices."
                 : refused ? "The TLS version is too old."
                           : "The TLS version is old, and no identity is asked of it.");
}

static void
trace_dane(const struct smtpsec_verdict *verdict, struct ss_trace *trace)
{
    const struct ss_word_facts *facts = &verdict->facts;
    const char *input = "";

    if (verdict->dane == SMTPSEC_REASON_NONE && facts->usage != 0) {
        ss_trace_add(trace, SS_INFORMS,
                     facts->raw_key               ? "DANE-EE-10"
                     : facts->usage == SS_TLSA_TA ? "DANE-TA-01"
                                                  : "DANE-EE-01",
                     facts->usage == SS_TLSA_TA ? "RFC 7672 3.1.2" : "RFC 7672 3.1.1", "dns",
                     record_text(trace, facts), "This TLSA record matches.");
        return;
    }
    if (facts->dane_name[0] != '\0')
        input = ss_trace_keep(trace, facts->dane_name);
    ss_trace_add(trace, effect_of(facts, SMTPSEC_IDENTITY_DANE),
                 ss_reason_origin(verdict->dane)->rule, smtpsec_reason_rfc(verdict->dane),
                 "session", input,
                 smtpsec_reason_text(verdict->dane));
}

static void
trace_pkix(const struct smtpsec_verdict *verdict, struct ss_trace *trace)
{
    const struct ss_word_facts *facts = &verdict->facts;
    const char *input = facts->named ? ss_trace_keep(trace, facts->subject) : "";
    enum ss_effect effect = verdict->accepted ? SS_REPORTS
                                              : effect_of(facts, SMTPSEC_IDENTITY_PKIX);

    if (verdict->pkix == SMTPSEC_REASON_NONE) {
        ss_trace_add(trace, SS_INFORMS, "STSA-04", "RFC 8461 4.2", "session", input,
                     "The certificate is valid for this name, by a trusted authority.");
        return;
    }
    ss_trace_add(trace, effect, "STSA-04", smtpsec_reason_rfc(verdict->pkix),
                 ss_reason_origin(verdict->pkix)->source, input,
                 smtpsec_reason_text(verdict->pkix));
    if (verdict->pkix_too != SMTPSEC_REASON_NONE)
        ss_trace_add(trace, effect, "RPT-19", smtpsec_reason_rfc(verdict->pkix_too),
                     "session", input, smtpsec_reason_text(verdict->pkix_too));
}

/* The certificate, or what stands for it where a session was resumed without one. */
static void
trace_identities(const struct smtpsec_verdict *verdict, struct ss_trace *trace)
{
    if (verdict->facts.without_chain) {
        ss_trace_add(trace, verdict->looked ? SS_INFORMS : SS_REFUSES, "PREC-12",
                     "RFC 7672 2.2.1", "session", "",
                     verdict->looked
                         ? "The session goes on from one that was judged by this requirement."
                         : smtpsec_reason_text(SMTPSEC_REASON_RESUMED));
        return;
    }
    if ((verdict->judged & SMTPSEC_IDENTITY_DANE) != 0)
        trace_dane(verdict, trace);
    else if (verdict->facts.none_usable)
        ss_trace_add(trace, SS_LOWERS, "TLSA-11", "RFC 7672 2.2", "dns", "",
                     "No TLSA record is usable: TLS without authentication is enough.");
    if ((verdict->judged & SMTPSEC_IDENTITY_PKIX) != 0 ||
        (verdict->identities & SMTPSEC_IDENTITY_PKIX) != 0)
        trace_pkix(verdict, trace);
}

static void
trace_memory(const struct smtpsec_verdict *verdict, struct ss_trace *trace)
{
    if (verdict->memory_refused)
        ss_trace_add(trace, SS_REFUSES, "PREC-09", "RFC 3207 6", "memory",
                     smtpsec_claim_name(verdict->facts.claim),
                     smtpsec_reason_text(verdict->reason));
    else if (verdict->would_refuse)
        ss_trace_add(trace, SS_REPORTS, "PREC-09", "RFC 3207 6", "memory",
                     smtpsec_claim_name(verdict->facts.reported_claim),
                     smtpsec_reason_text(verdict->would_reason));
}

void
ss_verdict_trace(const struct smtpsec_verdict *verdict, struct ss_trace *trace)
{
    const struct ss_word_facts *facts = &verdict->facts;

    ss_trace_start(trace);
    if (verdict->reason == SMTPSEC_REASON_REQUIREMENT_EXPIRED) {
        ss_trace_add(trace, SS_REFUSES, "TLSA-24", "RFC 7672 2.2", "dns", "",
                     smtpsec_reason_text(verdict->reason));
        return;
    }
    trace_starttls(verdict, trace);
    if (verdict->plain == SMTPSEC_REASON_NONE) {
        trace_version(verdict, trace);
        trace_identities(verdict, trace);
        if (facts->sts_misfit)
            ss_trace_add(trace, SS_REPORTS, "STSA-10", "RFC 8461 5", "https",
                         facts->named ? ss_trace_keep(trace, facts->subject) : "",
                         smtpsec_reason_text(SMTPSEC_REASON_STS_MX_MISMATCH));
    }
    trace_memory(verdict, trace);
    if (verdict->accepted)
        ss_trace_add(trace, SS_INFORMS, "", "", "", smtpsec_level_name(verdict->achieved),
                     "The session is accepted, at this level.");
    else
        ss_trace_add(trace, SS_REFUSES, "", smtpsec_reason_rfc(verdict->reason), "",
                     smtpsec_reason_name(verdict->reason), "The session is rejected.");
}
