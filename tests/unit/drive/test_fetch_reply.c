/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include <string.h>

#include "drive/fetch_reply.h"
#include "smtpsec.h"
#include "table.h"

#define LINES 8

struct row {
    const char *name;
    const char *lines[LINES];
    bool want_more;      /* what the last line said */
    int32_t want_failure;
    int32_t want_status;
    const char *want_type; /* NULL: none */
    bool want_stopped;
};

#define H200 "HTTP/1.1 200 OK\r\n"
#define END "\r\n"
#define OK SMTPSEC_FAILURE_NONE
#define TYPE SMTPSEC_FAILURE_HTTP_TYPE
#define BROKEN SMTPSEC_FAILURE_HTTP_BROKEN
#define ENCODING SMTPSEC_FAILURE_HTTP_ENCODING
#define T256 "a123456789b123456789c123456789d123456789e123456789f123456789g123" \
             "a123456789b123456789c123456789d123456789e123456789f123456789g123" \
             "a123456789b123456789c123456789d123456789e123456789f123456789g123" \
             "a123456789b123456789c123456789d123456789e123456789f123456789g123"

static const struct row rows[] = {
    {"a plain head", {H200, "Content-Type: text/plain\r\n", END}, true, OK, 200, "text/plain",
     false},
    {"LF alone", {"HTTP/1.0 200\n", "content-type:text/plain\n", "\n"}, true, OK, 200,
     "text/plain", false},
    {"404 stops", {"HTTP/1.1 404 No\r\n", "Content-Type: text/plain\r\n", END}, false, OK, 404,
     NULL, true},
    {"404 with an encoding stops as 404",
     {"HTTP/1.1 404 No\r\n", "Content-Encoding: gzip\r\n", END}, false, OK, 404, NULL, true},
    {"100 does not stop", {"HTTP/1.1 100 Go\r\n", END, H200, END}, true, OK, 200, NULL, false},
    {"101 stops", {"HTTP/1.1 101 Switch\r\n", END}, false, OK, 101, NULL, true},
    {"a type of an interim reply is forgotten",
     {"HTTP/1.1 103 Hint\r\n", "Content-Type: text/plain\r\n", END, H200, END}, true, OK, 200,
     NULL, false},
    {"status below 100", {"HTTP/1.1 099 X\r\n"}, false, BROKEN, 99, NULL, false},
    {"status of two digits", {"HTTP/1.1 20 OK\r\n"}, false, BROKEN, 0, NULL, false},
    {"status of four digits", {"HTTP/1.1 2000 OK\r\n"}, false, BROKEN, 0, NULL, false},
    {"status line cut short", {"HTTP/1.1 2"}, false, BROKEN, 0, NULL, false},
    {"another protocol", {"HTTP/2 200 OK ok\r\n"}, false, BROKEN, 0, NULL, false},
    {"an empty line for a status", {END}, false, BROKEN, 0, NULL, false},
    {"a header without colon", {H200, "Content-Type\r\n"}, false, BROKEN, 200, NULL, false},
    {"a continued line", {H200, "X: y\r\n", " Content-Type: text/plain\r\n"}, false, BROKEN, 200,
     NULL, false},
    {"an empty type", {H200, "Content-Type:\r\n", END}, true, OK, 200, "", false},
    {"two types", {H200, "Content-Type: text/plain\r\n", "Content-Type: text/html\r\n"}, false,
     TYPE, 200, "text/plain", false},
    {"two types, one the beginning of the other",
     {H200, "Content-Type: text/plain\r\n", "Content-Type: text/pl\r\n"}, false, TYPE, 200,
     "text/plain", false},
    {"the same type twice", {H200, "Content-Type: a/b\r\n", "CONTENT-TYPE:  a/b \r\n", END}, true,
     OK, 200, "a/b", false},
    {"a type with a control", {H200, "Content-Type: a\x01" "b\r\n"}, false, TYPE, 200, NULL, false},
    {"a type outside ASCII", {H200, "Content-Type: \xC3\xBC\r\n"}, false, TYPE, 200, NULL, false},
    {"a type of 256 octets", {H200, "Content-Type: " T256 "\r\n"}, false, TYPE, 200, NULL, false},
    {"STSF-09 gzip", {H200, "Content-Encoding: gzip\r\n"}, false, ENCODING, 200, NULL, false},
    {"STSF-09 identity and gzip", {H200, "Content-Encoding: identity, gzip\r\n"}, false, ENCODING,
     200, NULL, false},
    {"STSF-09 identity", {H200, "Content-Encoding: IDENTITY\r\n", END}, true, OK, 200, NULL, false},
    {"STSF-09 no encoding at all", {H200, "Content-Encoding:\r\n", END}, true, OK, 200, NULL,
     false},
    {"STSF-09 chunked", {H200, "Transfer-Encoding: chunked\r\n", END}, true, OK, 200, NULL, false},
    {"STSF-09 gzip, chunked", {H200, "Transfer-Encoding: gzip, chunked\r\n"}, false, ENCODING, 200,
     NULL, false},
    {"a trailer says nothing",
     {H200, END, "Content-Type: text/plain\r\n", "Content-Encoding: gzip\r\n", "HTTP/1.1 404 X\r\n",
      END}, true, OK, 200, NULL, false},
};

