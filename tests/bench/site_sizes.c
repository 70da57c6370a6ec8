/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* What the codecs make of an outcome and of entries: for the arithmetic of site.py. */
#include <stdio.h>
#include <string.h>

#include "bench.h"
#include "decision/outcome.h"
#include "decision/seal.h"
#include "population.h"

#define MANY 1000

/* Mean octets of key and value. */
static void
entries(const char *figure, enum population kind)
{
    struct ss_buf key, value;
    double total = 0;
    uint64_t n;

    for (n = 0; n < MANY; n++) {
        ss_buf_init(&key, 1024);
        ss_buf_init(&value, SS_STORE_VALUE_MAX);
        population_entry(kind, n, 0, &key, &value);
        total += (double)(key.len + value.len);
        ss_buf_free(&key);
        ss_buf_free(&value);
    }
    bench_value(figure, "octets", total / MANY, 0, 0);
}

static void
outcome(const char *figure, bool dane)
{
    static const struct ss_seal_key key = { .octets = { 1 }, .len = 32 };
    struct smtpsec_outcome told;
    struct ss_buf body, blob;

    memset(&told, 0, sizeof(told));
    population_domain_name(1, &told.key.domain);
    told.key.port = 25;
    told.host = told.key.domain;
    memset(told.digest, 1, sizeof(told.digest));
    told.at = POPULATION_T0;
    told.judged = told.verified = told.accepted = true;
    if (dane) {
        told.expires = told.inception = told.signature_expiration = POPULATION_T0;
        memset(told.tlsa_digest, 1, sizeof(told.tlsa_digest));
    }
    memset(told.spki_digest, 1, sizeof(told.spki_digest));
    ss_buf_init(&body, 4096);
    ss_buf_init(&blob, 8192);
    ss_outcome_encode(&told, &body);
    if (!ss_buf_ok(&body) || ss_seal(&key, SS_BLOB_OUTCOME, SS_OUTCOME_VERSION, &body, &blob) != 0)
        bench_fail("sealing");
    bench_value(figure, "octets", (double)blob.len, 0, 0);
    ss_buf_free(&body);
    ss_buf_free(&blob);
}

int
main(void)
{
    entries("entry: encrypted", POPULATION_ENCRYPTED);
    entries("entry: DANE", POPULATION_DANE);
    entries("entry: MTA-STS policy", POPULATION_STS);
    outcome("sealed outcome", false);
    outcome("sealed outcome: DANE", true);
    return 0;
}
