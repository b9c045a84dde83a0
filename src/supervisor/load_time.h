/* How long a function may take to load.
 *
 * All functions of a build load at once. Where they are many, or the machine has others to serve,
 * each waits for a processor most of the time, and that is not its fault: it does not count, up to
 * a bound. What loads alone and never ends is still told in time.
 *
 * SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include <stdint.h>

#include "base/pressure.h"

struct load_time {
    struct pressure *pressure; /* the machine's; not owned */
    uint64_t start_ms;
    uint64_t waited_us; /* by then */
};

/* now_ms: of the loop's clock. */
void load_time_begin(struct load_time *t, struct pressure *pressure, uint64_t now_ms);

/* What is left of it; 0: it is too late. */
uint64_t load_time_left_ms(const struct load_time *t, uint64_t now_ms);
