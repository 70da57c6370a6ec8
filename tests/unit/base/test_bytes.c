/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "table.h"

#include <string.h>

#include "base/bytes.h"

static const uint8_t octets[15] = { 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15 };

static void
network_order(void **state)
{
    struct ss_rd rd;

    (void)state;
    ss_rd_init(&rd, octets, 7);
    assert_int_equal(ss_rd_u8(&rd), 1);
    assert_int_equal(ss_rd_be16(&rd), 0x0203);
    assert_false(ss_rd_done(&rd));
    assert_int_equal(ss_rd_be32(&rd), 0x04050607);
    assert_true(ss_rd_done(&rd));
}

static void
little_endian(void **state)
{
    struct ss_rd rd;

    (void)state;
    ss_rd_init(&rd, octets, 14);
    assert_int_equal(ss_rd_le16(&rd), 0x0201);
    assert_int_equal(ss_rd_le32(&rd), 0x06050403);
    assert_true(ss_rd_le64(&rd) == 0x0e0d0c0b0a090807);
    assert_true(ss_rd_done(&rd));
}

static void
high_bits(void **state)
{
    static const uint8_t all[8] = { 0xff, 0xfe, 0xfd, 0xfc, 0xfb, 0xfa, 0xf9, 0xf8 };
    struct ss_rd rd;

    (void)state;
    ss_rd_init(&rd, all, 8);
    assert_true(ss_rd_be32(&rd) == 0xfffefdfc);
    assert_true(ss_rd_le32(&rd) == 0xf8f9fafb);
    ss_rd_init(&rd, all, 8);
    assert_true(ss_rd_le64(&rd) == 0xf8f9fafbfcfdfeff);
}

static void
failure_sticks(void **state)
{
    struct ss_rd rd;

    (void)state;
    ss_rd_init(&rd, octets, 3);
    assert_int_equal(ss_rd_be32(&rd), 0);
    assert_true(rd.bad);
    /* There would be room for these. */
    assert_int_equal(ss_rd_u8(&rd), 0);
    assert_int_equal(ss_rd_be16(&rd), 0);
    assert_int_equal(ss_rd_le16(&rd), 0);
    assert_int_equal(ss_rd_le32(&rd), 0);
    assert_true(ss_rd_le64(&rd) == 0);
    assert_null(ss_rd_take(&rd, 0));
    assert_int_equal(rd.left, 3);
    assert_false(ss_rd_done(&rd));
}

static void
takes(void **state)
{
    struct ss_rd rd;

    (void)state;
    ss_rd_init(&rd, octets, 4);
    assert_ptr_equal(ss_rd_take(&rd, 3), octets);
    assert_non_null(ss_rd_take(&rd, 1));
    assert_non_null(ss_rd_take(&rd, 0));
    assert_true(ss_rd_done(&rd));
    assert_null(ss_rd_take(&rd, 1));
    assert_false(ss_rd_done(&rd));
    ss_rd_init(&rd, octets, 4);
    assert_null(ss_rd_take(&rd, SIZE_MAX));
}

static void
nothing_to_read(void **state)
{
    struct ss_rd rd;

    (void)state;
    ss_rd_init(&rd, NULL, 9);
    assert_true(ss_rd_done(&rd));
    assert_non_null(ss_rd_take(&rd, 0));
    assert_int_equal(ss_rd_u8(&rd), 0);
    assert_true(rd.bad);
}

static void
written_and_read(void **state)
{
    struct ss_buf buf;
    struct ss_rd rd;

    (void)state;
    ss_buf_init(&buf, 64);
    ss_buf_u8(&buf, 0xf1);
    ss_buf_be16(&buf, 0xf2f3);
    ss_buf_be32(&buf, 0xf4f5f6f7);
    ss_buf_le16(&buf, 0xe2e3);
    ss_buf_le32(&buf, 0xe4e5e6e7);
    ss_buf_le64(&buf, 0xd1d2d3d4d5d6d7d8);
    ss_buf_put(&buf, octets, 2);
    ss_buf_put(&buf, NULL, 0);
    assert_true(ss_buf_ok(&buf));
    assert_int_equal(buf.len, 23);
    ss_rd_init(&rd, buf.data, buf.len);
    assert_int_equal(ss_rd_u8(&rd), 0xf1);
    assert_int_equal(ss_rd_be16(&rd), 0xf2f3);
    assert_true(ss_rd_be32(&rd) == 0xf4f5f6f7);
    assert_int_equal(ss_rd_le16(&rd), 0xe2e3);
    assert_true(ss_rd_le32(&rd) == 0xe4e5e6e7);
    assert_true(ss_rd_le64(&rd) == 0xd1d2d3d4d5d6d7d8);
    assert_memory_equal(ss_rd_take(&rd, 2), octets, 2);
    assert_true(ss_rd_done(&rd));
    ss_buf_free(&buf);
    assert_null(buf.data);
}

static void
limit_sticks(void **state)
{
    struct ss_buf buf;

    (void)state;
    ss_buf_init(&buf, 4);
    ss_buf_be32(&buf, 1);
    assert_true(ss_buf_ok(&buf));
    ss_buf_u8(&buf, 1);
    assert_true(buf.full);
    assert_false(ss_buf_ok(&buf));
    assert_int_equal(buf.len, 4);
    ss_buf_free(&buf);
    ss_buf_init(&buf, 4);
    ss_buf_put(&buf, octets, 5);
    ss_buf_u8(&buf, 1);
    assert_int_equal(buf.len, 0);
    assert_false(ss_buf_ok(&buf));
    ss_buf_free(&buf);
}

