/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * The page with the figures. HTTP by hand: one request a connection, so few
 * connections at once, so little time for each. An HTTP server would be larger
 * and knows no bound of connections.
 */
#ifndef SERVE_PAGE_H
#define SERVE_PAGE_H

#include "server.h"

/* Readers at once. */
#define SERVE_PAGES 16

void serve_page_accept(struct serve_server *server, int fd);
void serve_pages_end(struct serve_server *server);

#endif
