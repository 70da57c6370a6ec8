/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "smtp_client.h"

#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <poll.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#include "text.h"

/* A server may talk much, not without end. */
enum { REPLY_LINES = 128, QUIT_MS = 2000, DATA_STEPS = 10 };

void
smtp_client_init(struct smtp_client *client, int32_t step_ms)
{
    memset(client, 0, sizeof(*client));
    client->fd = -1;
    client->step_ms = step_ms;
}

void
smtp_client_close(struct smtp_client *client)
{
    if (client->tls != NULL)
        gnutls_deinit(client->tls);
    if (client->credentials != NULL)
        gnutls_certificate_free_credentials(client->credentials);
    if (client->fd >= 0)
        close(client->fd);
    client->tls = NULL;
    client->credentials = NULL;
    client->fd = -1;
    client->in_start = client->in_end = 0;
    memset(&client->offers, 0, sizeof(client->offers));
}

static int64_t
monotonic_ms(void)
{
    struct timespec t;

    clock_gettime(CLOCK_MONOTONIC, &t);
    return (int64_t)t.tv_sec * 1000 + t.tv_nsec / 1000000;
}

static void
begin_step(struct smtp_client *client)
{
    client->deadline_ms = monotonic_ms() + client->step_ms;
}

/* A message takes longer than a command (RFC 5321 section 4.5.3.2.6). */
static void
begin_data_step(struct smtp_client *client)
{
    client->deadline_ms = monotonic_ms() + (int64_t)client->step_ms * DATA_STEPS;
}

/* Returns 0 when ready, -1 when the step's time is over. */
static int
wait_for(struct smtp_client *client, short events)
{
    struct pollfd p = {client->fd, events, 0};

    for (;;) {
        int64_t left = client->deadline_ms - monotonic_ms();
        int rc = left <= 0 ? 0 : poll(&p, 1, (int)left);

        if (rc > 0)
            return 0;
        if (rc < 0 && errno == EINTR)
            continue;
        snprintf(client->reply, sizeof(client->reply), "%s", rc == 0 ? "timed out" : "poll failed");
        return -1;
    }
}

/* Wait for what GnuTLS wants; -1 for a real error, with its text. */
static int
wait_for_tls(struct smtp_client *client, int error)
{
    if (error != GNUTLS_E_AGAIN && error != GNUTLS_E_INTERRUPTED) {
        /* Warnings, such as an unknown name, are not the end; nor may they go on for ever. */
        if (!gnutls_error_is_fatal(error) && monotonic_ms() < client->deadline_ms)
            return 0;
        snprintf(client->reply, sizeof(client->reply), "TLS: %s", gnutls_strerror(error));
        return -1;
    }
    return wait_for(client, gnutls_record_get_direction(client->tls) ? POLLOUT : POLLIN);
}

static int
wait_for_socket(struct smtp_client *client, short events)
{
    if (errno == EINTR)
        return 0;
    if (errno != EAGAIN && errno != EWOULDBLOCK) {
        snprintf(client->reply, sizeof(client->reply), "%s", strerror(errno));
        return -1;
    }
    return wait_for(client, events);
}

/* Read what is there. Returns 0, or -1 at the end, on an error and on time-out. */
static int
fill(struct smtp_client *client)
{
    if (client->in_start > 0) {
        memmove(client->in, client->in + client->in_start, client->in_end - client->in_start);
        client->in_end -= client->in_start;
        client->in_start = 0;
    }
    for (;;) {
        char *to = client->in + client->in_end;
        size_t room = sizeof(client->in) - client->in_end;
        ssize_t n = client->tls != NULL ? gnutls_record_recv(client->tls, to, room)
                                        : recv(client->fd, to, room, 0);

        if (n > 0) {
            client->in_end += (size_t)n;
            return 0;
        }
        if (n == 0) {
            snprintf(client->reply, sizeof(client->reply), "connection closed");
            return -1;
        }
        if ((client->tls != NULL ? wait_for_tls(client, (int)n)
                                 : wait_for_socket(client, POLLIN)) != 0)
            return -1;
    }
}

/* One line without its end; valid until the next read. */
static int
read_line(struct smtp_client *client, const char **line, size_t *len)
{
    for (;;) {
        char *start = client->in + client->in_start;
        char *end = memchr(start, '\n', client->in_end - client->in_start);

        if (end != NULL) {
            client->in_start += (size_t)(end - start) + 1;
            *line = start;
            *len = (size_t)(end - start);
            if (*len > 0 && start[*len - 1] == '\r')
                (*len)--;
            return 0;
        }
        if (client->in_end - client->in_start == sizeof(client->in)) {
            snprintf(client->reply, sizeof(client->reply), "a reply line is too long");
            return -1;
        }
        if (fill(client) != 0)
            return -1;
    }
}

