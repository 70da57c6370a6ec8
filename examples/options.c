/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "options.h"

#include <getopt.h>
#include <stdio.h>
#include <string.h>

#include <smtpsec.h>

#include "text.h"

enum {
    OPT_RESOLVER = 1000,
    OPT_TRUST_RESOLVER,
    OPT_CA_FILE,
    OPT_MEMORY,
    OPT_NO_MEMORY,
    OPT_ALLOW_PRIVATE,
    OPT_MODE,
    OPT_SOFT_PKIX,
    OPT_NOW,
    OPT_TIMEOUT,
    OPT_OWN_NAME,
    OPT_DANE,
    OPT_RELAY,
    OPT_PORT,
    OPT_MINIMUM,
    OPT_REQUIRETLS,
    OPT_TLS_REQUIRED_NO,
    OPT_FROM,
    OPT_TO,
    OPT_JSON,
    OPT_VERBOSE,
    OPT_CONNECT,
    OPT_VIA,
    OPT_HELO,
    OPT_SAVE,
    OPT_SEED,
    OPT_REQUIREMENT,
    OPT_CHAIN,
    OPT_MOST,
    OPT_LIST,
    OPT_POLICY,
    OPT_YES,
    OPT_FOLLOW,
    OPT_TLSRPT,
    OPT_TLSRPT_SOCKET,
    OPT_TLSRPT_TRANSIENT,
    OPT_PLAN_CACHE,
    OPT_HELP
};

enum {
    EVALUATING = COMMAND_CHECK | COMMAND_EXPLAIN | COMMAND_SEND | COMMAND_BY_HAND,
    JUDGING = EVALUATING | COMMAND_PROMOTE | COMMAND_SERVE,
    ASKING = JUDGING | COMMAND_REFRESH | COMMAND_OBSERVE,
    WITH_CONTEXT = ASKING | COMMAND_MEMORY,
    CONNECTING = COMMAND_CHECK | COMMAND_EXPLAIN | COMMAND_SEND | COMMAND_PROMOTE,
    ANY_COMMAND = WITH_CONTEXT | COMMAND_VERIFY | COMMAND_POLICY
};

struct option_row {
    const char *name;
    int id;
    int commands;
    const char *argument; /* NULL: takes none */
    const char *help;
};

