/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "postfix_model.h"

#include <stdlib.h>
#include <string.h>
#include <strings.h>

static bool
refuse(struct postfix_policy *policy)
{
    policy->level = POSTFIX_DEFERS;
    return false;
}

/* mystrtokq(): the next word; a part in braces is one, with its braces. */
static char *
next_word(char **rest)
{
    char *word = *rest + strspn(*rest, ", \t\r\n");
    char *end = word;
    int depth = 0;

    if (*word == '\0')
        return NULL;
    for (; *end != '\0'; end++) {
        if (*end == '{')
            depth++;
        else if (*end == '}')
            depth--;
        else if (depth <= 0 && strchr(", \t\r\n", *end) != NULL)
            break;
    }
    *rest = end;
    if (*end != '\0') {
        *end = '\0';
        *rest = end + 1;
    }
    return word;
}

static char *
trim(char *text)
{
    char *end;

    text += strspn(text, " \t\r\n");
    end = text + strlen(text);
    while (end > text && strchr(" \t\r\n", end[-1]) != NULL)
        end--;
    *end = '\0';
    return text;
}

/* Since 3.10: "{ name = value }". A word that is no attribute is refused. */
static bool
split(char *word, char **name, char **value)
{
    size_t len = strlen(word);
    char *equals;

    if (word[0] == '{') {
        if (len < 2 || word[len - 1] != '}' || strchr(word + 1, '{') != NULL)
            return false;
        word[len - 1] = '\0';
        word++;
    }
    equals = strchr(word, '=');
    if (equals == NULL)
        return false;
    *equals = '\0';
    *name = trim(word);
    *value = trim(equals + 1);
    return **name != '\0';
}

/* util/valid_hostname.c */
static bool
valid_hostname(const char *name)
{
    size_t label = 0;
    bool letters = false;
    const char *at;

    for (at = name; *at != '\0'; at++) {
        if (*at == '.') {
            if (label == 0 || at[1] == '\0')
                return false;
            label = 0;
            continue;
        }
        if (*at == '-' && (label == 0 || at[1] == '\0' || at[1] == '.'))
            return false;
        if (strchr("abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ_-0123456789", *at) ==
                NULL ||
            ++label > 63)
            return false;
        letters = letters || strchr("0123456789", *at) == NULL;
    }
    return letters && at - name <= 255;
}

static bool
once(char **field, char *value)
{
    if (*field != NULL)
        return false;
    *field = value;
    return true;
}

static bool
take_match(struct postfix_policy *policy, char *value)
{
    char *word;

    if (*value == '\0' || policy->level != POSTFIX_SECURE)
        return false;
    while ((word = strsep(&value, ":")) != NULL)
        if (*word != '\0' && policy->match_count < POSTFIX_WORDS)
            policy->match[policy->match_count++] = word;
    return true;
}

static bool
take_protocols(struct postfix_policy *policy, const char *value)
{
    if (policy->version != 0)
        return false;
    if (strcmp(value, ">=TLSv1.2") == 0)
        policy->version = 0x0303;
    else if (strcmp(value, ">=TLSv1.3") == 0)
        policy->version = 0x0304;
    return policy->version != 0;
}

static bool
put(char **list, size_t *count, char *value)
{
    if (*count == POSTFIX_WORDS)
        abort();
    list[(*count)++] = value;
    return true;
}

static bool
take_reporting(struct postfix_policy *policy, const char *name, char *value)
{
    if (strcasecmp(name, "policy_type") == 0)
        return (strcmp(value, "sts") == 0 || strcmp(value, "no-policy-found") == 0) &&
               once(&policy->type, value);
    if (strcasecmp(name, "policy_domain") == 0)
        return valid_hostname(value) && once(&policy->domain, value);
    if (strcasecmp(name, "policy_failure") == 0)
        return (strcmp(value, "sts-policy-fetch-error") == 0 ||
                strcmp(value, "sts-policy-invalid") == 0 ||
                strcmp(value, "sts-webpki-invalid") == 0) &&
               once(&policy->failure, value);
    if (strcasecmp(name, "policy_string") == 0)
        return put(policy->strings, &policy->string_count, value);
    if (strcasecmp(name, "mx_host_pattern") == 0)
        return put(policy->patterns, &policy->pattern_count, value);
    return false;
}

static bool
take_attribute(struct postfix_policy *policy, int release, char *word)
{
    char *name, *value;

    if (word[0] == '{' && release == POSTFIX_3_7)
        return false;
    if (!split(word, &name, &value))
        return false;
    if (strcasecmp(name, "match") == 0)
        return take_match(policy, value);
    if (strcasecmp(name, "protocols") == 0)
        return take_protocols(policy, value);
    if (strcasecmp(name, "servername") == 0)
        return valid_hostname(value) && once(&policy->sni, value);
    return release != POSTFIX_3_7 && take_reporting(policy, name, value);
}

