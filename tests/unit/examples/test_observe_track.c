/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * What lines say together. A story is told in short words, each of which
 * becomes a real line:
 *
 *   q A        qmgr: message A becomes active; q0 A: with the empty sender
 *   t 1 h      smtp process 1: TLS established to host h
 *   e 1 A      smtp process 1 says something else of message A
 *   s 1 A h    smtp process 1: A was sent by h; d: deferred; c: by a connection used before
 *   r A        A is removed
 *   + n        n seconds later
 *   - n        lines may be missing here
 */
#include "table.h"

#include <stdio.h>
#include <string.h>

#include "observe/track.h"

struct row {
    const char *name;
    const char *story;
    const char *want; /* of each delivery that was sent */
};

/* What lets the absence of a TLS line count: others are logged, and we read since before. */
#define LOGS "q Z; t 9 z; s 9 Z z; + 60; "

static const struct row rows[] = {
    {"TLS", "q A; t 1 h; s 1 A h", "tls"},
    {"for each recipient", "q A; t 1 h; s 1 A h; s 1 A h", "tls tls"},
    {"TLS and some recipients deferred", "q A; t 1 h; d 1 A h; s 1 A h", "tls"},
    {"the sender's line was not seen", "t 1 h; s 1 A h", "sender-unknown"},
    {"the empty sender raises nothing", "q0 A; t 1 h; s 1 A h", "null-sender"},
    {"the message was removed, its id comes again", "q A; r A; t 1 h; s 1 A h", "sender-unknown"},
    {"sent again later", "q A; t 1 h; d 1 A h; + 600; q A; t 1 h; s 1 A h", "tls"},
    {"a connection that served before", "q A; t 1 h; c 1 A h", "reused"},
    {"the TLS line of another process", LOGS "q A; t 2 h; s 1 A h", "tls plaintext"},
    {"of another host", "q A; t 1 g; s 1 A h", "tls-unknown"},
    {"from long before", "q A; t 1 h; + 60; s 1 A h", "tls-unknown"},
    {"of another message", LOGS "q A; q B; t 1 h; s 1 A h; + 60; s 1 B h", "tls tls plaintext"},
    {"of another message, at once", LOGS "q A; q B; t 1 h; s 1 A h; s 1 B h", "tls tls plaintext"},
    {"of another message that failed", LOGS "q A; q B; t 1 h; d 1 A h; s 1 B h", "tls plaintext"},
    {"plaintext", LOGS "q A; s 1 A h", "tls plaintext"},
    {"nobody says that TLS is logged", "q A; + 60; s 1 A h", "tls-unknown"},
    {"it was logged long ago", LOGS "+ 90000; q A; s 1 A h", "tls tls-unknown"},
    {"we came in the middle", "q A; t 9 z; s 9 A z; s 1 A h", "tls tls-unknown"},
    {"another instance logs TLS", LOGS "q A; sother 1 A h", "tls sender-unknown"},
    {"another machine logs TLS, and a log of both", LOGS "q A; t 1 h; sfar 1 A h",
     "tls sender-unknown"},
    {"another service logs TLS", LOGS "q A; srelay 1 A h", "tls tls-unknown"},
    {"the session broke, a second try followed", LOGS "q A; t 1 h; e 1 A; s 1 A h", "tls tls-unknown"},
    {"the session broke, a second one came", "q A; t 1 h; e 1 A; t 1 g; s 1 A g", "tls"},
    {"the handshake failed", LOGS "q A; e 1 A; s 1 A h", "tls tls-unknown"},
    {"trouble of another message", LOGS "q A; q B; e 1 A; s 1 B h", "tls plaintext"},
    {"trouble with a line that cannot be read", "q A; t 1 h; x 1 A; s 1 A h", "tls-unknown"},
    {"lines are missing: the TLS line may be among them", LOGS "- 1; q A; s 1 A h",
     "tls tls-unknown"},
    {"lines are missing, and then none for long", LOGS "- 1; q A; + 60; s 1 A h", "tls plaintext"},
    {"lines are missing: the id may be another message's", "q A; t 1 h; - 1; s 1 A h",
     "sender-unknown"},
    {"lines are missing behind the TLS line", "q A; t 1 h; - 1; q A; s 1 A h", "tls-unknown"},
    {"a later Postfix says dane", "q A; sdane 1 A h", "tls"},
    {"and none", "q A; snone 1 A h", "plaintext"},
    {"and none although there was TLS", "q A; t 1 h; snone 1 A h", "tls-unknown"},
    {"and dane although there should be a line", LOGS "q A; sdane 1 A h", "tls tls-unknown"},
    {"and may", "q A; t 1 h; smay 1 A h", "tls"},
    {"and is undecided", "q A; t 1 h; sundecided 1 A h", "tls-unknown"},
};

struct story {
    struct tracker *tracker;
    int64_t at;
    char got[256];
};

