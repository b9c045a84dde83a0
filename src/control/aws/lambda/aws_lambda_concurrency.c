/* The Lambda API: reserved concurrency. What this API sets goes before what the project's files
 * say, and is given up with DeleteFunctionConcurrency. The gateway keeps it.
 *
 * SPDX-License-Identifier: Apache-2.0 */
#include "base/mem.h"
#include "control/aws/call/aws_check.h"
#include "control/aws/lambda/aws_lambda_operations.h"
#include "control/events/eventbridge/json_table.h"
#include "control/events/lambda/lambda_concurrency.h"
#include "control/events/lambda/lambda_queue.h"

/* Of an account's 1,000 at a time, 100 are left for functions that reserve none. */
#define RESERVED_MAX 900

void aws_lambda_concurrency_get(struct aws_call *c, const struct aws_lambda_subject *s)
{
    aws_call_answer(c, lambda_concurrency_of(c->services, s->function));
}

/* The gateway hears of it before the client does. */
static void written(int r, void *call)
{
    struct aws_call *c = call;
    if (r == 0) {
        c->services->routes_changed(c->services);
        lambda_queues_reserved(c->services->lambda_queues);
    }
    aws_call_written(r, c);
}

/* False: answered. */
static bool check_subject(struct aws_call *c, const struct aws_lambda_subject *s)
{
    struct lambda_named latest = s->named;
    if (s->named.qualifier[0]) {
        aws_call_fail(c, 400, "InvalidParameterValueException",
                      "This operation is permitted on Lambda functions only. Aliases and versions "
                      "do not support this operation. Please specify either a function name or an "
                      "unqualified function ARN.");
        return false;
    }
    if (!s->function) {
        memcpy(latest.qualifier, "$LATEST", sizeof("$LATEST"));
        aws_lambda_missing(c, &latest);
        return false;
    }
    return true;
}

void aws_lambda_concurrency_put(struct aws_call *c, const struct aws_lambda_subject *s)
{
    static const struct aws_rule rules[] = { { LAMBDA_CONCURRENCY_RESERVED, AWS_INTEGER, AWS_MUST,
                                               0, INT32_MAX, NULL } };
    struct aws_check k;
    if (!check_subject(c, s)) {
        return;
    }
    aws_check_init(&k);
    aws_check_members(&k, c->input, "", rules, ARRAY_COUNT(rules));
    if (!aws_check_end(&k, c)) {
        return;
    }
    json_t *reserved = aws_call_member(c, LAMBDA_CONCURRENCY_RESERVED);
    if (json_integer_value(reserved) > RESERVED_MAX) {
        c->style = AWS_STYLE_LAMBDA_LIMIT;
        aws_call_fail(c, 400, "InvalidParameterValueException",
                      "Specified ReservedConcurrentExecutions for function decreases account's "
                      "UnreservedConcurrentExecution below its minimum value of [100].");
        return;
    }
    c->context = json_pack("{s:O}", LAMBDA_CONCURRENCY_RESERVED, reserved);
    json_table_put(c->services->lambda_concurrency, str_c(s->named.name),
                   json_pack("{s:O}", LAMBDA_CONCURRENCY_RESERVED, reserved), written, c);
}

void aws_lambda_concurrency_delete(struct aws_call *c, const struct aws_lambda_subject *s)
{
    if (check_subject(c, s)) {
        c->status = 204;
        json_table_remove(c->services->lambda_concurrency, str_c(s->named.name), written, c);
    }
}
