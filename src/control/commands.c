/* SPDX-License-Identifier: Apache-2.0 */
#include "control/commands.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "base/clock.h"
#include "base/limits.h"
#include "base/mem.h"
#include "control/events/queue_function.h"
#include "control/events/schedules/schedules.h"
#include "control/message_show.h"
#include "control/text/json_read.h"
#include "store/store_messages.h"

#define LIMIT_DEFAULT 20
#define CHANGE_ROWS   1000 /* of one job, so that others come between */
#define NAMES_SHOWN   12
#define LIST_ROWS     5000 /* looked at in a turn of the loop: some milliseconds */

static const char *text_of(const struct command *c, const char *member)
{
    return json_string_value(json_object_get(c->input, member));
}

static json_int_t number_of(const struct command *c, const char *member, json_int_t otherwise)
{
    json_t *value = json_object_get(c->input, member);
    return json_is_integer(value) ? json_integer_value(value) : otherwise;
}

/* ---- queues by name ---- */

struct queue_names {
    json_t *by_number; /* "12" to its name */
    const char *wanted;
    size_t wanted_len;
    uint64_t found; /* 0: none */
    bool exact;
};

/* "shop" is "sqs:shop" and "lambda:lambda/shop" too, and so is "lambda:shop". */
static bool is_meant(struct str name, struct str wanted)
{
    struct str bare = name;
    struct str kind = str_cut(&bare, ':');
    if (bare.data && str_starts(bare, STR("lambda/"))) {
        struct str function = str_skip(bare, strlen("lambda/"));
        struct str said = wanted;
        struct str said_kind = str_cut(&said, ':');
        return str_eq(bare, wanted) || str_eq(function, wanted) ||
               (said.data && str_eq(said_kind, kind) && str_eq(said, function));
    }
    return bare.data && str_eq(bare, wanted);
}

/* The whole name goes before. */
static void note_queue(uint64_t queue, struct str name, void *context)
{
    struct queue_names *names = context;
    char key[24];
    (void)snprintf(key, sizeof(key), "%llu", (unsigned long long)queue);
    (void)json_object_set_new(names->by_number, key, json_stringn(name.data, name.len));
    struct str wanted = str_of(names->wanted, names->wanted_len);
    if (names->wanted && str_eq(name, wanted)) {
        names->found = queue;
        names->exact = true;
    } else if (names->wanted && !names->exact && is_meant(name, wanted)) {
        names->found = queue;
    }
}

static struct queue_names read_queues(const struct command *c, const char *wanted)
{
    struct queue_names names = { .by_number = json_object(),
                                 .wanted = wanted,
                                 .wanted_len = wanted ? strlen(wanted) : 0 };
    store_messages_queues(c->services->store, note_queue, &names);
    return names;
}

static const char *name_of(const struct queue_names *names, uint64_t queue)
{
    char key[24];
    (void)snprintf(key, sizeof(key), "%llu", (unsigned long long)queue);
    const char *name = json_string_value(json_object_get(names->by_number, key));
    return name ? name : "?";
}

/* ---- functions by name ---- */

/* By the manifest's name, or a Lambda function's at AWS. */
static bool is_called(const struct version *v, const char *name)
{
    const char *bare = strncmp(v->name, "lambda/", 7) == 0 ? v->name + 7 : v->name;
    return strcmp(v->name, name) == 0 || strcmp(bare, name) == 0;
}

struct name_list {
    struct buf text;
    unsigned count;
};

static void add_name(struct name_list *l, const char *name)
{
    if (l->count++ < NAMES_SHOWN) {
        (void)!buf_printf(&l->text, "%s%s", l->count > 1 ? ", " : "", name); /* full: enough */
    }
}

