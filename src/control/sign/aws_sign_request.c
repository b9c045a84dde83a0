/* SPDX-License-Identifier: Apache-2.0 */
#include "control/sign/aws_sign_request.h"

#include <stdio.h>

#include "http/http_date.h"

bool aws_sign_parse_date(struct str text, int64_t *ret_s)
{
    char gmt[40];
    uint64_t zone;
    size_t suffix = sizeof("+0100") - 1;
    if (text.len <= suffix || text.len > sizeof(gmt) - 1 ||
        (text.data[text.len - suffix] != '+' && text.data[text.len - suffix] != '-') ||
        !str_to_u64(str_skip(text, text.len - suffix + 1), &zone)) {
        return http_date_parse(text, ret_s);
    }
    int len = snprintf(gmt, sizeof(gmt), STR_FMT "GMT", (int)(text.len - suffix), text.data);
    int64_t offset_s = (int64_t)(zone / 100 * 3600 + zone % 100 * 60);
    if (!http_date_parse(str_of(gmt, (size_t)len), ret_s)) {
        return false;
    }
    *ret_s -= text.data[text.len - suffix] == '+' ? offset_s : -offset_s;
    return true;
}
