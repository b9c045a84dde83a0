/* The wall clock, which people set: for what is told, and for what must mean the same after a
 * restart. What is waited for goes by uv_now().
 *
 * SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include <stdint.h>

/* Milliseconds since the epoch. */
uint64_t clock_wall_ms(void);

/* Milliseconds since the machine has started, with those that it slept: nobody sets it. */
uint64_t clock_boot_ms(void);
