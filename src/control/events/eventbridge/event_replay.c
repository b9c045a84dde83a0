/* SPDX-License-Identifier: Apache-2.0 */
#include "control/events/eventbridge/event_replay.h"

#include "base/clock.h"
#include "base/log.h"
#include "base/mem.h"
#include "control/events/eventbridge/event_bus_send.h"
#include "control/text/json_read.h"
#include "control/text/json_reading.h"
#include "control/text/json_write.h"
#include "store/store_settings.h"

#define KIND        "event replay"
#define STEP_EVENTS 10
#define START_MS    1000 /* until it begins, and may be cancelled: minutes at AWS */
#define RETRY_MS    1000 /* after a step that could not be written */
#define OPEN_MS     10   /* until the archive is open */
#define OVER_MAX    100  /* so many that are over are kept */
#define SECONDS_MAX 1e11 /* a time as it is sent: later than any event, and no overflow */

static const char *name_of(const struct event_replay *r)
{
    return json_text(r->config, "ReplayName");
}

static bool has_state(const struct event_replay *r, const char *state)
{
    return strcmp(json_text(r->config, "State"), state) == 0;
}

static bool is_over(const struct event_replay *r)
{
    return has_state(r, "COMPLETED") || has_state(r, "CANCELLED") || has_state(r, "FAILED");
}

struct event_replay *event_replay_find(const struct event_replays *all, struct str name)
{
    return name_tree_find(all->replays, name);
}

size_t event_replay_active(const struct event_replays *all)
{
    size_t count = 0;
    for (GTreeNode *n = g_tree_node_first(all->replays); n; n = g_tree_node_next(n)) {
        count += !is_over(g_tree_node_value(n));
    }
    return count;
}

/* ---- one event ---- */

/* One step: the config that counts when it is durable, and what it sends. */
struct step {
    struct event_replay *replay;
    json_t *next; /* owned */
    struct message_batch *batch;
    struct message_place place; /* of the last event */
    size_t count;
};

static struct str member(json_t *object, const char *name)
{
    json_t *value = json_object_get(object, name);
    return str_of(json_string_value(value), json_string_length(value));
}

static bool send_one(const struct stored_message *m, void *context)
{
    struct step *s = context;
    struct event_replay *r = s->replay;
    json_t *destination = json_object_get(r->config, "Destination");
    json_t *rest = json_read(m->attributes, JSON_ALLOW_NUL);
    const struct bus_event event = { .bus = event_archive_name_in(json_text(destination, "Arn"),
                                                                  ":event-bus/"),
                                     .id = m->uuid,
                                     .source = member(rest, "source"),
                                     .detail_type = member(rest, "detail-type"),
                                     .time_ms = m->due_ms,
                                     .region = member(rest, "region"),
                                     .resources = json_object_get(rest, "resources"),
                                     .detail = m->body,
                                     .replay = str_c(name_of(r)),
                                     .rules = json_object_get(destination, "FilterArns") };
    int sent = event_bus_send(r->all->services->buses, &event, s->batch);
    if (sent < 0) {
        log_warning("replay %s: an event is left out: %s", name_of(r), strerror(-sent));
    }
    json_decref(rest);
    s->place = (struct message_place){ m->due_ms, m->id };
    return ++s->count < STEP_EVENTS;
}

/* ---- steps ---- */

static void step_timer(uv_timer_t *timer);

static void again_in(struct event_replay *r, uint64_t ms)
{
    (void)uv_timer_start(&r->timer, step_timer, ms, 0); /* always succeeds */
}

static uint64_t milliseconds(const json_t *config, const char *name)
{
    double seconds = json_number_value(json_object_get(config, name));
    seconds = seconds < SECONDS_MAX ? seconds : SECONDS_MAX;
    return seconds > 0 ? (uint64_t)(seconds * 1000) : 0;
}

static struct message_place place_of(const json_t *config)
{
    const json_t *place = json_object_get(config, "place");
    if (!place) {
        return (struct message_place){ milliseconds(config, "EventStartTime"), 0 };
    }
    return (struct message_place){ (uint64_t)json_integer_value(json_array_get(place, 0)),
                                   (uint64_t)json_integer_value(json_array_get(place, 1)) };
}

