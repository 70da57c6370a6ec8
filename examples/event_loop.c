/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Many evaluations at once in an event loop: one descriptor to wait on, one
 * function to call. poll() stands here for whatever your program has.
 *
 *   event_loop example.org example.net ...
 */
#include <errno.h>
#include <poll.h>
#include <stdio.h>

#include <smtpsec.h>

struct progress {
    size_t open;   /* evaluations under way */
    size_t refused;
};

/* Called from inside smtpsec_process() only. The plan is ours now. */
static void
done(void *user, int status, struct smtpsec_plan *plan)
{
    struct progress *progress = user;

    progress->open--;
    if (status != 0) {
        fprintf(stderr, "%s\n", smtpsec_strerror(status));
        progress->refused++;
        return;
    }
    printf("%s: %s, %s\n", smtpsec_plan_domain(plan),
           smtpsec_verdict_name(smtpsec_plan_verdict(plan)),
           smtpsec_level_name(smtpsec_plan_level(plan)));
    if (smtpsec_plan_verdict(plan) != SMTPSEC_VERDICT_DELIVER)
        progress->refused++;
    smtpsec_plan_free(plan);
}

static int
start(struct smtpsec_context *context, const char *domain, struct progress *progress)
{
    struct smtpsec_destination *destination = NULL;
    int rc = smtpsec_destination_new(domain, &destination);

    if (rc == 0)
        rc = smtpsec_start(context, destination, 30000, done, progress, NULL);
    if (rc == 0)
        progress->open++;
    smtpsec_destination_free(destination);
    return rc;
}

static int
loop(struct smtpsec_context *context, const struct progress *progress)
{
    int rc = 0;

    while (rc == 0 && progress->open > 0) {
        struct pollfd p = {smtpsec_fd(context), POLLIN, 0};

        /* The descriptor covers the library's timers, too; the time-out is a second way. */
        if (poll(&p, 1, smtpsec_timeout_ms(context)) < 0 && errno != EINTR)
            return SMTPSEC_E_SYSTEM;
        rc = smtpsec_process(context);
    }
    return rc;
}

static int
make_context(struct smtpsec_anchors *anchors, struct smtpsec_options *options,
             struct smtpsec_context **context)
{
    int rc = smtpsec_anchors_load_system(anchors);

    if (rc == 0)
        rc = smtpsec_options_set_anchors(options, anchors);
    if (rc == 0)
        rc = smtpsec_options_load_system_resolvers(options);
    if (rc == 0)
        rc = smtpsec_context_new(options, context);
    return rc;
}

int
main(int argc, char **argv)
{
    struct smtpsec_anchors *anchors = NULL;
    struct smtpsec_options *options = NULL;
    struct smtpsec_context *context = NULL;
    struct progress progress = {0, 0};
    int rc = smtpsec_anchors_new(&anchors);
    int i;

    if (rc == 0)
        rc = smtpsec_options_new(&options);
    if (rc == 0)
        rc = make_context(anchors, options, &context);
    for (i = 1; rc == 0 && i < argc; i++)
        rc = start(context, argv[i], &progress);
    if (rc == 0)
        rc = loop(context, &progress);
    if (rc != 0)
        fprintf(stderr, "%s: %s\n", smtpsec_strerror(rc), smtpsec_options_error(options));
    /* What is still under way ends here without a callback. */
    smtpsec_context_free(context);
    smtpsec_options_free(options);
    smtpsec_anchors_free(anchors);
    return rc == 0 && progress.refused == 0 ? 0 : 1;
}
