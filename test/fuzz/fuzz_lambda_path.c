/* How paths of the Lambda API name functions: what is sound names the same when it is written as a
 * whole ARN, the fault is told in few words, and nothing else is made of it.
 *
 * SPDX-License-Identifier: Apache-2.0 */
#include <assert.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include "control/aws/lambda/aws_lambda_named_fault.h"
#include "control/events/lambda/lambda_path.h"

#define FUNCTIONS STR("/2015-03-31/functions/")

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* The ARN of what was named, with the qualifier that counts, names that again. */
static void check_arn(const struct lambda_named *named)
{
    char arn[LAMBDA_ARN_BYTES];
    struct lambda_named again;
    if (strlen(named->name) > 140 || strlen(named->qualifier) > 120) {
        return; /* an ARN has no room for it */
    }
    lambda_path_arn("eu-west-1", named->name, named->qualifier, arn);
    lambda_path_named(arn, STR(""), &again);
    assert(strcmp(again.name, named->name) == 0);
    assert(strcmp(again.qualifier, named->qualifier) == 0);
    assert(strcmp(again.region, "eu-west-1") == 0 && !again.is_contradictory);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct str target = str_of((const char *)data, size);
    char text[LAMBDA_NAME_BYTES];
    struct str rest;
    struct lambda_named named;
    struct aws_lambda_fault fault = { 0 };
    if (!lambda_path_part(target, FUNCTIONS, text, &rest)) {
        return 0;
    }
    assert(rest.len == 0 || rest.data[0] == '/');
    assert(strlen(text) < sizeof(text));
    if (aws_lambda_named_fault(text, target, "eu-west-1", &fault)) {
        assert(fault.status >= 400 && fault.code && strlen(fault.message) < sizeof(fault.message));
        return 0;
    }
    lambda_path_named(text, target, &named);
    assert(named.name[0] && !strchr(named.name, ':'));
    if (!strchr(named.qualifier, ':')) { /* else a region without the rest of an ARN: no function */
        check_arn(&named);
    }
    return 0;
}
