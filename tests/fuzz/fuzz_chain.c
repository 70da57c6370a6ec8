/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Up to four certificates and one TLSA record: a count, then for each
 * certificate two octets of length and its octets; the rest is RDATA. The
 * seeds were written from chains that tests/support/certs.c made, and hold
 * each kind of record over them.
 */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "dane/tlsa.h"
#include "pkix/anchors.h"
#include "pkix/chain.h"

#define NOW INT64_C(1800000000)

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static struct ss_bytes
take(struct ss_rd *rd, size_t len)
{
    struct ss_bytes bytes = {NULL, 0};

    bytes.len = len < rd->left ? len : rd->left;
    bytes.data = ss_rd_take(rd, bytes.len);
    return bytes;
}

static void
must(int holds)
{
    if (!holds)
        abort();
}

/* Under each anchor that the octets offer; a leaf must never be its own. */
static void
under_anchors(struct ss_chain *chain, const struct ss_bytes *list, size_t count)
{
    struct smtpsec_anchors *anchors;
    struct ss_bytes spki;
    int32_t reason;
    size_t i;

    must(ss_anchors_new(&anchors) == 0);
    for (i = 0; i < count; i++) {
        must(ss_chain_verify_under_sent(chain, i, NOW, &reason) == 0);
        must(i > 0 || reason != SMTPSEC_REASON_NONE);
        must(ss_chain_verify_under_certificate(chain, list[i], NOW, &reason) == 0);
        must(i > 0 || reason != SMTPSEC_REASON_NONE);
        if (ss_chain_spki(chain, i, &spki)) {
            must(ss_chain_verify_under_key(chain, spki, NOW, &reason) == 0);
            must(i > 0 || reason != SMTPSEC_REASON_NONE);
        }
        if (i > 0)
            (void)ss_anchors_add_der(anchors, list[i]);
    }
    must(ss_chain_verify(chain, anchors, NOW, &reason) == 0);
    must(count > 0 || reason == SMTPSEC_REASON_NO_CERTIFICATE);
    ss_anchors_unref(anchors);
}

static void
under_record(struct ss_chain *chain, struct ss_bytes rdata, const struct ss_name *name)
{
    struct ss_tlsa_set set;
    struct ss_bytes spki;
    int32_t index, reason;

    must(ss_tlsa_set_read(&set, &rdata, 1, false, false, NULL) == 0);
    must(ss_dane_verify(&set, chain, name, 1, NOW, &index, &reason) == 0);
    must((reason == SMTPSEC_REASON_NONE) == (index == 0));
    must(index < 0 || ss_tlsa_set_usable(&set));
    if (ss_chain_spki(chain, 0, &spki))
        must(ss_dane_verify_raw_key(&set, spki, &index, &reason) == 0);
    ss_tlsa_set_free(&set);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct ss_bytes list[4];
    struct ss_chain *chain;
    struct ss_name name;
    struct ss_rd rd;
    int32_t reason;
    size_t count, i;

    ss_rd_init(&rd, data, size);
    count = ss_rd_u8(&rd) % 5;
    for (i = 0; i < count; i++)
        list[i] = take(&rd, ss_rd_be16(&rd));
    if (rd.bad || ss_chain_new(list, count, &chain) != 0)
        return 0;
    must(ss_name_from_text(&name, "mx.d.test", 9));
    must(ss_chain_match_names(chain, &name, 1, true, &reason) == 0);
    under_anchors(chain, list, count);
    under_record(chain, take(&rd, rd.left), &name);
    ss_chain_free(chain);
    return 0;
}
