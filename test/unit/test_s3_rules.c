/* What S3 allows and when: policies, ACLs, forms, conditions, tags. All of it is policy
 * without I/O.
 *
 * SPDX-License-Identifier: Apache-2.0 */
#include <stdio.h>

#include "control/s3/s3_access.h"
#include "control/s3/s3_access_record.h"
#include "control/s3/s3_acl.h"
#include "control/s3/s3_conditions.h"
#include "control/s3/s3_policy.h"
#include "control/s3/s3_post_policy.h"
#include "control/s3/s3_tags.h"
#include "control/s3/s3_version.h"
#include "control/text/iso_time.h"
#include "leaks.h"

#define ALICE "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa"
#define BOB   "bbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbb"

/* ---- policies ---- */

/* The request that policies are asked about: alice gets bucket/in/k from 10.1.2.3. */
static struct str value_of(struct str key, void *context)
{
    (void)context;
    static const struct {
        struct str key, value;
    } values[] = {
        { STR("aws:SourceIp"), STR("10.1.2.3") },
        { STR("aws:SecureTransport"), STR("false") },
        { STR("aws:CurrentTime"), STR("2024-05-01T00:00:00Z") },
        { STR("s3:prefix"), STR("in/") },
        { STR("s3:max-keys"), STR("10") },
        { STR("s3:RequestObjectTagKeys"), STR("a\nb") },
    };
    for (size_t i = 0; i < ARRAY_COUNT(values); i++) {
        if (str_eq_nocase(key, values[i].key)) {
            return values[i].value;
        }
    }
    return (struct str){ NULL, 0 };
}

static const struct s3_policy_question question = {
    .principal_arn = STR("arn:aws:iam::000000000000:user/alice"),
    .account = STR("000000000000"),
    .user_name = STR("alice"),
    .canonical_id = STR(ALICE),
    .action = STR("s3:GetObject"),
    .resource = STR("arn:aws:s3:::bucket/in/k"),
    .value = value_of,
};

static enum s3_effect ask(const char *statements)
{
    char text[4096];
    const char *why;
    int len =
        snprintf(text, sizeof(text), "{\"Version\":\"2012-10-17\",\"Statement\":[%s]}", statements);
    json_t *policy = s3_policy_parse(str_of(text, (size_t)len), STR("bucket"), &why);
    ck_assert_msg(policy, "%s: %s", why, text);
    enum s3_effect effect = s3_policy_ask(policy, &question);
    json_decref(policy);
    return effect;
}

#define STATEMENT(effect, principal, action, resource, condition)                                  \
    "{\"Effect\":\"" effect "\",\"Principal\":" principal ",\"Action\":\"" action                  \
    "\",\"Resource\":\"arn:aws:s3:::bucket" resource "\",\"Condition\":{" condition "}}"
#define ALLOW(principal, action, resource) STATEMENT("Allow", principal, action, resource, "")
#define WHEN(condition)                    STATEMENT("Allow", "\"*\"", "s3:*", "/*", condition)

START_TEST(a_policy_allows_who_what_and_where)
{
    static const struct {
        const char *statement;
        enum s3_effect effect;
    } cases[] = {
        { ALLOW("\"*\"", "s3:GetObject", "/*"), S3_EFFECT_ALLOW },
        { ALLOW("\"*\"", "s3:Get*", "/in/?"), S3_EFFECT_ALLOW },
        { ALLOW("\"*\"", "s3:PutObject", "/*"), S3_EFFECT_NONE },
        { ALLOW("\"*\"", "s3:GetObject", "/out/*"), S3_EFFECT_NONE },
        { ALLOW("\"*\"", "s3:GetObject", ""), S3_EFFECT_NONE },
        { ALLOW("{\"AWS\":\"*\"}", "*", "/*"), S3_EFFECT_ALLOW },
        { ALLOW("{\"AWS\":\"arn:aws:iam::000000000000:user/alice\"}", "*", "/*"), S3_EFFECT_ALLOW },
        { ALLOW("{\"AWS\":[\"x\",\"000000000000\"]}", "*", "/*"), S3_EFFECT_ALLOW },
        { ALLOW("{\"AWS\":\"arn:aws:iam::000000000000:user/bob\"}", "*", "/*"), S3_EFFECT_NONE },
        { ALLOW("{\"CanonicalUser\":\"" ALICE "\"}", "*", "/*"), S3_EFFECT_ALLOW },
        { ALLOW("{\"CanonicalUser\":\"" BOB "\"}", "*", "/*"), S3_EFFECT_NONE },
        /* The case of an action counts for nothing, that of a key does. */
        { ALLOW("\"*\"", "S3:getobject", "/*"), S3_EFFECT_ALLOW },
        { ALLOW("\"*\"", "s3:GET*", "/*"), S3_EFFECT_ALLOW },
        { ALLOW("\"*\"", "s3:GetObject", "/IN/*"), S3_EFFECT_NONE },
    };
    for (size_t i = 0; i < ARRAY_COUNT(cases); i++) {
        ck_assert_msg(ask(cases[i].statement) == cases[i].effect, "%s", cases[i].statement);
    }
}
END_TEST

