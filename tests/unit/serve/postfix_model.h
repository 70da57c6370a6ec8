/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * A small model of what Postfix makes of a policy reply: its grammar, and when
 * smtp(8) goes on with a session. Written from the facts in
 * doc/postfix-socketmap.md alone; it shares no code with what it judges.
 */
#ifndef SERVE_TEST_POSTFIX_MODEL_H
#define SERVE_TEST_POSTFIX_MODEL_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* 3.7; 3.10.0 to 3.10.4, where patterns are only told; 3.10.5, where they count. */
enum postfix_release { POSTFIX_3_7, POSTFIX_3_10_0, POSTFIX_3_10_5 };

/* LOCAL is the operator's own level: here always the weakest, "may". */
enum postfix_level { POSTFIX_DEFERS, POSTFIX_LOCAL, POSTFIX_MAY, POSTFIX_ENCRYPT, POSTFIX_SECURE,
                     POSTFIX_DANE, POSTFIX_DANE_ONLY };

#define POSTFIX_WORDS 1200

struct postfix_policy {
    int level;
    uint16_t version; /* least; 0: that of main.cf */
    char *match[POSTFIX_WORDS];
    size_t match_count;
    char *patterns[POSTFIX_WORDS];
    size_t pattern_count;
    char *strings[POSTFIX_WORDS];
    size_t string_count;
    char *sni;
    char *type;
    char *domain;
    char *failure;
    char *text; /* all of the above point into it */
};

/* As dict_sockmap_lookup() and tls_policy_lookup_one() do; what they refuse is DEFERS. */
void postfix_read(struct postfix_policy *policy, const char *reply, int release);
void postfix_free(struct postfix_policy *policy);

/* What there is at an address. */
struct postfix_session {
    bool tls;
    uint16_t version;
    bool chain;        /* the certificate is valid by a CA */
    uint32_t names;    /* of which hosts of the list it bears the name: 1 << index */
    int tlsa;          /* what Postfix finds */
    bool dane_match;
};

enum postfix_tlsa { POSTFIX_TLSA_NONE, POSTFIX_TLSA_UNUSABLE, POSTFIX_TLSA_USABLE };

/* The hosts of the MX set, and whether dane-only counts them as signed. */
struct postfix_hosts {
    const char *names[32];
    size_t count;
    bool is_signed;
};

/* Does the message leave in this session with this host? */
bool postfix_delivers(const struct postfix_policy *policy, const struct postfix_hosts *hosts,
                      size_t host, const struct postfix_session *session);

#endif
