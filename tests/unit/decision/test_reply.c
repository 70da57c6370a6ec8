/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Each stage, each class of reply, each kind of requirement. The table is
 * written out in letters, so that a rule cannot hide behind another.
 */
#include "table.h"

#include <stdio.h>
#include <string.h>

#include "decision/reply.h"

/* What is required, and what of it is known to hold. */
enum kind {
    OPTIONAL,      /* nothing is demanded, no verdict yet */
    LIFTED,        /* the same, under TLS-Required: No */
    DANE,          /* TLS and an identity, no verdict yet */
    ENCRYPTED,     /* TLS alone, by unusable TLSA records */
    MEMORY,        /* TLS, which the memory alone demands */
    REQUIRETLS,
    MANDATE,       /* the operator's, under TLS-Required: No */
    OPTIONAL_MET,  /* an accepted verdict, maybe of a session without TLS */
    DANE_MET,
    DANE_REJECTED,
    KINDS
};

struct row {
    const char *name;
    int32_t stage;
    int32_t code;
    /*
     * A letter for each kind: g go on, w without, f fail, d defer; for the next
     * host the reason: C connect-failed, N no-starttls, R starttls-refused,
     * D downgrade, X the verdict's own.
     */
    const char *want;
};

#define S(stage) SMTPSEC_STAGE_##stage

static const struct row rows[] = {
    /*                                          OLDEMRXodr */
    {"greeting 220", S(GREETING), 220, "gggggggggg"},
    {"greeting 421", S(GREETING), 421, "CCCCCCCCCC"},
    {"greeting 450", S(GREETING), 450, "CCCCCCCCCC"},
    {"greeting 530", S(GREETING), 530, "CCCCCCCCCC"},
    {"greeting 554", S(GREETING), 554, "CCCCCCCCCC"},
    {"greeting broken", S(GREETING), 0, "CCCCCCCCCC"},
    {"ehlo 250", S(EHLO), 250, "gggggggggg"},
    {"ehlo 421", S(EHLO), 421, "CCCCCCCCCC"},
    {"ehlo 450", S(EHLO), 450, "CCCCCCCCCC"},
    {"ehlo 502: HELO is left where TLS is optional", S(EHLO), 502, "wwNNDNNwNN"},
    {"TRN-05 ehlo 530", S(EHLO), 530, "wfNNDNNwNN"},
    {"ehlo broken", S(EHLO), 0, "CCCCCCCCCC"},
    {"starttls 220", S(STARTTLS), 220, "gggggggggg"},
    {"starttls 421", S(STARTTLS), 421, "CCCCCCCCCC"},
    {"PREC-17 starttls 454", S(STARTTLS), 454, "wwRRDRRwRR"},
    {"PREC-17 starttls 501", S(STARTTLS), 501, "wwRRDRRwRR"},
    {"TRN-05 starttls 530", S(STARTTLS), 530, "wfRRDRRwRR"},
    {"starttls broken", S(STARTTLS), 0, "CCCCCCCCCC"},
    {"PREC-18 ehlo again 250: the verdict may come yet", S(EHLO_AGAIN), 250, "gggggggggX"},
    {"ehlo again 421", S(EHLO_AGAIN), 421, "CCCCCCCCCC"},
    {"ehlo again 450", S(EHLO_AGAIN), 450, "CCNNDNNCCX"},
    {"ehlo again 502", S(EHLO_AGAIN), 502, "CCNNDNNCCX"},
    {"ehlo again broken", S(EHLO_AGAIN), 0, "CCCCCCCCCC"},
    {"PREC-18 auth 235: no word before the verdict", S(AUTH), 235, "ggNNDNNggX"},
    {"auth 334", S(AUTH), 334, "ggNNDNNggX"},
    {"auth 454", S(AUTH), 454, "ddNNDNNddX"},
    {"auth 535", S(AUTH), 535, "ffNNDNNffX"},
    {"PREC-18 mail 250: no MAIL before the verdict", S(MAIL), 250, "ggNNDNNggX"},
    {"mail 421", S(MAIL), 421, "CCCCCCCCCC"},
    {"mail 450", S(MAIL), 450, "ddNNDNNddX"},
    {"TRN-05 mail 530", S(MAIL), 530, "ffNNDNNffX"},
    {"PREC-18 mail 550 in cleartext bounces nothing that demands TLS", S(MAIL), 550, "ffNNDNNffX"},
    {"mail broken", S(MAIL), 0, "CCCCCCCCCC"},
    {"rcpt 250", S(RCPT), 250, "ggNNDNNggX"},
    {"rcpt 450", S(RCPT), 450, "ddNNDNNddX"},
    {"rcpt 550", S(RCPT), 550, "ffNNDNNffX"},
    {"data 354", S(DATA), 354, "ggNNDNNggX"},
    {"data 451", S(DATA), 451, "ddNNDNNddX"},
    {"data 554", S(DATA), 554, "ffNNDNNffX"},
    {"end 250", S(END), 250, "ggNNDNNggX"},
    {"end 354 takes nothing", S(END), 354, "CCCCCCCCCC"},
    {"data 250 is no leave to send", S(DATA), 250, "CCCCCCCCCC"},
    {"mail 354 is no answer", S(MAIL), 354, "CCCCCCCCCC"},
    {"rcpt 334 is no answer", S(RCPT), 334, "CCCCCCCCCC"},
    {"ehlo 399 is no answer", S(EHLO), 399, "CCCCCCCCCC"},
    {"starttls 300 is no answer", S(STARTTLS), 300, "CCCCCCCCCC"},
    {"end 421", S(END), 421, "CCCCCCCCCC"},
    {"end 452", S(END), 452, "ddNNDNNddX"},
    {"end 554", S(END), 554, "ffNNDNNffX"},
    {"end broken", S(END), 0, "CCCCCCCCCC"},
    {"no code of SMTP counts as broken: 199", S(MAIL), 199, "CCCCCCCCCC"},
    {"no code of SMTP counts as broken: 600", S(MAIL), 600, "CCCCCCCCCC"},
    {"no code of SMTP counts as broken: -1", S(EHLO), -1, "CCCCCCCCCC"},
};

