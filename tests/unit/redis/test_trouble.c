/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* What becomes of a memory in Redis when the server stops, dies, fills up, forgets or lies. */
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "link.h"
#include "memory/claim.h"
#include "memory/codec.h"
#include "server.h"
#include "store_support.h"

/* An operation that is given this long has ended well before the second of these. */
#define BOUND_MS 200
#define ENDED_MS 1500

static void
wait_until_ok(struct ss_store *store, const char *key, const char *value)
{
    int i;

    for (i = 0; i < 500 && !store_has(store, key, value); i++)
        usleep(10000);
    store_expect(store, key, value);
    assert_int_equal(store->state, SMTPSEC_MEMORY_OK);
}

/* ---- stopped, killed, emptied ---- */

static void
stopped(void **state)
{
    struct server server = { 0 };
    struct ss_store *store;
    struct ss_buf got;
    int64_t begun;

    (void)state;
    server_start(&server);
    store = server_store(&server, "x", BOUND_MS);
    assert_int_equal(store_put(store, "a", "1"), 0);
    kill(server.pid, SIGSTOP);
    ss_buf_init(&got, 100);
    begun = link_now();
    assert_int_equal(ss_store_get(store, SS_TABLE_CLAIMS, store_bytes("a"), &got),
                     SMTPSEC_E_MEMORY);
    assert_in_range(link_now() - begun, BOUND_MS - 20, ENDED_MS);
    assert_int_equal(store->state, SMTPSEC_MEMORY_LOST);
    assert_non_null(strstr(store->error.text, "no answer in time"));
    ss_buf_free(&got);
    kill(server.pid, SIGCONT);
    wait_until_ok(store, "a", "1");
    assert_false(store->set_aside);
    ss_store_close(store);
    server_end(&server);
}

/* Once it is LOST, nobody waits for it again and again. */
static void
waits_seldom(void **state)
{
    struct server server = { 0 };
    struct store_redis_options options = { .path = server.path, .timeout_ms = BOUND_MS,
                                           .retry_ms = 60000 };
    struct ss_store *store;
    int64_t begun;
    int i;

    (void)state;
    server_start(&server);
    assert_int_equal(store_redis_open(&options, &store), 0);
    kill(server.pid, SIGSTOP);
    assert_int_equal(store_put(store, "a", "1"), SMTPSEC_E_MEMORY);
    begun = link_now();
    for (i = 0; i < 1000; i++)
        assert_int_equal(store_put(store, "a", "1"), SMTPSEC_E_MEMORY);
    assert_in_range(link_now() - begun, 0, BOUND_MS - 50);
    kill(server.pid, SIGCONT);
    ss_store_close(store);
    server_end(&server);
}

struct during {
    struct server *server;
    int signal;
    int asked;
};

static int
edit_during(void *arg, const struct ss_bytes *old, struct ss_buf *out, enum ss_edit *edit)
{
    struct during *during = arg;

    (void)old;
    during->asked++;
    if (during->signal == SIGKILL)
        server_kill(during->server);
    else
        kill(during->server->pid, during->signal);
    ss_buf_put(out, "2", 1);
    *edit = SS_EDIT_PUT;
    return 0;
}

struct during_row {
    const char *name;
    int signal;
};

static const struct during_row during_rows[] = {
    { "stopped in the midst of a change: an answer in time, and the old value", SIGSTOP },
    { "killed in the midst of a change: an answer in time, and the old value", SIGKILL },
};

static void
check_during(void **state)
{
    const struct during_row *row = *state;
    struct server server = { .durable = true };
    struct during during = { &server, row->signal, 0 };
    struct ss_store *store;
    int64_t begun;

    server_start(&server);
    store = server_store(&server, "x", BOUND_MS);
    assert_int_equal(store_put(store, "a", "1"), 0);
    begun = link_now();
    assert_int_equal(ss_store_update(store, SS_TABLE_CLAIMS, store_bytes("a"), edit_during,
                                     &during),
                     SMTPSEC_E_MEMORY);
    assert_in_range(link_now() - begun, 0, ENDED_MS);
    assert_int_equal(during.asked, 1);
    assert_int_equal(store->state, SMTPSEC_MEMORY_LOST);
    if (row->signal == SIGSTOP)
        kill(server.pid, SIGCONT);
    else
        server_again(&server);
    /* A change that got no answer may have been done: then it waited in the server's socket. */
    if (row->signal == SIGKILL)
        wait_until_ok(store, "a", "1");
    else
        wait_until_ok(store, "a", "2");
    ss_store_close(store);
    server_end(&server);
}

