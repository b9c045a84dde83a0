/* SPDX-License-Identifier: Apache-2.0 */
#include "control/events/lambda/lambda_path.h"

#include <stdio.h>

#include "base/mem.h"
#include "control/sign/aws_digest.h"
#include "control/sign/aws_uri.h"

static bool decode(struct str s, char ret[LAMBDA_NAME_BYTES])
{
    struct buf text;
    buf_init(&text, LAMBDA_NAME_BYTES - 1);
    bool ok = s.len > 0 && aws_uri_decode(&text, s, AWS_URI_PLUS) == 0;
    if (ok) {
        memcpy(ret, text.data, text.len);
        ret[text.len] = '\0';
    }
    buf_finish(&text);
    return ok;
}

bool lambda_path_part(struct str target, struct str prefix, char ret[LAMBDA_NAME_BYTES],
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

bool lambda_path_query(struct str target, struct str name, char ret[LAMBDA_NAME_BYTES])
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

void lambda_path_invoke(const char *name, const char *qualifier, char ret[LAMBDA_TARGET_BYTES])
{
    (void)snprintf(ret, LAMBDA_TARGET_BYTES, LAMBDA_FUNCTIONS "%s%s%s/invocations", name,
                   qualifier ? ":" : "", qualifier ? qualifier : "");
}

static bool is_lambda(const json_t *function)
{
    const char *dialect = json_string_value(json_object_get(function, "dialect"));
    return dialect && (strcmp(dialect, "lambda") == 0 || strcmp(dialect, "bootstrap") == 0);
}

const char *lambda_path_name(const json_t *function)
{
    const char *aws =
        json_string_value(json_object_get(json_object_get(function, "settings"), "function_name"));
    return aws ? aws : json_string_value(json_object_get(function, "name"));
}

void lambda_path_revision(const json_t *function, char ret[UUID_BYTES])
{
    const char *hash = json_string_value(json_object_get(function, "hash"));
    aws_uuid_of(str_c(hash ? hash : ""), ret);
}

static void copy(struct str text, size_t size, char *ret)
{
    (void)snprintf(ret, size, STR_FMT, STR_ARG(text));
}

/* "123456789012:" and something. */
static bool is_account(struct str text)
{
    uint64_t number;
    return text.len > 13 && text.data[12] == ':' && str_to_u64(str_of(text.data, 12), &number);
}

/* "arn:aws:lambda:REGION:ACCOUNT:function:NAME:QUALIFIER", "ACCOUNT:function:NAME",
 * "NAME:QUALIFIER", "NAME". */
void lambda_path_named(const char *named, struct str target, struct lambda_named *ret)
{
    char asked[LAMBDA_NAME_BYTES];
    struct str rest = str_c(named);
    *ret = (struct lambda_named){ 0 };
    struct str arn = rest;
    bool is_arn = str_eq(str_cut(&arn, ':'), STR("arn")) && str_cut(&arn, ':').data &&
                  str_eq(str_cut(&arn, ':'), STR("lambda")) && arn.data;
    if (is_arn && str_find(arn, ':') < arn.len) {
        copy(str_cut(&arn, ':'), sizeof(ret->region), ret->region);
    }
    rest = is_arn ? arn : rest;
    if (is_account(rest)) {
        (void)str_cut(&rest, ':');
    }
    if (str_starts(rest, STR("function:"))) {
        rest = str_skip(rest, strlen("function:"));
    }
    copy(str_cut(&rest, ':'), sizeof(ret->name), ret->name);
    copy(rest.data ? rest : STR(""), sizeof(ret->qualifier), ret->qualifier);
    if (lambda_path_query(target, STR("Qualifier"), asked)) {
        ret->is_contradictory = ret->qualifier[0] && strcmp(ret->qualifier, asked) != 0;
        copy(str_c(asked), sizeof(ret->qualifier), ret->qualifier);
    }
}

const json_t *lambda_path_function(const struct services *s, const char *named)
{
    const json_t *functions = s->deployment->active
                                  ? json_object_get(s->deployment->active->manifest, "functions")
                                  : NULL;
    struct lambda_named wanted;
    lambda_path_named(named, STR(""), &wanted);
    for (size_t i = 0; i < json_array_size(functions); i++) {
        const json_t *f = json_array_get(functions, i);
        if (is_lambda(f) && strcmp(lambda_path_name(f), wanted.name) == 0) {
            return f;
        }
    }
    return NULL;
}

const char *lambda_path_version(const json_t *function, const char *qualifier)
{
    const json_t *aliases = json_object_get(json_object_get(function, "settings"), "aliases");
    if (!qualifier[0] || strcmp(qualifier, "$LATEST") == 0) {
        return "$LATEST";
    }
    return json_string_value(json_object_get(aliases, qualifier));
}

void lambda_path_arn(const char *region, const char *name, const char *qualifier,
                     char ret[LAMBDA_ARN_BYTES])
{
    (void)snprintf(ret, LAMBDA_ARN_BYTES,
                   "arn:aws:lambda:%s:" AWS_ACCOUNT_ID ":function:%.140s%s%.120s", region, name,
                   qualifier[0] ? ":" : "", qualifier);
}
