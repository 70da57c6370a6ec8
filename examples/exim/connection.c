/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "connection.h"

#include <stdio.h>
#include <string.h>
#include <strings.h>
#include <unistd.h>

void
exim_connection_reset(struct exim_connection *c)
{
    if (c->pid == getpid()) {
        exim_chain_clear(&c->chain);
        smtpsec_plan_free(c->plan);
        exim_world_close(&c->world);
    }
    memset(c, 0, sizeof(*c));
    c->pid = getpid();
}

int
exim_connection_plan(struct exim_connection *c, const char *domain, const char *sender,
                     const char *headers, char *wrong, size_t room)
{
    int rc = 0;

    smtpsec_plan_free(c->plan);
    c->plan = NULL;
    c->address[0] = '\0';
    c->null_sender = sender[0] == '\0';
    if (strlen(domain) >= sizeof(c->domain)) {
        snprintf(wrong, room, "the domain is too long");
        return -1;
    }
    memcpy(c->domain, domain, strlen(domain) + 1);
    if (c->world.context == NULL)
        rc = exim_world_open(&c->world, &c->settings, EXIM_WORLD_EVALUATE, wrong, room);
    if (rc == 0)
        rc = exim_world_evaluate(&c->world, &c->settings, domain, sender, headers, &c->plan, wrong,
                                 room);
    return rc == 0 ? 0 : -1;
}

static int
has_address(const struct smtpsec_host *host, const char *address)
{
    size_t i;

    for (i = 0; i < smtpsec_host_address_count(host); i++) {
        if (strcmp(smtpsec_host_address(host, i), address) == 0)
            return 1;
    }
    return 0;
}

static void
want(struct exim_wanted *wanted, const struct smtpsec_host *host)
{
    const struct smtpsec_requirement *requirement = smtpsec_host_requirement(host);

    if (smtpsec_host_action(host) != SMTPSEC_ACTION_USE || requirement == NULL)
        wanted->unwanted = 1;
    else if (wanted->count < EXIM_SAME_ADDRESS)
        wanted->list[wanted->count++] = requirement;
}

/*
 * The plan knows the domain by its A-labels, Exim as it stands in the address.
 * The host by name first. Where Exim followed an alias it knows the host by its target's
 * name alone: then by address.
 */
int
exim_connection_wanted(const struct exim_connection *c, const struct exim_peer *peer,
                       struct exim_wanted *out)
{
    size_t i;

    memset(out, 0, sizeof(*out));
    if (c->plan == NULL || strcasecmp(peer->domain, c->domain) != 0)
        return -1;
    for (i = 0; i < smtpsec_plan_host_count(c->plan); i++) {
        const struct smtpsec_host *host = smtpsec_plan_host(c->plan, i);

        if (strcasecmp(smtpsec_host_name(host), peer->host) == 0)
            want(out, host);
    }
    for (i = 0; out->count == 0 && !out->unwanted && i < smtpsec_plan_host_count(c->plan); i++) {
        const struct smtpsec_host *host = smtpsec_plan_host(c->plan, i);

        if (peer->address[0] != '\0' && has_address(host, peer->address))
            want(out, host);
    }
    if (out->count > 0)
        return 0;
    return out->unwanted && c->settings.report ? 0 : -1;
}

int
exim_wanted_tls(const struct exim_wanted *wanted)
{
    size_t i;

    for (i = 0; i < wanted->count; i++) {
        if (smtpsec_requirement_tls(wanted->list[i]) != SMTPSEC_TLS_OPTIONAL)
            return 1;
    }
    return 0;
}

int
exim_connection_begin(struct exim_connection *c, const struct exim_peer *peer)
{
    struct exim_wanted wanted;
    int again = c->starttls_offered && strcmp(c->address, peer->address) == 0;

    exim_chain_clear(&c->chain);
    c->address[0] = '\0';
    c->greeted = 0;
    c->told = 0;
    c->starttls_offered = 0;
    c->requiretls_offered = 0;
    c->handshake_failed = again;
    if (exim_connection_wanted(c, peer, &wanted) != 0 || peer->address[0] == '\0' ||
        strlen(peer->address) >= sizeof(c->address))
        return -1;
    memcpy(c->address, peer->address, strlen(peer->address) + 1);
    return 0;
}

/* RFC 3207 4.2: inside TLS only what is said there counts. */
void
exim_connection_ehlo(struct exim_connection *c, const char *reply)
{
    c->greeted = 1;
    if (c->chain.state == EXIM_CHAIN_NONE)
        c->starttls_offered = exim_ehlo_offers(reply, "STARTTLS");
    else
        c->requiretls_offered = exim_ehlo_offers(reply, "REQUIRETLS");
}

static int32_t
what_came_of_starttls(const struct exim_connection *c, const struct exim_session_facts *facts)
{
    if (facts == NULL || facts->cipher[0] != '\0')
        return SMTPSEC_STARTTLS_DONE;
    if (c->handshake_failed)
        return SMTPSEC_STARTTLS_FAILED;
    return c->starttls_offered ? SMTPSEC_STARTTLS_REFUSED : SMTPSEC_STARTTLS_ABSENT;
}

