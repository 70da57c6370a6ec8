/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * The words of a verdict. Most are never read: a session that is accepted is
 * judged in half a microsecond, and its line and trace would take as long. So
 * the verdict keeps what they are made of, and they are made when asked for.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "decision/verify.h"

static void
copy_name(char out[SS_HOST_TEXT], const char *text)
{
    memcpy(out, text, strlen(text) + 1);
}

static void
take_record(const struct ss_tlsa *record, struct ss_word_facts *facts)
{
    size_t len = record->len < SS_VERDICT_RECORD ? record->len : SS_VERDICT_RECORD;

    facts->usage = record->usage;
    facts->selector = record->selector;
    facts->matching = record->matching;
    facts->record_len = (uint8_t)len;
    if (len > 0)
        memcpy(facts->record, record->data, len);
}

void
ss_word_facts_take(const struct smtpsec_requirement *requirement,
                   const struct smtpsec_session *session, struct smtpsec_verdict *verdict)
{
    struct ss_word_facts *facts = &verdict->facts;

    facts->named = requirement->host.text[0] != '\0';
    facts->by_policy =
        (requirement->sources & (SMTPSEC_SOURCE_DANE | SMTPSEC_SOURCE_MTA_STS)) != 0;
    facts->raw_key = session->raw_key.len > 0;
    facts->without_chain = session->resumed && session->count == 0;
    facts->none_usable = verdict->tlsa < 0 && requirement->tlsa.count > 0 &&
                         !ss_tlsa_set_usable(&requirement->tlsa);
    facts->sts_misfit = requirement->sts_misfit;
    facts->version = session->version;
    facts->least_version = requirement->tls_version;
    facts->starttls = session->starttls;
    facts->level = requirement->level;
    facts->required = requirement->identities;
    facts->claim = requirement->basis.kind;
    facts->reported_claim = requirement->reported.basis.kind;
    facts->usage = facts->selector = facts->matching = facts->record_len = 0;
    if (verdict->tlsa >= 0 && (size_t)verdict->tlsa < requirement->tlsa.count)
        take_record(&requirement->tlsa.records[verdict->tlsa], facts);
    copy_name(facts->subject, facts->named ? requirement->host.text : requirement->domain);
    facts->dane_name[0] = '\0';
    if (verdict->dane == SMTPSEC_REASON_NAME_MISMATCH && requirement->dane_name_count > 0)
        copy_name(facts->dane_name, requirement->dane_names[0].text);
}

/* Words put one behind the other: a server logs this line of every session. */
static void
write_accepted(const struct smtpsec_verdict *verdict, struct ss_words *words)
{
    bool noted = verdict->reason != SMTPSEC_REASON_NONE;
    const char *const parts[] = {
        verdict->facts.subject, ": accept at ", smtpsec_level_name(verdict->achieved), ", ",
        smtpsec_level_name(verdict->facts.level), " required",
        noted ? "; not met, and only reported: " : "",
        noted ? smtpsec_reason_name(verdict->reason) : "",
    };
    size_t at = 0, len, i;

    for (i = 0; i < sizeof(parts) / sizeof(parts[0]); i++) {
        len = strlen(parts[i]);
        if (len >= sizeof(words->text) - at)
            break;
        memcpy(words->text + at, parts[i], len);
        at += len;
    }
    words->text[at] = '\0';
}

static void
write_text(const struct smtpsec_verdict *verdict, struct ss_words *words)
{
    const struct ss_word_facts *facts = &verdict->facts;

    words->dsn[0] = '\0';
    if (verdict->accepted) {
        write_accepted(verdict, words);
        return;
    }
    ss_dsn_write(words->dsn, facts->subject, verdict->reason, facts->by_policy);
    snprintf(words->text, sizeof(words->text), "%s: reject, %s (%s); starttls %s", facts->subject,
             smtpsec_reason_name(verdict->reason), smtpsec_reason_text(verdict->reason),
             smtpsec_starttls_name(facts->starttls));
}

static struct ss_words *
make(const struct smtpsec_verdict *verdict)
{
    struct ss_words *words = malloc(sizeof(*words));

    if (words == NULL)
        return NULL;
    ss_verdict_trace(verdict, &words->trace);
    write_text(verdict, words);
    return words;
}

int
ss_verdict_write(struct smtpsec_verdict *verdict, struct ss_words **words)
{
    *words = atomic_load_explicit(&verdict->words, memory_order_relaxed);
    if (*words != NULL)
        return 0;
    *words = make(verdict);
    atomic_store_explicit(&verdict->words, *words, memory_order_relaxed);
    return *words != NULL ? 0 : SMTPSEC_E_NOMEM;
}

/* Threads that ask at the same time make them twice; the first to be ready are kept. */
const struct ss_words *
ss_verdict_words(const struct smtpsec_verdict *verdict)
{
    static const struct ss_words accepted = {.text = "accept (no memory for more words)"};
    struct smtpsec_verdict *own = (struct smtpsec_verdict *)(uintptr_t)verdict;
    struct ss_words *words = atomic_load_explicit(&own->words, memory_order_acquire);
    struct ss_words *first = NULL;

    if (words != NULL)
        return words;
    words = make(verdict);
    if (words == NULL)
        return &accepted;
    if (atomic_compare_exchange_strong_explicit(&own->words, &first, words, memory_order_acq_rel,
                                                memory_order_acquire))
        return words;
    free(words);
    return first;
}

void
ss_verdict_clear(struct smtpsec_verdict *verdict)
{
    struct ss_words *words = atomic_load_explicit(&verdict->words, memory_order_relaxed);

    if (words == NULL)
        return;
    free(words);
    atomic_store_explicit(&verdict->words, NULL, memory_order_relaxed);
}
