/* SPDX-License-Identifier: Apache-2.0 */
#include "gateway/control_port.h"

#include "base/mem.h"
#include "gateway/file_reply.h"
#include "gateway/gateway.h"
#include "gateway/instance.h"

/* A file that came before its frame, or, with fd -1, one that nobody waits for any more. */
struct early_file {
    struct list link;
    struct message_file message;
    int fd; /* owned */
};

int control_port_open(struct gateway *g, const struct channel_fds *fds)
{
    struct function *f = function_create();
    f->name = mem_copy_str(STR("mayfly"));
    f->dialect = DIALECT_CONTROL;
    f->limits = (struct pool_limits){ .concurrency = FRAME_SLOTS, /* more wait */
                                      .min_instances = 1,
                                      .max_instances = 1,
                                      .idle_ms = UINT64_MAX };
    g->control_function = function_ref(f); /* as long as the process lives */
    int r = instance_create(g, f, 0, fds);
    if (r == 0) {
        /* It is never idle, asked for signs of life, or replaced: the supervisor watches it. */
        struct instance *i = instance_find(g, 0);
        list_remove(&i->in_gateway);
        g->instance_count--;
    }
    return r;
}

void control_port_take(struct request *rq, enum control_door door)
{
    struct function *f = rq->gateway->control_function;
    rq->function = function_ref(f);
    rq->endpoint = door;
    rq->route.target = rq->head.target;
    f->request_count++;
    gateway_expect_sweep(rq->gateway);
    rq->step = REQUEST_LEASE;
}

bool control_port_has(const struct request *rq)
{
    return rq->function == rq->gateway->control_function;
}

static void note(struct list *files, const struct message_file *m, int fd)
{
    struct early_file *e = mem_new(struct early_file);
    *e = (struct early_file){ .message = *m, .fd = fd };
    list_push(files, &e->link);
}

/* True: the first of that stream was there, and is in `ret`. */
static bool take(struct list *files, uint32_t stream, struct early_file *ret)
{
    list_for_each (item, files) {
        struct early_file *e = list_entry(item, struct early_file, link);
        if (e->message.stream == stream) {
            list_remove(&e->link);
            *ret = *e;
            free(e);
            return true;
        }
    }
    return false;
}

void control_port_file_follows(struct request *rq)
{
    struct gateway *g = rq->gateway;
    struct early_file early;
    if (take(&g->early_files, rq->stream, &early)) {
        file_reply_send(rq, early.fd, early.message.offset, early.message.length);
        return;
    }
    rq->file_stream = rq->stream;
    list_push(&g->awaiting_file, &rq->awaiting_file);
}

void control_port_file_unwanted(struct gateway *g, uint32_t stream)
{
    struct early_file early;
    if (take(&g->early_files, stream, &early)) {
        (void)close(early.fd);
    } else {
        note(&g->unwanted_files, &(struct message_file){ .stream = stream }, -1);
    }
}

void control_port_file(struct gateway *g, const struct message_file *m, int fd)
{
    struct early_file unwanted;
    if (take(&g->unwanted_files, m->stream, &unwanted)) {
        (void)close(fd);
        return;
    }
    list_for_each (item, &g->awaiting_file) {
        struct request *rq = list_entry(item, struct request, awaiting_file);
        if (rq->file_stream == m->stream) {
            list_remove(&rq->awaiting_file);
            file_reply_send(rq, fd, m->offset, m->length);
            return;
        }
    }
    note(&g->early_files, m, fd);
}
