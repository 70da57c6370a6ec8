/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * A process that verifies once and ends, as a mail server's child may:
 * start_verify REQUIREMENT CERTIFICATE [--maps]. It ends with 0 when the
 * session is accepted; with --maps it prints the libraries that it has mapped.
 */
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <smtpsec.h>

#define NOW INT64_C(1800000000)

static size_t
read_file(const char *path, uint8_t *room, size_t most)
{
    FILE *file = fopen(path, "rb");
    size_t len = file != NULL ? fread(room, 1, most, file) : 0;

    if (file != NULL)
        fclose(file);
    return len;
}

static void
print_maps(void)
{
    FILE *file = fopen("/proc/self/maps", "r");
    char line[4096], last[4096] = "";

    while (file != NULL && fgets(line, sizeof(line), file) != NULL) {
        const char *path = strchr(line, '/');

        if (path == NULL || strstr(path, ".so") == NULL || strcmp(path, last) == 0)
            continue;
        strcpy(last, path);
        fputs(path, stdout);
    }
    if (file != NULL)
        fclose(file);
}

int
main(int argc, char **argv)
{
    struct smtpsec_options *options = NULL;
    struct smtpsec_context *context = NULL;
    struct smtpsec_requirement *requirement = NULL;
    struct smtpsec_session *session = NULL;
    struct smtpsec_verdict *verdict = NULL;
    uint8_t blob[16384], der[8192];
    int accepted = 0, rc;

    if (argc < 3)
        return 64;
    rc = smtpsec_options_new(&options);
    if (rc == 0)
        rc = smtpsec_context_new(options, &context);
    if (rc == 0)
        rc = smtpsec_requirement_read(NULL, blob, read_file(argv[1], blob, sizeof(blob)),
                                      &requirement);
    if (rc == 0)
        rc = smtpsec_session_new(&session);
    if (rc == 0)
        rc = smtpsec_session_set_starttls(session, SMTPSEC_STARTTLS_DONE);
    if (rc == 0)
        rc = smtpsec_session_set_tls_version(session, 0x0304);
    if (rc == 0)
        rc = smtpsec_session_add_certificate(session, der, read_file(argv[2], der, sizeof(der)));
    if (rc == 0)
        rc = smtpsec_verify(NULL, requirement, session, NOW, &verdict);
    if (rc == 0)
        accepted = smtpsec_verdict_accepted(verdict);
    if (argc > 3 && strcmp(argv[3], "--maps") == 0)
        print_maps();
    if (rc != 0)
        fprintf(stderr, "start_verify: %s\n", smtpsec_strerror(rc));
    smtpsec_verdict_free(verdict);
    smtpsec_session_free(session);
    smtpsec_requirement_free(requirement);
    smtpsec_context_free(context);
    smtpsec_options_free(options);
    return accepted ? 0 : 1;
}