static const struct option_row rows[] = {
    {"json", OPT_JSON, ANY_COMMAND & ~COMMAND_SERVE, NULL, "print JSON, one object a line"},
    {"verbose", OPT_VERBOSE, EVALUATING | COMMAND_MEMORY | COMMAND_OBSERVE, NULL,
     "print everything, uncut"},
    {"verbose", OPT_VERBOSE, COMMAND_SERVE, NULL, "one line for each request"},
    {"listen", SERVE_OPT_LISTEN, COMMAND_SERVE, "ADDRESS",
     "unix:PATH or inet:ADDR:PORT; may be repeated; needless with systemd's sockets"},
    {"socket-mode", SERVE_OPT_SOCKET_MODE, COMMAND_SERVE, "MODE", "of unix sockets; default 0660"},
    {"socket-owner", SERVE_OPT_SOCKET_OWNER, COMMAND_SERVE, "USER[:GROUP]",
     "of unix sockets; default: who runs it"},
    {"user", SERVE_OPT_USER, COMMAND_SERVE, "USER", "become this user after listening"},
    {"metrics", SERVE_OPT_METRICS, COMMAND_SERVE, "inet:ADDR:PORT",
     "figures for Prometheus, at http://ADDR:PORT/metrics"},
    {"allow-remote", SERVE_OPT_ALLOW_REMOTE, COMMAND_SERVE, NULL,
     "inet: addresses need not be on loopback"},
    {"connections", SERVE_OPT_CONNECTIONS, COMMAND_SERVE, "N", "at once at most; default 1000"},
    {"evaluations", SERVE_OPT_EVALUATIONS, COMMAND_SERVE, "N", "at once at most; default 100"},
    {"plans", SERVE_OPT_PLANS, COMMAND_SERVE, "N", "plans kept at most; default 5000"},
    {"upkeep", SERVE_OPT_UPKEEP, COMMAND_SERVE, "SECONDS",
     "between looks for policies that are due; default 3600"},
    {"check", SERVE_OPT_TRY, COMMAND_SERVE, NULL,
     "read and open everything, ask whether the resolver validates, and end"},
    {"connect", OPT_CONNECT, COMMAND_CHECK | COMMAND_EXPLAIN | COMMAND_PROMOTE, NULL,
     "also connect: EHLO, STARTTLS, verdict, QUIT"},
    {"from", OPT_FROM, COMMAND_SEND, "ADDRESS", "envelope sender; '' is the null sender"},
    {"to", OPT_TO, COMMAND_SEND, "ADDRESS", "envelope recipient; may be repeated"},
    {"requiretls", OPT_REQUIRETLS, EVALUATING, NULL, "the message is tagged REQUIRETLS"},
    {"tls-required-no", OPT_TLS_REQUIRED_NO, EVALUATING, NULL, "it has TLS-Required: No"},
    {"requirement", OPT_REQUIREMENT, COMMAND_VERIFY, "FILE", "the requirement"},
    {"chain", OPT_CHAIN, COMMAND_VERIFY, "PEM", "the server's certificates, its own first"},
    {"now", OPT_NOW, ANY_COMMAND, "EPOCH", "use this time, in seconds since 1970"},
    {"resolver", OPT_RESOLVER, ASKING, "ADDR[#PORT]",
     "ask this resolver, not those of /etc/resolv.conf; may be repeated"},
    {"trust-resolver", OPT_TRUST_RESOLVER, ASKING, NULL,
     "believe the AD bit of each --resolver; loopback is believed anyway"},
    {"ca-file", OPT_CA_FILE, ASKING | COMMAND_VERIFY, "FILE",
     "use these CAs, not the system's"},
    {"memory", OPT_MEMORY, WITH_CONTEXT, "DIR", "use the memory kept there"},
    {"plan-cache", OPT_PLAN_CACHE, COMMAND_CHECK | COMMAND_EXPLAIN | COMMAND_SEND, NULL,
     "with --memory: use answers that are kept there, and keep those that come"},
    {"no-memory", OPT_NO_MEMORY, WITH_CONTEXT, NULL, "use no memory (as without --memory)"},
    {"mode", OPT_MODE, JUDGING, "KIND=MODE",
     "dane, mta-sts, encrypted or dnssec = off, report or enforce"},
    {"soft-pkix", OPT_SOFT_PKIX, JUDGING, "MODE", "certificate part of soft claims"},
    {"dane", OPT_DANE, JUDGING, "MODE", "what DANE does: off, report or enforce (default)"},
    {"own-name", OPT_OWN_NAME, JUDGING, "NAME",
     "this host is ours: mail goes to better MX hosts only; may be repeated"},
    {"minimum", OPT_MINIMUM, EVALUATING, "LEVEL",
     "require at least encrypted, authenticated, dnssec, mta-sts or dane"},
    {"relay", OPT_RELAY, EVALUATING, "HOST", "send by this host, without MX look-up"},
    {"port", OPT_PORT, EVALUATING, "N", "another port than 25"},
    {"timeout", OPT_TIMEOUT, (JUDGING & ~COMMAND_SERVE) | COMMAND_OBSERVE, "SECONDS",
     "for one evaluation, and for each step of a connection; default 30"},
    {"timeout", OPT_TIMEOUT, COMMAND_SERVE, "SECONDS",
     "for one evaluation; default 60, at most 75"},
    {"allow-private", OPT_ALLOW_PRIVATE, ASKING, NULL,
     "policy hosts may be on loopback or private addresses"},
    {"helo", OPT_HELO, CONNECTING, "NAME", "say this name in EHLO"},
    {"seed", OPT_SEED, COMMAND_SEND, "N", "shuffle hosts of equal preference by this number"},
    {"save-requirements", OPT_SAVE, COMMAND_CHECK, "DIR",
     "write DIR/DOMAIN_HOST.req for each host"},
    {"via", OPT_VIA, COMMAND_CHECK, "WAY", "blocking (default) or loop"},
    {"most", OPT_MOST, COMMAND_REFRESH, "N", "no more domains than that; default 1000"},
    {"list", OPT_LIST, COMMAND_REFRESH, NULL, "say what is due, and fetch nothing"},
    {"follow", OPT_FOLLOW, COMMAND_OBSERVE, NULL,
     "go on with what is added to the file, and with the next one of its name"},
    {"policy", OPT_POLICY, WITH_CONTEXT, "FILE", "the operator's policy file"},
    {"tlsrpt", OPT_TLSRPT, COMMAND_CHECK | COMMAND_BY_HAND, NULL,
     "ask whether the domain wants TLS reports"},
    {"tlsrpt-socket", OPT_TLSRPT_SOCKET, COMMAND_SEND, "PATH",
     "report to the TLSRPT collector at this socket"},
    {"tlsrpt-transient", OPT_TLSRPT_TRANSIENT, COMMAND_SEND, NULL,
     "report look-ups that failed and may yet succeed, too"},
    {"yes", OPT_YES, COMMAND_PROMOTE, NULL, "switch in the policy file, and do not ask"},
    {"help", OPT_HELP, ANY_COMMAND, NULL, "print this"},
};