/* Keys come from outside, by copies and websites too: the last byte is looked at first here. */
START_TEST(a_key_of_any_length_is_asked_about_within_its_bytes)
{
    static const char statement[] = ALLOW("\"*\"", "s3:GetObject", "/*z");
    char text[512], key[16 * 1024];
    const char *why;
    struct exchange x = { .headers = STR("") };
    struct s3_request rq = { .x = &x };
    int len = snprintf(text, sizeof(text), "{\"Statement\":[%s]}", statement);
    struct s3_bucket bucket = { .row = { .name = STR("bucket"), .owner = STR("o") },
                                .policy = s3_policy_parse(str_of(text, (size_t)len), STR("bucket"),
                                                          &why) };
    memset(key, 'k', sizeof(key));
    ck_assert_int_eq(
        s3_access_object(&rq, &bucket, str_of(key, sizeof(key)), "s3:GetObject", S3_READ, NULL),
        S3_ACCESS_DENIED);
    json_decref(bucket.policy);
}
END_TEST

START_TEST(a_denial_counts_more_than_any_permission)
{
    ck_assert_int_eq(
        ask(ALLOW("\"*\"", "*", "/*") "," STATEMENT("Deny", "\"*\"", "*", "/in/*", "")),
        S3_EFFECT_DENY);
    ck_assert_int_eq(
        ask(ALLOW("\"*\"", "*", "/*") "," STATEMENT("Deny", "\"*\"", "*", "/out/*", "")),
        S3_EFFECT_ALLOW);
}
END_TEST

START_TEST(conditions_compare_as_their_operators_say)
{
    static const struct {
        const char *statement;
        bool holds;
    } cases[] = {
        { WHEN("\"StringEquals\":{\"s3:prefix\":[\"x\",\"in/\"]}"), true },
        { WHEN("\"StringEquals\":{\"s3:prefix\":\"IN/\"}"), false },
        { WHEN("\"StringEqualsIgnoreCase\":{\"s3:prefix\":\"IN/\"}"), true },
        { WHEN("\"StringNotEquals\":{\"s3:prefix\":\"in/\"}"), false },
        { WHEN("\"StringLike\":{\"s3:prefix\":\"i*\"}"), true },
        { WHEN("\"StringNotLike\":{\"s3:prefix\":\"i*\"}"), false },
        { WHEN("\"NumericLessThanEquals\":{\"s3:max-keys\":\"10\"}"), true },
        { WHEN("\"NumericLessThan\":{\"s3:max-keys\":\"10\"}"), false },
        { WHEN("\"DateGreaterThan\":{\"aws:CurrentTime\":\"2024-04-30T00:00:00Z\"}"), true },
        { WHEN("\"DateLessThan\":{\"aws:CurrentTime\":\"2024-04-30T00:00:00Z\"}"), false },
        { WHEN("\"Bool\":{\"aws:SecureTransport\":\"true\"}"), false },
        { WHEN("\"Bool\":{\"aws:SecureTransport\":false}"), true },
        { WHEN("\"IpAddress\":{\"aws:SourceIp\":\"10.0.0.0/8\"}"), true },
        { WHEN("\"IpAddress\":{\"aws:SourceIp\":\"10.1.2.4\"}"), false },
        { WHEN("\"NotIpAddress\":{\"aws:SourceIp\":\"10.1.2.0/24\"}"), false },
        { WHEN("\"Null\":{\"aws:Referer\":\"true\"}"), true },
        { WHEN("\"Null\":{\"s3:prefix\":\"true\"}"), false },
        /* What a request does not say equals nothing, differs from all. */
        { WHEN("\"StringEquals\":{\"aws:Referer\":\"x\"}"), false },
        { WHEN("\"StringNotEquals\":{\"aws:Referer\":\"x\"}"), true },
        { WHEN("\"StringEqualsIfExists\":{\"aws:Referer\":\"x\"}"), true },
        { WHEN("\"ForAllValues:StringEquals\":{\"s3:RequestObjectTagKeys\":[\"a\",\"b\"]}"), true },
        { WHEN("\"ForAllValues:StringEquals\":{\"s3:RequestObjectTagKeys\":\"a\"}"), false },
        { WHEN("\"ForAnyValue:StringEquals\":{\"s3:RequestObjectTagKeys\":\"b\"}"), true },
        /* All of them must hold. */
        { WHEN("\"StringLike\":{\"s3:prefix\":\"*\"},\"Null\":{\"s3:prefix\":\"true\"}"), false },
    };
    for (size_t i = 0; i < ARRAY_COUNT(cases); i++) {
        ck_assert_msg((ask(cases[i].statement) == S3_EFFECT_ALLOW) == cases[i].holds, "%s",
                      cases[i].statement);
    }
}
END_TEST

