/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* When do many refusals mean that the fault is near us? */
#include "table.h"

#include <string.h>

#include "memory/codec.h"
#include "memory/many.h"
#include "smtpsec.h"

#define T INT64_C(1800000000)

struct row {
    const char *name;
    unsigned domains;  /* refused one after another */
    unsigned times;    /* each of them */
    int64_t apart;     /* seconds between two refusals */
    size_t want_told;  /* how often it is told */
    size_t want_number;/* what the first one tells */
};

static const struct row rows[] = {
    {"nine domains are not many", 9, 1, 1, 0, 0},
    {"ten are", 10, 1, 1, 1, 10},
    {"one domain a hundred times is one", 1, 100, 1, 0, 0},
    {"nine domains, many times", 9, 50, 1, 0, 0},
    {"ten in an hour less a second", 10, 1, 399, 1, 10},
    {"ten in an hour", 10, 1, 400, 0, 0},
    {"thousands at once are told once", 5000, 1, 0, 1, 10},
    {"thousands in a day are told every six hours", 8640, 1, 10, 4, 10},
};

static void
count_told(void **state)
{
    const struct row *row = *state;
    struct ss_many many;
    size_t told = 0, number, first = 0;
    int64_t now = T;
    unsigned i, k;

    memset(&many, 0, sizeof(many));
    for (k = 0; k < row->times; k++) {
        for (i = 0; i < row->domains; i++) {
            number = ss_many_add(&many, i * 2654435761u, now);
            if (number > 0 && told++ == 0)
                first = number;
            now += row->apart;
        }
    }
    assert_int_equal(told, row->want_told);
    assert_int_equal(first, row->want_number);
    assert_in_range(many.count, 1, SS_MANY_KEPT);
}

static void
news(void **state)
{
    struct ss_many many;

    (void)state;
    memset(&many, 0, sizeof(many));
    assert_true(ss_many_news(&many, 5, T));
    assert_int_equal(ss_many_add(&many, 5, T), 0);
    assert_false(ss_many_news(&many, 5, T));
    assert_false(ss_many_news(&many, 5, T + SS_MANY_WITHIN - 1));
    assert_true(ss_many_news(&many, 5, T + SS_MANY_WITHIN));
    assert_true(ss_many_news(&many, 6, T));
    ss_many_add(&many, 5, T + SS_MANY_WITHIN);
    assert_int_equal(many.count, 1);
    assert_int_equal(many.list[0].at, T + SS_MANY_WITHIN);
}

/* A clock set back: what stands there from the future neither counts nor stays. */
static void
set_back(void **state)
{
    struct ss_many many;
    size_t told = 0;
    unsigned i;

    (void)state;
    memset(&many, 0, sizeof(many));
    for (i = 0; i < 30; i++)
        told += ss_many_add(&many, i, T + 100000) > 0 ? 1 : 0;
    assert_int_equal(told, 1);
    for (i = 40; i < 49; i++)
        assert_int_equal(ss_many_add(&many, i, T), 0);
    assert_int_equal(many.count, 30);
    assert_int_equal(ss_many_add(&many, 20, T), 10);
    assert_int_equal(ss_many_add(&many, 99, 0), 0);
}

/* When the list is full the oldest goes. */
static void
oldest_goes(void **state)
{
    struct ss_many many;
    unsigned i;

    (void)state;
    memset(&many, 0, sizeof(many));
    for (i = 0; i < SS_MANY_KEPT + 1; i++)
        ss_many_add(&many, i, T + i);
    assert_int_equal(many.count, SS_MANY_KEPT);
    assert_true(ss_many_news(&many, 0, T + 100));
    assert_false(ss_many_news(&many, 1, T + 100));
    assert_false(ss_many_news(&many, SS_MANY_KEPT, T + 100));
}

static void
round_trip(void **state)
{
    struct ss_many many, got;
    struct ss_bytes value;
    struct ss_buf buf;
    size_t i;

    (void)state;
    memset(&many, 0, sizeof(many));
    memset(many.key, 0x5a, sizeof(many.key));
    for (i = 0; i < SS_MANY_KEPT; i++)
        ss_many_add(&many, (uint32_t)i * 77777u, T + (int64_t)i);
    ss_buf_init(&buf, 4096);
    ss_many_write(&buf, &many);
    assert_true(ss_buf_ok(&buf));
    value.data = buf.data;
    value.len = buf.len;
    assert_int_equal(ss_many_read(&got, value), 0);
    assert_int_equal(got.count, many.count);
    assert_int_equal(got.told, many.told);
    assert_memory_equal(got.key, many.key, sizeof(many.key));
    for (i = 0; i < SS_MANY_KEPT; i++) {
        assert_int_equal(got.list[i].domain, many.list[i].domain);
        assert_int_equal(got.list[i].at, many.list[i].at);
    }
    for (i = 0; i < buf.len; i++) {
        buf.data[i] ^= 0x08;
        assert_int_equal(ss_many_read(&got, value), SMTPSEC_E_FORMAT);
        assert_int_equal(got.count, 0);
        buf.data[i] ^= 0x08;
        value.len = i;
        assert_int_equal(ss_many_read(&got, value), SMTPSEC_E_FORMAT);
        value.len = buf.len;
    }
    ss_buf_free(&buf);
}

/* With a good checksum, and more domains than there is room for. */
static void
too_many(void **state)
{
    struct ss_many got;
    struct ss_bytes value;
    struct ss_buf buf;
    size_t start, i;

    (void)state;
    ss_buf_init(&buf, 4096);
    start = ss_codec_begin(&buf, SS_CODEC_REFUSALS, 1);
    for (i = 0; i < SS_MANY_KEY; i++)
        ss_buf_u8(&buf, 0);
    ss_codec_time_write(&buf, 0);
    ss_buf_u8(&buf, SS_MANY_KEPT + 1);
    for (i = 0; i < SS_MANY_KEPT + 1; i++) {
        ss_buf_le32(&buf, (uint32_t)i);
        ss_codec_time_write(&buf, T);
    }
    ss_codec_end(&buf, start, ss_many_key());
    value.data = buf.data;
    value.len = buf.len;
    assert_int_equal(ss_many_read(&got, value), SMTPSEC_E_FORMAT);
    assert_int_equal(got.count, 0);
    ss_buf_free(&buf);
}

int
main(void)
{
    struct ss_table table = SS_TABLE("memory/many");

    SS_TABLE_ROWS(&table, count_told, rows);
    ss_table_case(&table, "a domain refused again within the hour is no news", news);
    ss_table_case(&table, "refusals from after now say nothing", set_back);
    ss_table_case(&table, "a full list loses its oldest", oldest_goes);
    ss_table_case(&table, "a list is read as it was written, a damaged one not", round_trip);
    ss_table_case(&table, "a list that is too long is damage", too_many);
    return ss_table_run(&table);
}
