/* DeleteObject and DeleteObjects.
 *
 * SPDX-License-Identifier: Apache-2.0 */
#include "base/mem.h"
#include "control/s3/s3_access.h"
#include "control/s3/s3_access_log.h"
#include "control/s3/s3_conditions.h"
#include "control/s3/s3_event.h"
#include "control/s3/s3_lock.h"
#include "control/s3/s3_name.h"
#include "control/s3/s3_object.h"
#include "control/s3/s3_operations.h"
#include "control/s3/s3_version.h"
#include "control/text/iso_time.h"

#define DELETE_MANY_MAX 1000 /* S3's own limit */

/* One object that is to go, and what has become of it. */
struct deletion {
    struct object_removal removal;
    struct str version_text; /* as asked for, or empty */
    struct str if_match;     /* data NULL: none */
    bool has_time, has_size, bypass;
    uint64_t if_time_ms, if_size;
    int event_deleted, event_marker;
    enum s3_error error;
};

struct deletions {
    size_t count;
    struct deletion *all;
    bool quiet;
};

static void free_deletions(void *state)
{
    struct deletions *d = state;
    free(d->all);
    free(d);
}

static struct deletions *deletions_create(struct s3_request *rq, size_t count)
{
    struct deletions *d = s3_state(rq, sizeof(*d), free_deletions);
    d->all = mem_alloc((count > 0 ? count : 1) * sizeof(*d->all));
    d->count = count;
    return d;
}

/* In a job: conditions, then locks, which a delete marker on top does not touch. */
static int check(const struct stored_object *current, void *context)
{
    struct deletion *d = context;
    bool is_there = current && !(current->flags & OBJECT_DELETE_MARKER);
    if (d->if_match.data && !is_there && d->removal.version.which == VERSION_CURRENT) {
        d->error = S3_NO_SUCH_KEY;
    } else if (!current) {
        /* With a condition nothing is to be done, not even a delete marker to be made. */
        bool has_condition = d->if_match.data || d->has_time || d->has_size;
        return has_condition ? s3_error_refuse(S3_OK) : 0;
    } else if ((d->if_match.data && !s3_conditions_has_etag(d->if_match, current->etag)) ||
               (d->has_time && current->modified_ms / 1000 != d->if_time_ms / 1000) ||
               (d->has_size && current->size != d->if_size)) {
        d->error = S3_PRECONDITION_FAILED;
    } else if (d->removal.version.which != VERSION_CURRENT &&
               !s3_lock_allows_removal(current, d->removal.now_ms, d->bypass)) {
        d->error = S3_OBJECT_LOCKED;
    }
    return d->error == S3_OK ? 0 : s3_error_refuse(d->error);
}

static enum s3_error prepare(struct s3_request *rq, struct deletion *d, struct str key)
{
    const char *action = d->version_text.len > 0 ? "s3:DeleteObjectVersion" : "s3:DeleteObject";
    const struct s3_access access = { .bucket = rq->bucket,
                                      .key = key,
                                      .action = action,
                                      .permission = S3_WRITE,
                                      .acl = &rq->bucket->acl,
                                      .owner = rq->bucket->row.owner };
    if (!s3_access_allows(rq, &access)) {
        return S3_ACCESS_DENIED;
    }
    struct object_version version;
    if (!s3_version_parse(d->version_text.len > 0 ? d->version_text : (struct str){ NULL, 0 },
                          &version)) {
        return S3_NO_SUCH_VERSION;
    }
    d->bypass = s3_lock_bypasses(rq);
    d->removal = (struct object_removal){ .bucket = rq->bucket->row.id,
                                          .key = key,
                                          .version = version,
                                          .owner = s3_owner(rq),
                                          .now_ms = rq->now_ms,
                                          .check = check,
                                          .context = d };
    d->event_deleted = s3_prepare_event(rq, rq->bucket, key, "ObjectRemoved:Delete");
    d->event_marker = s3_prepare_event(rq, rq->bucket, key, "ObjectRemoved:DeleteMarkerCreated");
    return S3_OK;
}

