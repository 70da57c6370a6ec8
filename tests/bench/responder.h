/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * The least that can answer for a resolver: it looks at name and type of a
 * question and writes a reply that any parser takes, without a cache, a zone
 * or a signature that means anything. With it in front, what is measured is
 * the asking side alone.
 *
 * dI-N.plain.test and dI-N.dane.test are domains with N MX hosts, mxK below
 * them, each with one A, one AAAA and one TLSA record; there is no policy. What
 * lies under dane.test has AD and, where DO asks for it, RRSIGs of the right size.
 */
#ifndef BENCH_RESPONDER_H
#define BENCH_RESPONDER_H

#include <stdint.h>
#include <sys/types.h>

/*
 * Start a process that answers on a loopback port, each reply after so many
 * milliseconds, on this processor (-1: any). It ends with its parent.
 */
pid_t bench_responder_start(unsigned delay_ms, int processor, uint16_t *port);
void bench_responder_stop(pid_t pid);
/* Run on this processor alone; -1, or one that is not there: no matter. */
void bench_pin(int processor);

#endif
