/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* What Exim's events hand over: certificates from the top down, EHLO, a version's name. */
#include "table.h"

#include <string.h>

#include "chain.h"

/* ---- base64 ---- */

struct decoding {
    const char *name;
    const char *text;
    size_t room;
    const char *want; /* NULL: refused */
};

static const struct decoding decodings[] = {
    {"three octets", "Zm9v", 8, "foo"},
    {"one octet", "Zg==", 8, "f"},
    {"two octets", "Zm8=", 8, "fo"},
    {"six octets", "Zm9vYmFy", 8, "foobar"},
    {"plus and slash", "+/+/", 8, "\xfb\xff\xbf"},
    {"exactly the room", "Zm9v", 3, "foo"},
    {"one octet too many", "Zm9v", 2, NULL},
    {"far too many", "Zm9vYmFyZm9vYmFyZm9vYmFyZm9vYmFy", 4, NULL},
    {"nothing", "", 8, NULL},
    {"cut", "Zm9", 8, NULL},
    {"a blank", "Zm9v Zm9", 8, NULL},
    {"a line's end", "Zm9v\n", 8, NULL},
    {"padding inside", "Zg==Zm9v", 8, NULL},
    {"three of padding", "Z===", 8, NULL},
    {"padding alone", "====", 8, NULL},
    {"padding before a digit", "Zg=v", 8, NULL},
    {"bits behind one octet", "Zh==", 8, NULL},
    {"bits behind two octets", "Zm9=", 8, NULL},
    {"no ASCII", "Zm9\xff", 8, NULL},
};

static void
decodes(void **state)
{
    const struct decoding *row = *state;
    uint8_t out[32];
    size_t len = 99;

    if (row->want == NULL) {
        assert_int_equal(exim_base64(row->text, out, row->room, &len), -1);
        return;
    }
    assert_int_equal(exim_base64(row->text, out, row->room, &len), 0);
    assert_int_equal(len, strlen(row->want));
    assert_memory_equal(out, row->want, len);
}

/* ---- Events ---- */

struct sequence {
    const char *name;
    const char *events[4];
    int want;
    size_t count; /* of certificates, when whole */
};

static const struct sequence sequences[] = {
    {"one certificate", {"0 Zm9v"}, EXIM_CHAIN_WHOLE, 1},
    {"from the top down", {"2 YQ==", "1 Yg==", "0 Zm9v"}, EXIM_CHAIN_WHOLE, 3},
    {"the server's own is still to come", {"2 YQ==", "1 Yg=="}, EXIM_CHAIN_MORE, 0},
    {"no event", {NULL}, EXIM_CHAIN_NONE, 0},
    {"one left out", {"2 YQ==", "0 Zm9v"}, EXIM_CHAIN_BROKEN, 0},
    {"from the bottom up", {"0 Zm9v", "1 Yg=="}, EXIM_CHAIN_BROKEN, 0},
    {"the same twice", {"1 Yg==", "1 Yg=="}, EXIM_CHAIN_BROKEN, 0},
    {"one more behind the last", {"0 Zm9v", "0 Zm9v"}, EXIM_CHAIN_BROKEN, 0},
    {"what is broken stays so", {"1 Yg=", "1 Yg==", "0 Zm9v"}, EXIM_CHAIN_BROKEN, 0},
    {"as many as are kept", {"15 YQ=="}, EXIM_CHAIN_MORE, 0},
    {"too many", {"16 YQ=="}, EXIM_CHAIN_BROKEN, 0},
    {"far too many", {"4294967296 YQ=="}, EXIM_CHAIN_BROKEN, 0},
    {"less than none", {"-1 YQ=="}, EXIM_CHAIN_BROKEN, 0},
    {"no depth", {" YQ=="}, EXIM_CHAIN_BROKEN, 0},
    {"no number", {"a YQ=="}, EXIM_CHAIN_BROKEN, 0},
    {"no certificate", {"0 "}, EXIM_CHAIN_BROKEN, 0},
    {"no blank", {"0"}, EXIM_CHAIN_BROKEN, 0},
    {"nothing at all", {""}, EXIM_CHAIN_BROKEN, 0},
    {"no base64", {"0 *"}, EXIM_CHAIN_BROKEN, 0},
};

