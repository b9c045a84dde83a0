/* Object lock's operations: a bucket's configuration, a version's retention and legal hold.
 *
 * SPDX-License-Identifier: Apache-2.0 */
#include "base/mem.h"
#include "control/s3/operations/s3_config.h"
#include "control/s3/s3_lock.h"
#include "control/s3/s3_object.h"
#include "control/s3/s3_operations.h"
#include "control/text/iso_time.h"
#include "store/sql.h"

#define DAYS_MAX  36500 /* S3's own limits of a default retention */
#define YEARS_MAX 100

/* ---- of a bucket ---- */

void s3_lock_get_config(struct s3_request *rq)
{
    struct str kept = s3_bucket_setting(rq->bucket, STR("object-lock"));
    struct s3_xml_out o = { .out = &rq->body };
    if (!rq->bucket->row.locks_objects) {
        s3_fail(rq, S3_NO_SUCH_LOCK_CONFIGURATION);
        return;
    }
    if (kept.data) {
        s3_xml_raw(&o, kept);
    } else {
        s3_xml_begin(&o, "ObjectLockConfiguration");
        s3_xml_put(&o, "ObjectLockEnabled", STR("Enabled"));
        s3_xml_close(&o, "ObjectLockConfiguration");
    }
    s3_answer_xml(rq, 200, o.r);
}

static bool check_period(struct s3_request *rq, const struct s3_xml_node *by)
{
    struct str days = s3_xml_text(by, "Days"), years = s3_xml_text(by, "Years");
    uint64_t number;
    if (!days.data == !years.data) {
        s3_fail(rq, S3_MALFORMED_XML);
        return false;
    }
    if (!str_to_u64(days.data ? days : years, &number) || number == 0 ||
        number > (days.data ? DAYS_MAX : YEARS_MAX)) {
        s3_fail(rq, S3_INVALID_RETENTION);
        return false;
    }
    return true;
}

/* False: answered. */
static bool check_config(struct s3_request *rq, const struct s3_xml_node *root)
{
    const struct s3_xml_node *rule = s3_xml_child(root, "Rule");
    const struct s3_xml_node *by = s3_xml_child(rule, "DefaultRetention");
    struct str mode = s3_xml_text(by, "Mode");
    if (!s3_xml_is(root, "ObjectLockConfiguration") ||
        !str_eq(s3_xml_text(root, "ObjectLockEnabled"), STR("Enabled")) || (rule && !by) ||
        (by && !str_eq(mode, STR("GOVERNANCE")) && !str_eq(mode, STR("COMPLIANCE")))) {
        s3_fail(rq, S3_MALFORMED_XML);
        return false;
    }
    return !by || check_period(rq, by);
}

static int run_put_config(struct s3_request *rq, struct sql *db)
{
    const struct buf *text = rq->state;
    int r = store_buckets_enable_locks(db, rq->bucket->row.id);
    return r < 0 ? r
                 : store_buckets_put_setting(db, rq->bucket->row.id, STR("object-lock"),
                                             buf_str(text));
}

static void free_text(void *state)
{
    buf_finish(state);
    free(state);
}

void s3_lock_put_config(struct s3_request *rq)
{
    const struct s3_xml_node *root = s3_xml_root(rq->xml);
    struct buf *text = s3_state(rq, sizeof(*text), free_text);
    buf_init(text, 16 * KIB);
    if (!check_config(rq, root)) {
        return;
    }
    if (rq->bucket->row.versioning != BUCKET_VERSIONED) {
        s3_fail_text(rq, S3_INVALID_BUCKET_STATE,
                     "Versioning must be 'Enabled' on the bucket to apply a Object Lock "
                     "configuration");
        return;
    }
    struct s3_xml_out o = { .out = text };
    s3_xml_begin(&o, "ObjectLockConfiguration");
    for (const struct s3_xml_node *child = root->first; child; child = child->next) {
        s3_xml_put_node(&o, child);
    }
    s3_xml_close(&o, "ObjectLockConfiguration");
    if (o.r < 0) {
        s3_fail(rq, S3_MALFORMED_XML);
    } else {
        s3_submit(rq, run_put_config, s3_config_done);
    }
}

/* ---- of an object ---- */

struct change {
    struct stored_object object; /* of a retention: with what it is to be */
    char *memory;
    enum object_hold hold;
    bool bypass; /* governance does not count */
    uint64_t now_ms;
};

static void free_change(void *state)
{
    struct change *c = state;
    free(c->memory);
    free(c);
}

/* False: answered. */
static bool can_lock(struct s3_request *rq)
{
    if (!rq->bucket->row.locks_objects) {
        s3_fail_text(rq, S3_INVALID_REQUEST, "Bucket is missing Object Lock Configuration");
        return false;
    }
    return true;
}

static void change_done(struct s3_request *rq, int r)
{
    if (r < 0) {
        s3_fail(rq, r == -ENOENT ? S3_NO_SUCH_KEY : s3_error_of(r));
    } else {
        s3_answer(rq, 200);
    }
}

static struct change *change_create(struct s3_request *rq, const struct stored_object *o)
{
    struct change *c = s3_state(rq, sizeof(*c), free_change);
    c->memory = store_objects_copy(o, &c->object);
    c->now_ms = rq->now_ms;
    return c;
}

