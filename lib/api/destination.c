/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include <stdlib.h>
#include <string.h>

#include "base/text.h"
#include "decision/evidence.h"
#include "pkix/idna.h"

#define SMTP_PORT 25

/* RFC 5321 4.1.3: "[192.0.2.1]" or "[IPv6:2001:db8::1]". */
static int
read_literal(const char *text, struct smtpsec_destination *destination)
{
    char inner[SS_ADDRESS_TEXT];
    size_t len = strlen(text);

    if (len < 3 || text[len - 1] != ']' || len - 2 >= sizeof(inner) + 5)
        return SMTPSEC_E_NAME;
    text++;
    len -= 2;
    if (len > 5 && ss_text_equal_nocase((struct ss_text){text, 5}, "IPv6:")) {
        text += 5;
        len -= 5;
    }
    if (len >= sizeof(inner))
        return SMTPSEC_E_NAME;
    memcpy(inner, text, len);
    inner[len] = '\0';
    if (!ss_address_from_text(&destination->address, inner))
        return SMTPSEC_E_NAME;
    destination->literal = true;
    return 0;
}

static int
read_domain(const char *text, struct ss_name *name)
{
    int r = ss_idna_name(name, text);

    if (r == 0 && ss_name_is_root(name))
        r = SMTPSEC_E_NAME;
    return r;
}

int
smtpsec_destination_new(const char *domain, struct smtpsec_destination **out)
{
    struct smtpsec_destination *destination;
    int r;

    if (domain == NULL || out == NULL)
        return SMTPSEC_E_INVALID;
    destination = calloc(1, sizeof(*destination));
    if (destination == NULL)
        return SMTPSEC_E_NOMEM;
    destination->port = SMTP_PORT;
    r = domain[0] == '[' ? read_literal(domain, destination)
                         : read_domain(domain, &destination->domain);
    if (r != 0) {
        free(destination);
        return r;
    }
    *out = destination;
    return 0;
}

void
smtpsec_destination_free(struct smtpsec_destination *destination)
{
    free(destination);
}

int
smtpsec_destination_set_relay(struct smtpsec_destination *destination, const char *relay)
{
    struct ss_name name;
    int r;

    if (destination == NULL || relay == NULL)
        return SMTPSEC_E_INVALID;
    r = read_domain(relay, &name);
    if (r != 0)
        return r;
    destination->domain = name;
    destination->relay = true;
    destination->literal = false;
    return 0;
}

int
smtpsec_destination_set_minimum(struct smtpsec_destination *destination, int32_t level)
{
    if (destination == NULL || level < SMTPSEC_LEVEL_NONE || level > SMTPSEC_LEVEL_DANE)
        return SMTPSEC_E_INVALID;
    destination->minimum = level;
    return 0;
}

int
smtpsec_destination_set_port(struct smtpsec_destination *destination, uint16_t port)
{
    if (destination == NULL || port == 0)
        return SMTPSEC_E_INVALID;
    destination->port = port;
    return 0;
}
