/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "engine/refresh.h"

#include <string.h>

#include "base/bytes.h"
#include "engine/kept.h"
#include "pkix/digest.h"
#include "sts/sts_policy.h"

static int64_t
least(int64_t a, int64_t b)
{
    return a < b ? a : b;
}

static int64_t
greatest(int64_t a, int64_t b)
{
    return a > b ? a : b;
}

/* A number from 0 to 65535 that only who has the seed can foresee. */
static int
dice(const struct ss_sts_entry *entry, struct ss_bytes key, const uint8_t seed[SS_REFRESH_SEED],
     uint32_t *out)
{
    uint8_t digest[SS_SHA256_LEN];
    struct ss_buf text;
    int r;

    ss_buf_init(&text, 1024);
    ss_buf_le64(&text, (uint64_t)entry->fetched);
    ss_buf_le64(&text, (uint64_t)entry->attempted);
    ss_buf_put(&text, key.data, key.len);
    r = ss_buf_ok(&text) ? ss_hmac_sha256(seed, SS_REFRESH_SEED, text.data, text.len, digest)
                         : SMTPSEC_E_NOMEM;
    ss_buf_free(&text);
    if (r == 0)
        *out = (uint32_t)digest[0] << 8 | digest[1];
    return r;
}

/* Three quarters of an interval, and of the rest as much as the dice say. */
static int64_t
part_of(int64_t interval, uint32_t dice)
{
    return interval - interval / 4 + interval / 4 * (int64_t)dice / 65536;
}

/* When the next fetch of a policy is due. Times after now count as now: a clock may be set back. */
static int64_t
due_time(const struct ss_sts_entry *entry, uint32_t dice, int64_t now)
{
    int64_t every = least(SS_REFRESH_EVERY, entry->max_age / 2);
    int64_t retry = greatest(least(SS_REFRESH_RETRY, entry->max_age / 8), 400); /* part_of: 300 */
    int64_t due = least(entry->fetched, now) + part_of(every, dice);

    if (entry->failing_since != 0)
        due = greatest(due, least(entry->attempted, now) + part_of(retry, dice));
    return due;
}

/* Nobody can need it any more. */
static bool
outlived(const struct ss_sts_entry *entry, int64_t end, int64_t now)
{
    int64_t last = greatest(greatest(entry->used, entry->attempted), end);

    return last <= now && now - last > (end != 0 ? SS_REFRESH_KEPT : SS_REFRESH_KEPT_EMPTY);
}

/* The mode of the body held; ABSENT when there is none, or it cannot be read. */
static int
read_mode(const struct ss_sts_entry *entry, int32_t *mode)
{
    struct ss_sts_policy policy;
    struct ss_bytes body = {entry->body, entry->len};
    bool valid = false;
    int r;

    *mode = SMTPSEC_STS_ABSENT;
    if (entry->len == 0)
        return 0;
    memset(&policy, 0, sizeof(policy));
    r = ss_sts_policy_read(&policy, body, &valid, NULL);
    if (r == 0 && valid)
        *mode = policy.mode;
    ss_sts_policy_free(&policy);
    return r;
}

int
ss_refresh_judge(const struct ss_sts_entry *entry, struct ss_bytes key,
                 const uint8_t seed[SS_REFRESH_SEED], int64_t now, struct ss_refresh *out)
{
    bool live = ss_sts_entry_live(entry, now);
    uint32_t number = 0;
    int r;

    memset(out, 0, sizeof(*out));
    out->failing_since = entry->failing_since;
    if (entry->len > 0)
        out->expires = least(entry->fetched, now) + entry->max_age;
    r = read_mode(entry, &out->mode);
    if (r == 0)
        r = dice(entry, key, seed, &number);
    if (r != 0)
        return r;
    if (!live) {
        out->action = outlived(entry, out->expires, now) ? SS_REFRESH_REMOVE : SS_REFRESH_LEAVE;
        return 0;
    }
    /* RFC 8461 3.3: of mode none nothing hangs, and nothing is told. */
    if (out->mode == SMTPSEC_STS_NONE || out->mode == SMTPSEC_STS_ABSENT)
        return 0;
    out->alarm = entry->failing_since != 0 &&
                 (now - entry->failing_since >= SS_REFRESH_ALARM ||
                  out->expires - now < entry->max_age / 4);
    if (now - entry->used > SS_REFRESH_USED)
        return 0;
    out->due = due_time(entry, number, now);
    out->action = now >= out->due ? SS_REFRESH_FETCH : SS_REFRESH_LEAVE;
    return 0;
}

struct removal {
    struct ss_bytes key;
    int64_t now;
    bool removed;
};

static int
remove_outlived(void *arg, const struct ss_bytes *old, struct ss_buf *out, enum ss_edit *choice)
{
    static const uint8_t any_seed[SS_REFRESH_SEED];
    struct removal *removal = arg;
    struct ss_sts_entry entry;
    struct ss_refresh refresh;
    int r;

    (void)out;
    *choice = SS_EDIT_KEEP;
    removal->removed = false;
    if (old == NULL)
        return 0;
    r = ss_sts_entry_read(&entry, removal->key, *old);
    if (r != 0)
        return r;
    r = ss_refresh_judge(&entry, removal->key, any_seed, removal->now, &refresh);
    if (r == 0 && refresh.action == SS_REFRESH_REMOVE) {
        removal->removed = true;
        *choice = SS_EDIT_DELETE;
    }
    ss_sts_entry_free(&entry);
    return r;
}

int
ss_refresh_remove(struct ss_store *store, struct ss_bytes key, int64_t now, bool *removed)
{
    struct removal removal = {key, now, false};
    int r = ss_kept_update_spent(store, SS_TABLE_POLICIES, key, remove_outlived, &removal);

    *removed = r == 0 && removal.removed;
    return r;
}
