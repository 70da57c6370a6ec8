/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* What Exim hands to its module; the first octet chooses events, a reply to EHLO, or settings. */
#include <stdlib.h>
#include <string.h>

#include "exim/chain.h"
#include "exim/settings.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* One event a line. A whole chain has a certificate at each depth. */
static void
add_events(char *text)
{
    struct exim_chain chain;
    char *line = text;
    size_t i;

    memset(&chain, 0, sizeof(chain));
    while (line != NULL) {
        char *end = strchr(line, '\n');

        if (end != NULL)
            *end++ = '\0';
        exim_chain_add_event(&chain, line);
        line = end;
    }
    for (i = 0; chain.state == EXIM_CHAIN_WHOLE && i < chain.count; i++) {
        if (chain.certificates[i].der == NULL || chain.certificates[i].len == 0)
            abort();
    }
    exim_chain_clear(&chain);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct exim_settings settings;
    char wrong[100];
    char *text = malloc(size + 1);

    if (text == NULL || size == 0) {
        free(text);
        return 0;
    }
    memcpy(text, data, size);
    text[size] = '\0';
    if (text[0] == 'e')
        (void)exim_ehlo_offers(text + 1, "STARTTLS");
    else if (text[0] == 's')
        (void)exim_settings_read(&settings, text + 1, size - 1, wrong, sizeof(wrong));
    else
        add_events(text + 1);
    free(text);
    return 0;
}
