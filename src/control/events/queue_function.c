/* SPDX-License-Identifier: Apache-2.0 */
#include "control/events/queue_function.h"

#include <stdio.h>
#include <string.h>

#include "base/list.h"
#include "base/str.h"
#include "control/events/lambda/lambda_source.h"
#include "control/text/json_reading.h"

static bool is_named(const char *function, const char *wanted)
{
    static const char prefix[] = "lambda/";
    size_t skipped = strncmp(function, prefix, strlen(prefix)) == 0 ? strlen(prefix) : 0;
    return strcmp(function, wanted) == 0 || strcmp(function + skipped, wanted) == 0;
}

static const char *text_of(const json_t *object, const char *member)
{
    const char *text = json_text(object, member);
    return text ? text : "";
}

/* The function with an endpoint of that name; "" if there is none. */
static const char *function_at(const struct build *build, const char *path)
{
    for (size_t v = 0; v < build->count; v++) {
        size_t i;
        const json_t *endpoint;
        json_array_foreach(json_object_get(build->versions[v]->spec, "endpoints"), i, endpoint)
        {
            if (strcmp(text_of(endpoint, "name"), path) == 0) {
                return build->versions[v]->name;
            }
        }
    }
    return "";
}

static bool ticks_for(const struct build *build, const char *schedule, const char *function)
{
    size_t i;
    const json_t *entry;
    const json_t *events = json_object_get(build->manifest, "events");
    json_array_foreach(json_object_get(events, "schedules"), i, entry)
    {
        const json_t *target = json_object_get(entry, "target");
        const char *named = text_of(target, "function");
        const char *path = text_of(target, "path");
        if (strcmp(text_of(entry, "name"), schedule) == 0 &&
            is_named(named[0] ? named : function_at(build, path), function)) {
            return true;
        }
    }
    return false;
}

static bool worker_consumes(const struct build *build, const char *queue, const char *function)
{
    size_t i;
    const json_t *entry;
    const json_t *events = json_object_get(build->manifest, "events");
    json_array_foreach(json_object_get(events, "consumers"), i, entry)
    {
        if (strcmp(text_of(entry, "platform"), "worker") == 0 &&
            strcmp(text_of(entry, "queue"), queue) == 0 &&
            is_named(text_of(entry, "function"), function)) {
            return true;
        }
    }
    return false;
}

static bool lambda_consumes(const struct services *s, const char *queue, const char *function)
{
    list_for_each (item, &s->lambda_sources->sources) {
        const struct lambda_source *ls = list_entry(item, struct lambda_source, link);
        if (strcmp(ls->queue, queue) == 0 && is_named(ls->function, function)) {
            return true;
        }
    }
    return false;
}

bool queue_function_is(const struct services *s, const char *queue, const char *function)
{
    const struct build *build = s->deployment->active;
    struct str name = str_c(queue);
    struct str kind = str_cut(&name, ':');
    if (!name.data) {
        return false;
    }
    if (str_eq(kind, STR("sqs"))) {
        return lambda_consumes(s, name.data, function);
    }
    if (str_eq(kind, STR("cron"))) {
        return build && ticks_for(build, name.data, function);
    }
    if (str_eq(kind, STR("worker"))) {
        return build && worker_consumes(build, name.data, function);
    }
    /* "lambda:NAME", "route:NAME#ENDPOINT" */
    char own[256];
    size_t len = strcspn(name.data, "#");
    (void)snprintf(own, sizeof(own), "%.*s", (int)len, name.data);
    return is_named(own, function);
}
