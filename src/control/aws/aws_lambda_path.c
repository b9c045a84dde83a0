/* SPDX-License-Identifier: Apache-2.0 */
#include "control/aws/aws_lambda_path.h"

#include <stdio.h>

#include "control/aws/aws_uri.h"

static bool decode(struct str s, char ret[AWS_LAMBDA_NAME_BYTES])
{
    struct buf text;
    buf_init(&text, AWS_LAMBDA_NAME_BYTES - 1);
    bool ok = s.len > 0 && aws_uri_decode(&text, s, AWS_URI_PLUS) == 0;
    if (ok) {
        memcpy(ret, text.data, text.len);
        ret[text.len] = '\0';
    }
    buf_finish(&text);
    return ok;
}

bool aws_lambda_path_part(struct str target, struct str prefix, char ret[AWS_LAMBDA_NAME_BYTES],
                          struct str *ret_rest)
{
    target.len = str_find(target, '?');
    if (!str_starts(target, prefix)) {
        return false;
    }
    struct str rest = str_skip(target, prefix.len);
    struct str part = str_of(rest.data, str_find(rest, '/'));
    if (ret_rest) {
        *ret_rest = str_skip(rest, part.len);
    }
    return decode(part, ret);
}

bool aws_lambda_path_query(struct str target, struct str name, char ret[AWS_LAMBDA_NAME_BYTES])
{
    struct str path, query, key, value;
    aws_target_split(target, &path, &query);
    while (query.data && aws_query_next(&query, &key, &value)) {
        if (str_eq(key, name) && value.data) {
            return decode(value, ret);
        }
    }
    return false;
}

static bool is_lambda(const json_t *function)
{
    const char *dialect = json_string_value(json_object_get(function, "dialect"));
    return dialect && (strcmp(dialect, "lambda") == 0 || strcmp(dialect, "bootstrap") == 0);
}

const char *aws_lambda_path_name(const json_t *function)
{
    const char *aws =
        json_string_value(json_object_get(json_object_get(function, "settings"), "function_name"));
    return aws ? aws : json_string_value(json_object_get(function, "name"));
}

/* "arn:aws:lambda:REGION:ACCOUNT:function:NAME:QUALIFIER", "ACCOUNT:function:NAME",
 * "NAME:QUALIFIER", "NAME". */
static struct str name_in(const char *named)
{
    const char *at = strstr(named, "function:");
    struct str name = str_c(at ? at + strlen("function:") : named);
    return str_of(name.data, str_find(name, ':'));
}

const json_t *aws_lambda_path_function(const struct services *s, const char *named)
{
    const json_t *functions = s->deployment->active
                                  ? json_object_get(s->deployment->active->manifest, "functions")
                                  : NULL;
    struct str name = name_in(named);
    for (size_t i = 0; i < json_array_size(functions); i++) {
        const json_t *f = json_array_get(functions, i);
        if (is_lambda(f) && str_eq(str_c(aws_lambda_path_name(f)), name)) {
            return f;
        }
    }
    return NULL;
}

void aws_lambda_path_arn(const json_t *function, char ret[AWS_LAMBDA_ARN_BYTES])
{
    (void)snprintf(ret, AWS_LAMBDA_ARN_BYTES,
                   "arn:aws:lambda:us-east-1:" AWS_ACCOUNT_ID ":function:%.140s",
                   aws_lambda_path_name(function));
}
