/* Signatures of Standard Webhooks: "v1," and base64 of HMAC-SHA256 over "id.timestamp.body".
 * github.com/standard-webhooks/standard-webhooks/blob/main/spec/standard-webhooks.md
 *
 * SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include <stdint.h>

#include "base/scope.h"
#include "base/str.h"

#define WEBHOOK_SIGNATURE_BYTES 48 /* "v1," and 44 characters, with its NUL */

/* `secret`: "whsec_" and base64, or any text. -EINVAL: base64 that is none. */
int webhook_sign(struct str secret, struct str id, uint64_t timestamp_s, struct str body,
                 char ret[WEBHOOK_SIGNATURE_BYTES]) MUST_USE;
