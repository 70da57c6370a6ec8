/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The module's settings: a file of lines `NAME = VALUE`. */
#ifndef EXIM_SETTINGS_H
#define EXIM_SETTINGS_H

#include <stddef.h>
#include <stdint.h>

#define EXIM_RESOLVERS 8
#define EXIM_OWN_NAMES 8
#define EXIM_PATH 512
#define EXIM_NAME 256
#define EXIM_SETTINGS_OCTETS 65536

struct exim_settings {
    int report; /* say what would be refused, and refuse nothing */
    int trust_resolver;
    int allow_private; /* policy hosts may be on loopback or private addresses */
    int32_t timeout_ms; /* for one evaluation */
    char user[EXIM_NAME]; /* owner of memory and spool: who Exim runs as */
    char memory[EXIM_PATH]; /* "": none */
    char spool[EXIM_PATH];  /* where outcomes wait for msg:delivery; "": nothing is recorded */
    char ca_file[EXIM_PATH]; /* "": the system's */
    char policy[EXIM_PATH];  /* the operator's policy file; "": none */
    char resolvers[EXIM_RESOLVERS][EXIM_NAME];
    size_t resolver_count; /* 0: those of /etc/resolv.conf */
    char own_names[EXIM_OWN_NAMES][EXIM_NAME];
    size_t own_name_count;
};

/*
 * Read the text of a settings file. What is not known, said twice or out of
 * range is an error: a setting that is not understood must not go unnoticed.
 * Returns 0, or -1 with one line in wrong.
 */
int exim_settings_read(struct exim_settings *settings, const char *text, size_t len, char *wrong,
                       size_t room);

/* Load the file, which nobody else may write. Returns as above. */
int exim_settings_load(struct exim_settings *settings, const char *path, char *wrong, size_t room);

#endif