START_TEST(what_is_no_policy_is_refused_with_a_reason)
{
    static const char *const bad[] = {
        "",
        "[]",
        "{",
        "{}",
        "{\"Statement\":[]}",
        "{\"Statement\":[{}]}",
        "{\"Statement\":[1]}",
        "{\"Statement\":[" STATEMENT("Maybe", "\"*\"", "s3:*", "/*", "") "]}",
        "{\"Statement\":[" ALLOW("\"*\"", "ec2:*", "/*") "]}",
        "{\"Statement\":[" ALLOW("\"*\"", "s3:*", "2/*") "]}",
        "{\"Statement\":[" WHEN("\"Nonsense\":{\"a\":\"b\"}") "]}",
        "{\"Statement\":[{\"Effect\":\"Allow\",\"Action\":\"s3:*\",\"Resource\":\"*\"}]}",
        "{\"Version\":\"2020-01-01\",\"Statement\":[" ALLOW("\"*\"", "s3:*", "/*") "]}",
        "{\"Id\":59,\"Statement\":[" ALLOW("\"*\"", "s3:*", "/*") "]}",
        "{\"Statement\":[" ALLOW("\"*\"", "s3:", "/*") "]}",
        "{\"Statement\":[" ALLOW("{\"AWS\":[\"*\",\"\"]}", "s3:*", "/*") "]}",
        "{\"Statement\":[" WHEN("\"StringEquals\":{\"s3:colour\":\"b\"}") "]}",
        "{\"Statement\":[" WHEN("\"StringEquals\":{\"colour\":\"b\"}") "]}",
        "{\"Statement\":[" WHEN("\"IpAddress\":{\"aws:SourceIp\":\"10.1.2\"}") "]}",
        "{\"Statement\":[" WHEN(
            "\"NotIpAddress\":{\"aws:SourceIp\":[\"::1\",\"10.1.2.3/33\"]}") "]}",
    };
    for (size_t i = 0; i < ARRAY_COUNT(bad); i++) {
        const char *why = NULL;
        ck_assert_msg(!s3_policy_parse(str_c(bad[i]), STR("bucket"), &why), "%s", bad[i]);
        ck_assert_ptr_nonnull(why);
    }
}
END_TEST

