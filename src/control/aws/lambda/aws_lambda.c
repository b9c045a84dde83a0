/* SPDX-License-Identifier: Apache-2.0 */
#include "control/aws/lambda/aws_lambda.h"

#include "base/mem.h"
#include "control/aws/lambda/aws_lambda_named_fault.h"
#include "control/aws/lambda/aws_lambda_operations.h"

#define TAGS STR("/2017-03-31/tags/")

#define ASYNC       "/2019-09-25/functions/"
#define URLS        "/2021-10-31/functions/"
#define CONCURRENCY "/2019-09-30/functions/"
#define RESERVED    "/2017-10-31/functions/"
#define SIGNING     "/2020-06-30/functions/"
#define RUNTIME     "/2021-07-20/functions/"
#define RECURSION   "/2024-08-31/functions/"

/* clang-format off */

/* Of a function: what is before its name in the path, and what behind it; "*": anything more. */
static const struct {
    const char *method, *before, *behind;
    void (*run)(struct aws_call *c, const struct aws_lambda_subject *s);
    bool answers_missing; /* says itself that there is no such function */
} operations[] = {
    { "GET",    LAMBDA_FUNCTIONS, "",                          aws_lambda_functions_get,           false },
    { "GET",    LAMBDA_FUNCTIONS, "/configuration",            aws_lambda_functions_configuration, false },
    { "GET",    LAMBDA_FUNCTIONS, "/versions",                 aws_lambda_functions_versions,      false },
    { "GET",    LAMBDA_FUNCTIONS, "/aliases",                  aws_lambda_functions_aliases,       false },
    { "GET",    LAMBDA_FUNCTIONS, "/aliases/*",                aws_lambda_functions_alias,         false },
    { "GET",    LAMBDA_FUNCTIONS, "/policy",                   aws_lambda_policy_get,              true },
    { "POST",   LAMBDA_FUNCTIONS, "/policy",                   aws_lambda_policy_add,              true },
    { "DELETE", LAMBDA_FUNCTIONS, "/policy/*",                 aws_lambda_policy_remove,           true },
    { "GET",    ASYNC,            "/event-invoke-config",      aws_lambda_async_get,               true },
    { "GET",    ASYNC,            "/event-invoke-config/list", aws_lambda_async_list,              true },
    { "PUT",    ASYNC,            "/event-invoke-config",      aws_lambda_async_put,               true },
    { "POST",   ASYNC,            "/event-invoke-config",      aws_lambda_async_update,            true },
    { "DELETE", ASYNC,            "/event-invoke-config",      aws_lambda_async_delete,            true },
    { "GET",    URLS,             "/url",                      aws_lambda_functions_url,           true },
    { "GET",    URLS,             "/urls",                     aws_lambda_functions_urls,          true },
    { "GET",    CONCURRENCY,      "/concurrency",              aws_lambda_concurrency_get,         false },
    { "PUT",    RESERVED,         "/concurrency",              aws_lambda_concurrency_put,         true },
    { "DELETE", RESERVED,         "/concurrency",              aws_lambda_concurrency_delete,      true },
    { "GET",    CONCURRENCY,      "/provisioned-concurrency",  aws_lambda_functions_provisioned,   false },
    { "GET",    RUNTIME,          "/runtime-management-config", aws_lambda_functions_runtime,      false },
    { "GET",    RECURSION,        "/recursion-config",         aws_lambda_functions_recursion,     false },
    { "GET",    SIGNING,          "/code-signing-config",      aws_lambda_functions_signing,       false },
};

/* clang-format on */

static bool is_method(const struct aws_call *c, const char *method)
{
    return str_eq(c->exchange->method, str_c(method));
}

static void unknown(struct aws_call *c)
{
    aws_call_fail(c, 501, "NotImplementedException",
                  "Mayfly's Lambda functions are those of the project's files: this API invokes "
                  "and lists them and configures their events, but does not make, change, publish "
                  "or remove them. Change them in Terraform's, SAM's or CDK's files or in "
                  "mayfly.json: mayfly dev follows at once.");
}

/* ---- what a call is about ---- */

