/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "line.h"

#include <string.h>

#include "scan.h"

/* ---- The head: when, on which machine, who ---- */

static int
read_month(struct scan *scan)
{
    static const char months[] = "JanFebMarAprMayJunJulAugSepOctNovDec";
    int i;

    for (i = 0; i < 12; i++) {
        char month[4];

        memcpy(month, months + 3 * i, 3);
        month[3] = '\0';
        if (scan_try(scan, month))
            return i + 1;
    }
    scan->bad = 1;
    return 0;
}

static void
read_clock(struct scan *scan, struct log_time *time)
{
    time->hour = (int)scan_digits(scan, 2, 2);
    scan_word(scan, ":");
    time->minute = (int)scan_digits(scan, 2, 2);
    scan_word(scan, ":");
    time->second = (int)scan_digits(scan, 2, 2);
}

/* "Nov  3 22:10:01" */
static void
read_traditional(struct scan *scan, struct log_time *time)
{
    time->month = read_month(scan);
    scan_word(scan, " ");
    time->day = (int)(scan_try(scan, " ") ? scan_digits(scan, 1, 1) : scan_digits(scan, 2, 2));
    scan_word(scan, " ");
    read_clock(scan, time);
}

/* "Z", "+01:00", "+0100" */
static void
read_offset(struct scan *scan, struct log_time *time)
{
    int sign = 1;

    time->zoned = 1;
    if (scan_try(scan, "Z"))
        return;
    if (scan_try(scan, "-"))
        sign = -1;
    else
        scan_word(scan, "+");
    time->offset = (int)scan_digits(scan, 2, 2) * 3600;
    scan_try(scan, ":");
    time->offset = sign * (time->offset + (int)scan_digits(scan, 2, 2) * 60);
}

/* "2026-11-03T22:10:01.123456+00:00" (RFC 3339) */
static void
read_dated(struct scan *scan, struct log_time *time)
{
    time->year = (int)scan_digits(scan, 4, 4);
    scan_word(scan, "-");
    time->month = (int)scan_digits(scan, 2, 2);
    scan_word(scan, "-");
    time->day = (int)scan_digits(scan, 2, 2);
    scan_word(scan, "T");
    read_clock(scan, time);
    if (scan_try(scan, "."))
        scan_digits(scan, 1, 9);
    read_offset(scan, time);
}

static int
possible(const struct log_time *time)
{
    return time->month >= 1 && time->month <= 12 && time->day >= 1 && time->day <= 31 &&
           time->hour <= 23 && time->minute <= 59 && time->second <= 60 &&
           (time->year == 0 || time->year >= 1970);
}

static int
is_machine(int c)
{
    return c > ' ' && c != 0x7f;
}

static int
is_program(int c)
{
    return scan_is_alnum(c) || c == '-' || c == '.' || c == '_' || c == '/';
}

/* "postfix", "postfix-out", "postfix/relay"; not "postfixer". */
static int
is_postfix(const struct log_span *instance)
{
    return instance->len >= 7 && instance->len <= LOG_INSTANCE_MAX &&
           memcmp(instance->at, "postfix", 7) == 0 &&
           (instance->len == 7 || !scan_is_alnum((unsigned char)instance->at[7]));
}

/* "postfix/smtp[123]: "; the service is what stands behind the last slash. */
static struct log_span
read_program(struct scan *scan, struct log_line *out)
{
    struct log_span program = scan_span(scan, is_program, LOG_INSTANCE_MAX + 16);
    struct log_span service = {program.at + program.len, 0};

    while (service.at > program.at && service.at[-1] != '/') {
        service.at--;
        service.len++;
    }
    out->instance.at = program.at;
    out->instance.len = program.len - service.len;
    if (out->instance.len > 0)
        out->instance.len--; /* the slash */
    if (!is_postfix(&out->instance))
        scan->bad = 1;
    scan_word(scan, "[");
    out->pid = scan_digits(scan, 1, 9);
    scan_word(scan, "]: ");
    return service;
}

static struct log_span
read_head(struct scan *scan, struct log_line *out)
{
    if (scan->at < scan->end && scan_is_digit((unsigned char)*scan->at))
        read_dated(scan, &out->time);
    else
        read_traditional(scan, &out->time);
    scan_word(scan, " ");
    if (!possible(&out->time))
        scan->bad = 1;
    out->machine = scan_span(scan, is_machine, LOG_NAME_MAX);
    scan_word(scan, " ");
    return read_program(scan, out);
}

/* ---- Parts of what is said ---- */

/* "mx.example.org[192.0.2.1]:25" */
static void
read_server(struct scan *scan, struct log_line *out)
{
    uint32_t port;

    out->host = scan_span(scan, scan_is_name, LOG_NAME_MAX);
    scan_word(scan, "[");
    out->address = scan_span(scan, scan_is_address, LOG_ADDRESS_MAX);
    scan_word(scan, "]:");
    port = scan_digits(scan, 1, 5);
    if (port == 0 || port > 65535)
        scan->bad = 1;
    out->port = (uint16_t)port;
}

