/* RestoreObject.
 *
 * SPDX-License-Identifier: Apache-2.0 */
#include <stdio.h>

#include "control/s3/s3_archive.h"
#include "control/s3/s3_event.h"
#include "control/s3/s3_lifecycle.h"
#include "control/s3/s3_object.h"
#include "control/s3/s3_operations.h"
#include "http/http_block.h"
#include "http/http_date.h"

#define HEADERS_BYTES_MAX (32 * KIB) /* those that it was put with, and one more */
#define DAYS_MAX          36500

struct restoring {
    struct stored_object object;
    char *memory;
    struct buf headers; /* of the object, with the new field */
    bool is_again;
    int posted, completed; /* events */
};

static void free_restoring(void *state)
{
    struct restoring *s = state;
    buf_finish(&s->headers);
    free(s->memory);
    free(s);
}

static int run(struct s3_request *rq, struct sql *db)
{
    const struct restoring *s = rq->state;
    int r = store_objects_set_headers(db, &s->object, buf_str(&s->headers));
    r = r < 0 ? r : s3_event_insert(rq->events, db, s->posted, &s->object);
    return r < 0 ? r : s3_event_insert(rq->events, db, s->completed, &s->object);
}

static void done(struct s3_request *rq, int r)
{
    const struct restoring *s = rq->state;
    if (r < 0) {
        s3_fail(rq, r == -ENOENT ? S3_NO_SUCH_KEY : s3_error_of(r));
    } else {
        s3_answer(rq, s->is_again ? 200 : 202);
    }
}

static int put_headers(struct restoring *s, uint64_t until_ms)
{
    char date[HTTP_DATE_BYTES], text[128];
    struct str block = s->object.headers, name, value;
    int r = 0;
    while (r == 0 && http_block_next(&block, &name, &value)) {
        bool is_old = str_eq(name, STR(S3_RESTORE_HEADER));
        r = is_old ? 0 : http_block_add(&s->headers, name, value);
    }
    http_date_format((int64_t)(until_ms / 1000), date);
    int len = snprintf(text, sizeof(text), "ongoing-request=\"false\", expiry-date=\"%s\"", date);
    return r < 0 ? r
                 : http_block_add(&s->headers, STR(S3_RESTORE_HEADER), str_of(text, (size_t)len));
}

/* S3's names; of another class than DEEP_ARCHIVE all three are fine. */
static bool is_tier(struct str tier)
{
    return !tier.data || str_eq(tier, STR("Standard")) || str_eq(tier, STR("Bulk")) ||
           str_eq(tier, STR("Expedited"));
}

/* False: answered. */
static bool read_days(struct s3_request *rq, uint64_t *ret)
{
    const struct s3_xml_node *root = s3_xml_root(rq->xml);
    struct str tier = s3_xml_text(s3_xml_child(root, "GlacierJobParameters"), "Tier");
    if (s3_xml_child(root, "SelectParameters") || s3_xml_text(root, "Type").data) {
        s3_fail_text(rq, S3_METHOD_NOT_ALLOWED, NULL); /* S3 Select takes no new customers */
        return false;
    }
    if (!s3_xml_is(root, "RestoreRequest") || !str_to_u64(s3_xml_text(root, "Days"), ret) ||
        *ret == 0 || *ret > DAYS_MAX || !is_tier(tier.data ? tier : s3_xml_text(root, "Tier"))) {
        s3_fail(rq, S3_MALFORMED_XML);
        return false;
    }
    return true;
}

static void found(struct s3_request *rq, const struct stored_object *o)
{
    uint64_t days;
    int64_t until_s;
    if (!s3_archive_has(o)) {
        s3_fail(rq, S3_INVALID_OBJECT_STATE);
        return;
    }
    if (!read_days(rq, &days)) {
        return;
    }
    struct restoring *s = s3_state(rq, sizeof(*s), free_restoring);
    buf_init(&s->headers, HEADERS_BYTES_MAX);
    s->memory = store_objects_copy(o, &s->object);
    s->is_again = s3_archive_until(o, rq->now_ms, &until_s);
    uint64_t until_ms = s3_lifecycle_after_days(rq->now_ms, days, S3_LIFECYCLE_DAY_MS);
    if (put_headers(s, until_ms) < 0) {
        s3_fail(rq, S3_INTERNAL);
        return;
    }
    s->object.headers = buf_str(&s->headers); /* as events tell of it */
    s->posted = s->is_again ? -1 : s3_prepare_event(rq, rq->bucket, rq->key, "ObjectRestore:Post");
    s->completed =
        s->is_again ? -1 : s3_prepare_event(rq, rq->bucket, rq->key, "ObjectRestore:Completed");
    s3_submit(rq, run, done);
}

void s3_object_restore(struct s3_request *rq)
{
    s3_object_find(rq, "s3:RestoreObject", (enum s3_permission)0, found);
}
