/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * A whole evaluation whose world is the input: for each need a few octets say
 * what comes back. An octet of settings, then for each open need in turn an
 * octet that chooses: a failure, a message of raw octets, raw octets behind
 * the right question, or records built for the question.
 */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "decision/decide.h"
#include "engine/learn.h"
#include "engine/lookup.h"

#define NOW INT64_C(1800000000)
#define MESSAGE_MAX 4096
/* More needs than any evaluation may have: MX, TXT, 64 hosts of 5 questions each, the policy. */
#define NEEDS_MAX 400

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void
must(int holds)
{
    if (!holds)
        abort();
}

/* Names that a world of these questions knows, uncompressed. */
static const char *const names[] = {
    "\1a\1d\4test",  "\1b\1d\4test", "\1c\1d\4test", "",
    "\1d\4test",     "\1h\1p\4test", "\1*\1d\4test", "\4evil\4test",
};

static void
put_name(struct ss_buf *out, uint8_t which)
{
    const char *name = names[which % (sizeof(names) / sizeof(names[0]))];

    ss_buf_put(out, name, strlen(name) + 1);
}

static void
put_rdata(struct ss_buf *out, uint16_t type, struct ss_rd *in)
{
    struct ss_buf rdata;
    uint8_t len;
    const uint8_t *octets;

    ss_buf_init(&rdata, 512);
    switch (type) {
    case SS_RR_MX:
        ss_buf_be16(&rdata, ss_rd_u8(in) & 3);
        put_name(&rdata, ss_rd_u8(in));
        break;
    case SS_RR_CNAME:
        put_name(&rdata, ss_rd_u8(in));
        break;
    case SS_RR_A:
        ss_buf_be32(&rdata, 0xc0000200U + ss_rd_u8(in));
        break;
    case SS_RR_AAAA:
        ss_buf_be32(&rdata, 0x20010db8U);
        ss_buf_be32(&rdata, 0);
        ss_buf_be32(&rdata, 0);
        ss_buf_be32(&rdata, ss_rd_u8(in));
        break;
    case SS_RR_TLSA:
        len = ss_rd_u8(in);
        ss_buf_u8(&rdata, 2 + (len & 1));
        ss_buf_u8(&rdata, len >> 1 & 1);
        ss_buf_u8(&rdata, 1 + (len >> 2 & 1));
        for (len = len & 4 ? 64 : len & 8 ? 31 : 32; len > 0; len--)
            ss_buf_u8(&rdata, len);
        break;
    default:
        len = ss_rd_u8(in);
        octets = ss_rd_take(in, len);
        if (octets == NULL) {
            octets = (const uint8_t *)"v=STSv1; id=1;";
            len = 14;
        }
        ss_buf_u8(&rdata, len);
        ss_buf_put(&rdata, octets, len);
        break;
    }
    ss_buf_be16(out, (uint16_t)rdata.len);
    ss_buf_put(out, rdata.data, rdata.len);
    ss_buf_free(&rdata);
}

static void
put_head(struct ss_buf *out, const struct ss_question *question, uint16_t flags, uint8_t answers,
         uint8_t authorities)
{
    ss_buf_be16(out, 0);
    ss_buf_be16(out, flags);
    ss_buf_be16(out, 1);
    ss_buf_be16(out, answers);
    ss_buf_be16(out, authorities);
    ss_buf_be16(out, 0);
    ss_buf_put(out, question->name.wire, question->name.len);
    ss_buf_be16(out, question->type);
    ss_buf_be16(out, 1);
}

