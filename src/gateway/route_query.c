/* SPDX-License-Identifier: Apache-2.0 */
#include "gateway/route_query.h"

static bool names(struct str query, struct str name)
{
    while (query.data && query.len > 0) {
        struct str pair = str_cut(&query, '&');
        if (str_eq(str_cut(&pair, '='), name)) {
            return true;
        }
    }
    return false;
}

int route_query_append(struct buf *out, struct str query, struct str other,
                       const char **in_out_separator)
{
    int r = 0;
    while (r == 0 && query.data && query.len > 0) {
        struct str pair = str_cut(&query, '&'), value = pair;
        if (!names(other, str_cut(&value, '='))) {
            r = buf_append(out, str_c(*in_out_separator));
            r = r == 0 ? buf_append(out, pair) : r;
            *in_out_separator = "&";
        }
    }
    return r;
}
