/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* A session against a requirement: what is accepted, what is refused, and for which reason. */
#include "table.h"

#include <string.h>

#include "certs.h"
#include "decision/verify.h"
#include "facts.h"
#include "pkix/anchors.h"

#define HOST "mx.d.test"

static struct ss_test_cert *root, *good, *other_name, *self_signed, *expired, *next_hop;
static struct smtpsec_anchors *anchors, *no_anchors;

static void
make_world(void)
{
    root = ss_test_cert(&(struct ss_test_cert_spec){.cn = "Root", .key = 1, .ca = true});
    good = ss_test_cert(
        &(struct ss_test_cert_spec){.cn = "leaf", .key = 2, .issuer = root, .dns = {HOST}});
    other_name = ss_test_cert(
        &(struct ss_test_cert_spec){.cn = HOST, .key = 3, .issuer = root, .dns = {"other.test"}});
    self_signed = ss_test_cert(&(struct ss_test_cert_spec){.cn = HOST, .key = 4, .dns = {HOST}});
    expired = ss_test_cert(&(struct ss_test_cert_spec){
        .cn = "leaf", .key = 5, .issuer = root, .dns = {HOST}, .not_after = SS_TEST_NOW - 1});
    next_hop = ss_test_cert(
        &(struct ss_test_cert_spec){.cn = "leaf", .key = 6, .issuer = root, .dns = {"d.test"}});
    if (ss_anchors_new(&anchors) != 0 || ss_anchors_new(&no_anchors) != 0 ||
        ss_anchors_add_der(anchors, ss_test_cert_der(root)) != 0)
        abort();
}

/* Certificates and records of the rows are named here: they are made when the program runs. */
enum leaf { NO_LEAF, GOOD, OTHER_NAME, SELF, EXPIRED, NEXT_HOP, RAW_GOOD };

static struct ss_test_cert *
cert_of(enum leaf leaf)
{
    struct ss_test_cert *const list[] = {NULL,        good,    other_name, self_signed,
                                         expired, next_hop, good};

    return list[leaf];
}

/* TLSA records in a requirement, as letters; each is the key's SHA-256 unless it says otherwise. */
static void
put_record(struct smtpsec_requirement *requirement, char what)
{
    struct ss_tlsa_set one;
    struct ss_bytes rdata = ss_test_tlsa(3, 1, 1, self_signed);

    switch (what) {
    case 'g': /* the good leaf */
        rdata = ss_test_tlsa(3, 1, 1, good);
        break;
    case 'c': /* the good leaf, by the whole certificate */
        rdata = ss_test_tlsa(3, 0, 1, good);
        break;
    case 'r': /* the root as DANE-TA */
        rdata = ss_test_tlsa(2, 1, 1, root);
        break;
    case 'x': /* not usable */
        rdata = ss_test_tlsa(0, 1, 1, good);
        break;
    default: /* 's': the self-signed one */
        break;
    }
    assert_int_equal(ss_tlsa_set_read(&one, &rdata, 1, false, false, NULL), 0);
    assert_int_equal(ss_tlsa_set_add(&requirement->tlsa, &one.records[0]), 0);
    ss_tlsa_set_free(&one);
}

#define D SMTPSEC_IDENTITY_DANE
#define P SMTPSEC_IDENTITY_PKIX
#define OPT SMTPSEC_TLS_OPTIONAL
#define REQ SMTPSEC_TLS_REQUIRED
#define BY_DANE SMTPSEC_SOURCE_DANE
#define BY_STS SMTPSEC_SOURCE_MTA_STS
#define BY_MEMORY SMTPSEC_SOURCE_MEMORY
#define R(x) SMTPSEC_REASON_##x
#define L(x) SMTPSEC_LEVEL_##x
#define DONE SMTPSEC_STARTTLS_DONE
#define ABSENT SMTPSEC_STARTTLS_ABSENT
#define REFUSED SMTPSEC_STARTTLS_REFUSED
#define FAILED SMTPSEC_STARTTLS_FAILED
#define INJECTED SMTPSEC_STARTTLS_INJECTED
#define NOT_REACHED SMTPSEC_STARTTLS_NOT_REACHED

enum { WITHOUT_ANCHORS = 1, EMPTY_ANCHORS = 2, TESTING = 4, UNSIGNED_MX = 8, TOO_LONG = 16,
       RESUMED = 32, RESUMED_WRONG = 64, NO_HOST = 128, LATE = 256, LAST_SECOND = 512,
       /* The memory alone demands the enforced identities; it would demand TLS, PKIX, DANE. */
       ALONE = 1024, WOULD_TLS = 2048, WOULD_PKIX = 4096, WOULD_DANE = 8192,
       /* It would refuse the host as such; and it is the one that would refuse this session. */
       WOULD_HOST = 16384, WOULD = 32768 };

