/* SPDX-License-Identifier: Apache-2.0 */
#include "control/s3/s3_name.h"

#include "control/text/utf8.h"

#define BUCKET_LEN_MIN 3
#define BUCKET_LEN_MAX 63

static bool is_letter_or_digit(char c)
{
    return (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9');
}

static bool is_ipv4(struct str name)
{
    for (int parts = 0; parts < 4; parts++) {
        struct str part = str_cut(&name, '.');
        uint64_t number;
        if (!str_to_u64(part, &number) || part.len > 3 || (!name.data && parts < 3)) {
            return false;
        }
    }
    return name.data == NULL;
}

static bool ends(struct str s, struct str suffix)
{
    return s.len >= suffix.len && str_eq(str_skip(s, s.len - suffix.len), suffix);
}

static bool is_reserved(struct str name)
{
    return str_starts(name, STR("xn--")) || str_starts(name, STR("sthree-")) ||
           ends(name, STR("-s3alias")) || ends(name, STR("--ol-s3")) || ends(name, STR(".mrap")) ||
           ends(name, STR("--x-s3")) || ends(name, STR("--table-s3"));
}

bool s3_name_is_bucket(struct str name)
{
    if (name.len < BUCKET_LEN_MIN || name.len > BUCKET_LEN_MAX ||
        !is_letter_or_digit(name.data[0]) || !is_letter_or_digit(name.data[name.len - 1])) {
        return false;
    }
    for (size_t i = 0; i < name.len; i++) {
        char c = name.data[i];
        if (!is_letter_or_digit(c) && c != '-' && c != '.') {
            return false;
        }
        /* Labels of a host name: none is empty, begins or ends with a hyphen. */
        if (c == '.' && !is_letter_or_digit(name.data[i - 1])) {
            return false;
        }
        if (i > 0 && name.data[i - 1] == '.' && !is_letter_or_digit(c)) {
            return false;
        }
    }
    return !is_ipv4(name) && !is_reserved(name);
}

bool s3_name_is_utf8(struct str text)
{
    while (text.len > 0) {
        uint32_t character;
        size_t len = utf8_next(text, &character);
        if (character == 0xfffd && len == 1) {
            return false;
        }
        text = str_skip(text, len);
    }
    return true;
}
