/* Times in the store when the wall clock is set: messages keep their age and what they still wait,
 * keys and answers count as long as they were to. An archive's messages stay: their times are what
 * they are asked for by.
 *
 * On the store's thread.
 *
 * SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include "store/store.h"

#define STORE_CLOCK_SLACK_MS 60000 /* so far clocks are put right without such ado */

/* Waiting messages, and keys, that were sent later than now: by a clock that was ahead. They are as
 * if sent now, and wait as long as they were to wait. At most `limit` of either. Returns how many
 * messages. */
int store_clock_set_back(struct sql *db, uint64_t now_ms, uint32_t limit) MUST_USE;

/* The clock was at `was_ms` when it was set forward by `by_ms`. All of it at once: what is too old
 * by then is removed, and must not be met half-way. Returns how many messages waited. */
int store_clock_set_forward(struct sql *db, uint64_t was_ms, uint64_t by_ms) MUST_USE;
