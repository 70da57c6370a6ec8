/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "print_json.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "text.h"

json_t *
json_new_object(void)
{
    json_t *object = json_object();

    if (object == NULL)
        tool_out_of_memory();
    return object;
}

json_t *
json_new_array(void)
{
    json_t *array = json_array();

    if (array == NULL)
        tool_out_of_memory();
    return array;
}

void
json_put(json_t *object, const char *key, json_t *value)
{
    if (json_object_set_new(object, key, value) != 0)
        tool_out_of_memory();
}

void
json_append(json_t *array, json_t *value)
{
    if (json_array_append_new(array, value) != 0)
        tool_out_of_memory();
}

void
json_put_text(json_t *object, const char *key, const char *text)
{
    json_put(object, key, json_string(text != NULL ? text : ""));
}

void
json_put_text_or_null(json_t *object, const char *key, const char *text)
{
    json_put(object, key, text != NULL && text[0] != '\0' ? json_string(text) : json_null());
}

void
json_put_number(json_t *object, const char *key, int64_t number)
{
    json_put(object, key, json_integer(number));
}

void
json_put_bool(json_t *object, const char *key, int truth)
{
    json_put(object, key, json_boolean(truth));
}

void
json_append_text(json_t *array, const char *text)
{
    json_append(array, json_string(text != NULL ? text : ""));
}

/* text and enhanced: what is known better than the reason alone says; "" or NULL when nothing. */
static json_t *
reason_with(int32_t reason, const char *text, const char *enhanced)
{
    json_t *object = NULL;

    if (reason == SMTPSEC_REASON_NONE)
        return json_null();
    if (text == NULL || text[0] == '\0')
        text = smtpsec_reason_text(reason);
    if (enhanced == NULL || enhanced[0] == '\0')
        enhanced = smtpsec_reason_enhanced(reason);
    object = json_new_object();
    json_put_text(object, "code", smtpsec_reason_name(reason));
    json_put_text(object, "text", text);
    json_put_text(object, "enhanced", enhanced);
    json_put_text(object, "rfc", smtpsec_reason_rfc(reason));
    json_put_text(object, "met_by", smtpsec_reason_met_by(reason));
    return object;
}

json_t *
json_reason(int32_t reason)
{
    return reason_with(reason, NULL, NULL);
}

json_t *
json_result(int32_t result_type)
{
    if (result_type == SMTPSEC_RESULT_NONE)
        return json_null();
    return json_string(smtpsec_result_name(result_type));
}

json_t *
json_identities(int32_t identities)
{
    json_t *array = json_new_array();
    int32_t bit;

    for (bit = SMTPSEC_IDENTITY_DANE; bit <= SMTPSEC_IDENTITY_PKIX; bit <<= 1) {
        if ((identities & bit) != 0)
            json_append_text(array, smtpsec_identity_name(bit));
    }
    return array;
}

static json_t *
sources(int32_t set)
{
    json_t *array = json_new_array();
    int32_t bit;

    for (bit = SMTPSEC_SOURCE_DANE; bit <= SMTPSEC_SOURCE_REQUIRETLS; bit <<= 1) {
        if ((set & bit) != 0)
            json_append_text(array, smtpsec_source_name(bit));
    }
    return array;
}

json_t *
json_requirement(const struct smtpsec_requirement *requirement)
{
    json_t *object = NULL;

    if (requirement == NULL)
        return json_null();
    object = json_new_object();
    json_put_text(object, "level", smtpsec_level_name(smtpsec_requirement_level(requirement)));
    json_put_text(object, "tls", smtpsec_tls_name(smtpsec_requirement_tls(requirement)));
    json_put(object, "identities", json_identities(smtpsec_requirement_identities(requirement)));
    json_put_text(object, "protection",
                  smtpsec_protection_name(smtpsec_requirement_protection(requirement)));
    json_put_bool(object, "requiretls", smtpsec_requirement_requiretls(requirement));
    json_put_text(object, "reported_tls",
                  smtpsec_tls_name(smtpsec_requirement_reported_tls(requirement)));
    json_put(object, "reported_identities",
             json_identities(smtpsec_requirement_reported_identities(requirement)));
    json_put(object, "sources", sources(smtpsec_requirement_sources(requirement)));
    json_put_text(object, "digest", smtpsec_requirement_digest(requirement));
    json_put_number(object, "expires", smtpsec_requirement_expires(requirement));
    return object;
}

