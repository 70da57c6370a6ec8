/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * A reply to a question of ours. The first octet chooses the type and whether
 * the path is trusted; the question's name is the one in the message, so that
 * most inputs get past the comparison.
 */
#include <stdlib.h>

#include "dns/denial.h"
#include "dns/frame.h"
#include "dns/message.h"

static const uint16_t types[] = { SS_RR_A,   SS_RR_AAAA, SS_RR_MX, SS_RR_CNAME,
                                  SS_RR_TXT, SS_RR_TLSA, SS_RR_DS, SS_RR_NS };

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void
demand(int truth)
{
    if (!truth)
        abort();
}

static void
check_record(const struct ss_rr *rr, uint16_t type)
{
    demand(rr->type == type);
    demand((rr->data == NULL) ? rr->len == 0 : rr->len <= SS_DNS_MESSAGE_MAX);
    if (type == SS_RR_MX || type == SS_RR_CNAME)
        demand(rr->name.len > 0 && rr->name.wire[rr->name.len - 1] == 0);
    if (type == SS_RR_A || type == SS_RR_AAAA)
        demand(rr->address.family == (type == SS_RR_A ? 4 : 6));
}

static void
check_answer(const struct ss_answer *answer, const uint8_t *message, size_t len, int trusted,
             uint16_t type)
{
    size_t i;

    demand(answer->aliases <= SS_DNS_ALIAS_LIMIT);
    demand((answer->outcome == SMTPSEC_ANSWER_RECORDS) == (answer->count > 0));
    demand((answer->outcome == SMTPSEC_ANSWER_FAILED) ==
           (answer->failure != SMTPSEC_FAILURE_NONE));
    demand(answer->count <= SS_DNS_RECORD_LIMIT && answer->ttl <= 604800);
    if (answer->trust == SMTPSEC_TRUST_SECURE)
        demand(trusted && answer->outcome != SMTPSEC_ANSWER_FAILED &&
               (message[3] & SS_DNS_AD) != 0);
    demand((answer->trust == SMTPSEC_TRUST_BOGUS) == (answer->failure == SMTPSEC_FAILURE_BOGUS));
    if (len >= SS_DNS_HEADER && (message[2] & 2) != 0)
        demand(answer->failure == SMTPSEC_FAILURE_TRUNCATED);
    if (answer->outcome != SMTPSEC_ANSWER_FAILED)
        demand(answer->end.len > 0 && ss_dns_reply_rcode(message, len) % 3 == 0);
    demand(answer->zone.len == 0 || ss_dns_is_under(&answer->end, &answer->zone));
    demand(answer->count == 0 || (answer->name_inception == 0 && !answer->delegation));
    if (answer->outcome != SMTPSEC_ANSWER_FAILED && answer->count == 0)
        demand(answer->inception <= answer->name_inception);
    demand(!answer->delegation || answer->name_inception != 0);
    for (i = 0; i < answer->count; i++) {
        check_record(&answer->records[i], type);
        if (i > 0)
            demand(ss_rr_compare(&answer->records[i - 1], &answer->records[i]) < 0);
    }
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct ss_question question = { .type = 0 };
    struct ss_answer answer;
    size_t at = SS_DNS_HEADER;
    const uint8_t *message;
    size_t len;
    int trusted;

    if (size < 1)
        return 0;
    question.type = types[data[0] & 7];
    trusted = (data[0] & 8) == 0;
    message = data + 1;
    len = size - 1;
    if (!ss_dns_name_read(message, len, &at, &question.name))
        (void)ss_name_from_text(&question.name, "d.test", 6);
    demand(ss_dns_reply_read(&question, message, len, trusted, &answer) == 0);
    check_answer(&answer, message, len, trusted, question.type);
    ss_answer_free(&answer);
    demand(answer.records == NULL && answer.count == 0);
    (void)ss_dns_reply_extended_error(message, len);
    (void)ss_dns_reply_fit(message, len, 9, data, size > 12 ? 12 : size);
    return 0;
}
