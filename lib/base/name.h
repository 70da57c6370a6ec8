/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Domain names, kept as lower-case wire form (RFC 1035 section 3.1): labels
 * may hold any octet, so they are compared as octets, never as C strings.
 */
#ifndef SS_BASE_NAME_H
#define SS_BASE_NAME_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define SS_NAME_WIRE 255
/* Room for any name as text: each octet may become \DDD, plus dots and the end. */
#define SS_NAME_TEXT 1024

struct ss_name {
    uint8_t len; /* 0: no name; 1: the root */
    uint8_t wire[SS_NAME_WIRE];
};

/*
 * Read a name of letters, digits, hyphens and underscores, with at most one
 * final dot; "." is the root. Case is folded. False on anything else: empty,
 * empty label, label over 63, name over 255, other octets.
 */
bool ss_name_from_text(struct ss_name *name, const char *text, size_t len);
/* Read an uncompressed wire name that fills exactly len octets; folds case. */
bool ss_name_from_wire(struct ss_name *name, const uint8_t *wire, size_t len);
/* Copy octets of a label in the case that names are kept in. */
void ss_name_fold(uint8_t *out, const uint8_t *octets, size_t len);
/* Text with no final dot, odd octets as \DDD (RFC 1035 5.1); "." for the root, "" for no name. */
void ss_name_to_text(const struct ss_name *name, char out[SS_NAME_TEXT]);

bool ss_name_equal(const struct ss_name *a, const struct ss_name *b);
/* Total order by octets, for sorting: <0, 0, >0. */
int ss_name_compare(const struct ss_name *a, const struct ss_name *b);
bool ss_name_is_root(const struct ss_name *name);
/* Count of labels, the root not counted. */
size_t ss_name_labels(const struct ss_name *name);
/*
 * True for a name that can be a host's: labels of letters, digits, hyphens and,
 * since such hosts are there and take mail, underscores.
 */
bool ss_name_is_host(const struct ss_name *name);
/* True when the last label is all digits: it would be read as an IPv4 address (RFC 3696 section 2). */
bool ss_name_is_numeric(const struct ss_name *name);
/* Put labels in front, given as text such as "_25._tcp". False when it gets too long. */
bool ss_name_prepend(struct ss_name *out, const char *labels, const struct ss_name *name);

#endif
