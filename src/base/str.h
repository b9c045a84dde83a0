/* A view of bytes: pointer and length, passed by value, never owns, need not end in NUL.
 *
 * SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include "base/scope.h"

struct str {
    const char *data;
    size_t len;
};

#define STR(literal)  ((struct str){ "" literal, sizeof(literal) - 1 })
#define STR_FMT       "%.*s"
#define STR_ARG(view) (int)(view).len, (view).data

static inline struct str str_of(const char *data, size_t len)
{
    return (struct str){ data, len };
}

static inline struct str str_c(const char *text)
{
    return (struct str){ text, strlen(text) };
}

static inline bool str_eq(struct str a, struct str b)
{
    return a.len == b.len && (a.len == 0 || memcmp(a.data, b.data, a.len) == 0);
}

/* As memcmp() orders bytes; what begins another comes before it. */
static inline int str_compare(struct str a, struct str b)
{
    size_t len = a.len < b.len ? a.len : b.len;
    int order = len > 0 ? memcmp(a.data, b.data, len) : 0;
    return order != 0 ? order : (a.len > b.len) - (a.len < b.len);
}

static inline bool str_starts(struct str s, struct str prefix)
{
    return s.len >= prefix.len && (prefix.len == 0 || memcmp(s.data, prefix.data, prefix.len) == 0);
}

static inline struct str str_skip(struct str s, size_t n)
{
    return n >= s.len ? str_of(s.data + s.len, 0) : str_of(s.data + n, s.len - n);
}

/* Copies it, with a NUL, into an array of `size`; false, and nothing is changed, if it does not
 * fit. */
bool str_keep(struct str s, char *ret, size_t size) MUST_USE;

/* Of texts of one length: whether they differ in the case of ASCII letters at most. */
bool str_folds_to(struct str a, struct str b);

/* In any case of ASCII letters. Most are written alike. */
static inline bool str_eq_nocase(struct str a, struct str b)
{
    return a.len == b.len &&
           (a.len == 0 || memcmp(a.data, b.data, a.len) == 0 || str_folds_to(a, b));
}

struct str str_trim(struct str s); /* spaces and tabs at both ends */

/* The position of `c`, or s.len. */
size_t str_find(struct str s, char c);
/* What stands behind the first `mark`; no data: it is not in there. */
struct str str_behind(struct str s, struct str mark);

/* Cuts the part before `separator` off `rest` and returns it; `rest` loses the separator too. At
 * the last part `rest` becomes empty with data NULL. */
struct str str_cut(struct str *rest, char separator);

/* Whether a list with commas has an item, in any case. */
bool str_list_has(struct str list, struct str item);

/* Decimal digits only, no sign, no blanks. False when it is not a number or overflows. */
bool str_to_u64(struct str s, uint64_t *ret_value) MUST_USE;
