/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * What it takes to start a process that verifies one DANE-EE session and ends,
 * beside one that is linked with GnuTLS alone: fork, exec, end.
 * bench_start VERIFY GNUTLS [--quick | --maps]; --maps only prints the
 * libraries that the verifying process has mapped.
 */
#include <fcntl.h>
#include <spawn.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "bench.h"
#include "certs.h"
#include "decision/requirement.h"

extern char **environ;

static char directory[] = "/tmp/bench-start-XXXXXX";
static char requirement_path[64], certificate_path[64];

static void
must(int holds, const char *what)
{
    if (!holds)
        bench_fail(what);
}

static void
write_file(const char *path, const uint8_t *data, size_t len)
{
    FILE *file = fopen(path, "wb");

    must(file != NULL && fwrite(data, 1, len, file) == len && fclose(file) == 0, "a file");
}

static void
make_world(void)
{
    struct ss_test_cert *leaf = ss_test_cert(
        &(struct ss_test_cert_spec){.cn = "leaf", .dns = {"mx.d.test"}});
    struct ss_bytes rdata = ss_test_tlsa(3, 1, 1, leaf), der = ss_test_cert_der(leaf);
    struct smtpsec_requirement *requirement;
    struct ss_name name;
    uint8_t *blob = NULL;
    size_t len = 0;

    must(ss_requirement_new(&requirement) == 0, "a requirement");
    must(ss_name_from_text(&requirement->key.domain, "d.test", 6) &&
             ss_name_from_text(&name, "mx.d.test", 9),
         "a name");
    requirement->key.port = 25;
    memcpy(requirement->domain, "d.test", 7);
    ss_reference_set(&requirement->host, &name);
    ss_reference_set(&requirement->dane_names[0], &name);
    requirement->dane_name_count = 1;
    requirement->tls = SMTPSEC_TLS_REQUIRED;
    requirement->identities = SMTPSEC_IDENTITY_DANE;
    requirement->sources = SMTPSEC_SOURCE_DANE;
    requirement->level = SMTPSEC_LEVEL_DANE;
    requirement->tls_version = 0x0303;
    requirement->expires = SS_TEST_NOW + 300;
    requirement->reported = ss_requirement_enforced(requirement);
    must(ss_tlsa_set_read(&requirement->tlsa, &rdata, 1, false, false, NULL) == 0 &&
             ss_requirement_seal_digest(requirement) == 0 &&
             smtpsec_requirement_write(NULL, requirement, &blob, &len) == 0,
         "a blob");
    must(mkdtemp(directory) != NULL, "a directory");
    snprintf(requirement_path, sizeof(requirement_path), "%s/requirement", directory);
    snprintf(certificate_path, sizeof(certificate_path), "%s/certificate", directory);
    write_file(requirement_path, blob, len);
    write_file(certificate_path, der.data, der.len);
    smtpsec_bytes_free(blob);
    ss_requirement_free(requirement);
}

static void
end_world(void)
{
    unlink(requirement_path);
    unlink(certificate_path);
    rmdir(directory);
    ss_test_certs_free();
}

/* What the process ended with. */
static int
run(char *program, char *option)
{
    char *argv[] = {program, requirement_path, certificate_path, option, NULL};
    int status = -1;
    pid_t pid;

    must(posix_spawn(&pid, program, NULL, NULL, argv, environ) == 0 &&
             waitpid(pid, &status, 0) == pid,
         "a process");
    return status;
}

static double
time_of(char *program)
{
    uint64_t begin = bench_now();
    int status = run(program, NULL);

    must(status == 0, "a process that accepts");
    return (double)(bench_now() - begin);
}

static int
print_maps(char *program)
{
    int status;

    fflush(stdout);
    status = run(program, (char *)(uintptr_t)"--maps");
    return status == 0 ? 0 : 1;
}

/* A line each. */
static void
count_libraries(const char *program)
{
    char command[4096];
    double count = 0;
    FILE *lines;
    int c;

    snprintf(command, sizeof(command), "'%s' '%s' '%s' --maps", program, requirement_path,
             certificate_path);
    lines = popen(command, "r");
    must(lines != NULL, "a process");
    while ((c = getc(lines)) != EOF)
        count += c == '\n';
    must(pclose(lines) == 0, "a process that accepts");
    bench_value("libraries in a verifying process", "count", count, 0, 0);
}

static void
measure(char *ours, char *under, size_t samples)
{
    struct bench_pair pair;
    size_t i;

    bench_pair_init(&pair, "start of a verifying process", "process with GnuTLS alone", "ns", 0, 0);
    for (i = 0; i < samples; i++) {
        bench_ours(&pair, time_of(ours));
        bench_floor(&pair, time_of(under));
    }
    bench_report(&pair);
    count_libraries(ours);
}

int
main(int argc, char **argv)
{
    int failed = 0;

    must(argc >= 3, "bench_start VERIFY GNUTLS [--quick | --maps]");
    make_world();
    if (argc > 3 && strcmp(argv[3], "--maps") == 0)
        failed = print_maps(argv[1]);
    else
        measure(argv[1], argv[2], bench_quick(argc, argv) ? 100 : 1000);
    end_world();
    return failed;
}