/* Members of a config, all new values. */
static void set_state(json_t *config, const char *state)
{
    (void)json_object_set_new(config, "State", json_string(state));
}

static void set_time(json_t *config, const char *name, uint64_t ms)
{
    (void)json_object_set_new(config, name, json_real((double)ms / 1000));
}

static void end(json_t *config, const char *state)
{
    set_state(config, state);
    set_time(config, "ReplayEndTime", clock_wall_ms());
}

/* NULL: it is gone. */
static const struct event_archive *archive_of(const struct event_replay *r)
{
    return event_archive_find(
        r->all->services->archives,
        event_archive_name_in(json_text(r->config, "EventSourceArn"), ":archive/"));
}

/* Sends the next events, if any, and says in the config how far it is. */
static void send_some(struct step *s)
{
    const struct event_archive *a = archive_of(s->replay);
    const struct message_place after = place_of(s->next);
    if (a) {
        store_messages_due(s->replay->all->services->store, event_archive_queue(a), &after,
                           milliseconds(s->next, "EventEndTime"), send_one, s);
    }
    if (s->count > 0) {
        (void)json_object_set_new(s->next, "place",
                                  json_pack("[I,I]", (json_int_t)s->place.due_ms,
                                            (json_int_t)s->place.id)); /* new values */
        set_time(s->next, "EventLastReplayedTime", s->place.due_ms);
    }
    if (!a) {
        end(s->next, "FAILED");
        (void)json_object_set_new(s->next, "StateReason", json_string("The archive is gone."));
    } else if (s->count < STEP_EVENTS) {
        end(s->next, "COMPLETED");
    } else {
        set_state(s->next, "RUNNING");
    }
}

static void replay_free(uv_handle_t *timer)
{
    struct event_replay *r = container_of((uv_timer_t *)timer, struct event_replay, timer);
    json_decref(r->config);
    free(r);
}

/* Not while a step of it is being written. */
static void forget(struct event_replay *r)
{
    name_tree_remove(r->all->replays, str_c(name_of(r)));
    uv_close((uv_handle_t *)&r->timer, replay_free);
}

/* The one that ended first, if there are too many that are over. */
static void forget_old(struct event_replays *all)
{
    size_t over = 0;
    struct event_replay *oldest = NULL;
    for (GTreeNode *n = g_tree_node_first(all->replays); n; n = g_tree_node_next(n)) {
        struct event_replay *r = g_tree_node_value(n);
        if (is_over(r)) {
            over++;
            oldest = !oldest || milliseconds(r->config, "ReplayEndTime") <
                                    milliseconds(oldest->config, "ReplayEndTime")
                         ? r
                         : oldest;
        }
    }
    if (over > OVER_MAX) {
        setting_write(all->services->store, STR(KIND), name_of(oldest), NULL, NULL, NULL);
        forget(oldest);
    }
}

/* Who waits for it is told. */
static void tell_cancelled(struct event_replay *r, int result)
{
    setting_written_fn cancelled = r->cancelled;
    r->cancelled = NULL;
    cancelled(result, r->context);
}

static void cancel_written(int result, void *context)
{
    struct event_replay *r = context;
    if (result == 0) {
        set_state(r->config, "CANCELLING");
    }
    again_in(r, result < 0 ? RETRY_MS : 0);
    tell_cancelled(r, result);
}

/* Between two steps: each writes the whole config. */
static void write_cancel(struct event_replay *r)
{
    json_t *next = json_copy(r->config);
    (void)uv_timer_stop(&r->timer); /* always succeeds */
    set_state(next, "CANCELLING");
    setting_write(r->all->services->store, STR(KIND), name_of(r), json_write(next), cancel_written,
                  r);
    json_decref(next);
}

/* Before it is submitted. */
static void drop(struct step *s)
{
    message_batch_destroy(s->batch);
    json_decref(s->next);
    free(s);
}

