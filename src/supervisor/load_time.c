/* SPDX-License-Identifier: Apache-2.0 */
#include "supervisor/load_time.h"

#include "base/limits.h"

void load_time_begin(struct load_time *t, struct pressure *pressure, uint64_t now_ms)
{
    *t = (struct load_time){ .pressure = pressure,
                             .start_ms = now_ms,
                             .waited_us = pressure_waited_us(pressure, now_ms) };
}

static uint64_t less(uint64_t whole, uint64_t part)
{
    return whole > part ? whole - part : 0;
}

uint64_t load_time_left_ms(const struct load_time *t, uint64_t now_ms)
{
    uint64_t taken_ms = less(now_ms, t->start_ms);
    uint64_t waited_ms = less(pressure_waited_us(t->pressure, now_ms), t->waited_us) / 1000;
    uint64_t of_own_ms = less(LIMIT_LOAD_MS, less(taken_ms, waited_ms));
    uint64_t of_all_ms = less(LIMIT_LOAD_BUSY_MS, taken_ms);
    return of_own_ms < of_all_ms ? of_own_ms : of_all_ms;
}