/* Of the build that is served, or of one before that has left events. */
static bool has_function(const struct command *c, const struct queue_names *names, const char *name)
{
    const struct build *build = c->services->deployment->active;
    const char *number;
    json_t *queue;
    for (size_t i = 0; build && i < build->count; i++) {
        if (is_called(build->versions[i], name)) {
            return true;
        }
    }
    json_object_foreach(names->by_number, number, queue)
    {
        if (queue_function_is(c->services, json_string_value(queue), name)) {
            return true;
        }
    }
    return !build; /* nothing is served yet: who knows */
}

static void fail_unknown_function(struct command *c, const char *name)
{
    const struct build *build = c->services->deployment->active;
    struct name_list l = { 0 };
    buf_init(&l.text, 600);
    for (size_t i = 0; i < build->count; i++) {
        add_name(&l, build->versions[i]->name);
    }
    command_port_fail(c, "there is no function %.200s; there are %s" STR_FMT, name,
                      l.count == 0 ? "none" : "", STR_ARG(buf_str(&l.text)));
    buf_finish(&l.text);
}

/* ---- ls ---- */

struct listing {
    uv_idle_t turn;
    struct command *command;
    struct message_filter filter;
    struct queue_names names;
    const char *queue;    /* NULL: all but archives, which nobody works on */
    const char *function; /* NULL: all */
    json_int_t left;
};

static bool list_message(const struct stored_message *m, void *context)
{
    struct listing *l = context;
    const char *queue = name_of(&l->names, m->queue);
    bool is_archived = !l->queue && str_starts(str_c(queue), STR("archive:"));
    if (is_archived ||
        (l->function && !queue_function_is(l->command->services, queue, l->function))) {
        return true;
    }
    command_port_reply(l->command, message_show(m, queue));
    return --l->left > 0;
}

/* False: what is wrong has been answered. */
static bool read_filter(struct command *c, const struct queue_names *names,
                        struct message_filter *ret)
{
    const char *queue = text_of(c, "queue");
    const char *function = text_of(c, "function");
    const char *state = text_of(c, "state");
    json_int_t since = number_of(c, "since_ms", 0);
    *ret = (struct message_filter){ .queue = names->found,
                                    .state = message_show_state(state),
                                    .since_ms = since > 0 ? (uint64_t)since : 0 };
    if (ret->state == -2) {
        command_port_fail(c, "--state is waiting, done or dead, not %.40s", state);
        return false;
    }
    if (queue && ret->queue == 0) {
        command_port_fail(c, "there is no queue %.200s, or it has never had an event", queue);
        return false;
    }
    if (function && !has_function(c, names, function)) {
        fail_unknown_function(c, function);
        return false;
    }
    return true;
}

static void listing_free(uv_handle_t *handle)
{
    struct listing *l = container_of((uv_idle_t *)handle, struct listing, turn);
    json_decref(l->names.by_number);
    free(l);
}

static void list_some(uv_idle_t *turn);

static void go_on_listing(struct command *c)
{
    struct listing *l = c->context;
    (void)uv_idle_start(&l->turn, list_some); /* has a callback: works */
}

/* What is looked for may lie behind a million others: the loop does other work in between, and a
 * million that nobody reads are not held for him. */
static void list_some(uv_idle_t *turn)
{
    struct listing *l = container_of(turn, struct listing, turn);
    struct command *c = l->command;
    if (l->left <= 0 ||
        !store_messages_list(c->services->store, &l->filter, LIST_ROWS, list_message, l)) {
        command_port_end_read(c);
        uv_close((uv_handle_t *)turn, listing_free);
    } else if (command_port_is_full(c, go_on_listing)) {
        (void)uv_idle_stop(turn); /* always succeeds */
    }
}

static void run_ls(struct command *c)
{
    struct listing *l = mem_new(struct listing);
    *l = (struct listing){ .command = c,
                           .names = read_queues(c, text_of(c, "queue")),
                           .queue = text_of(c, "queue"),
                           .function = text_of(c, "function"),
                           .left = number_of(c, "limit", LIMIT_DEFAULT) };
    c->context = l;
    (void)uv_idle_init(c->services->loop, &l->turn); /* always succeeds */
    if (read_filter(c, &l->names, &l->filter)) {
        go_on_listing(c);
    } else {
        uv_close((uv_handle_t *)&l->turn, listing_free);
    }
}

