/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "pkix/anchors.h"

#include "drive/file.h"

/* A bundle of all public CAs is a quarter of a megabyte. */
#define BUNDLE_MAX (16 * 1024 * 1024)

int
smtpsec_anchors_new(struct smtpsec_anchors **out)
{
    return out == NULL ? SMTPSEC_E_INVALID : ss_anchors_new(out);
}

int
smtpsec_anchors_load_file(struct smtpsec_anchors *anchors, const char *path)
{
    struct ss_bytes pem;
    struct ss_buf buf;
    int r;

    if (anchors == NULL || path == NULL)
        return SMTPSEC_E_INVALID;
    ss_buf_init(&buf, BUNDLE_MAX);
    r = ss_file_read(path, &buf, ss_anchors_error(anchors));
    pem.data = buf.data;
    pem.len = buf.len;
    if (r == 0)
        r = ss_anchors_add_pem(anchors, pem);
    if (r == SMTPSEC_E_TRUST)
        ss_error_set(ss_anchors_error(anchors), r, "%s holds no certificate", path);
    ss_buf_free(&buf);
    return r;
}

int
smtpsec_anchors_load_system(struct smtpsec_anchors *anchors)
{
    return smtpsec_anchors_load_file(anchors, SS_CA_BUNDLE);
}

int
smtpsec_anchors_add_der(struct smtpsec_anchors *anchors, const uint8_t *der, size_t len)
{
    struct ss_bytes bytes = {der, len};

    if (anchors == NULL || der == NULL)
        return SMTPSEC_E_INVALID;
    return ss_anchors_add_der(anchors, bytes);
}

size_t
smtpsec_anchors_count(const struct smtpsec_anchors *anchors)
{
    return anchors == NULL ? 0 : ss_anchors_count(anchors);
}

const char *
smtpsec_anchors_error(const struct smtpsec_anchors *anchors)
{
    if (anchors == NULL)
        return NULL;
    return ss_anchors_error((struct smtpsec_anchors *)(uintptr_t)anchors)->text;
}

struct smtpsec_anchors *
smtpsec_anchors_hold(struct smtpsec_anchors *anchors)
{
    return ss_anchors_ref(anchors);
}

void
smtpsec_anchors_free(struct smtpsec_anchors *anchors)
{
    ss_anchors_unref(anchors);
}