static void retention_get_found(struct s3_request *rq, const struct stored_object *object)
{
    struct s3_xml_out o = { .out = &rq->body };
    char until[ISO_TIME_BYTES];
    if (object->lock_mode == OBJECT_UNLOCKED) {
        s3_fail(rq, S3_NO_SUCH_OBJECT_LOCK);
        return;
    }
    s3_xml_begin(&o, "Retention");
    s3_xml_put(&o, "Mode",
               object->lock_mode == OBJECT_COMPLIANCE ? STR("COMPLIANCE") : STR("GOVERNANCE"));
    s3_xml_put(&o, "RetainUntilDate", iso_time_ms(object->lock_until_ms, until));
    s3_xml_close(&o, "Retention");
    s3_answer_xml(rq, 200, o.r);
}

void s3_lock_get_retention(struct s3_request *rq)
{
    if (can_lock(rq)) {
        s3_object_find(rq, "s3:GetObjectRetention", (enum s3_permission)0, retention_get_found);
    }
}

/* Compliance can only be prolonged; governance may be loosened by who may bypass it. In the job:
 * two changes at once must not undo each other. */
static int check_retention(const struct stored_object *o, void *context)
{
    const struct change *c = context;
    enum object_lock_mode mode = c->object.lock_mode;
    if (o->lock_mode == OBJECT_UNLOCKED || o->lock_until_ms <= c->now_ms) {
        return 0;
    }
    bool loosens =
        mode == OBJECT_UNLOCKED || c->object.lock_until_ms < o->lock_until_ms ||
        (mode != o->lock_mode && (o->lock_mode == OBJECT_COMPLIANCE || mode == OBJECT_GOVERNANCE));
    bool changes = loosens || mode != o->lock_mode;
    bool may = !changes || (o->lock_mode == OBJECT_GOVERNANCE && c->bypass);
    return may ? 0 : s3_error_refuse(S3_OBJECT_LOCKED);
}

static int run_retention(struct s3_request *rq, struct sql *db)
{
    struct change *c = rq->state;
    return store_objects_set_retention(db, &c->object, check_retention, c);
}

static void retention_put_found(struct s3_request *rq, const struct stored_object *o)
{
    const struct s3_xml_node *root = s3_xml_root(rq->xml);
    struct str mode = s3_xml_text(root, "Mode"), until = s3_xml_text(root, "RetainUntilDate");
    struct change *c = change_create(rq, o);
    enum object_lock_mode wanted = str_eq(mode, STR("GOVERNANCE"))   ? OBJECT_GOVERNANCE
                                   : str_eq(mode, STR("COMPLIANCE")) ? OBJECT_COMPLIANCE
                                                                     : OBJECT_UNLOCKED;
    uint64_t until_ms = 0;
    bool clears = mode.len == 0 && until.len == 0;
    if (!s3_xml_is(root, "Retention") ||
        (!clears && (wanted == OBJECT_UNLOCKED || !iso_time_parse(until, &until_ms)))) {
        s3_fail(rq, S3_MALFORMED_XML);
    } else if (!clears && until_ms <= rq->now_ms) {
        s3_fail_argument(rq, "The retain until date must be in the future!", "RetainUntilDate",
                         until);
    } else {
        c->bypass = s3_lock_bypasses(rq);
        c->object.lock_mode = wanted;
        c->object.lock_until_ms = until_ms;
        s3_submit(rq, run_retention, change_done);
    }
}

void s3_lock_put_retention(struct s3_request *rq)
{
    if (can_lock(rq)) {
        s3_object_find(rq, "s3:PutObjectRetention", (enum s3_permission)0, retention_put_found);
    }
}

static void hold_get_found(struct s3_request *rq, const struct stored_object *object)
{
    struct s3_xml_out o = { .out = &rq->body };
    if (object->legal_hold == OBJECT_HOLD_UNSET) {
        s3_fail(rq, S3_NO_SUCH_OBJECT_LOCK);
        return;
    }
    s3_xml_begin(&o, "LegalHold");
    s3_xml_put(&o, "Status", s3_lock_hold_name(object->legal_hold));
    s3_xml_close(&o, "LegalHold");
    s3_answer_xml(rq, 200, o.r);
}

void s3_lock_get_hold(struct s3_request *rq)
{
    if (can_lock(rq)) {
        s3_object_find(rq, "s3:GetObjectLegalHold", (enum s3_permission)0, hold_get_found);
    }
}

static int run_hold(struct s3_request *rq, struct sql *db)
{
    const struct change *c = rq->state;
    return store_objects_set_hold(db, &c->object, c->hold);
}

static void hold_put_found(struct s3_request *rq, const struct stored_object *o)
{
    const struct s3_xml_node *root = s3_xml_root(rq->xml);
    struct change *c = change_create(rq, o);
    if (!s3_xml_is(root, "LegalHold") ||
        !s3_lock_parse_hold(s3_xml_text(root, "Status"), &c->hold)) {
        s3_fail(rq, S3_MALFORMED_XML);
        return;
    }
    s3_submit(rq, run_hold, change_done);
}

void s3_lock_put_hold(struct s3_request *rq)
{
    if (can_lock(rq)) {
        s3_object_find(rq, "s3:PutObjectLegalHold", (enum s3_permission)0, hold_put_found);
    }
}
