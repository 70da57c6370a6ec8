/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Reading a whole small file. */
#ifndef SS_DRIVE_FILE_H
#define SS_DRIVE_FILE_H

#include "base/bytes.h"
#include "base/error.h"

/* Read it into buf (initialised with a limit). Returns 0, NOMEM, LIMIT, SYSTEM with a text. */
int ss_file_read(const char *path, struct ss_buf *buf, struct ss_error *error);

#endif
