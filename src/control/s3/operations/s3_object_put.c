/* PutObject.
 *
 * SPDX-License-Identifier: Apache-2.0 */
#include "control/s3/s3_access.h"
#include "control/s3/s3_body.h"
#include "control/s3/s3_conditions.h"
#include "control/s3/s3_new.h"
#include "control/s3/s3_operations.h"
#include "control/s3/s3_put.h"

static void free_put(void *state)
{
    struct s3_put *p = state;
    s3_new_finish(&p->new);
    free(p);
}

/* The state of a request that puts. */
static struct s3_put *create_put(struct s3_request *rq)
{
    struct s3_put *p = s3_state(rq, sizeof(*p), free_put);
    s3_new_init(&p->new);
    return p;
}

static void put_done(struct s3_request *rq, int r)
{
    if (!s3_put_failed(rq, r)) {
        s3_put_headers(rq);
        s3_answer(rq, 200);
    }
}

static void received_all(struct s3_request *rq, struct s3_received *received)
{
    s3_put_store(rq, received, "ObjectCreated:Put", put_done);
}

void s3_object_put(struct s3_request *rq)
{
    if (s3_header(rq, "x-amz-copy-source").data) {
        s3_object_copy(rq);
        return;
    }
    if (s3_has_param(rq, "versionId")) {
        s3_fail_argument(rq, "This operation does not accept a version-id.", "versionId",
                         s3_param(rq, "versionId"));
        return;
    }
    struct s3_put *p = create_put(rq);
    struct s3_receive_plan plan;
    if (!s3_new_read_tags(rq, &p->new) ||
        !s3_access_write(rq, "s3:PutObject", buf_str(&p->new.tags)) || !s3_new_read(rq, &p->new) ||
        !s3_conditions_read_write(rq, &p->conditions) || !s3_body_plan_object(rq, &plan)) {
        return;
    }
    p->write.check = s3_conditions_write_check;
    p->write.context = &p->conditions;
    plan.crypt = p->new.is_encrypted ? &p->new.crypt : NULL;
    s3_body_start(rq, &plan, received_all);
}