json_t *
json_claim(const struct smtpsec_claim *claim)
{
    json_t *object = json_new_object();

    json_put_text(object, "kind", smtpsec_claim_name(smtpsec_claim_kind(claim)));
    json_put_text(object, "domain", smtpsec_claim_domain(claim));
    json_put_text(object, "host", smtpsec_claim_host(claim));
    json_put_text(object, "route", smtpsec_claim_route(claim));
    json_put_number(object, "first_seen", smtpsec_claim_first_seen(claim));
    json_put_number(object, "last_seen", smtpsec_claim_last_seen(claim));
    json_put_number(object, "days", smtpsec_claim_days(claim));
    json_put_number(object, "binds_until", smtpsec_claim_binds_until(claim));
    json_put_bool(object, "in_force", smtpsec_claim_in_force(claim));
    json_put_text(object, "evidence", smtpsec_claim_evidence(claim));
    return object;
}

static json_t *
mx_object(int32_t origin, int32_t trust)
{
    json_t *object = json_new_object();

    json_put_text(object, "origin", smtpsec_origin_name(origin));
    json_put_text(object, "dnssec", smtpsec_trust_name(trust));
    return object;
}

static json_t *
sts_error(const struct smtpsec_plan *plan)
{
    int32_t result_type = smtpsec_plan_sts_error(plan);
    json_t *object = NULL;

    if (result_type == SMTPSEC_RESULT_NONE)
        return json_null();
    object = json_new_object();
    json_put_text(object, "result_type", smtpsec_result_name(result_type));
    json_put_text(object, "text", smtpsec_plan_sts_error_text(plan));
    return object;
}

/* plan NULL: no policy. */
static json_t *
sts_object(const struct smtpsec_plan *plan)
{
    json_t *object = json_new_object();
    json_t *patterns = json_new_array();
    size_t i;

    json_put_text(object, "mode", smtpsec_sts_mode_name(smtpsec_plan_sts_mode(plan)));
    json_put_text(object, "source", smtpsec_sts_source_name(smtpsec_plan_sts_source(plan)));
    json_put_text(object, "id", smtpsec_plan_sts_id(plan));
    json_put_number(object, "max_age", smtpsec_plan_sts_max_age(plan));
    json_put_number(object, "expires", smtpsec_plan_sts_expires(plan));
    for (i = 0; i < smtpsec_plan_sts_mx_count(plan); i++)
        json_append_text(patterns, smtpsec_plan_sts_mx(plan, i));
    json_put(object, "mx", patterns);
    json_put(object, "error", plan != NULL ? sts_error(plan) : json_null());
    return object;
}

static json_t *
floor_object(const struct smtpsec_plan *plan)
{
    json_t *object = NULL;

    if (!smtpsec_plan_has_floor(plan))
        return json_null();
    object = json_new_object();
    json_put_text(object, "level", smtpsec_level_name(smtpsec_plan_floor_level(plan)));
    json_put_text(object, "tls", smtpsec_tls_name(smtpsec_plan_floor_tls(plan)));
    json_put(object, "identities", json_identities(smtpsec_plan_floor_identities(plan)));
    return object;
}

/* Report mode has no hold that ends, only what it would refuse: then `until` is null. */
static json_t *
hold_object(const struct smtpsec_plan *plan)
{
    json_t *object = NULL;

    if (!smtpsec_plan_has_hold(plan) && !smtpsec_plan_would_refuse(plan))
        return json_null();
    object = json_new_object();
    json_put(object, "until",
             smtpsec_plan_has_hold(plan) ? json_integer(smtpsec_plan_hold_until(plan))
                                         : json_null());
    json_put_bool(object, "would_refuse", smtpsec_plan_would_refuse(plan));
    return object;
}

static json_t *
memory_object(const struct smtpsec_plan *plan)
{
    json_t *object = json_new_object();
    json_t *claims = json_new_array();
    size_t i;

    json_put_text(object, "state", smtpsec_memory_state_name(smtpsec_plan_memory_state(plan)));
    json_put(object, "floor", floor_object(plan));
    json_put(object, "hold", hold_object(plan));
    for (i = 0; i < smtpsec_plan_claim_count(plan); i++)
        json_append(claims, json_claim(smtpsec_plan_claim(plan, i)));
    json_put(object, "claims", claims);
    return object;
}