static const struct {
    const char *word;
    int level;
} levels[] = {
    {"may", POSTFIX_MAY}, {"encrypt", POSTFIX_ENCRYPT}, {"secure", POSTFIX_SECURE},
    {"dane", POSTFIX_DANE}, {"dane-only", POSTFIX_DANE_ONLY},
};

static bool
take_level(struct postfix_policy *policy, const char *word)
{
    size_t i;

    for (i = 0; word != NULL && i < sizeof(levels) / sizeof(levels[0]); i++)
        if (strcmp(levels[i].word, word) == 0) {
            policy->level = levels[i].level;
            return true;
        }
    return refuse(policy);
}

void
postfix_read(struct postfix_policy *policy, const char *reply, int release)
{
    char *rest, *word;

    memset(policy, 0, sizeof(*policy));
    if (strcmp(reply, "NOTFOUND ") == 0)
        policy->level = POSTFIX_LOCAL;
    policy->text = strdup(reply);
    if (policy->text == NULL)
        abort();
    if (strncmp(reply, "OK ", 3) != 0)
        return;
    rest = policy->text + 3;
    if (!take_level(policy, next_word(&rest)))
        return;
    while ((word = next_word(&rest)) != NULL)
        if (!take_attribute(policy, release, word)) {
            refuse(policy);
            return;
        }
    if (policy->type == NULL && (policy->domain != NULL || policy->failure != NULL ||
                                 policy->pattern_count > 0 || policy->string_count > 0))
        refuse(policy);
    if (release == POSTFIX_3_10_5 && policy->type != NULL && strcmp(policy->type, "sts") == 0 &&
        policy->match_count > 0 && policy->pattern_count > 0) {
        policy->match_count = 1;
        policy->match[0] = NULL; /* the host's own name */
    } else {
        policy->pattern_count = 0;
    }
}

void
postfix_free(struct postfix_policy *policy)
{
    free(policy->text);
}

static bool
fits(const char *pattern, const char *name)
{
    const char *dot = strchr(name, '.');

    return strcasecmp(pattern, name) == 0 ||
           (strncmp(pattern, "*.", 2) == 0 && dot != NULL && strcasecmp(dot + 1, pattern + 2) == 0);
}

static bool
let_in(const struct postfix_policy *policy, const char *name)
{
    size_t i;

    for (i = 0; i < policy->pattern_count; i++)
        if (fits(policy->patterns[i], name))
            return true;
    return policy->pattern_count == 0;
}

/* A word that is the name of no host may be borne by anybody. */
static bool
name_matches(const struct postfix_policy *policy, const struct postfix_hosts *hosts, size_t host,
             uint32_t names)
{
    size_t i, k;

    for (i = 0; i < policy->match_count; i++) {
        const char *match = policy->match[i];
        bool known = false;

        if (match == NULL || strcasecmp(match, "hostname") == 0) {
            if ((names & 1u << host) != 0)
                return true;
            continue;
        }
        for (k = 0; k < hosts->count; k++)
            if (strcasecmp(hosts->names[k], match) == 0 && strcasecmp(match, "nexthop") != 0) {
                known = true;
                if ((names & 1u << k) != 0)
                    return true;
            }
        if (!known)
            return true;
    }
    return false;
}

bool
postfix_delivers(const struct postfix_policy *policy, const struct postfix_hosts *hosts,
                 size_t host, const struct postfix_session *session)
{
    bool encrypted = session->tls && session->version >= policy->version;

    if (!let_in(policy, hosts->names[host]))
        return false;
    switch (policy->level) {
    case POSTFIX_DEFERS:
        return false;
    case POSTFIX_LOCAL:
    case POSTFIX_MAY:
        return true;
    case POSTFIX_ENCRYPT:
        return encrypted;
    case POSTFIX_SECURE:
        return policy->failure == NULL && encrypted && session->chain &&
               name_matches(policy, hosts, host, session->names);
    case POSTFIX_DANE:
        if (!hosts->is_signed || session->tlsa == POSTFIX_TLSA_NONE)
            return true;
        return encrypted && (session->tlsa == POSTFIX_TLSA_UNUSABLE || session->dane_match);
    case POSTFIX_DANE_ONLY:
        return hosts->is_signed && session->tlsa == POSTFIX_TLSA_USABLE && encrypted &&
               session->dane_match;
    default:
        abort();
    }
}
