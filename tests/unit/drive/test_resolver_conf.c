/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "drive/resolver.h"

#include <stdio.h>
#include <string.h>

#include "table.h"

/* A server as "ADDR#PORT", with "!" behind a trusted one. */
static void
server_text(const struct ss_server *server, char *out, size_t room)
{
    char address[SS_ADDRESS_TEXT];

    ss_address_to_text(&server->address, address);
    snprintf(out, room, "%s#%u%s", address, server->port, server->trusted ? "!" : "");
}

struct server_row {
    const char *name;
    const char *text;
    bool trusted;
    const char *want; /* NULL: refused */
};

static const struct server_row server_rows[] = {
    { "IPv4", "192.0.2.1", false, "192.0.2.1#53" },
    { "RES-26 a declared server is trusted", "192.0.2.1", true, "192.0.2.1#53!" },
    { "RES-26 loopback is trusted undeclared", "127.0.0.1", false, "127.0.0.1#53!" },
    { "RES-26 all of 127/8 is loopback", "127.0.0.53", false, "127.0.0.53#53!" },
    { "RES-26 IPv6 loopback is trusted", "::1", false, "::1#53!" },
    { "RES-26 IPv6 elsewhere is not", "2001:db8::1", false, "2001:db8::1#53" },
    { "IPv4 with a port", "192.0.2.1#5335", false, "192.0.2.1#5335" },
    { "IPv6 with a port", "::1#5335", false, "::1#5335!" },
    { "brackets with a port", "[::1]#5335", false, "::1#5335!" },
    { "brackets without a port", "[2001:db8::1]", false, "2001:db8::1#53" },
    { "greatest port", "192.0.2.1#65535", false, "192.0.2.1#65535" },
    { "empty", "", true, NULL },
    { "a name", "localhost", true, NULL },
    { "port 0", "192.0.2.1#0", true, NULL },
    { "port too great", "192.0.2.1#65536", true, NULL },
    { "port of six digits", "192.0.2.1#000053", true, NULL },
    { "port empty", "192.0.2.1#", true, NULL },
    { "port not a number", "192.0.2.1#dns", true, NULL },
    { "port negative", "192.0.2.1#-53", true, NULL },
    { "two ports", "192.0.2.1#53#53", true, NULL },
    { "port by colon", "192.0.2.1:53", true, NULL },
    { "no address before the port", "#53", true, NULL },
    { "empty brackets", "[]#53", true, NULL },
    { "bracket not closed", "[::1#53", true, NULL },
    { "bracket not opened", "::1]#53", true, NULL },
    { "text behind the brackets", "[::1]x#53", true, NULL },
    { "zone", "fe80::1%eth0", true, NULL },
    { "blank in front", " 192.0.2.1", true, NULL },
    { "octet too great", "192.0.2.256", true, NULL },
    { "longer than any address", "1111:2222:3333:4444:5555:6666:7777:8888:9999:aaaa:bbbb:cccc",
      true, NULL },
};

static void
check_server(void **state)
{
    const struct server_row *row = *state;
    struct ss_server server;
    char text[80] = "";
    bool ok;

    memset(&server, 0, sizeof(server));
    ok = ss_server_from_text(&server, row->text, row->trusted);
    assert_int_equal(ok, row->want != NULL);
    if (!ok) {
        assert_int_equal(server.port, 0);
        return;
    }
    server_text(&server, text, sizeof(text));
    assert_string_equal(text, row->want);
}

struct conf_row {
    const char *name;
    const char *text;
    const char *want; /* servers with a blank behind each */
};