static void
expects(void **state)
{
    uint8_t *data;
    struct ss_buf buf;
    size_t i;

    (void)state;
    ss_buf_init(&buf, 3000);
    ss_buf_expect(&buf, 3001);
    assert_true(ss_buf_ok(&buf));
    assert_null(buf.data);
    ss_buf_expect(&buf, 3000);
    data = buf.data;
    assert_int_equal(buf.len, 0);
    assert_true(buf.cap >= 3000);
    for (i = 0; i < 200; i++)
        ss_buf_put(&buf, octets, 15);
    assert_true(ss_buf_ok(&buf));
    assert_ptr_equal(buf.data, data);
    ss_buf_put(&buf, octets, 1);
    assert_false(ss_buf_ok(&buf));
    ss_buf_free(&buf);
}

static void
grows(void **state)
{
    struct ss_buf buf;
    size_t i;

    (void)state;
    ss_buf_init(&buf, 100000);
    for (i = 0; i < 100000; i++)
        ss_buf_u8(&buf, (uint8_t)(i * 7));
    assert_true(ss_buf_ok(&buf));
    assert_int_equal(buf.len, 100000);
    assert_true(buf.cap <= 100000);
    for (i = 0; i < 100000; i++)
        if (buf.data[i] != (uint8_t)(i * 7))
            fail();
    ss_buf_free(&buf);
}

static void
crc_both_ways(void **state)
{
    uint8_t data[80];
    size_t at, len;

    (void)state;
    for (at = 0; at < sizeof(data); at++)
        data[at] = (uint8_t)(at * 151 + 7);
    for (at = 0; at < 8; at++) {
        for (len = 0; len + at <= sizeof(data); len++)
            assert_int_equal(ss_crc32c(data + at, len), ss_crc32c_plain(data + at, len));
    }
}

static uint32_t
crc_by_bits(const uint8_t *p, size_t len)
{
    uint32_t crc = 0xffffffff;
    size_t i;

    for (i = 0; i < len * 8; i++) {
        crc ^= i % 8 == 0 ? p[i / 8] : 0;
        crc = crc >> 1 ^ (crc & 1 ? 0x82f63b78 : 0);
    }
    return ~crc;
}

/* Every octet at every place of eight, so that each value of the tables is used. */
static void
crc_tables(void **state)
{
    uint8_t data[9] = { 0 };
    unsigned at, octet;

    (void)state;
    for (at = 0; at < sizeof(data); at++) {
        for (octet = 0; octet < 256; octet++) {
            data[at] = (uint8_t)octet;
            assert_true(ss_crc32c_plain(data, sizeof(data)) == crc_by_bits(data, sizeof(data)));
        }
        data[at] = 0;
    }
}

struct crc_row {
    const char *name;
    const char *data;
    size_t len;
    uint32_t want;
};

/* The values of RFC 3720 B.4, as a reader of that list computes them; and the usual check value. */
static const struct crc_row crcs[] = {
    { "crc32c/nothing", "", 0, 0 },
    { "crc32c/check value", "123456789", 9, 0xe3069283 },
    { "crc32c/32 zeroes", "\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0", 32,
      0x8a9136aa },
};

static void
check_crc(void **state)
{
    const struct crc_row *row = *state;

    assert_true(ss_crc32c(row->data, row->len) == row->want);
    assert_true(ss_crc32c_plain(row->data, row->len) == row->want);
}

static void
equal_ct(void **state)
{
    (void)state;
    assert_true(ss_equal_ct("abc", "abc", 3));
    assert_true(ss_equal_ct("abc", "abd", 2));
    assert_true(ss_equal_ct("a", "b", 0));
    assert_false(ss_equal_ct("abc", "abd", 3));
    assert_false(ss_equal_ct("abc", "bbc", 3));
    /* Differences that would cancel out if they were added up. */
    assert_false(ss_equal_ct("\1\2", "\2\1", 2));
    assert_false(ss_equal_ct("\x80", "\0", 1));
}

int
main(void)
{
    struct ss_table t = SS_TABLE("base/bytes");

    ss_table_case(&t, "read/network order", network_order);
    ss_table_case(&t, "read/little-endian", little_endian);
    ss_table_case(&t, "read/high bits", high_bits);
    ss_table_case(&t, "read/failure sticks", failure_sticks);
    ss_table_case(&t, "read/take", takes);
    ss_table_case(&t, "read/nothing", nothing_to_read);
    ss_table_case(&t, "write/and read", written_and_read);
    ss_table_case(&t, "write/limit sticks", limit_sticks);
    ss_table_case(&t, "write/grows", grows);
    ss_table_case(&t, "write/room beforehand", expects);
    SS_TABLE_ROWS(&t, check_crc, crcs);
    ss_table_case(&t, "crc32c/both ways, all lengths and alignments", crc_both_ways);
    ss_table_case(&t, "crc32c/each value of the tables", crc_tables);
    ss_table_case(&t, "equal/in constant time", equal_ct);
    return ss_table_run(&t);
}