static void
restarted(void **state)
{
    struct server server = { .durable = true };
    struct ss_store *store;
    char key[16];
    int i;

    (void)state;
    server_start(&server);
    store = server_store(&server, "x", 5000);
    for (i = 0; i < 100; i++) {
        snprintf(key, sizeof(key), "key%d", i);
        assert_int_equal(store_put(store, key, key), 0);
    }
    server_kill(&server);
    server_again(&server);
    /* Its connection is dead, and no caller hears of it. */
    for (i = 0; i < 100; i++) {
        snprintf(key, sizeof(key), "key%d", i);
        store_expect(store, key, key);
    }
    assert_false(store->set_aside);
    assert_int_equal(store_put(store, "more", "1"), 0);
    ss_store_close(store);
    server_end(&server);
}

static void
emptied(void **state)
{
    struct server server = { 0 };
    struct ss_store *store;

    (void)state;
    server_start(&server);
    store = server_store(&server, "x", 5000);
    assert_int_equal(store_put(store, "a", "1"), 0);
    assert_false(store->set_aside);
    server_kill(&server);
    server_again(&server);
    store_expect(store, "a", NULL);
    assert_true(store->set_aside);
    assert_int_equal(store_put(store, "a", "2"), 0);
    store_expect(store, "a", "2");
    ss_store_close(store);
    server_end(&server);
}

static void
no_server(void **state)
{
    struct store_redis_options options = { .path = "/nonexistent/socket" };
    struct ss_store *store;

    (void)state;
    assert_int_equal(store_redis_open(&options, &store), 0);
    assert_int_equal(store->state, SMTPSEC_MEMORY_LOST);
    assert_int_equal(store_put(store, "a", "1"), SMTPSEC_E_MEMORY);
    ss_store_close(store);
}

/* ---- full ---- */

static void
full(void **state)
{
    struct server server = { .more = { "--maxmemory", "4mb", "--maxmemory-policy", "noeviction" } };
    static char value[2001];
    struct ss_store *store;
    int i, count, rc = 0;
    char key[16];

    (void)state;
    memset(value, 'v', sizeof(value) - 1);
    server_start(&server);
    store = server_store(&server, "x", 5000);
    for (count = 0; count < 5000; count++) {
        snprintf(key, sizeof(key), "key%d", count);
        rc = store_put(store, key, value);
        if (rc != 0)
            break;
    }
    assert_int_equal(rc, SMTPSEC_E_MEMORY);
    assert_true(count > 100);
    assert_non_null(strstr(store->error.text, "OOM"));
    /* It can be read, all that was promised is there, and what was refused is not. */
    assert_int_equal(store->state, SMTPSEC_MEMORY_OK);
    store_expect(store, key, NULL);
    for (i = 0; i < count; i++) {
        snprintf(key, sizeof(key), "key%d", i);
        store_expect(store, key, value);
    }
    /* What its clients' buffers took comes and goes; it must have no room for less, either. */
    SERVER_SAY(&server, "CONFIG", "SET", "maxmemory", "1mb");
    assert_int_equal(store_put(store, "key0", "weaker"), SMTPSEC_E_MEMORY);
    store_expect(store, "key0", value);
    assert_int_equal(SERVER_SAY(&server, "HLEN", "{x}:claims"), count);
    assert_int_equal(SERVER_SAY(&server, "ZCARD", "{x}:claims-kept"), count);
    /* One who comes to a full server can read it, too. */
    ss_store_close(store);
    store = server_store(&server, "x", 5000);
    store_expect(store, "key0", value);
    assert_int_equal(store_delete(store, "key1"), 0);
    SERVER_SAY(&server, "CONFIG", "SET", "maxmemory", "64mb");
    assert_int_equal(store_put(store, "key0", "new"), 0);
    ss_store_close(store);
    server_end(&server);
}

/* ---- poison ---- */

static int
count_one(void *arg, struct ss_bytes key, struct ss_bytes value)
{
    (void)key;
    (void)value;
    ++*(int *)arg;
    return 0;
}