enum { ROWS = sizeof(rows) / sizeof(rows[0]) };

static const char *
synopsis(int command)
{
    switch (command) {
    case COMMAND_CHECK:
        return "smtpsec check [OPTION]... DOMAIN...";
    case COMMAND_EXPLAIN:
        return "smtpsec explain [OPTION]... DOMAIN...";
    case COMMAND_SEND:
        return "smtpsec send --from ADDRESS --to ADDRESS [OPTION]... < MESSAGE";
    case COMMAND_VERIFY:
        return "smtpsec verify --requirement FILE --chain PEM [OPTION]...";
    case COMMAND_MEMORY:
    case COMMAND_MEMORY | COMMAND_PROMOTE:
        return "smtpsec memory list|show DOMAIN|forget DOMAIN|export [DOMAIN]|prune|check|stats"
               " --memory DIR [OPTION]...\n"
               "       smtpsec memory promote KIND [DOMAIN]... --memory DIR [--policy FILE]"
               " [OPTION]...";
    case COMMAND_POLICY:
        return "smtpsec policy check FILE [OPTION]...";
    case COMMAND_SERVE:
        return "smtpsec serve --listen unix:PATH|inet:ADDR:PORT [OPTION]...";
    case COMMAND_REFRESH:
        return "smtpsec refresh --memory DIR [OPTION]...";
    case COMMAND_OBSERVE:
        return "smtpsec observe --memory DIR [OPTION]... [FILE]";
    default:
        return "by_hand [OPTION]... DOMAIN...";
    }
}

static void
print_usage(int command, FILE *where)
{
    size_t i;

    fprintf(where, "usage: %s\n", synopsis(command));
    for (i = 0; i < ROWS; i++) {
        char left[64];

        if ((rows[i].commands & command) == 0)
            continue;
        snprintf(left, sizeof(left), "--%s %s", rows[i].name,
                 rows[i].argument != NULL ? rows[i].argument : "");
        fprintf(where, "  %-26s %s\n", left, rows[i].help);
    }
}

int
options_usage(int command, const char *wrong)
{
    if (wrong != NULL)
        tool_say("%s", wrong);
    print_usage(command, stderr);
    return TOOL_USAGE;
}

static int
read_mode(const char *text, int32_t *out)
{
    int32_t mode;

    for (mode = SMTPSEC_MODE_OFF; mode <= SMTPSEC_MODE_ENFORCE; mode++) {
        if (strcmp(text, smtpsec_mode_name(mode)) == 0) {
            *out = mode;
            return 0;
        }
    }
    return -1;
}

