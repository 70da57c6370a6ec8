/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "decision/sts_view.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "decision/fact_notes.h"

bool
ss_sts_policy_host(const struct ss_name *domain, struct ss_name *host)
{
    return ss_name_prepend(host, "mta-sts", domain);
}

void
ss_sts_view_free(struct ss_sts_view *view)
{
    ss_sts_policy_free(&view->policy);
    memset(view, 0, sizeof(*view));
}

/*
 * STSP-16: a policy of less life than the least time between two fetches goes
 * on to apply until it may be fetched again, or mail in between would be
 * protected by nothing.
 */
static bool
just_fetched(const struct ss_sts_entry *entry, int64_t now, const struct ss_sts_view *view)
{
    return view->held_back && entry->failed_at == 0 && now >= entry->fetched &&
           now - entry->fetched < SS_STS_RETRY_ANY;
}

static enum ss_effect
raised_by(const struct ss_sts_view *view)
{
    return view->policy.mode == SMTPSEC_STS_ENFORCE   ? SS_RAISES
           : view->policy.mode == SMTPSEC_STS_TESTING ? SS_REPORTS
                                                      : SS_INFORMS;
}

/* STSF-12, STSA-16: a live cached policy stays, whatever the present look-ups say. */
static int
use_cached(const struct ss_evidence *evidence, int64_t now, struct ss_notes *notes,
           struct ss_sts_view *view)
{
    const struct ss_sts_entry *entry = &evidence->entry;
    struct ss_origin origin = {"cache", 0, {NULL, 0}};
    struct ss_bytes body;
    bool valid = false;
    int r;

    if (entry->id[0] == '\0' || (!ss_sts_entry_live(entry, now) && !just_fetched(entry, now, view)))
        return 0;
    body.data = entry->body;
    body.len = entry->len;
    r = ss_sts_policy_read(&view->policy, body, &valid, NULL);
    if (r != 0 || !valid)
        return r;
    view->source = SMTPSEC_STS_SOURCE_CACHED;
    view->expires = (entry->fetched > now ? now : entry->fetched) + entry->max_age;
    memcpy(view->id, entry->id, sizeof(view->id));
    origin.age = entry->fetched > now ? 0 : now - entry->fetched;
    origin.input = body;
    ss_note_from(notes, &origin, raised_by(view), "STSA-12", "RFC 8461 3.3",
                 "cached policy %s applies: mode %s", view->id,
                 smtpsec_sts_mode_name(view->policy.mode));
    return 0;
}

static void
fail(struct ss_sts_view *view, struct ss_notes *notes, int32_t error, int32_t failure,
     const char *text)
{
    static const struct ss_origin origin = {"https", 0, {NULL, 0}};

    view->error = error;
    view->failure = failure;
    view->unsure = true;
    snprintf(view->error_text, sizeof(view->error_text), "%s", text);
    ss_note_from(notes, &origin, SS_INFORMS, "STSF-11", "RFC 8461 3.3", "policy fetch: %s", text);
}

int32_t
ss_sts_fetch_result(int32_t failure)
{
    switch (failure) {
    case SMTPSEC_FAILURE_TLS_VERSION: /* STSF-15 */
    case SMTPSEC_FAILURE_CERT_EXPIRED:
    case SMTPSEC_FAILURE_CERT_NOT_YET_VALID:
    case SMTPSEC_FAILURE_CERT_NAME:
    case SMTPSEC_FAILURE_CERT_NOT_TRUSTED:
        return SMTPSEC_RESULT_STS_WEBPKI_INVALID;
    default:
        return SMTPSEC_RESULT_STS_POLICY_FETCH_ERROR;
    }
}

static int
use_fetched(const struct ss_evidence *evidence, struct ss_notes *notes, struct ss_sts_view *view)
{
    const struct ss_https_fact *https = &evidence->https;
    struct ss_origin origin = {"https", 0, {NULL, 0}};
    struct ss_bytes body;
    char text[96];
    bool valid = false;
    int r;

    view->attempted = true;
    if (https->failure != SMTPSEC_FAILURE_NONE) {
        if (https->failure == SMTPSEC_FAILURE_HTTP_STATUS)
            snprintf(text, sizeof(text), "http-status-%d", (int)https->status);
        else
            snprintf(text, sizeof(text), "%s", smtpsec_failure_name(https->failure));
        fail(view, notes, ss_sts_fetch_result(https->failure), https->failure, text);
        return 0;
    }
    body.data = https->body;
    body.len = https->len;
    r = ss_sts_policy_read(&view->policy, body, &valid, notes);
    if (r != 0)
        return r;
    if (!valid) { /* STSF-14, STSP-20 */
        fail(view, notes, SMTPSEC_RESULT_STS_POLICY_INVALID, SMTPSEC_FAILURE_NONE,
             "the policy breaks the grammar");
        return 0;
    }
    view->source = SMTPSEC_STS_SOURCE_FETCHED;
    view->fetched = https;
    view->expires = https->at + view->policy.max_age;
    memcpy(view->id, view->wanted_id, sizeof(view->id));
    origin.input = body;
    ss_note_from(notes, &origin, raised_by(view), "STSA-14", "RFC 8461 3.3",
                 "policy %s fetched: mode %s, max_age %lld", view->id,
                 smtpsec_sts_mode_name(view->policy.mode), (long long)view->policy.max_age);
    return 0;
}

