/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * A mail server whose second certificate is none: odd_chain ADDRESS CERTIFICATE KEY.
 * Clients that parse a chain from its top may stop there and see no certificate
 * at all. It takes every message, and prints what it was told.
 */
#include <arpa/inet.h>
#include <gnutls/abstract.h>
#include <gnutls/gnutls.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

static unsigned char garbage[] = "\x30\x07garbage";
static gnutls_pcert_st chain[2];
static gnutls_privkey_t key;

static int
give_chain(gnutls_session_t session, const struct gnutls_cert_retr_st *info,
           gnutls_pcert_st **certificates, unsigned int *count, gnutls_ocsp_data_st **ocsp,
           unsigned int *ocsp_count, gnutls_privkey_t *private_key, unsigned int *flags)
{
    (void)session;
    (void)info;
    (void)ocsp;
    *certificates = chain;
    *count = 2;
    *ocsp_count = 0;
    *private_key = key;
    *flags = 0;
    return 0;
}

static int
load(const char *certificate, const char *private_key)
{
    gnutls_datum_t one = {NULL, 0};
    gnutls_datum_t other = {NULL, 0};

    if (gnutls_load_file(certificate, &one) != 0 || gnutls_load_file(private_key, &other) != 0 ||
        gnutls_pcert_import_x509_raw(&chain[0], &one, GNUTLS_X509_FMT_PEM, 0) != 0 ||
        gnutls_privkey_init(&key) != 0 ||
        gnutls_privkey_import_x509_raw(key, &other, GNUTLS_X509_FMT_PEM, NULL, 0) != 0)
        return -1;
    chain[1] = chain[0];
    chain[1].cert.data = garbage;
    chain[1].cert.size = sizeof(garbage) - 1;
    return 0;
}

static int
listen_at(const char *address)
{
    struct sockaddr_in where = {.sin_family = AF_INET, .sin_port = htons(25)};
    int fd = socket(AF_INET, SOCK_STREAM, 0);
    int one = 1;

    if (fd < 0 || inet_pton(AF_INET, address, &where.sin_addr) != 1 ||
        setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &one, sizeof(one)) != 0 ||
        bind(fd, (struct sockaddr *)&where, sizeof(where)) != 0 || listen(fd, 5) != 0)
        return -1;
    return fd;
}

static void
say(gnutls_session_t session, const char *line)
{
    (void)gnutls_record_send(session, line, strlen(line));
}

/* No more of SMTP than a client needs; it sends a command a record. */
static void
take_messages(gnutls_session_t session)
{
    char text[4096];
    int in_data = 0;
    ssize_t len;

    while ((len = gnutls_record_recv(session, text, sizeof(text) - 1)) > 0) {
        text[len] = '\0';
        if (in_data && strstr(text, "\r\n.\r\n") == NULL)
            continue;
        printf("%.4s\n", in_data ? "took" : text);
        say(session, !in_data && strncmp(text, "DATA", 4) == 0 ? "354 go on\r\n" : "250 well\r\n");
        in_data = !in_data && strncmp(text, "DATA", 4) == 0;
    }
}

/* In the clear up to STARTTLS. Returns 0 when that was said. */
static int
greet(int fd)
{
    static const char *const lines[] = {"220 odd ESMTP\r\n", "250-odd\r\n250 STARTTLS\r\n",
                                        "220 go on\r\n"};
    char text[1024] = "";
    size_t i;

    for (i = 0; i < 3; i++) {
        if (i > 0 && read(fd, text, sizeof(text) - 1) <= 0)
            return -1;
        if (write(fd, lines[i], strlen(lines[i])) <= 0)
            return -1;
    }
    return strncmp(text, "STARTTLS", 8) == 0 ? 0 : -1;
}

static void
serve(int fd, gnutls_certificate_credentials_t credentials)
{
    gnutls_session_t session = NULL;
    int rc = -1;

    if (greet(fd) != 0 || gnutls_init(&session, GNUTLS_SERVER) != 0)
        return;
    if (gnutls_set_default_priority(session) == 0 &&
        gnutls_credentials_set(session, GNUTLS_CRD_CERTIFICATE, credentials) == 0) {
        gnutls_transport_set_int(session, fd);
        do {
            rc = gnutls_handshake(session);
        } while (rc < 0 && gnutls_error_is_fatal(rc) == 0);
    }
    printf("handshake: %s\n", gnutls_strerror(rc));
    if (rc == 0)
        take_messages(session);
    gnutls_deinit(session);
}

int
main(int argc, char **argv)
{
    gnutls_certificate_credentials_t credentials = NULL;
    int door;

    if (argc != 4 || load(argv[2], argv[3]) != 0 || (door = listen_at(argv[1])) < 0 ||
        gnutls_certificate_allocate_credentials(&credentials) != 0) {
        perror("odd_chain");
        return 1;
    }
    gnutls_certificate_set_retrieve_function3(credentials, give_chain);
    setvbuf(stdout, NULL, _IOLBF, 0);
    printf("listening\n");
    for (;;) {
        int fd = accept(door, NULL, NULL);

        if (fd < 0)
            return 1;
        serve(fd, credentials);
        close(fd);
    }
}
