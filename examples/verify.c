/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* smtpsec verify: judge a certificate chain by a requirement. Nothing is looked up. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <gnutls/gnutls.h>

#include <smtpsec.h>

#include "commands.h"
#include "print_json.h"
#include "print_table.h"
#include "setup.h"
#include "text.h"

enum { FILE_LIMIT = 1024 * 1024, TLS_1_3 = 0x0304 };

static int
read_requirement(const char *path, struct smtpsec_requirement **out)
{
    char *data = NULL;
    size_t len = 0;
    int rc;

    if (text_read_file(path, FILE_LIMIT, &data, &len) != 0)
        return TOOL_NO_INPUT;
    rc = smtpsec_requirement_read(NULL, (const uint8_t *)data, len, out);
    if (rc != 0)
        tool_say("%s: %s", path, smtpsec_strerror(rc));
    free(data);
    return tool_exit_of_error(rc);
}

/* Add each certificate of a PEM text, in its order. Returns an exit code. */
static int
add_certificates(struct smtpsec_session *session, const char *pem)
{
    static const char begin[] = "-----BEGIN CERTIFICATE-----";
    const char *at = strstr(pem, begin);
    int rc = at != NULL ? 0 : SMTPSEC_E_FORMAT;

    while (rc == 0 && at != NULL) {
        const char *next = strstr(at + 1, begin);
        gnutls_datum_t text = {NULL, 0};
        gnutls_datum_t der = {NULL, 0};

        text.data = (unsigned char *)(uintptr_t)at;
        text.size = (unsigned int)(next != NULL ? (size_t)(next - at) : strlen(at));
        if (gnutls_pem_base64_decode2("CERTIFICATE", &text, &der) != 0)
            rc = SMTPSEC_E_FORMAT;
        else
            rc = smtpsec_session_add_certificate(session, der.data, der.size);
        gnutls_free(der.data);
        at = next;
    }
    if (rc != 0)
        tool_say("the chain: %s", smtpsec_strerror(rc));
    return tool_exit_of_error(rc);
}

static int
read_chain(const char *path, struct smtpsec_session **out)
{
    char *pem = NULL;
    size_t len = 0;
    int rc = smtpsec_session_new(out);

    if (rc == 0)
        rc = smtpsec_session_set_starttls(*out, SMTPSEC_STARTTLS_DONE);
    if (rc == 0)
        rc = smtpsec_session_set_tls_version(*out, TLS_1_3);
    if (rc != 0)
        return tool_exit_of_error(rc);
    if (text_read_file(path, FILE_LIMIT, &pem, &len) != 0)
        return TOOL_NO_INPUT;
    rc = add_certificates(*out, pem);
    free(pem);
    return rc;
}

static void
print_verdict_json(const struct smtpsec_requirement *requirement,
                   const struct smtpsec_verdict *verdict)
{
    json_t *object = json_new_object();

    json_put_text(object, "domain", smtpsec_requirement_domain(requirement));
    json_put_text(object, "host", smtpsec_requirement_host(requirement));
    json_put_text(object, "verdict", smtpsec_verdict_accepted(verdict) ? "accept" : "reject");
    json_put(object, "reason", json_reason(smtpsec_verdict_reason(verdict)));
    json_put_text(object, "achieved", smtpsec_level_name(smtpsec_verdict_achieved(verdict)));
    json_put(object, "identities", json_identities(smtpsec_verdict_identities(verdict)));
    json_put(object, "result_type", json_result(smtpsec_verdict_result(verdict)));
    json_put_number(object, "tlsa", smtpsec_verdict_tlsa(verdict));
    json_put_text(object, "text", smtpsec_verdict_text(verdict));
    json_put(object, "required", json_requirement(requirement));
    json_put_text(object, "digest", smtpsec_requirement_digest(requirement));
    json_put_number(object, "expires", smtpsec_requirement_expires(requirement));
    json_print_line(object);
}

static void
print_verdict(const struct smtpsec_requirement *requirement, const struct smtpsec_verdict *verdict)
{
    printf("%s %s: %s, required %s, achieved %s\n", smtpsec_requirement_domain(requirement),
           smtpsec_requirement_host(requirement),
           smtpsec_verdict_accepted(verdict) ? "accept" : "reject",
           smtpsec_level_name(smtpsec_requirement_level(requirement)),
           smtpsec_level_name(smtpsec_verdict_achieved(verdict)));
    printf("  why: %s\n", smtpsec_verdict_text(verdict));
}

/* The CAs are read only where they matter: DANE needs none. */
static int
load_anchors(const struct tool_options *options, const struct smtpsec_requirement *requirement,
             struct smtpsec_anchors **out)
{
    int pkix = (smtpsec_requirement_identities(requirement) & SMTPSEC_IDENTITY_PKIX) != 0;

    return pkix || options->ca_file != NULL ? setup_anchors(options, out) : TOOL_OK;
}

int
verify_command(struct tool_options *options)
{
    struct smtpsec_requirement *requirement = NULL;
    struct smtpsec_session *session = NULL;
    struct smtpsec_anchors *anchors = NULL;
    struct smtpsec_verdict *verdict = NULL;
    int code;

    if (options->requirement == NULL || options->chain == NULL || options->operand_count != 0)
        return options_usage(COMMAND_VERIFY, "wanted: --requirement and --chain, nothing else");
    code = read_requirement(options->requirement, &requirement);
    if (code == 0)
        code = read_chain(options->chain, &session);
    if (code == 0)
        code = load_anchors(options, requirement, &anchors);
    if (code == 0)
        code = tool_exit_of_error(
            smtpsec_verify(anchors, requirement, session, setup_now(options), &verdict));
    if (code == 0) {
        (options->json ? print_verdict_json : print_verdict)(requirement, verdict);
        code = smtpsec_verdict_accepted(verdict) ? TOOL_OK : TOOL_FAIL;
    }
    smtpsec_verdict_free(verdict);
    smtpsec_anchors_free(anchors);
    smtpsec_session_free(session);
    smtpsec_requirement_free(requirement);
    return code;
}
