/* SPDX-License-Identifier: Apache-2.0 */
#include "http/http_block.h"

#include <errno.h>
#include <string.h>

bool http_block_next(struct str *block, struct str *ret_name, struct str *ret_value)
{
    size_t name = str_find(*block, '\0');
    if (name >= block->len) {
        return false;
    }
    struct str rest = str_skip(*block, name + 1);
    size_t value = str_find(rest, '\0');
    if (value >= rest.len) {
        return false;
    }
    *ret_name = str_of(block->data, name);
    *ret_value = str_of(rest.data, value);
    *block = str_skip(rest, value + 1);
    return true;
}

int http_block_split(struct str block, size_t max, struct http_block_field *ret_fields,
                     size_t *ret_count)
{
    struct http_block_field field;
    size_t count = 0;
    while (http_block_next(&block, &field.name, &field.value)) {
        if (count == max) {
            return -E2BIG;
        }
        ret_fields[count++] = field;
    }
    *ret_count = count;
    return 0;
}

struct str http_block_find(struct str block, struct str name)
{
    struct str found_name, value;
    while (http_block_next(&block, &found_name, &value)) {
        if (str_eq_nocase(found_name, name)) {
            return value;
        }
    }
    return (struct str){ 0 };
}

int http_block_add(struct buf *block, struct str name, struct str value)
{
    const size_t before = block->len;
    int r = buf_append(block, name);
    r = r == 0 ? buf_append(block, STR("\0")) : r;
    r = r == 0 ? buf_append(block, value) : r;
    r = r == 0 ? buf_append(block, STR("\0")) : r;
    if (r < 0) {
        block->len = before;
    }
    return r;
}

void http_block_remove(struct buf *block, struct str name)
{
    struct str rest = buf_str(block), field, value;
    for (size_t at = 0; http_block_next(&rest, &field, &value); at = block->len - rest.len) {
        if (str_eq_nocase(field, name)) {
            memmove(block->data + at, rest.data, rest.len);
            block->len = at + rest.len;
            return;
        }
    }
}

bool http_block_is_hop_by_hop(struct str name)
{
    static const struct str names[] = {
        STR("connection"),     STR("keep-alive"), STR("transfer-encoding"),
        STR("content-length"), STR("te"),         STR("trailer"),
        STR("upgrade")
    };
    for (size_t i = 0; i < ARRAY_COUNT(names); i++) {
        if (str_eq(name, names[i])) {
            return true;
        }
    }
    return false;
}