/* The policy host must have an address before it can be asked. */
static int
ask_policy_host(const struct ss_evidence *evidence, struct ss_wants *wants, struct ss_notes *notes,
                struct ss_sts_view *view)
{
    const struct ss_dns_fact *a;
    const struct ss_dns_fact *aaaa;
    struct ss_name host;

    if (!ss_sts_policy_host(&evidence->destination.domain, &host)) {
        fail(view, notes, SMTPSEC_RESULT_STS_POLICY_FETCH_ERROR, SMTPSEC_FAILURE_UNREACHABLE,
             "the policy host's name is too long");
        return 0;
    }
    if (evidence->https.known)
        return use_fetched(evidence, notes, view);
    a = ss_evidence_need_dns(evidence, &host, SS_RR_A, false, wants);
    aaaa = ss_evidence_need_dns(evidence, &host, SS_RR_AAAA, false, wants);
    if (a == NULL || aaaa == NULL) {
        view->pending = true;
        return 0;
    }
    if (a->answer.outcome != SMTPSEC_ANSWER_RECORDS &&
        aaaa->answer.outcome != SMTPSEC_ANSWER_RECORDS) {
        view->attempted = true;
        fail(view, notes, SMTPSEC_RESULT_STS_POLICY_FETCH_ERROR, SMTPSEC_FAILURE_UNREACHABLE,
             "the policy host has no address");
        return 0;
    }
    view->pending = true;
    /* STSF-13: who gave up waiting has asked all the same. */
    view->attempted = evidence->https.begun;
    if (wants != NULL)
        wants->https = true;
    else
        fail(view, notes, SMTPSEC_RESULT_STS_POLICY_FETCH_ERROR, SMTPSEC_FAILURE_TIMEOUT,
             smtpsec_failure_name(SMTPSEC_FAILURE_TIMEOUT)); /* as when the caller says so */
    return 0;
}

/* Ask now, or leave it to a fetch of its own (STSF-16: fetching may be asynchronous). */
static int
ask_or_defer(const struct ss_evidence *evidence, const struct ss_settings *settings,
             struct ss_wants *wants, struct ss_notes *notes, struct ss_sts_view *view)
{
    if (!settings->sts_async || evidence->https.known)
        return ask_policy_host(evidence, wants, notes, view);
    if (wants != NULL)
        wants->deferred = true;
    view->unsure = true; /* RTLS-15: it may name the hosts */
    ss_note_by(notes, "operator", SS_INFORMS, "STSF-16", "RFC 8461 3.3",
               "the policy is fetched meanwhile");
    return 0;
}

/* STSF-13: an attacker who rotates ids must not make us hammer the policy host either. */
static bool
held_back(const struct ss_sts_entry *entry, const char *id, int64_t now)
{
    if (entry->failed_at != 0 && strcmp(entry->failed_id, id) == 0 &&
        now - entry->failed_at < SS_STS_RETRY_SAME && now >= entry->failed_at)
        return true;
    return entry->attempted != 0 && now >= entry->attempted &&
           now - entry->attempted < SS_STS_RETRY_ANY;
}

static enum ss_sts_record_state
find_record(const struct ss_answer *answer, struct ss_sts_record *record, struct ss_notes *notes)
{
    struct ss_bytes texts[SS_DNS_RECORD_LIMIT];
    size_t i;

    for (i = 0; i < answer->count && i < SS_DNS_RECORD_LIMIT; i++) {
        texts[i].data = answer->records[i].data;
        texts[i].len = answer->records[i].len;
    }
    return ss_sts_record_find(texts, i, record, notes);
}

/* Is there an id that asks for a fetch? Notes say why not. */
static bool
wants_fetch(const struct ss_evidence *evidence, const struct ss_dns_fact *txt, int64_t now,
            struct ss_notes *notes, struct ss_sts_view *view)
{
    const struct ss_sts_entry *entry = &evidence->entry;
    struct ss_sts_record record;

