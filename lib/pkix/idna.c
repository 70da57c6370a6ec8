/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "pkix/idna.h"

#include <string.h>

#include <gnutls/gnutls.h>

#include "smtpsec.h"

/* More octets than 253 characters of UTF-8 can take; spares the mapper the rest. */
#define LONGEST_INPUT 1024

/*
 * The mapper drops, without a word, what would become ASCII that no host name
 * has: "a b" with an umlaut elsewhere turns into "ab", a full-width slash
 * vanishes. Mail would go to another domain. So these ranges are refused
 * before; RFC 5892 disallows nearly all of them, being marks and symbols.
 */
static const struct {
    uint32_t first, last;
} refused[] = {
    {0x00, 0x2c}, {0x2f, 0x2f}, {0x3a, 0x40}, {0x5b, 0x60}, {0x7b, 0xac}, {0xae, 0xb6},
    {0xb8, 0xb9}, {0xbb, 0xbf}, {0x2d8, 0x2dd}, {0x37a, 0x37a}, {0x37e, 0x37e}, {0x384, 0x385},
    {0x1fbd, 0x1fbd}, {0x1fbf, 0x1fc1}, {0x1fcd, 0x1fcf}, {0x1fdd, 0x1fdf}, {0x1fed, 0x1fef},
    {0x1ffd, 0x1ffe}, {0x2000, 0x200a}, {0x200e, 0x2bff}, {0x3000, 0x3000}, {0x309b, 0x309c},
    {0x3200, 0x33ff}, {0xfb29, 0xfb29}, {0xfc5e, 0xfc63}, {0xfdfa, 0xfdfb}, {0xfe10, 0xfe7f},
    {0xff00, 0xff0c}, {0xff0f, 0xff0f}, {0xff1a, 0xff20}, {0xff3b, 0xff40}, {0xff5b, 0xff60},
    {0xff62, 0xff65}, {0xffe0, 0xffff}, {0x1d100, 0x1d24f}, {0x1f000, 0x1ffff},
};

static bool
is_refused(uint32_t point)
{
    size_t i;

    for (i = 0; i < sizeof(refused) / sizeof(refused[0]); i++)
        if (point >= refused[i].first && point <= refused[i].last)
            return true;
    return false;
}

/* Enough of UTF-8 to see code points; the mapper checks the rest of it. */
static uint32_t
next_point(const unsigned char *text, size_t len, size_t *used)
{
    size_t more = text[0] < 0xc0 ? 0 : text[0] < 0xe0 ? 1 : text[0] < 0xf0 ? 2 : 3;
    uint32_t point = text[0];
    size_t i;

    if (more > 0)
        point &= 0x3fu >> more;
    for (i = 1; i <= more && i < len; i++)
        point = point << 6 | (text[i] & 0x3fu);
    *used = i < len ? i : len;
    return point;
}

static bool
has_refused(const char *text, size_t len)
{
    size_t used;

    for (; len > 0; text += used, len -= used)
        if (is_refused(next_point((const unsigned char *)text, len, &used)))
            return true;
    return false;
}

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

    if (has_refused(utf8, len))
        return SMTPSEC_E_NAME;
    code = gnutls_idna_map(utf8, (unsigned)len, &mapped, GNUTLS_IDNA_FORCE_2008);
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
