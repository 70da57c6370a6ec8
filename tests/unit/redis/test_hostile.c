/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* One who speaks in place of Redis: whatever he says, it ends in time, with LOST. */
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <unistd.h>

#include "link.h"
#include "store_support.h"

#define BOUND_MS 300
#define ENDED_MS 2500

struct row {
    const char *name;
    const char *says;  /* to each command */
    unsigned times;    /* so often; 0: once */
    unsigned pause_us; /* between octets */
    const char *why;   /* part of the error; NULL: any */
};

#define NEST "*1\r\n*1\r\n*1\r\n*1\r\n*1\r\n*1\r\n*1\r\n*1\r\n*1\r\n*1\r\n*1\r\n*1\r\n"

static const struct row rows[] = {
    { "silence", "", 0, 0, "in time" },
    { "hangs up", NULL, 0, 0, NULL },
    { "no protocol", "HTTP/1.1 200 OK\r\n\r\n", 0, 0, NULL },
    { "two thousand million elements", "*2147483647\r\n", 0, 0, "memory" },
    { "elements below zero", "*-5\r\n", 0, 0, NULL },
    { "more elements than anybody asks for", "*1025\r\n", 0, 0, "memory" },
    { "a string of 99 thousand million octets", "$99999999999\r\n", 0, 0, NULL },
    { "a string of a length below zero", "$-7\r\n", 0, 0, NULL },
    { "a length that is no number", "$2x\r\nab\r\n", 0, 0, NULL },
    { "arrays in arrays", NEST NEST, 0, 0, NULL },
    { "an octet now and then, without end", "$1000\r\n", 1000, 20000, "in time" },
    { "a string without end", "$900000000\r\n", 0, 0, NULL },
    { "twice what was asked for", "$-1\r\n$-1\r\n", 0, 0, "more than was asked for" },
    { "a number instead of a value", ":12\r\n", 0, 0, NULL },
    { "an error with control characters", "-ERR \x1b[31m\x07\r\n", 0, 0, "ERR \\x1b[31m\\x07" },
};

static void
answer(int fd, const struct row *row)
{
    static char much[65536];
    unsigned i;

    if (strstr(row->name, "a string without end") != NULL) {
        (void)!write(fd, row->says, strlen(row->says));
        memset(much, 'v', sizeof(much));
        while (write(fd, much, sizeof(much)) > 0)
            ;
        return;
    }
    for (i = 0; i <= row->times; i++) {
        if (row->pause_us == 0)
            (void)!write(fd, row->says, strlen(row->says));
        else if (write(fd, i < 7 ? row->says + i : "x", 1) != 1)
            return;
        if (row->pause_us != 0)
            usleep(row->pause_us);
    }
}

static void
serve(int listener, const struct row *row)
{
    char room[65536];
    int fd;

    prctl(PR_SET_PDEATHSIG, SIGKILL);
    signal(SIGPIPE, SIG_IGN);
    for (;;) {
        fd = accept(listener, NULL, NULL);
        while (fd != -1 && row->says != NULL && read(fd, room, sizeof(room)) > 0)
            answer(fd, row);
        close(fd);
    }
}

static int
listen_at(char directory[64], char path[96])
{
    struct sockaddr_un address = { .sun_family = AF_UNIX };
    int listener = socket(AF_UNIX, SOCK_STREAM, 0);

    store_directory(directory);
    snprintf(path, 96, "%s/socket", directory);
    strcpy(address.sun_path, path);
    assert_int_equal(bind(listener, (struct sockaddr *)&address, sizeof(address)), 0);
    assert_int_equal(listen(listener, 10), 0);
    return listener;
}

static void
check(void **state)
{
    const struct row *row = *state;
    struct store_redis_options options = { .timeout_ms = BOUND_MS };
    char directory[64], path[96];
    int listener = listen_at(directory, path);
    struct ss_store *store;
    int64_t begun;
    const char *c;
    pid_t child;

    fflush(NULL);
    child = fork();
    if (child == 0)
        serve(listener, row);
    close(listener);
    options.path = path;
    begun = link_now();
    assert_int_equal(store_redis_open(&options, &store), 0);
    assert_in_range(link_now() - begun, 0, ENDED_MS);
    assert_int_equal(store->state, SMTPSEC_MEMORY_LOST);
    assert_true(store->error.text[0] != '\0');
    if (row->why != NULL && strstr(store->error.text, row->why) == NULL)
        fail_msg("%s", store->error.text);
    for (c = store->error.text; *c != '\0'; c++)
        assert_in_range(*c, ' ', '~');
    assert_int_equal(store_put(store, "a", "1"), SMTPSEC_E_MEMORY);
    ss_store_close(store);
    kill(child, SIGKILL);
    waitpid(child, NULL, 0);
    store_remove(directory);
}

int
main(void)
{
    struct ss_test_table t = SS_TABLE("redis/hostile");

    SS_TABLE_ROWS(&t, check, rows);
    return ss_table_run(&t);
}
