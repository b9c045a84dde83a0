/* SPDX-License-Identifier: Apache-2.0 */
#include "control/events/schedules/project_schedules.h"

#include "base/log.h"
#include "base/mem.h"
#include "control/events/schedules/cron_queue.h"
#include "control/text/json_reading.h"

struct project_schedule {
    struct list link;
    struct project_schedules *all;
    char *name;   /* schedules.h's, owned */
    json_t *json; /* the manifest's, owned */
    bool wanted;  /* by the build that is being read */
};

struct project_schedules {
    struct schedules *schedules;
    struct cron_queues *crons;
    struct list list;
};

/* The name in schedules.h of the manifest's schedule, owned. */
static char *name_of(json_t *schedule)
{
    return mem_format("project:%s", json_text(schedule, "name"));
}

/* ---- ticks ---- */

static void tick_project(const struct schedule_tick *tick, void *context)
{
    struct project_schedule *p = context;
    cron_queue_add(p->json, tick);
}

/* ---- builds ---- */

static struct project_schedule *find_or_create(struct project_schedules *ps, json_t *json)
{
    scoped_free char *name = name_of(json);
    list_for_each (item, &ps->list) {
        struct project_schedule *p = list_entry(item, struct project_schedule, link);
        if (strcmp(p->name, name) == 0) {
            return p;
        }
    }
    struct project_schedule *p = mem_new(struct project_schedule);
    p->all = ps;
    p->name = take_ptr(name);
    list_push(&ps->list, &p->link);
    return p;
}

static void drop(struct project_schedule *p)
{
    schedules_remove(p->all->schedules, str_c(p->name));
    list_remove(&p->link);
    json_decref(p->json);
    free(p->name);
    free(p);
}

static uint64_t time_of(json_t *schedule, const char *member)
{
    json_int_t value = json_integer_value(json_object_get(schedule, member));
    return value > 0 ? (uint64_t)value : 0;
}

static void build_one(struct project_schedules *ps, json_t *json)
{
    struct err err = { 0 };
    struct project_schedule *p = find_or_create(ps, json);
    const char *zone = json_text(json, "timezone");
    const char *catch_up = json_text(json, "catch_up");
    json_decref(p->json);
    p->json = json_incref(json);
    p->wanted = true;
    struct schedule_spec spec = { .name = str_c(p->name),
                                  .expression = str_c(json_text(json, "expression")),
                                  .zone = zone ? str_c(zone) : STR(""),
                                  .start_ms = time_of(json, "start_ms"),
                                  .end_ms = time_of(json, "end_ms"),
                                  .enabled = !json_is_false(json_object_get(json, "enabled")),
                                  .catch_up = !catch_up || strcmp(catch_up, "skip") != 0,
                                  .tick = tick_project,
                                  .context = p };
    if (schedule_time_platform(str_c(json_text(json, "platform")), &spec.platform) < 0 ||
        schedules_set(ps->schedules, &spec, &err) < 0) {
        log_warning("the schedule %s is left out: %s", json_text(json, "name"), err.text);
        drop(p);
    }
}

void project_schedules_build(struct project_schedules *ps, const json_t *manifest)
{
    size_t i;
    json_t *schedule;
    cron_queue_build(ps->crons, manifest);
    list_for_each (item, &ps->list) {
        list_entry(item, struct project_schedule, link)->wanted = false;
    }
    json_array_foreach(json_object_get(json_object_get(manifest, "events"), "schedules"), i,
                       schedule)
    {
        if (!json_text(schedule, "group")) { /* else it is scheduler.h's */
            build_one(ps, schedule);
        }
    }
    list_for_each (item, &ps->list) {
        struct project_schedule *p = list_entry(item, struct project_schedule, link);
        if (!p->wanted) {
            drop(p);
        }
    }
}

struct project_schedules *project_schedules_create(struct services *s)
{
    struct project_schedules *ps = mem_new(struct project_schedules);
    ps->schedules = s->schedules;
    ps->crons = cron_queue_create(s);
    list_init(&ps->list);
    return ps;
}
