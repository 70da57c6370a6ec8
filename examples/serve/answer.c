/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "serve/answer.h"

#include <stdlib.h>
#include <string.h>

#include "serve/needs.h"
#include "serve/policy_text.h"
#include "serve/question.h"
#include "serve/reply_text.h"

#define TLS_1_2 0x0303
#define TLS_1_3 0x0304

/* The least TLS version; attribute and syntax since Postfix 3.6. */
static void
add_version(struct serve_text *text, uint16_t version)
{
    if (version >= TLS_1_3)
        serve_text_add(text, " protocols=>=TLSv1.3");
    else if (version == TLS_1_2)
        serve_text_add(text, " protocols=>=TLSv1.2");
}

/* Literally: a ".domain" would be matched at any depth. */
static void
add_secure(struct serve_text *text, const struct serve_needs *needs)
{
    const char *between = " match=";
    size_t i;

    serve_text_add(text, "OK secure");
    for (i = 0; i < needs->count; i++)
        if (needs->list[i].matched) {
            serve_text_add(text, between);
            serve_text_add(text, needs->list[i].name);
            between = ":";
        }
    serve_text_add(text, " servername=hostname");
}

/* Why no reply can say it, by the first host that stands in the way. */
static const char *
obstacle(const struct serve_need *need)
{
    if (need->beyond)
        return "asks for what no TLS level of Postfix asks";
    if (need->identities == (SMTPSEC_IDENTITY_DANE | SMTPSEC_IDENTITY_PKIX))
        return "asks for DANE and a valid certificate both, which no TLS level of Postfix does";
    if (need->identities == SMTPSEC_IDENTITY_DANE && need->dane_only == SERVE_REFUSES)
        return "asks for DANE behind an unsigned MX set, where Postfix has none";
    return "cannot be told apart from hosts that no mail may go to";
}

static void
add_unsayable(struct serve_text *text, const struct smtpsec_plan *plan,
              const struct serve_needs *needs)
{
    const struct serve_need *need = NULL;
    size_t i;

    for (i = 0; i < needs->count && need == NULL; i++)
        if (needs->list[i].place == SERVE_USED)
            need = &needs->list[i];
    serve_text_add(text, "TEMP unsayable: ");
    serve_text_add_safe(text, smtpsec_plan_domain(plan));
    if (need == NULL) {
        serve_text_add(text, ": no host to go to");
        return;
    }
    serve_text_add(text, ": ");
    serve_text_add_safe(text, need->name);
    serve_text_add(text, " ");
    serve_text_add(text, obstacle(need));
}

/* A plan to bounce is deferred too: Postfix asks only after it has found hosts itself. */
static void
add_refusal(struct serve_text *text, const struct smtpsec_plan *plan)
{
    const char *line = smtpsec_plan_text(plan);

    serve_text_add(text, "TEMP ");
    serve_text_add(text, smtpsec_reason_name(smtpsec_plan_reason(plan)));
    serve_text_add(text, ": ");
    serve_text_add_safe(text, line != NULL ? line : "");
}

static void
add_level(struct serve_text *text, const struct smtpsec_plan *plan, int dialect,
          const struct serve_needs *needs)
{
    int level = serve_needs_level(needs);
    int tells = dialect == SERVE_TLSRPT && serve_policy_tells(plan, level);

    switch (level) {
    case SERVE_NOTFOUND:
        serve_text_add(text, tells ? "OK may" : "NOTFOUND ");
        break;
    case SERVE_ENCRYPT:
        serve_text_add(text, "OK encrypt");
        break;
    case SERVE_SECURE:
        add_secure(text, needs);
        break;
    case SERVE_DANE_ONLY:
        serve_text_add(text, "OK dane-only");
        break;
    default:
        add_unsayable(text, plan, needs);
        return;
    }
    /* A proof of identity over an older version would prove nothing. */
    if (level >= SERVE_SECURE && needs->version < TLS_1_2)
        add_version(text, TLS_1_2);
    else if (level != SERVE_NOTFOUND)
        add_version(text, needs->version);
    if (tells)
        serve_policy_add(text, plan, level, needs);
}

int
serve_answer(const struct smtpsec_plan *plan, int dialect, char **reply)
{
    struct serve_needs needs;
    struct serve_text text;
    int r;

    *reply = NULL;
    memset(&needs, 0, sizeof(needs));
    r = serve_text_new(&text, SERVE_REPLY_MAX);
    if (r != 0)
        goto out;
    if (smtpsec_plan_verdict(plan) != SMTPSEC_VERDICT_DELIVER) {
        add_refusal(&text, plan);
    } else {
        r = serve_needs_read(plan, &needs);
        if (r != 0)
            goto out;
        add_level(&text, plan, dialect, &needs);
    }
    if (text.full) {
        serve_text_clear(&text);
        serve_text_add(&text, "TEMP unsayable: more than Postfix reads");
    }
    *reply = serve_text_take(&text);
out:
    serve_needs_free(&needs);
    serve_text_free(&text);
    return r;
}

const char *
serve_answer_error(int status)
{
    switch (status) {
    case SMTPSEC_E_NOMEM:
        return "TEMP nomem: out of memory";
    case SMTPSEC_E_NAME:
        return "TEMP name: not a domain name";
    case SMTPSEC_E_RESOLVER:
        return "TEMP resolver: no usable resolver";
    case SMTPSEC_E_LIMIT:
        return "TEMP limit: too much to do";
    default:
        return "TEMP system: the destination could not be evaluated";
    }
}

int
serve_answer_options(struct smtpsec_options *options)
{
    int r = smtpsec_options_set_dane_over_sts(options, 1);

    if (r == 0)
        r = smtpsec_options_set_insecure_mx(options, SMTPSEC_LEVEL_ENCRYPTED);
    return r;
}
