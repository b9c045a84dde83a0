/* SPDX-License-Identifier: Apache-2.0 */
#include "control/aws/scheduler/aws_scheduler_input.h"

#include "control/text/json_reading.h"

#define PAGE 100

bool aws_scheduler_check(struct aws_call *c, const struct aws_rule *rules, size_t count)
{
    struct aws_check k;
    aws_check_init(&k);
    aws_check_members(&k, c->input, "", rules, count);
    return aws_check_end(&k, c);
}

bool aws_scheduler_page(struct aws_page *p, struct aws_call *c)
{
    const char *max = aws_call_text(c, "MaxResults");
    uint64_t limit = PAGE;
    if (max && (!str_to_u64(str_c(max), &limit) || limit < 1 || limit > PAGE)) {
        aws_call_fail(c, 400, "ValidationException",
                      "1 validation error detected: Value '%.20s' at 'maxResults' failed to "
                      "satisfy constraint: Member must have value between 1 and %d",
                      max, PAGE);
        return false;
    }
    if (!aws_page_init(p, c, limit)) {
        aws_call_fail(c, 400, "ValidationException", "Invalid NextToken provided.");
        return false;
    }
    return true;
}

bool aws_scheduler_is_again(const struct aws_call *c, json_t *known)
{
    json_t *token = aws_call_member(c, AWS_SCHEDULER_TOKEN);
    return token && json_equal(token, json_object_get(known, AWS_SCHEDULER_TOKEN));
}