/* Records for the question, at its own name or behind one alias. */
static void
put_records(struct ss_buf *out, const struct ss_question *question, uint8_t how, struct ss_rd *in)
{
    uint8_t count = how & 3, target = 0, i;
    bool alias = (how & 4) != 0;

    put_head(out, question, (uint16_t)(0x8180 | (how & 8 ? 0x0020 : 0) | (how & 16 ? 3 : 0)),
             (uint8_t)(count + (alias ? 1 : 0)), 0);
    if (alias) {
        ss_buf_be16(out, 0xc00c);
        ss_buf_be16(out, SS_RR_CNAME);
        ss_buf_be16(out, 1);
        ss_buf_be32(out, 60);
        target = in->left > 0 ? *in->at : 0;
        put_rdata(out, SS_RR_CNAME, in);
    }
    for (i = 0; i < count; i++) {
        if (alias)
            put_name(out, target);
        else
            ss_buf_be16(out, 0xc00c);
        ss_buf_be16(out, question->type);
        ss_buf_be16(out, 1);
        ss_buf_be32(out, how & 32 ? 0 : 3600);
        put_rdata(out, question->type, in);
    }
}

static void
answer_dns(struct ss_lookup *lookup, struct ss_need *need, struct ss_rd *in)
{
    uint8_t how = ss_rd_u8(in);
    uint8_t more = ss_rd_u8(in);
    const uint8_t *octets;
    struct ss_bytes message;
    struct ss_buf out;

    if (how % 5 == 0) {
        must(ss_lookup_answer_failure(lookup, need, 1 + more % SMTPSEC_FAILURE_CANCELLED, NOW) ==
             0);
        return;
    }
    ss_buf_init(&out, MESSAGE_MAX);
    if (how % 5 == 1) {
        octets = ss_rd_take(in, more);
        ss_buf_put(&out, octets, octets != NULL ? more : 0);
    } else if (how % 5 == 2) {
        put_head(&out, &need->question, (uint16_t)(0x8180 | (how & 32)), ss_rd_u8(in) & 7,
                 ss_rd_u8(in) & 3);
        octets = ss_rd_take(in, more);
        ss_buf_put(&out, octets, octets != NULL ? more : 0);
    } else {
        put_records(&out, &need->question, more, in);
    }
    message.data = out.data;
    message.len = out.len;
    must(ss_lookup_answer_dns(lookup, need, message, (how & 128) == 0, NOW) == 0);
    ss_buf_free(&out);
}

static void
answer_https(struct ss_lookup *lookup, struct ss_need *need, struct ss_rd *in)
{
    static const uint8_t policy[] =
        "version: STSv1\nmode: enforce\nmx: a.d.test\nmx: *.p.test\nmax_age: 86400\n";
    struct ss_bytes body = {policy, sizeof(policy) - 1};
    uint8_t how = ss_rd_u8(in);
    uint8_t len = ss_rd_u8(in);

    must(need->address_count > 0);
    if ((how & 3) == 0) {
        must(ss_lookup_answer_failure(lookup, need, 1 + len % SMTPSEC_FAILURE_CANCELLED, NOW) == 0);
        return;
    }
    if ((how & 3) == 1) {
        body.len = len;
        body.data = ss_rd_take(in, len);
        if (body.data == NULL)
            body.len = 0;
    }
    must(ss_lookup_answer_https(lookup, need, how & 4 ? 404 : 200, how & 8 ? NULL : "text/plain",
                                body, NOW) == 0);
}