/* ---- show ---- */

struct showing {
    struct command *command;
    struct queue_names names;
};

static bool show_one(const struct stored_message *m, void *context)
{
    struct showing *s = context;
    const char *queue = name_of(&s->names, m->queue);
    json_t *json = message_show(m, queue);
    message_show_content(json, m, queue);
    command_port_reply(s->command, json);
    return false;
}

static void run_show(struct command *c)
{
    json_int_t id = number_of(c, "id", 0);
    struct showing s = { c, read_queues(c, NULL) };
    if (id > 0 && store_messages_find(c->services->store, (uint64_t)id, show_one, &s)) {
        command_port_end_read(c);
    } else {
        command_port_fail(c, "there is no event %lld; those that are done are kept for an hour",
                          (long long)id);
    }
    json_decref(s.names.by_number);
}

/* ---- replay and purge ---- */

struct change {
    struct store_job job;
    struct command *command;
    uint64_t queue;
    char *queue_name; /* owned */
    uint64_t *ids;    /* owned; NULL: of purge, or of all dead ones */
    size_t count;
    uint64_t after; /* of all dead ones: the last that waits again */
    int state;      /* of purge: -1: all */
    uint64_t now_ms;
    uint64_t total;
};

static void change_free(struct change *ch)
{
    free(ch->queue_name);
    free(ch->ids);
    free(ch);
}

static int run_replay_job(struct store_job *job, struct sql *db)
{
    struct change *ch = container_of(job, struct change, job);
    return store_messages_replay(db, ch->queue, ch->ids, ch->count, ch->now_ms);
}

static int run_replay_dead_job(struct store_job *job, struct sql *db)
{
    struct change *ch = container_of(job, struct change, job);
    return store_messages_replay_dead(db, ch->queue, ch->now_ms, CHANGE_ROWS, &ch->after);
}

static int run_purge_job(struct store_job *job, struct sql *db)
{
    struct change *ch = container_of(job, struct change, job);
    return store_messages_purge(db, ch->queue, ch->state, ch->now_ms, CHANGE_ROWS);
}

static void change_done(struct store_job *job, int r)
{
    struct change *ch = container_of(job, struct change, job);
    struct command *c = ch->command;
    struct queue *q = queue_find(c->services->queues, str_c(ch->queue_name));
    if (r > 0) {
        ch->total += (uint64_t)r;
    }
    if (!ch->ids && r == CHANGE_ROWS) {
        store_submit(c->services->store, job); /* there may be more */
        return;
    }
    if (r < 0) {
        command_port_fail(c, "it could not be written: %s", strerror(-r));
    } else {
        if (q) {
            queue_wake(q);
        }
        command_port_reply(
            c, json_pack("{s:I,s:s}", "count", (json_int_t)ch->total, "queue", ch->queue_name));
        command_port_end(c);
    }
    change_free(ch);
}

static struct change *change_new(struct command *c, const struct queue_names *names, uint64_t queue)
{
    struct change *ch = mem_new(struct change);
    *ch = (struct change){ .job = { .done = change_done },
                           .command = c,
                           .queue = queue,
                           .queue_name = mem_copy_str(str_c(name_of(names, queue))),
                           .now_ms = clock_wall_ms() };
    return ch;
}

static bool note_message_queue(const struct stored_message *m, void *context)
{
    *(uint64_t *)context = m->queue;
    return false;
}

