/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * A process that only verifies, as one in a chroot would: it gets a
 * requirement from the process that evaluated, and judges a chain by it.
 * It asks no DNS and loads no HTTPS part.
 *
 *   smtpsec check --save-requirements . example.org
 *   verify_minimal example.org_mx.example.org.req chain.pem [ca.pem]
 */
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include <gnutls/gnutls.h>

#include <smtpsec.h>

enum { LIMIT = 256 * 1024, TLS_1_3 = 0x0304 };

/* A whole file with a NUL behind it, to be freed; NULL when it cannot be read. */
static char *
read_file(const char *path, size_t *len)
{
    FILE *file = fopen(path, "rb");
    char *data = malloc(LIMIT + 1);

    if (file != NULL && data != NULL) {
        *len = fread(data, 1, LIMIT, file);
        data[*len] = '\0';
    } else {
        free(data);
        data = NULL;
    }
    if (file != NULL)
        fclose(file);
    return data;
}

static int
read_requirement(const char *path, struct smtpsec_requirement **out)
{
    size_t len = 0;
    char *data = read_file(path, &len);
    int rc = SMTPSEC_E_SYSTEM;

    if (data != NULL)
        rc = smtpsec_requirement_read(NULL, (const uint8_t *)data, len, out);
    free(data);
    return rc;
}

/* A mail server has the certificates in DER from its TLS library already. */
static int
add_chain(struct smtpsec_session *session, char *pem)
{
    static const char begin[] = "-----BEGIN CERTIFICATE-----";
    char *at = strstr(pem, begin);
    int rc = at != NULL ? 0 : SMTPSEC_E_FORMAT;

    while (rc == 0 && at != NULL) {
        gnutls_datum_t text = {(unsigned char *)at, (unsigned int)strlen(at)};
        gnutls_datum_t der = {NULL, 0};

        if (gnutls_pem_base64_decode2("CERTIFICATE", &text, &der) != 0)
            rc = SMTPSEC_E_FORMAT;
        else
            rc = smtpsec_session_add_certificate(session, der.data, der.size);
        gnutls_free(der.data);
        at = strstr(at + 1, begin);
    }
    return rc;
}

static int
fill_session(struct smtpsec_session *session, const char *path)
{
    size_t len = 0;
    char *pem = read_file(path, &len);
    int rc = pem == NULL ? SMTPSEC_E_SYSTEM
                         : smtpsec_session_set_starttls(session, SMTPSEC_STARTTLS_DONE);

    if (rc == 0)
        rc = smtpsec_session_set_tls_version(session, TLS_1_3);
    if (rc == 0)
        rc = add_chain(session, pem);
    free(pem);
    return rc;
}

int
main(int argc, char **argv)
{
    struct smtpsec_anchors *anchors = NULL;
    struct smtpsec_requirement *requirement = NULL;
    struct smtpsec_session *session = NULL;
    struct smtpsec_verdict *verdict = NULL;
    int accepted = 0;
    int rc;

    if (argc < 3 || argc > 4) {
        fprintf(stderr, "usage: verify_minimal REQUIREMENT CHAIN [CAS]\n");
        return 64;
    }
    rc = smtpsec_anchors_new(&anchors);
    if (rc == 0 && argc == 4) /* before the chroot; DANE alone needs none */
        rc = smtpsec_anchors_load_file(anchors, argv[3]);
    if (rc == 0)
        rc = read_requirement(argv[1], &requirement);
    if (rc == 0)
        rc = smtpsec_session_new(&session);
    if (rc == 0)
        rc = fill_session(session, argv[2]);
    if (rc == 0)
        rc = smtpsec_verify(anchors, requirement, session, (int64_t)time(NULL), &verdict);
    if (rc == 0) {
        accepted = smtpsec_verdict_accepted(verdict);
        printf("%s: %s\n", accepted ? "accept" : "reject", smtpsec_verdict_text(verdict));
    } else {
        fprintf(stderr, "%s\n", smtpsec_strerror(rc));
    }
    smtpsec_verdict_free(verdict);
    smtpsec_session_free(session);
    smtpsec_requirement_free(requirement);
    smtpsec_anchors_free(anchors);
    return accepted ? 0 : 1;
}
