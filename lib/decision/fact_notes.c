/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "decision/fact_notes.h"

#include <stdio.h>
#include <string.h>

#include "base/text.h"
#include "smtpsec.h"

/* As much as a note takes. */
#define LINE 512
/* Octets of one TLSA record that are shown. */
#define TLSA_SHOWN 64

struct line {
    char at[LINE];
    size_t len;
};

static void
put(struct line *line, const void *data, size_t len)
{
    size_t room = LINE - line->len;

    if (len > room)
        len = room;
    if (len > 0)
        memcpy(line->at + line->len, data, len);
    line->len += len;
}

static void
put_text(struct line *line, const char *text)
{
    put(line, text, strlen(text));
}

static void
put_name(struct line *line, const struct ss_name *name)
{
    char text[SS_NAME_TEXT];

    ss_name_to_text(name, text);
    put_text(line, text[0] != '\0' ? text : ".");
}

static const char *
type_name(uint16_t type)
{
    switch (type) {
    case SS_RR_A:
        return "A";
    case SS_RR_AAAA:
        return "AAAA";
    case SS_RR_MX:
        return "MX";
    case SS_RR_TXT:
        return "TXT";
    case SS_RR_TLSA:
        return "TLSA";
    case SS_RR_CNAME:
        return "CNAME";
    case SS_RR_DS:
        return "DS";
    default:
        return "record";
    }
}

static void
put_tlsa(struct line *line, const struct ss_rr *rr)
{
    char text[2 * TLSA_SHOWN + 1];
    size_t len = rr->len > 3 ? rr->len - 3 : 0;

    if (rr->len < 3) {
        put_text(line, "too short");
        return;
    }
    snprintf(text, sizeof(text), "%u %u %u ", rr->data[0], rr->data[1], rr->data[2]);
    put_text(line, text);
    ss_hex_write(text, rr->data + 3, len < TLSA_SHOWN ? len : TLSA_SHOWN);
    put_text(line, text);
    if (len > TLSA_SHOWN)
        put_text(line, "...");
}

static void
put_record(struct line *line, const struct ss_rr *rr)
{
    char text[SS_ADDRESS_TEXT + 8];

    switch (rr->type) {
    case SS_RR_A:
    case SS_RR_AAAA:
        ss_address_to_text(&rr->address, text);
        put_text(line, text);
        break;
    case SS_RR_MX:
        snprintf(text, sizeof(text), "%u ", (unsigned)rr->preference);
        put_text(line, text);
        put_name(line, &rr->name);
        break;
    case SS_RR_CNAME:
        put_name(line, &rr->name);
        break;
    case SS_RR_TXT:
        put_text(line, "\"");
        put(line, rr->data, rr->len);
        put_text(line, "\"");
        break;
    case SS_RR_TLSA:
        put_tlsa(line, rr);
        break;
    default:
        break;
    }
}

/* "TYPE (trust): record, record": the name stands before it. */
static void
put_answer(struct line *line, const struct ss_dns_fact *fact, uint16_t type)
{
    const struct ss_answer *answer = &fact->answer;
    size_t i;

    put_text(line, " ");
    put_text(line, type_name(type));
    if (answer->outcome == SMTPSEC_ANSWER_FAILED) {
        put_text(line, " failed: ");
        put_text(line, smtpsec_failure_name(answer->failure));
        return;
    }
    put_text(line, " (");
    put_text(line, smtpsec_trust_name(answer->trust));
    put_text(line, "): ");
    if (answer->outcome != SMTPSEC_ANSWER_RECORDS)
        put_text(line, answer->outcome == SMTPSEC_ANSWER_NO_NAME ? "no such name" : "no records");
    else if (answer->aliases > 0) {
        put_text(line, "alias of ");
        put_name(line, &answer->end);
        put_text(line, ", ");
    }
    for (i = 0; i < answer->count && line->len < LINE; i++) {
        put_text(line, i > 0 ? ", " : "");
        put_record(line, &answer->records[i]);
    }
}

/* As a policy that is applied again: what an earlier evaluation kept is told to be kept. */
static const char *
source_of(const struct ss_dns_fact *fact)
{
    return fact->kept ? "cache" : "dns";
}

void
ss_note_fact(struct ss_notes *notes, const struct ss_dns_fact *fact, enum ss_effect effect,
             const char *rule, const char *rfc, const char *format, ...)
{
    struct ss_origin origin = {source_of(fact), fact->age, {NULL, 0}};
    struct line line;
    va_list args;

    if (notes == NULL)
        return;
    line.len = 0;
    put_name(&line, &fact->question.name);
    put_answer(&line, fact, fact->question.type);
    origin.input = (struct ss_bytes){(const uint8_t *)line.at, line.len};
    va_start(args, format);
    ss_note_list(notes, &origin, effect, rule, rfc, format, args);
    va_end(args);
}

void
ss_note_addresses(struct ss_notes *notes, const struct ss_name *host, const struct ss_dns_fact *a,
                  const struct ss_dns_fact *aaaa, enum ss_effect effect, const char *rule,
                  const char *rfc, const char *format, ...)
{
    const struct ss_dns_fact *older = a->age > aaaa->age || !aaaa->kept ? a : aaaa;
    struct ss_origin origin = {source_of(older), older->age, {NULL, 0}};
    struct line line;
    va_list args;

    if (notes == NULL)
        return;
    line.len = 0;
    put_name(&line, host);
    put_answer(&line, a, SS_RR_A);
    put_text(&line, ";");
    put_answer(&line, aaaa, SS_RR_AAAA);
    origin.input = (struct ss_bytes){(const uint8_t *)line.at, line.len};
    va_start(args, format);
    ss_note_list(notes, &origin, effect, rule, rfc, format, args);
    va_end(args);
}