/* A quoted string (RFC 5321 section 4.1.2), from behind its first quote. */
static void
pass_quoted(struct scan *scan)
{
    while (!scan->bad && scan->at < scan->end && *scan->at != '"') {
        if (*scan->at == '\\')
            scan->at++;
        if (scan->at < scan->end)
            scan->at++;
    }
    scan_word(scan, "\"");
}

/* "<user@domain>"; a domain is not wanted of every address. */
static struct log_span
read_address(struct scan *scan, int domain_wanted)
{
    struct log_span domain = {NULL, 0};

    scan_word(scan, "<");
    if (scan_try(scan, "\""))
        pass_quoted(scan);
    else
        scan_span(scan, scan_is_local, LOG_LINE_MAX);
    if (scan_try(scan, "@"))
        domain = scan_span(scan, scan_is_name, LOG_NAME_MAX);
    else if (domain_wanted)
        scan->bad = 1;
    scan_word(scan, ">");
    return domain;
}

/* Seconds with at most three places that count, as milliseconds. */
static int64_t
read_seconds(struct scan *scan)
{
    int64_t ms = (int64_t)scan_digits(scan, 1, 9) * 1000;
    int64_t unit = 100;

    if (!scan_try(scan, "."))
        return ms;
    if (scan->at == scan->end || !scan_is_digit((unsigned char)*scan->at))
        scan->bad = 1;
    while (scan->at < scan->end && scan_is_digit((unsigned char)*scan->at)) {
        ms += (*scan->at++ - '0') * unit;
        unit /= 10;
    }
    return ms;
}

/* ", delay=1.2, delays=0.1/0.01/0.5/0.6": before the queue, in it, connection, transfer. */
static void
read_delays(struct scan *scan, struct log_line *out)
{
    scan_word(scan, ", delay=");
    read_seconds(scan);
    scan_word(scan, ", delays=");
    read_seconds(scan);
    scan_word(scan, "/");
    read_seconds(scan);
    scan_word(scan, "/");
    out->connection_ms = read_seconds(scan);
    scan_word(scan, "/");
    out->connection_ms += read_seconds(scan);
}

static int
is_level(int c)
{
    return (c >= 'a' && c <= 'z') || c == '-';
}

static enum log_tls
tls_of_level(const struct log_span *level)
{
    static const char *const used[] = {"encrypt",   "fingerprint", "half-dane", "dane",
                                       "dane-only", "verify",      "secure"};
    size_t i;

    if (level->len == 4 && memcmp(level->at, "none", 4) == 0)
        return LOG_TLS_NONE;
    if (level->len == 3 && memcmp(level->at, "may", 3) == 0)
        return LOG_TLS_UNSAID;
    for (i = 0; i < sizeof(used) / sizeof(used[0]); i++) {
        if (strlen(used[i]) == level->len && memcmp(used[i], level->at, level->len) == 0)
            return LOG_TLS_USED;
    }
    return LOG_TLS_UNSURE;
}

/* "dane", "may:none", "encrypt/(requiretls)"; "!" is a violation, "?" undecided. */
static void
read_tls(struct scan *scan, struct log_line *out)
{
    struct log_span level = scan_span(scan, is_level, 16);

    if (scan_try(scan, ":"))
        level = scan_span(scan, is_level, 16);
    out->tls = tls_of_level(&level);
    while (scan->at < scan->end && *scan->at != ',') {
        if (*scan->at == '!' || *scan->at == '?' || *scan->at == ':')
            out->tls = LOG_TLS_UNSURE;
        scan->at++;
    }
}

/* Defence in depth: a reply that looks like our own fields makes the line worth nothing. */
static int
looks_like_fields(struct log_span text)
{
    static const char *const fields[] = {", relay=", "status=", "conn_use="};
    size_t i;

    for (i = 0; i < sizeof(fields) / sizeof(fields[0]); i++) {
        if (memmem(text.at, text.len, fields[i], strlen(fields[i])) != NULL)
            return 1;
    }
    return 0;
}

/* ", dsn=2.0.0, status=sent (250 Ok)", to the end of the line: one that was cut off is none. */
static void
read_status(struct scan *scan, struct log_line *out)
{
    struct log_span status, reply;
    uint32_t class;

    scan_word(scan, ", dsn=");
    class = scan_digits(scan, 1, 1);
    scan_word(scan, ".");
    scan_digits(scan, 1, 3);
    scan_word(scan, ".");
    scan_digits(scan, 1, 3);
    scan_word(scan, ", status=");
    status = scan_span(scan, is_level, 16);
    scan_word(scan, " (");
    reply = scan_rest(scan);
    if (scan->bad || reply.len == 0 || reply.at[reply.len - 1] != ')' || looks_like_fields(reply))
        scan->bad = 1;
    out->sent = class == 2 && status.len == 4 && memcmp(status.at, "sent", 4) == 0;
}

