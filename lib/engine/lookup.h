/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * One evaluation, driven from outside: it lists needs, takes answers, and in
 * the end makes the plan. It opens nothing and waits for nothing; all three
 * drivers (blocking, event loop, by hand) are loops around it.
 */
#ifndef SS_ENGINE_LOOKUP_H
#define SS_ENGINE_LOOKUP_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "decision/decide.h"
#include "decision/evidence.h"
#include "decision/kept.h"
#include "decision/settings.h"
#include "engine/lowered.h"
#include "memory/store.h"

#define SS_URL_TEXT 320

struct ss_need {
    uint32_t id;
    int32_t kind;                /* SMTPSEC_NEED_* */
    bool open;
    bool wanted;                 /* its answer still counts; else it is not waited for */
    bool taken;                  /* a driver is at it */
    struct ss_question question; /* DNS */
    char *name;                  /* the name asked, or the policy host; lies behind it */
    char *url;                   /* HTTPS; "" else; lies behind the name */
    size_t address_count;
    char (*addresses)[SS_ADDRESS_TEXT]; /* of the policy host */
};

struct ss_lookup {
    struct ss_settings settings;
    struct ss_evidence evidence;
    size_t need_count;
    size_t need_cap;
    struct ss_need **needs; /* all ever asked; pointers stay */
    struct ss_lowered *lowered; /* receives what proofs ended, when it is learnt; may be NULL */
    struct ss_stamps stamps;    /* of what was remembered when it began; not known: it was changed */
    bool shared;            /* answered by our own resolvers: what comes of it may be kept */
    bool deferred;          /* a policy is to be fetched apart from this evaluation */
    size_t recalled;        /* answers kept by an earlier evaluation (answers.h) */
    uint32_t recalled_sum;  /* of the value that they came from */
    struct ss_lease *lease; /* on the fetch, until what came of it is stored; may be NULL */
};

/*
 * Start. record and entry are what is remembered; they are moved in and left
 * empty. Either may be NULL.
 */
int ss_lookup_new(const struct smtpsec_destination *destination, const struct ss_settings *settings,
                  int32_t memory_state, struct ss_record *record, struct ss_sts_entry *entry,
                  struct ss_lookup **out);
void ss_lookup_free(struct ss_lookup *lookup);

/* Open the needs that follow from what is known. *open receives how many are open now; 0: decide. */
int ss_lookup_step(struct ss_lookup *lookup, int64_t now, size_t *open);
/* The n-th open need, or NULL. */
struct ss_need *ss_lookup_open_need(const struct ss_lookup *lookup, size_t n);
/* The open need with this id, or NULL. */
struct ss_need *ss_lookup_need(const struct ss_lookup *lookup, uint32_t id);

/* Answers close their need. These return 0 or NOMEM. */
int ss_lookup_answer_dns(struct ss_lookup *lookup, struct ss_need *need, struct ss_bytes message,
                         bool trusted, int64_t now);
/* The whole reply; the body is copied. A body over the limit, another status or type is a failure. */
int ss_lookup_answer_https(struct ss_lookup *lookup, struct ss_need *need, int32_t status,
                           const char *content_type, struct ss_bytes body, int64_t now);
int ss_lookup_answer_failure(struct ss_lookup *lookup, struct ss_need *need, int32_t failure,
                             int64_t now);

/*
 * The cached policy was read again, when it was this lookup's turn to fetch:
 * another may have fetched meanwhile. The entry is moved in. The HTTPS need is
 * closed when nothing is to be fetched any more. Returns 0 or NOMEM.
 */
int ss_lookup_entry_again(struct ss_lookup *lookup, struct ss_need *need, struct ss_sts_entry *entry,
                          int64_t now);

/* Make the plan; what is still open counts as failed. Returns 0 or NOMEM. */
int ss_lookup_decide(const struct ss_lookup *lookup, int64_t now, struct smtpsec_plan **out);

#endif
