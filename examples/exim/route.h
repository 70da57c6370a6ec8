/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* What a plan means to Exim: the data of a redirect router, and a list of hosts. */
#ifndef EXIM_ROUTE_H
#define EXIM_ROUTE_H

#include <stddef.h>

#include <smtpsec.h>

#include "settings.h"

/* What the router is to do about a domain. */
struct exim_question {
    const struct exim_settings *settings;
    const char *domain;
    const char *sender;
    const char *headers;
};

/*
 * Evaluate, and write "" when there are hosts to go on with, else
 * ":defer: TEXT" or ":fail: TEXT". An exim_work for the helper.
 */
int exim_route(void *question, char *out, size_t room);

/*
 * Write the names of the hosts that may be tried, best first, those of equal
 * preference in random order, separated by " : ".
 * report:  also those that the plan skips.
 * Returns how many there are; 0 also when they find no room.
 */
size_t exim_hosts(const struct smtpsec_plan *plan, int report, char *out, size_t room);

#endif