/* What was stored before it was looked at so closely still denies what it denies. */
START_TEST(a_stored_policy_counts_whatever_else_is_wrong_with_it)
{
    static const struct {
        const char *statement;
        enum s3_effect effect;
    } cases[] = {
        { STATEMENT("Deny", "\"*\"", "s3:*", "/*", "\"Null\":{\"colour\":\"true\"}"),
          S3_EFFECT_DENY },
        { ALLOW("\"nobody\"", "s3:*", "/*"), S3_EFFECT_NONE },
        { ALLOW("{\"AWS\":{}}", "s3:*", "/*"), S3_EFFECT_NONE },
        { ALLOW("7", "s3:*", "/*"), S3_EFFECT_NONE },
        { "{\"Effect\":\"Allow\",\"Action\":\"s3:*\",\"Resource\":\"*\"}", S3_EFFECT_NONE },
        { "{\"Effect\":\"Allow\",\"Principal\":\"*\",\"Resource\":\"*\"}", S3_EFFECT_NONE },
        { "{\"Effect\":\"Allow\",\"Principal\":\"*\",\"Action\":\"s3:*\"}", S3_EFFECT_NONE },
        { "3", S3_EFFECT_NONE },
    };
    for (size_t i = 0; i < ARRAY_COUNT(cases); i++) {
        char text[1024];
        int len = snprintf(text, sizeof(text), "{\"Statement\":[%s]}", cases[i].statement);
        json_t *policy = s3_policy_load(str_of(text, (size_t)len));
        ck_assert_msg(s3_policy_ask(policy, &question) == cases[i].effect, "%s", text);
        json_decref(policy);
    }
    ck_assert_ptr_null(s3_policy_load(STR("[]")));
}
END_TEST

static bool is_public(const char *statement)
{
    char text[1024];
    const char *why;
    int len = snprintf(text, sizeof(text), "{\"Statement\":[%s]}", statement);
    json_t *policy = s3_policy_parse(str_of(text, (size_t)len), STR("bucket"), &why);
    ck_assert_msg(policy, "%s", why);
    bool result = s3_policy_is_public(policy);
    json_decref(policy);
    return result;
}

START_TEST(a_policy_is_public_unless_something_says_who)
{
    ck_assert(is_public(ALLOW("\"*\"", "s3:GetObject", "/*")));
    ck_assert(is_public(WHEN("\"StringEquals\":{\"aws:Referer\":\"x\"}")));
    ck_assert(is_public(WHEN("\"IpAddress\":{\"aws:SourceIp\":\"0.0.0.0/0\"}")));
    ck_assert(!is_public(WHEN("\"IpAddress\":{\"aws:SourceIp\":\"10.0.0.0/8\"}")));
    ck_assert(!is_public(ALLOW("{\"AWS\":\"000000000000\"}", "s3:GetObject", "/*")));
    ck_assert(!is_public(STATEMENT("Deny", "\"*\"", "s3:*", "/*", "")));
}
END_TEST

/* ---- ACLs ---- */

static const struct aws_user alice = { .canonical_id = STR(ALICE) };
static const struct aws_user bob = { .canonical_id = STR(BOB) };

static bool canned_allows(const char *name, const struct aws_user *user,
                          enum s3_permission permission)
{
    const struct s3_acl_owners owners = { STR(ALICE), STR(BOB) };
    struct s3_acl acl;
    ck_assert_int_eq(s3_acl_canned(str_c(name), &owners, &acl), S3_OK);
    return s3_acl_allows(&acl, user, permission, false);
}

START_TEST(canned_lists_give_what_their_names_say)
{
    ck_assert(canned_allows("private", &alice, S3_WRITE_ACP));
    ck_assert(!canned_allows("private", &bob, S3_READ));
    ck_assert(canned_allows("public-read", NULL, S3_READ));
    ck_assert(!canned_allows("public-read", NULL, S3_WRITE));
    ck_assert(canned_allows("public-read-write", NULL, S3_WRITE));
    ck_assert(canned_allows("authenticated-read", &bob, S3_READ));
    ck_assert(!canned_allows("authenticated-read", NULL, S3_READ));
    ck_assert(canned_allows("bucket-owner-read", &bob, S3_READ));
    ck_assert(!canned_allows("bucket-owner-read", &bob, S3_READ_ACP));
    ck_assert(canned_allows("bucket-owner-full-control", &bob, S3_FULL_CONTROL));
    const struct s3_acl_owners owners = { STR(ALICE), STR(BOB) };
    struct s3_acl acl;
    ck_assert_int_eq(s3_acl_canned(STR("nonsense"), &owners, &acl), S3_INVALID_ACL);
}
END_TEST

