/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* What the files of smtp_smtpsec share; for them alone. Postfix's headers stand before it. */
#ifndef SMTP_SMTPSEC_STATE_H
#define SMTP_SMTPSEC_STATE_H

#include "smtp_smtpsec.h"

#define PARAM_MODE "smtp_smtpsec_mode"

enum glue_mode { GLUE_OFF, GLUE_REPORT, GLUE_ENFORCE };

/* Chosen at the start of the process. */
struct glue_set {
    enum glue_mode mode;
    const char *memory_directory; /* "" for none */
    int timeout_s;
    struct smtpsec_anchors *anchors;
    struct smtpsec_context *context;
    int (*store_session)(SSL *ssl, SSL_SESSION *session); /* Postfix's own; NULL: none are kept */
};

/*
 * Where we are: smtp(8) is single-threaded and serves one delivery request at a
 * time, so there is one of it.
 */
struct glue_at {
    struct smtpsec_plan *plan; /* of the nexthop; NULL: none */
    int is_literal;            /* [192.0.2.1]: one host, whatever its name */
    const struct smtpsec_requirement *requirement; /* of the present host; the plan's */
    const struct smtpsec_requirement *broken;      /* the last handshake under it failed */
    int injected;                                  /* bytes followed the 220 in cleartext */
    const SMTP_SESSION *judged;                    /* what follows is of this session */
    struct smtpsec_session *facts;
    struct smtpsec_verdict *verdict;
    const SSL *accepted; /* its TLS session may be kept */
    int recorded;        /* the outcome, or there is none */
};

extern struct glue_set glue_set;
extern struct glue_at glue_at;

/* Log what waits in the context. */
void glue_tell_events(void);
/* Log one line of the library's, with the message that it is about. */
void glue_tell(const SMTP_STATE *state, int refused, const char *text);
/* Put a refusal into a DSN. It is temporary: where only a bounce is left, Postfix knows it too. */
void glue_set_reason(DSN_BUF *why, const char *enhanced, const char *text);

/* The requirement of the host that is being talked to; NULL: none. */
const struct smtpsec_requirement *glue_requirement(const SMTP_STATE *state);
/* What is known of the session is no more. */
void glue_forget_session(void);

#endif
