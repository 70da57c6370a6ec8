/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "policy_edit.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <smtpsec.h>

#include "text.h"

enum { OCTETS = 1 << 20 }; /* of a policy file */

/* ---- The text ---- */

struct word {
    const char *at;
    size_t len;
};

static int
is_blank(char c)
{
    return c == ' ' || c == '\t';
}

/* The next word of a line; a comment is none. */
static struct word
next_word(const char **at, const char *end)
{
    struct word word = {NULL, 0};

    while (*at < end && is_blank(**at))
        (*at)++;
    if (*at == end || **at == '#')
        return word;
    word.at = *at;
    while (*at < end && !is_blank(**at) && **at != '\r')
        (*at)++;
    word.len = (size_t)(*at - word.at);
    return word;
}

static int
word_is(struct word word, const char *text)
{
    return word.len == strlen(text) && memcmp(word.at, text, word.len) == 0;
}

/* Where the mode of a kind stands; at is NULL when no line says it. */
static struct word
find_mode(const char *text, size_t len, const char *kind)
{
    const char *end = text + len;
    const char *at = text;
    struct word none = {NULL, 0};

    while (at < end) {
        const char *newline = memchr(at, '\n', (size_t)(end - at));
        const char *line_end = newline != NULL ? newline : end;

        if (word_is(next_word(&at, line_end), "mode") && word_is(next_word(&at, line_end), kind)) {
            struct word mode = next_word(&at, line_end);

            if (mode.len > 0)
                return mode;
        }
        at = newline != NULL ? newline + 1 : end;
    }
    return none;
}

int
policy_edit_text(const char *text, size_t len, const char *kind, const char *mode, char **out,
                 size_t *out_len)
{
    struct word old = find_mode(text, len, kind);
    size_t before = old.at != NULL ? (size_t)(old.at - text) : len;
    size_t room = len + strlen(kind) + strlen(mode) + 16;
    int break_first = old.at == NULL && len > 0 && text[len - 1] != '\n';
    char *made;
    int written;

    *out = NULL;
    if (old.at != NULL && word_is(old, mode))
        return 0;
    made = malloc(room);
    if (made == NULL)
        return -1;
    memcpy(made, text, before);
    if (old.at != NULL)
        written = snprintf(made + before, room - before, "%s", mode);
    else
        written = snprintf(made + before, room - before, "%smode %s %s\n", break_first ? "\n" : "",
                           kind, mode);
    memcpy(made + before + written, text + before + old.len, len - before - old.len);
    *out = made;
    *out_len = len + (size_t)written - old.len;
    return 1;
}

/* ---- The file ---- */

static void
say_cannot(const char *what, const char *path)
{
    int error = errno;
    char shown[PATH_MAX + 1];

    text_escape(shown, sizeof(shown), path, strlen(path));
    tool_say("cannot %s %s: %s", what, shown, strerror(error));
}

/* It must pass as a policy file: whoever reads it next takes all of it or nothing. */
static int
passes(const char *path, const char *text, size_t len, int64_t now)
{
    struct smtpsec_faults *faults = NULL;
    int rc = smtpsec_policy_check((const uint8_t *)text, len, now, &faults);
    int fit = rc == 0;
    size_t i;

    for (i = 0; i < smtpsec_faults_count(faults); i++) {
        if (smtpsec_faults_harmless(faults, i))
            continue;
        tool_say("%s:%u: %s", path, (unsigned int)smtpsec_faults_line(faults, i),
                 smtpsec_faults_text(faults, i));
        fit = 0;
    }
    if (rc != 0)
        tool_say("%s: %s", path, smtpsec_strerror(rc));
    smtpsec_faults_free(faults);
    return fit;
}

static int
write_all(int fd, const char *data, size_t len)
{
    size_t done = 0;

    while (done < len) {
        ssize_t n = write(fd, data + done, len - done);

        if (n < 0 && errno != EINTR)
            return -1;
        if (n > 0)
            done += (size_t)n;
    }
    return 0;
}

