/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * The HTTPS part: a module of its own (libcurl), so that a process that only
 * verifies never loads libcurl. This is the contract between both sides; the
 * module sees nothing else of the library.
 *
 * Certificates are judged by the library, not by libcurl: `verify` is called
 * with the live TLS session after the handshake and before the request is
 * sent, so that one set of anchors, one name matcher and one clock serve all.
 */
#ifndef SS_DRIVE_FETCH_H
#define SS_DRIVE_FETCH_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "drive/loop.h"

#define SS_FETCH_VERSION 1

/* What the library lends the module. */
struct ss_fetch_host {
    struct ss_loop *loop;
    int (*watch)(struct ss_loop *loop, struct ss_watch *watch, int fd, int events);
    int (*rewatch)(struct ss_watch *watch, int events);
    void (*unwatch)(struct ss_watch *watch);
    int (*timer)(struct ss_loop *loop, struct ss_timer *timer, int64_t delay_ms);
    void (*untimer)(struct ss_timer *timer);
};

struct ss_fetch_request {
    const char *host;              /* policy host: SNI, Host, certificate */
    const char *path;              /* "/.well-known/mta-sts.txt" */
    uint16_t port;                 /* 443 */
    const char *const *addresses;  /* text, to be tried in order; nothing else is resolved */
    size_t address_count;
    size_t body_max;               /* octets; more is FAILURE_HTTP_SIZE */
    int64_t timeout_ms;            /* for all of it */
    /* Judge the peer. gnutls_session: the live session. Returns SMTPSEC_FAILURE_*. */
    int32_t (*verify)(void *arg, void *gnutls_session);
    void (*done)(void *arg, int32_t failure, int32_t status, const char *content_type,
                 const uint8_t *body, size_t len);
    void *arg;
};

struct ss_fetcher;
struct ss_fetch;

struct ss_fetch_module {
    int version;         /* SS_FETCH_VERSION */
    const char *backend; /* for `smtpsec --version`: libcurl and its TLS library */
    /* 0, NOMEM, FETCH (no HTTPS, or not GnuTLS). */
    int (*open)(const struct ss_fetch_host *host, struct ss_fetcher **out);
    /* Frees it and its fetches without calling back; abandons them after a fork. */
    void (*close)(struct ss_fetcher *fetcher);
    /* Start; inputs are copied; `done` is called only from inside the loop. 0, NOMEM, FETCH. */
    int (*start)(struct ss_fetcher *fetcher, const struct ss_fetch_request *request,
                 struct ss_fetch **out);
    void (*cancel)(struct ss_fetch *fetch);
};

/* The one symbol of the module. */
#define SS_FETCH_SYMBOL "smtpsec_fetch_module"

/*
 * Find the module: opened from beside the library itself, or linked in when
 * static. The module stays loaded. Returns 0 or SMTPSEC_E_FETCH with a text.
 */
struct ss_error;
int ss_fetch_module_find(const struct ss_fetch_module **out, struct ss_error *error);

#endif
