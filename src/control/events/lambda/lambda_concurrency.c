/* SPDX-License-Identifier: Apache-2.0 */
#include "control/events/lambda/lambda_concurrency.h"

#include "control/events/eventbridge/json_table.h"
#include "control/events/lambda/lambda_path.h"

static json_t *reserved_of(const struct services *s, const json_t *function)
{
    const char *name = lambda_path_name(function);
    json_t *kept = name ? json_table_find(s->lambda_concurrency, str_c(name)) : NULL;
    return kept ? json_object_get(kept, LAMBDA_CONCURRENCY_RESERVED)
                : json_object_get(function, "reserved");
}

int64_t lambda_concurrency_reserved(const struct services *s, const json_t *function)
{
    const json_t *reserved = reserved_of(s, function);
    return reserved ? json_integer_value(reserved) : -1;
}

void lambda_concurrency_apply(const struct services *s, json_t *functions)
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

json_t *lambda_concurrency_of(const struct services *s, const json_t *function)
{
    json_t *reserved = reserved_of(s, function);
    return reserved ? json_pack("{s:O}", LAMBDA_CONCURRENCY_RESERVED, reserved) : NULL;
}
