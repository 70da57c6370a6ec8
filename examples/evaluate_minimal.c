/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * The shortest use: what does mail to this domain require?
 *
 *   evaluate_minimal example.org
 *
 *   cc evaluate_minimal.c $(pkg-config --cflags --libs libsmtpsec)
 */
#include <stdio.h>

#include <smtpsec.h>

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

static void
print_plan(const struct smtpsec_plan *plan)
{
    size_t i;

    printf("%s: %s\n", smtpsec_plan_domain(plan), smtpsec_plan_text(plan));
    for (i = 0; i < smtpsec_plan_host_count(plan); i++) {
        const struct smtpsec_host *host = smtpsec_plan_host(plan, i);
        const struct smtpsec_requirement *requirement = smtpsec_host_requirement(host);

        /* A host that is to be skipped has no requirement: it gets no mail at all. */
        printf("  %s: %s\n", smtpsec_host_name(host),
               requirement != NULL ? smtpsec_level_name(smtpsec_requirement_level(requirement))
                                   : smtpsec_reason_name(smtpsec_host_reason(host)));
    }
}

int
main(int argc, char **argv)
{
    struct smtpsec_anchors *anchors = NULL;
    struct smtpsec_options *options = NULL;
    struct smtpsec_context *context = NULL;
    struct smtpsec_plan *plan = NULL;
    int deliver = 0;
    int rc;

    if (argc != 2) {
        fprintf(stderr, "usage: evaluate_minimal DOMAIN\n");
        return 64;
    }
    rc = smtpsec_anchors_new(&anchors);
    if (rc == 0)
        rc = smtpsec_options_new(&options);
    if (rc == 0)
        rc = make_context(anchors, options, &context);
    if (rc == 0)
        rc = smtpsec_evaluate(context, argv[1], 30000, &plan);
    if (rc == 0) {
        print_plan(plan);
        deliver = smtpsec_plan_verdict(plan) == SMTPSEC_VERDICT_DELIVER;
    } else {
        fprintf(stderr, "%s: %s\n", smtpsec_strerror(rc), smtpsec_options_error(options));
    }
    smtpsec_plan_free(plan);
    smtpsec_context_free(context);
    smtpsec_options_free(options);
    smtpsec_anchors_free(anchors);
    return deliver ? 0 : 1;
}
