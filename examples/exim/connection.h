/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * One transport process of Exim: the plan for the one domain that it serves,
 * and what is known of the connection that it has. Whatever is not known to be
 * good is refused: an event that Exim did not raise, or raised for another
 * host, leaves the gate shut.
 */
#ifndef EXIM_CONNECTION_H
#define EXIM_CONNECTION_H

#include <sys/types.h>

#include <smtpsec.h>

#include "chain.h"
#include "settings.h"
#include "world.h"

#define EXIM_TEXT 512
#define EXIM_SAME_ADDRESS 8

/* What the connection is to. */
struct exim_peer {
    const char *domain;
    const char *host;
    const char *address;
};

/* What Exim says of the session, once it has one. */
struct exim_session_facts {
    const char *cipher; /* "": no TLS */
    const char *version;
};

struct exim_connection {
    pid_t pid; /* whose all this is; a fork begins anew */
    int settings_known;
    struct exim_settings settings;
    struct exim_world world;
    struct smtpsec_plan *plan; /* NULL: nothing may be sent */
    char domain[EXIM_TEXT];    /* what it was asked for, as Exim spells it */
    int null_sender;

    /* the connection that was begun last */
    char address[EXIM_NAME]; /* "": none */
    int greeted; /* it answered EHLO */
    int told;    /* its verdict stands in the log */
    int starttls_offered;
    int requiretls_offered;
    int handshake_failed; /* this one, or the one before it to the same address, got that far */
    struct exim_chain chain;
};

/* The requirements that a host of the plan may be held to: several names may have one address. */
struct exim_wanted {
    const struct smtpsec_requirement *list[EXIM_SAME_ADDRESS];
    size_t count;
    int unwanted; /* a host that the plan skips; used in report mode alone */
};

/* Begin with a domain: evaluates. Returns 0, or -1 with why nothing can be sent. */
int exim_connection_plan(struct exim_connection *c, const char *domain, const char *sender,
                         const char *headers, char *wrong, size_t room);
/* Forget everything, without touching what belongs to a parent process. */
void exim_connection_reset(struct exim_connection *c);

/* Find what holds for a peer. Returns 0; -1 when it is no host of the plan. */
int exim_connection_wanted(const struct exim_connection *c, const struct exim_peer *peer,
                           struct exim_wanted *out);
/* TLS may be left out only where every requirement says so. */
int exim_wanted_tls(const struct exim_wanted *wanted);

/* A connection to the peer begins. Returns 0, or -1 when there must be none. */
int exim_connection_begin(struct exim_connection *c, const struct exim_peer *peer);
void exim_connection_ehlo(struct exim_connection *c, const char *reply);

/* What the session is judged to be. */
struct exim_judgement {
    struct smtpsec_verdict *verdict;
    struct smtpsec_session *session;
    const struct smtpsec_requirement *requirement; /* the one that it meets, else the first */
};

/*
 * Judge the session as it stands.
 * facts:   NULL inside the handshake.
 * Returns 1: it may be used; 0 or a SMTPSEC_E_*: it may not.
 */
int exim_connection_judge(struct exim_connection *c, const struct exim_peer *peer,
                          const struct exim_session_facts *facts, struct exim_judgement *out);
void exim_judgement_free(struct exim_judgement *judgement);

/* Write the outcome of a session as bytes, for smtpsec_bytes_free(). Returns a SMTPSEC_E_*. */
int exim_connection_outcome(const struct exim_connection *c,
                            const struct exim_judgement *judgement, uint8_t **data, size_t *len);
/* Record a session that took no message. */
void exim_connection_record_refused(const struct exim_connection *c,
                                    const struct exim_judgement *judgement);

#endif
