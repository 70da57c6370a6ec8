/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * What a verdict costs beside what it is about: a DANE-EE session, the TLSA
 * match alone, the whole of ss_verify() with its text and trace, and the trace
 * by itself. Best of several rounds; the ratio is what to look at, since it
 * holds on other machines too. verify_cost [CALLS]
 */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "certs.h"
#include "decision/verify.h"

#define ROUNDS 7

static struct smtpsec_requirement *requirement;
static struct smtpsec_session session;
static struct smtpsec_verdict verdict;

static void
must(int holds, const char *what)
{
    if (holds)
        return;
    fprintf(stderr, "verify_cost: %s\n", what);
    exit(1);
}

static void
make_world(void)
{
    struct ss_test_cert *leaf = ss_test_cert(
        &(struct ss_test_cert_spec){.cn = "leaf", .key = 2, .dns = {"mx.d.test"}});
    struct ss_bytes rdata = ss_test_tlsa(3, 1, 1, leaf);
    struct ss_name name;

    must(ss_requirement_new(&requirement) == 0, "a requirement");
    must(ss_name_from_text(&name, "mx.d.test", 9), "a name");
    ss_reference_set(&requirement->host, &name);
    ss_reference_set(&requirement->dane_names[0], &name);
    requirement->dane_name_count = 1;
    requirement->tls = SMTPSEC_TLS_REQUIRED;
    requirement->identities = SMTPSEC_IDENTITY_DANE;
    requirement->sources = SMTPSEC_SOURCE_DANE;
    requirement->level = SMTPSEC_LEVEL_DANE;
    requirement->mx_secure = true;
    requirement->tls_version = 0x0303;
    requirement->expires = SS_TEST_NOW + 300;
    requirement->reported = ss_requirement_enforced(requirement);
    must(ss_tlsa_set_read(&requirement->tlsa, &rdata, 1, false, false, NULL) == 0, "TLSA");
    session.starttls = SMTPSEC_STARTTLS_DONE;
    session.version = 0x0304;
    must(ss_session_add(&session, ss_test_cert_der(leaf)) == 0, "a session");
}

/* ---- What is measured ---- */

static void
match_alone(void)
{
    struct ss_chain *chain;
    int32_t index, reason;

    must(ss_chain_new(session.certificates, session.count, &chain) == 0, "a chain");
    must(ss_dane_verify(&requirement->tlsa, chain, &requirement->host.name, 1, SS_TEST_NOW, &index,
                        &reason) == 0 && reason == SMTPSEC_REASON_NONE, "a match");
    ss_chain_free(chain);
}

static void
whole(void)
{
    must(ss_verify(NULL, requirement, &session, SS_TEST_NOW, &verdict) == 0 && verdict.accepted,
         "an accepted session");
}

static void
trace_alone(void)
{
    ss_trace_start(&verdict.trace);
    ss_verdict_trace(requirement, &session, &verdict);
    must(verdict.trace.count > 0, "a trace");
}

static double
nanoseconds(void (*work)(void), long calls)
{
    struct timespec from, to;
    double best = 0, took;
    int round;
    long i;

    for (round = 0; round < ROUNDS; round++) {
        clock_gettime(CLOCK_MONOTONIC, &from);
        for (i = 0; i < calls; i++)
            work();
        clock_gettime(CLOCK_MONOTONIC, &to);
        took = ((double)(to.tv_sec - from.tv_sec) * 1e9 + (double)(to.tv_nsec - from.tv_nsec)) /
               (double)calls;
        if (round == 0 || took < best)
            best = took;
    }
    return best;
}

int
main(int argc, char **argv)
{
    long calls = argc > 1 ? strtol(argv[1], NULL, 10) : 100000;
    double match, all, trace;

    must(calls > 0, "how many calls?");
    make_world();
    match = nanoseconds(match_alone, calls);
    all = nanoseconds(whole, calls);
    trace = nanoseconds(trace_alone, calls);
    printf("TLSA match alone   %7.0f ns\n", match);
    printf("verify, all of it  %7.0f ns, %.2f times the match\n", all, all / match);
    printf("the trace of it    %7.0f ns, %.2f times the match\n", trace, trace / match);
    printf("a verdict is %zu octets, %zu of them trace\n", sizeof(verdict), sizeof(verdict.trace));
    ss_session_clear(&session);
    ss_requirement_free(requirement);
    ss_test_certs_free();
    return 0;
}
