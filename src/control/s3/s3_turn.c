/* SPDX-License-Identifier: Apache-2.0 */
#include "control/s3/s3_turn.h"

#include "base/mem.h"

struct s3_turns {
    uv_idle_t idle; /* active while requests wait */
    struct list waiting;
};

static void on_turn(uv_idle_t *idle)
{
    struct s3_turns *t = container_of(idle, struct s3_turns, idle);
    struct s3_request *rq = list_entry(t->waiting.next, struct s3_request, turn);
    list_remove(&rq->turn);
    if (list_is_empty(&t->waiting)) {
        (void)uv_idle_stop(idle); /* always succeeds */
    }
    rq->go_on(rq);
}

struct s3_turns *s3_turns_create(uv_loop_t *loop)
{
    struct s3_turns *t = mem_new(struct s3_turns);
    list_init(&t->waiting);
    (void)uv_idle_init(loop, &t->idle); /* always succeeds */
    return t;
}

void s3_turns_wait(struct s3_request *rq, void (*go_on)(struct s3_request *rq))
{
    struct s3_turns *t = rq->s3->turns;
    rq->go_on = go_on;
    list_push(&t->waiting, &rq->turn);
    (void)uv_idle_start(&t->idle, on_turn); /* has a callback: works */
}
