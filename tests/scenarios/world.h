/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The world of a scenario: what DNS and HTTPS would answer, and the certificates in it. */
#ifndef SS_SCENARIO_WORLD_H
#define SS_SCENARIO_WORLD_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/bytes.h"

#define WORLD_WORDS 260
#define WORLD_FACTS 512
#define WORLD_SMTP 65535 /* what a mail server does; no type of a record */

struct world_fact {
    uint16_t type; /* 0: HTTPS; WORLD_SMTP */
    char *name;
    char *status;
    size_t word_count;
    char *words[WORLD_WORDS];
};

struct world {
    size_t count;
    struct world_fact facts[WORLD_FACTS];
};

/* Add a fact from the words of its line; a second one for the same question replaces the first. NULL or the fault. */
const char *world_add(struct world *world, size_t count, char **words);
/* The text of a type, "MX", as a number; 0 when unknown. */
uint16_t world_type(const char *text);
const char *world_type_name(uint16_t type);

/* What comes back for a question. */
struct world_reply {
    int32_t failure; /* SMTPSEC_FAILURE_* when there is no message */
    uint8_t *message;
    size_t len;
};

/* Answer a question; unknown ones are answered by an unsigned denial of data. */
void world_ask(const struct world *world, const char *name, uint16_t type, struct world_reply *reply);
const struct world_fact *world_https(const struct world *world, const char *host);
const struct world_fact *world_smtp(const struct world *world, const char *host);

/*
 * A chain by its name: "good:HOST" signed by the scenario's CA, "self:HOST"
 * self-signed, "other:HOST" signed by a CA that nobody trusts, "expired:HOST",
 * "brief:HOST" which ends 20 days after the clock's begin.
 * Returns the number of certificates, leaf first.
 */
size_t world_chain(const char *name, struct ss_bytes out[4]);
struct ss_bytes world_ca(void);
/* Forget the facts; certificates stay. */
void world_clear(struct world *world);
void world_free(struct world *world);

#endif
