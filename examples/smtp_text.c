/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "smtp_text.h"

#include <stdlib.h>
#include <string.h>
#include <strings.h>

static int
is_digit(char c)
{
    return c >= '0' && c <= '9';
}

int
smtp_line_parse(const char *line, size_t len, struct smtp_line *out)
{
    if (len < 3 || line[0] < '2' || line[0] > '5' || !is_digit(line[1]) || !is_digit(line[2]))
        return -1;
    if (len > 3 && line[3] != ' ' && line[3] != '-')
        return -1;
    out->code = (line[0] - '0') * 100 + (line[1] - '0') * 10 + (line[2] - '0');
    out->last = len == 3 || line[3] == ' ';
    out->text = len > 4 ? line + 4 : "";
    out->text_len = len > 4 ? len - 4 : 0;
    return 0;
}

/* Is this the keyword of the line? It ends at a space or at the end of the line. */
static int
has_keyword(const char *text, size_t len, const char *keyword)
{
    size_t wanted = strlen(keyword);

    return len >= wanted && strncasecmp(text, keyword, wanted) == 0 &&
           (len == wanted || text[wanted] == ' ');
}

void
smtp_offers_add(struct smtp_offers *offers, const char *text, size_t len)
{
    if (has_keyword(text, len, "STARTTLS"))
        offers->starttls = 1;
    if (has_keyword(text, len, "REQUIRETLS"))
        offers->requiretls = 1;
    if (has_keyword(text, len, "8BITMIME"))
        offers->eight_bit_mime = 1;
}

int
smtp_address_ok(const char *address, int empty_ok)
{
    const char *at = strrchr(address, '@');
    const char *c;

    if (address[0] == '\0')
        return empty_ok;
    if (at == NULL || at == address || at[1] == '\0' || strlen(address) > 254)
        return 0;
    /* Brackets, blanks and controls could end the path and begin another command. */
    for (c = address; *c != '\0'; c++) {
        if (*c <= ' ' || *c >= 0x7f || *c == '<' || *c == '>')
            return 0;
    }
    return 1;
}

const char *
smtp_address_domain(const char *address)
{
    const char *at = strrchr(address, '@');

    return at != NULL ? at + 1 : "";
}

int
smtp_message_eight_bit(const char *message, size_t len)
{
    size_t i;

    for (i = 0; i < len; i++) {
        if (((unsigned char)message[i] & 0x80) != 0)
            return 1;
    }
    return 0;
}

struct encoder {
    char *out;
    size_t used;
    int line_start;
};

static void
put_line_end(struct encoder *e)
{
    e->out[e->used++] = '\r';
    e->out[e->used++] = '\n';
    e->line_start = 1;
}

static void
put_octet(struct encoder *e, char c)
{
    if (e->line_start && c == '.')
        e->out[e->used++] = '.';
    e->out[e->used++] = c;
    e->line_start = 0;
}

int
smtp_message_encode(const char *message, size_t len, char **out, size_t *out_len)
{
    struct encoder e = {NULL, 0, 1};
    size_t i;

    if (len > SIZE_MAX / 2 - 8)
        return -1;
    /* No octet becomes more than two; a missing line end and the final dot are five. */
    e.out = malloc(2 * len + 8);
    if (e.out == NULL)
        return -1;
    for (i = 0; i < len; i++) {
        if (message[i] == '\r') {
            put_line_end(&e);
            if (i + 1 < len && message[i + 1] == '\n')
                i++;
        } else if (message[i] == '\n') {
            put_line_end(&e);
        } else {
            put_octet(&e, message[i]);
        }
    }
    if (!e.line_start)
        put_line_end(&e);
    e.out[e.used++] = '.';
    put_line_end(&e);
    *out = e.out;
    *out_len = e.used;
    return 0;
}
