/* SPDX-License-Identifier: Apache-2.0 */
#include "control/aws/lambda/aws_lambda_named_fault.h"

#include <stdio.h>

#include "control/aws/call/aws_check.h"
#include "control/events/lambda/lambda_path.h"

#define REGION "us-east-1" /* where ours are, whatever the client says */

#define FUNCTION_NAME                                                                              \
    "(arn:(aws[a-zA-Z-]*)?:lambda:)?((eusc-)?[a-z]{2}((-gov)|(-iso([a-z]?)))?-[a-z]+-\\d{1}:)?"    \
    "(\\d{12}:)?(function:)?([a-zA-Z0-9-_\\.]+)(:(\\$LATEST(\\.PUBLISHED)?|[a-zA-Z0-9-_]+))?"
#define QUALIFIER "\\$(LATEST(\\.PUBLISHED)?)|[a-zA-Z0-9-_$]+"

/* By the model. */
static bool is_malformed(const char *named, struct str target, struct aws_lambda_fault *ret)
{
    static const struct aws_rule rules[] = {
        { "Qualifier", AWS_TEXT, AWS_MAY, 1, 128, QUALIFIER },
        { "FunctionName", AWS_TEXT, AWS_MUST, 1, 10000, FUNCTION_NAME },
    };
    char qualifier[LAMBDA_NAME_BYTES];
    struct aws_check k;
    bool has_qualifier = lambda_path_query(target, STR("Qualifier"), qualifier);
    json_t *input = json_pack("{s:s*, s:s*}", "FunctionName", named, "Qualifier",
                              has_qualifier ? qualifier : NULL);
    aws_check_init(&k);
    aws_check_members(&k, input ? input : json_null(), "", rules, ARRAY_COUNT(rules));
    *ret = (struct aws_lambda_fault){ .status = 400, .code = "ValidationException" };
    (void)snprintf(ret->message, sizeof(ret->message), "%u validation error%s detected: " STR_FMT,
                   k.count, k.count == 1 ? "" : "s", STR_ARG(buf_str(&k.text)));
    buf_finish(&k.text);
    json_decref(input);
    return k.count > 0 || k.wrong_type[0];
}

bool aws_lambda_named_fault(const char *named, struct str target, const char *region,
                            struct aws_lambda_fault *ret)
{
    struct lambda_named parts;
    if (is_malformed(named, target, ret)) {
        return true;
    }
    lambda_path_named(named, target, &parts);
    if (parts.region[0] && strcmp(parts.region, REGION) != 0 && strcmp(parts.region, region) != 0) {
        *ret = (struct aws_lambda_fault){ .status = 404, .code = "ResourceNotFoundException" };
        (void)snprintf(ret->message, sizeof(ret->message),
                       "Functions from '%s' are not reachable in this region ('%s')", parts.region,
                       region);
        return true;
    }
    if (parts.is_contradictory) {
        *ret = (struct aws_lambda_fault){ .status = 400, .code = "InvalidParameterValueException" };
        (void)snprintf(ret->message, sizeof(ret->message),
                       "The derived qualifier from the function name does not match the specified "
                       "qualifier.");
        return true;
    }
    return false;
}
