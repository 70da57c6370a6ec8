/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "decision/requirement.h"

#include <stdlib.h>

#include "api/blob.h"
#include "decision/reuse.h"

#define TLS_1_2 0x0303
#define TLS_1_3 0x0304

int
smtpsec_requirement_copy(const struct smtpsec_requirement *requirement,
                         struct smtpsec_requirement **out)
{
    if (requirement == NULL || out == NULL)
        return SMTPSEC_E_INVALID;
    return ss_requirement_copy(requirement, out);
}

void
smtpsec_requirement_free(struct smtpsec_requirement *requirement)
{
    ss_requirement_free(requirement);
}

int32_t
smtpsec_requirement_level(const struct smtpsec_requirement *requirement)
{
    return requirement == NULL ? 0 : requirement->level;
}

int32_t
smtpsec_requirement_protection(const struct smtpsec_requirement *requirement)
{
    return requirement == NULL ? 0 : smtpsec_level_protection(requirement->level);
}

int32_t
smtpsec_requirement_tls(const struct smtpsec_requirement *requirement)
{
    return requirement == NULL ? SMTPSEC_TLS_REQUIRED : requirement->tls;
}

int32_t
smtpsec_requirement_identities(const struct smtpsec_requirement *requirement)
{
    return requirement == NULL ? 0 : requirement->identities;
}

int32_t
smtpsec_requirement_sources(const struct smtpsec_requirement *requirement)
{
    return requirement == NULL ? 0 : requirement->sources;
}

int32_t
smtpsec_requirement_reported_identities(const struct smtpsec_requirement *requirement)
{
    return requirement == NULL ? 0 : requirement->reported.identities & ~requirement->identities;
}

/* Never less than what is required: one who asks what would be must see that too. */
int32_t
smtpsec_requirement_reported_tls(const struct smtpsec_requirement *requirement)
{
    if (requirement == NULL)
        return SMTPSEC_TLS_OPTIONAL;
    return requirement->reported.tls > requirement->tls ? requirement->reported.tls
                                                        : requirement->tls;
}

/* DANE-EE-12: of identities; what the operator asks above that counts wherever TLS must be. */
uint16_t
smtpsec_requirement_tls_version(const struct smtpsec_requirement *requirement)
{
    if (requirement == NULL)
        return TLS_1_3;
    if (requirement->identities != 0 ||
        (requirement->tls == SMTPSEC_TLS_REQUIRED && requirement->tls_version > TLS_1_2))
        return requirement->tls_version;
    return 0;
}

int
smtpsec_requirement_requiretls(const struct smtpsec_requirement *requirement)
{
    return requirement == NULL ? 0 : requirement->requiretls;
}

/* RTLS-01; RTLS-16: for an empty sender the requirement asks for none, and the parameter is left out. */
const char *
smtpsec_requirement_mail_parameter(const struct smtpsec_requirement *requirement)
{
    if (requirement == NULL)
        return NULL;
    return requirement->requiretls ? "REQUIRETLS" : "";
}

int
smtpsec_requirement_covers(const struct smtpsec_requirement *opened,
                           const struct smtpsec_requirement *wanted)
{
    return opened != NULL && wanted != NULL && ss_requirement_covers(opened, wanted);
}

const char *
smtpsec_requirement_domain(const struct smtpsec_requirement *requirement)
{
    return requirement == NULL ? NULL : requirement->domain;
}

const char *
smtpsec_requirement_host(const struct smtpsec_requirement *requirement)
{
    return requirement == NULL ? NULL : requirement->host.text;
}

const char *
smtpsec_requirement_sni(const struct smtpsec_requirement *requirement)
{
    return requirement == NULL ? NULL : requirement->sni.text;
}

size_t
smtpsec_requirement_dane_name_count(const struct smtpsec_requirement *requirement)
{
    return requirement == NULL ? 0 : requirement->dane_name_count;
}

const char *
smtpsec_requirement_dane_name(const struct smtpsec_requirement *requirement, size_t n)
{
    return requirement == NULL || n >= requirement->dane_name_count ? NULL
                                                                    : requirement->dane_names[n].text;
}

/* STSA-04, STSA-06: the certificate must be the MX host's own, whatever the pattern. */
size_t
smtpsec_requirement_pkix_name_count(const struct smtpsec_requirement *requirement)
{
    return requirement != NULL && (requirement->identities & SMTPSEC_IDENTITY_PKIX) != 0 &&
           requirement->host.name.len > 0;
}

const char *
smtpsec_requirement_pkix_name(const struct smtpsec_requirement *requirement, size_t n)
{
    return n < smtpsec_requirement_pkix_name_count(requirement) ? requirement->host.text : NULL;
}

int64_t
smtpsec_requirement_expires(const struct smtpsec_requirement *requirement)
{
    return requirement == NULL ? 0 : requirement->expires;
}

const char *
smtpsec_requirement_digest(const struct smtpsec_requirement *requirement)
{
    return requirement == NULL ? NULL : requirement->digest_hex;
}

int
smtpsec_requirement_write(const struct smtpsec_context *context,
                          const struct smtpsec_requirement *requirement, uint8_t **data, size_t *len)
{
    struct ss_buf body;
    int r;

    if (requirement == NULL || data == NULL || len == NULL)
        return SMTPSEC_E_INVALID;
    ss_buf_init(&body, SS_BLOB_MAX);
    ss_requirement_encode(requirement, &body);
    r = ss_blob_write(context, SS_BLOB_REQUIREMENT, SS_REQUIREMENT_VERSION, &body, data, len);
    ss_buf_free(&body);
    return r;
}

int
smtpsec_requirement_read(const struct smtpsec_context *context, const uint8_t *data, size_t len,
                         struct smtpsec_requirement **out)
{
    struct ss_bytes body;
    int r;

    if (data == NULL || out == NULL)
        return SMTPSEC_E_INVALID;
    r = ss_blob_read(context, SS_BLOB_REQUIREMENT, SS_REQUIREMENT_VERSION, data, len, &body);
    return r != 0 ? r : ss_requirement_decode(body, out);
}
