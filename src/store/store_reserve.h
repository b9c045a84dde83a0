/* Room on the disk that is kept for what makes room: on a full disk a deletion has to be written,
 * too. A file beside the database that stands for it is given up when the disk is full, and made
 * again as soon as there is room for it; until then nothing else is written.
 *
 * Called on any thread, but by one at a time unless it says otherwise.
 *
 * SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>

#include "base/scope.h"

struct store_reserve {
    int folder; /* -1: there is none, and nothing is kept */
    uint64_t bytes;
    atomic_bool is_short; /* it was given up, and could not be made again yet */
    bool is_made;
};

/* Makes no file yet. */
void store_reserve_init(struct store_reserve *r, const char *folder);
void store_reserve_finish(struct store_reserve *r);

/* Makes it, if it is not there. False: there is no room for it, so that only what makes room may
 * be written. Where it cannot be made for other reasons it is done without. */
bool store_reserve_fill(struct store_reserve *r);
void store_reserve_give_up(struct store_reserve *r);
/* Whether a fill would fail. On any thread, at any time. */
bool store_reserve_is_short(const struct store_reserve *r);
