/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Envelope (codec.h) around: fingerprint le64, then the answers by name and
 * type, each with the time it was asked for, in 40 bits, before it (answer_codec.h).
 * As for claims there is one form for each set, and the reader refuses others.
 */
#include "engine/answers.h"

#include <stdlib.h>
#include <string.h>

#include "base/name.h"
#include "decision/plan.h"
#include "dns/answer_codec.h"
#include "engine/learn.h"
#include "memory/codec.h"

#define ANSWERS_VERSION 1

bool
ss_answers_apply(const struct smtpsec_destination *destination)
{
    return !destination->literal && !destination->relay && destination->port == 25 &&
           destination->domain.len > 0;
}

static int
by_question(const struct ss_question *a, const struct ss_question *b)
{
    int order = ss_name_compare(&a->name, &b->name);

    return order != 0 ? order : (a->type > b->type) - (a->type < b->type);
}

/* ---- Reading ---- */

/* One answer; what `each` leaves of it is freed. */
static int
read_one(struct ss_rd *rd, struct ss_question *last, ss_answers_each each, void *arg)
{
    int64_t asked = ss_codec_time_read(rd);
    struct ss_question question;
    struct ss_answer answer;
    int r = ss_answer_read(rd, &question, &answer);

    if (r != 0)
        return r;
    if (last->name.len > 0 && by_question(last, &question) >= 0)
        r = SMTPSEC_E_FORMAT;
    else
        r = each(arg, &question, &answer, asked);
    ss_answer_free(&answer);
    *last = question;
    return r;
}

int
ss_answers_read(struct ss_bytes value, struct ss_bytes key, uint64_t fingerprint,
                ss_answers_each each, void *arg)
{
    struct ss_question last;
    struct ss_rd rd;
    int r = value.len > SS_ANSWERS_VALUE_MAX ? SMTPSEC_E_FORMAT : 0;

    memset(&last, 0, sizeof(last));
    if (r == 0)
        r = ss_codec_open(&rd, value, SS_CODEC_ANSWERS, ANSWERS_VERSION, key);
    if (r != 0)
        return r;
    if (ss_rd_le64(&rd) != fingerprint)
        return rd.bad ? SMTPSEC_E_FORMAT : SMTPSEC_E_STALE;
    if (rd.bad || rd.left == 0)
        return SMTPSEC_E_FORMAT;
    while (r == 0 && rd.left > 0)
        r = read_one(&rd, &last, each, arg);
    return r;
}

/* ---- Before an evaluation ---- */

/* Until when an answer is used. */
static int64_t
end_of(const struct ss_answer *answer, int64_t asked)
{
    return asked + (answer->ttl < SS_ANSWERS_LIFE ? (int64_t)answer->ttl : SS_ANSWERS_LIFE);
}

struct filling {
    struct ss_lookup *lookup;
    int64_t now;
};

static int
fill(void *arg, const struct ss_question *question, struct ss_answer *answer, int64_t asked)
{
    struct filling *filling = arg;
    struct ss_evidence *evidence = &filling->lookup->evidence;
    struct ss_dns_fact *fact;
    size_t count = evidence->dns_count;
    int r;

    if (asked > filling->now || end_of(answer, asked) <= filling->now)
        return 0;
    /* Its life counts from when it was asked for, and so the plan's. */
    r = ss_evidence_put_dns(evidence, question, answer, asked);
    if (r != 0 || evidence->dns_count == count)
        return r;
    fact = evidence->dns[count];
    fact->kept = true;
    fact->age = filling->now - asked;
    filling->lookup->recalled++;
    return 0;
}

static struct ss_bytes
view(const struct ss_buf *buf)
{
    return (struct ss_bytes){ buf->data, buf->len };
}

/* Tells one value from another. Over all of it the checksum at its end would make them all one. */
static uint32_t
sum_of(struct ss_bytes value)
{
    return value.len < 4 ? 0 : ss_crc32c(value.data, value.len - 4);
}

int
ss_answers_recall(struct ss_store *store, uint64_t fingerprint, struct ss_lookup *lookup,
                  int64_t now)
{
    const struct smtpsec_destination *destination = &lookup->evidence.destination;
    struct filling filling = { lookup, now };
    struct ss_bytes key = ss_policy_key(&destination->domain);
    struct ss_buf value;
    int r;

    if (!ss_answers_apply(destination))
        return 0;
    ss_buf_init(&value, SS_STORE_VALUE_MAX);
    r = ss_store_get(store, SS_TABLE_ANSWERS, key, &value);
    if (r == 0)
        r = ss_answers_read(view(&value), key, fingerprint, fill, &filling);
    if (r != 0) /* half of a value that turned out damaged is not believed either */
        ss_answers_take_back(lookup);
    else
        lookup->recalled_sum = sum_of(view(&value));
    ss_buf_free(&value);
    return r == SMTPSEC_E_NOMEM ? r : 0;
}

bool
ss_answers_recalled(const struct ss_lookup *lookup)
{
    return lookup->recalled > 0;
}

