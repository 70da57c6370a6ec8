/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * What a verdict costs beside what cannot be saved: for DANE-EE the public key
 * cut out of the leaf, hashed and compared; for DANE-TA and PKIX GnuTLS's own
 * parsing and verification of the same chain, with name and purpose. The
 * judgements are smtpsec_verify(), as a mail server calls it, the verdict freed
 * again. bench_verify [--quick] [WORD]: figures with that word in their name.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <gnutls/gnutls.h>
#include <gnutls/x509.h>

#include "bench.h"
#include "certs.h"
#include "decision/requirement.h"
#include "pkix/der.h"
#include "pkix/digest.h"

#define HOST "mx.d.test"
#define BUNDLE "/etc/ssl/certs/ca-certificates.crt"
/* So wide that GnuTLS, which reads the clock, finds them valid too. */
#define BEGIN INT64_C(1262304000) /* 2010 */
#define END INT64_C(2524608000)   /* 2050 */

enum { RSA_KEYS = 3 }; /* the first ones; those behind are ECDSA P-256 */

struct chain {
    struct ss_test_cert *root, *middle, *leaf;
    struct ss_bytes sent[2];
    size_t count;
};

/* One kind of session, and what its floor needs. */
struct work {
    struct chain *chain;
    struct smtpsec_requirement *requirement;
    struct smtpsec_session *session;
    const struct smtpsec_anchors *anchors;
    gnutls_x509_trust_list_t trust; /* filled before; NULL: the root alone, anew each time */
    size_t sent;
    bool accepted;
};

static struct smtpsec_anchors *anchors;
static gnutls_x509_trust_list_t bundle;
static size_t samples;
static const char *only; /* NULL: all */

static void
must(int holds, const char *what)
{
    if (!holds)
        bench_fail(what);
}

/* ---- The world ---- */

static void
make_rsa_keys(void)
{
    gnutls_datum_t out = {NULL, 0};
    gnutls_x509_privkey_t key;
    unsigned n;

    for (n = 0; n < RSA_KEYS; n++) {
        struct ss_bytes der;

        must(gnutls_x509_privkey_init(&key) == 0 &&
                 gnutls_x509_privkey_generate(key, GNUTLS_PK_RSA, 2048, 0) == 0 &&
                 gnutls_x509_privkey_export2(key, GNUTLS_X509_FMT_DER, &out) == 0,
             "a key");
        der.data = out.data;
        der.len = out.size;
        ss_test_key_set(n, der);
        gnutls_free(out.data);
        gnutls_x509_privkey_deinit(key);
    }
}

static void
make_chain(struct chain *chain, unsigned key, const char *root, const char *middle)
{
    struct ss_test_cert_spec spec = {.cn = root, .key = key, .ca = true, .key_ids = true,
                                     .key_usage = GNUTLS_KEY_KEY_CERT_SIGN,
                                     .not_before = BEGIN, .not_after = END};

    chain->root = ss_test_cert(&spec);
    spec.cn = middle;
    spec.key = key + 1;
    spec.issuer = chain->root;
    chain->middle = ss_test_cert(&spec);
    spec = (struct ss_test_cert_spec){.cn = HOST, .key = key + 2, .issuer = chain->middle,
                                      .key_ids = true, .dns = {HOST, "mail.d.test"},
                                      .eku = GNUTLS_KP_TLS_WWW_SERVER,
                                      .key_usage = GNUTLS_KEY_DIGITAL_SIGNATURE,
                                      .not_before = BEGIN, .not_after = END};
    chain->leaf = ss_test_cert(&spec);
    chain->sent[0] = ss_test_cert_der(chain->leaf);
    chain->sent[1] = ss_test_cert_der(chain->middle);
}

static gnutls_x509_crt_t
parse(struct ss_bytes der)
{
    gnutls_datum_t datum = {(unsigned char *)(uintptr_t)der.data, (unsigned)der.len};
    gnutls_x509_crt_t crt;

    must(gnutls_x509_crt_init(&crt) == 0 &&
             gnutls_x509_crt_import(crt, &datum, GNUTLS_X509_FMT_DER) == 0,
         "a certificate");
    return crt;
}

