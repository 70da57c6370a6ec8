/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Runs scenario files: stories in which answers arrive and time moves. The
 * language is described in README.md. Everything goes through the public
 * by-hand interface with a memory in RAM, so a scenario sees what an MTA sees.
 */
#include <stdarg.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "attack.h"
#include "certs.h"
#include "expect.h"
#include "smtpsec.h"
#include "story.h"

#define LINE_MAX 8192

static unsigned tests; /* named tests that passed, in all files */
static bool table;     /* print what came of each attack instead of the tests' names */

static void fail(const struct story *story, const char *format, ...)
    __attribute__((format(printf, 2, 3)));

static void
fail(const struct story *story, const char *format, ...)
{
    va_list args;

    fflush(stdout);
    fprintf(stderr, "%s:%u: %s%s", story->file, story->line, story->test,
            story->test[0] != '\0' ? ": " : "");
    va_start(args, format);
    vfprintf(stderr, format, args);
    va_end(args);
    fprintf(stderr, "\n");
}

/* Words, split at blanks; double quotes keep blanks, \n and \" are read inside them. */
static size_t
split(char *line, char **words, size_t most)
{
    size_t count = 0;
    char *at = line;

    while (*at != '\0' && count < most) {
        char *to;
        bool quoted;

        while (*at == ' ' || *at == '\t' || *at == '\n')
            at++;
        if (*at == '\0' || *at == '#')
            break;
        quoted = *at == '"';
        at += quoted ? 1 : 0;
        words[count++] = to = at;
        while (*at != '\0' && (quoted ? *at != '"' : *at != ' ' && *at != '\t' && *at != '\n')) {
            if (quoted && *at == '\\' && at[1] != '\0') {
                at++;
                *to++ = *at == 'n' ? '\n' : *at == 'r' ? '\r' : *at;
                at++;
                continue;
            }
            *to++ = *at++;
        }
        if (*at != '\0')
            at++;
        *to = '\0';
    }
    return count;
}

/* A named test: it must expect something before the next one begins. */
static bool
end_test(struct story *story)
{
    if (story->test[0] == '\0')
        return true;
    if (story->expected == story->expected_before) {
        fail(story, "\"%s\" expects nothing", story->test);
        return false;
    }
    if (table)
        attack_print(story);
    else
        printf("  ok %s\n", story->test);
    story->passed++;
    return true;
}

static bool
begin_test(struct story *story, size_t count, char **words)
{
    size_t at = 0;
    size_t i;

    if (!end_test(story))
        return false;
    for (i = 1; i < count && at < sizeof(story->test); i++)
        at += (size_t)snprintf(story->test + at, sizeof(story->test) - at, "%s%s", i > 1 ? " " : "",
                               words[i]);
    story->expected_before = story->expected;
    return true;
}

static bool
run_line(struct story *story, char *line)
{
    char *words[WORLD_WORDS];
    size_t count = split(line, words, WORLD_WORDS);
    char fault[512];

    if (count == 0)
        return true;
    fault[0] = '\0';
    if (strcmp(words[0], "attack") == 0 && !begin_test(story, count, words))
        return false;
    if (strcmp(words[0], "test") == 0)
        return begin_test(story, count, words);
    if (strcmp(words[0], "expect") == 0)
        expect_line(story, count - 1, words + 1, fault, sizeof(fault));
    else
        story_line(story, count, words, fault, sizeof(fault));
    if (fault[0] == '\0')
        return true;
    fail(story, "%s", fault);
    story_tell(story);
    return false;
}

static bool
run_file(const char *path)
{
    char line[LINE_MAX];
    struct story *story;
    FILE *file = fopen(path, "r");
    bool good = true;

    if (file == NULL) {
        perror(path);
        return false;
    }
    story = story_new(path);
    while (good && fgets(line, sizeof(line), file) != NULL) {
        story->line++;
        good = run_line(story, line);
    }
    good = good && end_test(story);
    if (good && story->expected == 0) {
        fail(story, "the scenario expects nothing");
        good = false;
    }
    tests += story->passed;
    story_free(story);
    fclose(file);
    return good;
}

int
main(int argc, char **argv)
{
    int failed = 0;
    int first, i;

    table = argc > 1 && strcmp(argv[1], "--table") == 0;
    first = table ? 2 : 1;
    for (i = first; i < argc; i++) {
        bool good = run_file(argv[i]);

        if (!table || !good)
            printf("%s %s\n", good ? "ok" : "FAILED", argv[i]);
        failed += good ? 0 : 1;
    }
    printf("%u named tests in %d scenarios\n", tests, argc - first);
    printf("%d passed, %d failed\n", argc - first - failed, failed);
    return failed > 0 || argc <= first ? 1 : 0;
}
