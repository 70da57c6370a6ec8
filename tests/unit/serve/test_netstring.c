/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Netstrings, whole, in parts, and hostile. */
#include "table.h"

#include <string.h>

#include "serve/netstring.h"

#define LIMIT 10000

struct row {
    const char *name;
    const char *octets;
    int want;
    const char *want_content;
    size_t want_taken;
};

static const struct row rows[] = {
    {"a request", "13:smtpsec d.tes,", SERVE_NETSTRING_WHOLE, "smtpsec d.tes", 17},
    {"empty content", "0:,", SERVE_NETSTRING_WHOLE, "", 3},
    {"what follows stays", "1:a,1:b,", SERVE_NETSTRING_WHOLE, "a", 4},
    {"rubbish behind it stays", "1:a,rubbish", SERVE_NETSTRING_WHOLE, "a", 4},
    {"colon and comma inside", "3::,:,", SERVE_NETSTRING_WHOLE, ":,:", 6},
    {"digits inside", "3:1:x,", SERVE_NETSTRING_WHOLE, "1:x", 6},
    {"nothing yet", "", SERVE_NETSTRING_MORE, NULL, 0},
    {"a digit", "1", SERVE_NETSTRING_MORE, NULL, 0},
    {"five digits", "10000", SERVE_NETSTRING_MORE, NULL, 0},
    {"no content yet", "3:", SERVE_NETSTRING_MORE, NULL, 0},
    {"half of it", "3:ab", SERVE_NETSTRING_MORE, NULL, 0},
    {"all but the comma", "3:abc", SERVE_NETSTRING_MORE, NULL, 0},
    {"empty, without its comma", "0:", SERVE_NETSTRING_MORE, NULL, 0},
    {"no comma", "3:abcd", SERVE_NETSTRING_BROKEN, NULL, 0},
    {"empty, no comma", "0:x", SERVE_NETSTRING_BROKEN, NULL, 0},
    {"no length", ":abc,", SERVE_NETSTRING_BROKEN, NULL, 0},
    {"no digit at first", "GET / HTTP/1.1", SERVE_NETSTRING_BROKEN, NULL, 0},
    {"no digit later", "1x:a,", SERVE_NETSTRING_BROKEN, NULL, 0},
    {"blank in front", " 1:a,", SERVE_NETSTRING_BROKEN, NULL, 0},
    {"plus sign", "+1:a,", SERVE_NETSTRING_BROKEN, NULL, 0},
    {"minus sign", "-1:a,", SERVE_NETSTRING_BROKEN, NULL, 0},
    {"line end between", "1:a,\n1:b,", SERVE_NETSTRING_WHOLE, "a", 4},
    {"line end in front", "\n1:b,", SERVE_NETSTRING_BROKEN, NULL, 0},
    {"leading zero", "01:a,", SERVE_NETSTRING_BROKEN, NULL, 0},
    {"zeros, seen at once", "00", SERVE_NETSTRING_BROKEN, NULL, 0},
    {"above the limit, seen at once", "10001", SERVE_NETSTRING_BROKEN, NULL, 0},
    {"six digits", "100000", SERVE_NETSTRING_BROKEN, NULL, 0},
    {"a length beyond all integers", "99999999999999999999999:a,", SERVE_NETSTRING_BROKEN, NULL, 0},
};

static void
check(void **state)
{
    const struct row *row = *state;
    struct serve_netstring got;

    memset(&got, 0xff, sizeof(got));
    assert_int_equal(serve_netstring_read(row->octets, strlen(row->octets), LIMIT, &got),
                     row->want);
    if (row->want != SERVE_NETSTRING_WHOLE)
        return;
    assert_int_equal(got.len, strlen(row->want_content));
    assert_memory_equal(row->octets + got.start, row->want_content, got.len);
    assert_int_equal(got.taken, row->want_taken);
}

static void
longest(void **state)
{
    static char octets[LIMIT + SERVE_NETSTRING_AROUND];
    struct serve_netstring got;
    size_t len;

    (void)state;
    memset(octets, 'x', sizeof(octets));
    memcpy(octets, "10000:", 6);
    octets[sizeof(octets) - 1] = ',';
    for (len = 0; len < sizeof(octets); len++)
        assert_int_equal(serve_netstring_read(octets, len, LIMIT, &got), SERVE_NETSTRING_MORE);
    assert_int_equal(serve_netstring_read(octets, len, LIMIT, &got), SERVE_NETSTRING_WHOLE);
    assert_int_equal(got.len, LIMIT);
    assert_int_equal(got.taken, sizeof(octets));
}

int
main(void)
{
    struct ss_table t = SS_TABLE("netstring");

    SS_TABLE_ROWS(&t, check, rows);
    ss_table_case(&t, "the longest, octet by octet", longest);
    return ss_table_run(&t);
}