/* The public CAs of this system, and the roots of our chains. */
static void
make_anchors(const struct chain *rsa, const struct chain *ecdsa)
{
    const struct chain *const chains[] = {rsa, ecdsa};
    size_t i;
    int count;

    must(smtpsec_anchors_new(&anchors) == 0, "anchors");
    must(gnutls_x509_trust_list_init(&bundle, 0) == 0, "a list");
    if (smtpsec_anchors_load_file(anchors, BUNDLE) != 0)
        fprintf(stderr, "bench_verify: no " BUNDLE ": the chains' own roots alone\n");
    count = gnutls_x509_trust_list_add_trust_file(bundle, BUNDLE, NULL, GNUTLS_X509_FMT_PEM, 0, 0);
    for (i = 0; i < 2; i++) {
        struct ss_bytes der = ss_test_cert_der(chains[i]->root);
        gnutls_x509_crt_t crt = parse(der);

        must(smtpsec_anchors_add_der(anchors, der.data, der.len) == 0, "an anchor");
        must(gnutls_x509_trust_list_add_cas(bundle, &crt, 1, 0) == 1, "an anchor");
    }
    fprintf(stderr, "bench_verify: %zu anchors; GnuTLS read %d\n", smtpsec_anchors_count(anchors),
            count);
}

static struct smtpsec_requirement *
make_requirement(int32_t identity, int32_t source, int32_t level)
{
    struct smtpsec_requirement *requirement;
    struct ss_name name;

    must(ss_requirement_new(&requirement) == 0, "a requirement");
    must(ss_name_from_text(&name, HOST, strlen(HOST)), "a name");
    ss_reference_set(&requirement->host, &name);
    ss_reference_set(&requirement->sni, &name);
    ss_reference_set(&requirement->dane_names[0], &name);
    must(ss_name_from_text(&name, "d.test", 6), "a name");
    ss_reference_set(&requirement->dane_names[1], &name);
    requirement->dane_name_count = 2; /* the domain's too, as RFC 7672 3.2.2 has it */
    memcpy(requirement->domain, "d.test", 7);
    requirement->tls = SMTPSEC_TLS_REQUIRED;
    requirement->identities = identity;
    requirement->sources = source;
    requirement->level = level;
    requirement->mx_secure = source == SMTPSEC_SOURCE_DANE;
    requirement->tls_version = 0x0303;
    requirement->expires = SS_TEST_NOW + 300;
    requirement->reported = ss_requirement_enforced(requirement);
    return requirement;
}

/* usage 0: no records. count: so many, and the last is the one that matches. */
static void
make_work(struct work *work, struct chain *chain, unsigned usage, size_t count, size_t sent)
{
    struct ss_bytes rdata[8];
    uint8_t wrong[8][SS_SHA256_LEN];
    size_t i;

    memset(work, 0, sizeof(*work));
    work->chain = chain;
    work->sent = sent;
    work->accepted = true;
    work->requirement = usage != 0 ? make_requirement(SMTPSEC_IDENTITY_DANE, SMTPSEC_SOURCE_DANE,
                                                      SMTPSEC_LEVEL_DANE)
                                   : make_requirement(SMTPSEC_IDENTITY_PKIX,
                                                      SMTPSEC_SOURCE_MTA_STS, SMTPSEC_LEVEL_MTA_STS);
    for (i = 0; usage != 0 && i + 1 < count; i++) {
        struct ss_bytes octets = {wrong[i], SS_SHA256_LEN};

        memset(wrong[i], 0, SS_SHA256_LEN); /* such a one stands before others in canonical order */
        wrong[i][SS_SHA256_LEN - 1] = (uint8_t)i;
        rdata[i] = ss_test_tlsa_raw(usage, 1, 1, octets);
    }
    if (usage != 0) {
        rdata[count - 1] = ss_test_tlsa(usage, 1, 1, usage == SS_TLSA_EE ? chain->leaf
                                                                          : chain->middle);
        must(ss_tlsa_set_read(&work->requirement->tlsa, rdata, count, false, false, NULL) == 0 &&
                 work->requirement->tlsa.count == count,
             "TLSA records");
    }
    must(ss_requirement_seal_digest(work->requirement) == 0, "a digest");
    must(smtpsec_session_new(&work->session) == 0, "a session");
}

