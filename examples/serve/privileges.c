/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "privileges.h"

#include <errno.h>
#include <grp.h>
#include <pwd.h>
#include <string.h>
#include <sys/resource.h>
#include <unistd.h>

#include "../text.h"

int
serve_become(const char *name)
{
    const struct passwd *user = getpwnam(name);
    uid_t uid, euid, saved;

    if (user == NULL) {
        tool_say("--user: no such user");
        return TOOL_USAGE;
    }
    uid = user->pw_uid;
    if (geteuid() == uid && getuid() == uid)
        return TOOL_OK;
    if (initgroups(user->pw_name, user->pw_gid) != 0 || setgid(user->pw_gid) != 0 ||
        setuid(uid) != 0) {
        tool_say("cannot become %s: %s", user->pw_name, strerror(errno));
        return TOOL_SYSTEM;
    }
    /* No way back must be left. */
    if (getresuid(&saved, &euid, &uid) != 0 || saved != user->pw_uid || euid != user->pw_uid ||
        uid != user->pw_uid || (user->pw_uid != 0 && setuid(0) == 0)) {
        tool_say("did not become %s wholly", user->pw_name);
        return TOOL_SYSTEM;
    }
    return TOOL_OK;
}

/* The hard limit is raised where we may; as root without that capability we may not. */
size_t
serve_need_descriptors(size_t wanted)
{
    struct rlimit limit, more;

    if (getrlimit(RLIMIT_NOFILE, &limit) != 0 || limit.rlim_cur >= wanted)
        return wanted;
    more.rlim_cur = wanted;
    more.rlim_max = limit.rlim_max < wanted ? wanted : limit.rlim_max;
    if (setrlimit(RLIMIT_NOFILE, &more) == 0)
        return wanted;
    more.rlim_cur = limit.rlim_max < wanted ? limit.rlim_max : wanted;
    more.rlim_max = limit.rlim_max;
    if (setrlimit(RLIMIT_NOFILE, &more) != 0)
        more.rlim_cur = limit.rlim_cur;
    if (more.rlim_cur < wanted)
        tool_say("%zu descriptors are wanted, the limit is %zu", wanted, (size_t)more.rlim_cur);
    return more.rlim_cur < wanted ? (size_t)more.rlim_cur : wanted;
}
