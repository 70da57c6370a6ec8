/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The memory's time among several processes: a mark that is shared, few writes, and what may fail. */
#include "table.h"

#include <stdio.h>
#include <string.h>
#include <time.h>

#include "api/due.h"
#include "drive/uptime.h"
#include "memory_use.h"

static char directory[64];

static void
set_up(void)
{
    use_now = USE_START;
    strcpy(directory, "/tmp/smtpsec-clock.XXXXXX");
    assert_non_null(mkdtemp(directory));
    use_domain("d.test");
}

static void
tear_down(void)
{
    char command[128];

    snprintf(command, sizeof(command), "rm -r %s", directory);
    assert_int_equal(system(command), 0);
    world_clear(&use_world);
}

static int64_t
stored_time(struct smtpsec_context *context)
{
    struct ss_clock_mark mark;
    struct ss_bytes value;
    struct ss_buf buf;

    ss_buf_init(&buf, SS_STORE_VALUE_MAX);
    mark.seen = 0;
    if (ss_store_get(context->store, SS_TABLE_META, ss_clock_key(), &buf) == 0) {
        value.data = buf.data;
        value.len = buf.len;
        (void)ss_clock_mark_read(&mark, value);
    }
    ss_buf_free(&buf);
    return mark.seen;
}

static void
use(struct smtpsec_context *context)
{
    smtpsec_plan_free(use_evaluate(context, "d.test"));
}

/* Each process tells of a leap once, and of its end; the one that saw neither as the one that did. */
static void
two_processes(void **state)
{
    struct smtpsec_context *one, *other;
    char text[1024];

    (void)state;
    set_up();
    one = use_open(directory, 0);
    other = use_open(directory, 0);
    use(one);
    use(other);
    use_now += 30 * USE_DAY;
    use(one);
    assert_int_equal(use_events(one, SMTPSEC_EVENT_CLOCK_STEPPED, text), 1);
    assert_non_null(strstr(text, "leapt ahead by 720 hours"));
    assert_true(ss_context_memory_time(other, use_now).held);
    assert_int_equal(ss_context_memory_time(other, use_now).now, USE_START);
    assert_int_equal(use_events(other, SMTPSEC_EVENT_CLOCK_STEPPED, NULL), 1);
    smtpsec_context_free(other);
    use_now += USE_DAY;
    other = use_open(directory, 0);
    use(other);
    assert_true(ss_context_memory_time(other, use_now).held);
    assert_int_equal(use_events(other, SMTPSEC_EVENT_CLOCK_STEPPED, NULL), 1);
    use_now += USE_DAY;
    use(other);
    assert_int_equal(use_events(other, SMTPSEC_EVENT_CLOCK_SETTLED, NULL), 1);
    use(one);
    assert_int_equal(use_events(one, SMTPSEC_EVENT_CLOCK_SETTLED, NULL), 1);
    assert_false(ss_context_memory_time(one, use_now).held);
    smtpsec_context_free(one);
    smtpsec_context_free(other);
    tear_down();
}

/* What one process has used the other need not use: a mark counts for all. */
static void
busy_and_idle(void **state)
{
    struct smtpsec_context *busy, *idle;
    int i;

    (void)state;
    set_up();
    busy = use_open(directory, 0);
    idle = use_open(directory, 0);
    use(busy);
    use(idle);
    for (i = 0; i < 30; i++, use_now += USE_DAY)
        use(busy);
    use(idle);
    assert_int_equal(use_events(idle, SMTPSEC_EVENT_CLOCK_STEPPED, NULL), 0);
    smtpsec_context_free(busy);
    smtpsec_context_free(idle);
    tear_down();
}

/* Every plan says so. */
static void
plans_say_so(void **state)
{
    struct smtpsec_context *context;
    struct smtpsec_plan *plan;
    bool said = false;
    size_t i;

    (void)state;
    set_up();
    context = use_open(NULL, 0);
    use(context);
    use_now -= 30 * USE_DAY;
    plan = use_evaluate(context, "d.test");
    for (i = 0; i < smtpsec_plan_explain_count(plan); i++)
        said = said || strstr(smtpsec_plan_explain_text(plan, i), "leapt back by 720 hours") != NULL;
    assert_true(said);
    smtpsec_plan_free(plan);
    use_now += 30 * USE_DAY;
    plan = use_evaluate(context, "d.test");
    for (i = 0; i < smtpsec_plan_explain_count(plan); i++)
        assert_null(strstr(smtpsec_plan_explain_text(plan, i), "leapt"));
    smtpsec_plan_free(plan);
    smtpsec_context_free(context);
    tear_down();
}

static void
few_writes(void **state)
{
    struct smtpsec_context *context;
    int64_t last;
    unsigned writes = 0;
    int i;

    (void)state;
    set_up();
    context = use_open(directory, 0);
    last = stored_time(context);
    for (i = 0; i < 24 * 60; i++, use_now += 60) {
        use(context);
        writes += stored_time(context) != last ? 1 : 0;
        last = stored_time(context);
    }
    assert_int_equal(writes, 8);
    smtpsec_context_free(context);
    tear_down();
}

