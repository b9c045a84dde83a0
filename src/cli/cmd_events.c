/* mayfly events: what is in the queues of the mayfly that runs, and what has become of it.
 *
 * SPDX-License-Identifier: Apache-2.0 */
#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <time.h>

#include "base/clock.h"
#include "base/mem.h"
#include "cli/cli.h"
#include "cli/command_client.h"
#include "cli/options.h"
#include "control/text/json_write.h"

#define ROWS_MAX      1000000
#define PLAIN_MAX     101 /* the verb, and ids */
#define COLUMNS       6
#define ERROR_BYTES   60
#define JSON_INDENT_N 2

struct events {
    struct command_client client;
    const char *queue, *function, *state, *since, *limit;
    bool json, help;
    const char *plain[PLAIN_MAX];
    size_t plain_count;
    char *(*rows)[COLUMNS]; /* of ls; owned */
    size_t row_count;
    json_t *shown; /* of show; owned */
};

static const char *text_of(json_t *line, const char *member)
{
    const char *text = json_string_value(json_object_get(line, member));
    return text ? text : "";
}

static json_int_t number_of(json_t *line, const char *member)
{
    return json_integer_value(json_object_get(line, member));
}

static void print_json(json_t *line)
{
    char *text = json_write(line);
    (void)puts(text ? text : "{}");
    free(text);
}

/* ---- ls ---- */

/* "waiting", "again in 5 min", "due in 3 h", "done", "dead". */
static void describe_state(json_t *line, char *ret, size_t size)
{
    char age[COMMAND_AGE_BYTES];
    json_int_t due = number_of(line, "due_ms");
    const char *state = text_of(line, "state");
    bool later = strcmp(state, "waiting") == 0 && due / 1000 > (json_int_t)(clock_wall_ms() / 1000);
    if (later) {
        (void)snprintf(ret, size, "%s %s", number_of(line, "attempts") > 0 ? "again" : "due",
                       command_client_age(due, age));
    } else {
        (void)snprintf(ret, size, "%s", state);
    }
}

static void take_row(json_t *line, void *context)
{
    struct events *e = context;
    char id[24], tries[16], state[64], age[COMMAND_AGE_BYTES];
    if (e->json) {
        print_json(line);
        return;
    }
    const char *error = text_of(line, "error");
    describe_state(line, state, sizeof(state));
    (void)snprintf(id, sizeof(id), "%lld", (long long)number_of(line, "id"));
    (void)snprintf(tries, sizeof(tries), "%lld", (long long)number_of(line, "attempts"));
    const char *const columns[COLUMNS] = { id,
                                           text_of(line, "queue"),
                                           state,
                                           tries,
                                           command_client_age(number_of(line, "sent_ms"), age),
                                           "" };
    e->rows = mem_resize(e->rows, e->row_count + 1, sizeof(*e->rows));
    char **row = e->rows[e->row_count++];
    for (size_t i = 0; i < COLUMNS; i++) {
        row[i] = mem_copy_str(str_c(columns[i]));
    }
    free(row[COLUMNS - 1]);
    row[COLUMNS - 1] = mem_copy_str(str_of(error, str_find(str_c(error), '\n')));
}

static void print_row(char *const *row, const size_t *widths)
{
    (void)printf("%*s  ", (int)widths[0], row[0]);
    command_client_print(row[1], "", 0); /* a name of the project's */
    (void)printf("%*s", (int)(widths[1] - strlen(row[1])), "");
    for (size_t i = 2; i + 1 < COLUMNS; i++) {
        (void)printf("  %-*s", (int)widths[i], row[i]);
    }
    command_client_print(row[COLUMNS - 1], "  ", ERROR_BYTES);
    (void)putchar('\n');
}

static void print_rows(const struct events *e)
{
    static const char *const heads[COLUMNS] = {
        "EVENT", "QUEUE", "STATE", "TRIES", "SENT", "ERROR"
    };
    size_t widths[COLUMNS];
    for (size_t i = 0; i < COLUMNS; i++) {
        widths[i] = strlen(heads[i]);
        for (size_t k = 0; k < e->row_count; k++) {
            size_t width = strlen(e->rows[k][i]);
            widths[i] = width > widths[i] ? width : widths[i];
        }
    }
    if (e->row_count == 0) {
        (void)puts("there are no such events");
        return;
    }
    (void)printf("%*s", (int)widths[0], heads[0]);
    for (size_t i = 1; i < COLUMNS; i++) {
        (void)printf("  %-*s", i + 1 < COLUMNS ? (int)widths[i] : 0, heads[i]);
    }
    (void)putchar('\n');
    for (size_t k = 0; k < e->row_count; k++) {
        print_row(e->rows[k], widths);
    }
}