/* A value as somebody else wrote it, read as a claim record: a fault, and writable again. */
static void
poisoned(void **state)
{
    static char huge[300000];
    static const struct {
        const char *value;
        size_t len;
    } bad[] = { { "", 0 }, { "x", 1 }, { "k", 1 }, { "n\xff\xff\xff", 4 }, { "kC", 2 },
                { huge, sizeof(huge) } };
    struct server server = { 0 };
    struct ss_memory_key whose;
    struct ss_store *store;
    struct ss_record record;
    struct ss_buf got;
    size_t i;

    (void)state;
    memset(huge, 'k', sizeof(huge));
    memset(&whose, 0, sizeof(whose));
    assert_true(ss_name_from_text(&whose.domain, "a.test", 6));
    server_start(&server);
    store = server_store(&server, "x", 5000);
    for (i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
        redisContext *c = redisConnectUnix(server.path);

        freeReplyObject(redisCommand(c, "HSET {x}:claims a %b", bad[i].value, bad[i].len));
        redisFree(c);
        ss_buf_init(&got, SS_STORE_VALUE_MAX);
        assert_int_equal(ss_store_get(store, SS_TABLE_CLAIMS, store_bytes("a"), &got), 0);
        assert_int_equal(ss_record_read(&record, &whose, (struct ss_bytes){ got.data, got.len }),
                         SMTPSEC_E_FORMAT);
        ss_buf_free(&got);
        assert_int_equal(store_put(store, "a", "right"), 0);
        store_expect(store, "a", "right");
        assert_int_equal(store_delete(store, "a"), 0);
    }
    ss_store_close(store);
    server_end(&server);
}

struct wreck_row {
    const char *name;
    const char *words[6];
    int get, put, list; /* what each then returns */
    int shown;
};

static const struct wreck_row wreck_rows[] = {
    { "a name without a value is not shown", { "ZADD", "{x}:claims-kept", "0", "ghost" }, 0, 0, 0,
      2 },
    { "a value without a name is got, not shown", { "HSET", "{x}:claims", "ghost", "kboo" }, 0, 0,
      0, 2 },
    { "a name that is empty is refused", { "ZADD", "{x}:claims-kept", "0", "" }, 0, 0,
      SMTPSEC_E_MEMORY, 0 },
    { "a hash that is a string is refused", { "SET", "{x}:claims", "boo" }, SMTPSEC_E_MEMORY,
      SMTPSEC_E_MEMORY, SMTPSEC_E_MEMORY, 0 },
    { "an index that is a string is refused", { "SET", "{x}:claims-kept", "boo" }, 0,
      SMTPSEC_E_MEMORY, SMTPSEC_E_MEMORY, 0 },
    { "an emptied list of scripts is filled again", { "SCRIPT", "FLUSH" }, 0, 0, 0, 2 },
};

static void
check_wreck(void **state)
{
    const struct wreck_row *row = *state;
    struct server server = { 0 };
    struct ss_store *store;
    struct ss_buf got;
    int words = 0, shown = 0;

    server_start(&server);
    store = server_store(&server, "x", 5000);
    assert_int_equal(store_put(store, "a", "1"), 0);
    assert_int_equal(store_put(store, "b", "1"), 0);
    while (row->words[words] != NULL)
        words++;
    server_say(&server, words, row->words);
    ss_buf_init(&got, 100);
    assert_int_equal(ss_store_get(store, SS_TABLE_CLAIMS, store_bytes("a"), &got), row->get);
    ss_buf_free(&got);
    usleep(60000); /* past the time of a retry */
    assert_int_equal(store_put(store, "a", "2"), row->put);
    usleep(120000);
    assert_int_equal(ss_store_each_after(store, SS_TABLE_CLAIMS, store_bytes(""), 100, count_one,
                                         &shown),
                     row->list);
    assert_int_equal(shown, row->shown);
    ss_store_close(store);
    server_end(&server);
}

static void
other_format(void **state)
{
    struct server server = { 0 };
    struct store_redis_options options = { .path = server.path, .prefix = "x", .timeout_ms = 5000 };
    struct ss_store *store;

    (void)state;
    server_start(&server);
    SERVER_SAY(&server, "SET", "{x}:id", "smtpsec-9 00000000000000000000000000000000");
    assert_int_equal(store_redis_open(&options, &store), 0);
    assert_int_equal(store->state, SMTPSEC_MEMORY_LOST);
    assert_non_null(strstr(store->error.text, "not a memory of this format"));
    ss_store_close(store);
    server_end(&server);
}

int
main(void)
{
    struct ss_test_table t = SS_TABLE("redis/trouble");

    ss_table_case(&t, "a server that is stopped keeps nobody waiting, and comes back", stopped);
    ss_table_case(&t, "one that is LOST is not waited for at each use", waits_seldom);
    SS_TABLE_ROWS(&t, check_during, during_rows);
    ss_table_case(&t, "killed and started again: all is there, and nobody hears of it", restarted);
    ss_table_case(&t, "started again without its file: a new memory, and that is said", emptied);
    ss_table_case(&t, "no server: LOST", no_server);
    ss_table_case(&t, "a full server refuses, loses nothing and weakens nothing", full);
    ss_table_case(&t, "poisoned values are faults", poisoned);
    SS_TABLE_ROWS(&t, check_wreck, wreck_rows);
    ss_table_case(&t, "a memory of another format is left alone", other_format);
    return ss_table_run(&t);
}
