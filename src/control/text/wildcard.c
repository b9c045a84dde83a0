/* SPDX-License-Identifier: Apache-2.0 */
#include "control/text/wildcard.h"

static bool is_same(char a, char b, bool folds)
{
    return folds ? str_eq_nocase(str_of(&a, 1), str_of(&b, 1)) : a == b;
}

/* After a mismatch the last "*" takes one byte more: earlier ones need not change. */
static bool matches(struct str pattern, struct str text, bool folds)
{
    size_t p = 0, t = 0, star = SIZE_MAX, from = 0;
    while (t < text.len) {
        if (p < pattern.len && pattern.data[p] == '*') {
            star = p++;
            from = t;
        } else if (p < pattern.len &&
                   (pattern.data[p] == '?' || is_same(pattern.data[p], text.data[t], folds))) {
            p++;
            t++;
        } else if (star != SIZE_MAX) {
            p = star + 1;
            t = ++from;
        } else {
            return false;
        }
    }
    while (p < pattern.len && pattern.data[p] == '*') {
        p++;
    }
    return p == pattern.len;
}

bool wildcard_matches(struct str pattern, struct str text)
{
    return matches(pattern, text, false);
}

bool wildcard_matches_nocase(struct str pattern, struct str text)
{
    return matches(pattern, text, true);
}