struct row {
    const char *name;
    int32_t tls, identities, sources;
    const char *tlsa; /* letters of put_record() */
    int32_t starttls;
    enum leaf leaf;
    unsigned how;
    uint16_t version; /* 0: TLS 1.3 */
    bool want;
    int32_t want_reason, want_achieved, want_identities, want_tlsa;
};

#define ACCEPT(level, identities, tlsa) true, R(NONE), L(level), (identities), (tlsa)
#define ACCEPT_NOTED(reason, level, identities) true, R(reason), L(level), (identities), -1
#define REJECT(reason) false, R(reason), L(NONE), 0, -1

static const struct row rows[] = {
    /* Without TLS. */
    {"no STARTTLS, TLS optional: plaintext", OPT, 0, 0, "", ABSENT, NO_LEAF, 0, 0,
     ACCEPT(NONE, 0, -1)},
    {"PREC-17 STARTTLS refused, TLS optional: plaintext", OPT, 0, 0, "", REFUSED, NO_LEAF, 0, 0,
     ACCEPT(NONE, 0, -1)},
    {"handshake failed, TLS optional", OPT, 0, 0, "", FAILED, NO_LEAF, 0, 0, ACCEPT(NONE, 0, -1)},
    {"PREC-16 injection, TLS optional", OPT, 0, 0, "", INJECTED, NO_LEAF, 0, 0,
     ACCEPT(NONE, 0, -1)},
    {"not reached is never accepted", OPT, 0, 0, "", NOT_REACHED, NO_LEAF, 0, 0,
     REJECT(CONNECT_FAILED)},
    {"no STARTTLS where TLS is required", REQ, 0, BY_DANE, "", ABSENT, NO_LEAF, 0, 0,
     REJECT(NO_STARTTLS)},
    {"PREC-17 STARTTLS refused where TLS is required", REQ, 0, BY_DANE, "", REFUSED, NO_LEAF, 0, 0,
     REJECT(STARTTLS_REFUSED)},
    {"handshake failed where TLS is required", REQ, 0, BY_DANE, "", FAILED, NO_LEAF, 0, 0,
     REJECT(TLS_HANDSHAKE)},
    {"PREC-16 injection where TLS is required", REQ, 0, BY_DANE, "", INJECTED, NO_LEAF, 0, 0,
     REJECT(STARTTLS_INJECTION)},
    {"not reached where TLS is required", REQ, 0, BY_DANE, "", NOT_REACHED, NO_LEAF, 0, 0,
     REJECT(CONNECT_FAILED)},
    /* PREC-09: what the memory alone demands. */
    {"PREC-09 no STARTTLS, the memory alone", REQ, 0, BY_MEMORY, "", ABSENT, NO_LEAF, 0, 0,
     REJECT(DOWNGRADE)},
    {"PREC-09 STARTTLS refused, the memory alone", REQ, 0, BY_MEMORY, "", REFUSED, NO_LEAF, 0, 0,
     REJECT(DOWNGRADE)},
    {"PREC-09 handshake failed, the memory alone", REQ, 0, BY_MEMORY, "", FAILED, NO_LEAF, 0, 0,
     REJECT(DOWNGRADE)},
    {"PREC-09 injection, the memory alone", REQ, 0, BY_MEMORY, "", INJECTED, NO_LEAF, 0, 0,
     REJECT(DOWNGRADE)},
    {"not reached is no downgrade", REQ, 0, BY_MEMORY, "", NOT_REACHED, NO_LEAF, 0, 0,
     REJECT(CONNECT_FAILED)},
    {"the memory and another: the other's reason", REQ, 0, BY_MEMORY | BY_STS, "", ABSENT, NO_LEAF,
     0, 0, REJECT(NO_STARTTLS)},
    /* TLS, nobody to authenticate. */
    {"TLS with any certificate", OPT, 0, 0, "", DONE, SELF, 0, 0, ACCEPT(ENCRYPTED, 0, -1)},
    {"a valid certificate tells, even unasked", OPT, 0, 0, "", DONE, GOOD, 0, 0,
     ACCEPT(DNSSEC, P, -1)},
    {"the same on an unsigned MX", OPT, 0, 0, "", DONE, GOOD, UNSIGNED_MX, 0,
     ACCEPT(AUTHENTICATED, P, -1)},
    {"an expired certificate tells nothing", OPT, 0, 0, "", DONE, EXPIRED, 0, 0,
     ACCEPT(ENCRYPTED, 0, -1)},
    {"no certificate at all", OPT, 0, 0, "", DONE, NO_LEAF, 0, 0, ACCEPT(ENCRYPTED, 0, -1)},
    {"no certificate where TLS is required", REQ, 0, BY_DANE, "", DONE, NO_LEAF, 0, 0,
     ACCEPT(ENCRYPTED, 0, -1)},
    {"TLS 1.0 where nobody is authenticated", REQ, 0, BY_MEMORY, "", DONE, SELF, 0, 0x0301,
     ACCEPT(ENCRYPTED, 0, -1)},
    {"without anchors nothing is valid", OPT, 0, 0, "", DONE, GOOD, WITHOUT_ANCHORS, 0,
     ACCEPT(ENCRYPTED, 0, -1)},
    /* PKIX. */
    {"STSA-04 valid for the MX name", REQ, P, BY_STS, "", DONE, GOOD, 0, 0, ACCEPT(MTA_STS, P, -1)},
    {"STSA-04 the same on an unsigned MX", REQ, P, BY_STS, "", DONE, GOOD, UNSIGNED_MX, 0,
     ACCEPT(MTA_STS, P, -1)},
    {"the memory's PKIX on a signed MX", REQ, P, BY_MEMORY, "", DONE, GOOD, 0, 0,
     ACCEPT(DNSSEC, P, -1)},
    {"PKIX: another name", REQ, P, BY_STS, "", DONE, OTHER_NAME, 0, 0, REJECT(NAME_MISMATCH)},
    {"NAME-07 PKIX: the next hop's name is not the host's", REQ, P, BY_STS, "", DONE, NEXT_HOP, 0,
     0, REJECT(NAME_MISMATCH)},
    {"PKIX: expired", REQ, P, BY_STS, "", DONE, EXPIRED, 0, 0, REJECT(EXPIRED)},
    {"PKIX: self-signed", REQ, P, BY_STS, "", DONE, SELF, 0, 0, REJECT(SELF_SIGNED)},
    {"PKIX: no certificate", REQ, P, BY_STS, "", DONE, NO_LEAF, 0, 0, REJECT(NO_CERTIFICATE)},
    {"PKIX: a raw key", REQ, P, BY_STS, "", DONE, RAW_GOOD, 0, 0, REJECT(RAW_PUBLIC_KEY)},
    {"PKIX: no STARTTLS", REQ, P, BY_STS, "", ABSENT, NO_LEAF, 0, 0, REJECT(NO_STARTTLS)},
    {"PKIX without anchors is refused", REQ, P, BY_STS, "", DONE, GOOD, WITHOUT_ANCHORS, 0,
     REJECT(NO_TRUST_ANCHORS)},
    {"PKIX with no anchor in the set is refused", REQ, P, BY_STS, "", DONE, GOOD, EMPTY_ANCHORS, 0,
     REJECT(NO_TRUST_ANCHORS)},
    {"PKIX: an address literal names nobody", REQ, P, BY_STS, "", DONE, GOOD, NO_HOST, 0,
     REJECT(NAME_MISMATCH)},
    {"PKIX: too long a chain", REQ, P, BY_STS, "", DONE, GOOD, TOO_LONG, 0, REJECT(CHAIN_TOO_LONG)},
    {"DANE-EE-12 TLS 1.2 suffices", REQ, P, BY_STS, "", DONE, GOOD, 0, 0x0303,
     ACCEPT(MTA_STS, P, -1)},
    {"DANE-EE-12 TLS 1.1 with an identity is refused", REQ, P, BY_STS, "", DONE, GOOD, 0, 0x0302,
     REJECT(TLS_VERSION)},
    {"DANE-EE-12 an unknown TLS version is refused", REQ, P, BY_STS, "", DONE, GOOD, 0, 1,
     REJECT(TLS_VERSION)},
    /* DANE. */
    {"DANE-EE matches a self-signed leaf", REQ, D, BY_DANE, "s", DONE, SELF, 0, 0,
     ACCEPT(DANE, D, 0)},
    {"DANE-EE: the record that matched", REQ, D, BY_DANE, "xgs", DONE, SELF, 0, 0,
     ACCEPT(DANE, D, 2)},
    {"DANE on an unsigned MX authenticates the host only", REQ, D, BY_DANE, "s", DONE, SELF,
     UNSIGNED_MX, 0, ACCEPT(AUTHENTICATED, D, 0)},
    {"DANE-EE needs no anchors", REQ, D, BY_DANE, "g", DONE, GOOD, WITHOUT_ANCHORS, 0,
     ACCEPT(DANE, D, 0)},
    {"DANE-TA by the root", REQ, D, BY_DANE, "r", DONE, GOOD, WITHOUT_ANCHORS, 0,
     ACCEPT(DANE, D, 0)},
    {"DANE-ID-01 DANE-TA with the next hop's name", REQ, D, BY_DANE, "r", DONE, NEXT_HOP, 0, 0,
     ACCEPT(DANE, D, 0)},
    {"DANE-TA: another name", REQ, D, BY_DANE, "r", DONE, OTHER_NAME, 0, 0, REJECT(NAME_MISMATCH)},
    {"DANE: no match", REQ, D, BY_DANE, "s", DONE, GOOD, 0, 0, REJECT(DANE_NO_MATCH)},
    {"DANE: no certificate", REQ, D, BY_DANE, "s", DONE, NO_LEAF, 0, 0, REJECT(NO_CERTIFICATE)},
    {"DANE: no STARTTLS", REQ, D, BY_DANE, "s", ABSENT, NO_LEAF, 0, 0, REJECT(NO_STARTTLS)},
    {"DANE-EE-10 a raw key matches 3 1 1", REQ, D, BY_DANE, "g", DONE, RAW_GOOD, 0, 0,
     ACCEPT(DANE, D, 0)},
    {"DANE-EE-10 a raw key cannot match 3 0 1", REQ, D, BY_DANE, "c", DONE, RAW_GOOD, 0, 0,
     REJECT(RAW_PUBLIC_KEY)},
    {"DANE-EE-10 another raw key", REQ, D, BY_DANE, "s", DONE, RAW_GOOD, 0, 0,
     REJECT(DANE_NO_MATCH)},
    {"DANE-EE-12 TLS 1.1 is refused, match or not", REQ, D, BY_DANE, "s", DONE, SELF, 0, 0x0302,
     REJECT(TLS_VERSION)},
    {"DANE: too long a chain", REQ, D, BY_DANE, "s", DONE, SELF, TOO_LONG, 0,
     REJECT(CHAIN_TOO_LONG)},
    /* Both. */
    {"PREC-02 both hold", REQ, D | P, BY_DANE | BY_STS, "g", DONE, GOOD, 0, 0,
     ACCEPT(DANE, D | P, 0)},
    {"PREC-06 both on an unsigned MX", REQ, D | P, BY_DANE | BY_STS, "g", DONE, GOOD, UNSIGNED_MX,
     0, ACCEPT(MTA_STS, D | P, 0)},
    {"PREC-01 PKIX does not override DANE", REQ, D | P, BY_DANE | BY_STS, "s", DONE, GOOD, 0, 0,
     REJECT(DANE_NO_MATCH)},
    {"PREC-02 DANE does not stand for PKIX", REQ, D | P, BY_DANE | BY_STS, "s", DONE, SELF, 0, 0,
     REJECT(SELF_SIGNED)},
    {"PREC-02 both, without anchors", REQ, D | P, BY_DANE | BY_STS, "g", DONE, GOOD,
     WITHOUT_ANCHORS, 0, REJECT(NO_TRUST_ANCHORS)},
    {"PREC-02 both, a raw key", REQ, D | P, BY_DANE | BY_STS, "g", DONE, RAW_GOOD, 0, 0,
     REJECT(RAW_PUBLIC_KEY)},
    /* Testing. */
    {"STSA-10 testing reports, and goes on", OPT, 0, 0, "", DONE, SELF, TESTING, 0,
     ACCEPT_NOTED(SELF_SIGNED, ENCRYPTED, 0)},
    {"STSA-10 testing: a good certificate", OPT, 0, 0, "", DONE, GOOD, TESTING, 0,
     ACCEPT(DNSSEC, P, -1)},
    {"STSA-10 testing: another name", OPT, 0, 0, "", DONE, OTHER_NAME, TESTING, 0,
     ACCEPT_NOTED(NAME_MISMATCH, ENCRYPTED, 0)},
    {"STSA-10 testing: plaintext", OPT, 0, 0, "", ABSENT, NO_LEAF, TESTING, 0, ACCEPT(NONE, 0, -1)},
    {"PREC-03 DANE holds, testing fails", REQ, D, BY_DANE, "s", DONE, SELF, TESTING, 0, true,
     R(SELF_SIGNED), L(DANE), D, 0},
    {"PREC-01 testing does not excuse DANE", REQ, D, BY_DANE, "s", DONE, GOOD, TESTING, 0,
     REJECT(DANE_NO_MATCH)},
    /* Resumption. */
    {"PREC-12 resumed under this digest", REQ, D, BY_DANE, "s", DONE, NO_LEAF, RESUMED, 0,
     ACCEPT(DANE, D, -1)},
    {"PREC-12 resumed under another digest", REQ, D, BY_DANE, "s", DONE, NO_LEAF, RESUMED_WRONG, 0,
     REJECT(RESUMED)},
    {"PREC-12 another digest, TLS optional", OPT, 0, 0, "", DONE, NO_LEAF, RESUMED_WRONG, 0,
     REJECT(RESUMED)},
    {"PREC-12 with its chain it is judged anew", REQ, D, BY_DANE, "s", DONE, SELF, RESUMED_WRONG, 0,
     ACCEPT(DANE, D, 0)},
    {"PREC-12 this digest does not excuse a wrong chain", REQ, D, BY_DANE, "s", DONE, GOOD, RESUMED,
     0, REJECT(DANE_NO_MATCH)},
    {"PREC-12 resumed by TLS 1.1", REQ, D, BY_DANE, "s", DONE, NO_LEAF, RESUMED, 0x0302,
     REJECT(TLS_VERSION)},
    {"PREC-12 resumed but no TLS", REQ, D, BY_DANE, "s", ABSENT, NO_LEAF, RESUMED, 0,
     REJECT(NO_STARTTLS)},
    /* Time. */
    {"TLSA-24 good until the last second", REQ, D, BY_DANE, "s", DONE, SELF, LAST_SECOND, 0,
     ACCEPT(DANE, D, 0)},
    /* What the memory alone demands of the certificate is told apart too. */
    {"PREC-09 PKIX for the memory alone", REQ, P, BY_MEMORY, "", DONE, EXPIRED, ALONE, 0,
     REJECT(DOWNGRADE)},
    {"PREC-09 PKIX for the memory alone, where DANE asks for TLS", REQ, P, BY_MEMORY | BY_DANE, "x",
     DONE, SELF, ALONE, 0, REJECT(DOWNGRADE)},
    {"PREC-09 PKIX for the memory alone, and no TLS at all", REQ, P, BY_MEMORY, "", ABSENT, NO_LEAF,
     ALONE, 0, REJECT(DOWNGRADE)},
    {"PREC-09 PKIX for the memory alone, and TLS is missing to others too", REQ, P,
     BY_MEMORY | BY_DANE, "x", ABSENT, NO_LEAF, ALONE, 0, REJECT(NO_STARTTLS)},
    {"PREC-09 DANE for the memory alone", REQ, D, BY_MEMORY, "s", DONE, GOOD, ALONE, 0,
     REJECT(DOWNGRADE)},
    {"PREC-09 TLS 1.1 is too old for the memory alone", REQ, P, BY_MEMORY, "", DONE, GOOD, ALONE,
     0x0302, REJECT(DOWNGRADE)},
    {"PREC-09 a wrong resumption is nobody's downgrade", REQ, P, BY_MEMORY, "", DONE, NO_LEAF,
     ALONE | RESUMED_WRONG, 0, REJECT(RESUMED)},
    {"PREC-09 the memory alone, and met", REQ, P, BY_MEMORY, "", DONE, GOOD, ALONE, 0,
     ACCEPT(DNSSEC, P, -1)},
    {"PREC-09 the memory and MTA-STS: the policy's reason", REQ, P, BY_MEMORY | BY_STS, "", DONE,
     SELF, 0, 0, REJECT(SELF_SIGNED)},
    /* Design 6.8: what would be refused, were every claim enforced. */
    {"PREC-09 reported: no STARTTLS", OPT, 0, 0, "", ABSENT, NO_LEAF, WOULD_TLS | WOULD, 0,
     ACCEPT_NOTED(DOWNGRADE, NONE, 0)},
    {"PREC-09 reported: STARTTLS refused", OPT, 0, 0, "", REFUSED, NO_LEAF, WOULD_TLS | WOULD, 0,
     ACCEPT_NOTED(DOWNGRADE, NONE, 0)},
    {"PREC-09 reported: TLS is there", OPT, 0, 0, "", DONE, SELF, WOULD_TLS, 0,
     ACCEPT(ENCRYPTED, 0, -1)},
    {"PREC-09 reported: not reached is refused anyway", OPT, 0, 0, "", NOT_REACHED, NO_LEAF,
     WOULD_TLS, 0, REJECT(CONNECT_FAILED)},
    {"PREC-09 reported: refused anyway is not reported", REQ, 0, BY_DANE, "", ABSENT, NO_LEAF,
     WOULD_TLS, 0, REJECT(NO_STARTTLS)},
    {"PREC-09 reported: the certificate part", REQ, 0, BY_MEMORY, "", DONE, SELF,
     WOULD_PKIX | WOULD | UNSIGNED_MX, 0, ACCEPT_NOTED(DOWNGRADE, ENCRYPTED, 0)},
    {"PREC-09 reported: the certificate part, in plaintext", OPT, 0, 0, "", ABSENT, NO_LEAF,
     WOULD_PKIX | WOULD, 0, ACCEPT_NOTED(DOWNGRADE, NONE, 0)},
    {"PREC-09 reported: the certificate part holds", REQ, 0, BY_MEMORY, "", DONE, GOOD,
     WOULD_PKIX | UNSIGNED_MX, 0, ACCEPT(AUTHENTICATED, P, -1)},
    {"PREC-09 reported: the certificate part by TLS 1.1", REQ, 0, BY_MEMORY, "", DONE, GOOD,
     WOULD_PKIX | WOULD | UNSIGNED_MX, 0x0302, ACCEPT_NOTED(DOWNGRADE, AUTHENTICATED, P)},
    {"PREC-09 reported: the certificate part beside DANE", REQ, D, BY_DANE | BY_MEMORY, "s", DONE,
     SELF, WOULD_PKIX | WOULD, 0, true, R(DOWNGRADE), L(DANE), D, 0},
    {"PREC-09 reported: the certificate part, resumed and so not known", REQ, 0, BY_MEMORY, "", DONE,
     NO_LEAF, WOULD_PKIX | RESUMED, 0, ACCEPT(ENCRYPTED, 0, -1)},
    {"PREC-09 reported: DANE", REQ, 0, BY_DANE, "s", DONE, GOOD, WOULD_DANE | WOULD, 0,
     ACCEPT_NOTED(DOWNGRADE, DNSSEC, P)},
    {"PREC-09 reported: DANE holds", REQ, 0, BY_DANE, "s", DONE, SELF, WOULD_DANE, 0,
     ACCEPT(DANE, D, 0)},
    {"STSA-10 reported: testing has its reason first", OPT, 0, 0, "", DONE, SELF,
     TESTING | WOULD_PKIX | WOULD, 0, ACCEPT_NOTED(SELF_SIGNED, ENCRYPTED, 0)},
    {"PREC-09 reported: the host as such", OPT, 0, 0, "", DONE, GOOD, WOULD_HOST | WOULD, 0,
     ACCEPT_NOTED(DOWNGRADE, DNSSEC, P)},
    {"PREC-09 reported: the host as such, not reached", OPT, 0, 0, "", NOT_REACHED, NO_LEAF,
     WOULD_HOST, 0, REJECT(CONNECT_FAILED)},
    {"TLSA-24 over", REQ, D, BY_DANE, "s", DONE, SELF, LATE, 0, REJECT(REQUIREMENT_EXPIRED)},
    {"TLSA-24 over, TLS optional", OPT, 0, 0, "", ABSENT, NO_LEAF, LATE, 0,
     REJECT(REQUIREMENT_EXPIRED)},
    {"TLSA-24 over, resumed", REQ, D, BY_DANE, "s", DONE, NO_LEAF, RESUMED | LATE, 0,
     REJECT(REQUIREMENT_EXPIRED)},
};