static const struct conf_row conf_rows[] = {
    { "empty text gives no server", "", "" },
    { "one server", "nameserver 192.0.2.1\n", "192.0.2.1#53 " },
    { "several keep their order",
      "nameserver 192.0.2.2\nnameserver 192.0.2.1\nnameserver 2001:db8::1\n",
      "192.0.2.2#53 192.0.2.1#53 2001:db8::1#53 " },
    { "last line without an end", "nameserver 192.0.2.1", "192.0.2.1#53 " },
    { "tabs and blanks", "nameserver\t 192.0.2.1 \t\n", "192.0.2.1#53 " },
    { "CRLF", "nameserver 192.0.2.1\r\nnameserver 192.0.2.2\r\n", "192.0.2.1#53 192.0.2.2#53 " },
    { "RES-26 loopback is trusted, others are not",
      "nameserver 127.0.0.1\nnameserver 192.0.2.1\nnameserver ::1\n",
      "127.0.0.1#53! 192.0.2.1#53 ::1#53! " },
    { "RES-26 trust-ad trusts all", "nameserver 192.0.2.1\noptions edns0 trust-ad\n",
      "192.0.2.1#53! " },
    { "RES-26 trust-ad stands before the servers",
      "options trust-ad\nnameserver 192.0.2.1\nnameserver 192.0.2.2\n",
      "192.0.2.1#53! 192.0.2.2#53! " },
    { "RES-26 trust-ad in a second options line",
      "options rotate\noptions\ttrust-ad\nnameserver 192.0.2.1\n", "192.0.2.1#53! " },
    { "RES-26 trust-ad at the end of a CRLF line", "options trust-ad\r\nnameserver 192.0.2.1\r\n",
      "192.0.2.1#53! " },
    { "RES-26 trust-ad in a comment is none", "#options trust-ad\nnameserver 192.0.2.1\n",
      "192.0.2.1#53 " },
    { "RES-26 trust-ad behind a comment mark is none",
      "options edns0 # trust-ad\nnameserver 192.0.2.1\n", "192.0.2.1#53 " },
    { "RES-26 no-trust-ad is not trust-ad", "options no-trust-ad\nnameserver 192.0.2.1\n",
      "192.0.2.1#53 " },
    { "RES-26 trust-ad-not is not trust-ad", "options trust-ad-not\nnameserver 192.0.2.1\n",
      "192.0.2.1#53 " },
    { "RES-26 Trust-AD is not trust-ad", "options Trust-AD\nnameserver 192.0.2.1\n",
      "192.0.2.1#53 " },
    { "RES-26 trust-ad of another keyword is none", "search trust-ad\nnameserver 192.0.2.1\n",
      "192.0.2.1#53 " },
    { "comments of both kinds",
      "# nameserver 192.0.2.1\n; nameserver 192.0.2.2\nnameserver 192.0.2.3 # mine\n"
      "nameserver 192.0.2.4;mine\n",
      "192.0.2.3#53 192.0.2.4#53 " },
    { "a port is no part of resolv.conf", "nameserver 192.0.2.1#5335\n", "192.0.2.1#53 " },
    { "more servers than there is room",
      "nameserver 192.0.2.1\nnameserver 192.0.2.2\nnameserver 192.0.2.3\nnameserver 192.0.2.4\n"
      "nameserver 192.0.2.5\nnameserver 192.0.2.6\nnameserver 192.0.2.7\nnameserver 192.0.2.8\n"
      "nameserver 192.0.2.9\nnameserver 192.0.2.10\n",
      "192.0.2.1#53 192.0.2.2#53 192.0.2.3#53 192.0.2.4#53 192.0.2.5#53 192.0.2.6#53 "
      "192.0.2.7#53 192.0.2.8#53 " },
    { "IPv6 with a zone is left out", "nameserver fe80::1%eth0\nnameserver 192.0.2.1\n",
      "192.0.2.1#53 " },
    { "a name is left out", "nameserver localhost\nnameserver 192.0.2.1\n", "192.0.2.1#53 " },
    { "no address", "nameserver\nnameserver \nnameserver 192.0.2.1\n", "192.0.2.1#53 " },
    { "only the first address of a line", "nameserver 192.0.2.1 192.0.2.2\n", "192.0.2.1#53 " },
    { "a keyword that goes on is another", "nameservers 192.0.2.1\nnameserverx 192.0.2.2\n", "" },
    { "a keyword in capitals is another", "Nameserver 192.0.2.1\n", "" },
    { "an indented line is none", " nameserver 192.0.2.1\n\tnameserver 192.0.2.2\n", "" },
    { "other keywords", "domain example.org\nsearch example.org\nsortlist 192.0.2.0\n", "" },
    { "garbage", "\x7f" "ELF\x01\x02\xff\xfe\nnameserver \xff\xff\n\n\n\r\r\n#\n", "" },
    { "a bare CR does not end a line", "nameserver 192.0.2.1\rnameserver 192.0.2.2\n", "" },
};

