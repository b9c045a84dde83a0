/* SPDX-License-Identifier: Apache-2.0 */
#include "control/events/schedules/schedules.h"

#include <glib.h>
#include <inttypes.h>
#include <jansson.h>
#include <sys/timerfd.h>

#include "base/clock.h"
#include "base/log.h"
#include "base/mem.h"
#include "control/events/schedules/alarms.h"
#include "control/text/json_read.h"
#include "control/text/json_write.h"
#include "store/store_settings.h"

#define MARKS              "schedule"  /* the kind of settings that they are */
#define CLOCK_WAS_WRONG_MS 10800000ULL /* 3 h: cron's bound between a correction and DST */
#define RETRY_MS           5000        /* a full disk */

/* What must be known of a schedule after a restart; kept as JSON. */
struct mark {
    char *identity; /* what it was when it was marked; owned */
    uint64_t made_ms;
    uint64_t from_ms; /* ticks after this are still to come */
    uint64_t last_ms; /* 0: none */
    bool enabled;
    uint64_t aside_made_ms, aside_from_ms; /* before the clock was put back far; 0: it was not */
};

struct schedule {
    struct schedules *all;
    char *name;
    struct schedule_spec spec; /* its texts are `name` and the next two */
    char *expression, *zone;
    struct schedule_time time;
    struct mark mark;
    struct alarm alarm; /* when it is looked at next */
    bool busy;          /* a tick is being written */
    bool removed;       /* ... and when it is, the schedule is freed */
};

struct schedules {
    struct queues *queues;
    uint64_t (*now)(void);
    GHashTable *by_name;
    json_t *marks; /* of schedules that have not been set yet: name to mark */
    struct alarms alarms;
    int timer_fd;
    uv_poll_t timer;
    bool held;
};

/* ---- the timer ---- */

/* An absolute time, so that a machine that has slept is in time; a clock that is set ends the wait,
 * and it is found anew. */
static void set_timer(struct schedules *ss)
{
    struct itimerspec when = { 0 };
    const struct alarm *first = alarms_first(&ss->alarms);
    if (first && !ss->held) {
        uint64_t ms = first->time_ms;
        when.it_value.tv_sec = (time_t)(ms / 1000);
        when.it_value.tv_nsec = (long)(ms % 1000) * 1000000 + 1; /* all zero: never */
    }
    if (timerfd_settime(ss->timer_fd, TFD_TIMER_ABSTIME | TFD_TIMER_CANCEL_ON_SET, &when, NULL) <
        0) {
        log_error("schedules: set the timer: %s", strerror(errno));
    }
}

/* ---- marks ---- */

static char *mark_to_text(const struct mark *m)
{
    json_t *json = json_pack(
        "{s:s,s:I,s:I,s:I,s:b,s:I,s:I}", "identity", m->identity, "made", (json_int_t)m->made_ms,
        "from", (json_int_t)m->from_ms, "last", (json_int_t)m->last_ms, "enabled", m->enabled,
        "aside_made", (json_int_t)m->aside_made_ms, "aside_from", (json_int_t)m->aside_from_ms);
    char *text = json_write(json);
    json_decref(json);
    return text;
}

static uint64_t mark_time(json_t *json, const char *name)
{
    json_int_t value = json_integer_value(json_object_get(json, name));
    return value > 0 ? (uint64_t)value : 0;
}

static void load_mark(struct str name, struct str value, void *context)
{
    struct schedules *ss = context;
    json_t *json = json_read(value, JSON_ALLOW_NUL);
    scoped_free char *key = mem_copy_str(name);
    if (json_is_object(json)) {
        (void)json_object_set_new(ss->marks, key, json); /* sound keys: works */
    } else {
        json_decref(json);
    }
}

static void put_mark(struct message_batch *b, const struct schedule *s, const struct mark *m)
{
    char *text = mark_to_text(m);
    message_batch_put(b, STR(MARKS), str_c(s->name), str_c(text));
    free(text);
}

