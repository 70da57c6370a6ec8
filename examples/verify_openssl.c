/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * A mail client on OpenSSL that judges a host inside the TLS handshake, by a
 * requirement from the process that evaluated.
 *
 *   smtpsec check --save-requirements . example.org
 *   verify_openssl example.org_mx.example.org.req mx.example.org:25 [ca.pem]
 */
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include <openssl/bio.h>
#include <openssl/ssl.h>

#include <smtpsec.h>
#include <smtpsec_openssl.h>

enum { REQUIREMENT_MAX = 256 * 1024, LINE_MAX_OCTETS = 1024 };

/* Shake hands and judge: 1 accepted, 0 not, negative an error. */
static int
shake_hands(SSL *ssl, struct smtpsec_anchors *anchors,
            const struct smtpsec_requirement *requirement)
{
    struct smtpsec_openssl *binding = NULL;
    const struct smtpsec_verdict *verdict;
    int accepted = 0;
    int rc = smtpsec_openssl_new(anchors, requirement, (int64_t)time(NULL), &binding);

    if (rc == 0)
        rc = smtpsec_openssl_attach(binding, ssl);
    if (rc == 0) {
        SSL_connect(ssl); /* fails on a reject; why, the verdict says */
        rc = smtpsec_openssl_finish(binding, ssl, NULL);
    }
    if (rc == 0) {
        verdict = smtpsec_openssl_verdict(binding);
        accepted = smtpsec_verdict_accepted(verdict);
        printf("%s\n", smtpsec_verdict_text(verdict));
        /* Here a mail server records: smtpsec_outcome_set_session(outcome,
           smtpsec_openssl_session(binding), verdict). */
    }
    SSL_free(ssl);
    smtpsec_openssl_free(binding);
    return rc != 0 ? rc : accepted;
}

/* Octets after a reply came in cleartext and must not pass for TLS: none may wait behind it. */
static int
reply(BIO *bio, char digit)
{
    char line[LINE_MAX_OCTETS];
    int len;

    do
        len = BIO_gets(bio, line, sizeof(line));
    while (len > 3 && line[3] == '-');
    return len > 3 && line[0] == digit && BIO_pending(bio) == 0;
}

/* The plain part of the dialogue, line by line; NULL when STARTTLS is not to be had. */
static SSL *
starttls(SSL_CTX *ctx, const char *where)
{
    BIO *plain = BIO_new_connect(where);
    BIO *lines = BIO_new(BIO_f_buffer());
    SSL *ssl = NULL;

    if (plain == NULL || lines == NULL) {
        BIO_free(plain);
        BIO_free(lines);
        return NULL;
    }
    BIO_push(lines, plain);
    if (reply(lines, '2') && BIO_puts(plain, "EHLO client.invalid\r\n") > 0 && reply(lines, '2') &&
        BIO_puts(plain, "STARTTLS\r\n") > 0 && reply(lines, '2'))
        ssl = SSL_new(ctx);
    BIO_pop(plain);
    BIO_free(lines);
    if (ssl != NULL)
        SSL_set_bio(ssl, plain, plain);
    else
        BIO_free(plain);
    return ssl;
}

static int
read_requirement(const char *path, struct smtpsec_requirement **out)
{
    FILE *file = fopen(path, "rb");
    uint8_t *data = malloc(REQUIREMENT_MAX);
    int rc = SMTPSEC_E_SYSTEM;

    if (file != NULL && data != NULL)
        rc = smtpsec_requirement_read(NULL, data, fread(data, 1, REQUIREMENT_MAX, file), out);
    if (file != NULL)
        fclose(file);
    free(data);
    return rc;
}

int
main(int argc, char **argv)
{
    SSL_CTX *ctx = SSL_CTX_new(TLS_client_method());
    struct smtpsec_anchors *anchors = NULL;
    struct smtpsec_requirement *requirement = NULL;
    SSL *ssl = NULL;
    int rc;

    if (argc < 3 || argc > 4 || ctx == NULL) {
        fprintf(stderr, "usage: verify_openssl REQUIREMENT HOST:PORT [CAS]\n");
        SSL_CTX_free(ctx);
        return 64;
    }
    rc = smtpsec_anchors_new(&anchors);
    if (rc == 0)
        rc = argc == 4 ? smtpsec_anchors_load_file(anchors, argv[3])
                       : smtpsec_anchors_load_system(anchors);
    if (rc == 0)
        rc = read_requirement(argv[1], &requirement);
    if (rc == 0)
        rc = smtpsec_openssl_install(ctx);
    if (rc == 0) {
        ssl = starttls(ctx, argv[2]);
        if (ssl == NULL)
            fprintf(stderr, "%s: no STARTTLS\n", argv[2]);
        else
            rc = shake_hands(ssl, anchors, requirement);
    }
    if (rc < 0)
        fprintf(stderr, "%s\n", smtpsec_strerror(rc));
    smtpsec_requirement_free(requirement);
    smtpsec_anchors_free(anchors);
    SSL_CTX_free(ctx);
    return rc == 1 ? 0 : 1;
}