static int run_one(struct s3_request *rq, struct sql *db, struct deletion *d)
{
    int r = store_objects_remove(db, &d->removal);
    if (r == s3_error_refuse(S3_OK)) {
        return 0;
    }
    /* DeleteObjects, and it alone, tells of keys that were not there, too. */
    bool tells_all =
        strcmp(rq->op->name, "DeleteObjects") == 0 && d->removal.version.which == VERSION_CURRENT;
    if (r < 0 || (!d->removal.made && !d->removal.removed && !tells_all)) {
        return r;
    }
    const struct stored_object o = { .key = d->removal.key,
                                     .rank = d->removal.rank,
                                     .salt = d->removal.salt,
                                     .flags = d->removal.flags };
    return s3_event_insert(rq->events, db, d->removal.made ? d->event_marker : d->event_deleted,
                           &o);
}

/* What is refused for one object leaves the others alone: it has written nothing. */
static int run_all(struct s3_request *rq, struct sql *db)
{
    struct deletions *d = rq->state;
    int r = 0;
    for (size_t i = 0; i < d->count && r == 0; i++) {
        struct deletion *one = &d->all[i];
        if (one->error == S3_OK) {
            r = run_one(rq, db, one);
            r = one->error == S3_OK ? r : 0;
        }
    }
    return r;
}

/* ---- one ---- */

static void delete_done(struct s3_request *rq, int r)
{
    const struct deletions *all = rq->state;
    const struct deletion *d = &all->all[0];
    char version[S3_VERSION_TEXT];
    if (r < 0 || d->error != S3_OK) {
        s3_conditions_fail(rq,
                           d->error != S3_OK ? d->error
                           : r == -ENOENT    ? S3_NO_SUCH_BUCKET
                                             : s3_error_of(r),
                           "", "If-Match");
        return;
    }
    store_contents_sweep(rq->s3->contents);
    if (d->removal.marker) {
        s3_put_header(rq, "x-amz-delete-marker", STR("true"));
    }
    if (d->removal.made || d->version_text.len > 0) {
        s3_put_header(rq, "x-amz-version-id",
                      d->removal.made ? s3_version_text(d->removal.rank, d->removal.salt,
                                                        d->removal.flags, version)
                                      : d->version_text);
    }
    s3_answer(rq, 204);
}

static bool read_conditions(struct s3_request *rq, struct deletion *d)
{
    struct str time = s3_header(rq, "x-amz-if-match-last-modified-time");
    struct str size = s3_header(rq, "x-amz-if-match-size");
    d->if_match = s3_header(rq, "if-match");
    d->has_time = time.data != NULL;
    d->has_size = size.data != NULL;
    if ((d->has_time && !iso_time_parse(time, &d->if_time_ms)) ||
        (d->has_size && !str_to_u64(size, &d->if_size))) {
        s3_fail(rq, S3_INVALID_ARGUMENT);
        return false;
    }
    return true;
}

void s3_object_delete(struct s3_request *rq)
{
    struct deletions *all = deletions_create(rq, 1);
    struct deletion *d = &all->all[0];
    struct str version = s3_param(rq, "versionId");
    if (version.data && version.len == 0) { /* who has lost the id does not mean the current one */
        s3_fail_argument(rq, "Version id cannot be the empty string", "versionId", version);
        return;
    }
    d->version_text = version.data ? version : STR("");
    if (!read_conditions(rq, d)) {
        return;
    }
    enum s3_error error = prepare(rq, d, rq->key);
    if (error == S3_NO_SUCH_VERSION) {
        s3_fail_argument(rq, "Invalid version id specified", "versionId", version);
    } else if (error != S3_OK) {
        s3_fail(rq, error);
    } else {
        s3_submit(rq, run_all, delete_done);
    }
}

/* ---- many ---- */