static void mark_written(int r, void *context)
{
    (void)context;
    if (r < 0) { /* its next tick writes it again; until then a restart may think it new */
        log_error("schedules: write a mark: %s", strerror(-r));
    }
}

static void write_mark(struct schedule *s)
{
    struct message_batch *b = message_batch_create(s->all->queues);
    put_mark(b, s, &s->mark);
    message_batch_goes_on(b); /* the schedule is there */
    message_batch_submit(b, mark_written, NULL);
}

/* What makes a schedule another, so that it begins anew. */
static char *identity_of(const struct schedule_spec *spec)
{
    return mem_format("%d " STR_FMT "\n" STR_FMT "\n%" PRIu64, (int)spec->platform,
                      STR_ARG(spec->expression), STR_ARG(spec->zone), spec->start_ms);
}

/* What is stored of it, under the name that it has or had. */
static json_t *find_mark(const struct schedule *s, bool *ret_is_former)
{
    const struct str former = s->spec.former_name;
    json_t *stored = json_object_get(s->all->marks, s->name);
    *ret_is_former = !stored && former.len > 0;
    return *ret_is_former ? json_object_getn(s->all->marks, former.data, former.len) : stored;
}

/* Takes over what is known from before, if it is the same schedule. Returns whether there is news
 * to keep. */
static bool adopt_mark(struct schedule *s, uint64_t now)
{
    struct mark *m = &s->mark;
    char *identity = identity_of(&s->spec);
    bool is_former;
    json_t *stored = find_mark(s, &is_former);
    const char *before = json_string_value(json_object_get(stored, "identity"));
    if (before) {
        free(m->identity);
        *m = (struct mark){ .identity = mem_copy_str(str_c(before)),
                            .made_ms = mark_time(stored, "made"),
                            .from_ms = mark_time(stored, "from"),
                            .last_ms = mark_time(stored, "last"),
                            .enabled = json_is_true(json_object_get(stored, "enabled")),
                            .aside_made_ms = mark_time(stored, "aside_made"),
                            .aside_from_ms = mark_time(stored, "aside_from") };
        (void)json_object_del(s->all->marks, s->name);
    }
    bool same = m->identity && strcmp(m->identity, identity) == 0;
    bool news = !same || (before && is_former) || m->enabled != s->spec.enabled;
    if (!same) {
        m->made_ms = now;
        m->aside_made_ms = m->aside_from_ms = 0;
    }
    if (!same || (s->spec.enabled && !m->enabled)) {
        m->from_ms = same ? now - 1 : schedule_time_begin(&s->time, now, m->last_ms);
    }
    m->enabled = s->spec.enabled;
    free(m->identity);
    m->identity = identity;
    return news;
}

/* ---- what is next ---- */

static uint64_t next_after(const struct schedule *s, uint64_t after_ms)
{
    return schedule_time_next(&s->time, after_ms, s->mark.made_ms);
}

/* The last tick of those from `first` to `now`: steps back further and further until one is found,
 * and forward from there, so that a year of minutes takes no longer than a day. */
static uint64_t last_until(const struct schedule *s, uint64_t first, uint64_t now)
{
    uint64_t back = 60000;
    uint64_t from = first;
    while (back < now - first && next_after(s, now - back) > now) {
        back *= 2;
    }
    if (back < now - first) {
        from = next_after(s, now - back);
    }
    for (uint64_t next; (next = next_after(s, from)) <= now;) {
        from = next;
    }
    return from;
}

/* So far a clock may be behind the last tick before it was put back far. A rate counts elapsed
 * time, so what the clock says does not hold it up. */
static uint64_t ahead_max_ms(const struct schedule *s)
{
    return s->time.kind == SCHEDULE_RATE ? SCHEDULE_LATE_MS : CLOCK_WAS_WRONG_MS;
}

