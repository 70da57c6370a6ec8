/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include <dirent.h>
#include <stdio.h>
#include <string.h>

#include "table.h"
#include "sts_files.h"

static void
read_file(const char *folder, struct sts_file *file)
{
    char path[4096];
    FILE *stream;

    snprintf(path, sizeof(path), "%s/%s/%s", TEST_DATA, folder, file->name);
    stream = fopen(path, "rb");
    assert_non_null(stream);
    file->len = fread(file->data, 1, sizeof(file->data), stream);
    assert_true(feof(stream));
    fclose(stream);
}

/* The file's line in the table: | NAME | RULE, RULE | WHAT | */
static void
read_rules(const char *folder, struct sts_file *file)
{
    char path[4096], line[512], name[256];
    bool found = false;
    FILE *stream;

    snprintf(path, sizeof(path), "%s/%s/README.md", TEST_DATA, folder);
    stream = fopen(path, "r");
    assert_non_null(stream);
    while (!found && fgets(line, sizeof(line), stream) != NULL)
        found = sscanf(line, "| %255s | %63[^|]|", name, file->rules) == 2 &&
                strcmp(name, file->name) == 0;
    fclose(stream);
    if (!found)
        fail_msg("%s: not in the README", file->name);
}

size_t
sts_files_walk(const char *folder, void (*check)(const struct sts_file *file))
{
    static struct sts_file file;
    char path[4096];
    struct dirent *entry;
    size_t count = 0;
    DIR *dir;

    snprintf(path, sizeof(path), "%s/%s", TEST_DATA, folder);
    dir = opendir(path);
    assert_non_null(dir);
    while ((entry = readdir(dir)) != NULL) {
        if (entry->d_name[0] == '.' || strcmp(entry->d_name, "README.md") == 0)
            continue;
        snprintf(file.name, sizeof(file.name), "%s", entry->d_name);
        file.ok = strncmp(file.name, "ok_", 3) == 0;
        if (!file.ok && strncmp(file.name, "bad_", 4) != 0)
            fail_msg("%s: begins with neither ok_ nor bad_", file.name);
        read_file(folder, &file);
        read_rules(folder, &file);
        check(&file);
        count++;
    }
    closedir(dir);
    return count;
}
