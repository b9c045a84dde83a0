/* What is wrong with an event pattern that is a JSON object, and where. AWS's event-ruler reads a
 * pattern token by token and tells how far it had read: mostly the value that it does not take,
 * where that has begun, or the object or array in which something is missing, where it ended.
 *
 * SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include <jansson.h>

#include "base/err.h"
#include "base/str.h"

struct pattern_fault {
    struct err *err;
    json_t *parent; /* what is being checked, for pattern_fault_at(); borrowed */
    json_t *at;     /* the value, borrowed; NULL: no place is told */
    bool has_ended; /* the value had been read whole */
};

/* All three return -EINVAL. The value is one of the parent's. */
int pattern_fault_at(struct pattern_fault *f, json_t *value, const char *fmt, ...) PRINTF(3, 4);
/* Of a string, an object or an array. */
int pattern_fault_behind(struct pattern_fault *f, json_t *value, const char *fmt, ...) PRINTF(3, 4);
int pattern_fault_anywhere(struct pattern_fault *f, const char *fmt, ...) PRINTF(2, 3);

/* How much of `text`, of which `root` was made, had been read. False: no place is to be told. */
bool pattern_fault_find(const struct pattern_fault *f, struct str text, json_t *root,
                        size_t *ret_offset);