static const struct ss_basis remembered = {SMTPSEC_CLAIM_DNSSEC, SS_PLACE_HOST,
                                           SS_TEST_NOW + 86400, 0, 3600};

/* What the memory would demand beside what is demanded. */
static void
would(struct smtpsec_requirement *requirement, unsigned how)
{
    struct ss_wanted *reported = &requirement->reported;
    int32_t more = (how & WOULD_PKIX ? P : 0) | (how & WOULD_DANE ? D : 0);

    if ((how & (WOULD_TLS | WOULD_PKIX | WOULD_DANE)) != 0) {
        reported->tls = REQ;
        reported->sources |= BY_MEMORY;
    }
    reported->alone |= more & ~reported->identities;
    reported->identities |= more;
    if (how & WOULD_HOST)
        reported->refused = R(DOWNGRADE);
}

static struct smtpsec_requirement *
make_requirement(const struct row *row)
{
    struct smtpsec_requirement *requirement;
    struct ss_name name = facts_name(HOST);
    const char *letter;

    assert_int_equal(ss_requirement_new(&requirement), 0);
    requirement->key.domain = facts_name("d.test");
    requirement->key.port = 25;
    strcpy(requirement->domain, "d.test");
    if (!(row->how & NO_HOST))
        ss_reference_set(&requirement->host, &name);
    requirement->tls = row->tls;
    requirement->identities = row->identities;
    requirement->sources = row->sources;
    requirement->tls_version = 0x0303;
    requirement->mx_secure = !(row->how & UNSIGNED_MX);
    requirement->audited = row->how & TESTING ? P : 0;
    requirement->alone = row->how & ALONE ? row->identities : 0;
    requirement->basis = remembered;
    requirement->reported = ss_requirement_enforced(requirement);
    would(requirement, row->how);
    requirement->expires = SS_TEST_NOW + 300;
    ss_reference_set(&requirement->dane_names[0], &name);
    name = facts_name("d.test");
    ss_reference_set(&requirement->dane_names[1], &name);
    requirement->dane_name_count = 2;
    for (letter = row->tlsa; *letter != '\0'; letter++)
        put_record(requirement, *letter);
    assert_int_equal(ss_requirement_seal_digest(requirement), 0);
    return requirement;
}