/* The ids, which must be of one queue: its number, or 0 when that has been answered. */
static uint64_t read_ids(struct command *c, json_t *ids, struct change *ch)
{
    uint64_t queue = 0;
    size_t i;
    json_t *id;
    ch->count = json_array_size(ids);
    ch->ids = mem_alloc((ch->count + 1) * sizeof(*ch->ids));
    json_array_foreach(ids, i, id)
    {
        uint64_t of = 0;
        ch->ids[i] = (uint64_t)json_integer_value(id);
        if (!store_messages_find(c->services->store, ch->ids[i], note_message_queue, &of)) {
            command_port_fail(c, "there is no event %llu", (unsigned long long)ch->ids[i]);
            return 0;
        }
        if (queue && of != queue) {
            command_port_fail(c, "the events are of several queues: replay those of one at a time");
            return 0;
        }
        queue = of;
    }
    return queue;
}

static void run_replay(struct command *c)
{
    json_t *ids = json_object_get(c->input, "ids");
    const char *queue = text_of(c, "queue");
    struct queue_names names = read_queues(c, queue);
    if (json_array_size(ids) > 0) {
        struct change *ch = change_new(c, &names, 0);
        ch->queue = read_ids(c, ids, ch);
        free(ch->queue_name);
        ch->queue_name = mem_copy_str(str_c(name_of(&names, ch->queue)));
        ch->job.run = run_replay_job;
        if (ch->queue) {
            store_submit(c->services->store, &ch->job);
        } else {
            change_free(ch);
        }
    } else if (names.found) {
        struct change *ch = change_new(c, &names, names.found);
        ch->job.run = run_replay_dead_job;
        store_submit(c->services->store, &ch->job);
    } else {
        command_port_fail(c, "there is no queue %.200s, or it has never had an event",
                          queue ? queue : "");
    }
    json_decref(names.by_number);
}

static void run_purge(struct command *c)
{
    struct message_filter filter;
    struct queue_names names = read_queues(c, text_of(c, "queue"));
    if (!text_of(c, "queue")) {
        command_port_fail(c, "say which queue to purge: --queue NAME");
    } else if (read_filter(c, &names, &filter)) {
        struct change *ch = change_new(c, &names, filter.queue);
        ch->job.run = run_purge_job;
        ch->job.makes_room = true;
        ch->state = filter.state;
        store_submit(c->services->store, &ch->job);
    }
    json_decref(names.by_number);
}

/* ---- trigger ---- */

static void triggered(int r, void *context)
{
    struct command *c = context;
    struct message_batch *b = c->context;
    if (r < 0) {
        command_port_fail(c, "it could not be written: %s", strerror(-r));
        return;
    }
    for (size_t i = 0; i < message_batch_count(b); i++) {
        const char *queue;
        json_int_t id = (json_int_t)message_batch_id(b, i, &queue);
        command_port_reply(c, json_pack("{s:I,s:s}", "id", id, "queue", queue));
    }
    command_port_end(c);
}

static bool is_lambda(const struct version *v)
{
    const char *dialect = json_string_value(json_object_get(v->spec, "dialect"));
    return dialect && (strcmp(dialect, "lambda") == 0 || strcmp(dialect, "bootstrap") == 0);
}

/* A Lambda function by the manifest's name or the one at AWS; NULL: there is none. */
static const struct version *find_function(const struct command *c, const char *name)
{
    const struct build *build = c->services->deployment->active;
    for (size_t i = 0; build && i < build->count; i++) {
        const struct version *v = build->versions[i];
        if (is_lambda(v) && is_called(v, name)) {
            return v;
        }
    }
    return NULL;
}

/* A schedule "scheduler:GROUP/NAME" of any group: the first by its name, if there are several. */
struct in_group {
    const char *name;
    struct str found;
};

static void find_in_group(const struct schedule_view *view, void *context)
{
    struct in_group *g = context;
    const char *slash = strchr(view->name.data, '/');
    if (str_starts(view->name, STR("scheduler:")) && slash && strcmp(slash + 1, g->name) == 0 &&
        (!g->found.data || strcmp(view->name.data, g->found.data) < 0)) {
        g->found = view->name;
    }
}

