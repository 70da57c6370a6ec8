/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* What one socketmap request asks. Pure: no I/O. doc/postfix-socketmap.md has the keys. */
#ifndef SERVE_QUESTION_H
#define SERVE_QUESTION_H

#include <stddef.h>
#include <stdint.h>

/*
 * By map name: "smtpsec"; "smtpsec-tlsrpt" for Postfix 3.10 and later; "smtpsec-report", which is
 * always told NOTFOUND, while the log says what "smtpsec" would have been told.
 */
enum serve_dialect { SERVE_PLAIN = 0, SERVE_TLSRPT = 1, SERVE_REPORT = 2 };

/* Evaluate the destination, or say `reply` at once. */
enum serve_asks { SERVE_EVALUATE = 0, SERVE_REPLY = 1 };

struct serve_question {
    int asks;
    int dialect;
    char domain[256];  /* as smtpsec_destination_new() takes it; an address literal in brackets */
    char relay[256];   /* "": direct by MX; else the next hop of "[host]" */
    uint16_t port;     /* 25 unless the key names another */
    char key[300];     /* canonical key of the flight and of the cache: same key, same plan */
    const char *reply; /* SERVE_REPLY: a static reply, such as "NOTFOUND "; else NULL */
};

/* Parse "MAP KEY", a netstring's content. Never fails: what cannot be asked becomes a reply. */
void serve_question_parse(const char *bytes, size_t len, struct serve_question *out);

#endif