static void
make_session(const struct row *row, const struct smtpsec_requirement *requirement,
             struct smtpsec_session *session)
{
    memset(session, 0, sizeof(*session));
    session->starttls = row->starttls;
    session->version = row->version != 0 ? row->version : 0x0304;
    if (row->leaf == RAW_GOOD)
        assert_int_equal(ss_session_set_raw_key(session, ss_test_cert_spki(good)), 0);
    else if (row->leaf != NO_LEAF) {
        assert_int_equal(ss_session_add(session, ss_test_cert_der(cert_of(row->leaf))), 0);
        if (row->leaf != SELF)
            assert_int_equal(ss_session_add(session, ss_test_cert_der(root)), 0);
    }
    session->too_long = (row->how & TOO_LONG) != 0;
    session->resumed = (row->how & (RESUMED | RESUMED_WRONG)) != 0;
    memcpy(session->resumed_digest, requirement->digest, SS_SHA256_LEN);
    if (row->how & RESUMED_WRONG)
        session->resumed_digest[SS_SHA256_LEN - 1] ^= 1;
}

/* RPT-18, RPT-20: what is reported goes with the reason, or with why there was no TLS. */
static int32_t
result_of(const struct row *row)
{
    static const int32_t plain[] = {R(CONNECT_FAILED), R(NO_STARTTLS), R(STARTTLS_REFUSED),
                                    R(TLS_HANDSHAKE), R(NONE), R(STARTTLS_INJECTION)};
    int32_t reason = row->want_reason;

    if (row->want && reason == R(DOWNGRADE)) /* only reported: nobody's policy asks for it */
        reason = R(NONE);
    if (!row->want && row->how & ALONE && row->starttls == DONE) /* what fell short, not for whom */
        reason = row->version != 0       ? R(TLS_VERSION)
                 : row->leaf == EXPIRED  ? R(EXPIRED)
                 : row->leaf == SELF     ? R(SELF_SIGNED)
                 : row->identities == D  ? R(DANE_NO_MATCH)
                                         : R(RESUMED);
    if (row->starttls != DONE && reason != R(REQUIREMENT_EXPIRED))
        reason = plain[row->starttls];
    return smtpsec_reason_result(reason);
}

