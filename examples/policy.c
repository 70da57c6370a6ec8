/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* smtpsec policy: is the operator's policy file one that can be used? */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <smtpsec.h>

#include "commands.h"
#include "print_json.h"
#include "setup.h"
#include "text.h"

/* One octet more than a policy file may have, so that the library sees that it is too long. */
#define MOST_OCTETS ((1 << 20) + 1)

static int
is_usable(const struct smtpsec_faults *faults)
{
    size_t i;

    for (i = 0; i < smtpsec_faults_count(faults); i++) {
        if (!smtpsec_faults_harmless(faults, i))
            return 0;
    }
    return 1;
}

static void
print_lines(const char *name, const struct smtpsec_faults *faults)
{
    size_t i;

    for (i = 0; i < smtpsec_faults_count(faults); i++)
        printf("%s:%u: %s\n", name, (unsigned)smtpsec_faults_line(faults, i),
               smtpsec_faults_text(faults, i));
}

static void
print_object(const char *name, const struct smtpsec_faults *faults)
{
    json_t *object = json_new_object();
    json_t *list = json_new_array();
    size_t i;

    for (i = 0; i < smtpsec_faults_count(faults); i++) {
        json_t *fault = json_new_object();

        json_put_number(fault, "line", smtpsec_faults_line(faults, i));
        json_put_text(fault, "text", smtpsec_faults_text(faults, i));
        json_put_bool(fault, "harmless", smtpsec_faults_harmless(faults, i));
        json_append(list, fault);
    }
    json_put_text(object, "file", name);
    json_put_bool(object, "usable", is_usable(faults));
    json_put(object, "faults", list);
    json_print_line(object);
}

static int
check(const struct tool_options *options, const char *path)
{
    struct smtpsec_faults *faults = NULL;
    char name[1024];
    char *text = NULL;
    size_t len = 0;
    int rc, code;

    if (text_read_file(path, MOST_OCTETS, &text, &len) != 0)
        return TOOL_NO_INPUT;
    rc = smtpsec_policy_check((const uint8_t *)text, len, setup_now(options), &faults);
    free(text);
    text_escape(name, sizeof(name), path, strlen(path));
    if (rc != 0) {
        tool_say("%s: %s", name, rc == SMTPSEC_E_LIMIT ? "longer than 1048576 octets"
                                                       : smtpsec_strerror(rc));
        return tool_exit_of_error(rc);
    }
    code = is_usable(faults) ? TOOL_OK : TOOL_DATA;
    if (options->json)
        print_object(name, faults);
    else
        print_lines(name, faults);
    smtpsec_faults_free(faults);
    return code;
}

int
policy_command(struct tool_options *options)
{
    if (options->operand_count == 2 && strcmp(options->operands[0], "check") == 0)
        return check(options, options->operands[1]);
    return options_usage(COMMAND_POLICY, "wanted: check FILE");
}
