/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * smtpsec_exim.so: what Exim's configuration calls by ${dlfunc}.
 *
 * Exim treats a list of hosts or an event whose expansion fails as if nothing
 * was asked. So what may weaken a delivery never fails: it gives the stricter
 * answer. And all of it is checked again by the gate, which Exim expands after
 * the handshake and before MAIL, and whose failure keeps the message.
 */
#include "exim_abi.h"

#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "connection.h"
#include "helper.h"
#include "note.h"
#include "record.h"
#include "route.h"

/* Exim runs one thing at a time, and copies an answer before it calls again. */
static struct exim_connection connection;
static char reply[8192];

static int
yields(unsigned char **yield, int status)
{
    *yield = (unsigned char *)reply;
    return status;
}

static int
fails(unsigned char **yield, const char *text)
{
    snprintf(reply, sizeof(reply), "%s", text);
    exim_printable(reply);
    return yields(yield, EXIM_FAIL);
}

static const char *
argument(unsigned char *argv[], int n)
{
    return (const char *)argv[n];
}

/* The state of this process, with the settings of the file. Returns 0 or -1. */
static int
begin(int argc, unsigned char *argv[], int wanted, char *wrong, size_t room)
{
    if (connection.pid != getpid())
        exim_connection_reset(&connection);
    if (argc != wanted) {
        snprintf(wrong, room, "%d arguments are wanted, %d were given", wanted, argc);
        return -1;
    }
    if (!connection.settings_known &&
        exim_settings_load(&connection.settings, argument(argv, 0), wrong, room) != 0)
        return -1;
    connection.settings_known = 1;
    return 0;
}

/* {SETTINGS}{DOMAIN}{SENDER}{HEADERS} -> data for a redirect router */
EXIM_FUNCTION(smtpsec_route)
{
    char wrong[EXIM_LINE] = "";
    struct exim_question question;

    if (begin(argc, argv, 4, wrong, sizeof(wrong)) != 0)
        return fails(yield, wrong);
    question.settings = &connection.settings;
    question.domain = argument(argv, 1);
    question.sender = argument(argv, 2);
    question.headers = argument(argv, 3);
    if (exim_helper(connection.settings.user, connection.settings.timeout_ms + 15000, exim_route,
                    &question, reply, sizeof(reply)) != 0)
        return fails(yield, "the destination cannot be evaluated; the log says why");
    return yields(yield, EXIM_OK);
}

/* {SETTINGS}{DOMAIN}{SENDER}{HEADERS} -> the hosts of a transport */
EXIM_FUNCTION(smtpsec_hosts)
{
    char wrong[EXIM_LINE] = "";

    if (begin(argc, argv, 4, wrong, sizeof(wrong)) != 0 ||
        exim_connection_plan(&connection, argument(argv, 1), argument(argv, 2), argument(argv, 3),
                             wrong, sizeof(wrong)) != 0)
        return fails(yield, wrong);
    if (smtpsec_plan_verdict(connection.plan) != SMTPSEC_VERDICT_DELIVER &&
        !connection.settings.report) {
        int32_t reason = smtpsec_plan_reason(connection.plan);

        snprintf(wrong, sizeof(wrong), "%s: %s", smtpsec_reason_name(reason),
                 smtpsec_plan_dsn_text(connection.plan));
        return fails(yield, wrong);
    }
    if (exim_hosts(connection.plan, connection.settings.report, reply, sizeof(reply)) == 0)
        return fails(yield, "no host of the plan can be used");
    return yields(yield, EXIM_OK);
}

static void
set_peer(struct exim_peer *peer, unsigned char *argv[], int from)
{
    peer->domain = argument(argv, from);
    peer->host = argument(argv, from + 1);
    peer->address = argument(argv, from + 2);
}