/* Answers what is wrong with how the function is named. */
static bool read_subject(struct aws_call *c, const char *named, struct aws_lambda_subject *s)
{
    struct aws_lambda_fault fault;
    *s = (struct aws_lambda_subject){ .region = c->region };
    if (aws_lambda_named_fault(named, c->exchange->target, c->region, &fault)) {
        aws_call_fail(c, fault.status, fault.code, "%s", fault.message);
        return false;
    }
    lambda_path_named(named, c->exchange->target, &s->named);
    const json_t *function = lambda_path_function(c->services, s->named.name);
    s->version = function ? lambda_path_version(function, s->named.qualifier) : NULL;
    s->function = s->version ? function : NULL;
    return true;
}

/* Whether `path` is of an operation's; its function's name, and what a "*" stands for. */
static bool is_of(struct str path, const char *before, const char *behind,
                  char ret_named[LAMBDA_NAME_BYTES], struct str *ret_rest)
{
    struct str rest;
    struct str wanted = str_c(behind);
    if (!lambda_path_part(path, str_c(before), ret_named, &rest)) {
        return false;
    }
    if (wanted.len == 0 || wanted.data[wanted.len - 1] != '*') {
        *ret_rest = STR("");
        return str_eq(rest, wanted) || (rest.len == wanted.len + 1 && str_starts(rest, wanted) &&
                                        rest.data[wanted.len] == '/');
    }
    wanted.len--;
    *ret_rest = str_starts(rest, wanted) ? str_skip(rest, wanted.len) : STR("");
    return ret_rest->len > 0;
}

static void run_on_function(struct aws_call *c, struct str path)
{
    char named[LAMBDA_NAME_BYTES];
    struct str rest;
    struct aws_lambda_subject s;
    for (size_t i = 0; i < ARRAY_COUNT(operations); i++) {
        if (!is_method(c, operations[i].method) ||
            !is_of(path, operations[i].before, operations[i].behind, named, &rest)) {
            continue;
        }
        if (!read_subject(c, named, &s)) {
            return;
        }
        s.rest = rest;
        if (s.function || operations[i].answers_missing) {
            operations[i].run(c, &s);
        } else {
            aws_lambda_missing(c, &s.named);
        }
        return;
    }
    /* Not here; but what is wrong with how it names its function comes first. */
    if (!lambda_path_part(path, STR(LAMBDA_FUNCTIONS), named, &rest)) {
        unknown(c);
    } else if (read_subject(c, named, &s)) {
        if (s.function) {
            unknown(c);
        } else {
            aws_lambda_missing(c, &s.named);
        }
    }
}

static void run(struct aws_call *c)
{
    struct str target = c->exchange->target;
    struct str path = str_of(target.data, str_find(target, '?'));
    char named[LAMBDA_NAME_BYTES];
    bool is_list = str_eq(path, str_of(LAMBDA_FUNCTIONS, sizeof(LAMBDA_FUNCTIONS) - 2)) ||
                   str_eq(path, STR(LAMBDA_FUNCTIONS));
    if (str_starts(path, STR("/2015-03-31/event-source-mappings"))) {
        aws_lambda_mappings(c);
    } else if (is_method(c, "GET") && is_list) {
        aws_lambda_functions_list(c);
    } else if (is_method(c, "GET") && str_starts(path, STR("/2016-08-19/account-settings"))) {
        aws_lambda_functions_account(c);
    } else if (lambda_path_part(path, TAGS, named, NULL)) {
        aws_lambda_tags(c, named);
    } else if (!aws_lambda_none(c, path)) {
        run_on_function(c, path);
    }
}

/* Invoke, InvokeWithResponseStream, and InvokeAsync, which is deprecated. */
static bool is_invocation(const struct exchange *x)
{
    char named[LAMBDA_NAME_BYTES];
    struct str rest;
    return str_eq(x->method, STR("POST")) &&
           ((lambda_path_part(x->target, STR(LAMBDA_FUNCTIONS), named, &rest) &&
             str_eq(rest, STR("/invocations"))) ||
            (lambda_path_part(x->target, STR(LAMBDA_INVOKE_ASYNC), named, &rest) &&
             (str_eq(rest, STR("/invoke-async")) || str_eq(rest, STR("/invoke-async/")))) ||
            (lambda_path_part(x->target, STR(LAMBDA_STREAMS), named, &rest) &&
             str_eq(rest, STR("/response-streaming-invocations"))));
}

void aws_lambda_begin(struct services *s, struct exchange *x)
{
    if (is_invocation(x)) {
        aws_lambda_invoke(s, x);
    } else {
        aws_call_begin(s, x, AWS_STYLE_LAMBDA, run);
    }
}
