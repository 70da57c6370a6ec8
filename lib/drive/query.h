/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Inside of the resolver: what its files know of a question on its way.
 *
 *   resolver.c        the questions: queue, start, end
 *   resolver_tries.c  which server next, and what a reply or its lack means
 *   resolver_udp.c    one try by UDP
 *   resolver_lines.c  the sockets that it uses
 *   resolver_tcp.c    one try by TCP
 */
#ifndef SS_DRIVE_QUERY_H
#define SS_DRIVE_QUERY_H

#include "base/bytes.h"
#include "dns/message.h"
#include "drive/loop.h"
#include "drive/resolver.h"

/* Questions with a socket at the same time; the rest waits in order. */
#define SS_RESOLVER_IN_FLIGHT 256
/* Datagrams that do not fit, for one question: beyond that somebody is guessing at ids. */
#define SS_RESOLVER_FOREIGN_LIMIT 100
/* Reads in one callback, so that a fast sender cannot keep it busy. */
#define SS_RESOLVER_READS_A_CALL 16
/* Sockets kept without a port for the next questions, while there are others in flight. */
#define SS_LINES_IDLE 64
/* Ids drawn from the kernel at once. */
#define SS_RESOLVER_IDS 64
/* The length that stands before a message on TCP (RFC 1035 4.2.2). */
#define SS_TCP_PREFIX 2
/* Prefix, header, name, type and class, OPT. */
#define SS_QUERY_OCTETS (SS_TCP_PREFIX + 12 + SS_NAME_WIRE + 4 + 11)

/* A UDP socket, watched; connected to a server while it serves a question. */
struct ss_line {
    struct ss_resolver *resolver;
    struct ss_query *query; /* whose try it serves; NULL: idle */
    struct ss_line *next;   /* of the idle ones */
    uint8_t family; /* of its addresses: 4, 6 */
    int fd;
    struct ss_watch watch;
};

struct ss_query {
    struct ss_resolver *resolver;
    struct ss_query *previous;
    struct ss_query *next;
    bool in_flight; /* false: queued */
    struct ss_question question;
    ss_query_done done;
    void *arg;
    int64_t deadline_ms; /* monotonic, counted from ss_resolver_ask() */
    struct ss_timer timer;

    /* Where in the order of tries. */
    size_t server;
    int round;
    bool spent[SS_RESOLVER_SERVERS]; /* it has said its last word on this question */
    bool trusted_only;               /* see ss_query_try_failed() */
    bool second_look;                /* this try asks with CD */
    bool tcp;                        /* this try is by TCP */
    int32_t failure;                 /* the weightiest of the failed tries */
    int32_t stillborn;               /* this try failed at its start: the timer tells */
    unsigned foreign;

    /* This try. */
    struct ss_line *line; /* UDP; NULL: none */
    int fd;               /* TCP; -1: none */
    struct ss_watch watch; /* TCP */
    uint16_t id;
    size_t sent_len;
    uint8_t sent[SS_QUERY_OCTETS]; /* TCP prefix and message */
    size_t written;     /* TCP */
    struct ss_buf got;  /* TCP: prefix and message */
};

struct ss_query_list {
    struct ss_query *first;
    struct ss_query *last;
};

struct ss_resolver {
    struct ss_loop *loop;
    struct ss_resolver_config config;
    struct ss_query_list in_flight;
    struct ss_query_list queued;
    size_t in_flight_count;
    struct ss_line *idle;
    size_t idle_count;
    bool *freed; /* set by who frees it inside `done`; NULL outside */
    uint16_t ids[SS_RESOLVER_IDS];
    size_t id_count; /* of them, that are not used yet */
    /* One datagram; a reply given to `done` lies here until it returns. */
    uint8_t datagram[65536];
};

/* ---- resolver.c ---- */

/* End it: tells its owner and frees it. Nothing of query or resolver may be touched afterwards. */
void ss_query_finish(struct ss_query *query, const uint8_t *message, size_t len, int32_t failure);
/* Close the socket of this try, whatever it is. */
void ss_query_close(struct ss_query *query);

/* ---- resolver_tries.c; each may end the query ---- */

/* Start the try that server, second_look and tcp describe. Never calls back. False: no memory. */
bool ss_query_try(struct ss_query *query);
/* This try is over without a usable reply. */
void ss_query_try_failed(struct ss_query *query, int32_t failure);
/* A whole reply that fits came. */
void ss_query_replied(struct ss_query *query, const uint8_t *message, size_t len);
/* A truncated reply came by UDP. */
void ss_query_truncated(struct ss_query *query);

/* ---- resolver_udp.c, resolver_tcp.c: open, send, watch; 0 or SMTPSEC_FAILURE_* ---- */

int32_t ss_query_udp(struct ss_query *query);
int32_t ss_query_tcp(struct ss_query *query);
/* A socket connected, or connecting, to a server; -1 and a failure when there is none. */
int ss_server_connect(const struct ss_server *server, int type, int32_t *failure);
/* Connect a socket again that was disconnected, or one of its kind. */
bool ss_server_reconnect(int fd, const struct ss_server *server);
/* A line has something to read, or an error. */
void ss_line_ready(void *arg, int events);
/* What an error of a socket says about the server. */
int32_t ss_query_socket_failure(int error_number);
/* Does the message answer what was sent in this try? */
enum ss_reply_fit ss_query_fit(const struct ss_query *query, const uint8_t *message, size_t len);

/* ---- resolver_lines.c ---- */

/* A line to the server of this try: an idle one, or a new one. 0 or SMTPSEC_FAILURE_*. */
int32_t ss_line_take(struct ss_query *query);
/* Its question is answered: keep it for another one, or close it. */
void ss_line_give(struct ss_query *query);
void ss_line_close(struct ss_line *line);
/* Close all idle ones. */
void ss_lines_close(struct ss_resolver *resolver);

#endif
