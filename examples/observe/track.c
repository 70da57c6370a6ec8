/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * A process of smtp(8) does one delivery at a time: it connects, says so when
 * TLS is up, and tells what became of each recipient. So a TLS line counts for
 * the first message that the same process then tells of, for that server, and
 * for a connection that was not begun before the line. What is said of the
 * message in between (a session that broke, and a second try in plaintext may
 * follow) leaves it open.
 *
 * That no TLS line was seen says something only where smtp(8) logs them, and
 * where we have read since before the connection began.
 */
#include "track.h"

#include <stdlib.h>
#include <string.h>

/* Room: 8 places for each of these many slots; in each slot the least recently used one goes. */
enum { WAYS = 8, MESSAGE_SLOTS = 1024, PROCESS_SLOTS = 256, INSTANCES = 16 };
/* Times of a log are whole seconds, at either end. */
enum { SLACK = 2, TLS_SEEN_WITHIN = 86400 };

struct message {
    uint32_t machine; /* a hash: process and queue ids of two machines may be the same */
    char instance[LOG_INSTANCE_MAX + 1];
    char id[LOG_QUEUE_ID_MAX + 1];
    int null_sender;
    uint64_t used; /* 0: free */
};

enum state { STATE_FRESH = 0, STATE_TLS, STATE_UNSURE };

struct process {
    uint32_t machine;
    char instance[LOG_INSTANCE_MAX + 1];
    uint32_t pid;
    enum state state;
    char id[LOG_QUEUE_ID_MAX + 1]; /* the message that it counts for; "" when none was told of yet */
    char host[LOG_NAME_MAX + 1];
    char address[LOG_ADDRESS_MAX + 1];
    uint16_t port;
    int64_t at;
    int64_t touched;
    uint64_t used;
};

/* Who logs TLS lines. */
struct instance {
    uint32_t machine;
    char name[LOG_INSTANCE_MAX + 1];
    int64_t tls_at;
};

struct tracker {
    struct message messages[MESSAGE_SLOTS][WAYS];
    struct process processes[PROCESS_SLOTS][WAYS];
    struct instance instances[INSTANCES];
    size_t instance_count;
    int64_t begun; /* time of the first line */
    int64_t lost;  /* until when a process may have been forgotten */
    int started;
    uint64_t clock;
};

struct tracker *
tracker_new(void)
{
    return calloc(1, sizeof(struct tracker));
}

void
tracker_free(struct tracker *tracker)
{
    free(tracker);
}

static void
copy(char *out, const struct log_span *span)
{
    if (span->len > 0)
        memcpy(out, span->at, span->len);
    out[span->len] = '\0';
}

static int
same(const char *text, const struct log_span *span)
{
    return strlen(text) == span->len && memcmp(text, span->at, span->len) == 0;
}

static uint32_t
hash(uint32_t h, const struct log_span *span)
{
    size_t i;

    for (i = 0; i < span->len; i++)
        h = (h ^ (unsigned char)span->at[i]) * 16777619u;
    return h;
}

static uint32_t
machine_of(const struct log_line *line)
{
    return hash(2166136261u, &line->machine);
}

/* ---- Messages ---- */

/* A queue belongs to the whole instance: "postfix" of "postfix/relay". */
static struct log_span
queue_of(const struct log_line *line)
{
    struct log_span name = line->instance;
    const char *slash = memchr(name.at, '/', name.len);

    if (slash != NULL)
        name.len = (size_t)(slash - name.at);
    return name;
}

/* The one of this line; else NULL, or with make the place for it. */
static struct message *
message_of(struct tracker *tracker, const struct log_line *line, int make)
{
    struct log_span queue = queue_of(line);
    struct message *slot =
        tracker->messages[hash(hash(machine_of(line), &queue), &line->queue_id) % MESSAGE_SLOTS];
    struct message *least = slot;
    int i;

    for (i = 0; i < WAYS; i++) {
        if (slot[i].used != 0 && same(slot[i].id, &line->queue_id) &&
            same(slot[i].instance, &queue) && slot[i].machine == machine_of(line)) {
            slot[i].used = ++tracker->clock;
            return &slot[i];
        }
        if (slot[i].used < least->used)
            least = &slot[i];
    }
    if (!make)
        return NULL;
    least->machine = machine_of(line);
    copy(least->instance, &queue);
    copy(least->id, &line->queue_id);
    least->used = ++tracker->clock;
    return least;
}

/* ---- Processes ---- */

static struct process *
process_of(struct tracker *tracker, const struct log_line *line, int64_t at)
{
    uint32_t h = (hash(machine_of(line), &line->instance) ^ line->pid) * 16777619u;
    struct process *slot = tracker->processes[(h ^ h >> 16) % PROCESS_SLOTS];
    struct process *least = slot;
    int i;

    for (i = 0; i < WAYS; i++) {
        if (slot[i].used != 0 && slot[i].pid == line->pid &&
            same(slot[i].instance, &line->instance) && slot[i].machine == machine_of(line)) {
            slot[i].used = ++tracker->clock;
            slot[i].touched = at;
            return &slot[i];
        }
        if (slot[i].used < least->used)
            least = &slot[i];
    }
    if (least->used != 0 && least->touched > tracker->lost)
        tracker->lost = least->touched;
    memset(least, 0, sizeof(*least));
    least->machine = machine_of(line);
    copy(least->instance, &line->instance);
    least->pid = line->pid;
    least->used = ++tracker->clock;
    least->touched = at;
    return least;
}

/* A process that tells of another message than before has begun another connection. */
static void
turn_to(struct process *process, const struct log_line *line)
{
    if (process->id[0] != '\0' && !same(process->id, &line->queue_id))
        process->state = STATE_FRESH;
    copy(process->id, &line->queue_id);
}

