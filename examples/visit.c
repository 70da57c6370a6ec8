/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "visit.h"

#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "print_json.h"
#include "setup.h"

void
visit_way_init(struct visit_way *way, const struct tool_options *options,
               const struct smtpsec_anchors *anchors, uint16_t port)
{
    memset(way, 0, sizeof(*way));
    way->options = options;
    way->anchors = anchors;
    way->port = port;
    if (options->helo != NULL)
        snprintf(way->helo, sizeof(way->helo), "%s", options->helo);
    else if (gethostname(way->helo, sizeof(way->helo) - 1) != 0 || way->helo[0] == '\0')
        snprintf(way->helo, sizeof(way->helo), "localhost");
}

static void
keep_reply(struct visit *visit)
{
    memcpy(visit->said, visit->client.reply, sizeof(visit->said));
}

int32_t
visit_classify(struct visit *visit, const struct smtpsec_requirement *requirement, int32_t stage,
               int code)
{
    visit->reply = smtpsec_classify_reply(requirement, visit->verdict, stage, code > 0 ? code : 0,
                                          &visit->why);
    return visit->reply;
}

int32_t
visit_failure(const struct visit *visit)
{
    /* RTLS-15: a connection that was lost, at STARTTLS say, shows no want of anything. */
    if (visit->why == SMTPSEC_REASON_CONNECT_FAILED)
        return visit->why;
    return visit->accepted ? visit->why : visit->reason;
}

/* EHLO, and HELO where that may stand for it. */
static int32_t
greet(struct visit *visit, const struct visit_way *way,
      const struct smtpsec_requirement *requirement)
{
    int code = smtp_client_ehlo(&visit->client, way->helo);

    if (visit_classify(visit, requirement, SMTPSEC_STAGE_EHLO, code) == SMTPSEC_REPLY_WITHOUT)
        code = smtp_client_helo(&visit->client, way->helo);
    /* Nothing is weaker than HELO: whoever refuses that, too, cannot be talked to. */
    if (visit->reply == SMTPSEC_REPLY_WITHOUT)
        visit_classify(visit, requirement, SMTPSEC_STAGE_GREETING, code);
    return visit->reply;
}

/* Connect to one address, up to the reply to EHLO. Returns 0 when the dialogue can go on. */
static int
reach(struct visit *visit, const struct visit_way *way,
      const struct smtpsec_requirement *requirement, const char *address)
{
    int code;

    visit->address = address;
    smtp_client_init(&visit->client, way->options->timeout_ms);
    code = smtp_client_connect(&visit->client, address, way->port);
    if (visit_classify(visit, requirement, SMTPSEC_STAGE_GREETING, code) == SMTPSEC_REPLY_GO_ON)
        greet(visit, way, requirement);
    keep_reply(visit);
    if (visit->reply == SMTPSEC_REPLY_GO_ON)
        return 0;
    smtp_client_quit(&visit->client);
    smtp_client_close(&visit->client);
    return -1;
}

static int
reach_any(struct visit *visit, const struct visit_way *way, const struct smtpsec_host *host)
{
    const struct smtpsec_requirement *requirement = smtpsec_host_requirement(host);
    size_t i;

    for (i = 0; i < smtpsec_host_address_count(host); i++) {
        if (reach(visit, way, requirement, smtpsec_host_address(host, i)) == 0)
            return 0;
        if (visit->reply == SMTPSEC_REPLY_FAIL)
            break;
    }
    /* EHLO was refused for good: there is a server, and it has no STARTTLS. */
    if (visit->why != SMTPSEC_REASON_CONNECT_FAILED)
        visit->starttls = SMTPSEC_STARTTLS_ABSENT;
    return -1;
}

