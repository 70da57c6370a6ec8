/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Postfix's smtp(8) asks libsmtpsec: a plan for each nexthop, a requirement for
 * each MX host, a verdict on each session, and an outcome for the memory.
 *
 * edit.py puts one call of each of these functions into Postfix's own files;
 * doc/postfix-linked.md lists them. Nothing here does anything while the
 * parameter smtp_smtpsec_mode is off.
 */
#ifndef SMTP_SMTPSEC_H
#define SMTP_SMTPSEC_H

#include <smtpsec.h>

struct DNS_RR;
struct SMTP_ITERATOR;
struct SMTP_SESSION;
struct SMTP_STATE;
struct SMTP_TLS_POLICY;
struct VSTRING;

/* Before the jail, as root: parameters, trust anchors, resolvers, the operator's policy file. */
void smtp_smtpsec_pre_init(void);
/* In the jail, as the mail system's user: the memory. */
void smtp_smtpsec_post_init(void);

/*
 * Evaluate a nexthop. addr_list is what Postfix found; given back is that, or
 * NULL with the reason in state->why when no host may be tried.
 * port: in network order. lookup_mx: MX records are followed.
 */
struct DNS_RR *smtp_smtpsec_nexthop(struct SMTP_STATE *state, const char *domain, unsigned port,
                                    int lookup_mx, struct DNS_RR *addr_list);

/* Put the requirement of one host into Postfix's TLS policy for it. */
void smtp_smtpsec_policy(struct SMTP_TLS_POLICY *tls, struct SMTP_ITERATOR *iter);

/* TLS begins: salt the name under which its session may be kept. */
void smtp_smtpsec_begin_tls(struct SMTP_STATE *state, struct VSTRING *serverid);

/*
 * STARTTLS came to this: SMTPSEC_STARTTLS_*. Judge the session.
 * Returns 0 to go on; else the host was refused, and -1 is to be returned.
 */
int smtp_smtpsec_judge(struct SMTP_STATE *state, int starttls);

/* The status of a failure: no stranger's 5.x.x ends a message before the requirement is met. */
const char *smtp_smtpsec_status(struct SMTP_STATE *state, const char *status);

/* The reply to the whole message. */
void smtp_smtpsec_replied(struct SMTP_STATE *state, int code);

/* The session ends: the next one may lie where it lay. */
void smtp_smtpsec_closed(const struct SMTP_SESSION *session);

#endif