/* Who may not write goes by his own mark, and by what others write. */
static void
read_only(void **state)
{
    struct smtpsec_context *writer, *reader;

    (void)state;
    set_up();
    writer = use_open(directory, 0);
    use(writer);
    reader = use_open(directory, 1);
    use_now += 47 * 3600;
    use(reader);
    assert_int_equal(stored_time(reader), USE_START);
    use_now += 47 * 3600;
    use(reader);
    assert_int_equal(use_events(reader, SMTPSEC_EVENT_CLOCK_STEPPED, NULL), 0);
    use_now += 49 * 3600;
    use(reader);
    assert_int_equal(use_events(reader, SMTPSEC_EVENT_CLOCK_STEPPED, NULL), 1);
    assert_int_equal(stored_time(reader), USE_START);
    smtpsec_context_free(writer);
    smtpsec_context_free(reader);
    tear_down();
}

static int
spoil(void *arg, const struct ss_bytes *old, struct ss_buf *out, enum ss_edit *choice)
{
    (void)arg;
    (void)old;
    ss_buf_put(out, "T damaged", 9);
    *choice = SS_EDIT_PUT;
    return 0;
}

static void
damaged(void **state)
{
    struct smtpsec_context *context;

    (void)state;
    set_up();
    context = use_open(directory, 0);
    use(context);
    smtpsec_context_free(context);
    context = use_open(directory, 0);
    assert_int_equal(ss_store_update(context->store, SS_TABLE_META, ss_clock_key(), spoil, NULL), 0);
    use_now += 30 * USE_DAY;
    use(context);
    assert_int_equal(use_events(context, SMTPSEC_EVENT_MEMORY_LOST, NULL), 1);
    assert_int_equal(stored_time(context), use_now);
    use(context);
    assert_int_equal(use_events(context, SMTPSEC_EVENT_MEMORY_LOST, NULL), 0);
    use_now += 30 * USE_DAY;
    use(context);
    assert_int_equal(use_events(context, SMTPSEC_EVENT_CLOCK_STEPPED, NULL), 1);
    smtpsec_context_free(context);
    tear_down();
}

/* Nothing is removed by a clock that is not believed. */
static void
removes_nothing(void **state)
{
    struct smtpsec_context *context;
    struct smtpsec_due *due;

    (void)state;
    set_up();
    use_fact("dns TXT _mta-sts.d.test insecure v=STSv1;id=1;");
    use_fact("dns A mta-sts.d.test insecure 192.0.2.9");
    context = use_open(NULL, 0);
    use(context); /* a fetch that fails leaves an entry, which goes after a week */
    use_now += 300 * USE_DAY;
    assert_int_equal(ss_due_list(context, SS_REFRESH_REMOVE, 9, &due), 0);
    assert_int_equal(smtpsec_due_count(due), 0);
    smtpsec_due_free(due);
    use_now += 2 * USE_DAY;
    assert_int_equal(ss_due_list(context, SS_REFRESH_REMOVE, 9, &due), 0);
    assert_int_equal(smtpsec_due_count(due), 1);
    smtpsec_due_free(due);
    smtpsec_context_free(context);
    tear_down();
}

/* The machine's own clock counts where the time in use is the machine's. */
static void
machine(void **state)
{
    int64_t now = (int64_t)time(NULL);
    uint64_t boot = ss_uptime_boot();
    struct ss_clock_reading reading;

    (void)state;
    assert_int_equal(boot, ss_uptime_boot());
    ss_uptime_read(boot, now, &reading);
    assert_int_equal(reading.now, now);
    assert_int_equal(reading.boot, boot);
    if (boot != 0)
        assert_true(reading.uptime > 0);
    ss_uptime_read(boot, now + 2 * SS_UPTIME_NEAR, &reading);
    assert_int_equal(reading.boot, 0);
    assert_int_equal(reading.uptime, 0);
    ss_uptime_read(boot, now - 2 * SS_UPTIME_NEAR, &reading);
    assert_int_equal(reading.boot, 0);
    ss_uptime_read(0, now, &reading);
    assert_int_equal(reading.boot, 0);
    assert_int_equal(reading.now, now);
}

int
main(void)
{
    struct ss_table table = SS_TABLE("api/clock");

    ss_table_case(&table, "PREC-10 two processes, one leap", two_processes);
    ss_table_case(&table, "PREC-10 a busy process and an idle one", busy_and_idle);
    ss_table_case(&table, "PREC-10 every plan says that the clock leapt", plans_say_so);
    ss_table_case(&table, "PREC-10 a day of mail each minute is eight marks", few_writes);
    ss_table_case(&table, "PREC-10 a process that may not write", read_only);
    ss_table_case(&table, "PREC-10 a damaged mark is begun anew, and told", damaged);
    ss_table_case(&table, "PREC-10 no policy is removed after a leap", removes_nothing);
    ss_table_case(&table, "PREC-10 the machine's own clock", machine);
    return ss_table_run(&table);
}