/* Say STARTTLS and do the handshake. Returns what came of it. */
static int32_t
try_starttls(struct visit *visit, const struct smtpsec_requirement *requirement)
{
    struct smtp_client *client = &visit->client;
    int code;

    if (!client->offers.starttls)
        return SMTPSEC_STARTTLS_ABSENT;
    code = smtp_client_command(client, "STARTTLS");
    keep_reply(visit);
    if (visit_classify(visit, requirement, SMTPSEC_STAGE_STARTTLS, code) != SMTPSEC_REPLY_GO_ON)
        return code > 0 ? SMTPSEC_STARTTLS_REFUSED : SMTPSEC_STARTTLS_FAILED;
    /* PREC-16: bytes pushed in behind the 220 end it where TLS is required; else they are lost. */
    if (smtp_client_drop_input(client) &&
        smtpsec_requirement_tls(requirement) != SMTPSEC_TLS_OPTIONAL)
        return SMTPSEC_STARTTLS_INJECTED;
    if (smtp_client_handshake(client, smtpsec_requirement_sni(requirement)) == 0)
        return SMTPSEC_STARTTLS_DONE;
    keep_reply(visit);
    return SMTPSEC_STARTTLS_FAILED;
}

/* Tell the library what was seen, and ask for its verdict. */
static int
judge(struct visit *visit, const struct visit_way *way,
      const struct smtpsec_requirement *requirement)
{
    int rc = 0;

    if (visit->starttls == SMTPSEC_STARTTLS_DONE) {
        gnutls_session_t tls = visit->client.tls;

        snprintf(visit->tls, sizeof(visit->tls), "%s",
                 gnutls_protocol_get_name(gnutls_protocol_get_version(tls)));
        rc = smtpsec_session_from_gnutls(visit->session, tls);
    }
    if (rc == 0)
        rc = smtpsec_session_set_starttls(visit->session, visit->starttls);
    if (rc == 0)
        rc = smtpsec_verify(way->anchors, requirement, visit->session, setup_now(way->options),
                            &visit->verdict);
    if (rc != 0)
        return rc;
    visit->accepted = smtpsec_verdict_accepted(visit->verdict);
    visit->reason = smtpsec_verdict_reason(visit->verdict);
    return 0;
}

static void
reject(struct visit *visit, int32_t reason)
{
    visit->accepted = 0;
    visit->ready = 0;
    visit->reason = reason;
}

/* After the handshake: what was known from before TLS is void (RFC 3207 4.2, PREC-15). */
static void
greet_again(struct visit *visit, const struct visit_way *way,
            const struct smtpsec_requirement *requirement)
{
    int code = smtp_client_ehlo(&visit->client, way->helo);

    keep_reply(visit);
    if (visit_classify(visit, requirement, SMTPSEC_STAGE_EHLO_AGAIN, code) != SMTPSEC_REPLY_GO_ON)
        return;
    visit->ready = 1;
    visit->requiretls_offered = visit->client.offers.requiretls;
    /* RTLS-12, RTLS-14: only the EHLO inside TLS counts. */
    if (smtpsec_requirement_requiretls(requirement) && !visit->requiretls_offered)
        reject(visit, SMTPSEC_REASON_REQUIRETLS_UNSUPPORTED);
}

/* A handshake broke where cleartext is allowed: a new connection, as the old one is unusable. */
static void
retry_in_cleartext(struct visit *visit, const struct visit_way *way,
                   const struct smtpsec_requirement *requirement)
{
    smtp_client_close(&visit->client);
    visit->ready = reach(visit, way, requirement, visit->address) == 0;
}

/* The verdict has accepted what came of STARTTLS. */
static void
go_on(struct visit *visit, const struct visit_way *way,
      const struct smtpsec_requirement *requirement)
{
    if (visit->starttls == SMTPSEC_STARTTLS_DONE)
        greet_again(visit, way, requirement);
    else if (visit->starttls == SMTPSEC_STARTTLS_FAILED)
        retry_in_cleartext(visit, way, requirement);
    else
        visit->ready = visit->client.fd >= 0 && visit->reply != SMTPSEC_REPLY_FAIL;
}

