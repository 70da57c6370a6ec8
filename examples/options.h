/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The command line of the tool. */
#ifndef TOOL_OPTIONS_H
#define TOOL_OPTIONS_H

#include <stddef.h>
#include <stdint.h>

#include <smtpsec.h>

#include "serve/settings.h"

/* Commands; a set, so that an option can say which of them know it. */
enum {
    COMMAND_CHECK = 1,
    COMMAND_SEND = 2,
    COMMAND_VERIFY = 4,
    COMMAND_MEMORY = 8,
    COMMAND_REFRESH = 32,
    COMMAND_PROMOTE = 64, /* a verb of memory that evaluates; read together with it */
    COMMAND_POLICY = 128,
    COMMAND_EXPLAIN = 256,
    COMMAND_SERVE = 512,
    COMMAND_OBSERVE = 4096,
    COMMAND_BY_HAND = 16 /* the example of that name: check, with everything asked by itself */
};

enum { VIA_BLOCKING = 0, VIA_LOOP = 1 };

#define TOOL_RESOLVERS 8
#define TOOL_RECIPIENTS 100
#define TOOL_OWN_NAMES 8
#define TOOL_CLAIM_KINDS 5 /* indexed by SMTPSEC_CLAIM_*; 0 is not one */

/* Pointers into argv: valid as long as argv. */
struct tool_options {
    /* the context */
    const char *resolvers[TOOL_RESOLVERS];
    size_t resolver_count;
    int trust_resolver;
    const char *ca_file;
    const char *memory; /* NULL: none */
    int plan_cache;     /* as the library and the policy file have it; else none */
    int allow_private;
    const char *own_names[TOOL_OWN_NAMES];
    size_t own_name_count;
    int32_t dane_mode;               /* -1: as the library has it */
    int32_t modes[TOOL_CLAIM_KINDS]; /* -1: as the library has it */
    int32_t soft_pkix_mode;          /* -1: as the library has it */
    int has_now;
    int64_t now;
    int32_t timeout_ms; /* one evaluation, and each step of a connection */

    /* the destination */
    const char *relay;
    uint16_t port; /* 0: 25 */
    int32_t minimum; /* a level; NONE asks for nothing */

    /* the message */
    int requiretls;
    int tls_required_no;
    const char *from;
    const char *to[TOOL_RECIPIENTS];
    size_t to_count;

    /* what to do, and how to say it */
    int json;
    int verbose;
    int connect;
    int explain; /* print the trace, and not the plan */
    int tlsrpt;                /* ask for the record */
    int tlsrpt_transient;      /* report look-ups that may yet succeed, too */
    const char *tlsrpt_socket; /* of a collector; NULL: no reports */
    int via;
    const char *helo;
    const char *save_requirements;
    int has_seed;
    uint64_t seed;
    const char *requirement;
    const char *chain;
    size_t most; /* 0: as the command has it */
    int list;
    int follow; /* go on reading when the file ends */
    const char *policy; /* the operator's policy file; NULL: none */
    int yes;            /* do not ask */
    int commands;       /* that know all options given */

    struct serve_settings serve;
    int (*prepare)(struct smtpsec_options *options); /* what a command changes in them; or NULL */

    char **operands;
    size_t operand_count;
};

/*
 * Read the command line of one command; argv[0] is its name.
 * Returns 0; 1 when --help was given and answered; -1 on a usage error (said).
 */
int options_read(struct tool_options *options, int command, int argc, char **argv);

/* Say what is wrong with the use of a command, then how it is used. Returns TOOL_USAGE. */
int options_usage(int command, const char *wrong);

#endif
