/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* smtpsec: what security does a mail destination deserve, and does it keep its word? */
#include <stdio.h>
#include <string.h>

#include <smtpsec.h>

#include "commands.h"
#include "options.h"
#include "text.h"

struct command_row {
    const char *name;
    int command;
    int (*run)(struct tool_options *options);
    const char *help;
};

static const struct command_row commands[] = {
    {"check", COMMAND_CHECK, check_command, "say what mail to a domain requires, and why"},
    {"explain", COMMAND_EXPLAIN, explain_command, "say the same fact by fact, rule by rule"},
    {"send", COMMAND_SEND, send_command, "send one message the whole way"},
    {"verify", COMMAND_VERIFY, verify_command, "judge a certificate chain by a requirement"},
    {"memory", COMMAND_MEMORY | COMMAND_PROMOTE, memory_command,
     "list, show, export, check and clear up what is remembered"},
    {"policy", COMMAND_POLICY, policy_command, "check the operator's policy file"},
    {"refresh", COMMAND_REFRESH, refresh_command, "fetch policies anew that are due"},
#ifdef TOOL_SERVE
    {"serve", COMMAND_SERVE, serve_command, "answer Postfix's questions, as a socketmap service"},
#endif
    {"observe", COMMAND_OBSERVE, observe_command, "learn from the deliveries in Postfix's log"},
};

enum { COMMANDS = sizeof(commands) / sizeof(commands[0]) };

static void
print_help(FILE *where)
{
    size_t i;

    fputs("usage: smtpsec COMMAND [OPTION]...\n", where);
    for (i = 0; i < COMMANDS; i++)
        fprintf(where, "  %-8s %s\n", commands[i].name, commands[i].help);
    fputs("  --version\n  --help; also after a command\n", where);
}

static void
print_version(void)
{
    static const char *const features[] = {"dane",   "mta-sts",     "requiretls",
                                           "memory", "memory-lmdb", "gnutls"};
    size_t i;

    printf("smtpsec, libsmtpsec %s:", smtpsec_version());
    for (i = 0; i < sizeof(features) / sizeof(features[0]); i++)
        printf(" %s%s", smtpsec_has(features[i]) ? "" : "no-", features[i]);
    putchar('\n');
}

static int
run(const struct command_row *row, int argc, char **argv)
{
    struct tool_options options;
    int rc = options_read(&options, row->command, argc, argv);
    int code;

    if (rc != 0)
        return rc > 0 ? TOOL_OK : TOOL_USAGE;
    code = row->run(&options);
    if (fflush(stdout) != 0 || ferror(stdout)) {
        tool_say("cannot write to standard output");
        return TOOL_IO;
    }
    return code;
}

int
main(int argc, char **argv)
{
    size_t i;

    if (argc >= 2 && strcmp(argv[1], "--version") == 0) {
        print_version();
        return TOOL_OK;
    }
    if (argc >= 2 && strcmp(argv[1], "--help") == 0) {
        print_help(stdout);
        return TOOL_OK;
    }
    for (i = 0; argc >= 2 && i < COMMANDS; i++) {
        if (strcmp(argv[1], commands[i].name) == 0)
            return run(&commands[i], argc - 1, argv + 1);
    }
    if (argc >= 2)
        tool_say("no such command");
    print_help(stderr);
    return TOOL_USAGE;
}