/* Design 10: what is reported is what the same code refuses, once it is enforced. */
static void
check_enforced(const struct row *row, const struct smtpsec_requirement *requirement,
               const struct smtpsec_session *session, int64_t now,
               const struct smtpsec_verdict *reported)
{
    struct smtpsec_requirement enforced = *requirement;
    struct smtpsec_verdict verdict;

    if (requirement->reported.refused != R(NONE) || !reported->accepted)
        return;
    enforced.tls = requirement->reported.tls;
    enforced.identities = requirement->reported.identities;
    enforced.sources = requirement->reported.sources;
    enforced.alone = requirement->reported.alone;
    assert_int_equal(ss_verify(row->how & WITHOUT_ANCHORS ? NULL : anchors, &enforced, session, now,
                               &verdict),
                     0);
    assert_int_equal(!verdict.accepted, reported->would_refuse);
    assert_int_equal(verdict.accepted ? R(NONE) : verdict.reason, reported->would_reason);
    assert_false(verdict.would_refuse);
    ss_verdict_clear(&verdict);
}

/* Who reads the trace alone sees what the verdict was, and which rule decided; the last step sums up. */
static void
check_trace(const struct smtpsec_verdict *verdict)
{
    const struct ss_trace *trace = &ss_verdict_words(verdict)->trace;
    const struct ss_step *steps = trace->steps;
    size_t count = trace->count, i, refusing = 0, reporting = 0;

    assert_in_range(count, 1, SS_TRACE_MAX);
    for (i = 0; i < count; i++) {
        assert_true(steps[i].text[0] != '\0');
        assert_true(steps[i].rule[0] != '\0' || i + 1 == count);
        refusing += steps[i].effect == SS_REFUSES && steps[i].rule[0] != '\0';
        reporting += steps[i].effect == SS_REPORTS;
    }
    assert_int_equal(refusing > 0, !verdict->accepted);
    assert_int_equal(steps[count - 1].effect, verdict->accepted ? SS_INFORMS : SS_REFUSES);
    if (verdict->would_refuse)
        assert_true(reporting > 0);
}