static void
make(enum kind kind, struct smtpsec_requirement *requirement)
{
    memset(requirement, 0, sizeof(*requirement));
    requirement->lifted = kind == LIFTED || kind == MANDATE;
    requirement->requiretls = kind == REQUIRETLS;
    if (kind == OPTIONAL || kind == LIFTED || kind == OPTIONAL_MET)
        return;
    requirement->tls = SMTPSEC_TLS_REQUIRED;
    requirement->sources = kind == MEMORY     ? SMTPSEC_SOURCE_MEMORY
                           : kind == MANDATE  ? SMTPSEC_SOURCE_OPERATOR
                           : kind == REQUIRETLS ? SMTPSEC_SOURCE_REQUIRETLS
                                              : SMTPSEC_SOURCE_DANE;
    if (kind == DANE || kind == DANE_MET || kind == DANE_REJECTED)
        requirement->identities = SMTPSEC_IDENTITY_DANE;
    if (kind == REQUIRETLS)
        requirement->identities = SMTPSEC_IDENTITY_PKIX;
}

static char
letter(int32_t reply, int32_t reason)
{
    if (reply != SMTPSEC_REPLY_NEXT_HOST)
        return reason == SMTPSEC_REASON_NONE ? "gw?df"[reply] : '!';
    switch (reason) {
    case SMTPSEC_REASON_CONNECT_FAILED:
        return 'C';
    case SMTPSEC_REASON_NO_STARTTLS:
        return 'N';
    case SMTPSEC_REASON_STARTTLS_REFUSED:
        return 'R';
    case SMTPSEC_REASON_DOWNGRADE:
        return 'D';
    default:
        return reason == SMTPSEC_REASON_DANE_NO_MATCH ? 'X' : '?';
    }
}

static void
check(void **state)
{
    const struct row *row = *state;
    struct smtpsec_requirement requirement;
    struct smtpsec_verdict verdict;
    char found[KINDS + 1] = {0};
    int kind;

    for (kind = 0; kind < KINDS; kind++) {
        const struct smtpsec_verdict *of = kind >= OPTIONAL_MET ? &verdict : NULL;
        int32_t reason = -1;
        int32_t reply;

        make((enum kind)kind, &requirement);
        memset(&verdict, 0, sizeof(verdict));
        verdict.accepted = kind != DANE_REJECTED;
        verdict.reason = kind == DANE_REJECTED ? SMTPSEC_REASON_DANE_NO_MATCH
                                               : SMTPSEC_REASON_NONE;
        reply = ss_reply_classify(&requirement, of, row->stage, row->code, &reason);
        found[kind] = letter(reply, reason);
    }
    assert_string_equal(found, row->want);
}

/* PREC-18: whatever is said, in whatever order, ends no message before it is proved who says it. */
static void
check_no_bounce(void **state)
{
    struct smtpsec_requirement requirement;
    int32_t stage, code, reason;
    unsigned failed = 0;
    int kind;

    (void)state;
    for (kind = 0; kind < KINDS; kind++) {
        make((enum kind)kind, &requirement);
        for (stage = S(GREETING); stage <= S(END); stage++)
            for (code = -1; code <= 1000; code++) {
                int32_t reply = ss_reply_classify(&requirement, NULL, stage, code, &reason);

                failed += reply == SMTPSEC_REPLY_FAIL;
                if (!ss_requirement_demands(&requirement))
                    continue;
                assert_int_not_equal(reply, SMTPSEC_REPLY_FAIL);
                assert_int_not_equal(reply, SMTPSEC_REPLY_DEFER);
                assert_int_not_equal(reply, SMTPSEC_REPLY_WITHOUT);
                assert_true(reply == SMTPSEC_REPLY_NEXT_HOST || stage <= S(EHLO_AGAIN));
            }
    }
    assert_true(failed > 0);
}

int
main(void)
{
    struct ss_table t = SS_TABLE("decision/reply");

    SS_TABLE_ROWS(&t, check, rows);
    ss_table_case(&t, "PREC-18 nothing said before the verdict bounces what demands TLS",
                  check_no_bounce);
    return ss_table_run(&t);
}