static struct instance *
instance_of(struct tracker *tracker, const struct log_line *line, int make)
{
    size_t i;

    for (i = 0; i < tracker->instance_count; i++) {
        if (same(tracker->instances[i].name, &line->instance) &&
            tracker->instances[i].machine == machine_of(line))
            return &tracker->instances[i];
    }
    if (!make || tracker->instance_count == INSTANCES)
        return NULL;
    tracker->instances[tracker->instance_count].machine = machine_of(line);
    copy(tracker->instances[tracker->instance_count].name, &line->instance);
    return &tracker->instances[tracker->instance_count++];
}

static void
take_session(struct tracker *tracker, const struct log_line *line, int64_t at)
{
    struct process *process = process_of(tracker, line, at);
    struct instance *instance = instance_of(tracker, line, 1);

    process->state = STATE_TLS;
    process->id[0] = '\0';
    copy(process->host, &line->host);
    copy(process->address, &line->address);
    process->port = line->port;
    process->at = at;
    if (instance != NULL && at > instance->tls_at)
        instance->tls_at = at;
}

/* ---- Deliveries ---- */

/* When the connection was begun, at the earliest. */
static int64_t
connection_begun(const struct log_line *line, int64_t at)
{
    return at - line->connection_ms / 1000 - 1 - SLACK;
}

static int
session_fits(const struct process *process, const struct log_line *line, int64_t at)
{
    return same(process->host, &line->host) && same(process->address, &line->address) &&
           process->port == line->port && process->at >= connection_begun(line, at) &&
           process->at <= at;
}

/* Would a TLS line have been seen, had there been one? */
static int
would_have_seen(struct tracker *tracker, const struct log_line *line, int64_t at)
{
    const struct instance *instance = instance_of(tracker, line, 0);
    int64_t begun = connection_begun(line, at);

    return instance != NULL && at - instance->tls_at <= TLS_SEEN_WITHIN && tracker->begun < begun &&
           tracker->lost < begun;
}

/* By the lines of the process alone. */
static enum track_result
tls_by_lines(struct tracker *tracker, const struct process *process, const struct log_line *line,
             int64_t at)
{
    switch (process->state) {
    case STATE_TLS:
        return session_fits(process, line, at) ? TRACK_TLS : TRACK_TLS_UNKNOWN;
    case STATE_UNSURE:
        return TRACK_TLS_UNKNOWN;
    default:
        return would_have_seen(tracker, line, at) ? TRACK_PLAIN : TRACK_TLS_UNKNOWN;
    }
}

static enum track_result
tls_of(struct tracker *tracker, const struct process *process, const struct log_line *line,
       int64_t at)
{
    enum track_result told = tls_by_lines(tracker, process, line, at);

    if (line->reused)
        return TRACK_REUSED;
    switch (line->tls) {
    case LOG_TLS_NONE:
        return told == TRACK_TLS ? TRACK_TLS_UNKNOWN : TRACK_PLAIN;
    case LOG_TLS_USED:
        return told == TRACK_PLAIN ? TRACK_TLS_UNKNOWN : TRACK_TLS;
    case LOG_TLS_UNSURE:
        return TRACK_TLS_UNKNOWN;
    default:
        return told;
    }
}

static void
lower(char *text)
{
    for (; *text != '\0'; text++) {
        if (*text >= 'A' && *text <= 'Z')
            *text = (char)(*text - 'A' + 'a');
    }
}

static enum track_result
take_delivery(struct tracker *tracker, const struct log_line *line, int64_t at,
              struct tracked *out)
{
    struct process *process = process_of(tracker, line, at);
    const struct message *message = message_of(tracker, line, 0);

    turn_to(process, line);
    if (!line->sent)
        return TRACK_NOTHING;
    copy(out->domain, &line->domain);
    copy(out->host, &line->host);
    lower(out->domain);
    lower(out->host);
    out->port = line->port;
    out->at = at;
    if (message == NULL)
        return TRACK_SENDER_UNKNOWN;
    if (message->null_sender)
        return TRACK_NULL_SENDER;
    return tls_of(tracker, process, line, at);
}

enum track_result
tracker_take(struct tracker *tracker, const struct log_line *line, int64_t at, struct tracked *out)
{
    struct process *process;
    struct message *message;

    memset(out, 0, sizeof(*out));
    if (line->kind == LOG_OTHER)
        return TRACK_NOTHING;
    if (!tracker->started) {
        tracker->started = 1;
        tracker->begun = at;
        tracker->lost = INT64_MIN;
    }
    switch (line->kind) {
    case LOG_TLS:
        take_session(tracker, line, at);
        return TRACK_NOTHING;
    case LOG_DELIVERY:
        return take_delivery(tracker, line, at, out);
    case LOG_TROUBLE:
        process = process_of(tracker, line, at);
        copy(process->id, &line->queue_id);
        process->state = STATE_UNSURE;
        return TRACK_NOTHING;
    case LOG_SENDER:
        message_of(tracker, line, 1)->null_sender = line->null_sender;
        return TRACK_NOTHING;
    default: /* REMOVED: its id may be given to another */
        message = message_of(tracker, line, 0);
        if (message != NULL)
            memset(message, 0, sizeof(*message));
        return TRACK_NOTHING;
    }
}

void
tracker_gap(struct tracker *tracker)
{
    /* Only that TLS is logged at all is still so. */
    memset(tracker->messages, 0, sizeof(tracker->messages));
    memset(tracker->processes, 0, sizeof(tracker->processes));
    tracker->started = 0;
}

const char *
track_result_name(enum track_result result)
{
    static const char *const names[] = {"nothing",     "tls",            "plaintext",  "reused",
                                        "null-sender", "sender-unknown", "tls-unknown"};

    return names[result];
}