/* "30s", "10m", "2h", "1d" before now, in ms. */
static int read_since(const char *text, json_int_t *ret, struct err *err)
{
    static const struct {
        char unit;
        uint64_t seconds;
    } units[] = { { 's', 1 }, { 'm', 60 }, { 'h', 3600 }, { 'd', 86400 } };
    struct str number = str_c(text);
    uint64_t value;
    for (size_t i = 0; number.len > 1 && i < ARRAY_COUNT(units); i++) {
        struct str digits = str_of(number.data, number.len - 1);
        if (number.data[number.len - 1] == units[i].unit && str_to_u64(digits, &value) &&
            value < 1000000) {
            const uint64_t since_s = (uint64_t)time(NULL) - value * units[i].seconds;
            *ret = (json_int_t)since_s * 1000;
            return 0;
        }
    }
    return err_set(err, EINVAL, "--since is a time like 30s, 10m, 2h or 1d, not %.40s", text);
}

static int run_ls(struct events *e, struct err *err)
{
    json_int_t since = 0;
    uint64_t limit = 20;
    int r = e->since ? read_since(e->since, &since, err) : 0;
    if (r == 0 && e->limit &&
        (!str_to_u64(str_c(e->limit), &limit) || limit == 0 || limit > ROWS_MAX)) {
        r = err_set(err, EINVAL, "--limit is a number from 1 to %d, not %.40s", ROWS_MAX, e->limit);
    }
    if (r < 0) {
        return r;
    }
    json_t *command =
        json_pack("{s:s,s:s*,s:s*,s:s*,s:I,s:I}", "command", "ls", "queue", e->queue, "function",
                  e->function, "state", e->state, "since_ms", since, "limit", (json_int_t)limit);
    r = command_client_ask(&e->client, command, take_row, e, err);
    if (r == 0 && !e->json) {
        print_rows(e);
    }
    for (size_t k = 0; k < e->row_count; k++) {
        for (size_t i = 0; i < COLUMNS; i++) {
            free(e->rows[k][i]);
        }
    }
    free(e->rows);
    return r;
}

/* ---- show ---- */

static void print_time(const char *name, json_int_t ms)
{
    time_t seconds = (time_t)(ms / 1000);
    struct tm tm;
    char text[32], age[COMMAND_AGE_BYTES];
    (void)gmtime_r(&seconds, &tm); /* fails for years of ten digits only */
    (void)strftime(text, sizeof(text), "%Y-%m-%d %H:%M:%S UTC", &tm);
    (void)printf("  %-8s %s, %s\n", name, text, command_client_age(ms, age));
}

/* Of a request. */
static void print_headers(const json_t *headers)
{
    size_t i;
    json_t *pair;
    if (json_array_size(headers) > 0) {
        (void)puts("\nheaders");
    }
    json_array_foreach(headers, i, pair)
    {
        command_client_print(json_string_value(json_array_get(pair, 0)), "  ", 0);
        (void)fputs(": ", stdout);
        command_client_print(json_string_value(json_array_get(pair, 1)), "", 0);
        (void)putchar('\n');
    }
}

/* JSON is laid out, other text is as it is. */
static void print_body(json_t *line)
{
    const char *body = text_of(line, "body");
    json_t *json = json_loads(body, JSON_ALLOW_NUL, NULL);
    char *text = json ? json_dumps(json, JSON_INDENT(JSON_INDENT_N)) : NULL;
    const char *encoded = json_string_value(json_object_get(line, "body_base64"));
    (void)printf("\nbody%s\n", encoded ? ", in base64" : "");
    command_client_print(text ? text : encoded ? encoded : body, "  ", 0);
    (void)putchar('\n');
    free(text);
    json_decref(json);
}

static void print_event(json_t *line)
{
    char state[64];
    long long tries = (long long)number_of(line, "attempts");
    json_t *attributes = json_object_get(line, "attributes");
    (void)printf("event %lld of ", (long long)number_of(line, "id"));
    command_client_print(text_of(line, "queue"), "", 0);
    describe_state(line, state, sizeof(state));
    (void)printf("\n\n  %-8s %s, after %lld %s\n", "state", state, tries,
                 tries == 1 ? "try" : "tries");
    print_time("sent", number_of(line, "sent_ms"));
    if (number_of(line, "first_ms") > 0) {
        print_time("first", number_of(line, "first_ms"));
    }
    if (strcmp(text_of(line, "state"), "waiting") != 0) {
        print_time(text_of(line, "state"), number_of(line, "due_ms"));
    }
    (void)printf("  %-8s %s\n", "id", text_of(line, "uuid"));
    if (text_of(line, "group")[0]) {
        (void)printf("  %-8s ", "group");
        command_client_print(text_of(line, "group"), "", 0);
        (void)putchar('\n');
    }
    if (json_object_size(attributes) > 0) {
        char *text = json_dumps(attributes, JSON_INDENT(JSON_INDENT_N));
        (void)puts("\nattributes");
        command_client_print(text ? text : "", "  ", 0);
        (void)putchar('\n');
        free(text);
    }
    print_headers(json_object_get(line, "headers"));
    print_body(line);
    if (text_of(line, "error")[0]) {
        (void)puts("\nerror");
        command_client_print(text_of(line, "error"), "  ", 0);
        (void)putchar('\n');
    }
    if (strcmp(text_of(line, "state"), "dead") == 0) {
        (void)printf("\nmayfly events replay %lld tries it again.\n",
                     (long long)number_of(line, "id"));
    }
}

