/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "table.h"

#include <arpa/inet.h>
#include <string.h>

#include "base/address.h"

struct row {
    const char *name;
    const char *text;
    const char *want; /* as it is written back; NULL: refused */
    bool loopback;
    bool inside;
};

static const struct row rows[] = {
    { "IPv4", "192.0.2.1", "192.0.2.1", false, false },
    { "IPv4 loopback", "127.0.0.1", "127.0.0.1", true, true },
    { "IPv4 loopback, far end", "127.255.255.254", "127.255.255.254", true, true },
    { "IPv4 beside loopback", "128.0.0.1", "128.0.0.1", false, false },
    { "IPv4 unspecified", "0.0.0.0", "0.0.0.0", false, true },
    { "RFC 1918, 10/8", "10.1.2.3", "10.1.2.3", false, true },
    { "RFC 1918, 172.16/12 first", "172.16.0.0", "172.16.0.0", false, true },
    { "RFC 1918, 172.16/12 last", "172.31.255.255", "172.31.255.255", false, true },
    { "RFC 1918, below 172.16/12", "172.15.255.255", "172.15.255.255", false, false },
    { "RFC 1918, above 172.16/12", "172.32.0.0", "172.32.0.0", false, false },
    { "RFC 1918, 192.168/16", "192.168.0.1", "192.168.0.1", false, true },
    { "RFC 6598 first", "100.64.0.0", "100.64.0.0", false, true },
    { "RFC 6598 last", "100.127.255.255", "100.127.255.255", false, true },
    { "above RFC 6598", "100.128.0.0", "100.128.0.0", false, false },
    { "IPv4 link-local", "169.254.169.254", "169.254.169.254", false, true },
    { "IPv4 protocol assignments", "192.0.0.8", "192.0.0.8", false, true },
    { "IPv4 benchmarking", "198.19.0.1", "198.19.0.1", false, true },
    { "IPv4 multicast", "224.0.0.1", "224.0.0.1", false, true },
    { "IPv4 last before multicast", "223.255.255.255", "223.255.255.255", false, false },
    { "IPv4 reserved", "240.0.0.1", "240.0.0.1", false, true },
    { "IPv4 broadcast", "255.255.255.255", "255.255.255.255", false, true },
    { "IPv6", "2001:DB8::1", "2001:db8::1", false, false },
    { "IPv6 loopback", "::1", "::1", true, true },
    { "IPv6 unspecified", "::", "::", false, true },
    { "IPv6 unique local", "fd00::1", "fd00::1", false, true },
    { "IPv6 link-local", "fe80::1", "fe80::1", false, true },
    { "IPv6 multicast", "ff02::1", "ff02::1", false, true },
    { "IPv6 not yet global", "4000::1", "4000::1", false, true },
    { "IPv6 first global", "2000::1", "2000::1", false, false },
    { "IPv6 last global", "3fff::1", "3fff::1", false, false },
    { "mapped, outside", "::ffff:192.0.2.1", "::ffff:192.0.2.1", false, false },
    { "mapped, loopback", "::ffff:127.0.0.1", "::ffff:127.0.0.1", true, true },
    { "mapped, private", "::ffff:10.0.0.1", "::ffff:10.0.0.1", false, true },
    { "compatible, long gone", "::192.0.2.1", "::192.0.2.1", false, true },
    { "NAT64, outside", "64:ff9b::c000:201", "64:ff9b::c000:201", false, false },
    { "NAT64, private", "64:ff9b::a00:1", "64:ff9b::a00:1", false, true },
    { "NAT64 of the local network", "64:ff9b:1::c000:201", "64:ff9b:1::c000:201", false, true },
    { "6to4, outside", "2002:c000:201::1", "2002:c000:201::1", false, false },
    { "6to4, loopback", "2002:7f00:1::1", "2002:7f00:1::1", false, true },
    { "Teredo", "2001:0:1::1", "2001:0:1::1", false, true },
    { "just behind the protocol assignments", "2001:200::1", "2001:200::1", false, false },
    { "no address", "", NULL, false, true },
    { "a name", "localhost", NULL, false, true },
    { "brackets", "[::1]", NULL, false, true },
    { "a zone", "fe80::1%eth0", NULL, false, true },
    { "three numbers", "192.0.2", NULL, false, true },
    { "a number over 255", "192.0.2.256", NULL, false, true },
    { "octal", "0177.0.0.1", NULL, false, true },
    { "one number", "2130706433", NULL, false, true },
    { "blank behind", "192.0.2.1 ", NULL, false, true },
    { "prefix", "192.0.2.0/24", NULL, false, true },
};

static void
check(void **state)
{
    const struct row *row = *state;
    struct ss_address address;
    char text[SS_ADDRESS_TEXT];

    assert_int_equal(ss_address_from_text(&address, row->text), row->want != NULL);
    ss_address_to_text(&address, text);
    assert_string_equal(text, row->want != NULL ? row->want : "");
    assert_int_equal(ss_address_is_loopback(&address), row->loopback);
    assert_int_equal(ss_address_is_inside(&address), row->inside);
}

static void
order(void **state)
{
    static const char *const rising[] = { "", "9.0.0.1", "10.0.0.1", "10.0.0.2", "::1", "2001::" };
    struct ss_address a;
    struct ss_address b;
    int got;
    size_t i;
    size_t j;

    (void)state;
    for (i = 0; i < 6; i++)
        for (j = 0; j < 6; j++) {
            (void)ss_address_from_text(&a, rising[i]);
            (void)ss_address_from_text(&b, rising[j]);
            got = ss_address_compare(&a, &b);
            assert_int_equal((got > 0) - (got < 0), (i > j) - (i < j));
        }
}

/* Every octet, and every set of groups that are zero, as inet_ntop() writes them. */
static void
as_inet_ntop(void **state)
{
    struct ss_address address = { 0 };
    char text[SS_ADDRESS_TEXT], want[INET6_ADDRSTRLEN];
    unsigned set, i;

    (void)state;
    for (set = 0; set < 256 * 256; set++) {
        address.family = 4;
        for (i = 0; i < 4; i++)
            address.octets[i] = (uint8_t)(set >> (i % 2 == 0 ? 8 : 0));
        ss_address_to_text(&address, text);
        assert_string_equal(text, inet_ntop(AF_INET, address.octets, want, sizeof(want)));
        address.family = 6;
        for (i = 0; i < 16; i++)
            address.octets[i] = (set >> (i / 2) & 1) == 0 ? 0 : (uint8_t)((set >> 8) >> (i % 3));
        ss_address_to_text(&address, text);
        assert_string_equal(text, inet_ntop(AF_INET6, address.octets, want, sizeof(want)));
    }
}

int
main(void)
{
    struct ss_table t = SS_TABLE("base/address");

    SS_TABLE_ROWS(&t, check, rows);
    ss_table_case(&t, "order", order);
    ss_table_case(&t, "as inet_ntop() writes", as_inet_ntop);
    return ss_table_run(&t);
}
