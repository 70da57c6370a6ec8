/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Finds the HTTPS module beside the library's own file, and opens it. */
#include <dlfcn.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/error.h"
#include "drive/fetch.h"
#include "smtpsec.h"

/* Named by the build: its soname is the library's. */
static const char module_file[] = SS_FETCH_MODULE;

/* Lies in the library's own file, wherever that is. */
static const char landmark = 0;

/* "FIRST-LAST PERMS OFFSET DEVICE INODE   /FILE"; NULL when it does not hold the address. */
static const char *
file_of_mapping(char *line, uintptr_t address)
{
    char *end, *file;
    uintptr_t first, last;

    first = (uintptr_t)strtoull(line, &end, 16);
    if (*end != '-')
        return NULL;
    last = (uintptr_t)strtoull(end + 1, &end, 16);
    if (address < first || address >= last)
        return NULL;
    line[strcspn(line, "\n")] = '\0';
    file = strchr(end, '/');
    return file;
}

/*
 * The kernel's word for our file, for a library that was opened by a relative
 * path: the dynamic linker would repeat that path, and by now it could lead
 * into another directory, and to a stranger's module.
 */
static bool
file_by_kernel(char *out, size_t room)
{
    FILE *maps = fopen("/proc/self/maps", "re");
    const char *file = NULL;
    char *line = NULL;
    size_t size = 0;
    bool found = false;

    if (maps == NULL)
        return false;
    while (file == NULL && getline(&line, &size, maps) > 0)
        file = file_of_mapping(line, (uintptr_t)&landmark);
    if (file != NULL)
        found = (size_t)snprintf(out, room, "%s", file) < room;
    free(line);
    fclose(maps);
    return found;
}

static bool
own_file(char *out, size_t room)
{
    Dl_info info;

    if (dladdr(&landmark, &info) != 0 && info.dli_fname != NULL && info.dli_fname[0] == '/')
        return (size_t)snprintf(out, room, "%s", info.dli_fname) < room;
    return file_by_kernel(out, room);
}

/* The module's path: always absolute, so that no search path has a say. */
static bool
module_path(char *out, size_t room)
{
    char *slash;

    if (!own_file(out, room))
        return false;
    slash = strrchr(out, '/');
    if (slash == NULL || sizeof(module_file) > room - (size_t)(slash + 1 - out))
        return false;
    memcpy(slash + 1, module_file, sizeof(module_file));
    return true;
}

/* Never closed: libcurl and what it brings are not made to be unloaded. */
int
ss_fetch_module_find(const struct ss_fetch_module **out, struct ss_error *error)
{
    const struct ss_fetch_module *module;
    char path[PATH_MAX];
    const char *why;
    void *handle;

    *out = NULL;
    if (!module_path(path, sizeof(path)))
        return ss_error_set(error, SMTPSEC_E_FETCH, "cannot tell where this library lies");
    handle = dlopen(path, RTLD_NOW | RTLD_LOCAL | RTLD_NODELETE);
    if (handle == NULL) {
        why = dlerror();
        return ss_error_set(error, SMTPSEC_E_FETCH, "HTTPS module: %s", why != NULL ? why : path);
    }
    module = dlsym(handle, SS_FETCH_SYMBOL);
    if (module == NULL || module->version != SS_FETCH_VERSION)
        return ss_error_set(error, SMTPSEC_E_FETCH, "%s: of another version", path);
    *out = module;
    return 0;
}