static void
must_be_sound(const struct smtpsec_plan *plan)
{
    bool used = false;
    size_t i;

    for (i = 0; i < plan->count; i++) {
        const struct smtpsec_host *host = &plan->hosts[i];
        const struct smtpsec_requirement *r = host->requirement;

        must((host->action == SMTPSEC_ACTION_USE) == (r != NULL));
        must((host->reason == SMTPSEC_REASON_NONE) == (r != NULL));
        if (r == NULL)
            continue;
        used = true;
        must(r->identities == 0 || r->tls == SMTPSEC_TLS_REQUIRED);
        must((r->level == SMTPSEC_LEVEL_NONE) == (r->tls == SMTPSEC_TLS_OPTIONAL));
        must((r->identities & SMTPSEC_IDENTITY_DANE) == 0 || ss_tlsa_set_usable(&r->tlsa));
        must(!r->requiretls || r->identities != 0);
        must(host->address_count > 0 || plan->literal);
        if ((plan->message.tls_required_no || plan->message.tls_report) &&
            !plan->message.requiretls)
            continue;
        must(plan->sts_mode != SMTPSEC_STS_ENFORCE || (r->identities & SMTPSEC_IDENTITY_PKIX) != 0);
        must(host->dane != SMTPSEC_DANE_USABLE || plan->mx_trust != SMTPSEC_TRUST_SECURE ||
             (r->identities & SMTPSEC_IDENTITY_DANE) != 0);
    }
    must((plan->verdict == SMTPSEC_VERDICT_DELIVER) == used);
    must((plan->reason == SMTPSEC_REASON_NONE) == used);
    must(plan->expires >= NOW && plan->expires <= NOW + SS_PLAN_LIFE);
    must(plan->text[0] != '\0' && strlen(plan->digest_hex) == 64);
}

static void
derive(const struct smtpsec_plan *plan, unsigned bits)
{
    const struct smtpsec_message message = {bits & 1, bits & 2, bits & 4, bits & 8};
    struct smtpsec_plan *derived;

    must(ss_plan_copy_facts(plan, &derived) == 0);
    must(ss_plan_apply(derived, &message) == 0);
    must_be_sound(derived);
    if (bits == 0)
        must(strcmp(derived->digest_hex, plan->digest_hex) == 0);
    ss_plan_free(derived);
}

static void
run(struct ss_store *store, const struct smtpsec_destination *destination,
    const struct ss_settings *settings, struct ss_rd *in)
{
    struct ss_sts_entry entry;
    struct ss_record record;
    struct ss_lookup *lookup;
    struct smtpsec_plan *plan;
    struct ss_need *need;
    size_t open, answers = 0;
    unsigned bits;
    int fault;

    must(ss_recall(store, destination, &record, &entry, &fault) == 0 && fault == 0);
    must(ss_lookup_new(destination, settings, SMTPSEC_MEMORY_OK, &record, &entry, &lookup) == 0);
    for (;;) {
        must(ss_lookup_step(lookup, NOW, &open) == 0);
        if (open == 0)
            break;
        must(++answers < NEEDS_MAX);
        need = ss_lookup_open_need(lookup, 0);
        must(need != NULL && ss_lookup_need(lookup, need->id) == need);
        if (need->kind == SMTPSEC_NEED_HTTPS)
            answer_https(lookup, need, in);
        else
            answer_dns(lookup, need, in);
        must(ss_lookup_need(lookup, need->id) == NULL);
    }
    must(ss_lookup_decide(lookup, NOW, &plan) == 0);
    must_be_sound(plan);
    for (bits = 0; bits < 16; bits++)
        derive(plan, bits);
    must(ss_learn_lookup(store, lookup, plan, NOW) == 0);
    ss_plan_free(plan);
    ss_lookup_free(lookup);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct smtpsec_destination destination;
    struct ss_settings settings;
    struct ss_store *store;
    struct ss_rd in;
    uint8_t how;

    ss_rd_init(&in, data, size);
    how = ss_rd_u8(&in);
    memset(&destination, 0, sizeof(destination));
    must(ss_name_from_text(&destination.domain, "d.test", 6));
    destination.port = 25;
    destination.relay = (how & 1) != 0;
    ss_settings_init(&settings);
    settings.insecure_mx = how & 2 ? SMTPSEC_LEVEL_NONE : SMTPSEC_LEVEL_DANE;
    must(ss_store_ram_open(&store) == 0);
    run(store, &destination, &settings, &in);
    /* Once more with what was learnt; the rest of the input answers. */
    run(store, &destination, &settings, &in);
    ss_store_close(store);
    return 0;
}