static void
collects(void **state)
{
    const struct sequence *row = *state;
    struct exim_chain chain;
    int got = EXIM_CHAIN_NONE;
    size_t i;

    memset(&chain, 0, sizeof(chain));
    for (i = 0; i < 4 && row->events[i] != NULL; i++)
        got = exim_chain_add_event(&chain, row->events[i]);
    assert_int_equal(got, row->want);
    assert_int_equal(chain.state, row->want);
    if (row->want == EXIM_CHAIN_WHOLE) {
        assert_int_equal(chain.count, row->count);
        assert_int_equal(chain.certificates[0].len, 3);
        assert_memory_equal(chain.certificates[0].der, "foo", 3);
    }
    exim_chain_clear(&chain);
    assert_int_equal(chain.state, EXIM_CHAIN_NONE);
}

static void
length_is_bounded(void **state)
{
    size_t len = EXIM_CERTIFICATE_OCTETS / 3 * 4 + 8;
    char *text = malloc(len + 1);
    struct exim_chain chain;

    (void)state;
    assert_non_null(text);
    memset(text, 'A', len);
    text[len] = '\0';
    memset(&chain, 0, sizeof(chain));
    assert_int_equal(exim_chain_add(&chain, "0", text), EXIM_CHAIN_BROKEN);
    exim_chain_clear(&chain);
    text[EXIM_CERTIFICATE_OCTETS / 3 * 4] = '\0';
    assert_int_equal(exim_chain_add(&chain, "0", text), EXIM_CHAIN_WHOLE);
    exim_chain_clear(&chain);
    free(text);
}

/* ---- EHLO ---- */

struct offering {
    const char *name;
    const char *reply;
    int want;
};

static const struct offering offerings[] = {
    {"in the middle", "250-mx\n250-STARTTLS\n250 SIZE 1", 1},
    {"last", "250-mx\n250 STARTTLS", 1},
    {"in small letters", "250-mx\n250 starttls\r\n", 1},
    {"with a parameter", "250-mx\n250-STARTTLS now\n250 SIZE", 1},
    {"not there", "250-mx\n250 SIZE", 0},
    {"in the greeting alone", "250 STARTTLS", 0},
    {"as the host's name", "250-STARTTLS\n250 SIZE", 0},
    {"a longer word", "250-mx\n250 STARTTLSX", 0},
    {"a part of the word", "250-mx\n250 START", 0},
    {"inside a line", "250-mx\n250 X STARTTLS", 0},
    {"a refusal", "500-no\n500 STARTTLS", 0},
    {"cut behind the code", "250-mx\n250", 0},
    {"nothing", "", 0},
    {"a line's end alone", "\n", 0},
};

static void
offers(void **state)
{
    const struct offering *row = *state;

    assert_int_equal(exim_ehlo_offers(row->reply, "STARTTLS"), row->want);
}

/* ---- TLS versions ---- */

struct naming {
    const char *name;
    const char *text;
    uint16_t want;
};

static const struct naming namings[] = {
    {"1.3", "TLS1.3", 0x0304}, {"1.2", "TLS1.2", 0x0303}, {"1.1", "TLS1.1", 0x0302},
    {"1.0", "TLS1.0", 0x0301}, {"SSL", "SSL3.0", 0},      {"a later one", "TLS1.4", 0},
    {"nothing", "", 0},
};

static void
names(void **state)
{
    const struct naming *row = *state;

    assert_int_equal(exim_tls_version(row->text), row->want);
}

int
main(void)
{
    struct ss_table table = SS_TABLE("exim_chain");

    SS_TABLE_ROWS(&table, decodes, decodings);
    SS_TABLE_ROWS(&table, collects, sequences);
    ss_table_case(&table, "the length of a certificate is bounded", length_is_bounded);
    SS_TABLE_ROWS(&table, offers, offerings);
    SS_TABLE_ROWS(&table, names, namings);
    return ss_table_run(&table);
}
