/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include <arpa/inet.h>
#include <fcntl.h>
#include <gnutls/gnutls.h>
#include <netinet/in.h>
#include <poll.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/error.h"
#include "fetch_world.h"
#include "smtpsec.h"
#include "table.h"

static char ports[512];
static pid_t server = -1;
static int server_input = -1;
static FILE *control;

/* ---- the server ---- */

static void
become_server(const char *python, const char *script, const int in[2], const int out[2])
{
    dup2(in[0], 0);
    dup2(out[1], 1);
    close(in[1]);
    close(out[0]);
    execlp(python, python, script, (char *)NULL);
    _exit(127);
}

static void
open_control(void)
{
    struct sockaddr_in address = {.sin_family = AF_INET};
    int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);

    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    address.sin_port = htons(server_port("control"));
    assert_int_equal(connect(fd, (struct sockaddr *)&address, sizeof(address)), 0);
    control = fdopen(fd, "r+");
    assert_non_null(control);
}

int
server_start(const char *python, const char *script)
{
    int in[2], out[2];
    FILE *stream;
    bool ok;

    if (pipe2(in, O_CLOEXEC) != 0 || pipe2(out, O_CLOEXEC) != 0)
        return 77;
    server = fork();
    if (server == 0)
        become_server(python, script, in, out);
    close(in[0]);
    close(out[1]);
    server_input = in[1];
    stream = fdopen(out[0], "r");
    ok = stream != NULL && fgets(ports, sizeof(ports), stream) != NULL && strchr(ports, '=');
    if (stream != NULL)
        fclose(stream);
    if (!ok) {
        server_stop();
        return 77;
    }
    open_control();
    return 0;
}

void
server_stop(void)
{
    if (control != NULL)
        fclose(control);
    control = NULL;
    close(server_input);
    if (server > 0)
        waitpid(server, NULL, 0);
    server = -1;
}

uint16_t
server_port(const char *name)
{
    char key[64];
    const char *at;

    snprintf(key, sizeof(key), " %s=", name);
    at = strstr(ports, key);
    if (at == NULL)
        return (uint16_t)(strncmp(ports, key + 1, strlen(key) - 1) == 0
                              ? atoi(ports + strlen(key) - 1) : 0);
    return (uint16_t)atoi(at + strlen(key));
}

static void
say(const char *word, int number, char *answer, size_t room)
{
    fprintf(control, "%s %d\n", word, number);
    fflush(control);
    assert_non_null(fgets(answer, (int)room, control));
}

void
server_reset(void)
{
    char answer[16];

    say("reset", 0, answer, sizeof(answer));
}

void
server_open_gate(void)
{
    char answer[16];

    say("gate", 0, answer, sizeof(answer));
}

void
server_wait_requests(int count)
{
    char answer[16];

    say("gated", count, answer, sizeof(answer));
}

void
server_stats(int wait_closed, struct server_stats *stats)
{
    char answer[1024];

    say("stats", wait_closed, answer, sizeof(answer));
    assert_int_equal(sscanf(answer,
                            "accepted=%d closed=%d octets=%d requests=%d most=%d sni=%255s "
                            "host=%255s path=%255s",
                            &stats->accepted, &stats->closed, &stats->octets, &stats->requests,
                            &stats->most, stats->sni, stats->host, stats->path), 8);
}

/* ---- the world ---- */

void
world_open(struct world *world)
{
    struct ss_fetch_host host = {NULL, ss_loop_watch, ss_loop_rewatch, ss_loop_unwatch,
                                 ss_loop_timer, ss_loop_untimer};
    struct ss_error error = {0};
    int code;

    memset(world, 0, sizeof(*world));
    assert_int_equal(ss_loop_new(&world->loop), 0);
    code = ss_fetch_module_find(&world->module, &error);
    if (code != 0)
        fail_msg("%s", error.text);
    host.loop = world->loop;
    assert_int_equal(world->module->open(&host, &world->fetcher), 0);
}

void
world_close(struct world *world)
{
    world->module->close(world->fetcher);
    ss_loop_free(world->loop);
}

void
told_init(struct told *told, struct world *world)
{
    memset(told, 0, sizeof(*told));
    told->world = world;
}

static int32_t
judge(void *arg, void *gnutls_session)
{
    struct told *told = arg;
    gnutls_session_t session = gnutls_session;
    unsigned count = 0;

    told->verify_calls++;
    told->session_is_live = gnutls_certificate_get_peers(session, &count) != NULL && count > 0 &&
                            gnutls_protocol_get_version(session) >= GNUTLS_TLS1_2;
    if (told->verify_cancels)
        told->world->module->cancel(told->fetch);
    return told->verify_says;
}

static void
done(void *arg, int32_t failure, int32_t status, const char *content_type, const uint8_t *body,
     size_t len)
{
    struct told *told = arg;

    told->done_calls++;
    told->order = ++told->world->ended;
    told->failure = failure;
    told->status = status;
    snprintf(told->type, sizeof(told->type), "%s", content_type != NULL ? content_type : "(none)");
    told->len = len;
    memcpy(told->head, body, len < sizeof(told->head) ? len : sizeof(told->head));
    if (told->in_done != NULL)
        told->in_done(told);
}

int
world_fetch_from(struct told *told, const char *port, const char *path, int64_t timeout_ms,
                 const char *const *addresses, size_t count)
{
    struct ss_fetch_request request = {
        .host = WORLD_HOST,
        .path = path,
        .port = server_port(port),
        .addresses = addresses,
        .address_count = count,
        .body_max = BODY_MAX,
        .timeout_ms = timeout_ms,
        .verify = judge,
        .done = done,
        .arg = told,
    };
    struct world *world = told->world;
    int calls = told->done_calls;
    int code = world->module->start(world->fetcher, &request, &told->fetch);

    assert_int_equal(told->done_calls, calls); /* never from inside start */
    return code;
}

int
world_fetch(struct told *told, const char *port, const char *path, int64_t timeout_ms)
{
    static const char *const here[] = {"127.0.0.1"};

    return world_fetch_from(told, port, path, timeout_ms, here, 1);
}

static void
wait_and_process(struct world *world, int timeout_ms)
{
    struct pollfd one = {ss_loop_fd(world->loop), POLLIN, 0};

    poll(&one, 1, timeout_ms);
    assert_int_equal(ss_loop_process(world->loop), 0);
}

void
world_run(struct world *world, int ended)
{
    while (world->ended < ended)
        wait_and_process(world, ss_loop_timeout_ms(world->loop));
}

void
world_idle(struct world *world, int turns)
{
    while (turns-- > 0)
        wait_and_process(world, 10);
}

void
world_run_to_requests(struct world *world, int count)
{
    struct server_stats stats;

    do {
        wait_and_process(world, 10);
        server_stats(0, &stats);
    } while (stats.requests < count);
}
