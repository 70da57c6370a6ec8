/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Queries, and whether a message is the reply to one. */
#include "table.h"

#include <string.h>

#include "dns/frame.h"
#include "dns/message.h"
#include "dns_builder.h"

struct query_row {
    const char *name;
    bool dnssec;
    bool checking_disabled;
    uint8_t want[34];
};

static const struct query_row queries[] = {
    { "query/AD alone", false, false,
      { 0x12, 0x34, 0x01, 0x20, 0, 1, 0, 0, 0, 0, 0, 1, 1, 'd', 4, 't', 'e', 's', 't', 0, 0, 52, 0,
        1, 0, 0, 41, 0x04, 0xd0, 0, 0, 0x00, 0, 0 } },
    { "query/DO", true, false,
      { 0x12, 0x34, 0x01, 0x20, 0, 1, 0, 0, 0, 0, 0, 1, 1, 'd', 4, 't', 'e', 's', 't', 0, 0, 52, 0,
        1, 0, 0, 41, 0x04, 0xd0, 0, 0, 0x80, 0, 0 } },
    { "query/CD", false, true,
      { 0x12, 0x34, 0x01, 0x30, 0, 1, 0, 0, 0, 0, 0, 1, 1, 'd', 4, 't', 'e', 's', 't', 0, 0, 52, 0,
        1, 0, 0, 41, 0x04, 0xd0, 0, 0, 0x00, 0, 0 } },
};

static void
check_query(void **state)
{
    const struct query_row *row = *state;
    struct ss_question question = { .type = SS_RR_TLSA, .dnssec = row->dnssec };
    struct ss_buf out;

    assert_true(ss_name_from_text(&question.name, "D.test.", 7));
    ss_buf_init(&out, 512);
    ss_dns_query_write(&out, 0x1234, &question, row->checking_disabled);
    assert_true(ss_buf_ok(&out));
    /* One octet less than the array: the rdlength ends the message. */
    assert_int_equal(out.len, sizeof(row->want) + 1);
    assert_memory_equal(out.data, row->want, sizeof(row->want));
    assert_int_equal(out.data[out.len - 1], 0);
    ss_buf_free(&out);
}

struct fit_row {
    const char *name;
    uint16_t id;
    const char *asked;
    uint16_t type;
    uint16_t flags;
    size_t cut; /* keep only so many octets; 0: all */
    int questions;
    enum ss_reply_fit want;
};

static const struct fit_row fits[] = {
    { "fit/the reply", 7, "d.test", 15, DNS_BUILDER_REPLY, 0, 1, SS_REPLY_FITS },
    { "fit/another id", 8, "d.test", 15, DNS_BUILDER_REPLY, 0, 1, SS_REPLY_FOREIGN },
    { "fit/another name", 7, "e.test", 15, DNS_BUILDER_REPLY, 0, 1, SS_REPLY_FOREIGN },
    { "fit/another case, octet by octet", 7, "D.test", 15, DNS_BUILDER_REPLY, 0, 1,
      SS_REPLY_FOREIGN },
    { "fit/another type", 7, "d.test", 16, DNS_BUILDER_REPLY, 0, 1, SS_REPLY_FOREIGN },
    { "fit/a query", 7, "d.test", 15, DNS_BUILDER_RD, 0, 1, SS_REPLY_FOREIGN },
    { "fit/another opcode", 7, "d.test", 15, DNS_BUILDER_REPLY | 0x2000, 0, 1, SS_REPLY_FOREIGN },
    { "fit/no question", 7, "d.test", 15, DNS_BUILDER_REPLY, 0, 0, SS_REPLY_FOREIGN },
    { "fit/two questions", 7, "d.test", 15, DNS_BUILDER_REPLY, 0, 2, SS_REPLY_FOREIGN },
    { "fit/header alone", 7, "d.test", 15, DNS_BUILDER_REPLY, 12, 1, SS_REPLY_FOREIGN },
    { "fit/half a header", 7, "d.test", 15, DNS_BUILDER_REPLY, 5, 1, SS_REPLY_FOREIGN },
    { "fit/question cut", 7, "d.test", 15, DNS_BUILDER_REPLY, 23, 1, SS_REPLY_FOREIGN },
    { "TLSA-25 fit/truncated", 7, "d.test", 15, DNS_BUILDER_REPLY | DNS_BUILDER_TC, 0, 1,
      SS_REPLY_TRUNCATED },
    { "fit/truncated, of another", 7, "e.test", 15, DNS_BUILDER_REPLY | DNS_BUILDER_TC, 0, 1,
      SS_REPLY_FOREIGN },
};

