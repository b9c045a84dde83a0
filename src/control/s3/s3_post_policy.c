/* SPDX-License-Identifier: Apache-2.0 */
#include "control/s3/s3_post_policy.h"

#include <jansson.h>
#include <stdio.h>

#include "control/text/iso_time.h"
#include "control/text/json_read.h"
#include "http/http_block.h"

#define FIELDS_MAX 256

struct check {
    struct s3_post_policy *p;
    struct str names[FIELDS_MAX]; /* that a condition speaks of */
    size_t count;
    const char *why;
};

static struct str text_of(const json_t *value)
{
    return str_of(json_string_value(value), json_string_length(value));
}

/* The value of a field; "bucket" is where the form was sent to. */
static struct str field(const struct check *c, struct str name)
{
    if (str_eq_nocase(name, STR("bucket"))) {
        return c->p->bucket;
    }
    return str_eq_nocase(name, STR("key")) ? c->p->key : http_block_find(c->p->fields, name);
}

static enum s3_error fail(struct check *c, enum s3_error error, const char *why)
{
    c->why = why;
    return error;
}

/* A condition that does not hold is told as the list that it is, or could be. */
static enum s3_error fail_condition(struct check *c, struct str relation, const char *sigil,
                                    struct str name, struct str value)
{
    (void)snprintf(c->p->why, sizeof(c->p->why),
                   "Invalid according to Policy: Policy Condition failed: [\"" STR_FMT "\", "
                   "\"%s" STR_FMT "\", \"" STR_FMT "\"]",
                   STR_ARG(relation), sigil, STR_ARG(name), STR_ARG(value)); /* a long one is cut */
    return fail(c, S3_ACCESS_DENIED, c->p->why);
}

static enum s3_error note(struct check *c, struct str name)
{
    if (c->count == FIELDS_MAX) {
        return fail(c, S3_INVALID_POLICY_DOCUMENT, "Invalid Policy: too many conditions.");
    }
    c->names[c->count++] = name;
    return S3_OK;
}

static enum s3_error check_field(struct check *c, struct str relation, struct str name,
                                 struct str wanted)
{
    bool is_equal = str_eq_nocase(relation, STR("eq"));
    struct str value = field(c, name);
    /* What may begin with anything may be absent. */
    bool holds = is_equal ? value.data && str_eq(value, wanted)
                          : wanted.len == 0 || (value.data && str_starts(value, wanted));
    return holds ? note(c, name) : fail_condition(c, relation, "$", name, wanted);
}

static bool number_of(const json_t *value, uint64_t *ret)
{
    if (json_is_integer(value) && json_integer_value(value) >= 0) {
        *ret = (uint64_t)json_integer_value(value);
        return true;
    }
    return json_is_string(value) && str_to_u64(text_of(value), ret);
}

static enum s3_error check_range(struct check *c, const json_t *list)
{
    const json_t *least = json_array_get(list, 1), *most = json_array_get(list, 2);
    c->p->has_range =
        number_of(least, &c->p->least) && number_of(most, &c->p->most) && c->p->least <= c->p->most;
    if (c->p->has_range) {
        return S3_OK;
    }
    return json_is_string(least) && json_is_string(most)
               ? fail_condition(c, text_of(json_array_get(list, 0)), "", text_of(least),
                                text_of(most))
               : fail(c, S3_INVALID_POLICY_DOCUMENT,
                      "Invalid Policy: Invalid content-length-range.");
}

static enum s3_error check_list(struct check *c, const json_t *list)
{
    struct str relation = text_of(json_array_get(list, 0));
    const json_t *name = json_array_get(list, 1), *value = json_array_get(list, 2);
    if (json_array_size(list) == 3 && str_eq_nocase(relation, STR("content-length-range"))) {
        return check_range(c, list);
    }
    bool is_known =
        str_eq_nocase(relation, STR("eq")) || str_eq_nocase(relation, STR("starts-with"));
    if (json_array_size(list) != 3 || !is_known || !json_is_string(name) ||
        !json_is_string(value)) {
        return fail(c, S3_INVALID_POLICY_DOCUMENT, "Invalid Policy: Invalid Condition.");
    }
    if (!str_starts(text_of(name), STR("$"))) {
        return fail_condition(c, relation, "", text_of(name), text_of(value));
    }
    return check_field(c, relation, str_skip(text_of(name), 1), text_of(value));
}

