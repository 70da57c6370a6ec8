/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "pkix/anchors.h"

#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>

#include "pkix/anchor_index.h"
#include "pkix/chain.h"
#include "pkix/pem.h"

/* No bundle comes near it; keeps a wrong file from eating the memory. */
#define MOST_ANCHORS 4096
#define CERTIFICATE_MAX (1 << 20)

/* The octets of what was added at once. They stay where they are: anchors point into them. */
struct block {
    struct block *next;
    uint8_t octets[];
};

struct smtpsec_anchors {
    atomic_uint references;
    struct block *blocks;
    struct ss_anchor *list; /* sorted by subject after each addition */
    size_t count;
    size_t room;
    struct ss_error error;
};

int
ss_anchors_new(struct smtpsec_anchors **out)
{
    struct smtpsec_anchors *anchors = calloc(1, sizeof(*anchors));

    *out = anchors;
    if (anchors == NULL)
        return SMTPSEC_E_NOMEM;
    atomic_init(&anchors->references, 1);
    return 0;
}

struct smtpsec_anchors *
ss_anchors_ref(struct smtpsec_anchors *anchors)
{
    if (anchors != NULL)
        atomic_fetch_add_explicit(&anchors->references, 1, memory_order_relaxed);
    return anchors;
}

void
ss_anchors_unref(struct smtpsec_anchors *anchors)
{
    struct block *block;
    size_t i;

    if (anchors == NULL)
        return;
    if (atomic_fetch_sub_explicit(&anchors->references, 1, memory_order_acq_rel) != 1)
        return;
    for (i = 0; i < anchors->count; i++)
        ss_anchor_release_der(&anchors->list[i]);
    free(anchors->list);
    while ((block = anchors->blocks) != NULL) {
        anchors->blocks = block->next;
        free(block);
    }
    free(anchors);
}

size_t
ss_anchors_count(const struct smtpsec_anchors *anchors)
{
    return anchors != NULL ? anchors->count : 0;
}

struct ss_error *
ss_anchors_error(struct smtpsec_anchors *anchors)
{
    return &anchors->error;
}

struct ss_anchor_index
ss_anchors_index(const struct smtpsec_anchors *anchors)
{
    struct ss_anchor_index index = {anchors->list, anchors->count};

    return index;
}

static int
make_room(struct smtpsec_anchors *anchors)
{
    size_t room = anchors->room > 0 ? anchors->room * 2 : 64;
    struct ss_anchor *list;

    if (anchors->count < anchors->room)
        return 0;
    if (anchors->count >= MOST_ANCHORS)
        return SMTPSEC_E_LIMIT;
    list = realloc(anchors->list, room * sizeof(*list));
    if (list == NULL)
        return SMTPSEC_E_NOMEM;
    anchors->list = list;
    anchors->room = room;
    return 0;
}

static struct block *
block_new(size_t octets)
{
    return malloc(sizeof(struct block) + octets);
}

/* Blocks whose octets nobody points to are not kept. */
static void
keep_block(struct smtpsec_anchors *anchors, struct block *block, size_t before)
{
    if (anchors->count == before) {
        free(block);
        return;
    }
    block->next = anchors->blocks;
    anchors->blocks = block;
    ss_anchor_sort(anchors->list, anchors->count);
}

/* Put one at the end of the list; the caller sorts. Returns 0, NOMEM, LIMIT, FORMAT. */
static int
append(struct smtpsec_anchors *anchors, struct ss_bytes der)
{
    int code = make_room(anchors);

    if (code == 0 && !ss_anchor_init_der(&anchors->list[anchors->count], der))
        code = SMTPSEC_E_FORMAT;
    if (code == 0)
        anchors->count++;
    return code;
}

/* The caller has this one certificate in hand, and is told at once when no parser wants it. */
static int
add_der(struct smtpsec_anchors *anchors, struct ss_bytes der)
{
    size_t before = anchors->count;
    struct block *block;
    struct ss_bytes own;
    bool parses = false;
    int code;

    if (der.data == NULL || der.len == 0 || der.len > CERTIFICATE_MAX)
        return SMTPSEC_E_FORMAT;
    code = ss_certificate_parses(der, &parses);
    if (code != 0 || !parses)
        return code != 0 ? code : SMTPSEC_E_FORMAT;
    block = block_new(der.len);
    if (block == NULL)
        return SMTPSEC_E_NOMEM;
    own.data = memcpy(block->octets, der.data, der.len);
    own.len = der.len;
    code = append(anchors, own);
    keep_block(anchors, block, before);
    return code == SMTPSEC_E_LIMIT ? SMTPSEC_E_FORMAT : code;
}

int
ss_anchors_add_der(struct smtpsec_anchors *anchors, struct ss_bytes der)
{
    int code = add_der(anchors, der);

    if (code == 0)
        return 0;
    return ss_error_set(&anchors->error, code, code == SMTPSEC_E_NOMEM
                                                   ? "out of memory"
                                                   : "trust anchor is no certificate");
}

/* Room for all certificates of the text. */
static size_t
room_of(struct ss_bytes pem)
{
    struct ss_bytes base64;
    size_t room = 0;

    while (ss_pem_next(&pem, &base64))
        room += ss_pem_room(base64.len);
    return room;
}

/* What has no certificate's shape is passed over: a bundle is a list. Returns 0, NOMEM, LIMIT. */
static int
append_all(struct smtpsec_anchors *anchors, struct ss_bytes pem, uint8_t *at)
{
    struct ss_bytes base64, der;
    int code = 0;

    while (ss_pem_next(&pem, &base64) && code != SMTPSEC_E_NOMEM && code != SMTPSEC_E_LIMIT) {
        der.data = at;
        if (!ss_pem_decode(base64, at, &der.len) || der.len > CERTIFICATE_MAX)
            continue;
        code = append(anchors, der);
        if (code == 0)
            at += der.len;
    }
    return code == SMTPSEC_E_FORMAT ? 0 : code;
}

/*
 * Octets only. To give all to GnuTLS takes milliseconds and megabytes, of
 * which a process uses what the two or three CAs it meets are worth.
 */
int
ss_anchors_add_pem(struct smtpsec_anchors *anchors, struct ss_bytes pem)
{
    size_t before = anchors->count;
    struct block *block = block_new(room_of(pem));
    int code = SMTPSEC_E_NOMEM;

    if (block != NULL) {
        code = append_all(anchors, pem, block->octets);
        keep_block(anchors, block, before);
    }
    if (code == SMTPSEC_E_NOMEM)
        return ss_error_set(&anchors->error, code, "out of memory");
    if (code == SMTPSEC_E_LIMIT)
        return ss_error_set(&anchors->error, SMTPSEC_E_TRUST, "more than %d trust anchors",
                            MOST_ANCHORS);
    if (anchors->count == before)
        return ss_error_set(&anchors->error, SMTPSEC_E_TRUST, "no certificate in the PEM text");
    return 0;
}
