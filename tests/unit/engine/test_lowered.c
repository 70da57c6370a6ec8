/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Which claims in force a proof has ended: those alone, each by its kind and host. */
#include "table.h"

#include <string.h>

#include "engine/lowered.h"

#define NOW INT64_C(1800000000)
#define DAY INT64_C(86400)

static struct ss_name
name_of(const char *text)
{
    struct ss_name name;

    assert_true(ss_name_from_text(&name, text, strlen(text)));
    return name;
}

/* One that was earned in ten days, or on the first of them alone. */
static void
add(struct ss_record *record, int32_t kind, const char *host, bool in_force)
{
    struct ss_name name = name_of(host);
    struct ss_claim *claim = ss_record_add(record, kind, &name);

    assert_non_null(claim);
    claim->first_seen = in_force ? NOW - 10 * DAY : NOW - 300 * DAY;
    claim->last_seen = claim->counted = in_force ? NOW : NOW - 300 * DAY;
    claim->days = in_force ? 10 : 1;
}

static void
begin(struct ss_record *record)
{
    struct ss_memory_key key;

    memset(&key, 0, sizeof(key));
    key.domain = name_of("d.test");
    key.port = 25;
    ss_record_init(record, &key);
}

static void
note(struct ss_lowered *lowered, const struct ss_record *before, const struct ss_record *after)
{
    struct ss_memory_settings settings;
    struct ss_observation seen;

    ss_memory_settings_init(&settings);
    memset(&seen, 0, sizeof(seen));
    seen.what = SS_OBSERVED_NO_TLSA;
    memset(lowered, 0, sizeof(*lowered));
    ss_lowered_note(lowered, before, after, &settings, &seen, NOW);
}

static void
by_kind_and_host(void **state)
{
    struct ss_name host = name_of("b.d.test");
    struct ss_record before, after;
    struct ss_lowered lowered;

    (void)state;
    begin(&before);
    begin(&after);
    add(&before, SMTPSEC_CLAIM_DANE, "a.d.test", true);
    add(&before, SMTPSEC_CLAIM_DANE, "b.d.test", true);
    add(&before, SMTPSEC_CLAIM_ENCRYPTED, "b.d.test", true);
    add(&before, SMTPSEC_CLAIM_DANE, "c.d.test", false); /* it had ended before */
    add(&after, SMTPSEC_CLAIM_DANE, "a.d.test", true);
    add(&after, SMTPSEC_CLAIM_ENCRYPTED, "b.d.test", true);
    note(&lowered, &before, &after);
    assert_int_equal(lowered.count, 1);
    assert_int_equal(lowered.list[0].kind, SMTPSEC_CLAIM_DANE);
    assert_true(ss_name_equal(&lowered.list[0].host, &host));
    assert_int_equal(lowered.list[0].by, SS_OBSERVED_NO_TLSA);
    assert_string_equal(ss_lowered_proof(&lowered.list[0]), "a signed denial of TLSA records");
    note(&lowered, &before, &before);
    assert_int_equal(lowered.count, 0);
    ss_record_free(&before);
    ss_record_free(&after);
}

/* All are counted, the list is bounded. */
static void
more_than_listed(void **state)
{
    struct ss_record before, after;
    struct ss_lowered lowered;
    char host[] = "a.d.test";
    int i;

    (void)state;
    begin(&before);
    begin(&after);
    for (i = 0; i < SS_LOWERED_MAX + 3; i++) {
        host[0] = (char)('a' + i);
        add(&before, SMTPSEC_CLAIM_DANE, host, true);
    }
    note(&lowered, &before, &after);
    assert_int_equal(lowered.count, SS_LOWERED_MAX + 3);
    ss_record_free(&before);
    ss_record_free(&after);
}

int
main(void)
{
    struct ss_table t = SS_TABLE("engine/lowered");

    ss_table_case(&t, "PREC-11 what a proof has ended, and nothing else", by_kind_and_host);
    ss_table_case(&t, "PREC-11 more than the list holds are counted", more_than_listed);
    return ss_table_run(&t);
}
