/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Our verdict, by the DANE room and once more by the public function. */
#include <stdlib.h>
#include <string.h>

#include "dane/tlsa.h"
#include "decision/requirement.h"
#include "verdicts.h"

static void
must(int code)
{
    if (code != 0)
        abort();
}

static bool
is_usable(const struct ss_tlsa_set *set, struct ss_bytes rdata)
{
    size_t i;

    for (i = 0; i < set->count && rdata.len >= 3; i++) {
        const struct ss_tlsa *record = &set->records[i];

        if (record->usage == rdata.data[0] && record->selector == rdata.data[1] &&
            record->matching == rdata.data[2] && record->len == rdata.len - 3 &&
            (record->len == 0 || memcmp(record->data, rdata.data + 3, record->len) == 0))
            return record->reason == SMTPSEC_REASON_NONE ||
                   record->reason == SMTPSEC_REASON_TLSA_WEAKER;
    }
    return false;
}

static void
read_records(const struct trial *trial, struct ss_tlsa_set *set, struct our_verdict *verdict)
{
    struct ss_bytes rdata[TRIAL_RECORDS];
    size_t i;

    for (i = 0; i < trial->record_count; i++)
        rdata[i] = trial->records[i].rdata;
    must(ss_tlsa_set_read(set, rdata, trial->record_count, false, false, NULL));
    for (i = 0; i < trial->record_count; i++)
        verdict->usable[i] = is_usable(set, rdata[i]);
    verdict->any_usable = ss_tlsa_set_usable(set);
}

static size_t
read_names(const struct trial *trial, struct ss_name *names)
{
    size_t i;

    for (i = 0; i < trial->name_count; i++)
        if (!ss_name_from_text(&names[i], trial->names[i], strlen(trial->names[i])))
            abort();
    return trial->name_count;
}

static void
judge(const struct trial *trial, const struct ss_tlsa_set *set, const struct ss_name *names,
      size_t name_count, struct our_verdict *verdict)
{
    struct ss_bytes certificates[TRIAL_CHAIN];
    struct ss_chain *chain = NULL;
    int32_t index;
    size_t i;

    for (i = 0; i < trial->chain_count; i++)
        certificates[i] = trial->chain[i]->der;
    must(ss_chain_new(certificates, trial->chain_count, &chain));
    must(ss_dane_verify(set, chain, names, name_count, trial->now, &index, &verdict->reason));
    ss_chain_free(chain);
    verdict->accepted = verdict->reason == SMTPSEC_REASON_NONE;
    verdict->torn = verdict->accepted != (index >= 0);
}

/* What a plan would carry for this host, DANE required. */
static struct smtpsec_requirement *
requirement_of(const struct trial *trial, const struct ss_tlsa_set *set,
               const struct ss_name *names, size_t name_count)
{
    struct smtpsec_requirement *requirement;
    size_t i;

    must(ss_requirement_new(&requirement));
    requirement->tls = SMTPSEC_TLS_REQUIRED;
    requirement->level = SMTPSEC_LEVEL_DANE;
    requirement->identities = SMTPSEC_IDENTITY_DANE;
    requirement->tls_version = 0x0303;
    requirement->mx_secure = true;
    requirement->expires = trial->now;
    ss_reference_set(&requirement->host, &names[0]);
    ss_reference_set(&requirement->sni, &names[0]);
    requirement->dane_name_count = name_count;
    for (i = 0; i < name_count; i++)
        ss_reference_set(&requirement->dane_names[i], &names[i]);
    must(ss_tlsa_set_copy(&requirement->tlsa, set));
    must(ss_requirement_seal_digest(requirement));
    return requirement;
}

static void
judge_in_public(const struct trial *trial, const struct smtpsec_requirement *requirement,
                struct our_verdict *verdict)
{
    struct smtpsec_session *session = NULL;
    struct smtpsec_verdict *public = NULL;
    size_t i;

    must(smtpsec_session_new(&session));
    must(smtpsec_session_set_starttls(session, SMTPSEC_STARTTLS_DONE));
    must(smtpsec_session_set_tls_version(session, 0x0304));
    for (i = 0; i < trial->chain_count; i++)
        must(smtpsec_session_add_certificate(session, trial->chain[i]->der.data,
                                             trial->chain[i]->der.len));
    must(smtpsec_verify(NULL, requirement, session, trial->now, &public));
    if ((smtpsec_verdict_accepted(public) != 0) != verdict->accepted ||
        smtpsec_verdict_reason(public) != verdict->reason)
        verdict->torn = true;
    smtpsec_verdict_free(public);
    smtpsec_session_free(session);
}

void
library_judge(const struct trial *trial, struct our_verdict *verdict)
{
    struct smtpsec_requirement *requirement;
    struct ss_tlsa_set set = {0, NULL};
    struct ss_name names[TRIAL_NAMES];
    size_t name_count = read_names(trial, names);

    *verdict = (struct our_verdict){.reason = SMTPSEC_REASON_NONE};
    read_records(trial, &set, verdict);
    if (verdict->any_usable) {
        judge(trial, &set, names, name_count, verdict);
        requirement = requirement_of(trial, &set, names, name_count);
        judge_in_public(trial, requirement, verdict);
        ss_requirement_free(requirement);
    }
    ss_tlsa_set_free(&set);
}
