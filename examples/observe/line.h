/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * One line of a mail log, as Postfix writes it. Pure: no clock, no file.
 *
 * Much of a line was chosen by strangers: addresses, and the reply of the
 * server. So a line is read from the left, in the one order in which Postfix
 * writes it, and what does not fit is no delivery. Believed is the head alone
 * to say who speaks. Addresses must be written as in SMTP, with quotes
 * (info_log_addr_form = external, as by default): then none can look like what
 * stands behind it.
 */
#ifndef OBSERVE_LINE_H
#define OBSERVE_LINE_H

#include <stddef.h>
#include <stdint.h>

/* Lines longer than this are not read. */
enum { LOG_LINE_MAX = 8192 };
/* The longest that are kept; longer ones are not read. */
enum { LOG_INSTANCE_MAX = 48, LOG_QUEUE_ID_MAX = 24, LOG_NAME_MAX = 255, LOG_ADDRESS_MAX = 46 };

enum log_kind {
    LOG_OTHER = 0,
    LOG_TLS,      /* smtp(8): a TLS session with host, address, port */
    LOG_DELIVERY, /* smtp(8): what became of one recipient */
    LOG_TROUBLE,  /* smtp(8) says anything else of a message */
    LOG_SENDER,   /* qmgr(8): a message becomes active */
    LOG_REMOVED   /* qmgr(8): it is gone */
};

/* What the field tls= says (Postfix 3.11). */
enum log_tls {
    LOG_TLS_UNSAID = 0, /* no such field, or the level "may", which leaves it open */
    LOG_TLS_NONE,
    LOG_TLS_USED,
    LOG_TLS_UNSURE
};

/* Octets of the line; no NUL behind them. */
struct log_span {
    const char *at;
    size_t len;
};

/* As it stands in the line. */
struct log_time {
    int year;   /* 0: not written */
    int month;  /* 1 to 12 */
    int day, hour, minute, second;
    int zoned;  /* offset is known */
    int offset; /* seconds east of Greenwich */
};

struct log_line {
    enum log_kind kind;
    struct log_time time;
    struct log_span machine;  /* a log may be that of many */
    struct log_span instance; /* syslog name without the service: "postfix", "postfix/relay" */
    uint32_t pid;
    struct log_span queue_id; /* all but TLS */
    /* TLS and DELIVERY */
    struct log_span host, address;
    uint16_t port;
    /* DELIVERY; host is empty when no server was reached */
    struct log_span domain; /* the recipient's */
    int sent;
    int reused;             /* the connection had served before */
    int64_t connection_ms;  /* how long ago the connection was begun, at most */
    enum log_tls tls;
    /* SENDER */
    int null_sender;
};

/* Read a line without its end. Returns its kind; the time is set for all but OTHER. */
enum log_kind log_line_read(const char *line, size_t len, struct log_line *out);

#endif