static void
check(void **state)
{
    const struct row *row = *state;
    struct ss_reply reply;
    bool more = true;
    size_t i;

    ss_reply_init(&reply, 10);
    for (i = 0; i < LINES && row->lines[i] != NULL; i++) {
        assert_true(more);
        more = ss_reply_line(&reply, row->lines[i], strlen(row->lines[i]));
    }
    assert_int_equal(more, row->want_more);
    assert_int_equal(reply.failure, row->want_failure);
    assert_int_equal(reply.status, row->want_status);
    assert_int_equal(reply.has_type, row->want_type != NULL);
    if (row->want_type != NULL)
        assert_string_equal(reply.type, row->want_type);
    assert_int_equal(reply.stopped, row->want_stopped);
    ss_reply_free(&reply);
}

static void
begin(struct ss_reply *reply, size_t body_max)
{
    ss_reply_init(reply, body_max);
    assert_true(ss_reply_line(reply, H200, strlen(H200)));
    assert_true(ss_reply_line(reply, END, 2));
}

static void
body_limit(void **state)
{
    static const char data[3000];
    struct ss_reply reply;

    (void)state;
    begin(&reply, 4000);
    assert_true(ss_reply_body(&reply, data, 3000));
    assert_true(ss_reply_body(&reply, data, 0));
    assert_true(ss_reply_body(&reply, data, 1000));
    assert_int_equal(reply.body_len, 4000);
    assert_false(ss_reply_body(&reply, data, 1));
    assert_int_equal(reply.failure, SMTPSEC_FAILURE_HTTP_SIZE);
    assert_int_equal(reply.body_len, 4000);
    ss_reply_free(&reply);
}

static void
body_before_head(void **state)
{
    struct ss_reply reply;

    (void)state;
    ss_reply_init(&reply, 10);
    assert_false(ss_reply_body(&reply, "a", 1));
    assert_int_equal(reply.failure, BROKEN);
    assert_int_equal(reply.body_len, 0);
    ss_reply_free(&reply);
}

static void
body_after_404(void **state)
{
    static const char line[] = "HTTP/1.1 404 No\r\n";
    struct ss_reply reply;

    (void)state;
    ss_reply_init(&reply, 10);
    assert_true(ss_reply_line(&reply, line, strlen(line)));
    assert_false(ss_reply_line(&reply, END, 2));
    assert_false(ss_reply_body(&reply, "a", 1));
    assert_int_equal(reply.body_len, 0);
    ss_reply_free(&reply);
}

static void
line_limit(void **state)
{
    struct ss_reply reply;
    int i;

    (void)state;
    ss_reply_init(&reply, 10);
    assert_true(ss_reply_line(&reply, H200, strlen(H200)));
    for (i = 1; i < SS_REPLY_LINES_MAX; i++)
        assert_true(ss_reply_line(&reply, "X: y\r\n", 6));
    assert_false(ss_reply_line(&reply, "X: y\r\n", 6));
    assert_int_equal(reply.failure, SMTPSEC_FAILURE_HTTP_SIZE);
    ss_reply_free(&reply);
}

/* Trailers count, too: a head of lawful size and an endless tail. */
static void
octet_limit(void **state)
{
    static char line[SS_REPLY_HEAD_MAX / 2];
    struct ss_reply reply;

    (void)state;
    memset(line, 'y', sizeof(line));
    begin(&reply, 10);
    assert_true(ss_reply_line(&reply, line, sizeof(line)));
    assert_false(ss_reply_line(&reply, line, sizeof(line)));
    assert_int_equal(reply.failure, SMTPSEC_FAILURE_HTTP_SIZE);
    ss_reply_free(&reply);
}

static void
nul_in_type(void **state)
{
    static const char line[] = "Content-Type: text/plain\0; x\r\n";
    struct ss_reply reply;

    (void)state;
    ss_reply_init(&reply, 10);
    assert_true(ss_reply_line(&reply, H200, strlen(H200)));
    assert_false(ss_reply_line(&reply, line, sizeof(line) - 1));
    assert_int_equal(reply.failure, TYPE);
    ss_reply_free(&reply);
}

int
main(void)
{
    struct ss_table t = SS_TABLE("fetch_reply");

    SS_TABLE_ROWS(&t, check, rows);
    ss_table_case(&t, "STSF-09 the body's limit", body_limit);
    ss_table_case(&t, "a body before its head", body_before_head);
    ss_table_case(&t, "a body after 404", body_after_404);
    ss_table_case(&t, "STSF-09 the limit of lines", line_limit);
    ss_table_case(&t, "STSF-09 the limit of octets, trailers included", octet_limit);
    ss_table_case(&t, "a type with NUL", nul_in_type);
    return ss_table_run(&t);
}
