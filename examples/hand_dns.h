/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* A small stub resolver of the example by_hand: one question at a time, UDP, TCP when truncated. */
#ifndef EXAMPLE_HAND_DNS_H
#define EXAMPLE_HAND_DNS_H

#include <stddef.h>
#include <stdint.h>
#include <sys/socket.h>

#define HAND_SERVERS 8

struct hand_server {
    struct sockaddr_storage address;
    socklen_t address_len;
    int trusted; /* its AD bit is believed */
};

struct hand_question {
    const char *name; /* text, odd octets as \DDD */
    uint16_t type;
    int dnssec; /* ask for signatures */
};

/* A whole reply, or why there is none. */
struct hand_reply {
    uint8_t message[65535];
    size_t len;      /* 0: failed */
    int32_t failure; /* SMTPSEC_FAILURE_* */
    int trusted;
};

/* Read "ADDR", "ADDR#PORT", "[ADDR]#PORT"; loopback is trusted. Returns 0 or -1. */
int hand_server_read(struct hand_server *server, const char *text, int trusted);
/* Ask the servers in turn, twice, not beyond the deadline (monotonic milliseconds). */
void hand_dns_ask(const struct hand_server *servers, size_t count,
                  const struct hand_question *question, int64_t deadline_ms,
                  struct hand_reply *reply);
/* The clock of those deadlines. */
int64_t hand_now_ms(void);

#endif
