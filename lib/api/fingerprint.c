/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Field by field: a structure's padding must not tell two contexts apart. Where
 * a rule or an exception stands in its file, and why, decides nothing.
 *
 * What is not in it: the trust anchors, since what they let in stands in the
 * memory, which all of its users share; and times to wait.
 */
#include "api/fingerprint.h"

#include <string.h>

#include "api/context.h"
#include "decision/kept.h"
#include "pkix/digest.h"

/* Whoever adds a setting puts it in here, then corrects the size. */
_Static_assert(sizeof(void *) != 8 || sizeof(struct ss_settings) == 0x868,
               "a setting is missing in the fingerprint");

static void
put_i32(struct ss_buf *out, int32_t v)
{
    ss_buf_le32(out, (uint32_t)v);
}

static void
put_name(struct ss_buf *out, const struct ss_name *name)
{
    ss_buf_u8(out, name->len);
    ss_buf_put(out, name->wire, name->len);
}

static void
put_names(struct ss_buf *out, const struct ss_name *names, size_t count)
{
    size_t i;

    ss_buf_u8(out, (uint8_t)count);
    for (i = 0; i < count; i++)
        put_name(out, &names[i]);
}

static void
put_memory(struct ss_buf *out, const struct ss_memory_settings *memory)
{
    size_t i;

    for (i = 0; i < sizeof(memory->mode) / sizeof(memory->mode[0]); i++)
        put_i32(out, memory->mode[i]);
    put_i32(out, memory->soft_pkix_mode);
    ss_buf_le64(out, (uint64_t)memory->cap);
    ss_buf_le64(out, (uint64_t)memory->hold);
}

static void
put_settings(struct ss_buf *out, const struct ss_settings *settings)
{
    const bool switches[] = { settings->tlsa_sha256,      settings->tlsa_sha512,
                              settings->mx_alias,         settings->mta_sts,
                              settings->tlsrpt,           settings->tlsrpt_transient,
                              settings->sts_async,        settings->dane_over_sts,
                              settings->sts_strict,       settings->dane_reports,
                              settings->sts_reports };
    size_t i;

    for (i = 0; i < sizeof(switches); i++)
        ss_buf_u8(out, switches[i] ? 1 : 0);
    put_i32(out, settings->dane);
    put_i32(out, settings->insecure_mx);
    put_i32(out, settings->minimum);
    ss_buf_le16(out, settings->tls_version);
    ss_buf_le64(out, (uint64_t)settings->lowered_until);
    put_names(out, settings->own_names, settings->own_name_count);
    put_memory(out, &settings->memory);
}

static void
put_exceptions(struct ss_buf *out, const struct ss_exceptions *table)
{
    size_t count = ss_exceptions_count(table);
    size_t i;

    ss_buf_le32(out, (uint32_t)count);
    for (i = 0; i < count; i++) {
        const struct ss_exception *one = ss_exceptions_at(table, i);

        put_name(out, &one->domain);
        ss_buf_u8(out, one->below ? 1 : 0);
        put_i32(out, one->kind);
        ss_buf_le64(out, (uint64_t)one->until);
    }
}

static void
put_rules(struct ss_buf *out, const struct ss_rules *table)
{
    size_t count = ss_rules_count(table);
    size_t i;

    ss_buf_le32(out, (uint32_t)count);
    for (i = 0; i < count; i++) {
        const struct ss_rule *rule = ss_rules_at(table, i);

        ss_buf_u8(out, (uint8_t)rule->scope);
        ss_buf_u8(out, (uint8_t)rule->kind);
        put_name(out, &rule->name);
        put_name(out, &rule->host);
        ss_buf_u8(out, rule->host_below ? 1 : 0);
        put_i32(out, rule->value);
    }
}

/* RES-26: whose answers are believed. */
static void
put_resolvers(struct ss_buf *out, const struct ss_resolver_config *config)
{
    char text[SS_ADDRESS_TEXT];
    size_t i;

    ss_buf_u8(out, (uint8_t)config->count);
    for (i = 0; i < config->count; i++) {
        memset(text, 0, sizeof(text));
        ss_address_to_text(&config->servers[i].address, text);
        ss_buf_put(out, text, strlen(text) + 1);
        ss_buf_le16(out, config->servers[i].port);
        ss_buf_u8(out, config->servers[i].trusted ? 1 : 0);
    }
}

uint64_t
ss_fingerprint(const struct smtpsec_options *options)
{
    const char *version = smtpsec_version();
    uint8_t digest[SS_SHA256_LEN];
    uint64_t fingerprint = 0;
    struct ss_buf buf;

    ss_buf_init(&buf, 1 << 24);
    ss_buf_put(&buf, version, strlen(version) + 1);
    ss_buf_u8(&buf, SS_KEPT_VERSION);
    put_settings(&buf, &options->settings);
    put_exceptions(&buf, options->settings.exceptions);
    put_rules(&buf, options->settings.rules);
    put_names(&buf, options->canaries, options->canary_count);
    put_resolvers(&buf, &options->resolvers);
    if (ss_buf_ok(&buf) && ss_sha256(buf.data, buf.len, digest) == 0) {
        memcpy(&fingerprint, digest, sizeof(fingerprint));
        if (fingerprint == 0)
            fingerprint = 1;
    }
    ss_buf_free(&buf);
    return fingerprint;
}