static int
same_file(const char *path, const struct stat *known)
{
    struct stat now;

    return lstat(path, &now) == 0 && now.st_dev == known->st_dev && now.st_ino == known->st_ino &&
           now.st_size == known->st_size && now.st_mtim.tv_sec == known->st_mtim.tv_sec &&
           now.st_mtim.tv_nsec == known->st_mtim.tv_nsec;
}

/* Owner before mode: changing the owner may take bits of the mode away. */
static int
fill(int fd, const struct stat *like, const char *text, size_t len)
{
    struct stat made;

    if (fstat(fd, &made) != 0)
        return -1;
    if ((made.st_uid != like->st_uid || made.st_gid != like->st_gid) &&
        fchown(fd, like->st_uid, like->st_gid) != 0)
        return -1;
    if (fchmod(fd, like->st_mode & 07777) != 0 || write_all(fd, text, len) != 0)
        return -1;
    return fsync(fd);
}

/* The name must outlive a loss of power as well as the text. */
static int
sync_directory(const char *path, size_t directory_len)
{
    char directory[PATH_MAX];
    int fd;
    int rc;

    snprintf(directory, sizeof(directory), "%.*s", (int)directory_len, path);
    fd = open(directory, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (fd < 0)
        return -1;
    rc = fsync(fd);
    close(fd);
    return rc;
}

/* path is absolute and no link. Returns 0, or -1 (said). */
static int
replace(const char *path, const struct stat *known, const char *text, size_t len)
{
    char beside[PATH_MAX];
    size_t directory_len = (size_t)(strrchr(path, '/') - path) + 1;
    int rc = snprintf(beside, sizeof(beside), "%.*s.smtpsec-policy.XXXXXX", (int)directory_len,
                      path);
    int fd;

    if (rc < 0 || (size_t)rc >= sizeof(beside)) {
        errno = ENAMETOOLONG;
        say_cannot("write beside", path);
        return -1;
    }
    fd = mkostemp(beside, O_CLOEXEC);
    if (fd < 0) {
        say_cannot("write beside", path);
        return -1;
    }
    rc = fill(fd, known, text, len);
    if (close(fd) != 0)
        rc = -1;
    if (rc == 0 && !same_file(path, known)) {
        errno = EAGAIN; /* somebody else has written it meanwhile */
        rc = -1;
    }
    if (rc == 0)
        rc = rename(beside, path);
    if (rc != 0) {
        say_cannot("replace", path);
        unlink(beside);
        return -1;
    }
    if (sync_directory(path, directory_len) != 0)
        say_cannot("make sure of", path);
    return 0;
}

static int
edit(const char *path, const struct stat *known, const char *kind, const char *mode, int64_t now)
{
    char *text = NULL;
    char *made = NULL;
    size_t len = 0;
    size_t made_len = 0;
    int code = TOOL_OK;
    int changed;

    if (text_read_file(path, OCTETS, &text, &len) != 0)
        return TOOL_NO_INPUT;
    changed = policy_edit_text(text, len, kind, mode, &made, &made_len);
    if (changed < 0)
        tool_out_of_memory();
    if (changed && !passes(path, made, made_len, now))
        code = TOOL_DATA;
    else if (changed && replace(path, known, made, made_len) != 0)
        code = TOOL_CANNOT_CREATE;
    free(made);
    free(text);
    return code;
}

int
policy_edit_file(const char *path, const char *kind, const char *mode, int64_t now)
{
    char real[PATH_MAX];
    struct stat known;
    int code = TOOL_NO_INPUT;

    if (realpath(path, real) == NULL || lstat(real, &known) != 0)
        say_cannot("read", path);
    else if (!S_ISREG(known.st_mode))
        tool_say("cannot change what is no regular file");
    else if (known.st_nlink > 1) /* the other names would keep the old text */
        tool_say("cannot change a file that has %u names", (unsigned int)known.st_nlink);
    else
        code = edit(real, &known, kind, mode, now);
    return code;
}
