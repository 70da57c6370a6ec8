/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* What is asked by a key of Postfix, and what is answered at once. */
#include "table.h"

#include <stdio.h>
#include <string.h>

#include "serve/question.h"

#define NOTHING "NOTFOUND "
#define NO_NAME "PERM the key is no domain name"
#define NO_MAP "PERM no such map: ask smtpsec, smtpsec-tlsrpt or smtpsec-report"
#define NO_SERVICE "PERM the port's name is not known: write its number"
#define L60 "aaaaaaaaaabbbbbbbbbbccccccccccddddddddddeeeeeeeeeeffffffffff"
#define L63 L60 "ggg"

struct row {
    const char *name;
    const char *bytes;
    size_t len; /* 0: to the NUL */
    const char *reply; /* NULL: the rest holds */
    const char *domain;
    const char *relay;
    int port;
    const char *key;
    int dialect;
};

#define SAYS(name, bytes, reply) {name, bytes, 0, reply, "", "", 0, "", SERVE_PLAIN}
#define ASKS(name, bytes, domain, relay, port, key) \
    {name, bytes, 0, NULL, domain, relay, port, key, SERVE_PLAIN}

static const struct row rows[] = {
    ASKS("a domain", "smtpsec example.com", "example.com", "", 25, "example.com"),
    {"the other dialect: the same key", "smtpsec-tlsrpt example.com", 0, NULL, "example.com", "",
     25, "example.com", SERVE_TLSRPT},
    {"a report: the same key", "smtpsec-report example.com", 0, NULL, "example.com", "", 25,
     "example.com", SERVE_REPORT},
    ASKS("capitals are lowered", "smtpsec EXAMPLE.Com", "example.com", "", 25, "example.com"),
    ASKS("one label, by MX", "smtpsec ai", "ai", "", 25, "ai"),
    ASKS("other than ASCII is the library's to turn", "smtpsec b\xc3\xbc" "cher.example",
         "b\xc3\xbc" "cher.example", "", 25, "b\xc3\xbc" "cher.example"),
    ASKS("an underscore", "smtpsec a_b.example", "a_b.example", "", 25, "a_b.example"),
    ASKS("the longest label", "smtpsec " L63 ".example", L63 ".example", "", 25, L63 ".example"),

    ASKS("a port", "smtpsec example.com:587", "example.com", "", 587, "example.com:587"),
    ASKS("the usual port is no other key", "smtpsec example.com:25", "example.com", "", 25,
         "example.com"),
    ASKS("an empty port", "smtpsec example.com:", "example.com", "", 25, "example.com"),
    ASKS("smtp", "smtpsec example.com:smtp", "example.com", "", 25, "example.com"),
    ASKS("submission", "smtpsec example.com:submission", "example.com", "", 587, "example.com:587"),
    ASKS("submissions", "smtpsec [r.example]:submissions", "r.example", "r.example", 465,
         "[r.example]:465"),
    ASKS("smtps", "smtpsec [r.example]:smtps", "r.example", "r.example", 465, "[r.example]:465"),
    ASKS("lmtp", "smtpsec [r.example]:lmtp", "r.example", "r.example", 24, "[r.example]:24"),
    ASKS("the last port", "smtpsec example.com:65535", "example.com", "", 65535,
         "example.com:65535"),
    SAYS("a port above", "smtpsec example.com:65536", NO_SERVICE),
    SAYS("port 0", "smtpsec example.com:0", NO_SERVICE),
    SAYS("a long number", "smtpsec example.com:000000000000025", NO_SERVICE),
    SAYS("an unknown service", "smtpsec example.com:msa", NO_SERVICE),
    SAYS("a number with a tail", "smtpsec example.com:25x", NO_SERVICE),

    ASKS("a relay", "smtpsec [relay.example]", "relay.example", "relay.example", 25,
         "[relay.example]"),
    ASKS("a relay is no other for capitals", "smtpsec [RELAY.example]:587", "relay.example",
         "relay.example", 587, "[relay.example]:587"),
    ASKS("a relay, empty port", "smtpsec [relay.example]:", "relay.example", "relay.example", 25,
         "[relay.example]"),
    SAYS("a relay of one label is none of the DNS", "smtpsec [relay]:587", NOTHING),
    SAYS("no bracket closes", "smtpsec [relay.example", NO_NAME),
    SAYS("something behind the bracket", "smtpsec [relay.example]x", NO_NAME),
    SAYS("nothing in the brackets", "smtpsec []", NO_NAME),
    SAYS("two brackets", "smtpsec [[relay.example]]", NO_NAME),

    ASKS("an IPv4 literal", "smtpsec [192.0.2.1]", "[192.0.2.1]", "", 25, "[192.0.2.1]"),
    ASKS("an IPv4 literal with a port", "smtpsec [192.0.2.1]:587", "[192.0.2.1]", "", 587,
         "[192.0.2.1]:587"),
    ASKS("an IPv6 literal", "smtpsec [IPv6:2001:db8::1]", "[IPv6:2001:db8::1]", "", 25,
         "[IPv6:2001:db8::1]"),
    ASKS("an IPv6 literal in capitals", "smtpsec [ipv6:2001:DB8:0:0::1]:24", "[IPv6:2001:db8::1]",
         "", 24, "[IPv6:2001:db8::1]:24"),
    ASKS("an IPv6 address without its tag", "smtpsec [2001:db8::1]", "[IPv6:2001:db8::1]", "", 25,
         "[IPv6:2001:db8::1]"),
    ASKS("an address without brackets", "smtpsec 192.0.2.1", "[192.0.2.1]", "", 25, "[192.0.2.1]"),
    SAYS("an IPv6 literal that is none", "smtpsec [IPv6:2001:db8::g]", NO_NAME),
    SAYS("this machine, IPv4", "smtpsec [127.0.0.1]:10025", NOTHING),
    SAYS("this machine, IPv6", "smtpsec [::1]:10025", NOTHING),
    SAYS("this machine, by name", "smtpsec localhost:10025", NOTHING),
    SAYS("this machine, by name in brackets", "smtpsec [localhost]", NOTHING),
    SAYS("a name below localhost", "smtpsec a.localhost", NOTHING),
    ASKS("a name that ends like it", "smtpsec notlocalhost", "notlocalhost", "", 25,
         "notlocalhost"),

    SAYS("a parent domain", "smtpsec .com", NOTHING),
    SAYS("a dot alone", "smtpsec .", NOTHING),
    SAYS("the path of a socket", "smtpsec /var/run/lmtp", NOTHING),
    SAYS("an empty key", "smtpsec ", NOTHING),

    SAYS("two dots", "smtpsec a..example", NO_NAME),
    SAYS("a final dot", "smtpsec example.com.", NO_NAME),
    SAYS("a label too long", "smtpsec " L63 "x.example", NO_NAME),
    SAYS("a name too long", "smtpsec " L63 "." L63 "." L63 "." L60 ".example", NO_NAME),
    SAYS("a key too long", "smtpsec " L63 "." L63 "." L63 "." L63 "." L63, NO_NAME),
    SAYS("a blank in the key", "smtpsec a b", NO_NAME),
    SAYS("a brace", "smtpsec a{b.example", NO_NAME),
    SAYS("a slash", "smtpsec a/b.example", NO_NAME),
    SAYS("an at sign", "smtpsec user@example.com", NO_NAME),
    SAYS("a star", "smtpsec *.example", NO_NAME),
    {"a NUL", "smtpsec a\0b.example", 18, NO_NAME, "", "", 0, "", SERVE_PLAIN},
    {"a NUL at the end", "smtpsec example.com\0", 20, NO_NAME, "", "", 0, "", SERVE_PLAIN},
    {"a NUL in brackets", "smtpsec [a\0b.example]", 21, NO_NAME, "", "", 0, "", SERVE_PLAIN},
    {"a NUL in the port", "smtpsec example.com:\0", 21, NO_NAME, "", "", 0, "", SERVE_PLAIN},

    SAYS("another map", "other example.com", NO_MAP),
    SAYS("the map's name in capitals", "SMTPSEC example.com", NO_MAP),
    SAYS("half the map's name", "smtp example.com", NO_MAP),
    SAYS("no key", "smtpsec", NO_MAP),
    SAYS("no map", " example.com", NO_MAP),
    SAYS("nothing at all", "", NO_MAP),
};

