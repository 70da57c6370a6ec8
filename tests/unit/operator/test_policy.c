/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The operator's policy file: what is read from good ones, and what is said of faulty ones. */
#include <stdio.h>
#include <string.h>

#include "table.h"
#include "base/date.h"
#include "operator/policy.h"
#include "smtpsec.h"

/* 2027-01-15T08:00:00Z */
#define NOW INT64_C(1800000000)
#define DAY INT64_C(86400)

/* All that was read, as text, so that a row can say it. */
static void
write_policy(char *out, size_t room, const struct ss_operator_policy *policy)
{
    char name[SS_NAME_TEXT], rule[SS_RULE_TEXT];
    size_t at = 0, i;
    int32_t kind;

    out[0] = '\0';
    for (kind = SMTPSEC_CLAIM_DANE; kind <= SMTPSEC_CLAIM_DNSSEC; kind++)
        if (policy->mode[kind] != SS_UNSAID)
            at += (size_t)snprintf(out + at, room - at, "%s=%s ", smtpsec_claim_name(kind),
                                   smtpsec_mode_name(policy->mode[kind]));
    if (policy->soft_certificates != SS_UNSAID)
        at += (size_t)snprintf(out + at, room - at, "soft=%s ",
                               smtpsec_mode_name(policy->soft_certificates));
    if (policy->has_hold)
        at += (size_t)snprintf(out + at, room - at, "hold=%lld ", (long long)policy->hold);
    if (policy->plan_cache != SS_UNSAID)
        at += (size_t)snprintf(out + at, room - at, "plans=%d ", (int)policy->plan_cache);
    if (policy->cap != 0)
        at += (size_t)snprintf(out + at, room - at, "cap=%lld ", (long long)policy->cap);
    for (i = 0; i < policy->canary_count; i++) {
        ss_name_to_text(&policy->canaries[i], name);
        at += (size_t)snprintf(out + at, room - at, "canary=%s ", name);
    }
    if (policy->exceptions != NULL)
        at += (size_t)snprintf(out + at, room - at, "exceptions=%zu ",
                               ss_exceptions_count(policy->exceptions));
    for (i = 0; i < ss_rules_count(policy->rules); i++) {
        ss_rule_text(ss_rules_at(policy->rules, i), rule);
        at += (size_t)snprintf(out + at, room - at, "[%s] ", rule);
    }
    if (at > 0)
        out[at - 1] = '\0';
}

static int
read_text(struct ss_operator_policy *policy, const char *text, size_t len,
          struct smtpsec_faults *faults)
{
    struct ss_bytes bytes = { (const uint8_t *)text, len };

    memset(faults, 0, sizeof(*faults));
    return ss_operator_policy_read(policy, bytes, NOW, faults);
}

/* ---- Good files ---- */

struct good {
    const char *name;
    const char *text;
    const char *want;
};

