/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The operator's policy file: read into options, or checked. */
#include "operator/policy.h"

#include <stdlib.h>
#include <string.h>

#include "api/context.h"
#include "base/date.h"
#include "drive/file.h"
#include "pkix/idna.h"

/* What the file says takes the place of what was set; nothing here can fail. */
static void
take_policy(struct smtpsec_options *options, struct ss_operator_policy *policy)
{
    struct ss_memory_settings *memory = &options->settings.memory;
    int32_t kind;

    for (kind = SMTPSEC_CLAIM_DANE; kind <= SMTPSEC_CLAIM_DNSSEC; kind++)
        if (policy->mode[kind] != SS_UNSAID)
            memory->mode[kind] = policy->mode[kind];
    if (policy->soft_certificates != SS_UNSAID)
        memory->soft_pkix_mode = policy->soft_certificates;
    if (policy->has_hold)
        memory->hold = policy->hold;
    if (policy->cap != 0)
        memory->cap = policy->cap;
    if (policy->plan_cache != SS_UNSAID)
        options->plan_cache = policy->plan_cache != 0;
    if (policy->canary_count > 0) {
        memcpy(options->canaries, policy->canaries, sizeof(policy->canaries));
        options->canary_count = policy->canary_count;
    }
    /* An exception weakens: one that the operator took out of his file must not live on; so rules. */
    ss_exceptions_unref(options->settings.exceptions);
    options->settings.exceptions = policy->exceptions;
    policy->exceptions = NULL;
    ss_rules_unref(options->settings.rules);
    options->settings.rules = policy->rules;
    policy->rules = NULL;
}

_Static_assert(SS_POLICY_CANARIES == SS_CANARIES, "a file names as many as a context asks");

int
smtpsec_options_load_policy(struct smtpsec_options *options, const char *path)
{
    struct smtpsec_faults *faults;
    struct ss_operator_policy policy;
    const struct ss_fault *first;
    struct ss_bytes text;
    struct ss_buf buf;
    int r;

    if (options == NULL || path == NULL)
        return SMTPSEC_E_INVALID;
    memset(&policy, 0, sizeof(policy));
    ss_buf_init(&buf, SS_POLICY_OCTETS);
    faults = calloc(1, sizeof(*faults));
    r = faults == NULL ? SMTPSEC_E_NOMEM : ss_file_read(path, &buf, &options->error);
    if (r == SMTPSEC_E_LIMIT)
        r = SMTPSEC_E_FORMAT; /* said already */
    if (r != 0)
        goto out;
    text.data = buf.data;
    text.len = buf.len;
    r = ss_operator_policy_read(&policy, text, options->clock(options->clock_user), faults);
    first = ss_faults_first(faults);
    if (r == 0 && first != NULL)
        r = ss_error_set(&options->error, SMTPSEC_E_FORMAT, "%.100s:%u: %s", path,
                         (unsigned)first->line, first->text);
    if (r == 0)
        take_policy(options, &policy);
out:
    ss_operator_policy_free(&policy);
    ss_buf_free(&buf);
    free(faults);
    return r;
}

/* What was set stands already when a line comes on top of it. */
static void
begin_line(const struct smtpsec_options *options, struct ss_operator_policy *policy)
{
    ss_operator_policy_begin(policy);
    memcpy(policy->canaries, options->canaries, sizeof(policy->canaries));
    policy->canary_count = options->canary_count;
    policy->exceptions = ss_exceptions_ref(options->settings.exceptions);
    policy->rules = ss_rules_ref(options->settings.rules);
}

int
smtpsec_options_add_policy_line(struct smtpsec_options *options, const char *line)
{
    struct smtpsec_faults *faults;
    struct ss_operator_policy policy;
    const struct ss_fault *first;
    struct ss_bytes text;
    int r;

    if (options == NULL || line == NULL)
        return SMTPSEC_E_INVALID;
    faults = calloc(1, sizeof(*faults));
    if (faults == NULL)
        return SMTPSEC_E_NOMEM;
    text.data = (const uint8_t *)line;
    text.len = strlen(line);
    begin_line(options, &policy);
    r = ss_operator_policy_line(&policy, text, options->clock(options->clock_user), faults);
    first = ss_faults_first(faults);
    if (r == 0 && first != NULL)
        r = ss_error_set(&options->error, SMTPSEC_E_FORMAT, "%s", first->text);
    if (r == 0)
        take_policy(options, &policy);
    ss_operator_policy_free(&policy);
    free(faults);
    return r;
}