int
visit_host(struct visit *visit, const struct visit_way *way, const struct smtpsec_host *host)
{
    const struct smtpsec_requirement *requirement = smtpsec_host_requirement(host);
    int rc;

    memset(visit, 0, sizeof(*visit));
    smtp_client_init(&visit->client, way->options->timeout_ms);
    rc = smtpsec_session_new(&visit->session);
    if (rc != 0 || requirement == NULL)
        return rc != 0 ? rc : SMTPSEC_E_INVALID;
    if (reach_any(visit, way, host) == 0)
        visit->starttls = try_starttls(visit, requirement);
    rc = judge(visit, way, requirement);
    if (rc == 0 && visit->accepted)
        go_on(visit, way, requirement);
    if (rc == 0 && !visit->accepted)
        smtp_client_quit(&visit->client);
    return rc;
}

int
visit_record(const struct visit *visit, struct smtpsec_context *context,
             const struct smtpsec_requirement *requirement, int message_accepted, int null_sender)
{
    struct smtpsec_outcome *outcome = NULL;
    int64_t now = smtpsec_context_now(context);
    int rc = smtpsec_outcome_new(requirement, now, &outcome);

    if (rc == 0)
        rc = smtpsec_outcome_set_session(outcome, visit->session, visit->verdict);
    if (rc == 0)
        rc = smtpsec_outcome_set_requiretls_offered(outcome, visit->requiretls_offered);
    if (rc == 0)
        rc = smtpsec_outcome_set_accepted(outcome, message_accepted);
    if (rc == 0)
        rc = smtpsec_outcome_set_null_sender(outcome, null_sender);
    if (rc == 0)
        rc = smtpsec_record(context, outcome, now);
    smtpsec_outcome_free(outcome);
    return rc;
}

void
visit_end(struct visit *visit)
{
    smtp_client_quit(&visit->client);
    smtpsec_verdict_free(visit->verdict);
    smtpsec_session_free(visit->session);
    visit->verdict = NULL;
    visit->session = NULL;
}

/* What the server did with STARTTLS, in the words of the contract. */
static const char *
starttls_word(int32_t starttls)
{
    switch (starttls) {
    case SMTPSEC_STARTTLS_NOT_REACHED:
        return "not-reached";
    case SMTPSEC_STARTTLS_ABSENT:
        return "absent";
    case SMTPSEC_STARTTLS_REFUSED:
        return "refused";
    default:
        return "offered";
    }
}

json_t *
visit_json(const struct visit *visit)
{
    json_t *object = json_new_object();

    json_put_text(object, "starttls", starttls_word(visit->starttls));
    json_put_text_or_null(object, "tls", visit->tls);
    json_put_text(object, "verdict", visit->accepted ? "accept" : "reject");
    json_put_text(object, "achieved",
                  smtpsec_level_name(smtpsec_verdict_achieved(visit->verdict)));
    json_put(object, "result_type", json_result(smtpsec_verdict_result(visit->verdict)));
    json_put(object, "reason", json_reason(visit->accepted ? SMTPSEC_REASON_NONE : visit->reason));
    json_put_bool(object, "would_refuse", smtpsec_verdict_would_refuse(visit->verdict));
    json_put_text(object, "starttls_result", smtpsec_starttls_name(visit->starttls));
    json_put(object, "identities",
             json_identities(smtpsec_verdict_identities(visit->verdict)));
    json_put_number(object, "tlsa",
                    visit->verdict != NULL ? smtpsec_verdict_tlsa(visit->verdict) : -1);
    json_put_text(object, "text", smtpsec_verdict_text(visit->verdict));
    json_put_text_or_null(object, "address", visit->address);
    json_put_bool(object, "requiretls_offered", visit->requiretls_offered);
    json_put_text(object, "reply", visit->said);
    return object;
}
