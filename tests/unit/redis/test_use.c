/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* A memory in Redis as it is meant to be used: who is let in, edits that meet, children, leases. */
#include <stdio.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "server.h"
#include "store_support.h"

static int
put_meta(struct ss_store *store, const char *key, const char *value)
{
    struct ss_bytes bytes = store_bytes(value);

    return ss_store_update(store, SS_TABLE_META, store_bytes(key), store_edit_put, &bytes);
}

/* ---- who is let in ---- */

static void
log_in(void **state)
{
    struct server server = { 0 };
    struct store_redis_options options = { .path = server.path, .prefix = "x", .timeout_ms = 5000 };
    struct ss_store *store;

    (void)state;
    server_start(&server);
    SERVER_SAY(&server, "ACL", "SETUSER", "mail", "on", ">secret", "~{x}:*", "+@all");
    SERVER_SAY(&server, "ACL", "SETUSER", "default", "off");
    assert_int_equal(store_redis_open(&options, &store), 0);
    assert_int_equal(store->state, SMTPSEC_MEMORY_LOST);
    assert_non_null(strstr(store->error.text, "NOAUTH"));
    ss_store_close(store);
    options.user = "mail";
    options.password = "wrong";
    assert_int_equal(store_redis_open(&options, &store), 0);
    assert_int_equal(store->state, SMTPSEC_MEMORY_LOST);
    ss_store_close(store);
    options.password = "secret";
    assert_int_equal(store_redis_open(&options, &store), 0);
    assert_int_equal(store->state, SMTPSEC_MEMORY_OK);
    assert_int_equal(store_put(store, "a", "1"), 0);
    ss_store_close(store);
    options.read_only = true;
    assert_int_equal(store_redis_open(&options, &store), 0);
    assert_int_equal(store->state, SMTPSEC_MEMORY_READ_ONLY);
    store_expect(store, "a", "1");
    assert_int_equal(store_put(store, "a", "2"), SMTPSEC_E_MEMORY);
    ss_store_close(store);
    server_end(&server);
}

struct options_row {
    const char *name;
    struct store_redis_options options;
    int want;
};

static const struct options_row options_rows[] = {
    { "neither path nor address", { .port = 6379 }, SMTPSEC_E_INVALID },
    { "an address is no name", { .address = "localhost" }, SMTPSEC_E_INVALID },
    { "an IPv4 address", { .address = "127.0.0.1", .port = 1 }, 0 },
    { "an IPv6 address", { .address = "::1", .port = 1 }, 0 },
    { "a prefix with a brace", { .path = "/x", .prefix = "a}" }, SMTPSEC_E_INVALID },
    { "an empty prefix", { .path = "/x", .prefix = "" }, SMTPSEC_E_INVALID },
    { "a prefix of 32", { .path = "/x", .prefix = "12345678901234567890123456789012" }, 0 },
    { "a prefix of 33", { .path = "/x", .prefix = "123456789012345678901234567890123" },
      SMTPSEC_E_INVALID },
};

static void
check_options(void **state)
{
    const struct options_row *row = *state;
    struct ss_store *store = NULL;

    assert_int_equal(store_redis_open(&row->options, &store), row->want);
    assert_true((store != NULL) == (row->want == 0));
    ss_store_close(store);
}

/* ---- edits ---- */

struct meet {
    struct ss_store *other;
    struct ss_store *own; /* an edit may change another table on the way */
    int asked;
};

static int
edit_meet(void *arg, const struct ss_bytes *old, struct ss_buf *out, enum ss_edit *edit)
{
    struct meet *meet = arg;

    if (meet->asked++ == 0)
        assert_int_equal(store_add(meet->other, "n"), 0);
    if (meet->own != NULL)
        assert_int_equal(put_meta(meet->own, "mark", meet->asked == 1 ? "first" : "second"), 0);
    return store_edit_add(NULL, old, out, edit);
}

