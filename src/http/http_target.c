/* SPDX-License-Identifier: Apache-2.0 */
#include "http/http_target.h"

/* The length of a dot at the front of `s`, or 0. */
static size_t take_dot(struct str s)
{
    if (str_starts(s, STR("."))) {
        return 1;
    }
    return s.len >= 3 && str_eq_nocase(str_of(s.data, 3), STR("%2e")) ? 3 : 0;
}

/* How many dots a segment is made of, if it is of one or two and nothing else; else 0. */
static unsigned count_dots(struct str segment)
{
    unsigned dots = 0;
    while (segment.len > 0) {
        size_t len = take_dot(segment);
        if (len == 0 || ++dots > 2) {
            return 0;
        }
        segment = str_skip(segment, len);
    }
    return dots;
}

size_t http_target_remove_dots(char *target, size_t len)
{
    size_t path = str_find(str_of(target, len), '?');
    size_t out = 0, at = 0;
    while (at < path) {
        size_t end = at + 1 + str_find(str_of(target + at + 1, path - at - 1), '/');
        unsigned dots = count_dots(str_of(target + at + 1, end - at - 1));
        for (bool goes = dots == 2; goes && out > 0; goes = target[out] != '/') {
            out--;
        }
        if (dots == 0) {
            memmove(target + out, target + at, end - at);
            out += end - at;
        } else if (end == path) {
            target[out++] = '/';
        }
        at = end;
    }
    memmove(target + out, target + path, len - path);
    return out + len - path;
}
