/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "operator/rules.h"

#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "smtpsec.h"

struct ss_rules {
    atomic_uint references;
    size_t count;
    size_t room;
    size_t relays;
    struct ss_rule *list; /* as they came */
    uint16_t *order;      /* their places, sorted by key */
};

_Static_assert(SS_RULES_MAX <= UINT16_MAX, "a place fits");

struct ss_rules *
ss_rules_ref(struct ss_rules *table)
{
    if (table != NULL)
        atomic_fetch_add_explicit(&table->references, 1, memory_order_relaxed);
    return table;
}

void
ss_rules_unref(struct ss_rules *table)
{
    if (table == NULL ||
        atomic_fetch_sub_explicit(&table->references, 1, memory_order_acq_rel) != 1)
        return;
    free(table->list);
    free(table->order);
    free(table);
}

size_t
ss_rules_count(const struct ss_rules *table)
{
    return table == NULL ? 0 : table->count;
}

const struct ss_rule *
ss_rules_at(const struct ss_rules *table, size_t n)
{
    return n < ss_rules_count(table) ? &table->list[n] : NULL;
}

static int
compare(const struct ss_rule *a, const struct ss_rule *b)
{
    int order = (int)a->scope - (int)b->scope;

    if (order == 0)
        order = ss_name_compare(&a->name, &b->name);
    if (order == 0)
        order = (int)a->kind - (int)b->kind;
    if (order == 0)
        order = (int)a->host_below - (int)b->host_below;
    return order != 0 ? order : ss_name_compare(&a->host, &b->host);
}

/* Where the first that is not before this key stands in the order, or would. */
static size_t
place_of(const struct ss_rules *table, const struct ss_rule *key)
{
    size_t low = 0, high = table->count;

    while (low < high) {
        size_t middle = low + (high - low) / 2;

        if (compare(&table->list[table->order[middle]], key) < 0)
            low = middle + 1;
        else
            high = middle;
    }
    return low;
}

/* A table of one's own with room for one more. */
static struct ss_rules *
copy_wider(const struct ss_rules *table)
{
    struct ss_rules *copy = calloc(1, sizeof(*copy));
    size_t count = ss_rules_count(table);

    if (copy == NULL)
        return NULL;
    atomic_init(&copy->references, 1);
    copy->room = count < 8 ? 8 : count * 2;
    copy->list = calloc(copy->room, sizeof(*copy->list));
    copy->order = calloc(copy->room, sizeof(*copy->order));
    if (copy->list == NULL || copy->order == NULL) {
        ss_rules_unref(copy);
        return NULL;
    }
    if (count > 0) {
        memcpy(copy->list, table->list, count * sizeof(*copy->list));
        memcpy(copy->order, table->order, count * sizeof(*copy->order));
        copy->relays = table->relays;
    }
    copy->count = count;
    return copy;
}

int
ss_rules_add(struct ss_rules **table, const struct ss_rule *rule)
{
    struct ss_rules *mine = *table;
    size_t at;

    if (ss_rules_count(mine) >= SS_RULES_MAX)
        return SMTPSEC_E_LIMIT;
    if (mine == NULL || mine->count == mine->room ||
        atomic_load_explicit(&mine->references, memory_order_acquire) != 1) {
        mine = copy_wider(*table);
        if (mine == NULL)
            return SMTPSEC_E_NOMEM;
        ss_rules_unref(*table);
        *table = mine;
    }
    at = place_of(mine, rule);
    memmove(&mine->order[at + 1], &mine->order[at], (mine->count - at) * sizeof(*mine->order));
    mine->order[at] = (uint16_t)mine->count;
    mine->list[mine->count++] = *rule;
    mine->relays += rule->kind == SS_RULE_RELAY;
    return 0;
}

static const struct ss_rule *
at_key(const struct ss_rules *table, const struct ss_rule *key)
{
    size_t at = place_of(table, key);
    const struct ss_rule *rule = at < table->count ? &table->list[table->order[at]] : NULL;

    return rule != NULL && compare(rule, key) == 0 ? rule : NULL;
}

const struct ss_rule *
ss_rules_same(const struct ss_rules *table, const struct ss_rule *rule)
{
    return table == NULL ? NULL : at_key(table, rule);
}

/* ---- Looking up ---- */

/* The next parent; false at the root, for which nobody makes a rule. */
static bool
to_parent(struct ss_name *name)
{
    size_t skip;

    if (name->len <= 1)
        return false;
    skip = 1 + (size_t)name->wire[0];
    if (skip + 1 >= name->len)
        return false;
    memmove(name->wire, name->wire + skip, name->len - skip);
    name->len = (uint8_t)(name->len - skip);
    return true;
}

static bool
raises(enum ss_rule_kind kind)
{
    return kind == SS_RULE_LEVEL || kind == SS_RULE_TLS_VERSION || kind == SS_RULE_STS_TESTING;
}

/* Take what stands at one place. The places are looked at from the narrowest to the widest. */
static void
take_place(const struct ss_rules *table, struct ss_rule *key,
           const struct ss_rule *found[SS_RULE_KINDS])
{
    const struct ss_rule *rule;
    size_t i;

    key->kind = SS_RULE_LEVEL; /* the first */
    for (i = place_of(table, key); i < table->count; i++) {
        rule = &table->list[table->order[i]];
        if (rule->scope != key->scope || rule->kind == SS_RULE_RELAY ||
            !ss_name_equal(&rule->name, &key->name))
            return;
        if (found[rule->kind] == NULL ||
            (raises(rule->kind) && rule->value > found[rule->kind]->value))
            found[rule->kind] = rule;
    }
}

