/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "api/context.h"
#include "drive/file.h"
#include "pkix/anchors.h"
#include "pkix/idna.h"

#define RESOLV_CONF "/etc/resolv.conf"
#define PLANS_MIN 1000

static int64_t
system_clock(void *user)
{
    (void)user;
    return (int64_t)time(NULL);
}

int
smtpsec_options_new(struct smtpsec_options **out)
{
    struct smtpsec_options *options;

    if (out == NULL)
        return SMTPSEC_E_INVALID;
    options = calloc(1, sizeof(*options));
    if (options == NULL)
        return SMTPSEC_E_NOMEM;
    ss_settings_init(&options->settings);
    options->resolvers.timeout_ms = 5000;
    options->fetch_timeout_ms = 60000;
    options->plan_cache = true;
    options->clock = system_clock;
    *out = options;
    return 0;
}

void
smtpsec_options_free(struct smtpsec_options *options)
{
    if (options == NULL)
        return;
    ss_anchors_unref(options->anchors);
    ss_exceptions_unref(options->settings.exceptions);
    ss_rules_unref(options->settings.rules);
    free(options->memory);
    memset(&options->key, 0, sizeof(options->key));
    free(options);
}

const char *
smtpsec_options_error(const struct smtpsec_options *options)
{
    return options == NULL ? NULL : options->error.text;
}

int
smtpsec_options_set_anchors(struct smtpsec_options *options, struct smtpsec_anchors *anchors)
{
    if (options == NULL || anchors == NULL)
        return SMTPSEC_E_INVALID;
    ss_anchors_ref(anchors);
    ss_anchors_unref(options->anchors);
    options->anchors = anchors;
    return 0;
}

int
smtpsec_options_add_resolver(struct smtpsec_options *options, const char *address, int trusted)
{
    struct ss_resolver_config *config;

    if (options == NULL || address == NULL)
        return SMTPSEC_E_INVALID;
    config = &options->resolvers;
    if (config->count == SS_RESOLVER_SERVERS)
        return ss_error_set(&options->error, SMTPSEC_E_LIMIT, "more than %d resolvers",
                            SS_RESOLVER_SERVERS);
    if (!ss_server_from_text(&config->servers[config->count], address, trusted != 0))
        return ss_error_set(&options->error, SMTPSEC_E_INVALID, "%.100s is no resolver's address",
                            address);
    config->count++;
    return 0;
}

int
smtpsec_options_load_system_resolvers(struct smtpsec_options *options)
{
    size_t before;
    struct ss_buf buf;
    int r;

    if (options == NULL)
        return SMTPSEC_E_INVALID;
    before = options->resolvers.count;
    ss_buf_init(&buf, 1 << 20);
    r = ss_file_read(RESOLV_CONF, &buf, &options->error);
    if (r == 0)
        ss_servers_from_resolv_conf(&options->resolvers, (const char *)buf.data, buf.len);
    ss_buf_free(&buf);
    if (r == 0 && options->resolvers.count == before)
        r = ss_error_set(&options->error, SMTPSEC_E_RESOLVER, "no nameserver in %s", RESOLV_CONF);
    return r;
}

static int
set_time(struct smtpsec_options *options, int32_t *out, int32_t timeout_ms)
{
    if (options == NULL)
        return SMTPSEC_E_INVALID;
    if (timeout_ms < 100 || timeout_ms > 60000)
        return ss_error_set(&options->error, SMTPSEC_E_INVALID, "%d ms is not in 100 to 60000",
                            (int)timeout_ms);
    *out = timeout_ms;
    return 0;
}

int
smtpsec_options_set_dns_timeout(struct smtpsec_options *options, int32_t timeout_ms)
{
    return set_time(options, options == NULL ? NULL : &options->resolvers.timeout_ms, timeout_ms);
}

int
smtpsec_options_set_fetch_timeout(struct smtpsec_options *options, int32_t timeout_ms)
{
    return set_time(options, options == NULL ? NULL : &options->fetch_timeout_ms, timeout_ms);
}

int
smtpsec_options_set_fetch_late(struct smtpsec_options *options, int on)
{
    if (options == NULL)
        return SMTPSEC_E_INVALID;
    options->fetch_late = on != 0;
    return 0;
}

int
smtpsec_options_set_memory(struct smtpsec_options *options, const char *directory)
{
    char *copy;

    if (options == NULL || directory == NULL)
        return SMTPSEC_E_INVALID;
    copy = strdup(directory);
    if (copy == NULL)
        return SMTPSEC_E_NOMEM;
    free(options->memory);
    options->memory = copy;
    options->memory_ram = false;
    return 0;
}

int
smtpsec_options_set_memory_ram(struct smtpsec_options *options)
{
    if (options == NULL)
        return SMTPSEC_E_INVALID;
    free(options->memory);
    options->memory = NULL;
    options->memory_ram = true;
    return 0;
}

int
smtpsec_options_set_memory_read_only(struct smtpsec_options *options, int read_only)
{
    if (options == NULL)
        return SMTPSEC_E_INVALID;
    options->memory_read_only = read_only != 0;
    return 0;
}

static bool
is_mode(int32_t mode)
{
    return mode >= SMTPSEC_MODE_OFF && mode <= SMTPSEC_MODE_ENFORCE;
}

int
smtpsec_options_set_mode(struct smtpsec_options *options, int32_t claim_kind, int32_t mode)
{
    if (options == NULL || !is_mode(mode) || claim_kind < SMTPSEC_CLAIM_DANE ||
        claim_kind > SMTPSEC_CLAIM_DNSSEC)
        return SMTPSEC_E_INVALID;
    options->settings.memory.mode[claim_kind] = mode;
    return 0;
}

