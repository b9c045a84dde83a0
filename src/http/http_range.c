/* SPDX-License-Identifier: Apache-2.0 */
#include "http/http_range.h"

#include "http/http_reply.h"

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

static bool changed_since(const struct http_field *field, int64_t modified_s, bool *ret_valid)
{
    int64_t date;
    *ret_valid = http_date_parse(field->value, &date);
    return *ret_valid && modified_s > date;
}

/* In the order of RFC 9110 13.2.2. */
unsigned http_conditions(const struct http_head *head, const struct http_resource *resource)
{
    const struct http_field *match = http_head_find(head, STR("if-match"));
    const struct http_field *unmodified = http_head_find(head, STR("if-unmodified-since"));
    const struct http_field *none = http_head_find(head, STR("if-none-match"));
    const struct http_field *modified = http_head_find(head, STR("if-modified-since"));
    bool valid;
    if (match) {
        if (!list_has(match->value, resource->etag, false)) {
            return 412;
        }
    } else if (unmodified && changed_since(unmodified, resource->modified_s, &valid)) {
        return 412;
    }
    if (none) {
        return list_has(none->value, resource->etag, true) ? 304 : 200;
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
    if (field->value.len > 0 && (field->value.data[0] == '"' || field->value.data[0] == 'W')) {
        return list_has(field->value, resource->etag, false);
    }
    return http_date_parse(field->value, &date) && date == resource->modified_s;
}

enum http_range_kind http_range(const struct http_head *head, const struct http_resource *resource,
                                uint64_t *ret_first, uint64_t *ret_last)
{
    const struct http_field *field = http_head_find(head, STR("range"));
    if (!field || !range_holds(head, resource) || field->value.len < 6 ||
        !str_eq_nocase(str_of(field->value.data, 6), STR("bytes="))) {
        return HTTP_RANGE_ALL;
    }
    struct str last = str_trim(str_skip(field->value, 6));
    if (str_find(last, ',') < last.len || str_find(last, '-') == last.len) {
        return HTTP_RANGE_ALL;
    }
    struct str first = str_trim(str_cut(&last, '-'));
    last = last.data ? str_trim(last) : str_of("", 0);
    uint64_t from = 0, to = resource->size > 0 ? resource->size - 1 : 0;
    uint64_t number = 0;
    if (first.len == 0) {
        if (!str_to_u64(last, &number)) {
            return HTTP_RANGE_ALL;
        }
        if (number == 0 || resource->size == 0) {
            return HTTP_RANGE_NONE;
        }
        from = number < resource->size ? resource->size - number : 0;
    } else {
        if (!str_to_u64(first, &from) || (last.len > 0 && !str_to_u64(last, &number))) {
            return HTTP_RANGE_ALL;
        }
        if (last.len > 0 && number < from) {
            return HTTP_RANGE_ALL; /* malformed: ignored */
        }
        if (from >= resource->size) {
            return HTTP_RANGE_NONE;
        }
        to = last.len > 0 && number < to ? number : to;
    }
    *ret_first = from;
    *ret_last = to;
    return HTTP_RANGE_PART;
}
