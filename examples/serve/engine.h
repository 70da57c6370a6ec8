/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The library's context, joined to the loop. */
#ifndef SERVE_ENGINE_H
#define SERVE_ENGINE_H

#include "server.h"

/* Read trust anchors, policy file and resolvers, open the memory. Returns an exit code. */
int serve_engine_open(struct serve_server *server);
/*
 * The same anew. On failure (said) all stays as it was. Else evaluations begin
 * again, no plan made before is used any more, and connections notice nothing.
 */
void serve_engine_reload(struct serve_server *server);
void serve_engine_close(struct serve_server *server);
/* Who evaluates, for the flights. */
void serve_engine_pilot(struct serve_server *server, struct serve_pilot *pilot);
/* Wait for the context; after anything was begun in it. */
void serve_engine_wait(struct serve_server *server);
/* Log and count the events that wait. */
void serve_engine_events(struct serve_server *server);

#endif
