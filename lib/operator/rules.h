/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * The operator's rules for all mail, for a domain, for the names below one,
 * and for MX hosts (PREC-08). One table, shared by all lookups, found by bisection.
 */
#ifndef SS_OPERATOR_RULES_H
#define SS_OPERATOR_RULES_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/name.h"

#define SS_RULES_MAX 16384
/* Room for a rule as its line says it, and the end: two names among some words. */
#define SS_RULE_TEXT 560

enum ss_rule_kind {
    SS_RULE_LEVEL,       /* value: SMTPSEC_LEVEL_*, asked at least */
    SS_RULE_TLS_VERSION, /* value: the least version, as TLS writes it */
    SS_RULE_STS_TESTING, /* value: 1: a testing policy is enforced */
    SS_RULE_INSECURE_MX, /* value: SMTPSEC_LEVEL_DANE, _ENCRYPTED, _NONE (RES-23) */
    SS_RULE_DANE_ALONE,  /* value: 1: DANE alone beside MTA-STS (PREC-02) */
    SS_RULE_RELAY,       /* the host is the domain's by the operator's word */
    SS_RULE_KINDS
};

/* For whom it is. */
enum ss_rule_scope {
    SS_RULE_DEFAULT,  /* all mail; no name */
    SS_RULE_DOMAIN,
    SS_RULE_BELOW,    /* the names below a domain, not itself */
    SS_RULE_MX,       /* an MX host, whatever the domain */
    SS_RULE_MX_BELOW
};

struct ss_rule {
    enum ss_rule_scope scope;
    enum ss_rule_kind kind;
    struct ss_name name;
    struct ss_name host; /* of a relay; no name for others */
    bool host_below;
    int32_t value;
    uint32_t line;       /* of the file; 0: not from one */
};

/* A set of them. It does not change once shared. */
struct ss_rules;

/*
 * Add one; *table may be NULL, for none yet. A table that others hold too is
 * left to them, and *table becomes a copy. Returns 0, NOMEM, LIMIT; nothing
 * has changed then.
 */
int ss_rules_add(struct ss_rules **table, const struct ss_rule *rule);
/* Hold it once more; NULL is fine. */
struct ss_rules *ss_rules_ref(struct ss_rules *table);
void ss_rules_unref(struct ss_rules *table);
size_t ss_rules_count(const struct ss_rules *table);
/* The n-th that was added. */
const struct ss_rule *ss_rules_at(const struct ss_rules *table, size_t n);
/* The one of the same kind for the same domain or host; or NULL. */
const struct ss_rule *ss_rules_same(const struct ss_rules *table, const struct ss_rule *rule);
/* A wider rule of a kind that raises, asking for more than this one: it would lower; or NULL. */
const struct ss_rule *ss_rules_stricter(const struct ss_rules *table, const struct ss_rule *rule);

/*
 * What counts for a domain, by kind, or NULL. The exact domain goes before its
 * longest parent, that before the others, and all before the default; but of
 * the kinds that raise (level, TLS version, testing) the strictest counts, so
 * that none lowers another, in whatever order they came.
 */
void ss_rules_for_domain(const struct ss_rules *table, const struct ss_name *domain,
                         const struct ss_rule *found[SS_RULE_KINDS]);
/* The strictest level for an MX host, or NULL. */
const struct ss_rule *ss_rules_for_mx(const struct ss_rules *table, const struct ss_name *host);
/* The rule by which a host is known to be the domain's, or NULL. */
const struct ss_rule *ss_rules_relay(const struct ss_rules *table, const struct ss_name *domain,
                                     const struct ss_name *host);
/* As its line says it: "level .d.test dane". */
void ss_rule_text(const struct ss_rule *rule, char out[SS_RULE_TEXT]);

#endif