static json_t *
tlsa_object(const struct smtpsec_host *host, size_t n)
{
    json_t *object = json_new_object();
    int32_t reason = smtpsec_host_tlsa_reason(host, n);
    size_t len = 0;
    const uint8_t *data = smtpsec_host_tlsa_data(host, n, &len);
    char *hex = NULL;

    if (data == NULL)
        len = 0;
    hex = malloc(2 * len + 1);
    if (hex == NULL)
        tool_out_of_memory();
    text_hex(hex, 2 * len + 1, data, len);
    json_put_number(object, "usage", smtpsec_host_tlsa_usage(host, n));
    json_put_number(object, "selector", smtpsec_host_tlsa_selector(host, n));
    json_put_number(object, "matching", smtpsec_host_tlsa_matching(host, n));
    json_put_text(object, "data", hex);
    json_put_bool(object, "usable", reason == SMTPSEC_REASON_NONE);
    json_put(object, "why", reason == SMTPSEC_REASON_NONE
                                ? json_null()
                                : json_string(smtpsec_reason_name(reason)));
    free(hex);
    return object;
}

static json_t *
dane_object(const struct smtpsec_host *host)
{
    const struct smtpsec_requirement *requirement = smtpsec_host_requirement(host);
    json_t *object = json_new_object();
    json_t *names = json_new_array();
    json_t *records = json_new_array();
    size_t i;

    for (i = 0; i < smtpsec_requirement_dane_name_count(requirement); i++)
        json_append_text(names, smtpsec_requirement_dane_name(requirement, i));
    for (i = 0; i < smtpsec_host_tlsa_count(host); i++)
        json_append(records, tlsa_object(host, i));
    json_put_text(object, "status", smtpsec_dane_status_name(smtpsec_host_dane_status(host)));
    json_put_text(object, "base", smtpsec_host_dane_base(host));
    json_put(object, "names", names);
    json_put(object, "records", records);
    return object;
}

/* What the memory asks of one host, and whether it refuses it, or would. */
static json_t *
host_memory(const struct smtpsec_host *host)
{
    json_t *object = json_new_object();
    int32_t claim = smtpsec_host_floor_claim(host);

    json_put_text(object, "level", smtpsec_level_name(smtpsec_host_floor_level(host)));
    json_put_text(object, "tls", smtpsec_tls_name(smtpsec_host_floor_tls(host)));
    json_put(object, "identities", json_identities(smtpsec_host_floor_identities(host)));
    json_put(object, "claim", claim != 0 ? json_string(smtpsec_claim_name(claim)) : json_null());
    json_put_text(object, "claim_host", smtpsec_host_floor_host(host));
    json_put(object, "until",
             claim != 0 ? json_integer(smtpsec_host_floor_until(host)) : json_null());
    json_put_text(object, "text", smtpsec_host_floor_text(host));
    json_put_bool(object, "would_refuse", smtpsec_host_would_refuse(host));
    return object;
}

static json_t *
host_object(const struct smtpsec_host *host, json_t *connect)
{
    const struct smtpsec_requirement *requirement = smtpsec_host_requirement(host);
    json_t *object = json_new_object();
    json_t *addresses = json_new_array();
    json_t *names = json_new_array();
    size_t i;

    for (i = 0; i < smtpsec_host_address_count(host); i++)
        json_append_text(addresses, smtpsec_host_address(host, i));
    for (i = 0; i < smtpsec_requirement_pkix_name_count(requirement); i++)
        json_append_text(names, smtpsec_requirement_pkix_name(requirement, i));
    json_put_text(object, "name", smtpsec_host_name(host));
    json_put_number(object, "preference", smtpsec_host_preference(host));
    json_put(object, "addresses", addresses);
    json_put_bool(object, "partial", smtpsec_host_partial(host));
    json_put_text(object, "action", smtpsec_action_name(smtpsec_host_action(host)));
    json_put(object, "reason", json_reason(smtpsec_host_reason(host)));
    json_put(object, "required", json_requirement(requirement));
    json_put_text(object, "sni", smtpsec_requirement_sni(requirement));
    json_put(object, "dane", dane_object(host));
    json_put(object, "pkix_names", names);
    json_put(object, "memory", host_memory(host));
    if (connect != NULL)
        json_put(object, "connect", connect);
    return object;
}

static json_t *
explain_step(const char *rule, const char *input, const char *source, int64_t age)
{
    json_t *object = json_new_object();

    json_put_text(object, "rule", rule);
    json_put_text(object, "input", input);
    json_put_text(object, "source", source);
    json_put(object, "age", age < 0 ? json_null() : json_integer(age));
    return object;
}

json_t *
json_explain(const struct smtpsec_plan *plan)
{
    json_t *array = json_new_array();
    size_t i;

    for (i = 0; i < smtpsec_plan_explain_count(plan); i++) {
        json_t *object = explain_step(
            smtpsec_plan_explain_rule(plan, i), smtpsec_plan_explain_input(plan, i),
            smtpsec_plan_explain_source(plan, i), smtpsec_plan_explain_age(plan, i));

        json_put_text(object, "effect", smtpsec_plan_explain_effect(plan, i));
        json_put_text(object, "rfc", smtpsec_plan_explain_rfc(plan, i));
        json_put_text(object, "text", smtpsec_plan_explain_text(plan, i));
        json_append(array, object);
    }
    return array;
}

