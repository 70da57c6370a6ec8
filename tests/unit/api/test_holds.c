/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Holds that the memory could not take in: the first refusal counts, and there is a bound. */
#include <stdio.h>
#include <string.h>

#include "api/holds.h"
#include "table.h"

static struct ss_memory_key
key(const char *domain, const char *relay, uint16_t port)
{
    struct ss_memory_key k;

    memset(&k, 0, sizeof(k));
    assert_true(ss_name_from_text(&k.domain, domain, strlen(domain)));
    if (relay != NULL)
        assert_true(ss_name_from_text(&k.relay, relay, strlen(relay)));
    k.port = port;
    return k;
}

static void
first_counts(void **state)
{
    struct ss_memory_key d = key("d.test", NULL, 25), other = key("d.test", NULL, 587);
    struct ss_memory_key by_relay = key("d.test", "relay.test", 25);
    struct ss_holds holds = { 0 };

    (void)state;
    assert_int_equal(ss_holds_since(&holds, &d), 0);
    ss_holds_begin(&holds, &d, 100);
    ss_holds_begin(&holds, &d, 200);
    assert_int_equal(ss_holds_since(&holds, &d), 100);
    assert_int_equal(ss_holds_since(&holds, &other), 0);
    assert_int_equal(ss_holds_since(&holds, &by_relay), 0);
    ss_holds_end(&holds, &other);
    assert_int_equal(ss_holds_since(&holds, &d), 100);
    ss_holds_end(&holds, &d);
    assert_int_equal(ss_holds_since(&holds, &d), 0);
    assert_int_equal(holds.count, 0);
}

static void
oldest_goes(void **state)
{
    struct ss_holds holds = { 0 };
    struct ss_memory_key k;
    char text[32];
    int i;

    (void)state;
    for (i = 0; i <= SS_HOLDS; i++) {
        snprintf(text, sizeof(text), "d%d.test", i);
        k = key(text, NULL, 25);
        ss_holds_begin(&holds, &k, 1000 + i);
    }
    assert_int_equal(holds.count, SS_HOLDS);
    k = key("d0.test", NULL, 25);
    assert_int_equal(ss_holds_since(&holds, &k), 0);
    for (i = 1; i <= SS_HOLDS; i++) {
        snprintf(text, sizeof(text), "d%d.test", i);
        k = key(text, NULL, 25);
        assert_int_equal(ss_holds_since(&holds, &k), 1000 + i);
    }
    ss_holds_free(&holds);
    assert_int_equal(holds.count, 0);
}

int
main(void)
{
    struct ss_table table = SS_TABLE("holds");

    ss_table_case(&table, "PREC-09 the first refusal of a destination counts", first_counts);
    ss_table_case(&table, "no more than so many are kept, the oldest goes", oldest_goes);
    return ss_table_run(&table);
}
