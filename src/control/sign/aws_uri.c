/* SPDX-License-Identifier: Apache-2.0 */
#include "control/sign/aws_uri.h"

#include "base/hex.h"

static bool is_unreserved(char c)
{
    return (c >= '0' && c <= '9') || ((c | 0x20) >= 'a' && (c | 0x20) <= 'z') || c == '-' ||
           c == '_' || c == '.' || c == '~';
}

int aws_uri_decode(struct buf *out, struct str text, enum aws_uri_plus plus)
{
    char *at;
    int r = buf_reserve(out, text.len, &at);
    if (r < 0) {
        return r;
    }
    char *end = at;
    for (size_t i = 0; i < text.len; i++) {
        char c = text.data[i];
        if (c == '%') {
            int high = i + 2 < text.len ? hex_digit(text.data[i + 1]) : -1;
            int low = high >= 0 ? hex_digit(text.data[i + 2]) : -1;
            if (low < 0) {
                return -EBADMSG;
            }
            c = (char)(high << 4 | low);
            i += 2;
        } else if (c == '+' && plus == AWS_URI_PLUS_IS_SPACE) {
            c = ' ';
        }
        *end++ = c;
    }
    out->len += (size_t)(end - at);
    return 0;
}

int aws_uri_encode(struct buf *out, struct str text, char keep)
{
    static const char digits[] = "0123456789ABCDEF";
    char *at;
    size_t need = 0;
    for (size_t i = 0; i < text.len; i++) {
        need += is_unreserved(text.data[i]) || (keep && text.data[i] == keep) ? 1 : 3;
    }
    int r = buf_reserve(out, need, &at);
    if (r < 0) {
        return r;
    }
    for (size_t i = 0; i < text.len; i++) {
        char c = text.data[i];
        if (is_unreserved(c) || (keep && c == keep)) {
            *at++ = c;
        } else {
            *at++ = '%';
            *at++ = digits[(unsigned char)c >> 4];
            *at++ = digits[(unsigned char)c & 15];
        }
    }
    out->len += need;
    return 0;
}

bool aws_query_next(struct str *query, struct str *ret_name, struct str *ret_value)
{
    while (query->len > 0) {
        struct str part = str_cut(query, '&');
        if (part.len > 0) {
            *ret_name = str_cut(&part, '=');
            *ret_value = part;
            return true;
        }
    }
    return false;
}

void aws_target_split(struct str target, struct str *ret_path, struct str *ret_query)
{
    *ret_query = target;
    *ret_path = str_cut(ret_query, '?');
}
