/* What is printed, into a buffer.
 *
 * SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include <jansson.h>

#include "base/limits.h"
#include "control/console/log_print.h"
#include "leaks.h"

static const struct print_style plain = { 0 };

static inline struct buf fresh(void)
{
    struct buf b;
    buf_init(&b, MIB);
    return b;
}

static inline void expect(struct buf *b, const char *text)
{
    ck_assert_int_eq(buf_append(b, str_of("", 1)), 0);
    ck_assert_str_eq(b->data, text);
    buf_finish(b);
}

static inline json_t *parse(struct buf *b)
{
    json_error_t error;
    ck_assert_int_eq(b->data[b->len - 1], '\n');
    json_t *json = json_loadb(b->data, b->len, JSON_REJECT_DUPLICATES, &error);
    ck_assert_msg(json != NULL, "%s: %.*s", error.text, (int)b->len, b->data);
    buf_finish(b);
    return json;
}
