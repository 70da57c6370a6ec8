/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "dns/answer.h"

#include <stdlib.h>
#include <string.h>

void
ss_answer_init(struct ss_answer *answer)
{
    memset(answer, 0, sizeof(*answer));
}

void
ss_answer_free(struct ss_answer *answer)
{
    size_t i;

    for (i = 0; i < answer->count; i++)
        free(answer->records[i].data);
    free(answer->records);
    ss_answer_init(answer);
}

void
ss_answer_fail(struct ss_answer *answer, int32_t failure)
{
    ss_answer_free(answer);
    answer->outcome = SMTPSEC_ANSWER_FAILED;
    answer->failure = failure;
    answer->trust = failure == SMTPSEC_FAILURE_BOGUS ? SMTPSEC_TRUST_BOGUS
                                                     : SMTPSEC_TRUST_INDETERMINATE;
}

int
ss_rr_compare(const struct ss_rr *a, const struct ss_rr *b)
{
    size_t shorter = a->len < b->len ? a->len : b->len;
    int order;

    if (a->type != b->type)
        return a->type < b->type ? -1 : 1;
    if (a->preference != b->preference)
        return a->preference < b->preference ? -1 : 1;
    order = ss_name_compare(&a->name, &b->name);
    if (order == 0)
        order = ss_address_compare(&a->address, &b->address);
    if (order == 0 && shorter > 0)
        order = memcmp(a->data, b->data, shorter);
    if (order == 0 && a->len != b->len)
        order = a->len < b->len ? -1 : 1;
    return order;
}

static int
compare(const void *a, const void *b)
{
    return ss_rr_compare(a, b);
}

void
ss_answer_sort(struct ss_answer *answer)
{
    if (answer->count > 1)
        qsort(answer->records, answer->count, sizeof(*answer->records), compare);
}
