/* SPDX-License-Identifier: Apache-2.0 */
#include "base/str.h"

static int lower(int c)
{
    return c >= 'A' && c <= 'Z' ? c + ('a' - 'A') : c;
}

bool str_folds_to(struct str a, struct str b)
{
    for (size_t i = 0; i < a.len; i++) {
        if (lower(a.data[i]) != lower(b.data[i])) {
            return false;
        }
    }
    return true;
}

bool str_keep(struct str s, char *ret, size_t size)
{
    if (s.len >= size) {
        return false;
    }
    if (s.len > 0) {
        memcpy(ret, s.data, s.len);
    }
    ret[s.len] = '\0';
    return true;
}

struct str str_trim(struct str s)
{
    while (s.len > 0 && (s.data[0] == ' ' || s.data[0] == '\t')) {
        s = str_skip(s, 1);
    }
    while (s.len > 0 && (s.data[s.len - 1] == ' ' || s.data[s.len - 1] == '\t')) {
        s.len--;
    }
    return s;
}

size_t str_find(struct str s, char c)
{
    const char *at = s.len > 0 ? memchr(s.data, c, s.len) : NULL;
    return at ? (size_t)(at - s.data) : s.len;
}

struct str str_cut(struct str *rest, char separator)
{
    size_t at = str_find(*rest, separator);
    struct str part = str_of(rest->data, at);
    *rest = at == rest->len ? (struct str){ NULL, 0 } : str_skip(*rest, at + 1);
    return part;
}

bool str_list_has(struct str list, struct str item)
{
    while (list.data) {
        if (str_eq_nocase(str_trim(str_cut(&list, ',')), item)) {
            return true;
        }
    }
    return false;
}

bool str_to_u64(struct str s, uint64_t *ret_value)
{
    uint64_t value = 0;
    if (s.len == 0) {
        return false;
    }
    for (size_t i = 0; i < s.len; i++) {
        if (s.data[i] < '0' || s.data[i] > '9') {
            return false;
        }
        if (__builtin_mul_overflow(value, 10, &value) ||
            __builtin_add_overflow(value, (uint64_t)(s.data[i] - '0'), &value)) {
            return false;
        }
    }
    *ret_value = value;
    return true;
}

struct str str_behind(struct str s, struct str mark)
{
    const char *at = s.len > 0 ? memmem(s.data, s.len, mark.data, mark.len) : NULL;
    return at ? str_skip(s, (size_t)(at - s.data) + mark.len) : (struct str){ NULL, 0 };
}
