/* The Lambda API: tags of functions. Those of the project's files are not known here; what this API
 * sets is kept by the function's name.
 *
 * SPDX-License-Identifier: Apache-2.0 */
#include "base/mem.h"
#include "control/aws/aws_check.h"
#include "control/aws/aws_lambda_operations.h"
#include "control/aws/aws_uri.h"
#include "control/events/json_table.h"

#define TAGS_MAX 50 /* of a resource, Lambda's own limit */
#define PATTERN                                                                                    \
    "arn:(aws[a-zA-Z-]*):lambda:(eusc-)?[a-z]{2}((-gov)|(-iso([a-z]?)))?-[a-z]+-\\d{1}:\\d{12}:("  \
    "function:[a-zA-Z0-9-_]+(:(\\$LATEST|[a-zA-Z0-9-_]+))?|layer:([a-zA-Z0-9-_]+)|code-signing-"   \
    "config:csc-[a-z0-9]{17}|event-source-mapping:[0-9a-fA-F]{8}-[0-9a-fA-F]{4}-[0-9a-fA-F]{4}-["  \
    "0-9a-fA-F]{4}-[0-9a-fA-F]{12}|capacity-provider:[a-zA-Z0-9-_]+)"

json_t *aws_lambda_tags_of(const struct services *s, const char *name)
{
    json_t *kept = json_table_find(s->lambda_tags, str_c(name));
    return kept ? json_copy(kept) : json_object();
}

/* A copy of the tags that the call is about, or NULL: answered. */
static json_t *find_tags(struct aws_call *c, const char *named,
                         char ret_name[AWS_LAMBDA_NAME_BYTES])
{
    static const struct aws_rule rules[] = { { "resource", AWS_TEXT, AWS_MUST, 0, 0, PATTERN } };
    struct aws_lambda_named parts;
    struct aws_check k;
    json_t *input = json_pack("{s:s}", "resource", named);
    aws_check_init(&k);
    aws_check_members(&k, input ? input : json_null(), "", rules, ARRAY_COUNT(rules));
    json_decref(input);
    if (!aws_check_end(&k, c)) {
        return NULL;
    }
    aws_lambda_path_named(named, STR(""), &parts);
    if (parts.qualifier[0]) {
        aws_call_fail(c, 400, "InvalidParameterValueException",
                      "Tags on function aliases and versions are not supported. Please specify a "
                      "function ARN.");
        return NULL;
    }
    if (!aws_lambda_path_function(c->services, parts.name)) {
        aws_lambda_functions_missing(c, &parts);
        return NULL;
    }
    memcpy(ret_name, parts.name, sizeof(parts.name));
    return aws_lambda_tags_of(c->services, parts.name);
}

static void keep(struct aws_call *c, const char *name, json_t *tags)
{
    c->status = 204;
    json_table_put(c->services->lambda_tags, str_c(name), tags, aws_call_written, c);
}

static void add(struct aws_call *c, const char *name, json_t *tags)
{
    json_t *more = aws_call_member(c, "Tags"), *value;
    const char *key, *why = NULL;
    if (json_object_size(more) == 0) {
        why = "An error occurred and the request cannot be processed.";
    }
    json_object_foreach(more, key, value)
    {
        if (!json_is_string(value)) {
            why = "An error occurred and the request cannot be processed.";
        }
        (void)json_object_set(tags, key, value);
    }
    if (json_object_size(tags) > TAGS_MAX) {
        why = "Number of tags exceeds resource tag limit.";
    }
    if (why) {
        json_decref(tags);
        aws_call_fail(c, 400, "InvalidParameterValueException", "%s", why);
    } else {
        keep(c, name, tags);
    }
}

static void take_away(struct aws_call *c, const char *name, json_t *tags)
{
    struct str path, query, key, value;
    struct buf text;
    bool any = false;
    aws_target_split(c->exchange->target, &path, &query);
    while (query.data && aws_query_next(&query, &key, &value)) {
        buf_init(&text, c->exchange->target.len + 1);
        if (str_eq(key, STR("tagKeys")) &&
            aws_uri_decode(&text, value, AWS_URI_PLUS_IS_SPACE) == 0 &&
            buf_append(&text, str_of("", 1)) == 0) {
            any = true;
            (void)json_object_del(tags, text.data); /* one that is not there is fine */
        }
        buf_finish(&text);
    }
    if (any) {
        keep(c, name, tags);
        return;
    }
    json_decref(tags);
    aws_call_fail(c, 400, "ValidationException",
                  "1 validation error detected: Value null at 'tagKeys' failed to satisfy "
                  "constraint: Member must not be null");
}

void aws_lambda_tags(struct aws_call *c, const char *named)
{
    char name[AWS_LAMBDA_NAME_BYTES];
    struct str method = c->exchange->method;
    json_t *tags = find_tags(c, named, name);
    if (!tags) {
        return;
    }
    if (str_eq(method, STR("POST"))) {
        add(c, name, tags);
    } else if (str_eq(method, STR("DELETE"))) {
        take_away(c, name, tags);
    } else {
        aws_call_answer(c, json_pack("{s:o}", "Tags", tags));
    }
}