int
smtpsec_options_set_soft_pkix_mode(struct smtpsec_options *options, int32_t mode)
{
    if (options == NULL || !is_mode(mode))
        return SMTPSEC_E_INVALID;
    options->settings.memory.soft_pkix_mode = mode;
    return 0;
}

int
smtpsec_options_set_dane(struct smtpsec_options *options, int32_t mode)
{
    if (options == NULL || !is_mode(mode))
        return SMTPSEC_E_INVALID;
    options->settings.dane = mode;
    return 0;
}

int
smtpsec_options_set_tlsa_digest(struct smtpsec_options *options, int matching, int on)
{
    if (options == NULL || (matching != 1 && matching != 2))
        return SMTPSEC_E_INVALID;
    if (matching == 1)
        options->settings.tlsa_sha256 = on != 0;
    else
        options->settings.tlsa_sha512 = on != 0;
    return 0;
}

int
smtpsec_options_set_mx_alias(struct smtpsec_options *options, int allow)
{
    if (options == NULL)
        return SMTPSEC_E_INVALID;
    options->settings.mx_alias = allow != 0;
    return 0;
}

/* Put a name into a list of limited room. */
static int
add_name(struct smtpsec_options *options, struct ss_name *list, size_t room, size_t *count,
         const char *text)
{
    int r;

    if (*count == room)
        return ss_error_set(&options->error, SMTPSEC_E_LIMIT, "more than %zu names", room);
    r = ss_idna_name(&list[*count], text);
    if (r != 0)
        return ss_error_set(&options->error, r, "%.100s is no domain name", text);
    ++*count;
    return 0;
}

int
smtpsec_options_add_own_name(struct smtpsec_options *options, const char *name)
{
    if (options == NULL || name == NULL)
        return SMTPSEC_E_INVALID;
    return add_name(options, options->settings.own_names, SS_OWN_NAMES,
                    &options->settings.own_name_count, name);
}

int
smtpsec_options_add_canary(struct smtpsec_options *options, const char *name)
{
    if (options == NULL || name == NULL)
        return SMTPSEC_E_INVALID;
    return add_name(options, options->canaries, SS_CANARIES, &options->canary_count, name);
}

int
smtpsec_options_set_minimum(struct smtpsec_options *options, int32_t level)
{
    if (options == NULL || level < SMTPSEC_LEVEL_NONE || level > SMTPSEC_LEVEL_DANE)
        return SMTPSEC_E_INVALID;
    options->settings.minimum = level;
    return 0;
}

int
smtpsec_options_set_mta_sts(struct smtpsec_options *options, int on)
{
    if (options == NULL)
        return SMTPSEC_E_INVALID;
    options->settings.mta_sts = on != 0;
    return 0;
}

int
smtpsec_options_set_tlsrpt(struct smtpsec_options *options, int on)
{
    if (options == NULL)
        return SMTPSEC_E_INVALID;
    options->settings.tlsrpt = on != 0;
    return 0;
}

int
smtpsec_options_set_tlsrpt_transient(struct smtpsec_options *options, int on)
{
    if (options == NULL)
        return SMTPSEC_E_INVALID;
    options->settings.tlsrpt_transient = on != 0;
    return 0;
}

int
smtpsec_options_set_sts_async(struct smtpsec_options *options, int on)
{
    if (options == NULL)
        return SMTPSEC_E_INVALID;
    options->settings.sts_async = on != 0;
    return 0;
}

int
smtpsec_options_set_insecure_mx(struct smtpsec_options *options, int32_t level)
{
    if (options == NULL || (level != SMTPSEC_LEVEL_DANE && level != SMTPSEC_LEVEL_ENCRYPTED &&
                            level != SMTPSEC_LEVEL_NONE))
        return SMTPSEC_E_INVALID;
    options->settings.insecure_mx = level;
    return 0;
}

int
smtpsec_options_set_dane_over_sts(struct smtpsec_options *options, int on)
{
    if (options == NULL)
        return SMTPSEC_E_INVALID;
    options->settings.dane_over_sts = on != 0;
    return 0;
}

int
smtpsec_options_set_plan_cache(struct smtpsec_options *options, int on)
{
    if (options == NULL)
        return SMTPSEC_E_INVALID;
    options->plan_cache = on != 0;
    return 0;
}

int
smtpsec_options_set_plan_cache_limit(struct smtpsec_options *options, uint64_t plans)
{
    if (options == NULL || plans < PLANS_MIN)
        return SMTPSEC_E_INVALID;
    options->plan_cache_limit = plans;
    return 0;
}

int
smtpsec_options_insecure_allow_private_policy_hosts(struct smtpsec_options *options, int allow)
{
    if (options == NULL)
        return SMTPSEC_E_INVALID;
    options->allow_private = allow != 0;
    return 0;
}

int
smtpsec_options_set_seal_key(struct smtpsec_options *options, const uint8_t *key, size_t len)
{
    if (options == NULL || key == NULL || len < SS_SEAL_KEY_MIN || len > SS_SEAL_KEY_MAX)
        return SMTPSEC_E_INVALID;
    memcpy(options->key.octets, key, len);
    options->key.len = len;
    return 0;
}

int
smtpsec_options_set_clock(struct smtpsec_options *options, int64_t (*clock)(void *user), void *user)
{
    if (options == NULL || clock == NULL)
        return SMTPSEC_E_INVALID;
    options->clock = clock;
    options->clock_user = user;
    return 0;
}
