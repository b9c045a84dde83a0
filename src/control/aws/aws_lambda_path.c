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

static void copy(struct str text, size_t size, char *ret)
{
    (void)snprintf(ret, size, STR_FMT, STR_ARG(text));
}

/* "arn:aws:lambda:REGION:ACCOUNT:function:NAME:QUALIFIER", "ACCOUNT:function:NAME",
 * "NAME:QUALIFIER", "NAME". */
void aws_lambda_path_named(const char *named, struct str target, struct aws_lambda_named *ret)
{
    char asked[AWS_LAMBDA_NAME_BYTES];
    const char *at = strstr(named, "function:");
    struct str rest = str_c(at ? at + strlen("function:") : named);
    *ret = (struct aws_lambda_named){ 0 };
    copy(str_cut(&rest, ':'), sizeof(ret->name), ret->name);
    copy(rest.data ? rest : STR(""), sizeof(ret->qualifier), ret->qualifier);
    if (str_starts(str_c(named), STR("arn:"))) {
        struct str arn = str_c(named);
        for (int i = 0; i < 3; i++) {
            (void)str_cut(&arn, ':');
        }
        copy(str_cut(&arn, ':'), sizeof(ret->region), ret->region);
    }
    if (aws_lambda_path_query(target, STR("Qualifier"), asked)) {
        ret->is_contradictory = ret->qualifier[0] && strcmp(ret->qualifier, asked) != 0;
        copy(str_c(asked), sizeof(ret->qualifier), ret->qualifier);
    }
}

const json_t *aws_lambda_path_function(const struct services *s, const char *named)
{
    const json_t *functions = s->deployment->active
                                  ? json_object_get(s->deployment->active->manifest, "functions")
                                  : NULL;
    struct aws_lambda_named wanted;
    aws_lambda_path_named(named, STR(""), &wanted);
    for (size_t i = 0; i < json_array_size(functions); i++) {
        const json_t *f = json_array_get(functions, i);
        if (is_lambda(f) && strcmp(aws_lambda_path_name(f), wanted.name) == 0) {
            return f;
        }
    }
    return NULL;
}

const char *aws_lambda_path_version(const json_t *function, const char *qualifier)
{
    const json_t *aliases = json_object_get(json_object_get(function, "settings"), "aliases");
    if (!qualifier[0] || strcmp(qualifier, "$LATEST") == 0) {
        return "$LATEST";
    }
    return json_string_value(json_object_get(aliases, qualifier));
}

void aws_lambda_path_arn(const char *name, const char *qualifier, char ret[AWS_LAMBDA_ARN_BYTES])
{
    (void)snprintf(ret, AWS_LAMBDA_ARN_BYTES,
                   "arn:aws:lambda:us-east-1:" AWS_ACCOUNT_ID ":function:%.140s%s%.120s", name,
                   qualifier[0] ? ":" : "", qualifier);
}
