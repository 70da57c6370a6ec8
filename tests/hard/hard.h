/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * What the hard tests share: a context with a memory, mail by hand to domains
 * that answer as told, children, and figures.
 *
 * Anything that the test itself cannot do ends the process with status 2 and a
 * line on standard error; a child's end is judged by its parent.
 */
#ifndef SS_TEST_HARD_H
#define SS_TEST_HARD_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#include "memory/store.h"
#include "smtpsec.h"

#define HARD_NOW INT64_C(1800000000)
#define HARD_DAY INT64_C(86400)
/* How long a thing may take that should take a moment; the machine may be busy. */
#define HARD_LIMIT_MS 60000

/* The clock of all contexts made here. */
extern int64_t hard_now;

/* ---- ends and figures ---- */

_Noreturn void hard_die(const char *format, ...) __attribute__((format(printf, 1, 2)));
#define HARD_CHECK(condition) \
    do { \
        if (!(condition)) \
            hard_die("%s:%d: %s", __FILE__, __LINE__, #condition); \
    } while (0)
/* Say a figure; all stand in one form, so that they can be read by a program. */
void hard_figure(const char *name, uint64_t value);
/* A part that this machine cannot do, and why. */
void hard_skip(const char *what, const char *why);
int64_t hard_ms(void);
void hard_pause_us(long us);
/* The number after an option such as "--kills", or the default. */
uint64_t hard_number(int argc, char **argv, const char *option, uint64_t otherwise);
/* A sequence that is the same on every machine for a seed (splitmix64). */
uint64_t hard_random(uint64_t *state);

/* ---- places ---- */

/* A directory of mode 0700; in RAM when `fast` and there is such a place. */
void hard_directory(char path[64], bool fast);
/* Remove it and the files in it. */
void hard_remove(const char *directory);
/* DIRECTORY/NAME, in one of four buffers. */
const char *hard_path(const char *directory, const char *name);
/* Become able to mount, in namespaces of one's own; false when that is not allowed. */
bool hard_may_mount(void);

/* ---- children ---- */

/* Zeroed octets that children share. */
void *hard_shared(size_t len);
/* Fork; the child ends when its parent does, however that ends. */
pid_t hard_fork(void);
/* Wait for the end of a child; ends the test when it does not come. Returns its wait status. */
int hard_wait(pid_t child);
/* The child must exit with 0. */
void hard_wait_good(pid_t child, const char *what);
void hard_kill(pid_t child);

/* ---- mail ---- */

struct smtpsec_context *hard_open(const char *directory);
/*
 * The same, and the memory must be good. On a busy machine the first opener's
 * look at every page may take longer than others wait for it: they try again.
 */
struct smtpsec_context *hard_open_good(const char *directory);
/* The same with a key for seals. directory: NULL for no memory. */
struct smtpsec_context *hard_open_sealed(const char *directory, const char *key);
/*
 * Evaluate a domain by hand: one MX on an unsigned name, and an MTA-STS policy
 * when there is a body (the text must name the MX host).
 */
struct smtpsec_plan *hard_evaluate(struct smtpsec_context *context, const char *domain,
                                   const char *policy);
/* An outcome: the plan's first host took a message over TLS. */
struct smtpsec_outcome *hard_outcome(const struct smtpsec_plan *plan);
/* Evaluate and record it. Returns what smtpsec_record() does. */
int hard_deliver(struct smtpsec_context *context, const char *domain);
/* Evaluate, so that the policy is stored. */
void hard_learn_policy(struct smtpsec_context *context, const char *domain, const char *policy);
/* A policy of about this many octets, to be freed. */
char *hard_policy(const char *domain, size_t octets);

/* What is remembered of one destination. */
struct hard_known {
    int fault;           /* as of ss_recall(): it says that this is damaged */
    int error;
    size_t claims;
    int64_t last_seen;   /* of the newest claim */
    uint32_t record_sum; /* over the whole record */
    uint32_t policy_sum; /* over the policy */
    bool has_policy;
};
void hard_recall(struct smtpsec_context *context, const char *domain, struct hard_known *known);

/* Count the waiting events of a kind; all events are taken. */
size_t hard_events(struct smtpsec_context *context, int32_t kind);

#endif
