/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "pkix/idna.h"

#include <string.h>

#include <gnutls/gnutls.h>

#include "smtpsec.h"

/* More octets than 253 characters of UTF-8 can take; spares the mapper the rest. */
#define LONGEST_INPUT 1024

static bool
is_ascii(const char *text, size_t len)
{
    size_t i;

    for (i = 0; i < len; i++)
        if ((unsigned char)text[i] >= 0x80)
            return false;
    return true;
}

/*
 * NAME-02. ASCII needs no mapping, and must not be mapped: the mapper refuses
 * the underscore, which names of services have.
 */
int
ss_idna_name(struct ss_name *name, const char *utf8)
{
    gnutls_datum_t mapped = {NULL, 0};
    struct ss_name found;
    size_t len;
    bool good;
    int code;

    memset(name, 0, sizeof(*name));
    if (utf8 == NULL)
        return SMTPSEC_E_NAME;
    len = strnlen(utf8, LONGEST_INPUT + 1);
    if (len > LONGEST_INPUT)
        return SMTPSEC_E_NAME;
    if (is_ascii(utf8, len))
        return ss_name_from_text(name, utf8, len) ? 0 : SMTPSEC_E_NAME;

    code = gnutls_idna_map(utf8, (unsigned)len, &mapped, 0);
    if (code == GNUTLS_E_MEMORY_ERROR)
        return SMTPSEC_E_NOMEM;
    if (code != 0)
        return SMTPSEC_E_NAME;
    good = ss_name_from_text(&found, (const char *)mapped.data, mapped.size);
    gnutls_free(mapped.data);
    if (!good)
        return SMTPSEC_E_NAME;
    *name = found;
    return 0;
}
