/* Times to come, the earliest first: a heap of what is embedded in the caller's own, so that ten
 * thousand cost nothing while they wait.
 *
 * SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define ALARM_OFF SIZE_MAX

/* { .place = ALARM_OFF } before its first use. */
struct alarm {
    uint64_t time_ms; /* of the wall clock; it stays when the alarm is off */
    size_t place;
};

/* All zero: none. */
struct alarms {
    struct alarm **heap; /* the array is owned */
    size_t count;
};

void alarms_finish(struct alarms *all);
/* One that is off. */
void alarms_set(struct alarms *all, struct alarm *a, uint64_t time_ms);
void alarms_cancel(struct alarms *all, struct alarm *a); /* one that is off is fine */

/* The earliest, or NULL. */
static inline struct alarm *alarms_first(const struct alarms *all)
{
    return all->count > 0 ? all->heap[0] : NULL;
}
static inline bool alarm_is_off(const struct alarm *a)
{
    return a->place == ALARM_OFF;
}