static void take_shown(json_t *line, void *context)
{
    struct events *e = context;
    if (e->json) {
        print_json(line);
    } else {
        print_event(line);
    }
}

static int read_id(const char *text, json_int_t *ret, struct err *err)
{
    uint64_t id;
    if (!str_to_u64(str_c(text), &id) || id > INT64_MAX) {
        return err_set(err, EINVAL, "%.40s is no event: mayfly events ls shows their numbers",
                       text);
    }
    *ret = (json_int_t)id;
    return 0;
}

static int run_show(struct events *e, struct err *err)
{
    json_int_t id = 0;
    if (e->plain_count != 2) {
        return err_set(err, EINVAL, "say which event to show: mayfly events show NUMBER");
    }
    int r = read_id(e->plain[1], &id, err);
    return r < 0
               ? r
               : command_client_ask(&e->client, json_pack("{s:s,s:I}", "command", "show", "id", id),
                                    take_shown, e, err);
}

/* ---- replay and purge ---- */

struct counted {
    struct events *events;
    const char *one, *many; /* what has become of them */
};

static void take_count(json_t *line, void *context)
{
    const struct counted *c = context;
    long long count = (long long)number_of(line, "count");
    if (c->events->json) {
        print_json(line);
        return;
    }
    (void)printf("%lld %s of ", count, count == 1 ? "event" : "events");
    command_client_print(text_of(line, "queue"), "", 0);
    (void)printf(" %s\n", count == 1 ? c->one : c->many);
}

static int run_replay(struct events *e, struct err *err)
{
    struct counted counted = { e, "waits to be tried again", "wait to be tried again" };
    json_t *ids = json_array();
    for (size_t i = 1; i < e->plain_count; i++) {
        json_int_t id = 0;
        int r = read_id(e->plain[i], &id, err);
        if (r < 0) {
            json_decref(ids);
            return r;
        }
        (void)json_array_append_new(ids, json_integer(id)); /* a new value */
    }
    if (json_array_size(ids) == 0 && !e->queue) {
        json_decref(ids);
        return err_set(err, EINVAL,
                       "say what to replay: numbers of events, or --queue NAME for all of "
                       "its dead ones");
    }
    return command_client_ask(
        &e->client, json_pack("{s:s,s:s*,s:o}", "command", "replay", "queue", e->queue, "ids", ids),
        take_count, &counted, err);
}

static int run_purge(struct events *e, struct err *err)
{
    struct counted counted = { e, "is gone", "are gone" };
    if (!e->queue) {
        return err_set(err, EINVAL,
                       "say which queue to purge: --queue NAME, and with --state dead "
                       "only its dead events");
    }
    return command_client_ask(
        &e->client,
        json_pack("{s:s,s:s,s:s*}", "command", "purge", "queue", e->queue, "state", e->state),
        take_count, &counted, err);
}

/* ---- which verb ---- */

static int events_run(struct events *e, struct err *err)
{
    static const struct {
        const char *verb;
        int (*run)(struct events *e, struct err *err);
        size_t plain_max; /* itself and its arguments */
    } verbs[] = { { "ls", run_ls, 1 },
                  { "show", run_show, 2 },
                  { "replay", run_replay, SIZE_MAX },
                  { "purge", run_purge, 1 } };
    static const char *const names[] = { "ls", "show", "replay", "purge", NULL };
    const char *verb = e->plain_count > 0 ? e->plain[0] : "ls";
    for (size_t i = 0; i < ARRAY_COUNT(verbs); i++) {
        if (strcmp(verbs[i].verb, verb) == 0) {
            return e->plain_count > verbs[i].plain_max
                       ? err_set(err, EINVAL, "one argument too many: %.40s",
                                 e->plain[verbs[i].plain_max])
                       : verbs[i].run(e, err);
        }
    }
    const char *meant = options_suggest(verb, names);
    return err_set(err, EINVAL, "there is ls, show, replay and purge, not %.40s%s%s%s", verb,
                   meant ? "; did you mean mayfly events " : "", meant ? meant : "",
                   meant ? "?" : "");
}

int cmd_events(int argc, char **argv)
{
    struct events e = { 0 };
    struct err err = { 0 };
    const struct option options[] = {
        { "queue", &e.queue, NULL },      { "function", &e.function, NULL },
        { "state", &e.state, NULL },      { "since", &e.since, NULL },
        { "limit", &e.limit, NULL },      { "project", &e.client.project, NULL },
        { "data", &e.client.data, NULL }, { "json", NULL, &e.json },
        { "help", NULL, &e.help },        { NULL, NULL, NULL },
    };
    int r = options_parse(argc, argv, options, e.plain, PLAIN_MAX, &err);
    if (r < 0) {
        (void)fprintf(stderr, "mayfly events: %s\nmayfly help events says more.\n", err.text);
        return CLI_USAGE;
    }
    if (e.help) {
        (void)fputs(cli_help("events"), stdout);
        return CLI_OK;
    }
    e.plain_count = (size_t)r;
    r = events_run(&e, &err);
    if (r < 0) {
        (void)fprintf(stderr, "mayfly events: %s\n", err.text);
        return CLI_FAILED;
    }
    return CLI_OK;
}