static const struct good goods[] = {
    { "good/nothing", "", "" },
    { "good/comments and empty lines", "# a\n\n  \t# b\n\t\n", "" },
    { "good/comment in UTF-8", "# M\xc3\xbcller\xff\ncap 1d\n", "cap=86400" },
    { "good/comment behind a directive", "cap 1d # short\n", "cap=86400" },
    { "good/modes",
      "mode dane off\nmode mta-sts report\nmode encrypted enforce\nmode dnssec off\n",
      "dane=off mta-sts=report encrypted=enforce dnssec=off" },
    { "good/soft-certificates", "soft-certificates enforce\n", "soft=enforce" },
    { "good/hold of hours", "hold 72h\n", "hold=259200" },
    { "good/hold of days", "hold 30d\n", "hold=2592000" },
    { "good/hold of a minute", "hold 1m\n", "hold=60" },
    { "good/hold report", "hold report\n", "hold=0" },
    { "good/hold earned", "hold earned\n", "hold=-1" },
    { "good/cap, least", "cap 1d\n", "cap=86400" },
    { "good/plan cache off", "plan-cache off\n", "plans=0" },
    { "good/plan cache on", "plan-cache on\n", "plans=1" },
    { "good/cap, most", "cap 366d\n", "cap=31622400" },
    { "good/cap in hours", "cap 2160h\n", "cap=7776000" },
    { "good/canaries", "canary .\ncanary Example.ORG.\n", "canary=. canary=example.org" },
    { "good/CRLF", "cap 1d\r\n# x\r\nhold earned\r\n", "hold=-1 cap=86400" },
    { "good/no line's end", "cap 1d", "cap=86400" },
    { "good/blanks before, between, behind", "\t cap \t 1d \t\n", "cap=86400" },
    { "PREC-08 good/exception", "except d.test dane until 2027-03-01\n", "exceptions=1" },
    { "PREC-08 good/exception with a reason",
      "except d.test all until 2027-03-01 \"moves # to another host\"\n", "exceptions=1" },
    { "PREC-08 good/exception, empty reason", "except d.test all until 2027-03-01 \"\"\n",
      "exceptions=1" },
    { "PREC-08 good/exceptions of one domain, each kind once",
      "except d.test dane until 2027-03-01\nexcept d.test mta-sts until 2027-03-01\n"
      "except d.test all until 2027-03-01\nexcept .d.test dane until 2027-03-01\n",
      "exceptions=4" },
    { "PREC-08 good/exception until today", "except d.test dane until 2027-01-15\n",
      "exceptions=1" },
    { "PREC-08 good/exception until two years ahead", "except d.test dane until 2029-01-15\n",
      "exceptions=1" },
    { "PREC-08 good/exceptions beside the claims",
      "except d.test dane-live until 2027-03-01 \"why\"\nexcept d.test mta-sts-live until 2027-03-01\n"
      "except d.test level until 2027-03-01\nexcept d.test tls-version until 2027-03-01\n"
      "except .d.test sts-testing until 2027-03-01\nexcept d.test all until 2027-03-01\n",
      "exceptions=6" },
    { "PREC-08 good/levels",
      "level default encrypted\nlevel a.test authenticated\nlevel .A.test. dnssec\n"
      "level b.test mta-sts\nlevel c.test dane\n",
      "[level default encrypted] [level a.test authenticated] [level .a.test dnssec] "
      "[level b.test mta-sts] [level c.test dane]" },
    { "PREC-08 good/the same domain, other rules",
      "tls-version d.test 1.2\ntls-version .d.test 1.3\nsts-testing d.test strict\n"
      "sts-testing .d.test report\n",
      "[tls-version d.test 1.2] [tls-version .d.test 1.3] [sts-testing d.test strict] "
      "[sts-testing .d.test report]" },
    { "PREC-02, RES-23 good/choices may go either way",
      "insecure-mx default none\ninsecure-mx d.test encrypted\ninsecure-mx e.test dane\n"
      "dane-alone default on\ndane-alone d.test off\n",
      "[insecure-mx default none] [insecure-mx d.test encrypted] [insecure-mx e.test dane] "
      "[dane-alone default on] [dane-alone d.test off]" },
    { "PREC-08 good/hosts", "mx mx.p.test dane\nmx .p.test encrypted\n",
      "[mx mx.p.test dane] [mx .p.test encrypted]" },
    { "good/a host and a domain of one name", "mx p.test dane\nlevel p.test encrypted\n",
      "[mx p.test dane] [level p.test encrypted]" },
    { "good/relays", "relay d.test mx.p.test\nrelay d.test .p.test\nrelay .d.test mx.p.test\n",
      "[relay d.test mx.p.test] [relay d.test .p.test] [relay .d.test mx.p.test]" },
    { "PREC-08 good/a rule that asks for more than a wider one",
      "level d.test dane\nlevel default encrypted\n", "[level d.test dane] [level default encrypted]" },
    { "good/A-labels", "except xn--bcher-kva.test dane until 2027-03-01\n", "exceptions=1" },
    { "good/underscore", "except a_b.test dane until 2027-03-01\n", "exceptions=1" },
};

static void
check_good(void **state)
{
    const struct good *row = *state;
    struct ss_operator_policy policy;
    struct smtpsec_faults faults;
    char text[1000];

    assert_int_equal(read_text(&policy, row->text, strlen(row->text), &faults), 0);
    if (faults.count > 0)
        fail_msg("line %u: %s", (unsigned)faults.list[0].line, faults.list[0].text);
    write_policy(text, sizeof(text), &policy);
    assert_string_equal(text, row->want);
    ss_operator_policy_free(&policy);
}

/* ---- Faulty ones ---- */

#define LABEL63 "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa"

struct bad {
    const char *name;
    const char *text;
    uint32_t want_line;
    const char *want; /* begins with */
};

