/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* How long a claim binds, and what makes it hard, earned or faded (DESIGN 6.2, 6.3, PREC-10). */
#include "memory/rules.h"

#include <string.h>

#include "memory/life.h"

#define CAP (90 * (int64_t)SS_DAY)
#define HOLD (72 * (int64_t)3600)
/* Each distinct day of proof earns this much. */
#define EARNED_A_DAY (7 * (int64_t)SS_DAY)
#define EARNED_DAYS 7
#define EARNED_SPAN (14 * (int64_t)SS_DAY)

void
ss_memory_settings_init(struct ss_memory_settings *settings)
{
    int32_t kind;

    memset(settings, 0, sizeof(*settings));
    for (kind = SMTPSEC_CLAIM_DANE; kind <= SMTPSEC_CLAIM_DNSSEC; kind++)
        settings->mode[kind] = SMTPSEC_MODE_ENFORCE;
    settings->soft_pkix_mode = SMTPSEC_MODE_REPORT;
    settings->cap = CAP;
    settings->hold = HOLD;
}

int64_t
ss_time_add(int64_t time, int64_t more)
{
    if (more > 0 && time > INT64_MAX - more)
        return INT64_MAX;
    if (more < 0 && time < INT64_MIN - more)
        return INT64_MIN;
    return time + more;
}

static int64_t
least(int64_t a, int64_t b)
{
    return a < b ? a : b;
}

/* min(cap, last - first, 7 days x distinct days): a day's planting denies a day's mail. */
static int64_t
earned_life(const struct ss_claim *claim, const struct ss_memory_settings *settings)
{
    int64_t seen_for = claim->last_seen - claim->first_seen;
    int64_t life = least(settings->cap, least(seen_for, EARNED_A_DAY * (int64_t)claim->days));

    return life > 0 ? life : 0;
}

int64_t
ss_claim_binds_until(const struct ss_claim *claim, const struct ss_memory_settings *settings)
{
    int64_t until = ss_time_add(claim->last_seen, earned_life(claim, settings));

    /* Never less than the life that the source itself gave: TTL, max_age. */
    return until > claim->expires ? until : claim->expires;
}

struct ss_claim
ss_claim_as_of(const struct ss_claim *claim, int64_t now)
{
    struct ss_claim view = *claim;

    if (view.last_seen > now) {
        /* The source's life was counted from that same wrong time. */
        if (view.expires > view.last_seen)
            view.expires = ss_time_add(now, view.expires - view.last_seen);
        view.last_seen = now;
    }
    view.first_seen = least(view.first_seen, now);
    return view;
}

bool
ss_claim_alive(const struct ss_claim *claim, const struct ss_memory_settings *settings, int64_t now)
{
    struct ss_claim view = ss_claim_as_of(claim, now);

    /* A source lives through the second in which it expires (STSA-12); earned life does not. */
    if (view.expires > 0 && now <= view.expires)
        return true;
    return now < ss_claim_binds_until(&view, settings);
}

bool
ss_claim_is_hard(const struct ss_claim *claim, int64_t now)
{
    struct ss_claim view;

    if (claim->kind != SMTPSEC_CLAIM_MTA_STS)
        return claim->kind == SMTPSEC_CLAIM_DANE;
    view = ss_claim_as_of(claim, now);
    return view.expires > 0 && now <= view.expires;
}

bool
ss_claim_earned(const struct ss_claim *claim)
{
    return claim->days >= EARNED_DAYS && claim->last_seen - claim->first_seen >= EARNED_SPAN;
}

bool
ss_claim_in_force(const struct ss_claim *claim, const struct ss_memory_settings *settings,
                  int64_t now)
{
    struct ss_claim view = ss_claim_as_of(claim, now);

    if (!ss_claim_alive(claim, settings, now))
        return false;
    return ss_claim_is_hard(claim, now) || ss_claim_earned(&view);
}

bool
ss_claim_faded(const struct ss_claim *claim, const struct ss_memory_settings *settings, int64_t now)
{
    /* Evidence outlives its binding, or mail once a week could never earn a claim. */
    return now > ss_time_add(claim->last_seen, settings->cap) &&
           !ss_claim_alive(claim, settings, now);
}

bool
ss_host_known(const struct ss_record *record, const struct ss_memory_settings *settings,
              const struct ss_name *host, int64_t now)
{
    const struct ss_claim *claim;
    int32_t kind;

    for (kind = SMTPSEC_CLAIM_DANE; kind <= SMTPSEC_CLAIM_DNSSEC; kind++) {
        claim = ss_record_find(record, kind, host);
        if (claim != NULL && host->len > 0 && !ss_claim_faded(claim, settings, now))
            return true;
    }
    return false;
}

int64_t
ss_hold_until(const struct ss_record *record, const struct ss_memory_settings *settings,
              int64_t now)
{
    if (record->refused_since == 0 || settings->hold <= 0)
        return 0;
    return ss_time_add(least(record->refused_since, now), settings->hold);
}

bool
ss_hold_ended(const struct ss_record *record, const struct ss_memory_settings *settings,
              int64_t now)
{
    int64_t until = ss_hold_until(record, settings, now);

    return until != 0 && now >= until;
}