static void
fill(struct work *work)
{
    size_t i;

    smtpsec_session_clear(work->session);
    smtpsec_session_set_starttls(work->session, SMTPSEC_STARTTLS_DONE);
    smtpsec_session_set_tls_version(work->session, 0x0304);
    for (i = 0; i < work->sent; i++)
        must(smtpsec_session_add_certificate(work->session, work->chain->sent[i].data,
                                             work->chain->sent[i].len) == 0,
             "a session");
}

/* ---- What is measured ---- */

static void
verify(struct work *work)
{
    struct smtpsec_verdict *verdict;

    must(smtpsec_verify(work->anchors, work->requirement, work->session, SS_TEST_NOW, &verdict) ==
                 0 &&
             smtpsec_verdict_accepted(verdict) == work->accepted,
         "the verdict that was meant");
    smtpsec_verdict_free(verdict);
}

static void
fill_and_verify(struct work *work)
{
    fill(work);
    verify(work);
}

/* A mail server that logs each verdict. */
static void
verify_and_read(struct work *work)
{
    struct smtpsec_verdict *verdict;

    must(smtpsec_verify(work->anchors, work->requirement, work->session, SS_TEST_NOW, &verdict) ==
                 0 &&
             smtpsec_verdict_text(verdict)[0] != '\0',
         "a text");
    smtpsec_verdict_free(verdict);
}

static void
slice_and_hash(struct work *work)
{
    const struct ss_tlsa_set *set = &work->requirement->tlsa;
    uint8_t digest[SS_SHA256_LEN];
    struct ss_bytes spki;
    size_t i, found = 0;

    must(ss_der_spki(work->chain->sent[0], &spki) && ss_sha256(spki.data, spki.len, digest) == 0,
         "a digest");
    for (i = 0; i < set->count && found == 0; i++)
        found += memcmp(set->records[i].data, digest, sizeof(digest)) == 0;
    must(found == 1, "a match");
}

static void
gnutls_alone(struct work *work)
{
    gnutls_typed_vdata_st data[] = {
        {GNUTLS_DT_DNS_HOSTNAME, (unsigned char *)(uintptr_t)HOST, 0},
        {GNUTLS_DT_KEY_PURPOSE_OID, (unsigned char *)(uintptr_t)GNUTLS_KP_TLS_WWW_SERVER, 0}};
    gnutls_x509_crt_t chain[2], anchor = NULL;
    gnutls_x509_trust_list_t trust = work->trust;
    unsigned status = 1;
    size_t i;

    for (i = 0; i < work->sent; i++)
        chain[i] = parse(work->chain->sent[i]);
    if (trust == NULL) {
        /* The certificate that the TLSA record asserts was sent: it is parsed already. */
        anchor = chain[1];
        must(gnutls_x509_trust_list_init(&trust, 1) == 0 &&
                 gnutls_x509_trust_list_add_cas(trust, &anchor, 1, 0) == 1,
             "a list");
    }
    must(gnutls_x509_trust_list_verify_crt2(
             trust, chain, anchor != NULL ? 1 : (unsigned)work->sent, data, 2,
             GNUTLS_PROFILE_TO_VFLAGS(GNUTLS_PROFILE_MEDIUM), &status, NULL) == 0 &&
             (status == 0) == work->accepted,
         "the status that was meant");
    if (anchor != NULL)
        gnutls_x509_trust_list_deinit(trust, 0);
    for (i = 0; i < work->sent; i++)
        gnutls_x509_crt_deinit(chain[i]);
}