static const struct bad bads[] = {
    { "bad/unknown word", "cap 1d\n\nlevels d.test dane\n", 3,
      "\"levels\" is no directive; expected: mode, soft-certificates, hold, cap, canary, pla" },
    { "bad/capitals", "CAP 1d\n", 1, "\"CAP\" is no directive" },
    { "bad/directive in quotes", "\"cap\" 1d\n", 1, "\"cap\" is no directive" },
    { "bad/an equals sign", "cap=1d\n", 1, "\"cap=1d\" is no directive" },
    { "bad/a long word is cut", LABEL63 " 1d\n", 1,
      "\"aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa...\" is no directive" },

    { "bad/mode alone", "mode\n", 1, "too few words; expected: mode KIND off|report|enforce" },
    { "bad/mode without a mode", "mode dane\n", 1, "too few words" },
    { "bad/mode with too much", "mode dane off report\n", 1, "too many words; expected: mode" },
    { "bad/mode of no kind", "mode tls off\n", 1,
      "\"tls\" is no kind of claim; expected: dane, mta-sts, encrypted or dnssec" },
    { "bad/mode of all", "mode all off\n", 1, "\"all\" is no kind of claim" },
    { "bad/mode that is none", "mode dane warn\n", 1,
      "\"warn\" is no mode; expected: off, report or enforce" },
    { "bad/mode twice", "mode dane off\nmode mta-sts off\nmode dane off\n", 3,
      "this mode was set on line 1 already" },
    { "bad/soft-certificates", "soft-certificates yes\n", 1, "\"yes\" is no mode" },
    { "bad/soft-certificates twice", "soft-certificates off\nsoft-certificates off\n", 2,
      "soft-certificates was set on line 1 already" },

    { "bad/hold without unit", "hold 72\n", 1,
      "\"72\" is no hold; expected: report, earned, or a time such as 72h or 3d" },
    { "bad/hold in seconds", "hold 7200s\n", 1, "\"7200s\" is no hold" },
    { "bad/hold off", "hold off\n", 1, "\"off\" is no hold" },
    { "bad/hold negative", "hold -1\n", 1, "\"-1\" is no hold" },
    { "bad/hold of nothing", "hold 0h\n", 1, "a hold of 0h; expected: 1m to 30d, or report" },
    { "bad/hold too long", "hold 31d\n", 1, "a hold of 31d; expected: 1m to 30d" },
    { "bad/hold too long by an hour", "hold 721h\n", 1, "a hold of 721h" },
    { "bad/hold twice", "hold 1d\nhold 1d\n", 2, "hold was set on line 1 already" },
    { "bad/hold, a comment without a blank", "hold 72h#x\n", 1, "\"72h#x\" is no hold" },
    { "bad/cap without unit", "cap 90\n", 1, "\"90\" is no time; expected: one such as 90d" },
    { "bad/plan cache, no switch", "plan-cache yes\n", 1,
      "\"yes\" is no switch; expected: on or off" },
    { "bad/plan cache twice", "plan-cache on\nplan-cache off\n", 2,
      "plan-cache was set on line 1 already" },
    { "bad/plan cache, nothing said", "plan-cache\n", 1,
      "too few words; expected: plan-cache on|off" },
    { "bad/cap earned", "cap earned\n", 1, "\"earned\" is no time" },
    { "bad/cap too short", "cap 23h\n", 1, "a cap of 23h; expected: 1d to 366d" },
    { "bad/cap too long", "cap 367d\n", 1, "a cap of 367d; expected: 1d to 366d" },
    { "bad/cap beyond all numbers", "cap 99999999999999999999d\n", 1, "is no time" },
    { "bad/cap twice", "cap 1d\ncap 1d\n", 2, "cap was set on line 1 already" },

    { "bad/canary that is no name", "canary a..test\n", 1, "\"a..test\" is no domain name" },
    { "bad/canary that is an address", "canary 192.0.2.1\n", 1, "\"192.0.2.1\" is no domain name" },
    { "bad/canary twice", "canary a.test\ncanary A.test.\n", 2, "this canary is named already" },
    { "bad/third canary", "canary a.test\ncanary b.test\ncanary c.test\n", 3,
      "a third canary; expected: at most two" },

    { "bad/exception alone", "except\n", 1,
      "too few words; expected: except DOMAIN KIND|all until YYYY-MM-DD" },
    { "PREC-08 bad/exception without a date", "except d.test dane\n", 1, "too few words" },
    { "PREC-08 bad/exception without a date but a reason", "except d.test dane until \"x\"\n", 1,
      "double quotes are for the reason of an exception alone" },
    { "PREC-08 bad/exception for ever", "except d.test dane until never\n", 1,
      "\"never\" is no date; expected: a day that exists, as YYYY-MM-DD" },
    { "bad/exception without until", "except d.test dane on 2027-03-01\n", 1,
      "\"on\" is out of place; expected: until YYYY-MM-DD" },
    { "bad/exception of no kind", "except d.test tls until 2027-03-01\n", 1,
      "\"tls\" is no kind of claim; expected: dane, mta-sts, encrypted or dnssec, or all" },
    { "bad/exception, no leap day", "except d.test dane until 2027-02-29\n", 1,
      "\"2027-02-29\" is no date" },
    { "bad/exception, a time behind the date", "except d.test dane until 2027-03-01T00:00\n", 1,
      "\"2027-03-01T00:00\" is no date" },
    { "PREC-08 bad/exception over two years ahead", "except d.test dane until 2029-01-16\n", 1,
      "2029-01-16 is more than two years ahead; expected: 2029-01-15 or earlier" },
    { "bad/exception, a reason without quotes", "except d.test dane until 2027-03-01 because\n", 1,
      "\"because\" stands behind the date; expected: why, in double quotes" },
    { "bad/exception, two reasons", "except d.test dane until 2027-03-01 \"a\" \"b\"\n", 1,
      "too many words" },
    { "PREC-08 bad/exception for all", "except . dane until 2027-03-01\n", 1,
      "an exception for all domains" },
    { "bad/exception for a wildcard", "except *.d.test dane until 2027-03-01\n", 1,
      "\"*.d.test\" is no domain; expected: d.example, or .d.example for names below it" },
    { "bad/exception for two dots", "except ..d.test dane until 2027-03-01\n", 1,
      "\"..d.test\" is no domain" },
    { "bad/exception for an address", "except 192.0.2.1 dane until 2027-03-01\n", 1,
      "\"192.0.2.1\" is no domain" },
    { "bad/exception for an address literal", "except [192.0.2.1] dane until 2027-03-01\n", 1,
      "\"[192.0.2.1]\" is no domain" },
    { "bad/exception for a mailbox", "except me@d.test dane until 2027-03-01\n", 1,
      "\"me@d.test\" is no domain" },
    { "bad/exception for a label of 64", "except " LABEL63 "a.test dane until 2027-03-01\n", 1,
      "\"aaaa" },
    { "bad/exception twice",
      "except d.test dane until 2027-03-01\nexcept D.TEST. dane until 2027-04-01\n", 2,
      "line 1 has an exception for this domain and kind" },
    { "bad/a domain in UTF-8", "except b\xc3\xbc" "cher.test dane until 2027-03-01\n", 1,
      "0xc3 is not ASCII; expected: ASCII outside of comments, and of a domain its A-labels" },
    { "bad/a reason in UTF-8", "except d.test dane until 2027-03-01 \"M\xc3\xbcller\"\n", 1,
      "octet 0xc3 is not ASCII" },

    { "PREC-08 bad/an exception of a rule without a date", "except d.test level\n", 1,
      "too few words" },
    { "PREC-08 bad/live DANE without a date", "except d.test dane-live until\n", 1,
      "too few words" },
    { "PREC-08 bad/an exception of no rule", "except d.test mx until 2027-03-01\n", 1,
      "or dane-live, mta-sts-live, level, tls-version, sts-testing" },
    { "PREC-08 bad/no level without a date", "level d.test none\n", 1,
      "\"none\" is out of place; expected: encrypted, authenticated, dnssec, mta-sts or dane (to "
      "lower: except DOMAIN level until" },
    { "PREC-08 bad/no level with a date behind", "level d.test none until 2027-03-01\n", 1,
      "too many words; expected: level DOMAIN|default LEVEL" },
    { "PREC-08 bad/less than the default",
      "level default dane\nlevel d.test mta-sts\n", 2,
      "asks for less than \"level default dane\" on line 1; expected: as much, since only an "
      "exception with a date lowers" },
    { "PREC-08 bad/less than a default that follows",
      "level d.test mta-sts\ncap 1d\nlevel default dane\n", 1, "\"level default dane\" on line 3" },
    { "PREC-08 bad/less than a parent", "level .test dane\nlevel .a.d.test encrypted\n", 2,
      "asks for less than \"level .test dane\"" },
    { "PREC-08 bad/a lower TLS version", "tls-version default 1.3\ntls-version d.test 1.2\n", 2,
      "asks for less than \"tls-version default 1.3\"" },
    { "PREC-08 bad/testing that reports", "sts-testing .test strict\nsts-testing d.test report\n", 2,
      "asks for less than \"sts-testing .test strict\"" },
    { "PREC-08 bad/a host below asks for less", "mx .p.test dane\nmx mx.p.test encrypted\n", 2,
      "asks for less than \"mx .p.test dane\"" },
    { "bad/level alone", "level d.test\n", 1, "too few words; expected: level DOMAIN|default LEVEL" },
    { "bad/level of no kind", "level d.test tls\n", 1, "\"tls\" is out of place; expected: encrypted" },
    { "bad/level in quotes", "level d.test \"dane\"\n", 1, "double quotes are for the reason" },
    { "bad/level twice", "level d.test dane\nlevel D.TEST. dane\n", 2,
      "line 1 has this rule for the same name; expected: one" },
    { "bad/two defaults", "level default dane\nlevel default dane\n", 2, "line 1 has this rule" },
    { "bad/level for an address", "level 192.0.2.1 dane\n", 1,
      "\"192.0.2.1\" is no domain; expected: d.example, or .d.example for names below it, or default" },
    { "bad/level for all names", "level . dane\n", 1, "\".\" is no domain" },
    { "bad/level for a wildcard", "level * dane\n", 1, "\"*\" is no domain" },
    { "bad/TLS 1.1", "tls-version d.test 1.1\n", 1, "\"1.1\" is out of place; expected: 1.2 or 1.3" },
    { "bad/sts-testing", "sts-testing d.test on\n", 1, "\"on\" is out of place; expected: strict or report" },
    { "bad/insecure-mx", "insecure-mx d.test may\n", 1, "expected: dane, encrypted or none" },
    { "bad/dane-alone", "dane-alone d.test yes\n", 1, "expected: on or off" },
    { "bad/mx for all hosts", "mx default dane\nmx . dane\n", 2, "\".\" is no host" },
    { "bad/mx without a level", "mx mx.p.test none\n", 1, "\"none\" is out of place" },
    { "bad/relay for all mail", "relay . mx.p.test\n", 1,
      "\".\" is no domain; expected: d.example, or .d.example for names below it" },
    { "bad/relay by address", "relay d.test [192.0.2.1]\n", 1, "\"[192.0.2.1]\" is no host" },
    { "bad/relay twice", "relay d.test mx.p.test\nrelay d.test mx.p.test\n", 2, "line 1 has this rule" },
    { "bad/a quote that is not closed", "except d.test dane until 2027-03-01 \"why\n", 1,
      "a double quote is opened and not closed" },
    { "bad/a quote at the end", "cap 1d \"", 1, "a double quote is opened and not closed" },
    { "bad/a quote inside a word", "cap 1\"d\n", 1, "a double quote inside a word" },
    { "bad/a word behind a quote", "cap \"1d\"x\n", 1, "a double quote inside a word" },
    { "bad/a value in quotes", "cap \"1d\"\n", 1,
      "double quotes are for the reason of an exception alone; expected: cap TIME" },
    { "bad/more words than any takes", "cap 1 2 3 4 5 6 7 8\n", 1,
      "more words than any directive takes" },
    { "bad/no continuation", "cap \\\n1d\n", 1, "\"\\x5c\" is no time" },
    { "bad/CR in a line", "cap 1d\rhold 1d\n", 1, "octet 0x0d is a control character" },
    { "bad/form feed", "cap\f1d\n", 1, "octet 0x0c is a control character" },
    { "bad/escape sequence", "\x1b[31mcap 1d\n", 1, "octet 0x1b is a control character" },
    { "bad/byte order mark", "\xef\xbb\xbf" "cap 1d\n", 1, "a byte order mark" },
    { "bad/the first of many", "cap 1d\nx\ny\nz\n", 2, "\"x\" is no directive" },
};