static void
check(void **state)
{
    const struct row *row = *state;
    struct smtpsec_requirement *requirement = make_requirement(row);
    struct smtpsec_session session;
    struct smtpsec_verdict verdict;
    const char *text;
    int64_t now = SS_TEST_NOW + (row->how & LATE ? 301 : row->how & LAST_SECOND ? 300 : 0);

    make_session(row, requirement, &session);
    assert_int_equal(ss_verify(row->how & WITHOUT_ANCHORS ? NULL
                               : row->how & EMPTY_ANCHORS ? no_anchors
                                                          : anchors,
                               requirement, &session, now, &verdict),
                     0);
    text = ss_verdict_words(&verdict)->text;
    assert_int_equal(verdict.reason, row->want_reason);
    assert_int_equal(verdict.accepted, row->want);
    assert_int_equal(verdict.achieved, row->want_achieved);
    if (row->want) {
        assert_int_equal(verdict.identities, row->want_identities);
        assert_int_equal(verdict.tlsa, row->want_tlsa);
        /* Design 3: acceptance is decided by the set, so nothing of it may be missing. */
        assert_int_equal(verdict.identities & row->identities, row->identities);
    }
    assert_int_equal(verdict.result, result_of(row));
    assert_int_equal(verdict.would_refuse, (row->how & WOULD) != 0);
    assert_int_equal(verdict.would_reason, row->how & WOULD ? R(DOWNGRADE) : R(NONE));
    assert_int_equal(verdict.memory_refused, !row->want && row->want_reason == R(DOWNGRADE));
    /* Design 6.11: the claim, and when it ends: with the hold that begins now. */
    if (verdict.memory_refused || verdict.would_refuse)
        assert_non_null(strstr(text, "claim dnssec on mx.d.test; met by "));
    assert_int_equal(strstr(text, "ends by itself at 2027-01-15T09:00:00Z; overridden by "
                                  "'except d.test dnssec until DATE'") != NULL,
                     verdict.memory_refused || verdict.would_refuse);
    check_trace(&verdict);
    check_enforced(row, requirement, &session, now, &verdict);
    assert_non_null(strstr(text, row->want ? "accept" : "reject"));
    assert_non_null(strstr(text, row->how & NO_HOST ? "d.test" : HOST));
    if (!row->want)
        assert_non_null(strstr(text, smtpsec_reason_name(row->want_reason)));
    ss_verdict_clear(&verdict);
    ss_session_clear(&session);
    ss_requirement_free(requirement);
}

