/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* An outcome from another process, blob or body, and what it does to a memory. */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "decision/outcome.h"
#include "decision/seal.h"
#include "engine/learn.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void
must(int holds)
{
    if (!holds)
        abort();
}

static void
record(const struct smtpsec_outcome *outcome)
{
    struct smtpsec_destination destination;
    struct ss_memory_settings settings;
    struct ss_observation observation;
    struct ss_sts_entry entry;
    struct ss_record record;
    struct ss_store *store;
    int fault, k;

    ss_memory_settings_init(&settings);
    must(ss_store_ram_open(&store) == 0);
    for (k = 0; k < 2; k++)
        must(ss_learn_outcome(store, &settings, outcome, 0, outcome->at) == 0);
    if (ss_outcome_observation(outcome, &observation)) {
        must(outcome->judged != outcome->observed && outcome->host.len > 0);
        must(observation.what != SS_OBSERVED_DELIVERY ||
             ((outcome->verified || outcome->observed) && outcome->accepted));
        must(!observation.unseen || observation.identities == 0);
        must(observation.what != SS_OBSERVED_REFUSAL || !outcome->verified);
        must(observation.what != SS_OBSERVED_REFUSAL || outcome->memory_refused);
    }
    memset(&destination, 0, sizeof(destination));
    destination.domain = outcome->key.domain;
    destination.relay = outcome->key.relay.len > 0;
    destination.port = outcome->key.port;
    must(ss_recall(store, &destination, &record, &entry, &fault) == 0);
    /* What we wrote ourselves can be read again. */
    must(fault == 0);
    ss_record_free(&record);
    ss_sts_entry_free(&entry);
    ss_store_close(store);
}

static void
try(struct ss_bytes body)
{
    struct smtpsec_outcome *outcome;
    struct ss_buf buf;

    if (ss_outcome_decode(body, &outcome) != 0)
        return;
    ss_buf_init(&buf, SS_BLOB_MAX);
    ss_outcome_encode(outcome, &buf);
    must(ss_buf_ok(&buf) && buf.len == body.len && memcmp(buf.data, body.data, body.len) == 0);
    ss_buf_free(&buf);
    /* The memory sees none whose time is not near the present. */
    if (outcome->at > -(INT64_C(1) << 40) && outcome->at < INT64_C(1) << 40)
        record(outcome);
    free(outcome);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct ss_bytes blob = {data, size}, body;

    if (ss_unseal(NULL, SS_BLOB_OUTCOME, SS_OUTCOME_VERSION, blob, &body) == 0)
        try(body);
    try(blob);
    return 0;
}
