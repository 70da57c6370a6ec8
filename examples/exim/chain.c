/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "chain.h"

#include <stdlib.h>
#include <string.h>

void
exim_chain_clear(struct exim_chain *chain)
{
    size_t i;

    for (i = 0; i < EXIM_CHAIN_CERTIFICATES; i++)
        free(chain->certificates[i].der);
    memset(chain, 0, sizeof(*chain));
}

static int
digit(char c)
{
    static const char digits[] =
        "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    const char *at = c != '\0' ? strchr(digits, c) : NULL;

    return at != NULL ? (int)(at - digits) : -1;
}

/* Four characters, of which `used` are digits, to used - 1 octets; bits left over must be 0. */
static int
decode_group(const char *text, size_t used, uint8_t *out)
{
    uint32_t bits = 0;
    size_t i;

    for (i = 0; i < 4; i++) {
        int value = i < used ? digit(text[i]) : 0;

        if (value < 0 || (i >= used && text[i] != '='))
            return -1;
        bits = bits << 6 | (uint32_t)value;
    }
    if ((used == 2 && (bits & 0xffff) != 0) || (used == 3 && (bits & 0xff) != 0))
        return -1;
    for (i = 0; i + 1 < used; i++)
        out[i] = (uint8_t)(bits >> (16 - 8 * i));
    return 0;
}

int
exim_base64(const char *text, uint8_t *out, size_t room, size_t *len)
{
    size_t left = strnlen(text, room / 3 * 4 + 5);
    size_t done = 0;

    if (left == 0 || left % 4 != 0)
        return -1;
    while (left > 0) {
        size_t used = 4;

        if (left == 4 && text[3] == '=')
            used = text[2] == '=' ? 2 : 3;
        if (room - done < used - 1 || decode_group(text, used, out + done) != 0)
            return -1;
        done += used - 1;
        text += 4;
        left -= 4;
    }
    *len = done;
    return 0;
}

/* Returns the depth, or EXIM_CHAIN_CERTIFICATES for what is none. */
static size_t
read_depth(const char *text)
{
    size_t depth = 0;
    size_t i;

    for (i = 0; text[i] >= '0' && text[i] <= '9' && i < 3; i++)
        depth = depth * 10 + (size_t)(text[i] - '0');
    return i > 0 && text[i] == '\0' && depth < EXIM_CHAIN_CERTIFICATES ? depth
                                                                       : EXIM_CHAIN_CERTIFICATES;
}

static int
store(struct exim_certificate *certificate, const char *base64)
{
    uint8_t *der = malloc(EXIM_CERTIFICATE_OCTETS);
    uint8_t *fitting = NULL;
    size_t len = 0;

    if (der == NULL || exim_base64(base64, der, EXIM_CERTIFICATE_OCTETS, &len) != 0) {
        free(der);
        return -1;
    }
    fitting = realloc(der, len);
    certificate->der = fitting != NULL ? fitting : der;
    certificate->len = len;
    return 0;
}

int
exim_chain_add(struct exim_chain *chain, const char *depth, const char *base64)
{
    size_t at = read_depth(depth);

    if (chain->state == EXIM_CHAIN_NONE && at < EXIM_CHAIN_CERTIFICATES) {
        chain->count = at + 1;
        chain->next = at + 1;
        chain->state = EXIM_CHAIN_MORE;
    }
    if (chain->state != EXIM_CHAIN_MORE || at + 1 != chain->next ||
        store(&chain->certificates[at], base64) != 0) {
        chain->state = EXIM_CHAIN_BROKEN;
        return chain->state;
    }
    chain->next = at;
    if (at == 0)
        chain->state = EXIM_CHAIN_WHOLE;
    return chain->state;
}

int
exim_chain_add_event(struct exim_chain *chain, const char *data)
{
    const char *space = strchr(data, ' ');
    char depth[8] = "";

    if (space != NULL && (size_t)(space - data) < sizeof(depth))
        memcpy(depth, data, (size_t)(space - data));
    return exim_chain_add(chain, depth, space != NULL ? space + 1 : "");
}

static char
lower(char c)
{
    return c >= 'A' && c <= 'Z' ? (char)(c - 'A' + 'a') : c;
}

static int
begins_with(const char *text, const char *word)
{
    size_t i;

    for (i = 0; word[i] != '\0'; i++) {
        if (lower(text[i]) != lower(word[i]))
            return 0;
    }
    return text[i] == '\0' || text[i] == ' ' || text[i] == '\r' || text[i] == '\n';
}

int
exim_ehlo_offers(const char *reply, const char *keyword)
{
    const char *line = strchr(reply, '\n'); /* the first line greets */

    for (; line != NULL; line = strchr(line, '\n')) {
        line++;
        if (strncmp(line, "250", 3) == 0 && (line[3] == '-' || line[3] == ' ') &&
            begins_with(line + 4, keyword))
            return 1;
    }
    return 0;
}

uint16_t
exim_tls_version(const char *name)
{
    static const struct {
        const char *name;
        uint16_t version;
    } known[] = {{"TLS1.3", 0x0304}, {"TLS1.2", 0x0303}, {"TLS1.1", 0x0302}, {"TLS1.0", 0x0301},
                 {"TLS1", 0x0301}};
    size_t i;

    for (i = 0; i < sizeof(known) / sizeof(known[0]); i++) {
        if (strcmp(name, known[i].name) == 0)
            return known[i].version;
    }
    return 0;
}
