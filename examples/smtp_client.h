/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * A small blocking SMTP client: one connection, each step with a deadline.
 * It decides nothing about security: what TLS must be is the requirement's
 * matter, and visit.c asks the library about it.
 */
#ifndef TOOL_SMTP_CLIENT_H
#define TOOL_SMTP_CLIENT_H

#include <stddef.h>
#include <stdint.h>

#include <gnutls/gnutls.h>

#include "smtp_text.h"

struct smtp_client {
    int fd;                                       /* -1: not connected */
    gnutls_session_t tls;                         /* NULL: cleartext */
    gnutls_certificate_credentials_t credentials; /* of tls */
    int32_t step_ms;                              /* time for one step */
    int64_t deadline_ms;                          /* of the present step, monotonic */
    char in[2048];                                /* read, and not yet used */
    size_t in_start;
    size_t in_end;
    struct smtp_offers offers; /* of the last EHLO */
    char first[256];           /* the first word of the last reply, as it came */
    char ehlo[256];            /* what the server called itself in reply to EHLO or HELO */
    char own[48];              /* our address on the connection; "" when there was none */
    char reply[256];           /* the last reply's last line, escaped; or what went wrong */
};

void smtp_client_init(struct smtp_client *client, int32_t step_ms);
/* Close at once; init is needed before the next use. */
void smtp_client_close(struct smtp_client *client);

/* Connect to an address and read the greeting. Returns its code, -1 when there was none. */
int smtp_client_connect(struct smtp_client *client, const char *address, uint16_t port);
/* Send one command and read the reply. Returns its code, -1 when the connection broke. */
int smtp_client_command(struct smtp_client *client, const char *command);
/* Say EHLO and note what is offered. */
int smtp_client_ehlo(struct smtp_client *client, const char *name);
/* Say HELO: nothing is offered then. */
int smtp_client_helo(struct smtp_client *client, const char *name);
/* Send octets and read the reply. */
int smtp_client_data(struct smtp_client *client, const char *data, size_t len);
/* Say QUIT, wait shortly for the reply, close. */
void smtp_client_quit(struct smtp_client *client);

/* Throw away what came in cleartext and was not read. Returns 1 when there was something. */
int smtp_client_drop_input(struct smtp_client *client);
/*
 * Do the TLS handshake, without any judgement of the certificate.
 * name: for SNI; "" for none. Returns 0, or -1 when it failed.
 */
int smtp_client_handshake(struct smtp_client *client, const char *name);

#endif