/* Adds what the schedule does, if there is one of that name, with the kinds that there are. */
static bool trigger_schedule(const struct command *c, const char *name, struct message_batch *b)
{
    static const char *const kinds[] = { "project:", "scheduler:default/",
                                         "scheduler:", "rule:default/", "rule:" };
    for (size_t i = 0; i < ARRAY_COUNT(kinds); i++) {
        scoped_free char *full = mem_format("%s%s", kinds[i], name);
        if (schedules_trigger(c->services->schedules, str_c(full), b) == 0) {
            return true;
        }
    }
    struct in_group g = { .name = name };
    schedules_each(c->services->schedules, find_in_group, &g);
    return g.found.data && schedules_trigger(c->services->schedules, g.found, b) == 0;
}

static void add_schedule_name(const struct schedule_view *view, void *context)
{
    struct str bare = str_behind(view->name, STR(":"));
    bool is_default = str_starts(bare, STR("default/"));
    add_name(context, is_default ? str_skip(bare, strlen("default/")).data : bare.data);
}

static void fail_unknown(struct command *c, const char *name)
{
    const struct build *build = c->services->deployment->active;
    struct name_list l = { 0 };
    if (!build) {
        command_port_fail(c, "nothing is served yet: wait for the project's first build");
        return;
    }
    buf_init(&l.text, 600);
    schedules_each(c->services->schedules, add_schedule_name, &l);
    for (size_t i = 0; i < build->count; i++) {
        if (is_lambda(build->versions[i])) {
            add_name(&l, build->versions[i]->name);
        }
    }
    command_port_fail(c, "there is no schedule and no Lambda function %.200s; there are %s" STR_FMT,
                      name, l.count == 0 ? "none" : "", STR_ARG(buf_str(&l.text)));
    buf_finish(&l.text);
}

static void add_invocation(const struct version *v, const char *payload, struct message_batch *b)
{
    scoped_free char *queue = mem_format("lambda:%s", v->name);
    message_batch_add(b, &(struct batch_message){ .queue = str_c(queue),
                                                  .body = str_c(payload ? payload : "{}") });
}

/* A schedule goes before a function of the same name, unless there is a payload. */
static void run_trigger(struct command *c)
{
    const char *name = text_of(c, "name");
    const char *payload = text_of(c, "payload");
    const struct version *v = name ? find_function(c, name) : NULL;
    struct message_batch *b = message_batch_create(c->services->queues);
    bool scheduled = name && (!payload || !v) && trigger_schedule(c, name, b);
    if (scheduled && payload) {
        message_batch_destroy(b);
        command_port_fail(c, "%.200s is a schedule: it sends what it always sends, no payload",
                          name);
        return;
    }
    if (!scheduled && !v) {
        message_batch_destroy(b);
        fail_unknown(c, name ? name : "");
        return;
    }
    if (payload && !json_is_sound(str_c(payload), JSON_DECODE_ANY | JSON_ALLOW_NUL)) {
        message_batch_destroy(b);
        command_port_fail(c, "the payload is no JSON, which a function of Lambda gets");
        return;
    }
    if (!scheduled) {
        add_invocation(v, payload, b);
    }
    c->context = b;
    message_batch_submit(b, triggered, c);
}

/* ---- which command ---- */

void commands_run(struct command *c)
{
    static const struct {
        const char *name;
        void (*run)(struct command *c);
    } commands[] = {
        { "trigger", run_trigger }, { "ls", run_ls },       { "show", run_show },
        { "replay", run_replay },   { "purge", run_purge },
    };
    const char *name = text_of(c, "command");
    for (size_t i = 0; name && i < ARRAY_COUNT(commands); i++) {
        if (strcmp(commands[i].name, name) == 0) {
            commands[i].run(c);
            return;
        }
    }
    command_port_fail(c, "this mayfly does not know the command %.40s", name ? name : "");
}