static void
take(struct story *story, const char *text)
{
    struct log_line line;
    struct tracked tracked;
    enum track_result result;

    log_line_read(text, strlen(text), &line);
    result = tracker_take(story->tracker, &line, story->at, &tracked);
    if (result == TRACK_NOTHING)
        return;
    assert_string_equal(tracked.domain, "d.test");
    assert_int_equal(tracked.port, 25);
    assert_int_equal(tracked.at, story->at);
    assert_int_equal(strncmp(tracked.host + 1, ".d.test", 8), 0);
    if (story->got[0] != '\0')
        strcat(story->got, " ");
    strcat(story->got, track_result_name(result));
}

static void
tell_delivery(struct story *story, const char *verb, const char *pid, const char *id,
              const char *host)
{
    int sent = verb[0] == 's' || verb[0] == 'c';
    const char *level = strcmp(verb, "sdane") == 0        ? "tls=dane, "
                        : strcmp(verb, "snone") == 0      ? "tls=may:none, "
                        : strcmp(verb, "smay") == 0       ? "tls=may, "
                        : strcmp(verb, "sundecided") == 0 ? "tls=dane?, "
                                                          : "";
    char text[512];

    snprintf(text, sizeof(text),
             "Nov 23 22:10:01 %s postfix%s/smtp[%s]: 1234%s: to=<u@D.test>, relay=%s.d.TEST[192.0.2.1]"
             ":25, %sdelay=1, delays=0/0/1/1, %sdsn=%s, status=%s (said)",
             strcmp(verb, "sfar") == 0 ? "far" : "mail",
             strcmp(verb, "srelay") == 0 ? "/relay" : strcmp(verb, "sother") == 0 ? "-other" : "", pid,
             id, host, verb[0] == 'c' ? "conn_use=2, " : "", level, sent ? "2.0.0" : "4.0.0",
             sent ? "sent" : "deferred");
    take(story, text);
}

static void
tell(struct story *story, const char *word)
{
    char verb[16] = "", one[16] = "", two[16] = "", three[16] = "", text[512] = "";

    assert_true(sscanf(word, " %15s %15s %15s %15s", verb, one, two, three) >= 2);
    switch (verb[0]) {
    case '+':
        story->at += atoi(one);
        return;
    case '-':
        tracker_gap(story->tracker);
        return;
    case 'q':
        snprintf(text, sizeof(text), "Nov 23 22:10:01 mail postfix/qmgr[9]: 1234%s: from=<%s>, size=1, "
                 "nrcpt=1 (queue active)", one, verb[1] == '0' ? "" : "a@b.test");
        break;
    case 'r':
        snprintf(text, sizeof(text), "Nov 23 22:10:01 mail postfix/qmgr[9]: 1234%s: removed", one);
        break;
    case 't':
        snprintf(text, sizeof(text), "Nov 23 22:10:01 mail postfix/smtp[%s]: Untrusted TLS connection "
                 "established to %s.d.TEST[192.0.2.1]:25: TLSv1.3 with cipher X (1/1 bits)", one, two);
        break;
    case 'e':
        snprintf(text, sizeof(text), "Nov 23 22:10:01 mail postfix/smtp[%s]: 1234%s: lost connection",
                 one, two);
        break;
    case 'x':
        snprintf(text, sizeof(text), "Nov 23 22:10:01 mail postfix/smtp[%s]: 1234%s: to=<a, relay=", one,
                 two);
        break;
    default:
        tell_delivery(story, verb, one, two, three);
        return;
    }
    take(story, text);
}

static void
check(void **state)
{
    const struct row *row = *state;
    struct story story = {tracker_new(), INT64_C(1800000000), ""};
    char words[512], *word, *rest = NULL;

    assert_non_null(story.tracker);
    snprintf(words, sizeof(words), "%s", row->story);
    for (word = strtok_r(words, ";", &rest); word != NULL; word = strtok_r(NULL, ";", &rest))
        tell(&story, word);
    assert_string_equal(story.got, row->want);
    tracker_free(story.tracker);
}

/* What was pushed out is not known, and of what is not known nothing is told. */
static void
flood(void **state)
{
    struct story story = {tracker_new(), INT64_C(1800000000), ""};
    char word[64];
    int i;

    (void)state;
    assert_non_null(story.tracker);
    tell(&story, "q Z");
    tell(&story, "t 9 z");
    tell(&story, "s 9 Z z");
    story.at += 60;
    tell(&story, "q A");
    tell(&story, "t 1 h");
    for (i = 100; i < 60000; i++) {
        snprintf(word, sizeof(word), "t %d h", i);
        tell(&story, word);
        snprintf(word, sizeof(word), "q B%d", i);
        tell(&story, word);
    }
    tell(&story, "s 1 A h");
    tell(&story, "q C");
    tell(&story, "s 2 C h");
    assert_string_equal(story.got, "tls sender-unknown tls-unknown");
    tracker_free(story.tracker);
}

int
main(void)
{
    struct ss_table t = SS_TABLE("observe_track");

    SS_TABLE_ROWS(&t, check, rows);
    ss_table_case(&t, "a flood", flood);
    return ss_table_run(&t);
}