START_TEST(a_list_is_stored_and_loaded)
{
    const struct s3_acl_owners owners = { STR(ALICE), STR(BOB) };
    struct s3_acl acl, again;
    struct buf text;
    buf_init(&text, S3_ACL_BYTES_MAX);
    ck_assert_int_eq(s3_acl_canned(STR("public-read-write"), &owners, &acl), S3_OK);
    ck_assert_int_eq(s3_acl_store(&acl, &text), 0);
    s3_acl_load(buf_str(&text), STR(BOB), &again);
    ck_assert_uint_eq(again.count, acl.count);
    ck_assert(s3_acl_allows(&again, &alice, S3_FULL_CONTROL, false));
    ck_assert(s3_acl_allows(&again, NULL, S3_WRITE, false));
    ck_assert(!s3_acl_allows(&again, NULL, S3_WRITE, true)); /* public grants are ignored */
    ck_assert(s3_acl_is_public(&again));
    buf_clear(&text);
    acl.count = 0; /* nobody: not the same as no list */
    ck_assert_int_eq(s3_acl_store(&acl, &text), 0);
    s3_acl_load(buf_str(&text), STR(BOB), &again);
    ck_assert(!s3_acl_allows(&again, &bob, S3_READ, false));
    s3_acl_load(STR(""), STR(BOB), &again);
    ck_assert(s3_acl_allows(&again, &bob, S3_FULL_CONTROL, false));
    buf_finish(&text);
}
END_TEST

/* ---- forms ---- */

#define FIELDS "key\0in/k\0acl\0private\0content-type\0text/plain\0policy\0x\0x-ignore-me\0x\0"

static enum s3_error check_form(const char *conditions, const char *expiration,
                                struct s3_post_policy *ret)
{
    char text[1024];
    const char *why;
    int len = snprintf(text, sizeof(text), "{\"expiration\":\"%s\",\"conditions\":[%s]}",
                       expiration, conditions);
    *ret = (struct s3_post_policy){ .text = str_of(text, (size_t)len),
                                    .fields = STR(FIELDS),
                                    .bucket = STR("bucket"),
                                    .key = STR("in/k"),
                                    .now_ms = 1714521600000 }; /* 2024-05-01 */
    return s3_post_policy_check(ret, &why);
}

#define LATER "2024-05-02T00:00:00Z"
#define ALL                                                                                        \
    "{\"bucket\":\"bucket\"},[\"starts-with\",\"$key\",\"in/\"],{\"acl\":\"private\"},"            \
    "[\"eq\",\"$Content-Type\",\"text/plain\"]"

START_TEST(a_form_is_what_its_policy_says_and_nothing_more)
{
    static const struct {
        const char *conditions, *expiration;
        enum s3_error error;
    } cases[] = {
        { ALL, LATER, S3_OK },
        { ALL ",[\"starts-with\",\"$x-amz-meta-absent\",\"\"]", LATER, S3_OK },
        { ALL ",[\"starts-with\",\"$x-amz-meta-absent\",\"x\"]", LATER, S3_ACCESS_DENIED },
        { "{\"bucket\":\"bucket\"},{\"key\":\"in/k\"}", LATER, S3_ACCESS_DENIED },
        { ALL ",{\"key\":\"other\"}", LATER, S3_ACCESS_DENIED },
        { ALL ",{\"bucket\":\"other\"}", LATER, S3_ACCESS_DENIED },
        { ALL, "2024-04-30T00:00:00Z", S3_ACCESS_DENIED },
        { ALL, "2024-05-02 00:00:00", S3_INVALID_POLICY_DOCUMENT },
        { ALL, "soon", S3_INVALID_POLICY_DOCUMENT },
        { ALL ",[\"eq\",\"$key\"]", LATER, S3_INVALID_POLICY_DOCUMENT },
        { ALL ",[\"like\",\"$key\",\"x\"]", LATER, S3_INVALID_POLICY_DOCUMENT },
        { ALL ",[\"content-length-range\",10,1]", LATER, S3_INVALID_POLICY_DOCUMENT },
        { "", LATER, S3_INVALID_POLICY_DOCUMENT },
    };
    struct s3_post_policy policy;
    for (size_t i = 0; i < ARRAY_COUNT(cases); i++) {
        ck_assert_msg(check_form(cases[i].conditions, cases[i].expiration, &policy) ==
                          cases[i].error,
                      "%s until %s", cases[i].conditions, cases[i].expiration);
    }
    ck_assert_int_eq(check_form(ALL ",[\"content-length-range\",\"1\",10]", LATER, &policy), S3_OK);
    ck_assert(policy.has_range);
    ck_assert_uint_eq(policy.least, 1);
    ck_assert_uint_eq(policy.most, 10);
}
END_TEST

/* ---- conditions ---- */

