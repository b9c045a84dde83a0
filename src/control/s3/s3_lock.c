/* SPDX-License-Identifier: Apache-2.0 */
#include "control/s3/s3_lock.h"

#include "control/s3/s3_access.h"
#include "control/text/iso_time.h"

#define DAY_MS ((uint64_t)86400 * 1000)

/* ---- texts ---- */

static bool parse_mode(struct str text, enum object_lock_mode *ret)
{
    *ret = str_eq(text, STR("GOVERNANCE"))   ? OBJECT_GOVERNANCE
           : str_eq(text, STR("COMPLIANCE")) ? OBJECT_COMPLIANCE
                                             : OBJECT_UNLOCKED;
    return *ret != OBJECT_UNLOCKED;
}

static struct str mode_name(enum object_lock_mode mode)
{
    return mode == OBJECT_COMPLIANCE ? STR("COMPLIANCE") : STR("GOVERNANCE");
}

bool s3_lock_parse_hold(struct str text, enum object_hold *ret)
{
    *ret = str_eq(text, STR("ON"))    ? OBJECT_HOLD_ON
           : str_eq(text, STR("OFF")) ? OBJECT_HOLD_OFF
                                      : OBJECT_HOLD_UNSET;
    return *ret != OBJECT_HOLD_UNSET;
}

struct str s3_lock_hold_name(enum object_hold hold)
{
    return hold == OBJECT_HOLD_ON ? STR("ON") : STR("OFF");
}

/* ---- what a new object is locked with ---- */

/* The bucket's default retention. */
static void read_default(const struct s3_request *rq, enum object_lock_mode *ret_mode,
                         uint64_t *ret_until_ms)
{
    struct str config = s3_bucket_setting(rq->bucket, STR("object-lock"));
    scoped_s3_xml struct s3_xml *x = config.data ? s3_xml_parse(config) : NULL;
    const struct s3_xml_node *rule = x ? s3_xml_child(s3_xml_root(x), "Rule") : NULL;
    const struct s3_xml_node *by = s3_xml_child(rule, "DefaultRetention");
    uint64_t count;
    if (!by || !parse_mode(s3_xml_text(by, "Mode"), ret_mode)) {
        return;
    }
    if (str_to_u64(s3_xml_text(by, "Days"), &count)) {
        *ret_until_ms = rq->now_ms + count * DAY_MS;
    } else if (str_to_u64(s3_xml_text(by, "Years"), &count)) {
        *ret_until_ms = rq->now_ms + count * 365 * DAY_MS;
    }
}

bool s3_lock_read_headers(struct s3_request *rq, enum object_lock_mode *ret_mode,
                          uint64_t *ret_until_ms, enum object_hold *ret_hold)
{
    struct str mode = s3_header(rq, "x-amz-object-lock-mode");
    struct str until = s3_header(rq, "x-amz-object-lock-retain-until-date");
    struct str hold = s3_header(rq, "x-amz-object-lock-legal-hold");
    if (!mode.data && !until.data && !hold.data) {
        read_default(rq, ret_mode, ret_until_ms);
        return true;
    }
    if (!rq->bucket->row.locks_objects) {
        s3_fail_text(rq, S3_INVALID_REQUEST, "Bucket is missing ObjectLockConfiguration");
        return false;
    }
    if (!mode.data != !until.data) {
        s3_detail(rq, "ArgumentName",
                  mode.data ? STR("x-amz-object-lock-retain-until-date")
                            : STR("x-amz-object-lock-mode"));
        s3_fail_text(rq, S3_INVALID_ARGUMENT,
                     "x-amz-object-lock-retain-until-date and x-amz-object-lock-mode must both be "
                     "supplied");
        return false;
    }
    if (mode.data && !parse_mode(mode, ret_mode)) {
        s3_fail_argument(rq, "Unknown wormMode directive.", "x-amz-object-lock-mode", mode);
        return false;
    }
    if (until.data && (!iso_time_parse(until, ret_until_ms) || *ret_until_ms <= rq->now_ms)) {
        s3_fail_argument(rq, "The retain until date must be in the future!",
                         "x-amz-object-lock-retain-until-date", until);
        return false;
    }
    if (hold.data && !s3_lock_parse_hold(hold, ret_hold)) {
        s3_fail_argument(rq, "Legal Hold must be either of 'ON' or 'OFF'",
                         "x-amz-object-lock-legal-hold", hold);
        return false;
    }
    if (!mode.data) {
        read_default(rq, ret_mode, ret_until_ms);
    }
    return true;
}

void s3_lock_put_headers(struct s3_request *rq, const struct stored_object *o)
{
    char text[ISO_TIME_BYTES];
    if (o->lock_mode != OBJECT_UNLOCKED) {
        s3_put_header(rq, "x-amz-object-lock-mode", mode_name(o->lock_mode));
        s3_put_header(rq, "x-amz-object-lock-retain-until-date",
                      iso_time_ms(o->lock_until_ms, text));
    }
    if (o->legal_hold != OBJECT_HOLD_UNSET) {
        s3_put_header(rq, "x-amz-object-lock-legal-hold", s3_lock_hold_name(o->legal_hold));
    }
}

bool s3_lock_allows_removal(const struct stored_object *o, uint64_t now_ms, bool bypass)
{
    if (o->legal_hold == OBJECT_HOLD_ON) {
        return false;
    }
    if (o->lock_mode == OBJECT_UNLOCKED || o->lock_until_ms <= now_ms) {
        return true;
    }
    return o->lock_mode == OBJECT_GOVERNANCE && bypass;
}

bool s3_lock_bypasses(struct s3_request *rq)
{
    const struct s3_access access = { .bucket = rq->bucket,
                                      .key = rq->key,
                                      .action = "s3:BypassGovernanceRetention",
                                      .owner = rq->bucket->row.owner };
    return str_eq_nocase(s3_header(rq, "x-amz-bypass-governance-retention"), STR("true")) &&
           s3_access_allows(rq, &access);
}
