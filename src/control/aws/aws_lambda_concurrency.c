/* The Lambda API: reserved concurrency. What this API sets goes before what the project's files
 * say, and is given up with DeleteFunctionConcurrency. The gateway keeps it.
 *
 * SPDX-License-Identifier: Apache-2.0 */
#include "control/aws/aws_lambda_concurrency.h"

#include "base/mem.h"
#include "control/aws/aws_check.h"
#include "control/aws/aws_lambda_operations.h"
#include "control/events/json_table.h"

/* Of an account's 1,000 at a time, 100 are left for functions that reserve none. */
#define RESERVED_MAX 900
#define MEMBER       "ReservedConcurrentExecutions"

static json_t *reserved_of(const struct services *s, const json_t *function)
{
    const char *name = aws_lambda_path_name(function);
    json_t *kept = name ? json_table_find(s->lambda_concurrency, str_c(name)) : NULL;
    return kept ? json_object_get(kept, MEMBER) : json_object_get(function, "reserved");
}

int64_t aws_lambda_concurrency_reserved(const struct services *s, const json_t *function)
{
    const json_t *reserved = reserved_of(s, function);
    return reserved ? json_integer_value(reserved) : -1;
}

void aws_lambda_concurrency_apply(const struct services *s, json_t *functions)
{
    size_t i;
    json_t *function;
    json_array_foreach(functions, i, function)
    {
        json_t *reserved = reserved_of(s, function);
        if (reserved) {
            (void)json_object_set(function, "reserved", reserved);
        }
    }
}

json_t *aws_lambda_concurrency_of(const struct services *s, const json_t *function)
{
    json_t *reserved = reserved_of(s, function);
    return reserved ? json_pack("{s:O}", MEMBER, reserved) : NULL;
}

void aws_lambda_concurrency_get(struct aws_call *c, const struct aws_lambda_subject *s)
{
    aws_call_answer(c, aws_lambda_concurrency_of(c->services, s->function));
}

/* The gateway hears of it before the client does. */
static void written(int r, void *call)
{
    struct aws_call *c = call;
    if (r == 0) {
        c->services->routes_changed(c->services);
    }
    aws_call_written(r, c);
}

/* False: answered. */
static bool check_subject(struct aws_call *c, const struct aws_lambda_subject *s)
{
    struct aws_lambda_named latest = s->named;
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
    static const struct aws_rule rules[] = { { MEMBER, AWS_INTEGER, AWS_MUST, 0, INT32_MAX,
                                               NULL } };
    struct aws_check k;
    if (!check_subject(c, s)) {
        return;
    }
    aws_check_init(&k);
    aws_check_members(&k, c->input, "", rules, ARRAY_COUNT(rules));
    if (!aws_check_end(&k, c)) {
        return;
    }
    json_t *reserved = aws_call_member(c, MEMBER);
    if (json_integer_value(reserved) > RESERVED_MAX) {
        c->style = AWS_STYLE_LAMBDA_LIMIT;
        aws_call_fail(c, 400, "InvalidParameterValueException",
                      "Specified ReservedConcurrentExecutions for function decreases account's "
                      "UnreservedConcurrentExecution below its minimum value of [100].");
        return;
    }
    c->context = json_pack("{s:O}", MEMBER, reserved);
    json_table_put(c->services->lambda_concurrency, str_c(s->named.name),
                   json_pack("{s:O}", MEMBER, reserved), written, c);
}

void aws_lambda_concurrency_delete(struct aws_call *c, const struct aws_lambda_subject *s)
{
    if (check_subject(c, s)) {
        c->status = 204;
        json_table_remove(c->services->lambda_concurrency, str_c(s->named.name), written, c);
    }
}