static void
servers_text(const struct ss_resolver_config *config, char *out, size_t room)
{
    size_t i, len = 0;

    out[0] = '\0';
    for (i = 0; i < config->count; i++) {
        server_text(&config->servers[i], out + len, room - len - 1);
        len = strlen(out);
        out[len++] = ' ';
        out[len] = '\0';
    }
}

static void
check_conf(void **state)
{
    const struct conf_row *row = *state;
    struct ss_resolver_config config;
    char text[1024];

    memset(&config, 0, sizeof(config));
    ss_servers_from_resolv_conf(&config, row->text, strlen(row->text));
    servers_text(&config, text, sizeof(text));
    assert_string_equal(text, row->want);
}

static void
check_adds(void **state)
{
    static const char conf[] = "nameserver 192.0.2.2\noptions trust-ad\n";
    struct ss_resolver_config config;
    char text[1024];

    (void)state;
    memset(&config, 0, sizeof(config));
    config.timeout_ms = 1234;
    assert_true(ss_server_from_text(&config.servers[0], "192.0.2.1", false));
    config.count = 1;
    ss_servers_from_resolv_conf(&config, conf, sizeof(conf) - 1);
    servers_text(&config, text, sizeof(text));
    assert_string_equal(text, "192.0.2.1#53 192.0.2.2#53! ");
    assert_int_equal(config.timeout_ms, 1234);
}

static void
check_nul(void **state)
{
    static const char conf[] = "nameserver 192.0.2.1\0x\nnameserver 192.0.2.2\noptions trust-ad\0";
    struct ss_resolver_config config;
    char text[1024];

    (void)state;
    memset(&config, 0, sizeof(config));
    ss_servers_from_resolv_conf(&config, conf, sizeof(conf) - 1);
    servers_text(&config, text, sizeof(text));
    assert_string_equal(text, "192.0.2.2#53 ");
}

static void
check_huge_line(void **state)
{
    enum { HUGE = 1 << 20 };
    static const char tail[] = "\nnameserver 192.0.2.1";
    struct ss_resolver_config config;
    char *conf = malloc(HUGE + sizeof(tail));
    char text[1024];

    (void)state;
    assert_non_null(conf);
    memset(&config, 0, sizeof(config));
    memset(conf, '1', HUGE);
    memcpy(conf, "nameserver ", 11);
    memcpy(conf + HUGE, tail, sizeof(tail));
    ss_servers_from_resolv_conf(&config, conf, HUGE + sizeof(tail) - 1);
    servers_text(&config, text, sizeof(text));
    assert_string_equal(text, "192.0.2.1#53 ");
    free(conf);
}

int
main(void)
{
    struct ss_table t = SS_TABLE("drive/resolver_conf");

    SS_TABLE_ROWS(&t, check_server, server_rows);
    SS_TABLE_ROWS(&t, check_conf, conf_rows);
    ss_table_case(&t, "RES-26 servers are added, trust-ad speaks for its own file", check_adds);
    ss_table_case(&t, "a NUL makes a line no address and no option", check_nul);
    ss_table_case(&t, "a line of a megabyte", check_huge_line);
    return ss_table_run(&t);
}