static void
asked_anew(void **state)
{
    struct server server = { 0 };
    struct meet meet = { 0 };
    struct ss_store *store;
    struct ss_buf got;

    (void)state;
    server_start(&server);
    store = server_store(&server, "x", 5000);
    meet.other = server_store(&server, "x", 5000);
    meet.own = store;
    assert_int_equal(store_add(store, "n"), 0);
    assert_int_equal(ss_store_update(store, SS_TABLE_CLAIMS, store_bytes("n"), edit_meet, &meet),
                     0);
    assert_int_equal(meet.asked, 2);
    assert_int_equal(store_number(store, "n"), 3);
    ss_buf_init(&got, 100);
    assert_int_equal(ss_store_get(store, SS_TABLE_META, store_bytes("mark"), &got), 0);
    assert_int_equal(got.len, strlen("second"));
    ss_buf_free(&got);
    ss_store_close(store);
    ss_store_close(meet.other);
    server_end(&server);
}

static void
forked(void **state)
{
    struct server server = { 0 };
    struct ss_store *store;
    pid_t child;
    int i, status;

    (void)state;
    server_start(&server);
    store = server_store(&server, "x", 5000);
    assert_int_equal(store_add(store, "n"), 0);
    fflush(NULL);
    child = fork();
    for (i = 0; i < 200; i++) {
        if (store_add(store, "n") != 0)
            store_child_exit(3);
    }
    if (child == 0) {
        ss_store_close(store);
        store_child_exit(0);
    }
    waitpid(child, &status, 0);
    assert_int_equal(status, 0);
    assert_int_equal(store_number(store, "n"), 401);
    ss_store_close(store);
    server_end(&server);
}

/* ---- leases ---- */

static void
leases(void **state)
{
    struct server server = { 0 };
    struct store_redis_options options = { .path = server.path, .prefix = "x", .timeout_ms = 5000,
                                           .lease_ms = 300 };
    struct ss_lease *first, *second, *third;
    struct ss_store *one, *two;

    (void)state;
    server_start(&server);
    assert_int_equal(store_redis_open(&options, &one), 0);
    two = server_store(&server, "x", 5000);
    /* One holder a name. */
    assert_int_equal(ss_store_lease(two, 7, &first), 0);
    assert_int_equal(ss_store_lease(one, 7, &second), SMTPSEC_E_PENDING);
    assert_int_equal(ss_store_lease(one, 8, &second), 0);
    ss_lease_release(second);
    ss_lease_release(first);
    assert_int_equal(ss_store_lease(one, 7, &first), 0);
    /* It ends by itself; who has lost it takes it from nobody. */
    usleep(400000);
    assert_int_equal(ss_store_lease(two, 7, &second), 0);
    ss_lease_release(first);
    assert_int_equal(ss_store_lease(one, 7, &third), SMTPSEC_E_PENDING);
    /* It outlives its store. */
    ss_store_close(two);
    assert_int_equal(ss_store_lease(one, 7, &third), SMTPSEC_E_PENDING);
    ss_lease_release(second);
    assert_int_equal(ss_store_lease(one, 7, &third), 0);
    ss_lease_release(third);
    ss_store_close(one);
    server_end(&server);
}

static void
lease_of_a_child(void **state)
{
    struct server server = { 0 };
    struct ss_lease *first, *second;
    struct ss_store *one, *two;
    pid_t child;

    (void)state;
    server_start(&server);
    one = server_store(&server, "x", 5000);
    two = server_store(&server, "x", 5000);
    assert_int_equal(ss_store_lease(one, 7, &first), 0);
    fflush(NULL);
    child = fork();
    if (child == 0) {
        ss_lease_release(first);
        store_child_exit(0);
    }
    waitpid(child, NULL, 0);
    assert_int_equal(ss_store_lease(two, 7, &second), SMTPSEC_E_PENDING);
    ss_lease_release(first);
    assert_int_equal(ss_store_lease(two, 7, &second), 0);
    ss_lease_release(second);
    ss_store_close(one);
    ss_store_close(two);
    server_end(&server);
}

int
main(void)
{
    struct ss_test_table t = SS_TABLE("redis/use");

    ss_table_case(&t, "who has no password is not let in; who only reads only reads", log_in);
    SS_TABLE_ROWS(&t, check_options, options_rows);
    ss_table_case(&t, "an edit is asked anew when somebody was faster", asked_anew);
    ss_table_case(&t, "a child and its parent do not speak on one connection", forked);
    ss_table_case(&t, "leases", leases);
    ss_table_case(&t, "a lease is the parent's", lease_of_a_child);
    return ss_table_run(&t);
}
