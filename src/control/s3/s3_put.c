/* SPDX-License-Identifier: Apache-2.0 */
#include "control/s3/s3_put.h"

#include "base/hex.h"
#include "control/s3/s3_body.h"
#include "control/s3/s3_event.h"
#include "control/s3/s3_lifecycle.h"

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
