/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * A request of a socketmap client. Whatever comes, the question is whole: a
 * reply, or names within bounds under a key; and asking by that key again is
 * the same question.
 */
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "serve/question.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void
must(int holds)
{
    if (!holds)
        abort();
}

static void
ask_again(const struct serve_question *question)
{
    static const char *const maps[] = {"smtpsec", "smtpsec-tlsrpt", "smtpsec-report"};
    struct serve_question again;
    char bytes[400];
    int len = snprintf(bytes, sizeof(bytes), "%s %s", maps[question->dialect], question->key);

    serve_question_parse(bytes, (size_t)len, &again);
    must(again.asks == SERVE_EVALUATE && again.port == question->port);
    must(again.dialect == question->dialect);
    must(strcmp(again.domain, question->domain) == 0 && strcmp(again.relay, question->relay) == 0);
    must(strcmp(again.key, question->key) == 0);
}

static int
is_reply(const char *text)
{
    return text != NULL && (strcmp(text, "NOTFOUND ") == 0 || strncmp(text, "PERM ", 5) == 0);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct serve_question question;
    char *bytes = malloc(size > 0 ? size : 1); /* exactly as long, so that reading on is seen */

    must(bytes != NULL);
    if (size > 0)
        memcpy(bytes, data, size);
    serve_question_parse(bytes, size, &question);
    free(bytes);
    must(memchr(question.domain, '\0', sizeof(question.domain)) != NULL);
    must(memchr(question.relay, '\0', sizeof(question.relay)) != NULL);
    must(memchr(question.key, '\0', sizeof(question.key)) != NULL);
    if (question.asks == SERVE_REPLY) {
        must(is_reply(question.reply) && question.key[0] == '\0');
        return 0;
    }
    must(question.asks == SERVE_EVALUATE && question.reply == NULL);
    must(question.domain[0] != '\0' && question.port != 0);
    ask_again(&question);
    return 0;
}
