/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * What each MX host of a plan asks of a reply, and what a TLS level of Postfix
 * gives there. Part of answer.h; pure.
 */
#ifndef SERVE_NEEDS_H
#define SERVE_NEEDS_H

#include <stddef.h>
#include <stdint.h>

#include "smtpsec.h"

/* How the plan stands to a host. */
enum serve_place {
    SERVE_USED = 0,
    SERVE_GONE = 1,     /* not there for us; if Postfix finds it, what is remembered of it counts */
    SERVE_UNKNOWN = 2,  /* a look-up failed, so what it asks is not known: DANE it may be */
    SERVE_FORBIDDEN = 3 /* no mail may go there at all */
};

/* What Postfix's "dane-only" does at a host, by its own look-ups. */
enum serve_dane_only {
    SERVE_PASSES = 0, /* goes there by DANE */
    SERVE_REFUSES = 1,/* never goes there */
    SERVE_UNSURE = 2
};

struct serve_need {
    const char *name;
    int place;
    int32_t tls;
    int32_t identities;
    uint16_t version; /* least TLS version, as on the wire; 0: any */
    int beyond;       /* it asks for what no reply can ask */
    int sts;          /* MTA-STS is among those who ask */
    int dane_only;
    int matched;      /* its name is in the list of a "secure" reply */
};

/* All hosts of a plan. Their names are the plan's. */
struct serve_needs {
    size_t count;
    struct serve_need *list;
    size_t used;
    size_t matched;
    uint16_t version; /* the highest that any asks */
    int unseen;       /* there may be hosts that the plan has not looked at */
};

/* A plan looks at no more hosts than these, the best ones. */
#define SERVE_HOSTS_SEEN 64

/* Returns 0 or SMTPSEC_E_NOMEM. */
int serve_needs_read(const struct smtpsec_plan *plan, struct serve_needs *out);
void serve_needs_free(struct serve_needs *needs);

/* What can be told of all hosts in one reply, rising; see doc/postfix-socketmap.md. */
enum serve_level {
    SERVE_NOTFOUND = 0,
    SERVE_ENCRYPT = 1,
    SERVE_SECURE = 2,
    SERVE_DANE_ONLY = 3,
    SERVE_TEMP = 4
};

/* The least reply that is not too weak for any host and leaves one that mail can go to. */
int serve_needs_level(const struct serve_needs *needs);

/* A name that Postfix takes literally wherever its attributes take a name. */
int serve_name_sayable(const char *name);

#endif