int
smtpsec_options_set_hold(struct smtpsec_options *options, int64_t seconds)
{
    if (options == NULL)
        return SMTPSEC_E_INVALID;
    if (seconds < SMTPSEC_HOLD_EARNED || seconds > SS_HOLD_MOST)
        return ss_error_set(&options->error, SMTPSEC_E_INVALID, "a hold is 30 days at most");
    options->settings.memory.hold = seconds;
    return 0;
}

int
smtpsec_options_set_cap(struct smtpsec_options *options, int64_t seconds)
{
    if (options == NULL)
        return SMTPSEC_E_INVALID;
    if (seconds < SS_CAP_LEAST || seconds > SS_CAP_MOST)
        return ss_error_set(&options->error, SMTPSEC_E_INVALID, "a cap is 1 to 366 days");
    options->settings.memory.cap = seconds;
    return 0;
}

int
smtpsec_options_add_exception(struct smtpsec_options *options, const char *domain, int32_t kind,
                              int64_t until, const char *note)
{
    struct ss_exception exception;
    int r;

    if (options == NULL || domain == NULL || kind < 0 || kind > SMTPSEC_CLAIM_DNSSEC)
        return SMTPSEC_E_INVALID;
    if (until <= 0 || until > SS_DATE_LAST)
        return ss_error_set(&options->error, SMTPSEC_E_INVALID, "an exception has an end");
    memset(&exception, 0, sizeof(exception));
    exception.below = domain[0] == '.';
    exception.kind = kind;
    exception.until = until;
    r = ss_idna_name(&exception.domain, exception.below ? domain + 1 : domain);
    if (r == 0 && (!ss_name_is_host(&exception.domain) || ss_name_is_numeric(&exception.domain)))
        r = SMTPSEC_E_NAME;
    if (r != 0)
        return ss_error_set(&options->error, r, "%.100s is no domain name", domain);
    if (note != NULL)
        memcpy(exception.note, note, strnlen(note, sizeof(exception.note) - 1));
    r = ss_exceptions_add(&options->settings.exceptions, &exception);
    if (r == SMTPSEC_E_LIMIT)
        return ss_error_set(&options->error, r, "more than %d exceptions", SS_EXCEPTIONS_MAX);
    return r;
}

/* ---- Check ---- */

int
smtpsec_policy_check(const uint8_t *text, size_t len, int64_t now, struct smtpsec_faults **out)
{
    struct ss_operator_policy policy;
    struct smtpsec_faults *faults;
    struct ss_bytes bytes = { text, len };
    int r;

    if ((text == NULL && len > 0) || out == NULL)
        return SMTPSEC_E_INVALID;
    faults = calloc(1, sizeof(*faults));
    if (faults == NULL)
        return SMTPSEC_E_NOMEM;
    r = ss_operator_policy_read(&policy, bytes, now, faults);
    ss_operator_policy_free(&policy);
    if (r != 0) {
        free(faults);
        return r;
    }
    *out = faults;
    return 0;
}

void
smtpsec_faults_free(struct smtpsec_faults *faults)
{
    free(faults);
}

size_t
smtpsec_faults_count(const struct smtpsec_faults *faults)
{
    return faults == NULL ? 0 : faults->count;
}

static const struct ss_fault *
fault(const struct smtpsec_faults *faults, size_t n)
{
    return faults == NULL || n >= faults->count ? NULL : &faults->list[n];
}

uint32_t
smtpsec_faults_line(const struct smtpsec_faults *faults, size_t n)
{
    const struct ss_fault *one = fault(faults, n);

    return one == NULL ? 0 : one->line;
}

const char *
smtpsec_faults_text(const struct smtpsec_faults *faults, size_t n)
{
    const struct ss_fault *one = fault(faults, n);

    return one == NULL ? NULL : one->text;
}

int
smtpsec_faults_harmless(const struct smtpsec_faults *faults, size_t n)
{
    const struct ss_fault *one = fault(faults, n);

    return one != NULL && one->harmless;
}
