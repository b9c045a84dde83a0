/* SPDX-License-Identifier: Apache-2.0 */
#include "control/events/schedules/alarms.h"

#include <stdlib.h>

#include "base/mem.h"

static void place(struct alarms *all, struct alarm *a, size_t at)
{
    all->heap[at] = a;
    a->place = at;
}

static void move_up(struct alarms *all, struct alarm *a, size_t at)
{
    while (at > 0 && all->heap[(at - 1) / 2]->time_ms > a->time_ms) {
        place(all, all->heap[(at - 1) / 2], at);
        at = (at - 1) / 2;
    }
    place(all, a, at);
}

static void move_down(struct alarms *all, struct alarm *a, size_t at)
{
    for (size_t child; (child = 2 * at + 1) < all->count; at = child) {
        if (child + 1 < all->count && all->heap[child + 1]->time_ms < all->heap[child]->time_ms) {
            child++;
        }
        if (all->heap[child]->time_ms >= a->time_ms) {
            break;
        }
        place(all, all->heap[child], at);
    }
    place(all, a, at);
}

void alarms_cancel(struct alarms *all, struct alarm *a)
{
    size_t at = a->place;
    if (alarm_is_off(a)) {
        return;
    }
    a->place = ALARM_OFF;
    struct alarm *last = all->heap[--all->count];
    if (last != a) {
        move_down(all, last, at);
        move_up(all, last, last->place);
    }
}

void alarms_set(struct alarms *all, struct alarm *a, uint64_t time_ms)
{
    a->time_ms = time_ms;
    all->heap = mem_resize(all->heap, all->count + 1, sizeof(struct alarm *));
    move_up(all, a, all->count++);
}

void alarms_finish(struct alarms *all)
{
    free(all->heap);
}