/* The first word of a reply: up to a blank or a control character. */
static void
keep_word(char *out, size_t room, const char *text, size_t len)
{
    size_t i;

    for (i = 0; i < len && i + 1 < room; i++) {
        unsigned char c = (unsigned char)text[i];

        if (c <= ' ' || c == 0x7f)
            break;
        out[i] = text[i];
    }
    out[i] = '\0';
}

/* offers: where to note what EHLO offers; NULL otherwise. */
static int
read_reply(struct smtp_client *client, struct smtp_offers *offers)
{
    int code = 0;
    int count;

    for (count = 0; count < REPLY_LINES; count++) {
        struct smtp_line parsed;
        const char *line = NULL;
        size_t len = 0;

        if (read_line(client, &line, &len) != 0)
            return -1;
        if (smtp_line_parse(line, len, &parsed) != 0 || (code != 0 && parsed.code != code)) {
            snprintf(client->reply, sizeof(client->reply), "not a reply of SMTP");
            return -1;
        }
        code = parsed.code;
        if (count == 0)
            keep_word(client->first, sizeof(client->first), parsed.text, parsed.text_len);
        if (offers != NULL && count > 0 && code == 250)
            smtp_offers_add(offers, parsed.text, parsed.text_len);
        if (parsed.last) {
            text_escape(client->reply, sizeof(client->reply), line, len);
            return code;
        }
    }
    snprintf(client->reply, sizeof(client->reply), "a reply has too many lines");
    return -1;
}

static int
send_all(struct smtp_client *client, const char *data, size_t len)
{
    while (len > 0) {
        ssize_t n = client->tls != NULL ? gnutls_record_send(client->tls, data, len)
                                        : send(client->fd, data, len, MSG_NOSIGNAL);

        if (n >= 0) {
            data += n;
            len -= (size_t)n;
            continue;
        }
        if ((client->tls != NULL ? wait_for_tls(client, (int)n)
                                 : wait_for_socket(client, POLLOUT)) != 0)
            return -1;
    }
    return 0;
}

/* Returns the length of the socket address, 0 for a text that is no address. */
static socklen_t
read_address(const char *text, uint16_t port, struct sockaddr_storage *out)
{
    struct sockaddr_in *v4 = (struct sockaddr_in *)out;
    struct sockaddr_in6 *v6 = (struct sockaddr_in6 *)out;

    memset(out, 0, sizeof(*out));
    if (inet_pton(AF_INET, text, &v4->sin_addr) == 1) {
        v4->sin_family = AF_INET;
        v4->sin_port = htons(port);
        return sizeof(*v4);
    }
    if (inet_pton(AF_INET6, text, &v6->sin6_addr) == 1) {
        v6->sin6_family = AF_INET6;
        v6->sin6_port = htons(port);
        return sizeof(*v6);
    }
    return 0;
}

static int
finish_connect(struct smtp_client *client)
{
    int error = 0;
    socklen_t len = sizeof(error);

    if (wait_for(client, POLLOUT) != 0)
        return -1;
    if (getsockopt(client->fd, SOL_SOCKET, SO_ERROR, &error, &len) != 0)
        error = errno;
    if (error == 0)
        return 0;
    snprintf(client->reply, sizeof(client->reply), "%s", strerror(error));
    return -1;
}

/* Note our own end, for whoever reports on the connection when it is gone. */
static void
note_own_address(struct smtp_client *client)
{
    union {
        struct sockaddr any;
        struct sockaddr_in v4;
        struct sockaddr_in6 v6;
        struct sockaddr_storage room;
    } own;
    socklen_t len = sizeof(own);

    memset(&own, 0, sizeof(own));
    client->own[0] = '\0';
    if (getsockname(client->fd, &own.any, &len) != 0)
        return;
    if (own.any.sa_family == AF_INET)
        inet_ntop(AF_INET, &own.v4.sin_addr, client->own, sizeof(client->own));
    else if (own.any.sa_family == AF_INET6)
        inet_ntop(AF_INET6, &own.v6.sin6_addr, client->own, sizeof(client->own));
}

