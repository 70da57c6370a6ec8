/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* What is done beside the answering: policies fetched anew, the memory cleared up. */
#ifndef SERVE_UPKEEP_H
#define SERVE_UPKEEP_H

#include "server.h"

/* Begin; nothing is done without a memory. Returns an exit code. */
int serve_upkeep_begin(struct serve_server *server);
/* Let go of the context; the next round finds what is left. */
void serve_upkeep_recall(struct serve_server *server);
void serve_upkeep_end(struct serve_server *server);

#endif
