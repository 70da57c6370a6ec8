/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * The library's objects as JSON, with the keys that the manual page promises.
 * Keys come out in a fixed order, so that equal plans give equal bytes.
 */
#ifndef TOOL_PRINT_JSON_H
#define TOOL_PRINT_JSON_H

#include <jansson.h>
#include <stdint.h>

#include <smtpsec.h>

#include "options.h"

/* Builders that end the process when there is no memory. */
json_t *json_new_object(void);
json_t *json_new_array(void);
void json_put(json_t *object, const char *key, json_t *value);
void json_put_text(json_t *object, const char *key, const char *text); /* NULL: "" */
void json_put_text_or_null(json_t *object, const char *key, const char *text);
void json_put_number(json_t *object, const char *key, int64_t number);
void json_put_bool(json_t *object, const char *key, int truth);
void json_append(json_t *array, json_t *value);
void json_append_text(json_t *array, const char *text);

/* {code, text, enhanced, rfc}; null for SMTPSEC_REASON_NONE. */
json_t *json_reason(int32_t reason);
/* The name of a result type of RFC 8460; null when there is none. */
json_t *json_result(int32_t result_type);
/* ["dane", "pkix"] */
json_t *json_identities(int32_t identities);
json_t *json_requirement(const struct smtpsec_requirement *requirement);
json_t *json_claim(const struct smtpsec_claim *claim);
/* connects: one value for each host, stolen, or NULL; a NULL in it leaves `connect` out. */
json_t *json_plan(const struct smtpsec_plan *plan, json_t **connects);
/* The object of what is no domain: refused, with every key of a plan. */
json_t *json_invalid_domain(const struct tool_options *options, const char *domain);

/* One line on stdout; the object is freed. */
void json_print_line(json_t *object);

/* The trace of a plan; to such an array, that of a session with a host may be added. */
json_t *json_explain(const struct smtpsec_plan *plan);
void json_explain_verdict(json_t *array, const char *host, const struct smtpsec_verdict *verdict);

#endif
