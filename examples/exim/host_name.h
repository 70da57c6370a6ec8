/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Names of hosts, which come from strangers, on their way into Exim's list of hosts. */
#ifndef EXIM_HOST_NAME_H
#define EXIM_HOST_NAME_H

/* Can it stand in that list, and mean nothing but a host's name: no address, port or separator? */
int exim_is_host_name(const char *name);

#endif
