/* The Lambda API: tags of functions and event source mappings. What this API sets is kept by the
 * function's name, or with the mapping; from then on it counts instead of what the project's files
 * say.
 *
 * SPDX-License-Identifier: Apache-2.0 */
#include "base/mem.h"
#include "control/aws/call/aws_check.h"
#include "control/aws/call/aws_tags.h"
#include "control/aws/lambda/aws_lambda_operations.h"
#include "control/events/eventbridge/json_table.h"
#include "control/events/lambda/lambda_source.h"
#include "control/sign/aws_uri.h"

#define MAPPING STR("event-source-mapping:")
#define PATTERN                                                                                    \
    "arn:(aws[a-zA-Z-]*):lambda:(eusc-)?[a-z]{2}((-gov)|(-iso([a-z]?)))?-[a-z]+-\\d{1}:\\d{12}:("  \
    "function:[a-zA-Z0-9-_]+(:(\\$LATEST|[a-zA-Z0-9-_]+))?|layer:([a-zA-Z0-9-_]+)|code-signing-"   \
    "config:csc-[a-z0-9]{17}|event-source-mapping:[0-9a-fA-F]{8}-[0-9a-fA-F]{4}-[0-9a-fA-F]{4}-["  \
    "0-9a-fA-F]{4}-[0-9a-fA-F]{12}|capacity-provider:[a-zA-Z0-9-_]+)"

json_t *aws_lambda_tags_of(const struct services *s, const char *name)
{
    json_t *tags = json_table_find(s->lambda_tags, str_c(name));
    if (!tags) {
        const json_t *function = lambda_path_function(s, name);
        tags = json_object_get(json_object_get(function, "settings"), "tags");
    }
    return tags ? json_copy(tags) : json_object();
}

/* By the model; else that is answered. */
static bool check_resource(struct aws_call *c, const char *named)
{
    static const struct aws_rule rules[] = { { "resource", AWS_TEXT, AWS_MUST, 0, 0, PATTERN } };
    struct aws_check k;
    json_t *input = json_pack("{s:s}", "resource", named);
    aws_check_init(&k);
    aws_check_members(&k, input ? input : json_null(), "", rules, ARRAY_COUNT(rules));
    json_decref(input);
    return aws_check_end(&k, c);
}

/* What a call is about: one of the two. */
struct tagged {
    char function[LAMBDA_NAME_BYTES];
    struct lambda_source *mapping; /* NULL: a function */
};

/* Whether the function is there; else that is answered. */
static bool find_function(struct aws_call *c, const char *named, struct tagged *ret)
{
    struct lambda_named parts;
    lambda_path_named(named, STR(""), &parts);
    if (parts.qualifier[0]) {
        aws_call_fail(c, 400, "InvalidParameterValueException",
                      "Tags on function aliases and versions are not supported. Please specify a "
                      "function ARN.");
        return false;
    }
    if (!lambda_path_function(c->services, parts.name)) {
        aws_lambda_missing(c, &parts);
        return false;
    }
    memcpy(ret->function, parts.name, sizeof(parts.name));
    return true;
}

/* The same for an event source mapping. */
static bool find_mapping(struct aws_call *c, const char *arn, struct str uuid, struct tagged *ret)
{
    ret->mapping = lambda_source_find(c->services->lambda_sources, uuid);
    if (!ret->mapping) {
        aws_call_fail(c, 404, "ResourceNotFoundException", "Event source mapping not found: %s",
                      arn);
    }
    return ret->mapping != NULL;
}

/* A copy of the tags that the call is about, or NULL: answered. */
static json_t *find_tags(struct aws_call *c, const char *arn, struct tagged *ret)
{
    struct str rest = str_c(arn);
    *ret = (struct tagged){ 0 };
    if (!check_resource(c, arn)) {
        return NULL;
    }
    for (int i = 0; i < 5; i++) {
        (void)str_cut(&rest, ':');
    }
    if (!str_starts(rest, MAPPING)) {
        return find_function(c, arn, ret) ? aws_lambda_tags_of(c->services, ret->function) : NULL;
    }
    if (!find_mapping(c, arn, str_skip(rest, MAPPING.len), ret)) {
        return NULL;
    }
    json_t *kept = json_object_get(ret->mapping->config, "tags");
    return kept ? json_copy(kept) : json_object();
}

/* Uses up `tags`. */
static void keep(struct aws_call *c, const struct tagged *to, json_t *tags)
{
    c->status = 204;
    if (to->mapping && to->mapping->is_being_written) {
        json_decref(tags);
        aws_call_fail(c, 409, "ResourceConflictException", "Another operation is in progress.");
    } else if (to->mapping) {
        json_t *changes = json_pack("{s:o}", "tags", tags);
        (void)!lambda_source_change(to->mapping, changes, aws_call_written, c,
                                    NULL); /* no filters */
    } else {
        json_table_put(c->services->lambda_tags, str_c(to->function), tags, aws_call_written, c);
    }
}

const char *aws_lambda_tags_merge(json_t *tags, json_t *more)
{
    const char *why = aws_tags_fault(more);
    (void)json_object_update(tags, more); /* sound values, or nobody looks at them */
    return why                                     ? why
           : json_object_size(tags) > AWS_TAGS_MAX ? "Number of tags exceeds resource tag limit."
                                                   : NULL;
}

static void add(struct aws_call *c, const struct tagged *to, json_t *tags)
{
    json_t *more = aws_call_member(c, "Tags");
    const char *why = json_object_size(more) == 0
                          ? "An error occurred and the request cannot be processed."
                          : aws_lambda_tags_merge(tags, more);
    if (why) {
        json_decref(tags);
        aws_call_fail(c, 400, "InvalidParameterValueException", "%s", why);
    } else {
        keep(c, to, tags);
    }
}

static void take_away(struct aws_call *c, const struct tagged *to, json_t *tags)
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
        keep(c, to, tags);
        return;
    }
    json_decref(tags);
    aws_call_fail(c, 400, "ValidationException",
                  "1 validation error detected: Value null at 'tagKeys' failed to satisfy "
                  "constraint: Member must not be null");
}

void aws_lambda_tags(struct aws_call *c, const char *named)
{
    struct tagged to;
    struct str method = c->exchange->method;
    json_t *tags = find_tags(c, named, &to);
    if (!tags) {
        return;
    }
    if (str_eq(method, STR("POST"))) {
        add(c, &to, tags);
    } else if (str_eq(method, STR("DELETE"))) {
        take_away(c, &to, tags);
    } else {
        aws_call_answer(c, json_pack("{s:o}", "Tags", tags));
    }
}
