/* Short forms of Node-API calls. Wrong arguments come only from our own JavaScript, so they are
 * programming errors: they throw a TypeError where cheap, and never crash.
 *
 * SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include <node_api.h>
#include <stdbool.h>
#include <stdint.h>

#include "base/err.h"

static inline napi_value value_number(napi_env env, double number)
{
    napi_value value;
    return napi_create_double(env, number, &value) == napi_ok ? value : NULL;
}

static inline napi_value value_latin1(napi_env env, const char *text, size_t len)
{
    napi_value value;
    return napi_create_string_latin1(env, text, len, &value) == napi_ok ? value : NULL;
}

static inline napi_value value_text(napi_env env, const char *text)
{
    napi_value value;
    return napi_create_string_utf8(env, text, NAPI_AUTO_LENGTH, &value) == napi_ok ? value : NULL;
}

static inline napi_value value_set(napi_env env, napi_value object, const char *name,
                                   napi_value value)
{
    (void)napi_set_named_property(env, object, name, value); /* an exception is then pending */
    return object;
}

static inline napi_value value_undefined(napi_env env)
{
    napi_value value;
    return napi_get_undefined(env, &value) == napi_ok ? value : NULL;
}

static inline napi_value throw_err(napi_env env, const struct err *err)
{
    (void)napi_throw_error(env, NULL, err->text);
    return NULL;
}

/* The number, 0 where it is none. */
static inline uint32_t value_to_u32(napi_env env, napi_value value)
{
    uint32_t number = 0;
    (void)napi_get_value_uint32(env, value, &number);
    return number;
}

static inline bool value_is(napi_env env, napi_value value, napi_valuetype type)
{
    napi_valuetype found;
    return napi_typeof(env, value, &found) == napi_ok && found == type;
}

/* The most arguments that any call of the addon takes. */
#define ARGUMENTS_MAX 8

struct arguments {
    size_t count;
    napi_value at[ARGUMENTS_MAX];
};

static inline struct arguments arguments_of(napi_env env, napi_callback_info info)
{
    struct arguments arguments = { .count = ARGUMENTS_MAX };
    /* missing ones are filled with undefined */
    (void)napi_get_cb_info(env, info, &arguments.count, arguments.at, NULL, NULL);
    return arguments;
}
