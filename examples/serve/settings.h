/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* What `smtpsec serve` is told beside the options that other commands have, too. */
#ifndef SERVE_SETTINGS_H
#define SERVE_SETTINGS_H

#include <stddef.h>
#include <stdint.h>

#define SERVE_LISTENERS 16

/* Ids of its options on the command line; see options.c. */
enum {
    SERVE_OPT_LISTEN = 2000,
    SERVE_OPT_SOCKET_MODE,
    SERVE_OPT_SOCKET_OWNER,
    SERVE_OPT_METRICS,
    SERVE_OPT_USER,
    SERVE_OPT_ALLOW_REMOTE,
    SERVE_OPT_CONNECTIONS,
    SERVE_OPT_EVALUATIONS,
    SERVE_OPT_PLANS,
    SERVE_OPT_UPKEEP,
    SERVE_OPT_TRY
};

/* Pointers into argv. */
struct serve_settings {
    const char *listen[SERVE_LISTENERS];
    size_t listen_count;
    const char *metrics; /* NULL: no page */
    const char *socket_owner; /* "USER" or "USER:GROUP"; NULL: who runs it */
    unsigned int socket_mode;
    const char *user; /* to become after listening; NULL: nobody else */
    int allow_remote;
    size_t connections;
    size_t evaluations;
    size_t plans;
    int32_t upkeep_s; /* between two rounds of upkeep */
    int only_try;     /* read and open everything, and end */
};

void serve_settings_default(struct serve_settings *settings);
/* Take an option; value is NULL for one without. Returns 0, or -1 when it does not do. */
int serve_settings_take(struct serve_settings *settings, int id, const char *value);

#endif
