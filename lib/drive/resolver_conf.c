/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "drive/resolver.h"

#include <string.h>

#include "base/text.h"

#define DNS_PORT 53

static bool
is_blank(char c)
{
    return c == ' ' || c == '\t';
}

static bool
address_read(struct ss_address *address, struct ss_text t)
{
    char text[SS_ADDRESS_TEXT];

    if (t.len == 0 || t.len >= sizeof(text) || memchr(t.at, '\0', t.len) != NULL)
        return false;
    memcpy(text, t.at, t.len);
    text[t.len] = '\0';
    return ss_address_from_text(address, text);
}

static bool
port_read(uint16_t *port, struct ss_text t)
{
    uint64_t number;

    if (!ss_text_number(t, 5, &number) || number == 0 || number > UINT16_MAX)
        return false;
    *port = (uint16_t)number;
    return true;
}

bool
ss_server_from_text(struct ss_server *server, const char *text, bool trusted)
{
    struct ss_text address = ss_text_of(text), port;
    struct ss_server read = { .port = DNS_PORT };

    if (ss_text_cut(address, '#', &address, &port) && !port_read(&read.port, port))
        return false;
    if (address.len >= 2 && address.at[0] == '[' && address.at[address.len - 1] == ']') {
        address.at++;
        address.len -= 2;
    }
    if (!address_read(&read.address, address))
        return false;
    /* Nobody but this machine sits between us and a loopback address (RFC 7672 2.1.1). */
    read.trusted = trusted || ss_address_is_loopback(&read.address);
    *server = read;
    return true;
}

/* Take the next word of a line; false at its end, or where a comment begins. */
static bool
next_word(struct ss_text *line, struct ss_text *word)
{
    *line = ss_text_skip_blanks(*line);
    word->at = line->at;
    word->len = 0;
    while (word->len < line->len && !is_blank(line->at[word->len]) &&
           line->at[word->len] != '#' && line->at[word->len] != ';')
        word->len++;
    line->at += word->len;
    line->len -= word->len;
    return word->len > 0;
}

static void
add_server(struct ss_resolver_config *config, struct ss_text address)
{
    struct ss_server server = { .port = DNS_PORT };

    if (config->count >= SS_RESOLVER_SERVERS || !address_read(&server.address, address))
        return;
    server.trusted = ss_address_is_loopback(&server.address);
    config->servers[config->count++] = server;
}

static bool
options_trust_ad(struct ss_text line)
{
    struct ss_text word;

    while (next_word(&line, &word))
        if (ss_text_equal(word, "trust-ad"))
            return true;
    return false;
}

/* One line; true when it is `options` with trust-ad. A keyword begins its line: resolv.conf(5). */
static bool
read_line(struct ss_resolver_config *config, struct ss_text line)
{
    struct ss_text word;

    if (line.len > 0 && line.at[line.len - 1] == '\r')
        line.len--;
    if (line.len == 0 || is_blank(line.at[0]) || !next_word(&line, &word))
        return false;
    if (ss_text_equal(word, "options"))
        return options_trust_ad(line);
    if (ss_text_equal(word, "nameserver") && next_word(&line, &word))
        add_server(config, word);
    return false;
}

void
ss_servers_from_resolv_conf(struct ss_resolver_config *config, const char *text, size_t len)
{
    struct ss_text rest = { text, len }, line;
    size_t first = config->count;
    bool trust_ad = false;

    while (ss_text_cut(rest, '\n', &line, &rest))
        trust_ad |= read_line(config, line);
    trust_ad |= read_line(config, rest);
    /* It speaks for the servers of its own file only, wherever it stands there. */
    while (trust_ad && first < config->count)
        config->servers[first++].trusted = true;
}