/* {SETTINGS}{DOMAIN}{HOST}{ADDRESS} -> "*" where TLS is a must, else "" */
EXIM_FUNCTION(smtpsec_require_tls)
{
    char wrong[EXIM_LINE] = "";
    struct exim_peer peer;
    struct exim_wanted wanted;
    int must = 1;

    if (begin(argc, argv, 4, wrong, sizeof(wrong)) == 0) {
        set_peer(&peer, argv, 1);
        if (exim_connection_wanted(&connection, &peer, &wanted) == 0)
            must = !connection.settings.report && exim_wanted_tls(&wanted);
    }
    snprintf(reply, sizeof(reply), "%s", must ? "*" : "");
    return yields(yield, EXIM_OK);
}

/* {SETTINGS}{DOMAIN}{HOST}{ADDRESS} -> the name for SNI */
EXIM_FUNCTION(smtpsec_sni)
{
    char wrong[EXIM_LINE] = "";
    struct exim_peer peer;
    struct exim_wanted wanted;

    if (begin(argc, argv, 4, wrong, sizeof(wrong)) != 0)
        return fails(yield, wrong);
    set_peer(&peer, argv, 1);
    if (exim_connection_wanted(&connection, &peer, &wanted) != 0)
        return fails(yield, "it is no host of the plan");
    snprintf(reply, sizeof(reply), "%s",
             wanted.count > 0 ? smtpsec_requirement_sni(wanted.list[0]) : "");
    return yields(yield, EXIM_OK);
}

/* ---- The session -------------------------------------------------------- */

/* Say what was found of a session, once; the same line for all. */
static void
tell(const struct exim_peer *peer, const struct exim_judgement *judgement, int good)
{
    int32_t reason = smtpsec_verdict_reason(judgement->verdict);
    int report = connection.settings.report;

    if (connection.told)
        return;
    connection.told = 1;
    exim_note("%s: [%s]: %s%s%s%s: %s", peer->domain, peer->address,
              !good && report ? "report mode: would be " : "", good ? "accepted" : "refused",
              reason != SMTPSEC_REASON_NONE ? ", " : "",
              reason != SMTPSEC_REASON_NONE ? smtpsec_reason_name(reason) : "",
              smtpsec_verdict_text(judgement->verdict));
}

/* The text of a refusal; "" where the session may be used. */
static void
refusal(const struct exim_peer *peer, const struct exim_session_facts *facts, char *out,
        size_t room, struct exim_judgement *judgement)
{
    int rc = exim_connection_judge(&connection, peer, facts, judgement);

    out[0] = '\0';
    if (rc < 0) {
        snprintf(out, room, "the session cannot be judged: %s", smtpsec_strerror(rc));
        exim_note("%s: host %s [%s]: %s", peer->domain, peer->host, peer->address, out);
        return;
    }
    if (judgement->requirement == NULL) /* report mode, a host that the plan skips */
        return;
    /* At the gate a success is told; inside the handshake only a failure. */
    if (rc != 1 || facts != NULL)
        tell(peer, judgement, rc == 1);
    if (rc == 1 || connection.settings.report)
        return;
    exim_connection_record_refused(&connection, judgement);
    snprintf(out, room, "%s: %s",
             smtpsec_reason_name(smtpsec_verdict_reason(judgement->verdict)),
             smtpsec_verdict_dsn_text(judgement->verdict));
}

/* A certificate came: "DEPTH BASE64". With that of the server itself the chain is judged. */
static void
take_certificate(const struct exim_peer *peer, const char *data)
{
    int state = exim_chain_add_event(&connection.chain, data);
    struct exim_judgement judgement;

    if (state == EXIM_CHAIN_WHOLE) {
        refusal(peer, NULL, reply, sizeof(reply), &judgement);
        exim_judgement_free(&judgement);
    } else if (state == EXIM_CHAIN_BROKEN && !connection.settings.report) {
        snprintf(reply, sizeof(reply), "the certificates cannot be read");
    }
}

