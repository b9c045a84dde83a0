/* The secret that functions' credentials are made of. It is kept beside the database, so that what
 * a function has signed (a URL that somebody was given) is good after a restart too.
 *
 * SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include <stdint.h>

#include "base/err.h"

#define AWS_SEED_BYTES 32

/* Reads it from the file "secret" of `folder`, or makes the file. */
int aws_seed_load(const char *folder, uint8_t ret_seed[AWS_SEED_BYTES], struct err *err) MUST_USE;