static void step_done(int result, void *context)
{
    struct step *s = context;
    struct event_replay *r = s->replay;
    r->is_stepping = false;
    if (result < 0) {
        json_decref(s->next);
    } else {
        json_decref(r->config);
        r->config = s->next;
    }
    free(s);
    if (r->cancelled && is_over(r)) { /* too late */
        tell_cancelled(r, 0);
    }
    if (is_over(r)) {
        forget_old(r->all);
    } else if (r->cancelled) {
        write_cancel(r);
    } else {
        again_in(r, result < 0 ? RETRY_MS : 0);
    }
}

static void step_timer(uv_timer_t *timer)
{
    struct event_replay *r = container_of(timer, struct event_replay, timer);
    const struct event_archive *a = archive_of(r);
    if (a && event_archive_queue(a) == 0) { /* not open yet: what it holds cannot be seen */
        again_in(r, OPEN_MS);
        return;
    }
    struct step *s = mem_new(struct step);
    *s = (struct step){ .replay = r,
                        .next = json_deep_copy(r->config),
                        .batch = message_batch_create(r->all->services->queues) };
    if (has_state(r, "CANCELLING")) {
        end(s->next, "CANCELLED");
    } else {
        send_some(s);
    }
    if (store_read_failure(r->all->services->store) < 0) { /* there may be more to send */
        drop(s);
        again_in(r, RETRY_MS);
        return;
    }
    scoped_free char *text = json_write(s->next);
    message_batch_put(s->batch, STR(KIND), str_c(name_of(r)), str_c(text ? text : "{}"));
    message_batch_goes_on(s->batch);
    r->is_stepping = true;
    message_batch_submit(s->batch, step_done, s);
}

/* ---- which there are ---- */

static struct event_replay *add(struct event_replays *all, json_t *config)
{
    struct event_replay *r = mem_new(struct event_replay);
    *r = (struct event_replay){ .all = all, .config = config };
    (void)uv_timer_init(all->services->loop, &r->timer); /* always succeeds */
    name_tree_put(all->replays, str_c(name_of(r)), r);
    return r;
}

static void save(const struct event_replay *r, setting_written_fn done, void *context)
{
    setting_write(r->all->services->store, STR(KIND), name_of(r), json_write(r->config), done,
                  context);
}

struct starting {
    struct event_replay *replay;
    setting_written_fn done;
    void *context;
};

static void start_written(int result, void *context)
{
    struct starting *s = context;
    if (result < 0) {
        forget(s->replay);
    } else {
        s->replay->is_durable = true;
        again_in(s->replay, START_MS);
    }
    s->done(result, s->context);
    free(s);
}

/* It is there at once, so that its name is taken, and one of those that may be active. */
void event_replay_start(struct event_replays *all, json_t *config, setting_written_fn done,
                        void *context)
{
    set_state(config, "STARTING");
    set_time(config, "ReplayStartTime", clock_wall_ms());
    struct starting *s = mem_new(struct starting);
    *s = (struct starting){ .replay = add(all, config), .done = done, .context = context };
    save(s->replay, start_written, s);
}

void event_replay_cancel(struct event_replay *r, setting_written_fn done, void *context)
{
    r->cancelled = done;
    r->context = context;
    if (!r->is_stepping) {
        write_cancel(r);
    }
}

static void load(struct str name, struct str value, void *context)
{
    json_t *config = json_read(value, JSON_ALLOW_NUL);
    if (json_text(config, "ReplayName") && json_text(config, "EventSourceArn") &&
        json_text(config, "State")) {
        add(context, config)->is_durable = true;
    } else {
        log_error("replay " STR_FMT " is left out: it cannot be read", STR_ARG(name));
        json_decref(config);
    }
}

struct event_replays *event_replays_create(struct services *s)
{
    struct event_replays *all = mem_new(struct event_replays);
    all->services = s;
    all->replays = name_tree_create(NULL); /* what is taken out closes its timer first */
    store_settings_each(s->store, STR(KIND), load, all);
    return all;
}

void event_replays_build(struct event_replays *all)
{
    if (all->is_going) {
        return;
    }
    all->is_going = true;
    for (GTreeNode *n = g_tree_node_first(all->replays); n; n = g_tree_node_next(n)) {
        struct event_replay *r = g_tree_node_value(n);
        if (r->is_durable && !is_over(r)) {
            again_in(r, 0);
        }
    }
}
