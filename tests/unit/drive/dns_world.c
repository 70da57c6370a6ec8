/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "dns_world.h"

#include <fcntl.h>
#include <poll.h>
#include <stdio.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "dns/message.h"
#include "smtpsec.h"
#include "table.h"

#define SERVERS 3
/* tcpmux: nobody has listened there for decades. */
#define NOBODY_PORT 1

static struct {
    pid_t pid;
    int to;
    uint16_t port;
} servers[SERVERS];

static void
server_exec(const char *script, int number, int in, int out)
{
    char key[2] = { (char)('a' + number), '\0' };

    dup2(in, 0);
    dup2(out, 1);
    execlp("python3", "python3", script, key, number == 2 ? "--no-tcp" : NULL, (char *)NULL);
    _exit(127);
}

static int
server_start(const char *script, int number)
{
    int to[2], from[2];
    unsigned port = 0;
    FILE *answer;

    /* Closed on exec, or a later server would hold an earlier one's input open. */
    if (pipe2(to, O_CLOEXEC) != 0 || pipe2(from, O_CLOEXEC) != 0)
        return -1;
    servers[number].pid = fork();
    if (servers[number].pid == 0)
        server_exec(script, number, to[0], from[1]);
    close(to[0]);
    close(from[1]);
    servers[number].to = to[1];
    answer = fdopen(from[0], "r");
    if (answer == NULL || fscanf(answer, "%5u", &port) != 1)
        port = 0;
    if (answer != NULL)
        fclose(answer);
    servers[number].port = (uint16_t)port;
    return port > 0 ? 0 : -1;
}

void
world_start(const char *script)
{
    int i;

    for (i = 0; i < SERVERS; i++) {
        if (server_start(script, i) != 0) {
            fprintf(stderr, "cannot start %s\n", script);
            exit(99); /* meson: the test itself is broken */
        }
    }
}

void
world_stop(void)
{
    int i;

    for (i = 0; i < SERVERS; i++) {
        close(servers[i].to);
        waitpid(servers[i].pid, NULL, 0);
    }
}

uint16_t
world_port(char letter)
{
    return letter == 'd' ? NOBODY_PORT : servers[letter - 'a'].port;
}

struct ss_resolver_config
world_config(const char *letters, int32_t timeout_ms)
{
    struct ss_resolver_config config;
    struct ss_server *server;

    memset(&config, 0, sizeof(config));
    config.timeout_ms = timeout_ms;
    for (; *letters != '\0'; letters++) {
        server = &config.servers[config.count++];
        assert_true(ss_address_from_text(&server->address, "127.0.0.1"));
        server->port = world_port(letters[0]);
        server->trusted = letters[1] == '!';
        letters += server->trusted;
    }
    return config;
}

struct ss_loop *
world_loop(void)
{
    struct ss_loop *loop;

    assert_int_equal(ss_loop_new(&loop), 0);
    return loop;
}

struct ss_resolver *
world_resolver(struct ss_loop *loop, const char *letters, int32_t timeout_ms)
{
    struct ss_resolver_config config = world_config(letters, timeout_ms);
    struct ss_resolver *resolver;

    assert_int_equal(ss_resolver_new(loop, &config, &resolver), 0);
    return resolver;
}

unsigned
world_token(void)
{
    static unsigned last;

    return ++last;
}

void
told_init(struct told *told, uint16_t type, const char *format, ...)
{
    char name[SS_NAME_TEXT];
    va_list args;

    memset(told, 0, sizeof(*told));
    va_start(args, format);
    vsnprintf(name, sizeof(name), format, args);
    va_end(args);
    told->question.type = type;
    assert_true(ss_name_from_text(&told->question.name, name, strlen(name)));
}

static void
record_text(const struct ss_rr *rr, char *out, size_t room)
{
    if (rr->type == SS_RR_A && room >= SS_ADDRESS_TEXT)
        ss_address_to_text(&rr->address, out);
    else
        snprintf(out, room, "%.*s", rr->len < 100 ? (int)rr->len : 100, (const char *)rr->data);
}

void
told_done(void *arg, const uint8_t *message, size_t len, bool trusted, int32_t failure)
{
    static const char *const outcomes[] = { "failed", "records", "no-data", "no-name" };
    struct told *told = arg;
    struct ss_answer answer;

    told->calls++;
    told->query = NULL;
    told->failure = failure;
    told->trusted = trusted;
    assert_int_equal(message == NULL, failure != SMTPSEC_FAILURE_NONE);
    if (message == NULL)
        return;
    ss_answer_init(&answer);
    assert_int_equal(ss_dns_reply_read(&told->question, message, len, trusted, &answer), 0);
    told->count = answer.count;
    snprintf(told->text, sizeof(told->text), "%s", outcomes[answer.outcome]);
    if (answer.count > 0)
        record_text(&answer.records[0], told->text, sizeof(told->text) - 10);
    if (answer.trust == SMTPSEC_TRUST_SECURE)
        strcat(told->text, " secure");
    ss_answer_free(&answer);
}

void
told_ask(struct told *told, struct ss_resolver *resolver)
{
    assert_int_equal(ss_resolver_ask(resolver, &told->question, told_done, told, &told->query), 0);
    assert_non_null(told->query);
    assert_int_equal(told->calls, 0);
}

static size_t
told_missing(const struct told *told, size_t count)
{
    size_t i, missing = 0;

    for (i = 0; i < count; i++)
        missing += told[i].calls == 0;
    return missing;
}

void
told_wait(struct told *told, size_t count, struct ss_loop *loop)
{
    struct pollfd p = { .fd = ss_loop_fd(loop), .events = POLLIN };

    while (told_missing(told, count) > 0) {
        assert_int_equal(poll(&p, 1, HANG_MS), 1);
        assert_int_equal(ss_loop_process(loop), 0);
    }
}

void
world_ask_text(char server, const char *behaviour, unsigned token, char *out, size_t room)
{
    char letters[2] = { server, '\0' };
    struct ss_loop *loop = world_loop();
    struct ss_resolver *resolver = world_resolver(loop, letters, 5000);
    struct told told;

    told_init(&told, SS_RR_TXT, "%c-%s.t%u.test", server, behaviour, token);
    told_ask(&told, resolver);
    told_wait(&told, 1, loop);
    assert_int_equal(told.failure, SMTPSEC_FAILURE_NONE);
    snprintf(out, room, "%s", told.text);
    ss_resolver_free(resolver);
    ss_loop_free(loop);
}