static void
check_bad(void **state)
{
    const struct bad *row = *state;
    struct ss_operator_policy policy;
    struct smtpsec_faults faults;
    const struct ss_fault *first;

    assert_int_equal(read_text(&policy, row->text, strlen(row->text), &faults), 0);
    ss_operator_policy_free(&policy);
    first = ss_faults_first(&faults);
    assert_non_null(first);
    assert_ptr_equal(first, &faults.list[0]);
    if (strstr(first->text, row->want) == NULL)
        fail_msg("said: %s", first->text);
    assert_int_equal(first->line, row->want_line);
}

/* ---- What needs more than a row ---- */

static void
a_nul(void **state)
{
    static const char text[] = "cap 1d\nhold\0 1d\n";
    struct ss_operator_policy policy;
    struct smtpsec_faults faults;

    (void)state;
    assert_int_equal(read_text(&policy, text, sizeof(text) - 1, &faults), 0);
    ss_operator_policy_free(&policy);
    assert_int_equal(faults.count, 1);
    assert_int_equal(faults.list[0].line, 2);
    assert_string_equal(faults.list[0].text, "octet 0x00 is a control character");
}

/* PREC-08: what has ended is told, harms nothing, and is not used. */
static void
ended(void **state)
{
    static const char text[] = "except d.test dane until 2027-01-14\n"
                               "except d.test dane until 2027-01-13\ncap 1d\n";
    struct ss_operator_policy policy;
    struct smtpsec_faults faults;

    (void)state;
    assert_int_equal(read_text(&policy, text, sizeof(text) - 1, &faults), 0);
    assert_null(policy.exceptions);
    assert_int_equal(policy.cap, DAY);
    ss_operator_policy_free(&policy);
    assert_null(ss_faults_first(&faults));
    assert_int_equal(faults.count, 2);
    assert_true(faults.list[0].harmless);
    assert_int_equal(faults.list[0].line, 1);
    assert_string_equal(faults.list[0].text,
                        "this exception ended with 2027-01-14: it is not used");
}

