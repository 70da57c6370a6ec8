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

/* Take a reply down for one recipient; 4yz leaves it pending, for the next host. */
static void
note(struct recipient *recipient, int code, const char *reply)
{
    snprintf(recipient->reply, sizeof(recipient->reply), "%s", reply);
    if (code >= 500)
        recipient->status = RECIPIENT_FAILED;
}

static void
note_pending(struct delivery *delivery, int code, const char *reply)
{
    size_t i;

    for (i = 0; i < delivery->recipient_count; i++) {
        if (is_pending(&delivery->recipients[i]))
            note(&delivery->recipients[i], code, reply);
    }
}

/* What DATA ended with; after a break nobody knows, so no other host is given the message. */
static int
note_data(struct delivery *delivery, int code, const char *reply)
{
    int accepted = code >= 200 && code < 300;
    size_t i;

    for (i = 0; i < delivery->recipient_count; i++) {
        struct recipient *recipient = &delivery->recipients[i];

        if (!is_pending(recipient) || !recipient->taken)
            continue;
        note(recipient, code, reply);
        if (accepted)
            recipient->status = RECIPIENT_DELIVERED;
        else if (code < 0)
            recipient->status = RECIPIENT_DEFERRED;
    }
    return accepted;
}

static int
say_mail(const struct delivery *delivery, struct visit *visit,
         const struct smtpsec_requirement *requirement)
{
    char command[600];

    /* The parameter goes only where the requirement saw to it (RFC 8689 section 4.2.1, RTLS-01). */
    snprintf(command, sizeof(command), "MAIL FROM:<%s>%s%s", delivery->from,
             delivery->eight_bit ? " BODY=8BITMIME" : "",
             smtpsec_requirement_requiretls(requirement) ? " REQUIRETLS" : "");
    return smtp_client_command(&visit->client, command);
}

/* Returns how many the server took, or -1 when the connection broke. */
static int
say_recipients(struct delivery *delivery, struct visit *visit)
{
    int taken = 0;
    size_t i;

    for (i = 0; i < delivery->recipient_count; i++) {
        struct recipient *recipient = &delivery->recipients[i];
        char command[600];
        int code;

        recipient->taken = 0;
        if (!is_pending(recipient))
            continue;
        snprintf(command, sizeof(command), "RCPT TO:<%s>", recipient->address);
        code = smtp_client_command(&visit->client, command);
        recipient->taken = code >= 200 && code < 300;
        if (!recipient->taken)
            note(recipient, code, visit->client.reply);
        if (code < 0)
            return -1;
        taken += recipient->taken;
    }
    return taken;
}

static int
transact(struct delivery *delivery, struct visit *visit,
         const struct smtpsec_requirement *requirement)
{
    struct smtp_client *client = &visit->client;
    int code;

    if (delivery->eight_bit && !client->offers.eight_bit_mime) {
        note_pending(delivery, 554, "5.6.3 the message has 8-bit octets, the server takes none");
        return 0;
    }
    code = say_mail(delivery, visit, requirement);
    if (code != 250) {
        note_pending(delivery, code, client->reply);
        return 0;
    }
    if (say_recipients(delivery, visit) <= 0)
        return 0;
    code = smtp_client_command(client, "DATA");
    if (code == 354)
        code = smtp_client_data(client, delivery->data, delivery->data_len);
    else
        code = code >= 500 ? code : 451; /* nothing was sent: another host may be tried */
    return note_data(delivery, code, client->reply);
}

int
deliver(struct delivery *delivery, struct visit *visit,
        const struct smtpsec_requirement *requirement)
{
    int accepted = transact(delivery, visit, requirement);

    memcpy(visit->said, visit->client.reply, sizeof(visit->said));
    return accepted;
}
