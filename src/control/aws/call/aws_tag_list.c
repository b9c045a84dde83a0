/* SPDX-License-Identifier: Apache-2.0 */
#include "control/aws/call/aws_tag_list.h"

#include <strings.h>

#include "control/aws/call/aws_check.h"
#include "control/aws/call/aws_tags.h"

static json_t *key_of(json_t *tag)
{
    return json_object_get(tag, "Key");
}

static bool check_members(struct aws_call *c, const struct aws_tag_form *form, json_t *tags)
{
    const struct aws_rule rules[] = {
        { "Key", AWS_TEXT, AWS_MUST, 1, 128, NULL },
        { "Value", AWS_TEXT, AWS_MUST, form->value_min, 256, NULL },
    };
    struct aws_check k;
    aws_check_init(&k);
    aws_check_elements(&k, tags, "tags", rules, ARRAY_COUNT(rules));
    return aws_check_end(&k, c);
}

static bool has_key(json_t *keys, json_t *key)
{
    size_t i;
    json_t *other;
    json_array_foreach(keys, i, other)
    {
        if (json_equal(other, key)) {
            return true;
        }
    }
    return false;
}

static json_t *keys_of(json_t *tags)
{
    json_t *keys = json_array();
    size_t i;
    json_t *tag;
    json_array_foreach(tags, i, tag)
    {
        (void)json_array_append(keys, key_of(tag)); /* a new place for it */
    }
    return keys;
}

/* What is wrong with the keys, as a sentence; NULL: nothing. */
static const char *keys_fault(json_t *keys)
{
    json_t *seen = json_object();
    const char *fault = NULL;
    size_t i;
    json_t *key;
    json_array_foreach(keys, i, key)
    {
        const char *name = json_string_value(key);
        bool twice = json_object_get(seen, name) != NULL;
        fault = fault                               ? fault
                : strncasecmp(name, "aws:", 4) == 0 ? AWS_TAGS_RESERVED
                : twice ? "Invalid parameter: Duplicated keys are not allowed."
                        : NULL;
        (void)json_object_set(seen, name, key); /* a sound name */
    }
    json_decref(seen);
    return fault;
}

static bool check_keys(struct aws_call *c, json_t *tags)
{
    json_t *keys = keys_of(tags);
    const char *fault = keys_fault(keys);
    json_decref(keys);
    if (fault) {
        aws_call_fail(c, 400, "ValidationException", "%s", fault);
    }
    return !fault;
}

static bool check_count(struct aws_call *c, const struct aws_tag_form *form, json_t *tags)
{
    if (json_array_size(tags) > AWS_TAGS_MAX) {
        aws_call_fail(c, 400, form->many_code,
                      "The requested resource exceeds the maximum number allowed.");
        return false;
    }
    return true;
}

json_t *aws_tag_list_read(struct aws_call *c, const struct aws_tag_form *form)
{
    json_t *tags = aws_call_member(c, "Tags");
    if (!check_members(c, form, tags) || !check_keys(c, tags) || !check_count(c, form, tags)) {
        return NULL;
    }
    return json_is_array(tags) ? json_incref(tags) : json_array();
}

json_t *aws_tag_list_without(json_t *before, json_t *keys)
{
    json_t *kept = json_array();
    size_t i;
    json_t *tag;
    json_array_foreach(before, i, tag)
    {
        if (!has_key(keys, key_of(tag))) {
            (void)json_array_append(kept, tag); /* a new place for it */
        }
    }
    return kept;
}

json_t *aws_tag_list_add(struct aws_call *c, const struct aws_tag_form *form, json_t *before,
                         json_t *added)
{
    json_t *keys = keys_of(added);
    json_t *tags = aws_tag_list_without(before, keys);
    (void)json_array_extend(tags, added); /* both are lists */
    json_decref(keys);
    if (!check_count(c, form, tags)) {
        json_decref(tags);
        return NULL;
    }
    return tags;
}
