/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The start of the process: parameters, what is loaded before the jail, the memory in it. */
#include <sys_defs.h>

#include <stdio.h>
#include <string.h>

#include <msg.h>
#include <mymalloc.h>
#include <vstring.h>

#include <deliver_request.h>
#include <dns.h>
#include <dsn_buf.h>
#include <mail_conf.h>
#include <mail_params.h>
#define TLS_INTERNAL /* for the SSL_CTX */
#include <tls.h>

#include "smtp.h"
#include "smtp_smtpsec_state.h"

/* Parameters, in main.cf or by -o in master.cf. */
#define PARAM_MEMORY "smtp_smtpsec_memory_directory"
#define PARAM_POLICY "smtp_smtpsec_policy_file"
#define PARAM_CAFILE "smtp_smtpsec_CAfile"
#define PARAM_TIMEOUT "smtp_smtpsec_timeout"
#define PARAM_PRIVATE "smtp_smtpsec_insecure_allow_private_policy_hosts"

struct glue_set glue_set;
struct glue_at glue_at;

static struct smtpsec_options *options;
static struct smtpsec_context *outside; /* made before the jail: keeps the HTTPS part loaded */

void
glue_tell_events(void)
{
    while (smtpsec_event_next(glue_set.context)) {
        int32_t kind = smtpsec_event_kind(glue_set.context);
        const char *domain = smtpsec_event_domain(glue_set.context);

        if (kind == SMTPSEC_EVENT_WOULD_REFUSE || kind == SMTPSEC_EVENT_REFUSED)
            msg_info("smtpsec: %s%s%s: %s", smtpsec_event_name(kind), *domain ? ": " : "", domain,
                     smtpsec_event_text(glue_set.context));
        else
            msg_warn("smtpsec: %s%s%s: %s", smtpsec_event_name(kind), *domain ? ": " : "", domain,
                     smtpsec_event_text(glue_set.context));
    }
}

void
glue_tell(const SMTP_STATE *state, int refused, const char *text)
{
    msg_info("%s: smtpsec: %s%s", state->request->queue_id,
             refused && glue_set.mode != GLUE_ENFORCE ? "would refuse: " : "", text);
}

void
glue_set_reason(DSN_BUF *why, const char *enhanced, const char *text)
{
    char status[16];

    snprintf(status, sizeof(status), "%s", *enhanced ? enhanced : "4.7.5");
    status[0] = '4';
    dsb_simple(why, status, "%s", *text ? text : "transport security cannot be had");
}

/* ---- Start -------------------------------------------------------------- */

/*
 * Without what was asked for, enforcing starts nothing: the mail stays in the
 * queue until that is mended. Reporting lets mail go on as if it were off.
 */
static void
give_up(const char *what, int rc, const char *detail)
{
    const char *error = rc != 0 ? smtpsec_strerror(rc) : "";

    if (glue_set.mode == GLUE_ENFORCE)
        msg_fatal("smtpsec: %s: %s%s%s", what, error, *error && *detail ? ": " : "", detail);
    msg_warn("smtpsec: off: %s: %s%s%s", what, error, *error && *detail ? ": " : "", detail);
    glue_set.mode = GLUE_OFF;
}

static enum glue_mode
mode_of(const char *word)
{
    if (strcmp(word, "off") == 0)
        return GLUE_OFF;
    if (strcmp(word, "report") == 0)
        return GLUE_REPORT;
    if (strcmp(word, "enforce") == 0)
        return GLUE_ENFORCE;
    msg_fatal("%s = %s: not off, report or enforce", PARAM_MODE, word);
}

static int
load_anchors(const char *file)
{
    int rc = smtpsec_anchors_new(&glue_set.anchors);

    if (rc == 0)
        rc = *file ? smtpsec_anchors_load_file(glue_set.anchors, file)
                   : smtpsec_anchors_load_system(glue_set.anchors);
    return rc;
}

static int
fill_options(const char *policy, int allow_private)
{
    int rc = smtpsec_options_new(&options);

    if (rc == 0 && *policy)
        rc = smtpsec_options_load_policy(options, policy);
    if (rc == 0)
        rc = smtpsec_options_set_anchors(options, glue_set.anchors);
    if (rc == 0)
        rc = smtpsec_options_load_system_resolvers(options);
    if (rc == 0 && allow_private)
        rc = smtpsec_options_insecure_allow_private_policy_hosts(options, 1);
    return rc;
}

/*
 * A TLS session that our verdict has not accepted is not kept, or the next
 * process would resume what this one refused. In TLS 1.2 a session is offered
 * here before the verdict; smtp_smtpsec_judge() then brings it again.
 */
static int
keep_session(SSL *ssl, SSL_SESSION *session)
{
    if (glue_at.requirement != NULL && glue_at.accepted != ssl)
        return 0;
    return glue_set.store_session(ssl, session);
}

static void
guard_sessions(void)
{
    glue_set.store_session = SSL_CTX_sess_get_new_cb(smtp_tls_ctx->ssl_ctx);
    if (glue_set.store_session != NULL)
        SSL_CTX_sess_set_new_cb(smtp_tls_ctx->ssl_ctx, keep_session);
}

void
smtp_smtpsec_pre_init(void)
{
    const char *cafile;
    int rc;

    if (!smtp_mode)
        return;
    glue_set.mode = mode_of(get_mail_conf_str(PARAM_MODE, "off", 1, 0));
    if (glue_set.mode == GLUE_OFF)
        return;
    glue_set.memory_directory = get_mail_conf_str(PARAM_MEMORY, "smtpsec", 0, 0);
    glue_set.timeout_s = get_mail_conf_time(PARAM_TIMEOUT, "30s", 1, 300);
    cafile = get_mail_conf_str(PARAM_CAFILE, "", 0, 0);
    if (!smtpsec_version_check(0, 1, 0))
        give_up("libsmtpsec", SMTPSEC_E_VERSION, smtpsec_version());
    if (glue_set.mode != GLUE_OFF && smtp_tls_ctx == 0)
        give_up("TLS is off", 0, "smtp_tls_security_level must be `may' at least");
    if (glue_set.mode != GLUE_OFF && (rc = load_anchors(cafile)) != 0)
        give_up("trust anchors", rc, smtpsec_anchors_error(glue_set.anchors));
    if (glue_set.mode != GLUE_OFF &&
        (rc = fill_options(get_mail_conf_str(PARAM_POLICY, "", 0, 0),
                           get_mail_conf_bool(PARAM_PRIVATE, 0))) != 0)
        give_up("settings", rc, smtpsec_options_error(options));
    /* In the jail the HTTPS part could not be opened; once loaded, it is found by its name. */
    if (glue_set.mode != GLUE_OFF && (rc = smtpsec_context_new(options, &outside)) != 0)
        give_up("context", rc, smtpsec_options_error(options));
    if (glue_set.mode != GLUE_OFF)
        guard_sessions();
}

/* Relative to the queue directory, which is where smtp(8) stands, chrooted or not. */
void
smtp_smtpsec_post_init(void)
{
    int rc = 0;

    if (glue_set.mode == GLUE_OFF)
        return;
    if (*glue_set.memory_directory)
        rc = smtpsec_options_set_memory(options, glue_set.memory_directory);
    if (rc == 0)
        rc = smtpsec_context_new(options, &glue_set.context);
    if (rc != 0)
        give_up("context", rc, smtpsec_options_error(options));
    else
        glue_tell_events();
}