    if (txt->answer.outcome == SMTPSEC_ANSWER_FAILED) { /* STSD-16 */
        view->unsure = true;
        ss_note_fact(notes, txt, SS_INFORMS, "STSD-16", "RFC 8461 3.1",
                     "_mta-sts look-up failed: %s", smtpsec_failure_name(txt->answer.failure));
        return false;
    }
    if (txt->answer.outcome != SMTPSEC_ANSWER_RECORDS ||
        find_record(&txt->answer, &record, notes) != SS_STS_RECORD_FOUND) {
        ss_note_fact(notes, txt, SS_INFORMS, "STSD-06", "RFC 8461 3.1",
                     "no usable _mta-sts record");
        return false;
    }
    ss_note_fact(notes, txt, SS_INFORMS, "STSD-06", "RFC 8461 3.1", "one _mta-sts record, id %s",
                 record.id);
    memcpy(view->wanted_id, record.id, sizeof(view->wanted_id));
    /* STSA-13: the same id asks for nothing new, and lengthens nothing. */
    if (entry->id[0] != '\0' && strcmp(entry->id, record.id) == 0 && ss_sts_entry_live(entry, now))
        return false;
    if (held_back(entry, record.id, now)) {
        view->unsure = true;
        view->held_back = true;
        ss_note_by(notes, "cache", SS_SKIPS, "STSF-13", "RFC 8461 3.3",
                   "fetched a moment ago: not tried again yet");
        return false;
    }
    return true;
}

static bool
nobody_fits(const struct ss_resolution *resolution, const struct ss_sts_policy *policy)
{
    size_t i;

    for (i = 0; i < resolution->count; i++)
        if (ss_sts_policy_fits(policy, &resolution->hosts[i].name))
            return false;
    return resolution->count > 0;
}

/*
 * STSA-09: before mail is held back because a cached policy fits no host, the
 * policy host is asked once for a newer policy, whatever the record's id says:
 * the owner may have moved and forgotten the id, and only HTTPS can tell.
 */
static int
look_anew(const struct ss_evidence *evidence, const struct ss_settings *settings,
          const struct ss_resolution *resolution, int64_t now, struct ss_wants *wants,
          struct ss_notes *notes, struct ss_sts_view *view)
{
    struct ss_sts_view again;
    int r;

    if (view->policy.mode != SMTPSEC_STS_ENFORCE || view->attempted ||
        !nobody_fits(resolution, &view->policy))
        return 0;
    memset(&again, 0, sizeof(again));
    memcpy(again.wanted_id, view->wanted_id[0] != '\0' ? view->wanted_id : view->id,
           sizeof(again.wanted_id));
    if (held_back(&evidence->entry, again.wanted_id, now))
        return 0;
    r = ask_or_defer(evidence, settings, wants, notes, &again);
    if (r == 0 && again.source != SMTPSEC_STS_SOURCE_NONE) {
        ss_sts_policy_free(&view->policy);
        *view = again;
        return 0;
    }
    view->pending = again.pending;
    view->attempted = again.attempted;
    view->error = again.error;
    view->failure = again.failure;
    memcpy(view->error_text, again.error_text, sizeof(view->error_text));
    memcpy(view->wanted_id, again.wanted_id, sizeof(view->wanted_id));
    return r;
}

/*
 * STSA-15: whatever the record's id says. Where the record cannot be had, the
 * policy is renewed under the id it has: its life counts from this fetch.
 */
static int
read_refresh(const struct ss_evidence *evidence, const struct ss_dns_fact *txt, int64_t now,
             struct ss_wants *wants, struct ss_notes *notes, struct ss_sts_view *view)
{
    struct ss_sts_record record;

    if (txt->answer.outcome == SMTPSEC_ANSWER_RECORDS &&
        find_record(&txt->answer, &record, notes) == SS_STS_RECORD_FOUND)
        memcpy(view->wanted_id, record.id, sizeof(view->wanted_id));
    else
        memcpy(view->wanted_id, evidence->entry.id, sizeof(view->wanted_id));
    if (view->wanted_id[0] == '\0' || held_back(&evidence->entry, view->wanted_id, now))
        return 0;
    return ask_policy_host(evidence, wants, notes, view);
}

int
ss_sts_view_read(const struct ss_evidence *evidence, const struct ss_settings *settings,
                 const struct ss_resolution *resolution, int64_t now, struct ss_wants *wants,
                 struct ss_notes *notes, struct ss_sts_view *view)
{
    const struct ss_dns_fact *txt;
    struct ss_name name;
    int r;

    memset(view, 0, sizeof(*view));
    if (!settings->mta_sts || evidence->destination.literal)
        return 0;
    /* STSD-01, STSD-03: the policy domain itself, before any alias. */
    if (!ss_name_prepend(&name, "_mta-sts", &evidence->destination.domain))
        return 0;
    txt = ss_evidence_need_dns(evidence, &name, SS_RR_TXT, false, wants);
    view->pending = txt == NULL;
    view->unsure = view->pending;
    if (evidence->refresh)
        return txt != NULL ? read_refresh(evidence, txt, now, wants, notes, view) : 0;
    if (txt != NULL && wants_fetch(evidence, txt, now, notes, view)) {
        r = ask_or_defer(evidence, settings, wants, notes, view);
        if (r != 0 || view->source != SMTPSEC_STS_SOURCE_NONE)
            return r;
    }
    /* While the answer may still come there is nothing to apply; one who decides now has no wants. */
    if (view->pending && wants != NULL)
        return 0;
    r = use_cached(evidence, now, notes, view);
    return r != 0 ? r : look_anew(evidence, settings, resolution, now, wants, notes, view);
}