static void
question_is_read(void **state)
{
    const struct row *row = *state;
    struct serve_question question;

    memset(&question, 0x5a, sizeof(question));
    serve_question_parse(row->bytes, row->len > 0 ? row->len : strlen(row->bytes), &question);
    assert_int_equal(question.asks, row->reply == NULL ? SERVE_EVALUATE : SERVE_REPLY);
    assert_int_equal(question.dialect, row->dialect);
    assert_string_equal(question.domain, row->domain);
    assert_string_equal(question.relay, row->relay);
    assert_int_equal(question.port, row->port);
    assert_string_equal(question.key, row->key);
    if (row->reply == NULL)
        assert_null(question.reply);
    else
        assert_string_equal(question.reply, row->reply);
}

/* The longest name that there can be, in the longest form of a key. */
static void
longest_key_has_room(void **state)
{
    static const char name[] = L63 "." L63 "." L63 "." L60 "a";
    struct serve_question question;
    char bytes[300];

    (void)state;
    assert_int_equal(strlen(name), 253);
    assert_int_equal(snprintf(bytes, sizeof(bytes), "smtpsec [%s]:65535", name), 269);
    serve_question_parse(bytes, strlen(bytes), &question);
    assert_int_equal(question.asks, SERVE_EVALUATE);
    assert_string_equal(question.relay, name);
    assert_string_equal(question.key, bytes + strlen("smtpsec "));
}

int
main(void)
{
    struct ss_table t = SS_TABLE("question");

    SS_TABLE_ROWS(&t, question_is_read, rows);
    ss_table_case(&t, "the longest key", longest_key_has_room);
    return ss_table_run(&t);
}
