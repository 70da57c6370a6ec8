/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The envelope of blobs: what it refuses, and by which code. */
#include "table.h"

#include <string.h>

#include "decision/seal.h"
#include "pkix/digest.h"
#include "smtpsec.h"

#define BODY "twelve bytes"
enum { HEAD = 11, FLAG = 3, TYPE = 4, VERSION = 5, LENGTH = 7 };

static const struct ss_seal_key key = {"0123456789abcdef", 16};
static const struct ss_seal_key other_key = {"0123456789abcdeg", 16};
static const struct ss_seal_key no_key = {"", 0};

static void
wrap(const struct ss_seal_key *with, uint16_t version, struct ss_buf *out)
{
    struct ss_buf body;

    ss_buf_init(&body, 1024);
    ss_buf_init(out, 1024);
    ss_buf_put(&body, BODY, strlen(BODY));
    assert_int_equal(ss_seal(with, SS_BLOB_OUTCOME, version, &body, out), 0);
    ss_buf_free(&body);
}

static int
unwrap(const struct ss_seal_key *with, struct ss_bytes blob, struct ss_bytes *body)
{
    /* An allocation of the exact size lets the sanitizers see a read past its end. */
    uint8_t *exact = malloc(blob.len > 0 ? blob.len : 1);
    struct ss_bytes copy = {exact, blob.len};
    int r;

    assert_non_null(exact);
    if (blob.len > 0)
        memcpy(exact, blob.data, blob.len);
    memset(body, 0, sizeof(*body));
    r = ss_unseal(with, SS_BLOB_OUTCOME, 3, copy, body);
    free(exact);
    return r;
}

struct row {
    const char *name;
    const struct ss_seal_key *sealed_with;
    const struct ss_seal_key *opened_with;
    uint16_t version;
    enum ss_blob type; /* asked for */
    int want;
};

static const struct row rows[] = {
    {"no key: opened", NULL, NULL, 3, SS_BLOB_OUTCOME, 0},
    {"a key of no octets is no key", &no_key, &no_key, 3, SS_BLOB_OUTCOME, 0},
    {"sealed and opened with one key", &key, &key, 3, SS_BLOB_OUTCOME, 0},
    {"sealed, opened without a key: the same trust domain", &key, NULL, 3, SS_BLOB_OUTCOME, 0},
    {"unsealed is refused where a key is set", NULL, &key, 3, SS_BLOB_OUTCOME, SMTPSEC_E_SEAL},
    {"sealed with another key is refused", &other_key, &key, 3, SS_BLOB_OUTCOME, SMTPSEC_E_SEAL},
    {"a newer version is told", &key, &key, 4, SS_BLOB_OUTCOME, SMTPSEC_E_VERSION},
    {"a newer version without a key is told", NULL, NULL, 4, SS_BLOB_OUTCOME, SMTPSEC_E_VERSION},
    {"a newer version unsealed is a matter of the seal", NULL, &key, 4, SS_BLOB_OUTCOME,
     SMTPSEC_E_SEAL},
    {"a newer version by another key is a matter of the seal", &other_key, &key, 4, SS_BLOB_OUTCOME,
     SMTPSEC_E_SEAL},
    {"an older version is not read", &key, &key, 2, SS_BLOB_OUTCOME, SMTPSEC_E_FORMAT},
    {"another type is refused, sealed as it is", &key, &key, 3, SS_BLOB_REQUIREMENT,
     SMTPSEC_E_FORMAT},
    {"another type is refused", NULL, NULL, 3, SS_BLOB_REQUIREMENT, SMTPSEC_E_FORMAT},
};

static void
check(void **state)
{
    const struct row *row = *state;
    struct ss_bytes blob, body = {NULL, 0};
    struct ss_buf out;

    wrap(row->sealed_with, row->version, &out);
    blob.data = out.data;
    blob.len = out.len;
    assert_int_equal(ss_unseal(row->opened_with, row->type, 3, blob, &body), row->want);
    if (row->want == 0) {
        assert_int_equal(body.len, strlen(BODY));
        assert_memory_equal(body.data, BODY, body.len);
    }
    ss_buf_free(&out);
}

