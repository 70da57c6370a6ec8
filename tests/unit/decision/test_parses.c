/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * No certificate is parsed twice in one verification, whatever is asked of it:
 * each call of GnuTLS's parser is counted, by the octets that it gets.
 */
#include "table.h"

#include <stdlib.h>
#include <string.h>

#include <gnutls/gnutls.h>
#include <gnutls/x509.h>

#include "certs.h"
#include "decision/verify.h"
#include "facts.h"
#include "pkix/anchors.h"

#define HOST "mx.d.test"
#define MOST 64

enum { D = SMTPSEC_IDENTITY_DANE, P = SMTPSEC_IDENTITY_PKIX };

/* ---- The parser's door ---- */

static struct {
    bool counting;
    size_t count;
    struct {
        uint8_t *octets;
        size_t len;
    } seen[MOST];
    size_t again; /* of octets that were parsed before */
} door;

int __real_gnutls_x509_crt_import(gnutls_x509_crt_t crt, const gnutls_datum_t *data,
                                  gnutls_x509_crt_fmt_t format);
int __wrap_gnutls_x509_crt_import(gnutls_x509_crt_t crt, const gnutls_datum_t *data,
                                  gnutls_x509_crt_fmt_t format);

static void
note(const gnutls_datum_t *data)
{
    size_t i;

    for (i = 0; i < door.count; i++)
        if (door.seen[i].len == data->size &&
            memcmp(door.seen[i].octets, data->data, data->size) == 0)
            door.again++;
    assert_true(door.count < MOST);
    door.seen[door.count].octets = malloc(data->size);
    assert_non_null(door.seen[door.count].octets);
    memcpy(door.seen[door.count].octets, data->data, data->size);
    door.seen[door.count++].len = data->size;
}

int
__wrap_gnutls_x509_crt_import(gnutls_x509_crt_t crt, const gnutls_datum_t *data,
                              gnutls_x509_crt_fmt_t format)
{
    if (door.counting)
        note(data);
    return __real_gnutls_x509_crt_import(crt, data, format);
}

static void
close_door(void)
{
    while (door.count > 0)
        free(door.seen[--door.count].octets);
    memset(&door, 0, sizeof(door));
}

/* ---- Who is sent, and what is asked ---- */

enum who { NOBODY, ROOT, MIDDLE, LEAF, OLD, ELSEWHERE, STRANGER, CAST };

static struct ss_test_cert *cast[CAST];

static void
make_cast(void)
{
    struct ss_test_cert_spec spec = {.cn = "Root", .key = 1, .ca = true};

    cast[ROOT] = ss_test_cert(&spec);
    spec.cn = "Stranger";
    spec.key = 2;
    cast[STRANGER] = ss_test_cert(&spec);
    spec.cn = "Middle";
    spec.issuer = cast[ROOT];
    cast[MIDDLE] = ss_test_cert(&spec);
    spec = (struct ss_test_cert_spec){.cn = "leaf", .key = 3, .issuer = cast[MIDDLE],
                                      .dns = {HOST}};
    cast[LEAF] = ss_test_cert(&spec);
    spec.not_after = SS_TEST_NOW - 1;
    cast[OLD] = ss_test_cert(&spec);
    spec.not_after = 0;
    spec.dns[0] = "other.test";
    cast[ELSEWHERE] = ss_test_cert(&spec);
}

struct row {
    const char *name;
    enum who sent[5];
    int32_t identities;
    const char *tlsa; /* "usage selector matching", of whom; NULL: none */
    enum who of;
    bool want;
    size_t parses;
};

