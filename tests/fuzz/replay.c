/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Run a fuzz target over the files of the folders given; a folder that is not there is empty. */
#include <dirent.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static int
run_file(const char *path)
{
    static uint8_t data[1 << 20];
    FILE *file = fopen(path, "rb");
    size_t len;
    uint8_t *exact;

    if (file == NULL) {
        perror(path);
        return -1;
    }
    len = fread(data, 1, sizeof(data), file);
    fclose(file);
    /* An allocation of the exact size lets the sanitizers see a read past its end. */
    exact = malloc(len > 0 ? len : 1);
    if (exact == NULL)
        return -1;
    for (size_t i = 0; i < len; i++)
        exact[i] = data[i];
    LLVMFuzzerTestOneInput(exact, len);
    free(exact);
    return 0;
}

int
main(int argc, char **argv)
{
    char path[4096];
    struct dirent *entry;
    size_t files = 0;
    DIR *folder;
    int i;

    for (i = 1; i < argc; i++) {
        folder = opendir(argv[i]);
        if (folder == NULL)
            continue;
        while ((entry = readdir(folder)) != NULL) {
            if (entry->d_name[0] == '.')
                continue;
            snprintf(path, sizeof(path), "%s/%s", argv[i], entry->d_name);
            if (run_file(path) != 0) {
                closedir(folder);
                return 1;
            }
            files++;
        }
        closedir(folder);
    }
    printf("%zu inputs replayed\n", files);
    return files > 0 ? 0 : 1;
}