/* It counts through the last second of its day, 2027-01-14T23:59:59Z, and no longer. */
static void
last_second(void **state)
{
    static const uint8_t text[] = "except d.test dane until 2027-01-14\n";
    const int64_t last = INT64_C(1799971199);
    struct ss_bytes bytes = { text, sizeof(text) - 1 };
    struct ss_operator_policy policy;
    struct smtpsec_faults faults;
    int64_t now;

    (void)state;
    for (now = last; now <= last + 1; now++) {
        memset(&faults, 0, sizeof(faults));
        assert_int_equal(ss_operator_policy_read(&policy, bytes, now, &faults), 0);
        assert_int_equal(ss_exceptions_count(policy.exceptions), now == last);
        assert_int_equal(faults.count, now != last);
        ss_operator_policy_free(&policy);
    }
}

/* All of it: until the end of the day in UTC, with line and reason. */
static void
an_exception_in_full(void **state)
{
    static const char text[] = "# the provider moves\n"
                               "except .D.test. encrypted until 2027-03-01 \"ticket 4711\"\n";
    struct ss_operator_policy policy;
    struct smtpsec_faults faults;
    const struct ss_exception *found;
    struct ss_name name;

    (void)state;
    assert_int_equal(read_text(&policy, text, sizeof(text) - 1, &faults), 0);
    assert_true(ss_name_from_text(&name, "d.test", 6));
    found = ss_exceptions_exact(policy.exceptions, &name, true, SMTPSEC_CLAIM_ENCRYPTED);
    assert_non_null(found);
    assert_true(found->until == INT64_C(1803945599)); /* 2027-03-01T23:59:59Z */
    assert_int_equal(found->line, 2);
    assert_string_equal(found->note, "ticket 4711");
    assert_null(ss_exceptions_exact(policy.exceptions, &name, false, SMTPSEC_CLAIM_ENCRYPTED));
    ss_operator_policy_free(&policy);
}

