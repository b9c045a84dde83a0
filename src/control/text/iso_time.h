/* Times as AWS, Cloudflare and our own logs write them: RFC 3339, in UTC; and reading them.
 *
 * SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include <stdint.h>

#include "base/str.h"

#define ISO_TIME_BYTES 40

/* "2026-11-25T10:00:30.125Z", of milliseconds since the epoch. The text returned ends in NUL. */
struct str iso_time_ms(uint64_t epoch_ms, char ret[ISO_TIME_BYTES]);
/* The same without a fraction. */
struct str iso_time_s(uint64_t epoch_ms, char ret[ISO_TIME_BYTES]);

/* The same and what else ISO 8601 lets clients write: a date alone, no fraction or a longer one, a
 * zone. Some send an HTTP date instead. What is before the epoch is its beginning. */
bool iso_time_parse(struct str text, uint64_t *ret_epoch_ms) MUST_USE;