static void put_deleted(struct s3_xml_out *o, const struct deletion *d, struct str key)
{
    char version[S3_VERSION_TEXT];
    struct str id = s3_version_text(d->removal.rank, d->removal.salt, d->removal.flags, version);
    s3_xml_open(o, "Deleted");
    s3_xml_put(o, "Key", key);
    if (d->version_text.len > 0) {
        s3_xml_put(o, "VersionId", d->version_text);
    }
    if (d->removal.marker) {
        s3_xml_put_bool(o, "DeleteMarker", true);
        s3_xml_put(o, "DeleteMarkerVersionId", id);
    }
    s3_xml_close(o, "Deleted");
}

static void put_failed(struct s3_xml_out *o, const struct deletion *d, struct str key)
{
    const struct s3_error_text *text = s3_error_text(d->error);
    s3_xml_open(o, "Error");
    s3_xml_put(o, "Key", key);
    if (d->version_text.len > 0) {
        s3_xml_put(o, "VersionId", d->version_text);
    }
    s3_xml_put(o, "Code", str_c(text->code));
    s3_xml_put(o, "Message", str_c(text->text));
    s3_xml_close(o, "Error");
}

static void log_deletion(struct s3_request *rq, const struct deletion *d)
{
    const struct s3_error_text *text = d->error != S3_OK ? s3_error_text(d->error) : NULL;
    const struct s3_access_deletion deletion = { .key = d->removal.key,
                                                 .version = d->version_text,
                                                 .error = text ? text->code : NULL,
                                                 .status = text ? text->status : 204 };
    s3_access_log_deletion(rq, &deletion);
}

static void many_done(struct s3_request *rq, int r)
{
    const struct deletions *d = rq->state;
    struct s3_xml_out o = { .out = &rq->body };
    if (r < 0) {
        s3_fail(rq, r == -ENOENT ? S3_NO_SUCH_BUCKET : s3_error_of(r));
        return;
    }
    store_contents_sweep(rq->s3->contents);
    s3_xml_begin(&o, "DeleteResult");
    for (size_t i = 0; i < d->count; i++) {
        const struct deletion *one = &d->all[i];
        log_deletion(rq, one);
        if (one->error != S3_OK) {
            put_failed(&o, one, one->removal.key);
        } else if (!d->quiet) {
            put_deleted(&o, one, one->removal.key);
        }
    }
    s3_xml_close(&o, "DeleteResult");
    s3_answer_xml(rq, 200, o.r);
}

static bool read_object(const struct s3_xml_node *node, struct deletion *d, struct str *ret_key)
{
    struct str version = s3_xml_text(node, "VersionId"),
               time = s3_xml_text(node, "LastModifiedTime");
    struct str size = s3_xml_text(node, "Size");
    *ret_key = s3_xml_text(node, "Key");
    d->version_text = version.data ? version : STR("");
    d->if_match = s3_xml_text(node, "ETag");
    d->has_time = time.data != NULL;
    d->has_size = size.data != NULL;
    return ret_key->len > 0 && (!d->has_time || iso_time_parse(time, &d->if_time_ms)) &&
           (!d->has_size || str_to_u64(size, &d->if_size));
}

void s3_object_delete_many(struct s3_request *rq)
{
    const struct s3_xml_node *root = s3_xml_root(rq->xml);
    size_t count = s3_xml_count(root, "Object"), i = 0;
    if (!s3_xml_is(root, "Delete") || count == 0 || count > DELETE_MANY_MAX) {
        s3_fail(rq, S3_MALFORMED_XML);
        return;
    }
    struct deletions *d = deletions_create(rq, count);
    d->quiet = str_eq_nocase(s3_xml_text(root, "Quiet"), STR("true"));
    for (const struct s3_xml_node *n = s3_xml_child(root, "Object"); n; n = s3_xml_again(n), i++) {
        struct str key;
        struct deletion *one = &d->all[i];
        if (!read_object(n, one, &key)) {
            s3_fail(rq, S3_MALFORMED_XML);
            return;
        }
        one->error = key.len > S3_KEY_BYTES_MAX ? S3_KEY_TOO_LONG : prepare(rq, one, key);
        one->removal.key = key;
    }
    s3_submit(rq, run_all, many_done);
}
