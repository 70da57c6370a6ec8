/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "serve/question.h"

#include <arpa/inet.h>
#include <stdio.h>
#include <string.h>
#include <strings.h>

#define SMTP_PORT 25
/* The longest name as text; no part of a key but the name has any length. */
#define NAME_MAX_OCTETS 253
#define LABEL_MAX_OCTETS 63

static const char no_map[] = "PERM no such map: ask smtpsec, smtpsec-tlsrpt or smtpsec-report";
static const char no_name[] = "PERM the key is no domain name";
static const char no_service[] = "PERM the port's name is not known: write its number";
static const char nothing[] = "NOTFOUND ";

/* Part of the request, not ended by a NUL. */
struct span {
    const char *at;
    size_t len;
};

static int
span_is(struct span span, const char *text)
{
    return span.len == strlen(text) && memcmp(span.at, text, span.len) == 0;
}

static void
say(struct serve_question *out, const char *reply)
{
    out->asks = SERVE_REPLY;
    out->reply = reply;
}

/* Returns -1 for no such map. */
static int
dialect_of(struct span map)
{
    if (span_is(map, "smtpsec"))
        return SERVE_PLAIN;
    if (span_is(map, "smtpsec-report"))
        return SERVE_REPORT;
    return span_is(map, "smtpsec-tlsrpt") ? SERVE_TLSRPT : -1;
}

/* The names that Postfix gives to ports whatever the machine's services file says. */
static const struct {
    const char *name;
    uint16_t port;
} services[] = {
    { "smtp", 25 }, { "lmtp", 24 }, { "submission", 587 }, { "submissions", 465 }, { "smtps", 465 },
};

/* Nothing behind the colon is the usual port. Returns 0 for no port. */
static uint16_t
port_of(struct span text)
{
    unsigned long number = 0;
    size_t i;

    if (text.len == 0)
        return SMTP_PORT;
    for (i = 0; i < sizeof(services) / sizeof(services[0]); i++)
        if (span_is(text, services[i].name))
            return services[i].port;
    if (text.len > 5)
        return 0;
    for (i = 0; i < text.len; i++) {
        if (text.at[i] < '0' || text.at[i] > '9')
            return 0;
        number = number * 10 + (unsigned long)(text.at[i] - '0');
    }
    return number <= 65535 ? (uint16_t)number : 0;
}

/* In lower case; other than ASCII is left to the library, which knows IDNA. */
static int
copy_name(char *out, struct span name)
{
    size_t i, label = 0;

    if (name.len == 0 || name.len > NAME_MAX_OCTETS)
        return -1;
    for (i = 0; i < name.len; i++) {
        unsigned char c = (unsigned char)name.at[i];

        if (c == '.') {
            if (label == 0 || i + 1 == name.len)
                return -1;
            label = 0;
            out[i] = '.';
            continue;
        }
        if (c >= 'A' && c <= 'Z')
            c = (unsigned char)(c - 'A' + 'a');
        else if (c < 0x80 && !(c >= 'a' && c <= 'z') && !(c >= '0' && c <= '9') && c != '-' &&
                 c != '_')
            return -1;
        if (++label > LABEL_MAX_OCTETS)
            return -1;
        out[i] = (char)c;
    }
    out[name.len] = '\0';
    return 0;
}

/* An address, in the form of RFC 5321 4.1.3. Returns 1, 0: no address, 2: of this machine. */
static int
read_address(struct span text, char *out, size_t room)
{
    char inner[INET6_ADDRSTRLEN], canonical[INET6_ADDRSTRLEN];
    unsigned char octets[16];
    int six = text.len > 5 && strncasecmp(text.at, "IPv6:", 5) == 0;
    int family;

    if (six) {
        text.at += 5;
        text.len -= 5;
    }
    if (text.len == 0 || text.len >= sizeof(inner))
        return 0;
    memcpy(inner, text.at, text.len);
    inner[text.len] = '\0';
    family = six || strchr(inner, ':') != NULL ? AF_INET6 : AF_INET;
    if (inet_pton(family, inner, octets) != 1 ||
        inet_ntop(family, octets, canonical, sizeof(canonical)) == NULL)
        return 0;
    snprintf(out, room, family == AF_INET6 ? "[IPv6:%s]" : "[%s]", canonical);
    if (family == AF_INET)
        return octets[0] == 127 ? 2 : 1;
    return strcmp(canonical, "::1") == 0 ? 2 : 1;
}