static int
read_level(const char *text, int32_t *out)
{
    int32_t level;

    for (level = SMTPSEC_LEVEL_NONE; level <= SMTPSEC_LEVEL_DANE; level++) {
        if (strcmp(text, smtpsec_level_name(level)) == 0) {
            *out = level;
            return 0;
        }
    }
    return -1;
}

/* KIND=MODE */
static int
read_claim_mode(const char *text, int32_t *modes)
{
    const char *equals = strchr(text, '=');
    int32_t kind;

    for (kind = SMTPSEC_CLAIM_DANE; equals != NULL && kind <= SMTPSEC_CLAIM_DNSSEC; kind++) {
        const char *name = smtpsec_claim_name(kind);
        size_t len = strlen(name);

        if (len == (size_t)(equals - text) && strncmp(text, name, len) == 0)
            return read_mode(equals + 1, &modes[kind]);
    }
    return -1;
}

static int
read_via(const char *text, int *out)
{
    *out = strcmp(text, "loop") == 0 ? VIA_LOOP : VIA_BLOCKING;
    return *out == VIA_LOOP || strcmp(text, "blocking") == 0 ? 0 : -1;
}

static int
add(const char **list, size_t *count, size_t room, const char *value)
{
    if (*count >= room)
        return -1;
    list[(*count)++] = value;
    return 0;
}

/* Options whose argument is a number. */
static int
take_number(struct tool_options *o, int id, const char *value)
{
    int64_t number = 0;

    switch (id) {
    case OPT_NOW:
        o->has_now = 1;
        return text_number(value, 0, INT64_C(253402300799), &o->now);
    case OPT_TIMEOUT:
        if (text_number(value, 1, 3600, &number) != 0)
            return -1;
        o->timeout_ms = (int32_t)(number * 1000);
        return 0;
    case OPT_MOST:
        if (text_number(value, 1, 1000000, &number) != 0)
            return -1;
        o->most = (size_t)number;
        return 0;
    case OPT_PORT:
        if (text_number(value, 1, 65535, &number) != 0)
            return -1;
        o->port = (uint16_t)number;
        return 0;
    default:
        if (text_number(value, 0, INT64_MAX, &number) != 0)
            return -1;
        o->has_seed = 1;
        o->seed = (uint64_t)number;
        return 0;
    }
}

/* Options whose argument is kept or looked up. */
static int
take_text(struct tool_options *o, int id, const char *value)
{
    switch (id) {
    case OPT_RESOLVER:
        return add(o->resolvers, &o->resolver_count, TOOL_RESOLVERS, value);
    case OPT_TO:
        return add(o->to, &o->to_count, TOOL_RECIPIENTS, value);
    case OPT_OWN_NAME:
        return add(o->own_names, &o->own_name_count, TOOL_OWN_NAMES, value);
    case OPT_DANE:
        return read_mode(value, &o->dane_mode);
    case OPT_MINIMUM:
        return read_level(value, &o->minimum);
    case OPT_MODE:
        return read_claim_mode(value, o->modes);
    case OPT_SOFT_PKIX:
        return read_mode(value, &o->soft_pkix_mode);
    case OPT_VIA:
        return read_via(value, &o->via);
    case OPT_CA_FILE:
        o->ca_file = value;
        return 0;
    case OPT_MEMORY:
        o->memory = value;
        return 0;
    case OPT_RELAY:
        o->relay = value;
        return 0;
    case OPT_FROM:
        o->from = value;
        return 0;
    case OPT_POLICY:
        o->policy = value;
        return 0;
    case OPT_HELO:
        o->helo = value;
        return 0;
    case OPT_SAVE:
        o->save_requirements = value;
        return 0;
    case OPT_TLSRPT_SOCKET:
        o->tlsrpt_socket = value;
        o->tlsrpt = 1;
        return 0;
    case OPT_REQUIREMENT:
        o->requirement = value;
        return 0;
    case OPT_CHAIN:
        o->chain = value;
        return 0;
    default:
        return id >= SERVE_OPT_LISTEN ? serve_settings_take(&o->serve, id, value)
                                      : take_number(o, id, value);
    }
}