void
ss_rules_for_domain(const struct ss_rules *table, const struct ss_name *domain,
                    const struct ss_rule *found[SS_RULE_KINDS])
{
    struct ss_rule key;

    memset(found, 0, SS_RULE_KINDS * sizeof(*found));
    if (ss_rules_count(table) == 0)
        return;
    memset(&key, 0, sizeof(key));
    key.name = *domain;
    key.scope = SS_RULE_DOMAIN;
    if (domain->len > 1)
        take_place(table, &key, found);
    key.scope = SS_RULE_BELOW;
    while (to_parent(&key.name))
        take_place(table, &key, found);
    memset(&key, 0, sizeof(key));
    key.scope = SS_RULE_DEFAULT;
    take_place(table, &key, found);
}

const struct ss_rule *
ss_rules_for_mx(const struct ss_rules *table, const struct ss_name *host)
{
    const struct ss_rule *found[SS_RULE_KINDS] = { NULL };
    struct ss_rule key;

    if (ss_rules_count(table) == 0 || host->len <= 1)
        return NULL;
    memset(&key, 0, sizeof(key));
    key.name = *host;
    key.scope = SS_RULE_MX;
    take_place(table, &key, found);
    key.scope = SS_RULE_MX_BELOW;
    while (to_parent(&key.name))
        take_place(table, &key, found);
    return found[SS_RULE_LEVEL];
}

/* A relay for the key's domain that is the host, or a host below. */
static const struct ss_rule *
relay_at(const struct ss_rules *table, struct ss_rule *key, const struct ss_name *host)
{
    const struct ss_rule *rule;

    key->host = *host;
    key->host_below = false;
    rule = at_key(table, key);
    key->host_below = true;
    while (rule == NULL && to_parent(&key->host))
        rule = at_key(table, key);
    return rule;
}

const struct ss_rule *
ss_rules_relay(const struct ss_rules *table, const struct ss_name *domain,
               const struct ss_name *host)
{
    const struct ss_rule *rule;
    struct ss_rule key;

    if (table == NULL || table->relays == 0 || domain->len <= 1 || host->len <= 1)
        return NULL;
    memset(&key, 0, sizeof(key));
    key.kind = SS_RULE_RELAY;
    key.name = *domain;
    key.scope = SS_RULE_DOMAIN;
    rule = relay_at(table, &key, host);
    key.scope = SS_RULE_BELOW;
    while (rule == NULL && to_parent(&key.name))
        rule = relay_at(table, &key, host);
    return rule;
}

static const struct ss_rule *
stricter_at(const struct ss_rules *table, struct ss_rule *key, const struct ss_rule *than)
{
    const struct ss_rule *rule = at_key(table, key);

    return rule != NULL && rule->value > than->value ? rule : NULL;
}

const struct ss_rule *
ss_rules_stricter(const struct ss_rules *table, const struct ss_rule *rule)
{
    bool of_mx = rule->scope == SS_RULE_MX || rule->scope == SS_RULE_MX_BELOW;
    const struct ss_rule *wider = NULL;
    struct ss_rule key = *rule;

    if (ss_rules_count(table) == 0 || !raises(rule->kind) || rule->scope == SS_RULE_DEFAULT)
        return NULL;
    key.scope = of_mx ? SS_RULE_MX_BELOW : SS_RULE_BELOW;
    while (wider == NULL && to_parent(&key.name))
        wider = stricter_at(table, &key, rule);
    if (wider != NULL || of_mx)
        return wider;
    key.scope = SS_RULE_DEFAULT;
    memset(&key.name, 0, sizeof(key.name));
    return stricter_at(table, &key, rule);
}

/* ---- Showing ---- */

static const char *
value_text(const struct ss_rule *rule)
{
    switch (rule->kind) {
    case SS_RULE_TLS_VERSION:
        return rule->value == 0x0304 ? "1.3" : "1.2";
    case SS_RULE_STS_TESTING:
        return rule->value != 0 ? "strict" : "report";
    case SS_RULE_DANE_ALONE:
        return rule->value != 0 ? "on" : "off";
    default:
        return smtpsec_level_name(rule->value);
    }
}

void
ss_rule_text(const struct ss_rule *rule, char out[SS_RULE_TEXT])
{
    static const char *const words[] = { "level",       "tls-version", "sts-testing",
                                         "insecure-mx", "dane-alone",  "relay" };
    bool of_mx = rule->scope == SS_RULE_MX || rule->scope == SS_RULE_MX_BELOW;
    bool below = rule->scope == SS_RULE_BELOW || rule->scope == SS_RULE_MX_BELOW;
    char name[SS_NAME_TEXT] = "default", host[SS_NAME_TEXT];

    if (rule->scope != SS_RULE_DEFAULT)
        ss_name_to_text(&rule->name, name);
    ss_name_to_text(&rule->host, host);
    if (rule->kind == SS_RULE_RELAY)
        snprintf(out, SS_RULE_TEXT, "relay %s%.253s %s%.253s", below ? "." : "", name,
                 rule->host_below ? "." : "", host);
    else
        snprintf(out, SS_RULE_TEXT, "%s %s%.253s %s", of_mx ? "mx" : words[rule->kind],
                 below ? "." : "", name, value_text(rule));
}
