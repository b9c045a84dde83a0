/* SPDX-License-Identifier: Apache-2.0 */
#include "control/aws/aws_lambda.h"

#include "control/aws/aws_lambda_operations.h"

#define FUNCTIONS STR("/2015-03-31/functions/")
#define MAPPINGS  STR("/2015-03-31/event-source-mappings")
#define ASYNC     STR("/2019-09-25/functions/")
#define STREAMS   STR("/2021-11-15/functions/")

static bool is_method(const struct aws_call *c, const char *method)
{
    return str_eq(c->exchange->method, str_c(method));
}

static void unknown(struct aws_call *c)
{
    aws_call_fail(c, 501, "NotImplementedException",
                  "Mayfly's Lambda functions are those of the project's files: they are invoked, "
                  "listed and configured here, but not made, published or removed.");
}

static void run(struct aws_call *c)
{
    char named[AWS_LAMBDA_NAME_BYTES];
    struct str target = c->exchange->target;
    struct str path = str_of(target.data, str_find(target, '?'));
    struct str rest;
    if (str_starts(path, MAPPINGS)) {
        aws_lambda_mappings(c);
        return;
    }
    if (is_method(c, "GET") &&
        (str_eq(path, str_of(FUNCTIONS.data, FUNCTIONS.len - 1)) || str_eq(path, FUNCTIONS))) {
        aws_lambda_functions_list(c);
        return;
    }
    bool async = aws_lambda_path_part(target, ASYNC, named, &rest);
    if (!async && !aws_lambda_path_part(target, FUNCTIONS, named, &rest)) {
        unknown(c);
        return;
    }
    const json_t *function = aws_lambda_path_function(c->services, named);
    if (!function) {
        aws_lambda_functions_missing(c, named);
    } else if (async && str_starts(rest, STR("/event-invoke-config"))) {
        aws_lambda_async(c, function);
    } else if (!async && is_method(c, "GET")) {
        aws_lambda_functions_get(c, function, rest);
    } else {
        unknown(c);
    }
}

/* Invoke, InvokeAsync's successor, and InvokeWithResponseStream. */
static bool is_invocation(const struct exchange *x)
{
    char named[AWS_LAMBDA_NAME_BYTES];
    struct str rest;
    return str_eq(x->method, STR("POST")) &&
           ((aws_lambda_path_part(x->target, FUNCTIONS, named, &rest) &&
             str_eq(rest, STR("/invocations"))) ||
            (aws_lambda_path_part(x->target, STREAMS, named, &rest) &&
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