/* ns for one of so many calls. */
static double
time_of(void (*what)(struct work *), struct work *work, unsigned calls)
{
    uint64_t begin = bench_now();
    unsigned i;

    for (i = 0; i < calls; i++)
        what(work);
    return (double)(bench_now() - begin) / calls;
}

static void
compare(const char *figure, const char *floor, double goal, void (*ours)(struct work *),
        void (*under)(struct work *), struct work *work, unsigned calls)
{
    struct bench_pair pair;
    size_t i;

    if (only != NULL && strstr(figure, only) == NULL)
        return;
    fill(work);
    bench_pair_init(&pair, figure, floor, "ns", goal, 0);
    for (i = 0; i < 3; i++) { /* nothing is measured cold */
        ours(work);
        under(work);
    }
    for (i = 0; i < samples; i++) {
        bench_ours(&pair, time_of(ours, work, calls));
        bench_floor(&pair, time_of(under, work, calls));
    }
    bench_report(&pair);
}

static void
end(struct work *work)
{
    smtpsec_session_free(work->session);
    ss_requirement_free(work->requirement);
}

static void
dane_ee(struct chain *rsa, struct chain *ecdsa)
{
    static const char floor[] = "slice and SHA-256";
    struct work work;

    make_work(&work, rsa, SS_TLSA_EE, 1, 2);
    compare("verify DANE-EE 3 1 1, RSA-2048", floor, 1.3, verify, slice_and_hash, &work, 200);
    compare("verify DANE-EE 3 1 1, RSA-2048, session filled", floor, 0, fill_and_verify,
            slice_and_hash, &work, 200);
    compare("verify DANE-EE 3 1 1, RSA-2048, text read", floor, 0, verify_and_read, slice_and_hash,
            &work, 200);
    end(&work);
    make_work(&work, ecdsa, SS_TLSA_EE, 1, 2);
    compare("verify DANE-EE 3 1 1, P-256", floor, 1.3, verify, slice_and_hash, &work, 200);
    end(&work);
    make_work(&work, rsa, SS_TLSA_EE, 4, 2);
    compare("verify DANE-EE 3 1 1, RSA-2048, 4 records", floor, 1.3, verify, slice_and_hash, &work,
            200);
    end(&work);
}

static void
dane_ta(const char *figure, struct chain *chain)
{
    struct work work;

    make_work(&work, chain, SS_TLSA_TA, 1, 2);
    compare(figure, "GnuTLS parse and verify, one anchor", 1.1, verify, gnutls_alone, &work, 5);
    end(&work);
}

static void
pkix(const char *figure, struct chain *chain, size_t sent)
{
    struct work work;

    make_work(&work, chain, 0, 0, sent);
    work.anchors = anchors;
    work.trust = bundle;
    work.accepted = sent == 2;
    compare(figure, "GnuTLS parse and verify, CA bundle", 1.1, verify, gnutls_alone, &work, 5);
    end(&work);
}

int
main(int argc, char **argv)
{
    struct chain rsa, ecdsa;

    samples = bench_quick(argc, argv) ? 200 : 2000;
    only = argc > 1 && argv[argc - 1][0] != '-' ? argv[argc - 1] : NULL;
    make_rsa_keys();
    make_chain(&rsa, 0, "Bench RSA Root", "Bench RSA CA");
    make_chain(&ecdsa, RSA_KEYS, "Bench EC Root", "Bench EC CA");
    make_anchors(&rsa, &ecdsa);
    dane_ee(&rsa, &ecdsa);
    dane_ta("verify DANE-TA 2 1 1, RSA-2048", &rsa);
    dane_ta("verify DANE-TA 2 1 1, P-256", &ecdsa);
    pkix("verify PKIX, RSA-2048", &rsa, 2);
    pkix("verify PKIX, P-256", &ecdsa, 2);
    pkix("verify PKIX, P-256, issuer missing", &ecdsa, 1);
    smtpsec_anchors_free(anchors);
    gnutls_x509_trust_list_deinit(bundle, 1);
    ss_test_certs_free();
    return 0;
}