static void
check_fit(void **state)
{
    const struct fit_row *row = *state;
    struct dns_builder *asked = dns_builder_new(7, "d.test", 15, DNS_BUILDER_RD, 0);
    struct dns_builder *b = dns_builder_new(row->id, row->asked, row->type, row->flags, 0);

    dns_builder_count(b, 0, (uint16_t)row->questions);
    assert_int_equal(ss_dns_reply_fit(b->octets, row->cut > 0 ? row->cut : b->len, 7,
                                      asked->octets + 12, asked->len - 12),
                     row->want);
    free(asked);
    free(b);
}

struct error_row {
    const char *name;
    unsigned rcode;
    uint8_t options[24];
    size_t len;
    int want_rcode;
    int want_error;
};

static const struct error_row errors[] = {
    { "rcode/no EDNS options", 2, { 0 }, 0, 2, -1 },
    { "rcode/extended error", 2, { 0, 15, 0, 2, 0, 6 }, 6, 2, 6 },
    { "rcode/extended error with text", 3, { 0, 15, 0, 4, 0, 18, 'n', 'o' }, 8, 3, 18 },
    { "rcode/behind another option", 2, { 0, 10, 0, 1, 9, 0, 15, 0, 2, 0, 22 }, 11, 2, 22 },
    { "RES-05 rcode/DNSSEC goes first", 2, { 0, 15, 0, 2, 0, 22, 0, 15, 0, 2, 0, 9 }, 12, 2, 9 },
    { "RES-06 rcode/indeterminate before others", 2,
      { 0, 15, 0, 2, 0, 22, 0, 15, 0, 2, 0, 5, 0, 15, 0, 2, 0, 23 }, 18, 2, 5 },
    { "rcode/extended error too short", 2, { 0, 15, 0, 1, 6 }, 5, 2, -1 },
    { "rcode/option longer than the rest", 2, { 0, 15, 0, 9, 0, 6 }, 6, 2, -1 },
    { "rcode/half an option", 2, { 0, 15, 0 }, 3, 2, -1 },
};

static void
check_error(void **state)
{
    const struct error_row *row = *state;
    struct dns_builder *b = dns_builder_new(1, "d.test", 15, DNS_BUILDER_REPLY, row->rcode);

    dns_builder_section(b, DNS_BUILDER_ADDITIONAL);
    dns_builder_rr(b, ".", SS_RR_OPT, 1232, 0, row->options, row->len);
    assert_int_equal(ss_dns_reply_rcode(b->octets, b->len), row->want_rcode);
    assert_int_equal(ss_dns_reply_extended_error(b->octets, b->len), row->want_error);
    assert_int_equal(ss_dns_reply_rcode(b->octets, 11), -1);
    assert_int_equal(ss_dns_reply_extended_error(b->octets, b->len - 1), -1);
    free(b);
}

static void
no_room_for_a_query(void **state)
{
    struct ss_question question = { .type = SS_RR_MX };
    struct ss_buf out;

    (void)state;
    assert_true(ss_name_from_text(&question.name, "d.test", 6));
    ss_buf_init(&out, 34);
    ss_dns_query_write(&out, 1, &question, false);
    assert_false(ss_buf_ok(&out));
    ss_buf_free(&out);
}

int
main(void)
{
    struct ss_table t = SS_TABLE("dns/message");

    SS_TABLE_ROWS(&t, check_query, queries);
    SS_TABLE_ROWS(&t, check_fit, fits);
    SS_TABLE_ROWS(&t, check_error, errors);
    ss_table_case(&t, "query/no room", no_room_for_a_query);
    return ss_table_run(&t);
}
