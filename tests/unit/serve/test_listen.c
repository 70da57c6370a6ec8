/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* What becomes of a unix socket at the end: ours goes, another's stays, and no time lies between. */
#include "table.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include "serve/listen.h"

static char directory[] = "listen.XXXXXX";
static char path[64];
static int watched = -1;
static int there_at_close;

int __real_close(int fd);
int __wrap_close(int fd);

/* From the moment the socket is closed a second one takes it for stale, and takes its place. */
int
__wrap_close(int fd)
{
    if (fd == watched)
        there_at_close = access(path, F_OK) == 0;
    return __real_close(fd);
}

static void
open_socket(struct serve_sockets *sockets, char *word, size_t room)
{
    struct serve_settings settings;

    serve_settings_default(&settings);
    snprintf(word, room, "unix:%s", path);
    settings.listen[settings.listen_count++] = word;
    assert_int_equal(serve_listen(&settings, sockets), 0);
    assert_int_equal(sockets->count, 1);
    assert_int_equal(access(path, F_OK), 0);
    watched = sockets->list[0].fd;
    there_at_close = -1;
}

static void
gone_before_closed(void **state)
{
    struct serve_sockets sockets;
    char word[80];

    (void)state;
    open_socket(&sockets, word, sizeof(word));
    serve_listen_end(&sockets);
    assert_int_equal(there_at_close, 0);
    assert_int_not_equal(access(path, F_OK), 0);
}

static void
anothers_stays(void **state)
{
    struct serve_sockets sockets;
    char word[80];
    FILE *file;

    (void)state;
    open_socket(&sockets, word, sizeof(word));
    assert_int_equal(unlink(path), 0);
    file = fopen(path, "w");
    assert_non_null(file);
    fclose(file);
    serve_listen_end(&sockets);
    assert_int_equal(there_at_close, 1);
    assert_int_equal(access(path, F_OK), 0);
    assert_int_equal(unlink(path), 0);
}

static int
leave(void **state)
{
    (void)state;
    return rmdir(directory);
}

int
main(void)
{
    struct ss_table t = SS_TABLE("listen");

    if (mkdtemp(directory) == NULL)
        return 99;
    snprintf(path, sizeof(path), "%s/socket", directory);
    ss_table_case(&t, "ours is removed before it is closed", gone_before_closed);
    ss_table_case(&t, "what somebody else has put there stays", anothers_stays);
    t.tests[t.count - 1].teardown_func = leave;
    return ss_table_run(&t);
}
