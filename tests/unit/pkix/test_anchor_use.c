/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Anchors are parsed when a chain names them: what is there, what is as if it were not. */
#include "table.h"

#include <pthread.h>
#include <string.h>

#include "../drive/failing_alloc.h"
#include "certs.h"
#include "pkix/anchor_index.h"
#include "pkix/anchors.h"
#include "pkix/chain.h"

enum { NOBODY, ROOT, BROKEN, BROKEN_ALONE, OTHER, STRANGER, LEAF, LEAF_ALONE, LEAF_OTHER, CAST };

static struct ss_test_cert *cast[CAST];

static void
make_cast(void)
{
    static const uint8_t no_san[] = {0x30, 0x05, 0x82, 0x7f};
    struct ss_bytes san = {no_san, sizeof(no_san)};
    struct ss_test_cert_spec spec = {.cn = "Root", .key = 1, .ca = true};

    cast[ROOT] = ss_test_cert(&spec);
    spec.raw_san = san;
    cast[BROKEN] = ss_test_cert(&spec);
    spec.cn = "Broken";
    cast[BROKEN_ALONE] = ss_test_cert(&spec);
    spec = (struct ss_test_cert_spec){.cn = "Other", .key = 2, .ca = true};
    cast[OTHER] = ss_test_cert(&spec);
    spec.cn = "Stranger";
    cast[STRANGER] = ss_test_cert(&spec);
    spec = (struct ss_test_cert_spec){.cn = "leaf", .dns = {"mx.d.test"}, .issuer = cast[ROOT]};
    cast[LEAF] = ss_test_cert(&spec);
    spec.issuer_cn = "Broken";
    cast[LEAF_ALONE] = ss_test_cert(&spec);
    spec.issuer_cn = NULL;
    spec.issuer = cast[OTHER];
    cast[LEAF_OTHER] = ss_test_cert(&spec);
}

struct row {
    const char *name;
    int leaf;
    int anchors[5];
    size_t count;  /* of those that have a certificate's shape */
    size_t parsed; /* of them, once the leaf was judged */
    int32_t want;
};

#define NO(reason) SMTPSEC_REASON_##reason

static const struct row rows[] = {
    {"one anchor", LEAF, {ROOT}, 1, 1, NO(NONE)},
    {"NAME-12 one of many is parsed, and no more", LEAF, {OTHER, ROOT, STRANGER}, 3, 1, NO(NONE)},
    {"NAME-12 none is named, none is parsed", LEAF, {OTHER, STRANGER}, 2, 0, NO(NOT_TRUSTED)},
    {"NAME-12 the same anchor twice", LEAF, {ROOT, ROOT}, 2, 1, NO(NONE)},
    {"NAME-12 the wrong one of a name, twice", LEAF_ALONE, {OTHER, OTHER}, 2, 0, NO(NOT_TRUSTED)},
    {"NAME-12 one that no parser wants, beside the good one", LEAF, {BROKEN, ROOT}, 2, 1, NO(NONE)},
    {"NAME-12 one that no parser wants behind the good one", LEAF, {ROOT, BROKEN}, 2, 1, NO(NONE)},
    {"NAME-12 one that no parser wants, alone", LEAF_ALONE, {BROKEN_ALONE}, 1, 0, NO(NOT_TRUSTED)},
    {"NAME-12 the same among others", LEAF_ALONE, {ROOT, BROKEN_ALONE, OTHER}, 3, 0,
     NO(NOT_TRUSTED)},
};

static void
add(struct smtpsec_anchors *anchors, const int *who)
{
    struct ss_bytes pem;
    struct ss_buf text;

    ss_buf_init(&text, 65536);
    for (; *who != NOBODY; who++) {
        pem = ss_test_cert_pem(cast[*who]);
        ss_buf_put(&text, pem.data, pem.len);
    }
    pem.data = text.data;
    pem.len = text.len;
    assert_int_equal(ss_anchors_add_pem(anchors, pem), 0);
    ss_buf_free(&text);
}

static size_t
count_parsed(const struct smtpsec_anchors *anchors)
{
    struct ss_anchor_index index = ss_anchors_index(anchors);
    size_t parsed = 0;
    size_t i;

    for (i = 0; i < index.count; i++)
        parsed += index.list[i].crt != NULL;
    return parsed;
}

static int32_t
judge(const struct smtpsec_anchors *anchors, int leaf)
{
    struct ss_bytes der = ss_test_cert_der(cast[leaf]);
    struct ss_chain *chain;
    int32_t reason = -1;

    assert_int_equal(ss_chain_new(&der, 1, &chain), 0);
    assert_int_equal(ss_chain_verify(chain, anchors, SS_TEST_NOW, &reason), 0);
    ss_chain_free(chain);
    return reason;
}

static void
check(void **state)
{
    const struct row *row = *state;
    struct smtpsec_anchors *anchors;

    assert_int_equal(ss_anchors_new(&anchors), 0);
    add(anchors, row->anchors);
    assert_int_equal(ss_anchors_count(anchors), row->count);
    assert_int_equal(count_parsed(anchors), 0);
    assert_int_equal(judge(anchors, row->leaf), row->want);
    assert_int_equal(count_parsed(anchors), row->parsed);
    assert_int_equal(judge(anchors, row->leaf), row->want);
    assert_int_equal(count_parsed(anchors), row->parsed);
    ss_anchors_unref(anchors);
}

