/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Answers as they are kept: what the reader accepts must come out of the writer
 * octet by octet, and a lookup must be able to decide by it. The first octet
 * chooses: 0 one answer; 1 a whole value as it is, 2 one whose checksum is made
 * right, or nothing would get past it.
 */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "decision/plan.h"
#include "dns/answer_codec.h"
#include "engine/answers.h"
#include "engine/learn.h"
#include "memory/codec.h"

#define NOW INT64_C(1800000000)
#define PRINT UINT64_C(0x7372657773)

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void
try_one(struct ss_bytes octets)
{
    struct ss_question question;
    struct ss_answer answer;
    struct ss_rd rd;
    struct ss_buf out;
    size_t used;

    ss_rd_init(&rd, octets.data, octets.len);
    if (ss_answer_read(&rd, &question, &answer) != 0)
        return;
    used = octets.len - rd.left;
    ss_buf_init(&out, SIZE_MAX / 2);
    ss_answer_write(&out, &question, &answer);
    if (!out.nomem && (out.len != used || memcmp(out.data, octets.data, used) != 0))
        abort();
    ss_buf_free(&out);
    ss_answer_free(&answer);
}

/* Two facts of one question would be a form of its own. */
static int
write_again(void *arg, const struct ss_question *question, struct ss_answer *answer, int64_t asked)
{
    ss_codec_time_write(arg, asked);
    ss_answer_write(arg, question, answer);
    return 0;
}

static void
must_be_same(struct ss_bytes value, struct ss_bytes key)
{
    struct ss_buf out;
    size_t start;

    ss_buf_init(&out, SIZE_MAX / 2);
    start = ss_codec_begin(&out, SS_CODEC_ANSWERS, 1);
    ss_buf_le64(&out, PRINT);
    if (ss_answers_read(value, key, PRINT, write_again, &out) == 0) {
        ss_codec_end(&out, start, key);
        if (!out.nomem && (out.len != value.len || memcmp(out.data, value.data, out.len) != 0))
            abort();
    }
    ss_buf_free(&out);
}

static int
put(void *arg, const struct ss_bytes *old, struct ss_buf *out, enum ss_edit *edit)
{
    const struct ss_bytes *value = arg;

    (void)old;
    ss_buf_put(out, value->data, value->len);
    *edit = SS_EDIT_PUT;
    return 0;
}

/* Recall, decide with what there is, keep again. */
static void
use(struct ss_store *store, const struct smtpsec_destination *destination)
{
    struct ss_settings settings;
    struct smtpsec_plan *plan;
    struct ss_lookup *lookup;
    size_t open;

    ss_settings_init(&settings);
    settings.tlsrpt = true;
    if (ss_lookup_new(destination, &settings, SMTPSEC_MEMORY_OK, NULL, NULL, &lookup) != 0)
        return;
    if (ss_answers_recall(store, PRINT, lookup, NOW) == 0 &&
        ss_lookup_step(lookup, NOW, &open) == 0 && ss_lookup_decide(lookup, NOW, &plan) == 0) {
        (void)ss_answers_doubted(plan);
        ss_plan_free(plan);
        (void)ss_answers_keep(store, PRINT, lookup, NOW);
        ss_answers_take_back(lookup);
        if (ss_answers_recalled(lookup) || lookup->evidence.dns_count != 0)
            abort();
    }
    ss_lookup_free(lookup);
}

static void
try_value(struct ss_bytes value)
{
    struct smtpsec_destination destination;
    struct ss_store *store;
    struct ss_bytes key;

    memset(&destination, 0, sizeof(destination));
    destination.port = 25;
    if (!ss_name_from_text(&destination.domain, "d.test", 6) || ss_store_ram_open(&store) != 0)
        return;
    key = ss_policy_key(&destination.domain);
    must_be_same(value, key);
    if (ss_store_update(store, SS_TABLE_ANSWERS, key, put, &value) == 0)
        use(store, &destination);
    ss_store_close(store);
}

static void
try_sealed(struct ss_bytes body)
{
    static const struct ss_bytes key = {(const uint8_t *)"\1d\4test", 8};
    struct ss_buf out;
    size_t start;

    ss_buf_init(&out, SIZE_MAX / 2);
    start = ss_codec_begin(&out, SS_CODEC_ANSWERS, 1);
    ss_buf_le64(&out, PRINT);
    ss_buf_put(&out, body.data, body.len);
    ss_codec_end(&out, start, key);
    if (ss_buf_ok(&out))
        try_value((struct ss_bytes){out.data, out.len});
    ss_buf_free(&out);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct ss_bytes rest;

    if (size < 1)
        return 0;
    rest = (struct ss_bytes){data + 1, size - 1};
    switch (data[0]) {
    case 0:
        try_one(rest);
        break;
    case 1:
        try_value(rest);
        break;
    default:
        try_sealed(rest);
        break;
    }
    return 0;
}