/* A sealed blob in which any bit changed is refused; what it is called may differ. */
static void
flip_sealed(void **state)
{
    struct ss_bytes blob, body;
    struct ss_buf out;
    size_t i;
    unsigned bit;
    int r;

    (void)state;
    wrap(&key, 3, &out);
    blob.data = out.data;
    blob.len = out.len;
    assert_int_equal(out.len, HEAD + strlen(BODY) + SS_SHA256_LEN);
    for (i = 0; i < out.len; i++)
        for (bit = 0; bit < 8; bit++) {
            out.data[i] ^= (uint8_t)(1U << bit);
            r = unwrap(&key, blob, &body);
            if (i < VERSION || (i >= LENGTH && i < HEAD))
                assert_int_equal(r, SMTPSEC_E_FORMAT);
            else
                assert_int_equal(r, SMTPSEC_E_SEAL);
            out.data[i] ^= (uint8_t)(1U << bit);
        }
    assert_int_equal(unwrap(&key, blob, &body), 0);
    ss_buf_free(&out);
}

/* Taking the seal away by a flag and a cut makes it an unsealed one, which a key refuses. */
static void
strip_seal(void **state)
{
    struct ss_bytes blob, body;
    struct ss_buf out;

    (void)state;
    wrap(&key, 3, &out);
    out.data[FLAG] = 0;
    blob.data = out.data;
    blob.len = out.len - SS_SHA256_LEN;
    assert_int_equal(unwrap(&key, blob, &body), SMTPSEC_E_SEAL);
    ss_buf_free(&out);
}

static void
cut(void **state)
{
    static const struct ss_seal_key *const keys[2] = {NULL, &key};
    struct ss_bytes blob, body;
    struct ss_buf out;
    size_t k;

    (void)state;
    for (k = 0; k < 2; k++) {
        wrap(keys[k], 3, &out);
        blob.data = out.data;
        for (blob.len = 0; blob.len < out.len; blob.len++)
            assert_int_equal(unwrap(keys[k], blob, &body), SMTPSEC_E_FORMAT);
        assert_int_equal(unwrap(keys[k], blob, &body), 0);
        ss_buf_u8(&out, 0);
        blob.data = out.data;
        blob.len = out.len;
        assert_int_equal(unwrap(keys[k], blob, &body), SMTPSEC_E_FORMAT);
        ss_buf_free(&out);
    }
}

static void
refuse_broken_body(void **state)
{
    struct ss_buf body, out;

    (void)state;
    ss_buf_init(&body, 4);
    ss_buf_init(&out, 1024);
    ss_buf_put(&body, BODY, strlen(BODY));
    assert_int_equal(ss_seal(&key, SS_BLOB_OUTCOME, 3, &body, &out), SMTPSEC_E_LIMIT);
    body.full = false;
    body.nomem = true;
    assert_int_equal(ss_seal(&key, SS_BLOB_OUTCOME, 3, &body, &out), SMTPSEC_E_NOMEM);
    ss_buf_free(&body);
    ss_buf_free(&out);
    ss_buf_init(&body, 1024);
    ss_buf_init(&out, HEAD + 5);
    ss_buf_put(&body, BODY, strlen(BODY));
    assert_int_equal(ss_seal(NULL, SS_BLOB_OUTCOME, 3, &body, &out), SMTPSEC_E_LIMIT);
    ss_buf_free(&body);
    ss_buf_free(&out);
}

/* The form of the head is a contract between versions. */
static void
head_as_written(void **state)
{
    static const uint8_t want[HEAD] = {'S', 'S', 'B', 0, SS_BLOB_OUTCOME, 3, 0, 12, 0, 0, 0};
    struct ss_buf out;

    (void)state;
    wrap(NULL, 3, &out);
    assert_memory_equal(out.data, want, HEAD);
    assert_int_equal(out.len, HEAD + strlen(BODY));
    ss_buf_free(&out);
}

int
main(void)
{
    struct ss_table t = SS_TABLE("seal");

    SS_TABLE_ROWS(&t, check, rows);
    ss_table_case(&t, "every bit of a sealed blob counts", flip_sealed);
    ss_table_case(&t, "a seal cut off is missed", strip_seal);
    ss_table_case(&t, "every cut, and one octet more, is refused", cut);
    ss_table_case(&t, "a body that did not fit is not sealed", refuse_broken_body);
    ss_table_case(&t, "the head is laid out as documented", head_as_written);
    return ss_table_run(&t);
}