/* What was parsed keeps its place when more come. */
static void
check_added_later(void **state)
{
    struct smtpsec_anchors *anchors;

    (void)state;
    assert_int_equal(ss_anchors_new(&anchors), 0);
    add(anchors, (const int[]){ROOT, NOBODY});
    assert_int_equal(judge(anchors, LEAF), NO(NONE));
    assert_int_equal(judge(anchors, LEAF_OTHER), NO(NOT_TRUSTED));
    add(anchors, (const int[]){STRANGER, OTHER, NOBODY});
    assert_int_equal(ss_anchors_add_der(anchors, ss_test_cert_der(cast[BROKEN])), SMTPSEC_E_FORMAT);
    assert_int_equal(ss_anchors_add_der(anchors, ss_test_cert_der(cast[ROOT])), 0);
    assert_int_equal(ss_anchors_count(anchors), 4);
    assert_int_equal(judge(anchors, LEAF_OTHER), NO(NONE));
    assert_int_equal(judge(anchors, LEAF), NO(NONE));
    ss_anchors_unref(anchors);
}

static void
check_too_many(void **state)
{
    struct smtpsec_anchors *anchors;
    struct ss_bytes pem = ss_test_cert_pem(cast[ROOT]);
    struct ss_buf text;
    size_t i;

    (void)state;
    ss_buf_init(&text, 16 * 1024 * 1024);
    for (i = 0; i < 4097; i++)
        ss_buf_put(&text, pem.data, pem.len);
    pem.data = text.data;
    pem.len = text.len;
    assert_true(ss_buf_ok(&text));
    assert_int_equal(ss_anchors_new(&anchors), 0);
    assert_int_equal(ss_anchors_add_pem(anchors, pem), SMTPSEC_E_TRUST);
    assert_int_equal(ss_anchors_count(anchors), 4096);
    assert_int_equal(ss_anchors_add_der(anchors, ss_test_cert_der(cast[ROOT])), SMTPSEC_E_FORMAT);
    assert_int_equal(judge(anchors, LEAF), NO(NONE));
    ss_anchors_unref(anchors);
    ss_buf_free(&text);
}

/* Each allocation fails in turn: what was there before still is, and nothing leaks. */
static void
check_no_memory(void **state)
{
    struct ss_bytes pem = ss_test_cert_pem(cast[OTHER]);
    struct ss_bytes der = ss_test_cert_der(cast[OTHER]);
    struct smtpsec_anchors *anchors;
    unsigned long at;
    int by_der;
    int code;

    (void)state;
    for (by_der = 0; by_der < 2; by_der++)
        for (at = 1, code = SMTPSEC_E_NOMEM; code != 0; at++) {
            assert_int_equal(ss_anchors_new(&anchors), 0);
            alloc_fail_set(at);
            code = by_der ? ss_anchors_add_der(anchors, der) : ss_anchors_add_pem(anchors, pem);
            if (alloc_fail_reached())
                assert_int_equal(code, SMTPSEC_E_NOMEM);
            alloc_fail_set(0);
            assert_int_equal(ss_anchors_error(anchors)->code, code);
            assert_int_equal(ss_anchors_count(anchors), code == 0);
            ss_anchors_unref(anchors);
        }
    alloc_fail_set(1);
    assert_int_equal(ss_anchors_new(&anchors), SMTPSEC_E_NOMEM);
    alloc_fail_set(0);
    assert_null(anchors);
}

#define THREADS 4
#define ROUNDS 25

static const struct smtpsec_anchors *shared;
static pthread_barrier_t start;

/* Assertions belong to the main thread; here they are counted. */
static void *
judge_often(void *arg)
{
    size_t *wrong = arg;
    struct ss_bytes der[2];
    struct ss_chain *chain;
    int32_t reason;
    int i;

    der[0] = ss_test_cert_der(cast[LEAF]);
    der[1] = ss_test_cert_der(cast[LEAF_ALONE]);
    pthread_barrier_wait(&start);
    for (i = 0; i < ROUNDS * 2; i++) {
        int32_t want = i % 2 == 0 ? NO(NONE) : NO(NOT_TRUSTED);

        if (ss_chain_new(&der[i % 2], 1, &chain) != 0) {
            (*wrong)++;
            continue;
        }
        *wrong += ss_chain_verify(chain, shared, SS_TEST_NOW, &reason) != 0 || reason != want;
        ss_chain_free(chain);
    }
    return NULL;
}

/* smtpsec.h: anchors may be read by several threads at once; all meet the first use together. */
static void
check_threads(void **state)
{
    struct smtpsec_anchors *anchors;
    pthread_t threads[THREADS];
    size_t wrong[THREADS] = {0};
    int i;

    (void)state;
    assert_int_equal(ss_anchors_new(&anchors), 0);
    add(anchors, (const int[]){ROOT, OTHER, BROKEN, BROKEN_ALONE, NOBODY});
    shared = anchors;
    assert_int_equal(pthread_barrier_init(&start, NULL, THREADS), 0);
    for (i = 0; i < THREADS; i++)
        assert_int_equal(pthread_create(&threads[i], NULL, judge_often, &wrong[i]), 0);
    for (i = 0; i < THREADS; i++)
        assert_int_equal(pthread_join(threads[i], NULL), 0);
    for (i = 0; i < THREADS; i++)
        assert_int_equal(wrong[i], 0);
    assert_int_equal(count_parsed(anchors), 1);
    pthread_barrier_destroy(&start);
    ss_anchors_unref(anchors);
}

int
main(void)
{
    struct ss_table t = SS_TABLE("anchor_use");
    int failed;

    make_cast();
    SS_TABLE_ROWS(&t, check, rows);
    ss_table_case(&t, "NAME-12 anchors added after the first judgement", check_added_later);
    ss_table_case(&t, "more anchors than a bundle has", check_too_many);
    ss_table_case(&t, "no memory", check_no_memory);
    ss_table_case(&t, "several threads at once", check_threads);
    failed = ss_table_run(&t);
    ss_test_certs_free();
    return failed;
}