int
smtp_client_connect(struct smtp_client *client, const char *address, uint16_t port)
{
    struct sockaddr_storage to;
    socklen_t len = read_address(address, port, &to);

    begin_step(client);
    if (len == 0) {
        snprintf(client->reply, sizeof(client->reply), "not an address");
        return -1;
    }
    client->fd = socket(to.ss_family, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
    if (client->fd < 0 || (connect(client->fd, (struct sockaddr *)&to, len) != 0 &&
                           errno != EINPROGRESS)) {
        snprintf(client->reply, sizeof(client->reply), "%s", strerror(errno));
        return -1;
    }
    if (finish_connect(client) != 0)
        return -1;
    note_own_address(client);
    return read_reply(client, NULL);
}

static int
transmit(struct smtp_client *client, const char *command)
{
    char line[1024];
    int len = snprintf(line, sizeof(line), "%s\r\n", command);

    if (len < 0 || (size_t)len >= sizeof(line) || client->fd < 0) {
        snprintf(client->reply, sizeof(client->reply), "the command cannot be sent");
        return -1;
    }
    begin_step(client);
    return send_all(client, line, (size_t)len);
}

int
smtp_client_command(struct smtp_client *client, const char *command)
{
    return transmit(client, command) != 0 ? -1 : read_reply(client, NULL);
}

/* The server gives its name first, in reply to HELO as to EHLO (RFC 5321 4.1.1.1). */
static int
keep_name(struct smtp_client *client, int code)
{
    if (code == 250)
        memcpy(client->ehlo, client->first, sizeof(client->ehlo));
    return code;
}

int
smtp_client_ehlo(struct smtp_client *client, const char *name)
{
    char command[300];

    /* What was offered before TLS is forgotten (RFC 3207 4.2, RTLS-14). */
    memset(&client->offers, 0, sizeof(client->offers));
    snprintf(command, sizeof(command), "EHLO %s", name);
    return transmit(client, command) != 0
               ? -1
               : keep_name(client, read_reply(client, &client->offers));
}

int
smtp_client_helo(struct smtp_client *client, const char *name)
{
    char command[300];

    memset(&client->offers, 0, sizeof(client->offers));
    snprintf(command, sizeof(command), "HELO %s", name);
    return keep_name(client, smtp_client_command(client, command));
}

int
smtp_client_data(struct smtp_client *client, const char *data, size_t len)
{
    begin_data_step(client);
    return send_all(client, data, len) != 0 ? -1 : read_reply(client, NULL);
}

void
smtp_client_quit(struct smtp_client *client)
{
    if (client->fd >= 0) {
        char kept[sizeof(client->reply)];

        /* The reply to QUIT interests nobody; what was said before does. */
        memcpy(kept, client->reply, sizeof(kept));
        if (client->step_ms > QUIT_MS)
            client->step_ms = QUIT_MS;
        smtp_client_command(client, "QUIT");
        if (client->tls != NULL)
            gnutls_bye(client->tls, GNUTLS_SHUT_WR);
        memcpy(client->reply, kept, sizeof(kept));
    }
    smtp_client_close(client);
}

int
smtp_client_drop_input(struct smtp_client *client)
{
    int dropped = client->in_end > client->in_start;
    char waste[512];

    client->in_start = client->in_end = 0;
    /* A server may not speak before our ClientHello: what is there already was put there. */
    if (recv(client->fd, waste, sizeof(waste), MSG_DONTWAIT) > 0)
        dropped = 1;
    return dropped;
}

static int
start_tls(struct smtp_client *client, const char *name)
{
    int rc = gnutls_certificate_allocate_credentials(&client->credentials);

    if (rc == 0)
        rc = gnutls_init(&client->tls, GNUTLS_CLIENT | GNUTLS_NONBLOCK | GNUTLS_NO_SIGNAL);
    if (rc == 0)
        rc = gnutls_set_default_priority(client->tls);
    if (rc == 0)
        rc = gnutls_credentials_set(client->tls, GNUTLS_CRD_CERTIFICATE, client->credentials);
    if (rc == 0 && name[0] != '\0')
        rc = gnutls_server_name_set(client->tls, GNUTLS_NAME_DNS, name, strlen(name));
    if (rc == 0)
        gnutls_transport_set_int(client->tls, client->fd);
    return rc;
}

int
smtp_client_handshake(struct smtp_client *client, const char *name)
{
    int rc = start_tls(client, name);

    if (rc != 0) {
        snprintf(client->reply, sizeof(client->reply), "TLS: %s", gnutls_strerror(rc));
        return -1;
    }
    begin_step(client);
    while ((rc = gnutls_handshake(client->tls)) != 0) {
        if (wait_for_tls(client, rc) != 0)
            return -1;
    }
    return 0;
}