START_TEST(reads_depend_on_tags_first_and_dates_without)
{
    static const struct {
        struct s3_conditions c;
        enum s3_error error;
    } cases[] = {
        { { .if_match = STR("\"e\"") }, S3_OK },
        { { .if_match = STR("\"x\", \"e\"") }, S3_OK },
        { { .if_match = STR("*") }, S3_OK },
        { { .if_match = STR("\"x\"") }, S3_PRECONDITION_FAILED },
        { { .if_none_match = STR("W/\"e\"") }, S3_NOT_MODIFIED },
        { { .if_none_match = STR("\"x\"") }, S3_OK },
        { { .has_modified = true, .modified_since_s = 100 }, S3_NOT_MODIFIED },
        { { .has_modified = true, .modified_since_s = 99 }, S3_OK },
        { { .has_unmodified = true, .unmodified_since_s = 99 }, S3_PRECONDITION_FAILED },
        { { .if_match = STR("\"e\""), .has_unmodified = true, .unmodified_since_s = 99 }, S3_OK },
        { { .if_none_match = STR("\"x\""), .has_modified = true, .modified_since_s = 100 }, S3_OK },
    };
    for (size_t i = 0; i < ARRAY_COUNT(cases); i++) {
        struct s3_conditions c = cases[i].c;
        ck_assert_msg(s3_conditions_read_check(&c, STR("e"), 100999) == cases[i].error, "case %zu",
                      i);
        ck_assert_int_eq(c.failed != NULL, cases[i].error != S3_OK);
    }
}
END_TEST

START_TEST(writes_depend_on_what_is_there)
{
    const struct stored_object there = { .etag = STR("e") };
    const struct stored_object marker = { .etag = STR(""), .flags = OBJECT_DELETE_MARKER };
    struct s3_conditions match = { .if_match = STR("\"e\"") }, other = { .if_match = STR("x") };
    struct s3_conditions fresh = { .if_none_match = STR("*") };
    ck_assert_int_eq(s3_conditions_write_check(&there, &match), 0);
    ck_assert_int_eq(s3_error_of(s3_conditions_write_check(&there, &other)),
                     S3_PRECONDITION_FAILED);
    ck_assert_int_eq(s3_error_of(s3_conditions_write_check(NULL, &match)), S3_NO_SUCH_KEY);
    ck_assert_int_eq(s3_error_of(s3_conditions_write_check(&marker, &match)), S3_NO_SUCH_KEY);
    ck_assert_int_eq(s3_error_of(s3_conditions_write_check(&there, &fresh)),
                     S3_PRECONDITION_FAILED);
    ck_assert_int_eq(s3_conditions_write_check(NULL, &fresh), 0);
    ck_assert_int_eq(s3_conditions_write_check(&marker, &fresh), 0);
}
END_TEST

/* ---- tags ---- */

START_TEST(tags_are_unique_few_and_in_order)
{
    static const char *const bad[] = { "a=1&a=2", "=x", "%zz=1", "a=1,b=2",
                                       "a&b&c&d&e&f&g&h&i&j&k" /* eleven */ };
    struct buf tags;
    struct s3_tags_fault fault;
    buf_init(&tags, S3_TAG_BYTES_MAX);
    ck_assert_int_eq(s3_tags_from_query(STR("foo=bar&b%20c=d+e&bar"), &tags, &fault), S3_OK);
    ck_assert(str_eq(buf_str(&tags), STR("b c\0d e\0bar\0\0foo\0bar\0")));
    ck_assert_uint_eq(s3_tags_count(buf_str(&tags)), 3);
    ck_assert(str_eq(s3_tags_find(buf_str(&tags), STR("foo")), STR("bar")));
    ck_assert_ptr_null(s3_tags_find(buf_str(&tags), STR("none")).data);
    for (size_t i = 0; i < ARRAY_COUNT(bad); i++) {
        buf_clear(&tags);
        ck_assert_msg(s3_tags_from_query(str_c(bad[i]), &tags, &fault) != S3_OK, "%s", bad[i]);
        ck_assert_ptr_nonnull(fault.text);
    }
    buf_finish(&tags);
}
END_TEST

/* ---- texts ---- */