/* Only a whole chain counts; without one the server has shown no certificate. */
static int
add_certificates(const struct exim_chain *chain, struct smtpsec_session *session)
{
    int rc = 0;
    size_t i;

    for (i = 0; rc == 0 && chain->state == EXIM_CHAIN_WHOLE && i < chain->count; i++)
        rc = smtpsec_session_add_certificate(session, chain->certificates[i].der,
                                             chain->certificates[i].len);
    return rc == SMTPSEC_E_LIMIT ? 0 : rc; /* the session knows, and its judge */
}

/* Inside the handshake the version is not told yet: it is judged at the gate. */
static int
make_session(const struct exim_connection *c, const struct exim_session_facts *facts,
             struct smtpsec_session **out)
{
    struct smtpsec_session *session = NULL;
    int32_t starttls = what_came_of_starttls(c, facts);
    int rc = smtpsec_session_new(&session);

    if (rc == 0)
        rc = smtpsec_session_set_starttls(session, starttls);
    if (rc == 0 && starttls == SMTPSEC_STARTTLS_DONE)
        rc = smtpsec_session_set_tls_version(
            session, facts != NULL ? exim_tls_version(facts->version) : 0x0304);
    if (rc == 0 && starttls == SMTPSEC_STARTTLS_DONE)
        rc = add_certificates(&c->chain, session);
    if (rc == 0)
        rc = smtpsec_session_set_requiretls(session, c->requiretls_offered);
    if (rc != 0) {
        smtpsec_session_free(session);
        return rc;
    }
    *out = session;
    return 0;
}

/* The first requirement that is met decides; else the refusal of the first is told. */
static int
judge_each(const struct exim_connection *c, const struct exim_wanted *wanted,
           struct exim_judgement *out)
{
    int64_t now = smtpsec_context_now(c->world.context);
    size_t i;

    for (i = 0; i < wanted->count; i++) {
        struct smtpsec_verdict *verdict = NULL;
        int rc = smtpsec_verify(c->world.anchors, wanted->list[i], out->session, now, &verdict);

        if (rc != 0)
            return rc;
        if (i == 0 || smtpsec_verdict_accepted(verdict)) {
            smtpsec_verdict_free(out->verdict);
            out->verdict = verdict;
            out->requirement = wanted->list[i];
        } else {
            smtpsec_verdict_free(verdict);
        }
        if (smtpsec_verdict_accepted(out->verdict))
            return 1;
    }
    return 0;
}

int
exim_connection_judge(struct exim_connection *c, const struct exim_peer *peer,
                      const struct exim_session_facts *facts, struct exim_judgement *out)
{
    struct exim_wanted wanted;
    int rc;

    memset(out, 0, sizeof(*out));
    if (exim_connection_wanted(c, peer, &wanted) != 0 || c->address[0] == '\0' ||
        strcmp(c->address, peer->address) != 0)
        return SMTPSEC_E_INVALID;
    rc = make_session(c, facts, &out->session);
    return rc != 0 ? rc : judge_each(c, &wanted, out);
}

void
exim_judgement_free(struct exim_judgement *judgement)
{
    smtpsec_verdict_free(judgement->verdict);
    smtpsec_session_free(judgement->session);
    memset(judgement, 0, sizeof(*judgement));
}

static int
make_outcome(const struct exim_connection *c, const struct exim_judgement *judgement,
             struct smtpsec_outcome **out)
{
    struct smtpsec_outcome *outcome = NULL;
    int rc = smtpsec_outcome_new(judgement->requirement, smtpsec_context_now(c->world.context),
                                 &outcome);

    if (rc == 0)
        rc = smtpsec_outcome_set_session(outcome, judgement->session, judgement->verdict);
    if (rc == 0)
        rc = smtpsec_outcome_set_requiretls_offered(outcome, c->requiretls_offered);
    if (rc == 0)
        rc = smtpsec_outcome_set_null_sender(outcome, c->null_sender);
    if (rc != 0) {
        smtpsec_outcome_free(outcome);
        return rc;
    }
    *out = outcome;
    return 0;
}

int
exim_connection_outcome(const struct exim_connection *c, const struct exim_judgement *judgement,
                        uint8_t **data, size_t *len)
{
    struct smtpsec_outcome *outcome = NULL;
    int rc = make_outcome(c, judgement, &outcome);

    if (rc == 0)
        rc = smtpsec_outcome_write(c->world.context, outcome, data, len);
    smtpsec_outcome_free(outcome);
    return rc;
}

void
exim_connection_record_refused(const struct exim_connection *c,
                               const struct exim_judgement *judgement)
{
    struct smtpsec_outcome *outcome = NULL;

    if (make_outcome(c, judgement, &outcome) == 0)
        (void)smtpsec_record(c->world.context, outcome, smtpsec_context_now(c->world.context));
    smtpsec_outcome_free(outcome);
    exim_world_tell(&c->world);
}