/* ---- Sessions ---- */

static void
long_chain(void **state)
{
    struct smtpsec_session session;
    size_t i;

    (void)state;
    memset(&session, 0, sizeof(session));
    for (i = 0; i < SS_CHAIN_CERTIFICATES; i++)
        assert_int_equal(ss_session_add(&session, ss_test_cert_der(good)), 0);
    assert_false(session.too_long);
    assert_int_equal(ss_session_add(&session, ss_test_cert_der(good)), SMTPSEC_E_LIMIT);
    assert_true(session.too_long);
    assert_int_equal(session.count, SS_CHAIN_CERTIFICATES);
    ss_session_clear(&session);
    assert_int_equal(session.count, 0);
    assert_false(session.too_long);
}

static void
many_octets(void **state)
{
    static const uint8_t octets[SS_CHAIN_OCTETS];
    struct ss_bytes most = {octets, sizeof(octets)};
    struct ss_bytes one = {octets, 1};
    struct ss_bytes none = {octets, 0};
    struct smtpsec_session session;

    (void)state;
    memset(&session, 0, sizeof(session));
    assert_int_equal(ss_session_add(&session, most), 0);
    assert_int_equal(ss_session_add(&session, none), 0);
    assert_int_equal(ss_session_add(&session, one), SMTPSEC_E_LIMIT);
    assert_true(session.too_long);
    ss_session_clear(&session);
    assert_int_equal(ss_session_set_raw_key(&session, most), 0);
    assert_int_equal(ss_session_set_raw_key(&session, one), 0);
    assert_int_equal(session.raw_key.len, 1);
    most.len++;
    assert_int_equal(ss_session_set_raw_key(&session, most), SMTPSEC_E_LIMIT);
    assert_int_equal(session.raw_key.len, 1);
    ss_session_clear(&session);
}

