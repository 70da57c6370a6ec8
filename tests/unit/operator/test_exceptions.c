/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Which exception counts for which domain, kind and time (PREC-08). */
#include <stdio.h>
#include <string.h>

#include "table.h"
#include "operator/exceptions.h"
#include "smtpsec.h"

static struct ss_name
name_of(const char *text)
{
    struct ss_name name;

    assert_true(ss_name_from_text(&name, text, strlen(text)));
    return name;
}

static void
add(struct ss_exceptions **table, const char *domain, int32_t kind, int64_t until, const char *note)
{
    struct ss_exception one;

    memset(&one, 0, sizeof(one));
    one.below = domain[0] == '.';
    one.domain = name_of(one.below ? domain + 1 : domain);
    one.kind = kind;
    one.until = until;
    snprintf(one.note, sizeof(one.note), "%s", note);
    assert_int_equal(ss_exceptions_add(table, &one), 0);
}

struct row {
    const char *name;
    const char *domain;
    int32_t kind;
    int64_t now;
    const char *want; /* the note of the one that counts; NULL: none */
};

#define DANE SMTPSEC_CLAIM_DANE
#define STS SMTPSEC_CLAIM_MTA_STS
#define TLS SMTPSEC_CLAIM_ENCRYPTED

static const struct row rows[] = {
    { "PREC-08 its domain and kind", "one.test", DANE, 100, "one-dane" },
    { "PREC-08 through its last second", "one.test", DANE, 1000, "one-dane" },
    { "PREC-08 not a second longer", "one.test", DANE, 1001, NULL },
    { "PREC-08 another kind", "one.test", STS, 100, NULL },
    { "PREC-08 another domain", "two.test", DANE, 100, NULL },
    { "PREC-08 a name below it", "a.one.test", DANE, 100, NULL },
    { "PREC-08 its parent", "test", DANE, 100, NULL },
    { "PREC-08 a name that ends like it", "xone.test", DANE, 100, NULL },
    { "PREC-08 all kinds, dane", "all.test", DANE, 100, "all" },
    { "PREC-08 all kinds, encrypted", "all.test", TLS, 100, "all" },
    { "PREC-08 below: a name below", "a.below.test", TLS, 100, "below" },
    { "PREC-08 below: deep below", "c.b.a.below.test", TLS, 100, "below" },
    { "PREC-08 below: not itself", "below.test", TLS, 100, NULL },
    { "PREC-08 below: not what only ends like it", "abelow.test", TLS, 100, NULL },
    { "PREC-08 below: another kind", "a.below.test", DANE, 100, NULL },
    { "PREC-08 the longest of several counts, while all last", "many.test", DANE, 100, "many-2" },
    { "PREC-08 the longest of several counts, alone", "many.test", DANE, 2500, "many-2" },
    { "PREC-08 that of a parent may be the longest", "a.many.test", DANE, 100, "many-below" },
    { "PREC-08 and is left when its own has ended", "a.many.test", DANE, 1500, "many-below" },
    { "PREC-08 the root has none", ".", DANE, 100, NULL },
};

static struct ss_exceptions *table;

static void
check(void **state)
{
    const struct row *row = *state;
    struct ss_name name = name_of(row->domain);
    const struct ss_exception *found = ss_exceptions_find(table, &name, row->kind, row->now);

    if (row->want == NULL) {
        assert_null(found);
    } else {
        assert_non_null(found);
        assert_string_equal(found->note, row->want);
    }
}

static void
fill(void)
{
    add(&table, "many.test", 0, 2000, "many-1");
    add(&table, "one.test", DANE, 1000, "one-dane");
    add(&table, ".below.test", TLS, 1000, "below");
    add(&table, "many.test", DANE, 3000, "many-2");
    add(&table, "all.test", 0, 1000, "all");
    add(&table, "many.test", 0, 1000, "many-3");
    add(&table, "a.many.test", 0, 1000, "own");
    add(&table, ".many.test", 0, 5000, "many-below");
}

/* A table that somebody holds does not change under him. */
static void
shared(void **state)
{
    struct ss_exceptions *mine = NULL, *held;
    struct ss_name name = name_of("b.test");

    (void)state;
    add(&mine, "a.test", 0, 1000, "a");
    held = ss_exceptions_ref(mine);
    add(&mine, "b.test", 0, 1000, "b");
    assert_ptr_not_equal(mine, held);
    assert_int_equal(ss_exceptions_count(held), 1);
    assert_int_equal(ss_exceptions_count(mine), 2);
    assert_null(ss_exceptions_find(held, &name, DANE, 0));
    assert_non_null(ss_exceptions_find(mine, &name, DANE, 0));
    ss_exceptions_unref(held);
    ss_exceptions_unref(mine);
}

/* Full to the brim, in the worst order, each is found; one more is refused. */
static void
full(void **state)
{
    struct ss_exceptions *mine = NULL;
    struct ss_exception more;
    struct ss_name name;
    char text[40];
    int i;

    (void)state;
    for (i = SS_EXCEPTIONS_MAX; i > 0; i--) {
        snprintf(text, sizeof(text), "%sd%04d.test", i % 2 == 0 ? "." : "", i);
        add(&mine, text, 0, 1000 + i, text);
    }
    memset(&more, 0, sizeof(more));
    more.domain = name_of("more.test");
    assert_int_equal(ss_exceptions_add(&mine, &more), SMTPSEC_E_LIMIT);
    assert_int_equal(ss_exceptions_count(mine), SS_EXCEPTIONS_MAX);
    for (i = 1; i <= SS_EXCEPTIONS_MAX; i++) {
        const struct ss_exception *found;

        snprintf(text, sizeof(text), "%sd%04d.test", i % 2 == 0 ? "x." : "", i);
        name = name_of(text);
        found = ss_exceptions_find(mine, &name, TLS, 0);
        assert_non_null(found);
        assert_int_equal(found->until, 1000 + i);
    }
    ss_exceptions_unref(mine);
}

static void
nothing(void **state)
{
    struct ss_name name = name_of("a.test");
    struct ss_name none;

    (void)state;
    memset(&none, 0, sizeof(none));
    assert_null(ss_exceptions_find(NULL, &name, DANE, 0));
    assert_null(ss_exceptions_exact(NULL, &name, false, DANE));
    /* An address literal has no domain. */
    assert_null(ss_exceptions_find(table, &none, DANE, 0));
    assert_int_equal(ss_exceptions_count(NULL), 0);
    assert_null(ss_exceptions_ref(NULL));
    ss_exceptions_unref(NULL);
}

int
main(void)
{
    struct ss_table t = SS_TABLE("operator/exceptions");
    int failed;

    fill();
    SS_TABLE_ROWS(&t, check, rows);
    ss_table_case(&t, "shared", shared);
    ss_table_case(&t, "full", full);
    ss_table_case(&t, "nothing", nothing);
    failed = ss_table_run(&t);
    ss_exceptions_unref(table);
    return failed;
}
