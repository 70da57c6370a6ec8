/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * The words of a verdict are made when first asked for: by several threads at
 * once, and where there is no memory for them.
 */
#include "table.h"

#include <pthread.h>
#include <string.h>

#include "decision/verify.h"
#include "facts.h"

enum { THREADS = 8, ROUNDS = 200 };

/* The linker puts this in the place of malloc() for the code under test. */
void *__real_malloc(size_t size);
void *__wrap_malloc(size_t size);

static bool refuse; /* set while one thread runs */

void *
__wrap_malloc(size_t size)
{
    return refuse ? NULL : __real_malloc(size);
}

struct reader {
    const struct smtpsec_verdict *verdict;
    pthread_barrier_t *begin;
    const struct ss_words *words;
    bool accepts;
};

/* A session without TLS, where TLS is as the row has it. */
static int
verify_plain(int32_t tls, struct smtpsec_verdict *verdict)
{
    struct smtpsec_session session = {.starttls = SMTPSEC_STARTTLS_ABSENT};
    struct smtpsec_requirement *requirement;
    struct ss_name host = facts_name("mx.d.test");
    int r;

    assert_int_equal(ss_requirement_new(&requirement), 0);
    ss_reference_set(&requirement->host, &host);
    requirement->tls = tls;
    requirement->sources = SMTPSEC_SOURCE_DANE;
    requirement->expires = 300;
    requirement->reported = ss_requirement_enforced(requirement);
    refuse = tls == SMTPSEC_TLS_REQUIRED;
    r = ss_verify(NULL, requirement, &session, 200, verdict);
    refuse = false;
    ss_requirement_free(requirement);
    return r;
}

static void *
read_words(void *data)
{
    struct reader *reader = data;

    pthread_barrier_wait(reader->begin);
    reader->words = ss_verdict_words(reader->verdict);
    reader->accepts = strstr(reader->words->text, "mx.d.test: accept at ") != NULL &&
                      reader->words->trace.count > 0;
    return NULL;
}

static void
many_threads(void **state)
{
    struct reader readers[THREADS];
    pthread_t threads[THREADS];
    struct smtpsec_verdict verdict;
    pthread_barrier_t begin;
    size_t round, i;

    (void)state;
    assert_int_equal(pthread_barrier_init(&begin, NULL, THREADS), 0);
    for (round = 0; round < ROUNDS; round++) {
        assert_int_equal(verify_plain(SMTPSEC_TLS_OPTIONAL, &verdict), 0);
        for (i = 0; i < THREADS; i++) {
            readers[i] = (struct reader){.verdict = &verdict, .begin = &begin};
            assert_int_equal(pthread_create(&threads[i], NULL, read_words, &readers[i]), 0);
        }
        for (i = 0; i < THREADS; i++) {
            assert_int_equal(pthread_join(threads[i], NULL), 0);
            assert_true(readers[i].accepts);
            assert_ptr_equal(readers[i].words, readers[0].words);
        }
        ss_verdict_clear(&verdict);
    }
    pthread_barrier_destroy(&begin);
}

/* They say no more than that, as the session was accepted; later they may be there. */
static void
no_memory(void **state)
{
    struct smtpsec_verdict verdict;
    const struct ss_words *words;

    (void)state;
    assert_int_equal(verify_plain(SMTPSEC_TLS_OPTIONAL, &verdict), 0);
    refuse = true;
    words = ss_verdict_words(&verdict);
    refuse = false;
    assert_string_equal(words->text, "accept (no memory for more words)");
    assert_string_equal(words->dsn, "");
    assert_int_equal(words->trace.count, 0);
    words = ss_verdict_words(&verdict);
    assert_non_null(strstr(words->text, "mx.d.test: accept at "));
    assert_true(words->trace.count > 0);
    ss_verdict_clear(&verdict);
}

/* A refusal is never without its words. */
static void
no_memory_to_refuse(void **state)
{
    struct smtpsec_verdict verdict;

    (void)state;
    assert_int_equal(verify_plain(SMTPSEC_TLS_REQUIRED, &verdict), SMTPSEC_E_NOMEM);
}

int
main(void)
{
    struct ss_table t = SS_TABLE("words");

    ss_table_case(&t, "threads that read at once see the same words", many_threads);
    ss_table_case(&t, "accepted, and no memory for words", no_memory);
    ss_table_case(&t, "refused, and no memory for words", no_memory_to_refuse);
    return ss_table_run(&t);
}