/* RPT-19, RPT-21: for a report, what each identity came to, and both faults of one certificate. */
static void
for_reports(void **state)
{
    static const struct row row = {"", REQ, D | P, BY_DANE | BY_STS, "s", DONE, EXPIRED, 0, 0,
                                   REJECT(DANE_NO_MATCH)};
    struct smtpsec_requirement *requirement = make_requirement(&row);
    struct ss_test_cert *both = ss_test_cert(&(struct ss_test_cert_spec){
        .cn = "leaf", .key = 7, .issuer = root, .dns = {"other.test"}, .not_after = SS_TEST_NOW - 1});
    struct smtpsec_session session = {.starttls = DONE, .version = 0x0304};
    struct smtpsec_verdict verdict;

    (void)state;
    assert_int_equal(ss_session_add(&session, ss_test_cert_der(both)), 0);
    assert_int_equal(ss_session_add(&session, ss_test_cert_der(root)), 0);
    assert_int_equal(ss_verify(anchors, requirement, &session, SS_TEST_NOW, &verdict), 0);
    assert_true(verdict.looked && !verdict.accepted);
    assert_int_equal(verdict.judged, D | P);
    assert_int_equal(verdict.plain, R(NONE));
    assert_int_equal(verdict.dane, R(DANE_NO_MATCH));
    assert_int_equal(verdict.pkix, R(NAME_MISMATCH));
    assert_int_equal(verdict.pkix_too, R(EXPIRED));
    ss_verdict_clear(&verdict);
    assert_int_equal(ss_verify(anchors, requirement, &session, SS_TEST_NOW + 301, &verdict), 0);
    assert_false(verdict.looked);
    ss_verdict_clear(&verdict);
    session.starttls = ABSENT;
    assert_int_equal(ss_verify(anchors, requirement, &session, SS_TEST_NOW, &verdict), 0);
    assert_true(verdict.looked && verdict.judged == 0);
    assert_int_equal(verdict.plain, R(NO_STARTTLS));
    ss_verdict_clear(&verdict);
    ss_session_clear(&session);
    ss_requirement_free(requirement);
}

int
main(void)
{
    struct ss_table t = SS_TABLE("verify");
    int failed;

    make_world();
    SS_TABLE_ROWS(&t, check, rows);
    ss_table_case(&t, "a session holds 16 certificates", long_chain);
    ss_table_case(&t, "a session holds 100 KiB of certificates", many_octets);
    ss_table_case(&t, "RPT-19, RPT-21 what each identity came to", for_reports);
    failed = ss_table_run(&t);
    ss_anchors_unref(anchors);
    ss_anchors_unref(no_anchors);
    ss_test_certs_free();
    return failed;
}