/* Exim gave a host up after EHLO: where it lacked what is asked, say that. */
static void
tell_given_up(const struct exim_peer *peer, const char *why)
{
    const struct exim_session_facts no_tls = {"", ""};
    struct exim_judgement judgement;
    struct exim_wanted wanted;

    if (connection.told || !connection.greeted || connection.chain.state != EXIM_CHAIN_NONE ||
        exim_connection_wanted(&connection, peer, &wanted) != 0)
        return;
    if (strncmp(why, "TLS session:", 12) == 0)
        connection.handshake_failed = 1;
    if (exim_connection_judge(&connection, peer, &no_tls, &judgement) == 0) {
        tell(peer, &judgement, 0);
        exim_connection_record_refused(&connection, &judgement);
    }
    exim_judgement_free(&judgement);
}

/* What happens in the process that connects. */
static void
on_connection_event(const char *event, const struct exim_peer *peer, unsigned char *argv[])
{
    const char *data = argument(argv, 6);

    if (strcmp(event, "tcp:connect") == 0) {
        if (exim_connection_begin(&connection, peer) != 0) {
            snprintf(reply, sizeof(reply), "it is no host of the plan");
            exim_note("%s: host %s [%s]: %s", peer->domain, peer->host, peer->address, reply);
        }
    } else if (strcmp(event, "smtp:ehlo") == 0) {
        exim_connection_ehlo(&connection, data);
    } else if (strcmp(event, "tls:cert") == 0) {
        take_certificate(peer, data);
    } else if (strcmp(event, "msg:host:defer") == 0) {
        tell_given_up(peer, data);
    }
}

/*
 * {SETTINGS}{EVENT}{DOMAIN}{HOST}{ADDRESS}{MESSAGE}{DATA} -> "" or why it is refused.
 * Never eight arguments: Exim 4.96 then counts them beyond their end.
 */
EXIM_FUNCTION(smtpsec_event)
{
    char wrong[EXIM_LINE] = "";
    struct exim_peer peer;
    struct exim_handover whose;
    const char *event;

    reply[0] = '\0';
    if (begin(argc, argv, 7, wrong, sizeof(wrong)) != 0) {
        exim_note("event: %s", wrong);
        snprintf(reply, sizeof(reply), "%s", wrong);
        return yields(yield, EXIM_OK); /* said so, it refuses */
    }
    event = argument(argv, 1);
    set_peer(&peer, argv, 2);
    whose.message = argument(argv, 5);
    whose.domain = peer.domain;
    whose.address = peer.address;
    on_connection_event(event, &peer, argv);
    if (strcmp(event, "msg:delivery") == 0)
        exim_record_delivered(&connection.settings, &whose);
    else if (strcmp(event, "msg:fail:delivery") == 0 || strcmp(event, "msg:host:defer") == 0)
        exim_record_forget(&connection.settings, &whose);
    exim_printable(reply);
    return yields(yield, EXIM_OK);
}

/* {SETTINGS}{DOMAIN}{HOST}{ADDRESS}{CIPHER}{VERSION}{MESSAGE} -> "", or no expansion: no MAIL */
EXIM_FUNCTION(smtpsec_gate)
{
    char wrong[EXIM_LINE] = "";
    struct exim_peer peer;
    struct exim_judgement judgement;
    struct exim_session_facts facts;
    struct exim_handover whose;

    if (begin(argc, argv, 7, wrong, sizeof(wrong)) != 0)
        return fails(yield, wrong);
    set_peer(&peer, argv, 1);
    facts.cipher = argument(argv, 4);
    facts.version = argument(argv, 5);
    refusal(&peer, &facts, wrong, sizeof(wrong), &judgement);
    if (wrong[0] == '\0') {
        whose.message = argument(argv, 6);
        whose.domain = peer.domain;
        whose.address = peer.address;
        exim_record_keep(&connection, &whose, &judgement);
    }
    exim_judgement_free(&judgement);
    reply[0] = '\0';
    return wrong[0] == '\0' ? yields(yield, EXIM_OK) : fails(yield, wrong);
}
