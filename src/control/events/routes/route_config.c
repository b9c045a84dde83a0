/* SPDX-License-Identifier: Apache-2.0 */
#include "control/events/routes/route_config.h"

#include <stdio.h>

#include "base/mem.h"
#include "control/text/json_read.h"
#include "http/http_block.h"

#define DAY_MS     ((uint64_t)24 * 3600 * 1000)
#define KEY_MAX    1024 /* longer ones are no keys */
#define DEPTH_MAX  16   /* of a JSON path */
#define MEMBER_MAX 256

/* Durable routes: five retries within half an hour. */
static const struct retry_policy durable_policy = { .retries_max = 5,
                                                    .delays_ms = { 5000, 30000, 120000, 600000,
                                                                   1800000 },
                                                    .delay_count = 5,
                                                    .max_age_ms = DAY_MS };
/* Netlify's background functions: after one minute, then after two. */
static const struct retry_policy background_policy = { .retries_max = 2,
                                                       .delays_ms = { 60000, 120000 },
                                                       .delay_count = 2 };

static void read_key(const json_t *idempotent, struct route_config *ret)
{
    const char *key = json_string_value(json_object_get(idempotent, "key"));
    double ttl = json_number_value(json_object_get(idempotent, "ttl_s"));
    ret->ttl_ms = ttl > 0 ? (uint64_t)(ttl * 1000) : DAY_MS;
    if (!key) {
        return;
    }
    struct str text = str_c(key);
    if (str_starts(text, STR("header:"))) {
        ret->key = ROUTE_KEY_HEADER;
        ret->key_name = mem_copy_str(str_skip(text, 7));
    } else if (str_starts(text, STR("json:"))) {
        ret->key = ROUTE_KEY_JSON;
        ret->key_name = mem_copy_str(str_skip(text, 5));
    } else if (str_eq(text, STR("standard-webhooks"))) {
        ret->key = ROUTE_KEY_STANDARD_WEBHOOKS;
    }
}

static json_t *copy_object(const json_t *entry, const char *name)
{
    const json_t *value = json_object_get(entry, name);
    return json_is_object(value) ? json_deep_copy(value) : NULL;
}

void route_config_read(const json_t *entry, struct route_config *ret)
{
    const json_t *durable = json_object_get(entry, "durable");
    const json_t *background = json_object_get(entry, "background");
    *ret = (struct route_config){ .durable = json_is_object(durable),
                                  .background = json_is_object(background) };
    read_key(json_object_get(entry, "idempotent"), ret);
    if (ret->background) {
        retry_read(background, &background_policy, &ret->policy);
    } else {
        retry_read(durable, &durable_policy, &ret->policy);
    }
    ret->on_success = copy_object(entry, "on_success");
    ret->on_failure = copy_object(entry, "on_failure");
}

void route_config_finish(struct route_config *c)
{
    free(c->key_name);
    json_decref(c->on_success);
    json_decref(c->on_failure);
    *c = (struct route_config){ 0 };
}

static char *key_of_header(struct str headers, struct str name)
{
    struct str value = str_trim(http_block_find(headers, name));
    return value.len > 0 && value.len <= KEY_MAX ? mem_copy_str(value) : NULL;
}

/* Svix, whose scheme became the standard, still sends the id under its own name. */
static char *key_of_standard_webhook(struct str headers)
{
    char *key = key_of_header(headers, STR("webhook-id"));
    return key ? key : key_of_header(headers, STR("svix-id"));
}

/* "$.data.object.id", "$.items[0].id" */
static const json_t *walk(const json_t *json, struct str path)
{
    path = str_skip(path, str_starts(path, STR("$")) ? 1 : 0);
    for (int depth = 0; json && path.len > 0 && depth < DEPTH_MAX; depth++) {
        uint64_t index;
        char member[MEMBER_MAX];
        if (path.data[0] == '[') {
            size_t end = str_find(path, ']');
            if (end == path.len || !str_to_u64(str_of(path.data + 1, end - 1), &index)) {
                return NULL;
            }
            json = json_array_get(json, index);
            path = str_skip(path, end + 1);
            continue;
        }
        path = str_skip(path, path.data[0] == '.' ? 1 : 0);
        size_t len = 0;
        while (len < path.len && path.data[len] != '.' && path.data[len] != '[') {
            len++;
        }
        if (len == 0 || len >= sizeof(member)) {
            return NULL;
        }
        (void)snprintf(member, sizeof(member), "%.*s", (int)len, path.data);
        json = json_object_get(json, member);
        path = str_skip(path, len);
    }
    return path.len == 0 ? json : NULL;
}

static char *key_of_json(struct str body, struct str path)
{
    json_t *json = json_read(body, JSON_DECODE_ANY);
    const json_t *value = walk(json, path);
    char *key = NULL;
    if (json_is_string(value)) {
        struct str text = str_of(json_string_value(value), json_string_length(value));
        key = text.len > 0 && text.len <= KEY_MAX ? mem_copy_str(text) : NULL;
    } else if (json_is_integer(value)) {
        char text[32];
        (void)snprintf(text, sizeof(text), "%lld", (long long)json_integer_value(value));
        key = mem_copy_str(str_c(text));
    }
    json_decref(json);
    return key;
}

char *route_config_key(const struct route_config *c, struct str headers, struct str body)
{
    switch (c->key) {
    case ROUTE_KEY_NONE:
        return NULL;
    case ROUTE_KEY_JSON:
        return key_of_json(body, str_c(c->key_name));
    case ROUTE_KEY_STANDARD_WEBHOOKS:
        return key_of_standard_webhook(headers);
    default:
        return key_of_header(headers, str_c(c->key_name));
    }
}