/* RFC 6761 6.3: mail to it never leaves this machine. */
static int
is_localhost(const char *name)
{
    static const char word[] = "localhost";
    size_t len = strlen(name), tail = sizeof(word) - 1;

    return len >= tail && strcmp(name + len - tail, word) == 0 &&
           (len == tail || name[len - tail - 1] == '.');
}

static void
write_key(struct serve_question *out)
{
    const char *left = out->relay[0] != '\0' ? "[" : "";
    const char *right = out->relay[0] != '\0' ? "]" : "";

    if (out->port == SMTP_PORT)
        snprintf(out->key, sizeof(out->key), "%s%s%s", left, out->domain, right);
    else
        snprintf(out->key, sizeof(out->key), "%s%s%s:%u", left, out->domain, right,
                 (unsigned)out->port);
}

/* A host with or without brackets, and what stood behind its colon. */
static void
take_destination(struct span host, int brackets, struct span service, struct serve_question *out)
{
    int address;

    out->port = port_of(service);
    if (out->port == 0) {
        say(out, no_service);
        return;
    }
    address = read_address(host, out->domain, sizeof(out->domain));
    if (address == 0 && copy_name(out->domain, host) != 0)
        say(out, no_name);
    else if (address == 2 || (address == 0 && is_localhost(out->domain)))
        say(out, nothing);
    else if (address == 0 && brackets && strchr(out->domain, '.') == NULL)
        say(out, nothing); /* a name of the operator's own network, not of the DNS */
    if (out->asks == SERVE_REPLY)
        return;
    if (address == 0 && brackets)
        memcpy(out->relay, out->domain, sizeof(out->relay));
    write_key(out);
}

/* "[host]", "[host]:port". */
static void
take_brackets(struct span key, struct serve_question *out)
{
    const char *end = memchr(key.at, ']', key.len);
    struct span host, service = { "", 0 };

    if (end == NULL) {
        say(out, no_name);
        return;
    }
    host.at = key.at + 1;
    host.len = (size_t)(end - host.at);
    if (end + 1 < key.at + key.len) {
        service.at = end + 2;
        service.len = (size_t)(key.at + key.len - service.at);
        if (end[1] != ':') {
            say(out, no_name);
            return;
        }
    }
    take_destination(host, 1, service, out);
}

/* "host", "host:port"; as Postfix does, at the last colon. */
static void
take_plain(struct span key, struct serve_question *out)
{
    const char *colon = memrchr(key.at, ':', key.len);
    struct span service = { "", 0 };

    if (colon != NULL) {
        service.at = colon + 1;
        service.len = (size_t)(key.at + key.len - service.at);
        key.len = (size_t)(colon - key.at);
    }
    take_destination(key, 0, service, out);
}

static void
take_key(struct span key, struct serve_question *out)
{
    if (key.len == 0 || key.at[0] == '.' || key.at[0] == '/')
        say(out, nothing); /* a parent domain; the path of a socket */
    else if (memchr(key.at, '\0', key.len) != NULL)
        say(out, no_name);
    else if (key.at[0] == '[')
        take_brackets(key, out);
    else
        take_plain(key, out);
    if (out->asks == SERVE_REPLY) {
        out->domain[0] = out->relay[0] = out->key[0] = '\0';
        out->port = 0;
    }
}

void
serve_question_parse(const char *bytes, size_t len, struct serve_question *out)
{
    const char *space = len > 0 ? memchr(bytes, ' ', len) : NULL;
    struct span map, key;
    int dialect;

    memset(out, 0, sizeof(*out));
    if (space == NULL) {
        say(out, no_map);
        return;
    }
    map.at = bytes;
    map.len = (size_t)(space - bytes);
    key.at = space + 1;
    key.len = len - map.len - 1;
    dialect = dialect_of(map);
    if (dialect < 0) {
        say(out, no_map);
        return;
    }
    out->dialect = dialect;
    take_key(key, out);
}