static void
many_faults(void **state)
{
    static char text[40000];
    struct ss_operator_policy policy;
    struct smtpsec_faults faults;
    size_t at = 0, i;

    (void)state;
    for (i = 0; i < 100; i++)
        at += (size_t)snprintf(text + at, sizeof(text) - at, "x%zu\n", i);
    assert_int_equal(read_text(&policy, text, at, &faults), 0);
    ss_operator_policy_free(&policy);
    assert_int_equal(faults.count, SS_FAULTS_MAX);
    assert_int_equal(faults.list[SS_FAULTS_MAX - 1].line, SS_FAULTS_MAX);
    /* A hundred that are harmless must not hide the one that is not. */
    for (at = 0, i = 0; i < 100; i++)
        at += (size_t)snprintf(text + at, sizeof(text) - at,
                               "except d%zu.test all until 2026-01-01\n", i);
    at += (size_t)snprintf(text + at, sizeof(text) - at, "cap 0d\n");
    assert_int_equal(read_text(&policy, text, at, &faults), 0);
    ss_operator_policy_free(&policy);
    assert_int_equal(faults.count, SS_FAULTS_MAX);
    assert_non_null(ss_faults_first(&faults));
    assert_int_equal(ss_faults_first(&faults)->line, 101);
}

static void
limits(void **state)
{
    static char text[SS_POLICY_OCTETS + 1];
    struct ss_operator_policy policy;
    struct smtpsec_faults faults;

    (void)state;
    memset(text, ' ', sizeof(text));
    assert_int_equal(read_text(&policy, text, sizeof(text), &faults), SMTPSEC_E_LIMIT);
    ss_operator_policy_free(&policy);
    memcpy(text + SS_POLICY_LINE - 6, "cap 1d\n", 7);
    assert_int_equal(read_text(&policy, text, SS_POLICY_LINE + 1, &faults), 0);
    assert_int_equal(faults.count, 0);
    assert_int_equal(policy.cap, DAY);
    ss_operator_policy_free(&policy);
    /* The same one octet further on, and the next line is read all the same. */
    memcpy(text + SS_POLICY_LINE - 6, " cap 1d\nx\n", 10);
    assert_int_equal(read_text(&policy, text, SS_POLICY_LINE + 4, &faults), 0);
    ss_operator_policy_free(&policy);
    assert_int_equal(faults.count, 2);
    assert_string_equal(faults.list[0].text, "4097 octets; expected: at most 4096 a line");
    assert_int_equal(faults.list[1].line, 2);
    /* The whole of what may be, as one comment a line. */
    memset(text, '#', sizeof(text));
    assert_int_equal(read_text(&policy, text, SS_POLICY_OCTETS, &faults), 0);
    ss_operator_policy_free(&policy);
    assert_int_equal(faults.count, 1);
}

