/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * A kept plan as it may stand in a file that somebody has had a hand on: as it
 * is, and with its head and checksum put right, so that what lies behind is
 * reached. All that can be asked of one that is taken lies within its octets.
 */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "decision/kept.h"
#include "memory/codec.h"

#define FINGERPRINT 7
#define NOW 1000

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static const struct ss_bytes key = {(const uint8_t *)"\1d\4test", 8};

static void
must(int holds)
{
    if (!holds)
        abort();
}

static void
must_lie_within(struct ss_bytes value, const void *at, size_t len)
{
    const uint8_t *octets = at;

    must(octets >= value.data && len <= value.len &&
         octets <= value.data + (value.len - len));
}

static void
ask_host(const struct ss_kept *kept, size_t n, struct ss_bytes value)
{
    struct smtpsec_requirement *requirement;
    struct ss_kept_host host;
    const char *address;
    size_t i;

    ss_kept_host(kept, n, &host);
    must_lie_within(value, host.name, strlen(host.name) + 1);
    must_lie_within(value, host.digest, strlen(host.digest) + 1);
    must(host.action == SMTPSEC_ACTION_USE || host.requirement.len == 0);
    for (i = 0; i < host.address_count + 1; i++) {
        address = ss_kept_address(&host, i);
        must(address == NULL || i < host.address_count);
        if (address != NULL)
            must_lie_within(value, address, strlen(address) + 1);
    }
    if (host.requirement.len > 0) {
        must_lie_within(value, host.requirement.data, host.requirement.len);
        if (ss_requirement_decode(host.requirement, &requirement) == 0)
            ss_requirement_free(requirement);
    }
}

static void
try(struct ss_bytes value)
{
    struct ss_kept_head head;
    struct ss_kept kept;
    size_t i;

    (void)ss_kept_head_read(&head, value, key);
    (void)ss_kept_rank(value, NOW);
    if (!ss_kept_read(&kept, value, key, FINGERPRINT, NOW))
        return;
    must(ss_kept_expires(&kept) > NOW && ss_kept_verdict(&kept) <= SMTPSEC_VERDICT_FAIL);
    must_lie_within(value, ss_kept_digest(&kept), strlen(ss_kept_digest(&kept)) + 1);
    for (i = 0; i < kept.hosts; i++)
        ask_host(&kept, i, value);
}

/* The input as the part behind the head, which is one that counts here and now. */
static void
try_with_head(const uint8_t *data, size_t size)
{
    struct ss_bytes value;
    struct ss_buf buf;
    size_t start;

    ss_buf_init(&buf, SS_KEPT_OCTETS);
    start = ss_codec_begin(&buf, SS_CODEC_KEPT, SS_KEPT_VERSION);
    ss_buf_u8(&buf, SS_KEPT_PLAN);
    ss_buf_u8(&buf, 0);
    ss_buf_le64(&buf, FINGERPRINT);
    ss_buf_le64(&buf, 0);
    ss_buf_le64(&buf, 0);
    ss_buf_le64(&buf, NOW);
    ss_buf_le64(&buf, NOW + 1);
    if (size > 0)
        ss_buf_put(&buf, data, size);
    ss_codec_end(&buf, start, key);
    if (ss_buf_ok(&buf)) {
        /* Of its own, so that a step beyond it is seen. */
        uint8_t *copy = malloc(buf.len);

        must(copy != NULL);
        memcpy(copy, buf.data, buf.len);
        value = (struct ss_bytes){copy, buf.len};
        try(value);
        free(copy);
    }
    ss_buf_free(&buf);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct ss_bytes value = {data, size};

    try(value);
    try_with_head(data, size);
    return 0;
}
