/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "https_peer.h"

#include <arpa/inet.h>
#include <gnutls/gnutls.h>
#include <gnutls/x509.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include "bench.h"

static const char reply[] = "HTTP/1.1 200 OK\r\nContent-Type: text/plain\r\nContent-Length: 79\r\n"
                            "Connection: close\r\n\r\n"
                            "version: STSv1\r\nmode: enforce\r\nmx: mx1.d.test\r\nmx: mx2.d.test\r\n"
                            "max_age: 86400\r\n";

static void
must(int code, const char *what)
{
    if (code < 0)
        bench_fail(what);
}

static gnutls_datum_t
datum_of(struct ss_bytes bytes)
{
    gnutls_datum_t datum = {(unsigned char *)(uintptr_t)bytes.data, (unsigned)bytes.len};

    return datum;
}

static struct sockaddr_in
here(uint16_t port)
{
    struct sockaddr_in address = {.sin_family = AF_INET, .sin_port = htons(port)};

    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    return address;
}

/* As libcurl does it: else each small write waits for the other side's delayed acknowledgement. */
static void
send_at_once(int fd)
{
    int on = 1;

    setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof(on));
}

static int
shake_hands(gnutls_session_t session)
{
    int code;

    do
        code = gnutls_handshake(session);
    while (code < 0 && gnutls_error_is_fatal(code) == 0);
    return code;
}

/* ---- the policy host ---- */

static void
answer(gnutls_session_t session)
{
    char request[4096];
    size_t len = 0;
    ssize_t got;

    while (len + 1 < sizeof(request)) {
        got = gnutls_record_recv(session, request + len, sizeof(request) - len - 1);
        if (got <= 0)
            return;
        len += (size_t)got;
        request[len] = '\0';
        if (strstr(request, "\r\n\r\n") != NULL)
            break;
    }
    gnutls_record_send(session, reply, sizeof(reply) - 1);
    gnutls_bye(session, GNUTLS_SHUT_WR);
}

static void
serve_one(gnutls_certificate_credentials_t credentials, int fd)
{
    gnutls_session_t session;

    must(gnutls_init(&session, GNUTLS_SERVER | GNUTLS_NO_TICKETS), "server session");
    must(gnutls_set_default_priority(session), "server priority");
    must(gnutls_credentials_set(session, GNUTLS_CRD_CERTIFICATE, credentials), "server key");
    gnutls_transport_set_int(session, fd);
    if (shake_hands(session) == 0)
        answer(session);
    gnutls_deinit(session);
}

static gnutls_certificate_credentials_t
credentials_of(const struct ss_bytes *chain, size_t count, struct ss_bytes key)
{
    gnutls_certificate_credentials_t credentials;
    gnutls_x509_crt_t list[PEER_CHAIN];
    gnutls_datum_t datum = datum_of(key);
    gnutls_x509_privkey_t private_key;
    size_t i;

    must(gnutls_certificate_allocate_credentials(&credentials), "server credentials");
    must(gnutls_x509_privkey_init(&private_key), "server key");
    must(gnutls_x509_privkey_import(private_key, &datum, GNUTLS_X509_FMT_DER), "server key");
    for (i = 0; i < count; i++) {
        datum = datum_of(chain[i]);
        must(gnutls_x509_crt_init(&list[i]), "server certificate");
        must(gnutls_x509_crt_import(list[i], &datum, GNUTLS_X509_FMT_DER), "server certificate");
    }
    must(gnutls_certificate_set_x509_key(credentials, list, (int)count, private_key),
         "server certificate");
    for (i = 0; i < count; i++)
        gnutls_x509_crt_deinit(list[i]);
    gnutls_x509_privkey_deinit(private_key);
    return credentials;
}

static void
serve(int listener, gnutls_certificate_credentials_t credentials)
{
    int fd;

    prctl(PR_SET_PDEATHSIG, SIGKILL);
    signal(SIGPIPE, SIG_IGN);
    while ((fd = accept(listener, NULL, NULL)) >= 0) {
        send_at_once(fd);
        serve_one(credentials, fd);
        close(fd);
    }
}

pid_t
peer_start(const struct ss_bytes *chain, size_t count, struct ss_bytes key, uint16_t *port)
{
    struct sockaddr_in address = here(0);
    socklen_t len = sizeof(address);
    int listener = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    pid_t peer;

    if (listener < 0 || bind(listener, (struct sockaddr *)&address, sizeof(address)) != 0 ||
        listen(listener, 128) != 0 ||
        getsockname(listener, (struct sockaddr *)&address, &len) != 0)
        bench_fail("no port to listen on");
    *port = ntohs(address.sin_port);
    peer = fork();
    must(peer, "fork");
    if (peer == 0) {
        serve(listener, credentials_of(chain, count, key));
        _exit(0);
    }
    close(listener);
    return peer;
}

void
peer_stop(pid_t peer)
{
    kill(peer, SIGKILL);
    waitpid(peer, NULL, 0);
}

/* ---- the floor ---- */

struct raw_client {
    gnutls_certificate_credentials_t credentials;
};

struct raw_client *
raw_client_new(struct ss_bytes root)
{
    struct raw_client *client = calloc(1, sizeof(*client));
    gnutls_datum_t datum = datum_of(root);

    if (client == NULL)
        bench_fail("out of memory");
    must(gnutls_certificate_allocate_credentials(&client->credentials), "client credentials");
    must(gnutls_certificate_set_x509_trust_mem(client->credentials, &datum, GNUTLS_X509_FMT_DER),
         "client root");
    return client;
}

void
raw_client_free(struct raw_client *client)
{
    gnutls_certificate_free_credentials(client->credentials);
    free(client);
}

static size_t
ask(gnutls_session_t session)
{
    static const char request[] = "GET " PEER_PATH " HTTP/1.1\r\nHost: " PEER_HOST
                                  "\r\nAccept: */*\r\n\r\n";
    char body[65536];
    size_t len = 0;
    ssize_t got;

    must((int)gnutls_record_send(session, request, sizeof(request) - 1), "request");
    while ((got = gnutls_record_recv(session, body, sizeof(body))) > 0)
        len += (size_t)got;
    return len;
}

size_t
raw_client_fetch(struct raw_client *client, uint16_t port)
{
    struct sockaddr_in address = here(port);
    int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    gnutls_session_t session;
    size_t len;

    must(fd, "socket");
    send_at_once(fd);
    must(connect(fd, (struct sockaddr *)&address, sizeof(address)), "connect");
    must(gnutls_init(&session, GNUTLS_CLIENT), "session");
    must(gnutls_set_default_priority(session), "priority");
    must(gnutls_server_name_set(session, GNUTLS_NAME_DNS, PEER_HOST, strlen(PEER_HOST)), "name");
    must(gnutls_credentials_set(session, GNUTLS_CRD_CERTIFICATE, client->credentials), "trust");
    gnutls_session_set_verify_cert(session, PEER_HOST, 0);
    gnutls_transport_set_int(session, fd);
    must(shake_hands(session), "handshake of the floor");
    len = ask(session);
    gnutls_bye(session, GNUTLS_SHUT_WR);
    gnutls_deinit(session);
    close(fd);
    return len;
}
