/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "table.h"

#include <string.h>

#include "base/text.h"
#include "pkix/digest.h"

struct row {
    const char *name;
    const char *key; /* for HMAC */
    const char *data;
    const char *want;
};

/* FIPS 180-4 examples, and RFC 4231 4.3. */
static const struct row sha256[] = {
    {"SHA-256 of nothing", NULL, "",
     "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"},
    {"SHA-256 of abc", NULL, "abc",
     "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad"},
};

static const struct row sha512[] = {
    {"SHA-512 of abc", NULL, "abc",
     "ddaf35a193617abacc417349ae20413112e6fa4e89a97ea20a9eeee64b55d39a"
     "2192992a274fc1a836ba3c23a3feebbd454d4423643ce80e2a9ac94fa54ca49f"},
};

static const struct row hmac[] = {
    {"HMAC-SHA-256, RFC 4231 4.3", "Jefe", "what do ya want for nothing?",
     "5bdcc146bf60754e6a042426089575c75a003f089d2739839dec58b964ec3843"},
    {"HMAC-SHA-256 without key and data", "", "",
     "b613679a0814d9ec772f95d778c35fc5ff1697c493715653c6c712144292c5ad"},
};

static void
expect(const uint8_t *digest, size_t len, const char *want)
{
    char text[2 * SS_SHA512_LEN + 1];

    ss_hex_write(text, digest, len);
    assert_string_equal(text, want);
}

static void
check_sha256(void **state)
{
    const struct row *row = *state;
    uint8_t digest[SS_SHA256_LEN];

    assert_int_equal(ss_sha256(row->data, strlen(row->data), digest), 0);
    expect(digest, sizeof(digest), row->want);
    if (row->data[0] == '\0') {
        assert_int_equal(ss_sha256(NULL, 0, digest), 0);
        expect(digest, sizeof(digest), row->want);
    }
}

static void
check_sha512(void **state)
{
    const struct row *row = *state;
    uint8_t digest[SS_SHA512_LEN];

    assert_int_equal(ss_sha512(row->data, strlen(row->data), digest), 0);
    expect(digest, sizeof(digest), row->want);
}

static void
check_hmac(void **state)
{
    const struct row *row = *state;
    uint8_t digest[SS_SHA256_LEN];

    assert_int_equal(
        ss_hmac_sha256(row->key, strlen(row->key), row->data, strlen(row->data), digest), 0);
    expect(digest, sizeof(digest), row->want);
}

int
main(void)
{
    struct ss_table t = SS_TABLE("digest");

    SS_TABLE_ROWS(&t, check_sha256, sha256);
    SS_TABLE_ROWS(&t, check_sha512, sha512);
    SS_TABLE_ROWS(&t, check_hmac, hmac);
    return ss_table_run(&t);
}