static void
exceptions_limit(void **state)
{
    static char text[80000];
    struct ss_operator_policy policy;
    struct smtpsec_faults faults;
    size_t at = 0, i;

    (void)state;
    for (i = 0; i <= SS_EXCEPTIONS_MAX; i++)
        at += (size_t)snprintf(text + at, sizeof(text) - at,
                               "except d%zu.test all until 2027-03-01\n", i);
    assert_int_equal(read_text(&policy, text, at, &faults), 0);
    ss_operator_policy_free(&policy);
    assert_int_equal(faults.count, 1);
    assert_int_equal(faults.list[0].line, 1025);
    assert_string_equal(faults.list[0].text,
                        "one exception more than can be kept; expected: at most 1024");
}

/* A reason may be as long as its room less one. */
static void
long_reason(void **state)
{
    char text[400];
    struct ss_operator_policy policy;
    struct smtpsec_faults faults;
    size_t len;

    (void)state;
    for (len = SS_EXCEPTION_NOTE - 1; len <= SS_EXCEPTION_NOTE; len++) {
        int at = snprintf(text, sizeof(text), "except d.test all until 2027-03-01 \"%*s\"\n",
                          (int)len, "x");

        assert_int_equal(read_text(&policy, text, (size_t)at, &faults), 0);
        ss_operator_policy_free(&policy);
        assert_int_equal(faults.count, len == SS_EXCEPTION_NOTE ? 1 : 0);
    }
    assert_string_equal(faults.list[0].text, "200 octets of why; expected: at most 199");
}

int
main(void)
{
    struct ss_table t = SS_TABLE("operator/policy");

    SS_TABLE_ROWS(&t, check_good, goods);
    SS_TABLE_ROWS(&t, check_bad, bads);
    ss_table_case(&t, "bad/NUL", a_nul);
    ss_table_case(&t, "PREC-08 ended exceptions are told and not used", ended);
    ss_table_case(&t, "PREC-08 an exception counts through its last second", last_second);
    ss_table_case(&t, "PREC-08 an exception in full", an_exception_in_full);
    ss_table_case(&t, "many faults", many_faults);
    ss_table_case(&t, "limits of octets", limits);
    ss_table_case(&t, "limit of exceptions", exceptions_limit);
    ss_table_case(&t, "limit of a reason", long_reason);
    return ss_table_run(&t);
}
