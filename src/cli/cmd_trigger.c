/* mayfly trigger: fires a schedule, or invokes a Lambda function asynchronously, now, and says what
 * came of it.
 *
 * SPDX-License-Identifier: Apache-2.0 */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <time.h>

#include "base/buf.h"
#include "base/limits.h"
#include "base/mem.h"
#include "cli/cli.h"
#include "cli/command_client.h"
#include "cli/options.h"

#define EVENTS_MAX 64
#define POLL_MS    50
#define PATIENCE_S 60 /* then the person is told where to look */

struct fired {
    json_int_t id;
    char queue[300];
};

struct trigger {
    struct command_client client;
    const char *name;
    const char *payload; /* the option; NULL: none */
    bool no_wait, help;
    struct fired events[EVENTS_MAX];
    size_t count;
    json_t *seen; /* the event as it is now; owned */
};

static int read_file(int fd, const char *name, char **ret, struct err *err)
{
    struct buf text;
    char *at;
    buf_init(&text, LIMIT_COMMAND_BYTES / 8);
    for (;;) {
        if (buf_reserve(&text, 4096, &at) < 0) {
            buf_finish(&text);
            return err_set(err, EFBIG, "--payload %.100s is larger than 1 MB", name);
        }
        ssize_t n = read(fd, at, 4096);
        if (n < 0) {
            buf_finish(&text);
            return err_sys(err, "read %.100s", name);
        }
        if (n == 0) {
            break;
        }
        text.len += (size_t)n;
    }
    bool is_text = !text.data || !memchr(text.data, '\0', text.len);
    *ret = is_text ? mem_copy_str(buf_str(&text)) : NULL;
    buf_finish(&text);
    return is_text ? 0 : err_set(err, EINVAL, "the payload is no text in UTF-8");
}

static int read_payload(const char *name, char **ret, struct err *err)
{
    if (strcmp(name, "-") == 0) {
        return read_file(STDIN_FILENO, "-", ret, err);
    }
    scoped_fd int fd = open(name, O_RDONLY | O_CLOEXEC);
    return fd < 0 ? err_sys(err, "--payload %.100s", name) : read_file(fd, name, ret, err);
}

static void note_fired(json_t *line, void *context)
{
    struct trigger *t = context;
    const char *queue = json_string_value(json_object_get(line, "queue"));
    if (t->count < EVENTS_MAX && queue) {
        struct fired *f = &t->events[t->count++];
        f->id = json_integer_value(json_object_get(line, "id"));
        (void)snprintf(f->queue, sizeof(f->queue), "%s", queue);
    }
}

static void note_seen(json_t *line, void *context)
{
    struct trigger *t = context;
    json_decref(t->seen);
    t->seen = json_incref(line);
}

static const char *seen_text(const struct trigger *t, const char *member)
{
    const char *text = json_string_value(json_object_get(t->seen, member));
    return text ? text : "";
}

static json_int_t seen_number(const struct trigger *t, const char *member)
{
    return json_integer_value(json_object_get(t->seen, member));
}

/* Whether its first try is over. */
static bool is_over(const struct trigger *t)
{
    return strcmp(seen_text(t, "state"), "waiting") != 0 || seen_text(t, "error")[0] != '\0';
}

/* Returns the exit status. */
static int print_outcome(const struct trigger *t, const struct fired *f)
{
    char age[COMMAND_AGE_BYTES];
    const char *state = seen_text(t, "state");
    const char *error = seen_text(t, "error");
    json_int_t due = seen_number(t, "due_ms");
    if (strcmp(state, "done") == 0) {
        (void)printf("event %lld: done in %lld ms\n", (long long)f->id,
                     (long long)(due - seen_number(t, "first_ms")));
        return CLI_OK;
    }
    if (strcmp(state, "dead") == 0) {
        (void)printf("event %lld: failed\n", (long long)f->id);
    } else {
        (void)printf("event %lld: failed, it is tried again %s\n", (long long)f->id,
                     command_client_age(due, age));
    }
    command_client_print(error, "  ", 0);
    (void)putchar('\n');
    return CLI_FAILED;
}

/* SQS's queues have no consumer of ours by themselves: the event has arrived. */
static bool is_waited_for(const struct fired *f)
{
    return strncmp(f->queue, "sqs:", 4) != 0;
}

static int await(struct trigger *t, const struct fired *f, struct err *err)
{
    const struct timespec pause = { .tv_nsec = POLL_MS * 1000000L };
    for (int i = 0; i < PATIENCE_S * 1000 / POLL_MS; i++) {
        json_t *show = json_pack("{s:s,s:I}", "command", "show", "id", f->id);
        int r = command_client_ask(&t->client, show, note_seen, t, err);
        if (r < 0) {
            return r;
        }
        if (is_over(t)) {
            return print_outcome(t, f);
        }
        (void)nanosleep(&pause, NULL); /* a signal only makes it shorter */
    }
    (void)printf("event %lld: not done yet; mayfly events show %lld tells when it is\n",
                 (long long)f->id, (long long)f->id);
    return CLI_OK;
}

static int trigger_run(struct trigger *t, struct err *err)
{
    char *payload = NULL;
    int r = t->payload ? read_payload(t->payload, &payload, err) : 0;
    if (r < 0) {
        return r;
    }
    json_t *command =
        json_pack("{s:s,s:s,s:s*}", "command", "trigger", "name", t->name, "payload", payload);
    free(payload);
    if (!command) {
        return err_set(err, EINVAL, "the payload is no text in UTF-8");
    }
    r = command_client_ask(&t->client, command, note_fired, t, err);
    if (r < 0) {
        return r;
    }
    if (t->count == 0) {
        (void)puts("it leads nowhere: no event was made");
    }
    int status = CLI_OK;
    for (size_t i = 0; i < t->count && r >= 0; i++) {
        (void)printf("fired %s: event %lld of ", t->name, (long long)t->events[i].id);
        command_client_print(t->events[i].queue, "", 0); /* a name of the project's */
        (void)putchar('\n');
        (void)fflush(stdout);
        if (!t->no_wait && is_waited_for(&t->events[i])) {
            r = await(t, &t->events[i], err);
            status = r > 0 ? r : status;
        }
    }
    return r < 0 ? r : status;
}

int cmd_trigger(int argc, char **argv)
{
    struct trigger t = { 0 };
    struct err err = { 0 };
    const struct option options[] = {
        { "payload", &t.payload, NULL },  { "project", &t.client.project, NULL },
        { "data", &t.client.data, NULL }, { "no-wait", NULL, &t.no_wait },
        { "help", NULL, &t.help },        { NULL, NULL, NULL },
    };
    int r = options_parse(argc, argv, options, &t.name, 1, &err);
    if (r >= 0 && t.help) {
        (void)fputs(cli_help("trigger"), stdout);
        return CLI_OK;
    }
    if (r == 0) {
        r = err_set(&err, EINVAL,
                    "say what to trigger: the name of a schedule or a Lambda function");
    }
    if (r < 0) {
        (void)fprintf(stderr, "mayfly trigger: %s\nmayfly help trigger says more.\n", err.text);
        return CLI_USAGE;
    }
    r = trigger_run(&t, &err);
    json_decref(t.seen);
    if (r < 0) {
        (void)fprintf(stderr, "mayfly trigger: %s\n", err.text);
        return CLI_FAILED;
    }
    return r;
}
