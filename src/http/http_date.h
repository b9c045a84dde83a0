/* Dates of HTTP, RFC 9110 5.6.7. The C library's functions would follow the locale.
 *
 * SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include "base/str.h"

#define HTTP_DATE_BYTES 30
/* "Sun, 06 Nov 1994 08:49:37 GMT" and its NUL; the epoch for years after 9999. */
void http_date_format(int64_t unix_seconds, char ret_date[HTTP_DATE_BYTES]);
/* All three formats of RFC 9110 5.6.7. False when it is none. */
bool http_date_parse(struct str text, int64_t *ret_unix_seconds);
