/* Base64 (RFC 4648, section 4), by OpenSSL.
 *
 * SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include "base/str.h"

/* The caller frees. */
char *base64_encode(struct str data);
/* NULL: that is none. Ends in NUL beyond its length; the caller frees. */
char *base64_decode(struct str text, size_t *ret_len);
