/* SPDX-License-Identifier: Apache-2.0 */
#include "http/http_range.h"

#include <errno.h>

#include "http/http_date.h"

static struct str opaque(struct str etag)
{
    return str_starts(etag, STR("W/")) ? str_skip(etag, 2) : etag;
}

/* If-None-Match and If-Match are lists or "*". Tags hold no commas here: ours do not, and another's
 * cannot match anyway. */
static bool list_has(struct str list, struct str etag, bool weak)
{
    if (str_eq(str_trim(list), STR("*"))) {
        return true;
    }
    while (list.data && list.len > 0) {
        struct str one = str_trim(str_cut(&list, ','));
        if (weak ? str_eq(opaque(one), opaque(etag))
                 : str_eq(one, etag) && !str_starts(one, STR("W/"))) {
            return true;
        }
    }
    return false;
}

/* The same of all fields of that name, which are one list. */
static bool any_has(const struct http_head *head, struct str name, struct str etag, bool weak)
{
    for (size_t i = 0; i < head->field_count; i++) {
        const struct http_field *f = &head->fields[i];
        if (str_eq(f->name, name) && list_has(f->value, etag, weak)) {
            return true;
        }
    }
    return false;
}

static bool changed_since(const struct http_field *field, int64_t modified_s, bool *ret_valid)
{
    int64_t date;
    *ret_valid = http_date_parse(field->value, &date);
    return *ret_valid && modified_s > date;
}

/* In the order of RFC 9110 13.2.2. */
unsigned http_conditions(const struct http_head *head, const struct http_resource *resource)
{
    const struct http_field *unmodified = http_head_find(head, STR("if-unmodified-since"));
    const struct http_field *modified = http_head_find(head, STR("if-modified-since"));
    bool valid;
    if (http_head_find(head, STR("if-match"))) {
        if (!any_has(head, STR("if-match"), resource->etag, false)) {
            return 412;
        }
    } else if (unmodified && changed_since(unmodified, resource->modified_s, &valid)) {
        return 412;
    }
    if (http_head_find(head, STR("if-none-match"))) {
        return any_has(head, STR("if-none-match"), resource->etag, true) ? 304 : 200;
    }
    if (modified && !changed_since(modified, resource->modified_s, &valid) && valid) {
        return 304;
    }
    return 200;
}

/* If-Range asks for the part only of what it names. */
static bool range_holds(const struct http_head *head, const struct http_resource *resource)
{
    const struct http_field *field = http_head_find(head, STR("if-range"));
    int64_t date;
    if (!field) {
        return true;
    }
    if (str_starts(field->value, STR("\"")) || str_starts(field->value, STR("W/"))) {
        return list_has(field->value, resource->etag, false);
    }
    return http_date_parse(field->value, &date) && date == resource->modified_s;
}

/* Digits, however many: what is larger than everything is as good as the largest number. */
static bool read_position(struct str s, uint64_t *ret)
{
    for (size_t i = 0; i < s.len; i++) {
        if (s.data[i] < '0' || s.data[i] > '9') {
            return false;
        }
    }
    if (!str_to_u64(s, ret)) {
        *ret = UINT64_MAX;
    }
    return s.len > 0;
}

/* "first-last", "first-" or "-suffix" into 1: a range; 0: one that does not exist; -EINVAL: none.
 */
static int read_range(struct str text, uint64_t size, struct http_range *ret)
{
    struct str rest = text;
    struct str first = str_trim(str_cut(&rest, '-'));
    struct str last = str_trim(rest);
    uint64_t from;
    uint64_t to = UINT64_MAX;
    if (!rest.data || first.len + last.len == 0 || (last.len > 0 && !read_position(last, &to))) {
        return -EINVAL;
    }
    if (first.len == 0) {
        *ret = (struct http_range){ to < size ? size - to : 0, size - 1 };
        return to > 0;
    }
    if (!read_position(first, &from) || to < from) {
        return -EINVAL;
    }
    *ret = (struct http_range){ from, to < size ? to : size - 1 };
    return from < size;
}

static int read_ranges(struct str list, uint64_t size, struct http_range *ret_ranges)
{
    uint64_t total = 0;
    int asked = 0;
    int count = 0;
    do {
        struct str text = str_trim(str_cut(&list, ','));
        if (text.len == 0) {
            continue; /* RFC 9110 5.6.1: empty elements are nothing */
        }
        struct http_range range;
        int r = asked++ < HTTP_RANGES_MAX ? read_range(text, size, &range) : -EINVAL;
        if (r < 0) {
            return 0;
        }
        if (r > 0) {
            ret_ranges[count++] = range;
            total += range.last - range.first + 1;
        }
    } while (list.data);
    return asked > 0 && count == 0 ? -ERANGE : total > size ? 0 : count;
}

int http_ranges(const struct http_head *head, const struct http_resource *resource,
                struct http_range ret_ranges[HTTP_RANGES_MAX])
{
    const struct http_field *field = http_head_find(head, STR("range"));
    if (!field || resource->size == 0 || !range_holds(head, resource) || field->value.len < 6 ||
        !str_eq_nocase(str_of(field->value.data, 6), STR("bytes="))) {
        return 0;
    }
    return read_ranges(str_skip(field->value, 6), resource->size, ret_ranges);
}
