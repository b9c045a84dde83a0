/* What policies are made of, for those who check them and those who ask them.
 *
 * No I/O.
 *
 * SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include <jansson.h>

#include "base/str.h"

static inline struct str s3_policy_text(const json_t *value)
{
    if (json_is_string(value)) {
        return str_of(json_string_value(value), json_string_length(value));
    }
    return json_is_true(value) ? STR("true") : json_is_false(value) ? STR("false") : STR("");
}

/* A value, or the values of a list. */
static inline size_t s3_policy_count(const json_t *value)
{
    return json_is_array(value) ? json_array_size(value) : value ? 1 : 0;
}

static inline const json_t *s3_policy_item(const json_t *value, size_t index)
{
    return json_is_array(value) ? json_array_get(value, index) : value;
}

/* A condition's operator, without what is around its name. */
struct s3_policy_operator {
    struct str name;
    bool if_exists, for_all, for_any;
};

static inline struct s3_policy_operator s3_policy_operator_of(const char *key)
{
    struct s3_policy_operator o = { .name = str_c(key) };
    if (str_starts(o.name, STR("ForAllValues:"))) {
        o.for_all = true;
        o.name = str_skip(o.name, sizeof("ForAllValues:") - 1);
    } else if (str_starts(o.name, STR("ForAnyValue:"))) {
        o.for_any = true;
        o.name = str_skip(o.name, sizeof("ForAnyValue:") - 1);
    }
    size_t suffix = sizeof("IfExists") - 1;
    if (o.name.len > suffix && str_eq(str_skip(o.name, o.name.len - suffix), STR("IfExists"))) {
        o.if_exists = true;
        o.name.len -= suffix;
    }
    return o;
}
