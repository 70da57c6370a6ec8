/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* What is remembered of a destination, read from the store. */
#include <string.h>

#include "engine/learn.h"

struct ss_bytes
ss_policy_key(const struct ss_name *domain)
{
    struct ss_bytes key;

    key.data = domain->wire;
    key.len = domain->len;
    return key;
}

static struct ss_bytes
view(const struct ss_buf *buf)
{
    struct ss_bytes bytes;

    bytes.data = buf->data;
    bytes.len = buf->len;
    return bytes;
}

/* A value as it is stored, and its stamp; none is empty, and no error. */
static int
get_stamped(struct ss_store *store, enum ss_store_table table, struct ss_bytes key,
            struct ss_buf *value, struct ss_stamp *stamp)
{
    int r = ss_store_get(store, table, key, value);

    memset(stamp, 0, sizeof(*stamp));
    if (r == 0)
        *stamp = ss_stamp_of(view(value));
    return r;
}

static int
recall_record(struct ss_store *store, const struct ss_memory_key *key, struct ss_record *record,
              struct ss_stamp *stamp, int *fault)
{
    struct ss_buf octets, value;
    int r;

    ss_buf_init(&octets, 1024);
    ss_buf_init(&value, SS_STORE_VALUE_MAX);
    ss_memory_key_write(&octets, key);
    r = ss_buf_ok(&octets) ? get_stamped(store, SS_TABLE_CLAIMS, view(&octets), &value, stamp)
                           : SMTPSEC_E_NOMEM;
    if (r == 0)
        r = ss_record_read(record, key, view(&value));
    if (r == SMTPSEC_E_FORMAT || r == SMTPSEC_E_VERSION) {
        *fault = r;
        r = SMTPSEC_E_NOT_FOUND;
    }
    if (r == SMTPSEC_E_NOT_FOUND) {
        ss_record_init(record, key);
        r = 0;
    }
    ss_buf_free(&octets);
    ss_buf_free(&value);
    return r;
}

int
ss_recall_record(struct ss_store *store, const struct ss_memory_key *key, struct ss_record *record,
                 int *fault)
{
    struct ss_stamp stamp;

    return recall_record(store, key, record, &stamp, fault);
}

static int
recall_policy(struct ss_store *store, const struct ss_name *domain, struct ss_sts_entry *entry,
              struct ss_stamp *stamp, int *fault)
{
    struct ss_buf value;
    int r;

    ss_sts_entry_init(entry);
    ss_buf_init(&value, SS_STORE_VALUE_MAX);
    r = get_stamped(store, SS_TABLE_POLICIES, ss_policy_key(domain), &value, stamp);
    if (r == 0)
        r = ss_sts_entry_read(entry, ss_policy_key(domain), view(&value));
    if (r == SMTPSEC_E_FORMAT || r == SMTPSEC_E_VERSION) {
        *fault = r;
        r = SMTPSEC_E_NOT_FOUND;
    }
    if (r == SMTPSEC_E_NOT_FOUND) {
        ss_sts_entry_init(entry);
        r = 0;
    }
    ss_buf_free(&value);
    return r;
}

int
ss_recall_policy(struct ss_store *store, const struct ss_name *domain, struct ss_sts_entry *entry,
                 int *fault)
{
    struct ss_stamp stamp;

    return recall_policy(store, domain, entry, &stamp, fault);
}

int
ss_recall_stamped(struct ss_store *store, const struct smtpsec_destination *destination,
                  struct ss_record *record, struct ss_sts_entry *entry, struct ss_stamps *stamps,
                  int *fault)
{
    struct ss_memory_key key;
    int r;

    *fault = 0;
    memset(stamps, 0, sizeof(*stamps));
    ss_destination_key(destination, &key);
    ss_record_init(record, &key);
    ss_sts_entry_init(entry);
    if (destination->literal)
        return 0;
    r = recall_record(store, &key, record, &stamps->claims, fault);
    if (r == 0)
        r = recall_policy(store, &destination->domain, entry, &stamps->policy, fault);
    if (r != 0) {
        ss_record_free(record);
        ss_record_init(record, &key);
        ss_sts_entry_free(entry);
        ss_sts_entry_init(entry);
    }
    stamps->known = r == 0;
    return r;
}

int
ss_recall(struct ss_store *store, const struct smtpsec_destination *destination,
          struct ss_record *record, struct ss_sts_entry *entry, int *fault)
{
    struct ss_stamps stamps;

    return ss_recall_stamped(store, destination, record, entry, &stamps, fault);
}

int
ss_recall_stamps(struct ss_store *store, const struct ss_name *domain, struct ss_stamps *stamps)
{
    struct ss_buf octets, value;
    struct ss_memory_key key;
    int r;

    memset(stamps, 0, sizeof(*stamps));
    memset(&key, 0, sizeof(key));
    key.domain = *domain;
    key.port = 25;
    ss_buf_init(&octets, 1024);
    ss_buf_init(&value, SS_STORE_VALUE_MAX);
    ss_memory_key_write(&octets, &key);
    r = ss_buf_ok(&octets)
            ? get_stamped(store, SS_TABLE_CLAIMS, view(&octets), &value, &stamps->claims)
            : SMTPSEC_E_NOMEM;
    value.len = 0;
    if (r == 0 || r == SMTPSEC_E_NOT_FOUND)
        r = get_stamped(store, SS_TABLE_POLICIES, ss_policy_key(domain), &value, &stamps->policy);
    ss_buf_free(&octets);
    ss_buf_free(&value);
    stamps->known = r == 0 || r == SMTPSEC_E_NOT_FOUND;
    return r == SMTPSEC_E_NOT_FOUND ? 0 : r;
}