void
ss_answers_take_back(struct ss_lookup *lookup)
{
    struct ss_evidence *evidence = &lookup->evidence;
    size_t left = 0;
    size_t i;

    for (i = 0; i < evidence->dns_count; i++) {
        struct ss_dns_fact *fact = evidence->dns[i];

        if (fact->kept) {
            ss_answer_free(&fact->answer);
            free(fact);
        } else {
            evidence->dns[left++] = fact;
        }
    }
    evidence->dns_count = left;
    lookup->recalled = 0;
}

/* ---- After it ---- */

/* What the memory refuses, or would: whoever stands behind it is asked again. */
static bool
host_doubted(const struct smtpsec_host *host)
{
    return host->would_refuse || host->reason == SMTPSEC_REASON_DOWNGRADE ||
           host->reason == SMTPSEC_REASON_DNSSEC_LOST;
}

bool
ss_answers_doubted(const struct smtpsec_plan *plan)
{
    size_t i;

    for (i = 0; i < plan->count; i++)
        if (host_doubted(&plan->hosts[i]))
            return true;
    return plan->verdict == SMTPSEC_VERDICT_DEFER || plan->would_refuse;
}

static bool
worth_keeping(const struct ss_dns_fact *fact, int64_t now)
{
    int64_t asked = fact->expires - (int64_t)fact->answer.ttl;

    return ss_answer_keepable(&fact->question, &fact->answer) && asked >= 0 && asked <= now &&
           asked <= SS_CODEC_TIME_MAX && end_of(&fact->answer, asked) > now;
}

/* Is there something to keep that does not stand there yet? */
static bool
has_news(const struct ss_lookup *lookup, int64_t now)
{
    const struct ss_evidence *evidence = &lookup->evidence;
    bool news = false;
    size_t i;

    for (i = 0; i < evidence->dns_count; i++) {
        /* RES-05: where one answer was forged, the others are not trusted for longer than this. */
        if (evidence->dns[i]->answer.trust == SMTPSEC_TRUST_BOGUS)
            return false;
        news = news || (!evidence->dns[i]->kept && worth_keeping(evidence->dns[i], now));
    }
    return news;
}

static int
compare(const void *a, const void *b)
{
    const struct ss_dns_fact *const *one = a;
    const struct ss_dns_fact *const *other = b;

    return by_question(&(*one)->question, &(*other)->question);
}

struct keeping {
    const struct ss_lookup *lookup;
    uint64_t fingerprint;
    struct ss_bytes key;
    int64_t now;
};

/* recalled: those too that an earlier evaluation kept. Returns 0, NOMEM, LIMIT. */
static int
write_value(const struct keeping *keeping, bool recalled, struct ss_buf *out)
{
    const struct ss_evidence *evidence = &keeping->lookup->evidence;
    const struct ss_dns_fact **facts;
    size_t start, i, count = 0;

    facts = calloc(evidence->dns_count > 0 ? evidence->dns_count : 1, sizeof(struct ss_dns_fact *));
    if (facts == NULL)
        return SMTPSEC_E_NOMEM;
    for (i = 0; i < evidence->dns_count; i++)
        if ((recalled || !evidence->dns[i]->kept) && worth_keeping(evidence->dns[i], keeping->now))
            facts[count++] = evidence->dns[i];
    qsort(facts, count, sizeof(struct ss_dns_fact *), compare);
    start = ss_codec_begin(out, SS_CODEC_ANSWERS, ANSWERS_VERSION);
    ss_buf_le64(out, keeping->fingerprint);
    for (i = 0; i < count && out->len - start <= SS_ANSWERS_VALUE_MAX; i++) {
        ss_codec_time_write(out, facts[i]->expires - (int64_t)facts[i]->answer.ttl);
        ss_answer_write(out, &facts[i]->question, &facts[i]->answer);
    }
    ss_codec_end(out, start, keeping->key);
    free(facts);
    if (out->nomem)
        return SMTPSEC_E_NOMEM;
    return out->full || out->len - start > SS_ANSWERS_VALUE_MAX ? SMTPSEC_E_LIMIT : 0;
}

/*
 * What was recalled stays with the new only if it still stands there: it may
 * have been forgotten meanwhile, or thrown away with all the others.
 */
static int
edit_answers(void *arg, const struct ss_bytes *old, struct ss_buf *out, enum ss_edit *edit)
{
    const struct keeping *keeping = arg;
    bool there = old != NULL && keeping->lookup->recalled > 0 &&
                 sum_of(*old) == keeping->lookup->recalled_sum;
    int r = write_value(keeping, there, out);

    if (r == 0)
        *edit = SS_EDIT_PUT;
    return r;
}

int
ss_answers_keep(struct ss_store *store, uint64_t fingerprint, const struct ss_lookup *lookup,
                int64_t now)
{
    const struct smtpsec_destination *destination = &lookup->evidence.destination;
    struct keeping keeping = { lookup, fingerprint, ss_policy_key(&destination->domain), now };
    struct ss_buf value;
    int r;

    if (!ss_answers_apply(destination) || !has_news(lookup, now))
        return 0;
    /* Outside the transaction: who has too much for it must not keep others waiting each time. */
    ss_buf_init(&value, SS_STORE_VALUE_MAX);
    r = write_value(&keeping, true, &value);
    ss_buf_free(&value);
    if (r == 0)
        r = ss_store_update(store, SS_TABLE_ANSWERS, keeping.key, edit_answers, &keeping);
    return r;
}
