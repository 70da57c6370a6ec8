/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* What may stand in Exim's list of hosts. */
#include "table.h"

#include "host_name.h"

struct row {
    const char *name;
    const char *host;
    int want;
};

static const struct row rows[] = {
    {"a name", "mx.example.org", 1},
    {"digits first", "1.mx.example.org", 1},
    {"an underscore", "mx_1.example.org", 1},
    {"a top-level domain", "org", 1},
    {"nothing", "", 0},
    {"an address", "192.0.2.1", 0},
    {"a number", "25", 0},
    {"an IPv6 address", "2001:db8::1", 0},
    {"an address literal", "[192.0.2.1]", 0},
    {"a port", "mx.example.org::587", 0},
    {"a separator", "mx.example.org:other", 0},
    {"another separator", "<;mx", 0},
    {"a blank", "mx example", 0},
    {"a variable", "$host", 0},
    {"a group mark", "+", 0},
    {"an option", "-oops", 0},
    {"a file", "/etc/hosts", 0},
    {"a line's end", "mx\n", 0},
    {"an escape", "mx\\032y", 0},
    {"no ASCII", "mx\xc3\xbc", 0},
};

static void
is_judged(void **state)
{
    const struct row *row = *state;

    assert_int_equal(exim_is_host_name(row->host), row->want);
}

int
main(void)
{
    struct ss_table table = SS_TABLE("exim_host_name");

    SS_TABLE_ROWS(&table, is_judged, rows);
    return ss_table_run(&table);
}
