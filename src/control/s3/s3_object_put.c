/* PutObject.
 *
 * SPDX-License-Identifier: Apache-2.0 */
#include "control/s3/s3_object_put.h"

#include "base/hex.h"
#include "control/s3/s3_access.h"
#include "control/s3/s3_body.h"
#include "control/s3/s3_conditions.h"
#include "control/s3/s3_event.h"
#include "control/s3/s3_lifecycle.h"
#include "control/s3/s3_new.h"
#include "control/s3/s3_object.h"
#include "control/s3/s3_operations.h"

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

static int run_put(struct s3_request *rq, struct sql *db)
{
    struct s3_put *p = rq->state;
    int r = store_objects_write(rq->s3->contents, db, &p->write);
    return r < 0 ? r : s3_event_insert(rq->events, db, p->event, &p->write.object);
}

void s3_put_submit(struct s3_request *rq, const char *event,
                   void (*done)(struct s3_request *rq, int r))
{
    struct s3_put *p = rq->state;
    p->event = s3_prepare_event(rq, rq->bucket, rq->key, event);
    s3_submit(rq, run_put, done);
}

void s3_put_digests(struct s3_put *p, const struct s3_received *received)
{
    struct stored_object *o = &p->write.object;
    (void)hex_write(received->md5, sizeof(received->md5), p->etag);
    o->etag = str_of(p->etag, 2 * sizeof(received->md5));
    o->size = received->size;
    o->checksum = s3_checksum_store(&received->checksum, p->checksum);
}

void s3_put_store(struct s3_request *rq, struct s3_received *received, const char *event,
                  void (*done)(struct s3_request *rq, int r))
{
    struct s3_put *p = rq->state;
    struct stored_object *o = &p->write.object;
    s3_new_apply(&p->new, rq, o);
    s3_put_digests(p, received);
    p->write.bytes = received->is_file ? BYTES_OF_FILE : BYTES_OF_DATA;
    p->write.data = received->data;
    p->write.name = received->name;
    if (received->is_file) {
        o->hash = str_of((const char *)received->hash, sizeof(received->hash));
    }
    s3_put_submit(rq, event, done);
}

void s3_put_headers(struct s3_request *rq)
{
    const struct s3_put *p = rq->state;
    const struct stored_object *o = &p->write.object;
    s3_tell_object(rq, o->size);
    s3_object_put_etag(rq, o->etag);
    s3_put_new_version_header(rq, o);
    s3_object_put_checksum(rq, o->checksum);
    s3_new_put_encryption(rq, o->headers, o->crypt.len > 0);
    s3_lifecycle_put_header(rq, o);
}

bool s3_put_failed(struct s3_request *rq, int r)
{
    const struct s3_put *p = rq->state;
    s3_body_finish(rq, r >= 0);
    if (r < 0) {
        s3_conditions_fail(rq, r == -ENOENT ? S3_NO_SUCH_BUCKET : s3_error_of(r), "",
                           p->conditions.failed);
        return true;
    }
    if (p->write.replaces) {
        store_contents_sweep(rq->s3->contents);
    }
    return false;
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
