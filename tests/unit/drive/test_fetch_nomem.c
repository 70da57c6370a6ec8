/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Each allocation of ours fails in turn: a fetch ends all the same, once, and never well. */
#include <string.h>

#include "failing_alloc.h"
#include "fetch_world.h"
#include "smtpsec.h"
#include "table.h"

#define LONG_MS 30000

/* One world from its beginning to its end. False: it could not even begin. */
static bool
live_once(struct told *told)
{
    struct ss_fetch_host host = {NULL, ss_loop_watch, ss_loop_rewatch, ss_loop_unwatch,
                                 ss_loop_timer, ss_loop_untimer};
    struct world world = {0};
    int code;

    assert_int_equal(ss_fetch_module_find(&world.module, NULL), 0);
    code = ss_loop_new(&world.loop);
    if (code == 0) {
        host.loop = world.loop;
        code = world.module->open(&host, &world.fetcher);
    }
    told_init(told, &world);
    if (code == 0)
        code = world_fetch(told, "good", "/good", LONG_MS);
    if (code == 0)
        world_run(&world, 1);
    else
        assert_int_equal(code, SMTPSEC_E_NOMEM);
    world.module->close(world.fetcher);
    ss_loop_free(world.loop);
    return code == 0;
}

static void
each_in_turn(void **state)
{
    struct told told;
    unsigned long at;
    bool reached = true;
    bool began;

    (void)state;
    for (at = 1; reached && at < 1000; at++) {
        alloc_fail_set(at);
        began = live_once(&told);
        reached = alloc_fail_reached();
        alloc_fail_set(0);
        assert_int_equal(told.done_calls, began);
        if (began && reached)
            assert_int_not_equal(told.failure, SMTPSEC_FAILURE_NONE);
    }
    assert_int_equal(told.failure, SMTPSEC_FAILURE_NONE);
    assert_int_equal(told.status, 200);
    assert_true(at > 6);
}

int
main(int argc, char **argv)
{
    struct ss_table t = SS_TABLE("fetch_nomem");
    int code;

    if (argc != 3)
        return 1;
    code = server_start(argv[1], argv[2]);
    if (code != 0)
        return code;
    ss_table_case(&t, "each allocation fails in turn", each_in_turn);
    code = ss_table_run(&t);
    server_stop();
    return code;
}