static enum s3_error check_object(struct check *c, json_t *object)
{
    void *only = json_object_iter(object);
    const json_t *value = json_object_iter_value(only);
    if (json_object_size(object) != 1) {
        return fail(c, S3_INVALID_POLICY_DOCUMENT,
                    "Invalid Policy: Invalid Simple-Condition: Simple-Conditions must have exactly "
                    "one property specified.");
    }
    return json_is_string(value)
               ? check_field(c, STR("eq"), str_c(json_object_iter_key(only)), text_of(value))
               : fail(c, S3_INVALID_POLICY_DOCUMENT, "Invalid Policy: Invalid Condition.");
}

static enum s3_error check_conditions(struct check *c, const json_t *conditions)
{
    size_t i;
    json_t *condition;
    json_array_foreach(conditions, i, condition)
    {
        enum s3_error error = json_is_array(condition)    ? check_list(c, condition)
                              : json_is_object(condition) ? check_object(c, condition)
                                                          : S3_INVALID_POLICY_DOCUMENT;
        if (error != S3_OK) {
            return error;
        }
    }
    return S3_OK;
}

static bool is_exempt(struct str name)
{
    static const char *const exempt[] = { "x-amz-signature", "signature", "awsaccesskeyid",
                                          "policy",          "file",      "x-amz-security-token" };
    for (size_t i = 0; i < ARRAY_COUNT(exempt); i++) {
        if (str_eq(name, str_c(exempt[i]))) {
            return true;
        }
    }
    return str_starts(name, STR("x-ignore-")) || str_starts(name, STR("x-amz-checksum-"));
}

/* Nothing is in the form that the policy does not speak of. */
static enum s3_error check_covered(struct check *c)
{
    struct str block = c->p->fields, name, value;
    while (http_block_next(&block, &name, &value)) {
        bool covered = is_exempt(name);
        for (size_t i = 0; i < c->count && !covered; i++) {
            covered = str_eq_nocase(c->names[i], name);
        }
        if (!covered) {
            (void)snprintf(c->p->why, sizeof(c->p->why),
                           "Invalid according to Policy: Extra input fields: " STR_FMT,
                           STR_ARG(name)); /* a long name is cut */
            return fail(c, S3_ACCESS_DENIED, c->p->why);
        }
    }
    return S3_OK;
}

static enum s3_error check_document(struct check *c, const json_t *policy)
{
    const json_t *expiration = json_object_get(policy, "expiration");
    const json_t *conditions = json_object_get(policy, "conditions");
    uint64_t until_ms;
    if (!json_is_string(expiration)) {
        return fail(c, S3_INVALID_POLICY_DOCUMENT, "Invalid Policy: Policy missing expiration.");
    }
    if (str_find(text_of(expiration), 'T') == json_string_length(expiration) ||
        !iso_time_parse(text_of(expiration), &until_ms)) {
        return fail(c, S3_INVALID_POLICY_DOCUMENT, "Invalid Policy: Invalid 'expiration' value.");
    }
    if (!json_is_array(conditions)) {
        return fail(c, S3_INVALID_POLICY_DOCUMENT, "Invalid Policy: Policy missing conditions.");
    }
    if (json_array_size(conditions) == 0) {
        return fail(c, S3_INVALID_POLICY_DOCUMENT, "Invalid Policy: Policy conditions empty.");
    }
    if (until_ms <= c->p->now_ms) {
        return fail(c, S3_ACCESS_DENIED, "Invalid according to Policy: Policy expired.");
    }
    enum s3_error error = check_conditions(c, conditions);
    return error == S3_OK ? check_covered(c) : error;
}

enum s3_error s3_post_policy_check(struct s3_post_policy *p, const char **ret_why)
{
    struct check c = { .p = p };
    json_t *policy = json_read(p->text, 0);
    enum s3_error error = json_is_object(policy) ? check_document(&c, policy)
                                                 : fail(&c, S3_INVALID_POLICY_DOCUMENT,
                                                        "Invalid Policy: Invalid JSON.");
    json_decref(policy);
    *ret_why = c.why;
    return error;
}
