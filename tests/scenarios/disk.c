/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "disk.h"

#include <dirent.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>

int
story_memory_on_disk(struct story *story)
{
    char path[] = "/tmp/smtpsec-scenario-XXXXXX";
    int r;

    if (story->disk != NULL)
        return SMTPSEC_E_INVALID;
    if (mkdtemp(path) == NULL)
        return SMTPSEC_E_SYSTEM;
    story->disk = strdup(path);
    if (story->disk == NULL)
        abort();
    r = smtpsec_options_set_memory(story->options, path);
    return r;
}

static void
path_of(const struct story *story, const char *name, char path[512])
{
    snprintf(path, 512, "%s/%s", story->disk, name);
}

static void
remove_directory(const char *path)
{
    DIR *directory = opendir(path);
    struct dirent *entry;

    while (directory != NULL && (entry = readdir(directory)) != NULL)
        (void)unlinkat(dirfd(directory), entry->d_name, 0);
    if (directory != NULL)
        closedir(directory);
    rmdir(path);
}

void
story_disk_free(struct story *story)
{
    char plans[512];

    if (story->disk == NULL)
        return;
    path_of(story, "plans", plans);
    remove_directory(plans);
    remove_directory(story->disk);
    free(story->disk);
    story->disk = NULL;
    story->disk_full = false;
}

/* One octet in every 512 is turned over, meta pages too. */
static bool
damage(const char *path)
{
    FILE *file = fopen(path, "r+b");
    long at = 0;
    int c;

    if (file == NULL)
        return false;
    while (fseek(file, at, SEEK_SET) == 0 && (c = fgetc(file)) != EOF) {
        fseek(file, at, SEEK_SET);
        fputc(c ^ 0xff, file);
        at += 512;
    }
    return fclose(file) == 0 && at > 0;
}

const char *
story_memory(struct story *story, const char *what)
{
    char path[512];
    struct stat st;
    bool done = true;

    if (story->disk == NULL)
        return "the memory is not on disk";
    if (strcmp(what, "fill") == 0 || strcmp(what, "clear") == 0) {
        story->disk_full = strcmp(what, "fill") == 0;
        return NULL;
    }
    story_restart(story);
    path_of(story, "data.mdb", path);
    if (strcmp(what, "lose") == 0)
        done = unlink(path) == 0;
    else if (strcmp(what, "truncate") == 0)
        done = stat(path, &st) == 0 && truncate(path, st.st_size / 2 + 100) == 0;
    else if (strcmp(what, "empty") == 0)
        done = truncate(path, 0) == 0;
    else if (strcmp(what, "damage") == 0)
        done = damage(path);
    else
        return "unknown";
    return done ? NULL : "it could not be done";
}

/* A limit on the size of files is felt where a full disk is: in write(), by an error. */
void
story_disk(struct story *story, bool begin)
{
    static struct rlimit before;
    struct rlimit none;

    if (!story->disk_full)
        return;
    if (begin) {
        signal(SIGXFSZ, SIG_IGN);
        getrlimit(RLIMIT_FSIZE, &before);
        none = before;
        none.rlim_cur = 0;
        fflush(stdout);
        setrlimit(RLIMIT_FSIZE, &none);
    } else {
        setrlimit(RLIMIT_FSIZE, &before);
    }
}
