/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* One datagram to a TLSRPT collector's socket. */
#ifndef SS_DRIVE_COLLECTOR_H
#define SS_DRIVE_COLLECTOR_H

#include "base/bytes.h"

/*
 * Send and do not wait: what the collector has no room for is lost. Returns 0,
 * INVALID (no path), LIMIT (a path longer than a socket's address holds), SYSTEM.
 */
int ss_collector_send(const char *path, struct ss_bytes datagram);

#endif
