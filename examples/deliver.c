/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "deliver.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "text.h"

int
delivery_init(struct delivery *delivery, const struct tool_options *options, const char *message,
              size_t len)
{
    size_t i;

    memset(delivery, 0, sizeof(*delivery));
    delivery->from = options->from;
    for (i = 0; i < options->to_count && i < TOOL_RECIPIENTS; i++)
        delivery->recipients[i].address = options->to[i];
    delivery->recipient_count = i;
    delivery->eight_bit = smtp_message_eight_bit(message, len);
    return smtp_message_encode(message, len, &delivery->data, &delivery->data_len);
}

void
delivery_free(struct delivery *delivery)
{
    free(delivery->data);
    delivery->data = NULL;
}

const char *
delivery_next_group(struct delivery *delivery)
{
    const char *domain = NULL;
    size_t i;

    for (i = 0; i < delivery->recipient_count; i++) {
        struct recipient *recipient = &delivery->recipients[i];
        const char *its = smtp_address_domain(recipient->address);

        recipient->in_group = 0;
        if (recipient->status != RECIPIENT_PENDING)
            continue;
        if (domain == NULL)
            domain = its;
        recipient->in_group = text_same(domain, its);
    }
    return domain;
}

static int
is_pending(const struct recipient *recipient)
{
    return recipient->in_group && recipient->status == RECIPIENT_PENDING;
}

int
delivery_pending(const struct delivery *delivery)
{
    size_t i;

    for (i = 0; i < delivery->recipient_count; i++) {
        if (is_pending(&delivery->recipients[i]))
            return 1;
    }
    return 0;
}

void
delivery_settle(struct delivery *delivery, int status, const char *enhanced, const char *text)
{
    size_t i;

    for (i = 0; i < delivery->recipient_count; i++) {
        struct recipient *recipient = &delivery->recipients[i];

        if (!is_pending(recipient))
            continue;
        recipient->status = status;
        if (recipient->reply[0] == '\0')
            snprintf(recipient->reply, sizeof(recipient->reply), "%s%s%s", enhanced,
                     enhanced[0] != '\0' ? " " : "", text);
    }
}

const char *
recipient_status_name(int status)
{
    switch (status) {
    case RECIPIENT_DELIVERED:
        return "delivered";
    case RECIPIENT_DEFERRED:
        return "deferred";
    case RECIPIENT_FAILED:
        return "failed";
    default:
        return "pending";
    }
}

/* Where the transaction runs, and under what. */
struct transaction {
    struct delivery *delivery;
    struct visit *visit;
    const struct smtpsec_requirement *requirement;
};

/*
 * Take a reply down for one recipient. One that does not fail it leaves it
 * pending, for the next host.
 */
static void
note(const struct transaction *t, struct recipient *recipient, int32_t stage, int code)
{
    snprintf(recipient->reply, sizeof(recipient->reply), "%s", t->visit->client.reply);
    if (visit_classify(t->visit, t->requirement, stage, code) == SMTPSEC_REPLY_FAIL)
        recipient->status = RECIPIENT_FAILED;
}

static void
note_pending(const struct transaction *t, int32_t stage, int code)
{
    size_t i;

    for (i = 0; i < t->delivery->recipient_count; i++) {
        if (is_pending(&t->delivery->recipients[i]))
            note(t, &t->delivery->recipients[i], stage, code);
    }
}

/* What the message ended with; after a break nobody knows, so no other host is given it. */
static int
note_data(const struct transaction *t, int32_t stage, int code)
{
    int accepted = stage == SMTPSEC_STAGE_END && code >= 200 && code < 300;
    size_t i;

    for (i = 0; i < t->delivery->recipient_count; i++) {
        struct recipient *recipient = &t->delivery->recipients[i];

        if (!is_pending(recipient) || !recipient->taken)
            continue;
        note(t, recipient, stage, code);
        if (accepted)
            recipient->status = RECIPIENT_DELIVERED;
        else if (stage == SMTPSEC_STAGE_END && code < 0)
            recipient->status = RECIPIENT_DEFERRED;
    }
    return accepted;
}

static int
say_mail(const struct transaction *t)
{
    /* The parameter goes only where the requirement saw to it (RFC 8689 section 4.2.1, RTLS-01). */
    const char *parameter = smtpsec_requirement_mail_parameter(t->requirement);
    char command[600];

    snprintf(command, sizeof(command), "MAIL FROM:<%s>%s%s%s", t->delivery->from,
             t->delivery->eight_bit ? " BODY=8BITMIME" : "", parameter[0] != '\0' ? " " : "",
             parameter);
    return smtp_client_command(&t->visit->client, command);
}

/* Returns how many the server took, or -1 when the connection broke. */
static int
say_recipients(const struct transaction *t)
{
    int taken = 0;
    size_t i;

    for (i = 0; i < t->delivery->recipient_count; i++) {
        struct recipient *recipient = &t->delivery->recipients[i];
        char command[600];
        int code;

        recipient->taken = 0;
        if (!is_pending(recipient))
            continue;
        snprintf(command, sizeof(command), "RCPT TO:<%s>", recipient->address);
        code = smtp_client_command(&t->visit->client, command);
        recipient->taken = code >= 200 && code < 300;
        if (!recipient->taken)
            note(t, recipient, SMTPSEC_STAGE_RCPT, code);
        if (code < 0)
            return -1;
        taken += recipient->taken;
    }
    return taken;
}

/* What no reply refuses, but the message cannot be given to this server. */
static void
fail_eight_bit(struct delivery *delivery)
{
    delivery_settle(delivery, RECIPIENT_FAILED, "5.6.3",
                    "the message has 8-bit octets, the server takes none");
}

static int
transact(const struct transaction *t)
{
    struct smtp_client *client = &t->visit->client;
    int code;

    if (t->delivery->eight_bit && !client->offers.eight_bit_mime) {
        fail_eight_bit(t->delivery);
        return 0;
    }
    code = say_mail(t);
    if (visit_classify(t->visit, t->requirement, SMTPSEC_STAGE_MAIL, code) !=
        SMTPSEC_REPLY_GO_ON) {
        note_pending(t, SMTPSEC_STAGE_MAIL, code);
        return 0;
    }
    if (say_recipients(t) <= 0)
        return 0;
    code = smtp_client_command(client, "DATA");
    if (code != 354) /* nothing was sent: another host may be tried */
        return note_data(t, SMTPSEC_STAGE_DATA, code);
    code = smtp_client_data(client, t->delivery->data, t->delivery->data_len);
    return note_data(t, SMTPSEC_STAGE_END, code);
}

int
deliver(struct delivery *delivery, struct visit *visit,
        const struct smtpsec_requirement *requirement)
{
    struct transaction t = {delivery, visit, requirement};
    int accepted = transact(&t);

    memcpy(visit->said, visit->client.reply, sizeof(visit->said));
    return accepted;
}
