/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* From the gate to the memory: outcomes wait in the spool until the message was taken. */
#ifndef EXIM_RECORD_H
#define EXIM_RECORD_H

#include "connection.h"
#include "handover.h"

/* The gate has let a message through: keep the outcome for the process that hears of its end. */
void exim_record_keep(const struct exim_connection *c, const struct exim_handover *whose,
                      const struct exim_judgement *judgement);
/* The server took the message: record what waits. Works in a child as the user. */
void exim_record_delivered(const struct exim_settings *settings, const struct exim_handover *whose);
/* It did not, or not yet: what waits counts for nothing. */
void exim_record_forget(const struct exim_settings *settings, const struct exim_handover *whose);

#endif
