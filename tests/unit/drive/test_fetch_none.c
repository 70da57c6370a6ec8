/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Modules that cannot be used. The file's name is built in; the argument is what the error says. */
#include <string.h>

#include "base/error.h"
#include "drive/fetch.h"
#include "smtpsec.h"
#include "table.h"

static const char *want;

static void
refused(void **state)
{
    const struct ss_fetch_module *module = (const void *)"";
    struct ss_error error = {0};

    (void)state;
    assert_int_equal(ss_fetch_module_find(&module, &error), SMTPSEC_E_FETCH);
    assert_null(module);
    assert_int_equal(error.code, SMTPSEC_E_FETCH);
    if (strstr(error.text, want) == NULL)
        fail_msg("%s", error.text);
}

int
main(int argc, char **argv)
{
    struct ss_table t = SS_TABLE("fetch_none");

    if (argc != 2)
        return 1;
    want = argv[1];
    ss_table_case(&t, want, refused);
    return ss_table_run(&t);
}