/* A clock that is put back far was wrong before, or is so now: a machine without a battery starts
 * in 1970, and learns the time from the network. So it goes on from now, and what was known is laid
 * aside until the clock has come to it again: then that counts, or what has fired fires anew. */
static void follow_clock(struct schedule *s, uint64_t now)
{
    struct mark *m = &s->mark;
    if (m->from_ms > now + ahead_max_ms(s)) {
        log_warning("schedule %s fired in the future: the clock was wrong then, or is", s->name);
        if (m->from_ms > m->aside_from_ms) {
            m->aside_made_ms = m->made_ms;
            m->aside_from_ms = m->from_ms;
        }
        m->from_ms = now;
        m->made_ms = m->made_ms < now ? m->made_ms : now; /* a rate counts from it */
        write_mark(s);
    } else if (m->aside_from_ms > 0 && m->aside_from_ms <= now) {
        m->from_ms = m->from_ms > m->aside_from_ms ? m->from_ms : m->aside_from_ms;
        m->made_ms = m->aside_made_ms;
        m->aside_made_ms = m->aside_from_ms = 0;
        write_mark(s);
    }
}

/* The tick to come: in the future, or at or before `now` if it is due. */
static uint64_t tick_to_come(struct schedule *s, uint64_t now)
{
    follow_clock(s, now);
    uint64_t due = next_after(s, s->mark.from_ms);
    if (due > now || now - due < SCHEDULE_LATE_MS) {
        return due;
    }
    uint64_t last = last_until(s, due, now);
    return s->spec.catch_up || now - last < SCHEDULE_LATE_MS ? last : next_after(s, now);
}

static void plan(struct schedule *s)
{
    struct schedules *ss = s->all;
    alarms_cancel(&ss->alarms, &s->alarm);
    if (s->spec.enabled && !s->busy) {
        uint64_t next = tick_to_come(s, ss->now());
        if (next != SCHEDULE_NEVER) {
            alarms_set(&ss->alarms, &s->alarm, next);
        }
    }
}

/* ---- ticks ---- */

static void schedule_free(struct schedule *s)
{
    free(s->expression);
    free(s->zone);
    free(s->mark.identity);
    free(s->name);
    free(s);
}

/* Has the schedule add its messages for the tick at `time_ms`. */
static void add_tick(struct schedule *s, uint64_t time_ms, bool by_hand, struct message_batch *b)
{
    /* Where the clock was put back far, a time that comes again is another. */
    scoped_free char *dedup = mem_format("%s %s %" PRIu64 " %" PRIu64, by_hand ? "now" : "tick",
                                         s->name, time_ms, s->mark.aside_from_ms);
    const struct schedule_tick tick = { .name = str_c(s->name),
                                        .time_ms = time_ms,
                                        .next_ms = next_after(s, time_ms),
                                        .dedup = str_c(dedup),
                                        .by_hand = by_hand,
                                        .batch = b };
    s->spec.tick(&tick, s->spec.context);
}

struct firing {
    struct schedule *schedule;
    uint64_t time_ms;
};

static void fired(int r, void *context)
{
    struct firing *f = context;
    struct schedule *s = f->schedule;
    struct schedules *ss = s->all;
    uint64_t time_ms = f->time_ms;
    free(f);
    s->busy = false;
    if (s->removed) {
        schedule_free(s);
        return;
    }
    if (r < 0) {
        log_error("schedule %s cannot fire: %s; it is tried again in %d s", s->name, strerror(-r),
                  RETRY_MS / 1000);
        if (s->spec.enabled) {
            alarms_set(&ss->alarms, &s->alarm, ss->now() + RETRY_MS);
        }
        set_timer(ss);
        return;
    }
    s->mark.last_ms = time_ms;
    if (s->mark.from_ms < time_ms) { /* else it was changed meanwhile */
        s->mark.from_ms = time_ms;
    }
    plan(s);
    set_timer(ss);
    if (alarm_is_off(&s->alarm) && s->spec.enabled && s->spec.over) {
        s->spec.over(str_c(s->name), s->spec.context); /* may free it */
    }
}