/* ---- What is said ---- */

static void
read_delivery(struct scan *scan, struct log_line *out)
{
    out->domain = read_address(scan, 1);
    if (scan_try(scan, ", orig_to="))
        read_address(scan, 0);
    scan_word(scan, ", relay=");
    if (!scan_try(scan, "none"))
        read_server(scan, out);
    if (scan_try(scan, ", conn_use=")) {
        scan_digits(scan, 1, 9);
        out->reused = 1;
    }
    read_delays(scan, out);
    if (scan_try(scan, ", tls="))
        read_tls(scan, out);
    read_status(scan, out);
    if (out->host.len == 0)
        out->sent = 0;
}

/* "Trusted TLS connection established to mx.example.org[192.0.2.1]:25: TLSv1.3 ..." */
static int
read_session(struct scan *scan, struct log_line *out)
{
    if (!scan_try(scan, "Anonymous") && !scan_try(scan, "Untrusted") &&
        !scan_try(scan, "Trusted") && !scan_try(scan, "Verified"))
        return 0;
    scan_word(scan, " TLS connection established to ");
    read_server(scan, out);
    scan_word(scan, ": TLSv1");
    return !scan->bad;
}

/* Words in the place of a queue id that are none. */
static int
is_no_id(const struct log_span *id)
{
    static const char *const words[] = {"warning", "error", "fatal", "panic", "statistics"};
    size_t i;

    for (i = 0; i < sizeof(words) / sizeof(words[0]); i++) {
        if (strlen(words[i]) == id->len && memcmp(words[i], id->at, id->len) == 0)
            return 1;
    }
    return 0;
}

static int
read_queue_id(struct scan *scan, struct log_line *out)
{
    out->queue_id = scan_span(scan, scan_is_alnum, LOG_QUEUE_ID_MAX);
    scan_word(scan, ": ");
    if (!scan->bad && (out->queue_id.len < 5 || is_no_id(&out->queue_id)))
        scan->bad = 1;
    return !scan->bad;
}

/* What was read of a line that turned out to be none. */
static void
forget_delivery(struct log_line *out)
{
    struct log_line kept;

    memset(&kept, 0, sizeof(kept));
    kept.time = out->time;
    kept.machine = out->machine;
    kept.instance = out->instance;
    kept.pid = out->pid;
    kept.queue_id = out->queue_id;
    *out = kept;
}

static enum log_kind
read_smtp(struct scan *scan, struct log_line *out)
{
    struct scan again = *scan;

    if (read_session(scan, out))
        return LOG_TLS;
    *scan = again;
    if (!read_queue_id(scan, out))
        return LOG_OTHER;
    if (!scan_try(scan, "to="))
        return LOG_TROUBLE;
    read_delivery(scan, out);
    if (!scan->bad)
        return LOG_DELIVERY;
    forget_delivery(out);
    return LOG_TROUBLE;
}

static enum log_kind
read_qmgr(struct scan *scan, struct log_line *out)
{
    if (!read_queue_id(scan, out))
        return LOG_OTHER;
    if (scan_try(scan, "removed") && scan->at == scan->end)
        return LOG_REMOVED;
    if (!scan_try(scan, "from=<"))
        return LOG_OTHER;
    /* No address begins with ">", unless its quotes were left out: then nothing is raised by it. */
    out->null_sender = scan_try(scan, ">");
    return LOG_SENDER;
}

static int
is_printable(const char *line, size_t len)
{
    size_t i;

    for (i = 0; i < len; i++) {
        if ((unsigned char)line[i] < ' ' || line[i] == 0x7f)
            return 0;
    }
    return 1;
}

static int
span_is(const struct log_span *span, const char *word)
{
    return span->len == strlen(word) && memcmp(span->at, word, span->len) == 0;
}

enum log_kind
log_line_read(const char *line, size_t len, struct log_line *out)
{
    struct scan scan = {line, line + len, 0};
    struct log_span service;

    memset(out, 0, sizeof(*out));
    if (len > LOG_LINE_MAX || !is_printable(line, len))
        return LOG_OTHER;
    service = read_head(&scan, out);
    if (scan.bad) {
        memset(out, 0, sizeof(*out));
        return LOG_OTHER;
    }
    if (span_is(&service, "smtp"))
        out->kind = read_smtp(&scan, out);
    else if (span_is(&service, "qmgr"))
        out->kind = read_qmgr(&scan, out);
    if (out->kind == LOG_OTHER)
        memset(out, 0, sizeof(*out));
    return out->kind;
}
