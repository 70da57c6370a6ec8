/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "base/name.h"

#include <string.h>

#include "base/text.h"

#define LABEL_MAX 63

/* RFC 4343: case is folded for the ASCII letters alone. */
static uint8_t
fold(uint8_t octet)
{
    return octet >= 'A' && octet <= 'Z' ? (uint8_t)(octet - 'A' + 'a') : octet;
}

void
ss_name_fold(uint8_t *out, const uint8_t *octets, size_t len)
{
    size_t i;

    for (i = 0; i < len; i++)
        out[i] = fold(octets[i]);
}

/* Letters, digits, hyphen, and the underscore of service labels (RFC 8552). */
static bool
is_text_octet(char c)
{
    return ss_is_alnum(c) || c == '-' || c == '_';
}

/* Add one label of text; at is the length of the wire form so far. */
static bool
add_label(struct ss_name *name, size_t *at, const char *label, size_t len)
{
    size_t i;

    /* The root's octet must still fit behind it. */
    if (len == 0 || len > LABEL_MAX || *at + 1 + len + 1 > SS_NAME_WIRE)
        return false;
    name->wire[(*at)++] = (uint8_t)len;
    for (i = 0; i < len; i++) {
        if (!is_text_octet(label[i]))
            return false;
        name->wire[(*at)++] = fold((uint8_t)label[i]);
    }
    return true;
}

bool
ss_name_from_text(struct ss_name *name, const char *text, size_t len)
{
    struct ss_text rest = { text, len };
    struct ss_text label;
    struct ss_name made = { 0 };
    size_t at = 0;

    name->len = 0;
    if (len == 0)
        return false;
    if (ss_text_equal(rest, "."))
        rest.len = 0;
    while (rest.len > 0) {
        if (!ss_text_cut(rest, '.', &label, &rest)) {
            label = rest;
            rest.len = 0;
        }
        if (!add_label(&made, &at, label.at, label.len))
            return false;
    }
    made.wire[at++] = 0;
    made.len = (uint8_t)at;
    *name = made;
    return true;
}

bool
ss_name_from_wire(struct ss_name *name, const uint8_t *wire, size_t len)
{
    struct ss_name made = { 0 };
    size_t at = 0;
    size_t end;

    name->len = 0;
    if (len == 0 || len > SS_NAME_WIRE)
        return false;
    while (at < len && wire[at] != 0) {
        end = at + 1 + wire[at];
        if (wire[at] > LABEL_MAX || end >= len)
            return false;
        made.wire[at] = wire[at];
        for (at++; at < end; at++)
            made.wire[at] = fold(wire[at]);
    }
    if (at + 1 != len)
        return false;
    made.len = (uint8_t)len;
    *name = made;
    return true;
}

/* One octet as text: what needs no quoting in any tool as it is, the rest as \DDD. */
static size_t
octet_to_text(char *out, uint8_t octet)
{
    char c = (char)octet;

    if (octet < 0x80 && (is_text_octet(c) || c == '*' || c == '/')) {
        out[0] = c;
        return 1;
    }
    out[0] = '\\';
    out[1] = (char)('0' + octet / 100);
    out[2] = (char)('0' + octet / 10 % 10);
    out[3] = (char)('0' + octet % 10);
    return 4;
}

void
ss_name_to_text(const struct ss_name *name, char out[SS_NAME_TEXT])
{
    size_t at = 0;
    size_t wrote = 0;
    size_t end;

    if (ss_name_is_root(name))
        out[wrote++] = '.';
    while (at < name->len && name->wire[at] != 0) {
        end = at + 1 + name->wire[at];
        if (at > 0)
            out[wrote++] = '.';
        for (at++; at < end && at < name->len; at++)
            wrote += octet_to_text(out + wrote, name->wire[at]);
    }
    out[wrote] = '\0';
}

bool
ss_name_equal(const struct ss_name *a, const struct ss_name *b)
{
    return a->len == b->len && memcmp(a->wire, b->wire, a->len) == 0;
}

int
ss_name_compare(const struct ss_name *a, const struct ss_name *b)
{
    size_t shorter = a->len < b->len ? a->len : b->len;
    int order = memcmp(a->wire, b->wire, shorter);

    return order != 0 ? order : (int)a->len - (int)b->len;
}

bool
ss_name_is_root(const struct ss_name *name)
{
    return name->len == 1;
}

size_t
ss_name_labels(const struct ss_name *name)
{
    size_t count = 0;
    size_t at = 0;

    while (at < name->len && name->wire[at] != 0) {
        at += 1 + (size_t)name->wire[at];
        count++;
    }
    return count;
}

/* An LDH label (RFC 5890 2.3.1); *digits tells whether it is digits alone. */
static bool
is_host_label(const uint8_t *label, size_t len)
{
    size_t i;

    if (label[0] == '-' || label[len - 1] == '-')
        return false;
    for (i = 0; i < len; i++)
        if (label[i] >= 0x80 ||
            !(ss_is_alnum((char)label[i]) || label[i] == '-' || label[i] == '_'))
            return false;
    return true;
}

bool
ss_name_is_host(const struct ss_name *name)
{
    size_t at;

    if (name->len <= 1)
        return false;
    for (at = 0; at < name->len && name->wire[at] != 0; at += 1 + (size_t)name->wire[at])
        if (!is_host_label(name->wire + at + 1, name->wire[at]))
            return false;
    return true;
}

bool
ss_name_is_numeric(const struct ss_name *name)
{
    size_t last = 0;
    size_t at, i;

    if (name->len <= 1)
        return false;
    for (at = 0; at < name->len && name->wire[at] != 0; at += 1 + (size_t)name->wire[at])
        last = at;
    for (i = 0; i < name->wire[last]; i++)
        if (!ss_is_digit((char)name->wire[last + 1 + i]))
            return false;
    return true;
}

bool
ss_name_prepend(struct ss_name *out, const char *labels, const struct ss_name *name)
{
    struct ss_name made;
    size_t front;
    bool good = name->len > 0 && ss_name_from_text(&made, labels, strlen(labels));

    if (!good || (size_t)made.len - 1 + name->len > SS_NAME_WIRE) {
        out->len = 0;
        return false;
    }
    front = (size_t)made.len - 1;
    memcpy(made.wire + front, name->wire, name->len);
    made.len = (uint8_t)(front + name->len);
    *out = made;
    return true;
}