static void fire(struct schedule *s, uint64_t time_ms)
{
    struct firing *f = mem_new(struct firing);
    struct message_batch *b = message_batch_create(s->all->queues);
    struct mark mark = s->mark;
    *f = (struct firing){ s, time_ms };
    mark.from_ms = mark.last_ms = time_ms;
    add_tick(s, time_ms, false, b);
    put_mark(b, s, &mark);
    s->busy = true;
    message_batch_submit(b, fired, f);
}

void schedules_run(struct schedules *ss)
{
    uint64_t now = ss->now();
    struct alarm *first;
    while (!ss->held && (first = alarms_first(&ss->alarms)) && first->time_ms <= now) {
        struct schedule *s = container_of(first, struct schedule, alarm);
        alarms_cancel(&ss->alarms, &s->alarm);
        uint64_t time_ms = tick_to_come(s, now);
        if (time_ms <= now) {
            fire(s, time_ms);
        } else if (time_ms != SCHEDULE_NEVER) {
            alarms_set(&ss->alarms, &s->alarm, time_ms);
        }
    }
    set_timer(ss);
}

void schedules_hold(struct schedules *ss, bool held)
{
    ss->held = held;
    set_timer(ss);
}

void schedules_clock_set(struct schedules *ss)
{
    GHashTableIter iter;
    void *value;
    g_hash_table_iter_init(&iter, ss->by_name);
    while (g_hash_table_iter_next(&iter, NULL, &value)) {
        plan(value);
    }
    schedules_run(ss);
}

/* ---- the table ---- */

static struct schedule *find(struct schedules *ss, struct str name)
{
    scoped_free char *key = mem_copy_str(name);
    return g_hash_table_lookup(ss->by_name, key);
}

static struct schedule *find_or_make(struct schedules *ss, struct str name)
{
    struct schedule *s = find(ss, name);
    if (!s) {
        s = mem_new(struct schedule);
        *s = (struct schedule){ .all = ss,
                                .name = mem_copy_str(name),
                                .alarm = { .place = ALARM_OFF } };
        (void)g_hash_table_insert(ss->by_name, s->name, s); /* it was not there */
    }
    return s;
}

int schedules_set(struct schedules *ss, const struct schedule_spec *spec, struct err *err)
{
    struct schedule_time time;
    int r = schedule_time_parse(spec->expression, spec->zone, spec->platform, &time, err);
    if (r < 0) {
        return r;
    }
    struct schedule *s = find_or_make(ss, spec->name);
    s->time = time;
    s->time.start_ms = spec->start_ms;
    s->time.end_ms = spec->end_ms;
    s->spec = *spec;
    s->spec.name = str_c(s->name);
    free(s->expression);
    free(s->zone);
    s->expression = mem_copy_str(spec->expression);
    s->zone = mem_copy_str(spec->zone);
    s->spec.expression = str_c(s->expression);
    s->spec.zone = str_c(s->zone);
    if (adopt_mark(s, ss->now())) {
        write_mark(s);
    }
    s->spec.former_name = STR(""); /* the caller's text */
    plan(s);
    set_timer(ss);
    return 0;
}

void schedules_settle(struct schedules *ss, message_batch_fn done, void *context)
{
    /* Jobs are in order: when nothing is written, the marks before it are. */
    message_batch_submit(message_batch_create(ss->queues), done, context);
}

void schedules_remove(struct schedules *ss, struct str name)
{
    struct schedule *s = find(ss, name);
    if (!s) {
        return;
    }
    struct message_batch *b = message_batch_create(ss->queues);
    message_batch_put(b, STR(MARKS), name, str_of(NULL, 0));
    message_batch_submit(b, mark_written, NULL);
    alarms_cancel(&ss->alarms, &s->alarm);
    (void)g_hash_table_remove(ss->by_name, s->name); /* it was there */
    s->removed = true;
    if (!s->busy) {
        schedule_free(s);
    }
    set_timer(ss);
}

