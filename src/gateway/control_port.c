/* SPDX-License-Identifier: Apache-2.0 */
#include "gateway/control_port.h"

#include <unistd.h>

#include "base/mem.h"
#include "gateway/control_files.h"
#include "gateway/file_reply.h"
#include "gateway/gateway.h"
#include "gateway/instance.h"

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

void control_port_file_follows(struct request *rq)
{
    struct gateway *g = rq->gateway;
    struct control_file early;
    if (control_files_take(g, rq->stream, &early)) {
        file_reply_send(rq, early.fd, early.message.offset, early.message.length);
        return;
    }
    rq->file_stream = rq->stream;
    list_push(&g->awaiting_file, &rq->awaiting_file);
}

void control_port_file(struct gateway *g, const struct message_file *m, int fd)
{
    if (control_files_is_unwanted(g, m->stream)) {
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
    control_files_keep(g, m, fd);
}