START_TEST(times_are_read_as_clients_write_them)
{
    static const struct {
        struct str text;
        uint64_t ms;
    } times[] = {
        { STR("2009-10-12T17:50:30.125Z"), 1255369830125 },
        { STR("2009-10-12T17:50:30.1259999Z"), 1255369830125 },
        { STR("2009-10-12T17:50:30"), 1255369830000 },
        { STR("2009-10-12T19:50:30+02:00"), 1255369830000 },
        { STR("2009-10-12"), 1255305600000 },
        { STR("Mon, 12 Oct 2009 17:50:30 GMT"), 1255369830000 },
        { STR("1960-01-01T00:00:00Z"), 0 }, /* and not some time to come */
        { STR("Fri, 01 Jan 1960 00:00:00 GMT"), 0 },
    };
    static const struct str wrong[] = { STR(""),
                                        STR("2009-10-12T"),
                                        STR("2009-13-12"),
                                        STR("2009-10-12T24:00:00Z"),
                                        STR("2009-10-12T17:50:30+2:00"),
                                        STR("2009/10/12") };
    uint64_t ms;
    for (size_t i = 0; i < ARRAY_COUNT(times); i++) {
        ck_assert_msg(iso_time_parse(times[i].text, &ms), "%s", times[i].text.data);
        ck_assert_uint_eq(ms, times[i].ms);
    }
    for (size_t i = 0; i < ARRAY_COUNT(wrong); i++) {
        ck_assert_msg(!iso_time_parse(wrong[i], &ms), "%s", wrong[i].data);
    }
}
END_TEST

START_TEST(a_clock_that_is_put_back_has_measured_nothing)
{
    struct exchange x = {
        .headers = STR(""), .method = STR("GET"), .target = STR("/"), .request_id = "id"
    };
    struct s3_bucket bucket = { .row = { .name = STR("bucket"), .owner = STR("o") } };
    struct s3_request rq = { .x = &x,
                             .bucket = &bucket,
                             .now_ms = 2000,
                             .outcome = { .status = 200, .answered_ms = 1000 } };
    struct buf line;
    buf_init(&line, S3_ACCESS_RECORD_BYTES_MAX);
    ck_assert_int_eq(s3_access_record_put(&line, &rq, 1500), 0);
    ck_assert_int_eq(buf_append(&line, STR("\0")), 0);
    ck_assert_msg(strstr(line.data, " 200 - - - 0 0 "), "%s", line.data);
    buf_finish(&line);
}
END_TEST

START_TEST(any_number_may_stand_in_the_id_of_a_version)
{
    struct object_version version;
    ck_assert(s3_version_parse(STR("80000000000000000000000000000001"), &version));
    ck_assert_int_eq(version.rank, INT64_MIN);
    ck_assert(s3_version_parse(STR("00063a1b2c3d4e5f0000000000000001"), &version));
    ck_assert_int_eq(version.rank, -0x00063a1b2c3d4e5f);
    ck_assert(!s3_version_parse(STR("00063A1B2C3D4E5F0000000000000001"), &version));
    ck_assert(!s3_version_parse(STR("1"), &version));
}
END_TEST

int main(void)
{
    TCase *c;
    Suite *suite = leaks_suite("s3_rules", &c);
    tcase_add_test(c, a_policy_allows_who_what_and_where);
    tcase_add_test(c, a_key_of_any_length_is_asked_about_within_its_bytes);
    tcase_add_test(c, a_denial_counts_more_than_any_permission);
    tcase_add_test(c, conditions_compare_as_their_operators_say);
    tcase_add_test(c, what_is_no_policy_is_refused_with_a_reason);
    tcase_add_test(c, a_stored_policy_counts_whatever_else_is_wrong_with_it);
    tcase_add_test(c, a_policy_is_public_unless_something_says_who);
    tcase_add_test(c, canned_lists_give_what_their_names_say);
    tcase_add_test(c, a_list_is_stored_and_loaded);
    tcase_add_test(c, a_form_is_what_its_policy_says_and_nothing_more);
    tcase_add_test(c, reads_depend_on_tags_first_and_dates_without);
    tcase_add_test(c, writes_depend_on_what_is_there);
    tcase_add_test(c, tags_are_unique_few_and_in_order);
    tcase_add_test(c, times_are_read_as_clients_write_them);
    tcase_add_test(c, any_number_may_stand_in_the_id_of_a_version);
    tcase_add_test(c, a_clock_that_is_put_back_has_measured_nothing);
    return suite_run(suite);
}