static void
take_flag(struct tool_options *o, int id)
{
    switch (id) {
    case OPT_JSON:
        o->json = 1;
        break;
    case OPT_VERBOSE:
        o->verbose = 1;
        break;
    case OPT_CONNECT:
        o->connect = 1;
        break;
    case OPT_REQUIRETLS:
        o->requiretls = 1;
        break;
    case OPT_TLS_REQUIRED_NO:
        o->tls_required_no = 1;
        break;
    case OPT_TRUST_RESOLVER:
        o->trust_resolver = 1;
        break;
    case OPT_ALLOW_PRIVATE:
        o->allow_private = 1;
        break;
    case OPT_LIST:
        o->list = 1;
        break;
    case OPT_FOLLOW:
        o->follow = 1;
        break;
    case OPT_YES:
        o->yes = 1;
        break;
    case OPT_TLSRPT:
        o->tlsrpt = 1;
        break;
    case OPT_TLSRPT_TRANSIENT:
        o->tlsrpt_transient = 1;
        break;
    case OPT_NO_MEMORY:
        o->memory = NULL;
        break;
    case OPT_PLAN_CACHE:
        o->plan_cache = 1;
        break;
    default:
        serve_settings_take(&o->serve, id, NULL);
        break;
    }
}

static void
set_defaults(struct tool_options *o, int command)
{
    size_t i;

    memset(o, 0, sizeof(*o));
    o->commands = ~0;
    o->timeout_ms = command == COMMAND_SERVE ? 60000 : 30000;
    serve_settings_default(&o->serve);
    o->soft_pkix_mode = -1;
    o->dane_mode = -1;
    /* Who asks how things are is told how they are now. */
    o->plan_cache = (command & (EVALUATING | COMMAND_PROMOTE)) == 0;
    o->minimum = SMTPSEC_LEVEL_NONE;
    for (i = 0; i < TOOL_CLAIM_KINDS; i++)
        o->modes[i] = -1;
}

/* The rows of one command, in the shape of getopt_long(). */
static void
fill_long_options(struct option *list, int command)
{
    size_t count = 0;
    size_t i;

    for (i = 0; i < ROWS; i++) {
        if ((rows[i].commands & command) == 0)
            continue;
        list[count].name = rows[i].name;
        list[count].has_arg = rows[i].argument != NULL ? required_argument : no_argument;
        list[count].flag = NULL;
        list[count].val = rows[i].id;
        count++;
    }
    memset(&list[count], 0, sizeof(list[count]));
}

static const struct option_row *
row_of(int id)
{
    size_t i = 0;

    while (rows[i].id != id)
        i++;
    return &rows[i];
}

int
options_read(struct tool_options *options, int command, int argc, char **argv)
{
    struct option list[ROWS + 1];
    int id;

    set_defaults(options, command);
    fill_long_options(list, command);
    optind = 1;
    opterr = 0;
    while ((id = getopt_long(argc, argv, ":", list, NULL)) != -1) {
        char wrong[160];

        if (id == OPT_HELP) {
            print_usage(command, stdout);
            return 1;
        }
        if (id == '?' || id == ':') {
            char shown[80];

            text_escape(shown, sizeof(shown), argv[optind - 1], strlen(argv[optind - 1]));
            snprintf(wrong, sizeof(wrong), "%s: %s", shown,
                     id == ':' ? "an argument is missing"
                               : "no such option here, or it takes no argument");
            options_usage(command, wrong);
            return -1;
        }
        options->commands &= row_of(id)->commands;
        if (optarg == NULL) {
            take_flag(options, id);
        } else if (take_text(options, id, optarg) != 0) {
            char shown[80];

            text_escape(shown, sizeof(shown), optarg, strlen(optarg));
            snprintf(wrong, sizeof(wrong), "--%s: '%s' does not do", row_of(id)->name, shown);
            options_usage(command, wrong);
            return -1;
        }
    }
    options->operands = argv + optind;
    options->operand_count = (size_t)(argc - optind);
    return 0;
}
