/* Tags of objects.
 *
 * SPDX-License-Identifier: Apache-2.0 */
#include "base/mem.h"
#include "control/s3/s3_access.h"
#include "control/s3/s3_event.h"
#include "control/s3/s3_object.h"
#include "control/s3/s3_operations.h"
#include "control/s3/s3_tags.h"
#include "store/sql.h"

static void get_found(struct s3_request *rq, const struct stored_object *o)
{
    struct s3_xml_out out = { .out = &rq->body };
    s3_put_version_header(rq, o);
    s3_tags_to_xml(o->tags, &out);
    s3_answer_xml(rq, 200, out.r);
}

void s3_tagging_get(struct s3_request *rq)
{
    s3_object_find(rq, "s3:GetObjectTagging", (enum s3_permission)0, get_found);
}

struct change {
    struct stored_object object;
    char *memory;
    struct buf tags;
    int event;
};

static void free_change(void *state)
{
    struct change *c = state;
    buf_finish(&c->tags);
    free(c->memory);
    free(c);
}

static int run_change(struct s3_request *rq, struct sql *db)
{
    const struct change *c = rq->state;
    int r = store_objects_set_tags(db, &c->object, buf_str(&c->tags));
    return r < 0 ? r : s3_event_insert(rq->events, db, c->event, &c->object);
}

static void change_done(struct s3_request *rq, int r)
{
    const struct change *c = rq->state;
    if (r < 0) {
        s3_fail(rq, r == -ENOENT ? S3_NO_SUCH_KEY : s3_error_of(r));
        return;
    }
    s3_put_version_header(rq, &c->object);
    s3_answer(rq, str_eq(rq->x->method, STR("DELETE")) ? 204 : 200);
}

static struct change *change_create(struct s3_request *rq, const struct stored_object *o)
{
    struct change *c = s3_state(rq, sizeof(*c), free_change);
    buf_init(&c->tags, S3_TAG_BYTES_MAX);
    c->memory = store_objects_copy(o, &c->object);
    return c;
}

static void put_found(struct s3_request *rq, const struct stored_object *o)
{
    struct change *c = change_create(rq, o);
    struct s3_tags_fault fault;
    enum s3_error error =
        s3_tags_from_xml(s3_xml_root(rq->xml), S3_TAGS_OF_OBJECT, &c->tags, &fault);
    if (error != S3_OK) {
        s3_fail_tags(rq, error, &fault);
        return;
    }
    /* A policy may look at the tags that are to be. */
    const struct s3_access access = { .bucket = rq->bucket,
                                      .key = rq->key,
                                      .action = "s3:PutObjectTagging",
                                      .owner = rq->bucket->row.owner,
                                      .existing_tags = c->object.tags,
                                      .request_tags = buf_str(&c->tags) };
    if (!s3_access_allows(rq, &access)) {
        s3_fail(rq, S3_ACCESS_DENIED);
        return;
    }
    c->event = s3_prepare_event(rq, rq->bucket, rq->key, "ObjectTagging:Put");
    s3_submit(rq, run_change, change_done);
}

void s3_tagging_put(struct s3_request *rq)
{
    s3_object_find(rq, "s3:PutObjectTagging", (enum s3_permission)0, put_found);
}

static void delete_found(struct s3_request *rq, const struct stored_object *o)
{
    struct change *c = change_create(rq, o);
    c->event = s3_prepare_event(rq, rq->bucket, rq->key, "ObjectTagging:Delete");
    s3_submit(rq, run_change, change_done);
}

void s3_tagging_delete(struct s3_request *rq)
{
    s3_object_find(rq, "s3:DeleteObjectTagging", (enum s3_permission)0, delete_found);
}