void schedules_forget_unset(struct schedules *ss)
{
    const char *name;
    json_t *mark;
    if (json_object_size(ss->marks) == 0) {
        return;
    }
    struct message_batch *b = message_batch_create(ss->queues);
    json_object_foreach(ss->marks, name, mark)
    {
        message_batch_put(b, STR(MARKS), str_c(name), str_of(NULL, 0));
    }
    (void)json_object_clear(ss->marks); /* it is an object */
    message_batch_submit(b, mark_written, NULL);
}

int schedules_trigger(struct schedules *ss, struct str name, struct message_batch *batch)
{
    struct schedule *s = find(ss, name);
    if (!s) {
        return -ENOENT;
    }
    add_tick(s, ss->now(), true, batch);
    return 0;
}

static struct schedule_view view_of(const struct schedule *s)
{
    return (struct schedule_view){ .name = str_c(s->name),
                                   .expression = s->spec.expression,
                                   .enabled = s->spec.enabled,
                                   .next_ms =
                                       alarm_is_off(&s->alarm) ? SCHEDULE_NEVER : s->alarm.time_ms,
                                   .last_ms = s->mark.last_ms };
}

void schedules_each(struct schedules *ss, schedules_fn each, void *context)
{
    GHashTableIter iter;
    void *value;
    g_hash_table_iter_init(&iter, ss->by_name);
    while (g_hash_table_iter_next(&iter, NULL, &value)) {
        const struct schedule_view view = view_of(value);
        each(&view, context);
    }
}

bool schedules_find(struct schedules *ss, struct str name, struct schedule_view *ret)
{
    struct schedule *s = find(ss, name);
    if (!s) {
        return false;
    }
    *ret = view_of(s);
    return true;
}

static void on_timer(uv_poll_t *timer, int status, int events)
{
    struct schedules *ss = container_of(timer, struct schedules, timer);
    uint64_t expirations;
    (void)status;
    (void)events;
    if (read(ss->timer_fd, &expirations, sizeof(expirations)) > 0) {
        schedules_run(ss);
    } else if (errno == ECANCELED) {
        queues_clock_set(ss->queues);
        schedules_clock_set(ss);
    }
}

struct schedules *schedules_create(uv_loop_t *loop, struct queues *queues, uint64_t (*now)(void))
{
    struct schedules *ss = mem_new(struct schedules);
    ss->queues = queues;
    ss->now = now ? now : clock_wall_ms;
    ss->by_name = g_hash_table_new(g_str_hash, g_str_equal);
    ss->marks = json_object();
    ss->timer_fd = timerfd_create(CLOCK_REALTIME, TFD_NONBLOCK | TFD_CLOEXEC);
    if (ss->timer_fd < 0 || uv_poll_init(loop, &ss->timer, ss->timer_fd) < 0) {
        log_error("no descriptor is left for the schedules' timer: raise the limit, ulimit -n");
        abort();
    }
    (void)uv_poll_start(&ss->timer, UV_READABLE, on_timer); /* always succeeds */
    store_settings_each(queues_store(queues), STR(MARKS), load_mark, ss);
    return ss;
}

static void schedules_free(uv_handle_t *handle)
{
    struct schedules *ss = container_of((uv_poll_t *)handle, struct schedules, timer);
    (void)close(ss->timer_fd);
    free(ss);
}

void schedules_destroy(struct schedules *ss)
{
    GHashTableIter iter;
    void *value;
    g_hash_table_iter_init(&iter, ss->by_name);
    while (g_hash_table_iter_next(&iter, NULL, &value)) {
        struct schedule *s = value;
        s->removed = true;
        if (!s->busy) {
            schedule_free(s);
        }
    }
    g_hash_table_destroy(ss->by_name);
    json_decref(ss->marks);
    alarms_finish(&ss->alarms);
    uv_close((uv_handle_t *)&ss->timer, schedules_free);
}