static const struct row rows[] = {
    {"DANE-EE-01 no parse at all", {LEAF, MIDDLE}, D, "311", LEAF, true, 0},
    {"DANE-EE-01 none for the whole certificate", {LEAF, MIDDLE}, D, "300", LEAF, true, 0},
    {"DANE-EE-07 none for one that does not match", {LEAF, MIDDLE}, D, "311", MIDDLE, false, 0},
    {"DANE-EE-01 PKIX beside it", {LEAF, MIDDLE}, D | P, "311", LEAF, true, 3},
    {"DANE-TA-01 by digest", {LEAF, MIDDLE}, D, "211", MIDDLE, true, 2},
    {"DANE-TA-01 by digest, PKIX beside it", {LEAF, MIDDLE}, D | P, "211", MIDDLE, true, 3},
    {"DANE-TA-01 by digest of the root, PKIX beside it", {LEAF, MIDDLE, ROOT}, D | P, "211", ROOT,
     true, 3},
    {"DANE-TA-04 in the record alone", {LEAF, MIDDLE}, D, "200", ROOT, true, 3},
    {"DANE-TA-04 in the record, and sent", {LEAF, MIDDLE}, D, "200", MIDDLE, true, 2},
    {"DANE-TA-04 in the record and sent, leads nowhere", {LEAF, STRANGER}, D, "200", STRANGER,
     false, 2},
    {"DANE-TA-06 bare key", {LEAF, MIDDLE}, D, "210", ROOT, true, 4},
    {"NAME-12 PKIX", {LEAF, MIDDLE}, P, NULL, NOBODY, true, 3},
    {"NAME-12 the root is sent as well", {LEAF, MIDDLE, ROOT}, P, NULL, NOBODY, true, 3},
    {"NAME-12 one is sent twice", {LEAF, MIDDLE, MIDDLE, ROOT}, P, NULL, NOBODY, true, 3},
    {"NAME-12 expired, and the root is sent", {OLD, MIDDLE, ROOT}, P, NULL, NOBODY, false, 3},
    {"RPT-19 another name, the path looked at as well", {ELSEWHERE, MIDDLE, ROOT}, P, NULL, NOBODY,
     false, 3},
    {"NAME-12 issuer missing", {LEAF}, P, NULL, NOBODY, false, 1},
    {"NAME-12 the wrong issuer", {LEAF, STRANGER, ROOT}, D | P, "211", STRANGER, false, 3},
};

static struct smtpsec_requirement *
make_requirement(const struct row *row)
{
    struct smtpsec_requirement *requirement;
    struct ss_name name = facts_name(HOST);
    struct ss_bytes rdata;

    assert_int_equal(ss_requirement_new(&requirement), 0);
    ss_reference_set(&requirement->host, &name);
    ss_reference_set(&requirement->dane_names[0], &name);
    requirement->dane_name_count = 1;
    requirement->tls = SMTPSEC_TLS_REQUIRED;
    requirement->identities = row->identities;
    requirement->tls_version = 0x0303;
    requirement->expires = SS_TEST_NOW + 300;
    requirement->reported = ss_requirement_enforced(requirement);
    if (row->tlsa != NULL) {
        rdata = ss_test_tlsa((unsigned)(row->tlsa[0] - '0'), (unsigned)(row->tlsa[1] - '0'),
                             (unsigned)(row->tlsa[2] - '0'), cast[row->of]);
        assert_int_equal(ss_tlsa_set_read(&requirement->tlsa, &rdata, 1, false, false, NULL), 0);
    }
    return requirement;
}

/* As from a bundle, where nothing was parsed yet. */
static struct smtpsec_anchors *
make_anchors(void)
{
    struct smtpsec_anchors *anchors;

    assert_int_equal(ss_anchors_new(&anchors), 0);
    assert_int_equal(ss_anchors_add_pem(anchors, ss_test_cert_pem(cast[ROOT])), 0);
    return anchors;
}

static void
check(void **state)
{
    const struct row *row = *state;
    struct smtpsec_requirement *requirement = make_requirement(row);
    struct smtpsec_anchors *anchors = make_anchors();
    struct smtpsec_session session = {.starttls = SMTPSEC_STARTTLS_DONE, .version = 0x0304};
    struct smtpsec_verdict verdict;
    size_t i;

    for (i = 0; i < 5 && row->sent[i] != NOBODY; i++)
        assert_int_equal(ss_session_add(&session, ss_test_cert_der(cast[row->sent[i]])), 0);
    close_door(); /* of a row that failed */
    door.counting = true;
    assert_int_equal(ss_verify(anchors, requirement, &session, SS_TEST_NOW, &verdict), 0);
    door.counting = false;
    assert_int_equal(verdict.accepted, row->want);
    assert_int_equal(door.again, 0);
    assert_int_equal(door.count, row->parses);
    close_door();
    ss_verdict_clear(&verdict);
    ss_session_clear(&session);
    ss_anchors_unref(anchors);
    ss_requirement_free(requirement);
}

int
main(void)
{
    struct ss_table t = SS_TABLE("parses");
    int failed;

    make_cast();
    SS_TABLE_ROWS(&t, check, rows);
    failed = ss_table_run(&t);
    ss_test_certs_free();
    return failed;
}