void
json_explain_verdict(json_t *array, const char *host, const struct smtpsec_verdict *verdict)
{
    size_t i;

    for (i = 0; i < smtpsec_verdict_explain_count(verdict); i++) {
        json_t *object = explain_step(smtpsec_verdict_explain_rule(verdict, i),
                                      smtpsec_verdict_explain_input(verdict, i),
                                      smtpsec_verdict_explain_source(verdict, i), -1);

        json_put_text(object, "effect", smtpsec_verdict_explain_effect(verdict, i));
        json_put_text(object, "rfc", smtpsec_verdict_explain_rfc(verdict, i));
        json_put_text(object, "text", smtpsec_verdict_explain_text(verdict, i));
        json_put_text(object, "host", host);
        json_append(array, object);
    }
}

json_t *
json_plan(const struct smtpsec_plan *plan, json_t **connects)
{
    json_t *object = json_new_object();
    json_t *hosts = json_new_array();
    size_t i;

    json_put_text(object, "domain", smtpsec_plan_domain(plan));
    json_put_text(object, "route", smtpsec_plan_route(plan));
    json_put_number(object, "port", smtpsec_plan_port(plan));
    json_put_text(object, "verdict", smtpsec_verdict_name(smtpsec_plan_verdict(plan)));
    json_put(object, "reason", reason_with(smtpsec_plan_reason(plan), smtpsec_plan_text(plan),
                                           smtpsec_plan_enhanced(plan)));
    json_put_text(object, "level", smtpsec_level_name(smtpsec_plan_level(plan)));
    json_put_text(object, "protection", smtpsec_protection_name(smtpsec_plan_protection(plan)));
    json_put_text(object, "dnssec", smtpsec_dnssec_name(smtpsec_plan_dnssec(plan)));
    json_put(object, "mx", mx_object(smtpsec_plan_mx_origin(plan), smtpsec_plan_mx_trust(plan)));
    json_put(object, "mta_sts", sts_object(plan));
    json_put_text(object, "tlsrpt", smtpsec_plan_tlsrpt(plan));
    json_put(object, "memory", memory_object(plan));
    for (i = 0; i < smtpsec_plan_host_count(plan); i++)
        json_append(hosts, host_object(smtpsec_plan_host(plan, i),
                                       connects != NULL ? connects[i] : NULL));
    json_put(object, "hosts", hosts);
    json_put(object, "explain", json_explain(plan));
    json_put_text(object, "digest", smtpsec_plan_digest(plan));
    json_put_number(object, "expires", smtpsec_plan_expires(plan));
    return object;
}

json_t *
json_invalid_domain(const struct tool_options *options, const char *domain)
{
    json_t *object = json_new_object();
    char shown[512];

    text_escape(shown, sizeof(shown), domain, strlen(domain));
    json_put_text(object, "domain", shown);
    json_put_text(object, "route", options->relay != NULL ? "relay" : "mx");
    json_put_number(object, "port", options->port != 0 ? options->port : 25);
    json_put_text(object, "verdict", smtpsec_verdict_name(SMTPSEC_VERDICT_FAIL));
    json_put(object, "reason", json_reason(SMTPSEC_REASON_INVALID_DOMAIN));
    json_put_text(object, "level", smtpsec_level_name(SMTPSEC_LEVEL_NONE));
    json_put_text(object, "protection", smtpsec_protection_name(SMTPSEC_PROTECTION_NONE));
    json_put_text(object, "dnssec", smtpsec_dnssec_name(SMTPSEC_DNSSEC_UNKNOWN));
    json_put(object, "mx", mx_object(SMTPSEC_ORIGIN_MX, SMTPSEC_TRUST_INDETERMINATE));
    json_put(object, "mta_sts", sts_object(NULL));
    json_put_text(object, "tlsrpt", "");
    json_put(object, "memory", memory_object(NULL));
    json_put(object, "hosts", json_new_array());
    json_put(object, "explain", json_new_array());
    json_put_text(object, "digest", "");
    json_put_number(object, "expires", 0);
    return object;
}

void
json_print_line(json_t *object)
{
    if (json_dumpf(object, stdout, JSON_COMPACT | JSON_ENSURE_ASCII) != 0)
        tool_out_of_memory();
    putchar('\n');
    fflush(stdout);
    json_decref(object);
}
