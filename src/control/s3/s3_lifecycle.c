/* SPDX-License-Identifier: Apache-2.0 */
#include "control/s3/s3_lifecycle.h"

#include "base/limits.h"
#include "control/s3/s3_tags.h"
#include "control/sign/aws_uri.h"
#include "control/text/iso_time.h"
#include "http/http_block.h"
#include "http/http_date.h"

#define EXPIRATION_BYTES_MAX KIB
#define MOVED_BYTES_MIN      (128 * KIB) /* S3's, of rules that say no size themselves */

struct s3_lifecycle s3_lifecycle_of(const struct s3 *s3, const struct s3_bucket *bucket)
{
    struct str least = s3_bucket_setting(bucket, S3_LIFECYCLE_LEAST);
    return (struct s3_lifecycle){ .rules = s3_xml_root(bucket->lifecycle),
                                  .day_ms = s3->lifecycle_day_ms,
                                  .archives_small = str_eq(least, STR("varies_by_storage_class")) };
}

/* ---- which rules apply ---- */

static bool has_tag(const struct s3_xml_node *tag, struct str tags)
{
    struct str key = s3_xml_text(tag, "Key"), value = s3_xml_text(tag, "Value");
    return key.data && str_eq(s3_tags_find(tags, key), value);
}

/* A Filter, its And, or the old form of a rule: what stands in it must all hold. */
static bool holds(const struct s3_xml_node *filter, const struct stored_object *o)
{
    struct str prefix = s3_xml_text(filter, "Prefix");
    struct str over = s3_xml_text(filter, "ObjectSizeGreaterThan");
    struct str under = s3_xml_text(filter, "ObjectSizeLessThan");
    uint64_t bytes;
    if ((prefix.data && !str_starts(o->key, prefix)) ||
        (over.data && str_to_u64(over, &bytes) && o->size <= bytes) ||
        (under.data && str_to_u64(under, &bytes) && o->size >= bytes)) {
        return false;
    }
    for (const struct s3_xml_node *t = s3_xml_child(filter, "Tag"); t; t = s3_xml_again(t)) {
        if (!has_tag(t, o->tags)) {
            return false;
        }
    }
    return true;
}

static bool applies(const struct s3_xml_node *rule, const struct stored_object *o)
{
    const struct s3_xml_node *filter = s3_xml_child(rule, "Filter");
    const struct s3_xml_node *both = s3_xml_child(filter, "And");
    return str_eq(s3_xml_text(rule, "Status"), STR("Enabled")) && holds(rule, o) &&
           (!filter || holds(filter, o)) && (!both || holds(both, o));
}

/* The next rule that applies, from `rule` on. */
static const struct s3_xml_node *next_rule(const struct s3_xml_node *rule,
                                           const struct stored_object *o)
{
    while (rule && !applies(rule, o)) {
        rule = s3_xml_again(rule);
    }
    return rule;
}

/* ---- when ---- */

uint64_t s3_lifecycle_after_days(uint64_t from_ms, uint64_t days, uint64_t day_ms)
{
    return (from_ms + days * day_ms + day_ms - 1) / day_ms * day_ms;
}

static uint64_t after_days(const struct s3_lifecycle *l, uint64_t from_ms, struct str days)
{
    uint64_t count;
    return str_to_u64(days, &count) && count <= INT32_MAX
               ? s3_lifecycle_after_days(from_ms, count, l->day_ms)
               : S3_LIFECYCLE_NEVER;
}

static uint64_t earlier(uint64_t a, uint64_t b)
{
    return a < b ? a : b;
}

/* Of an Expiration or a Transition. */
static uint64_t action_ms(const struct s3_lifecycle *l, const struct s3_xml_node *action,
                          const struct stored_object *o)
{
    struct str days = s3_xml_text(action, "Days"), date = s3_xml_text(action, "Date");
    uint64_t ms;
    if (days.data) {
        return after_days(l, o->modified_ms, days);
    }
    return date.data && iso_time_parse(date, &ms) ? ms : S3_LIFECYCLE_NEVER;
}

/* Of an action for what is not current. */
static uint64_t noncurrent_ms(const struct s3_lifecycle *l, const struct s3_xml_node *action,
                              struct s3_noncurrent n)
{
    struct str keep = s3_xml_text(action, "NewerNoncurrentVersions");
    uint64_t count = 0;
    return action && (!keep.data || (str_to_u64(keep, &count) && n.newer >= count))
               ? after_days(l, n.since_ms, s3_xml_text(action, "NoncurrentDays"))
               : S3_LIFECYCLE_NEVER;
}

uint64_t s3_lifecycle_current_ms(const struct s3_lifecycle *l, const struct stored_object *o,
                                 struct str *ret_rule)
{
    uint64_t least = S3_LIFECYCLE_NEVER;
    const struct s3_xml_node *rule = next_rule(s3_xml_child(l->rules, "Rule"), o);
    for (; rule; rule = next_rule(s3_xml_again(rule), o)) {
        uint64_t ms = action_ms(l, s3_xml_child(rule, "Expiration"), o);
        if (ms < least && ret_rule) {
            *ret_rule = s3_xml_text(rule, "ID");
        }
        least = earlier(least, ms);
    }
    return least;
}

uint64_t s3_lifecycle_noncurrent_ms(const struct s3_lifecycle *l, const struct stored_object *o,
                                    struct s3_noncurrent n)
{
    uint64_t least = S3_LIFECYCLE_NEVER;
    const struct s3_xml_node *rule = next_rule(s3_xml_child(l->rules, "Rule"), o);
    for (; rule; rule = next_rule(s3_xml_again(rule), o)) {
        const struct s3_xml_node *action = s3_xml_child(rule, "NoncurrentVersionExpiration");
        least = earlier(least, noncurrent_ms(l, action, n));
    }
    return least;
}

bool s3_lifecycle_drops_marker(const struct s3_lifecycle *l, const struct stored_object *o,
                               uint64_t now_ms)
{
    const struct s3_xml_node *rule = next_rule(s3_xml_child(l->rules, "Rule"), o);
    for (; rule; rule = next_rule(s3_xml_again(rule), o)) {
        const struct s3_xml_node *action = s3_xml_child(rule, "Expiration");
        if (str_eq_nocase(s3_xml_text(action, "ExpiredObjectDeleteMarker"), STR("true")) ||
            (s3_xml_text(action, "Days").data && action_ms(l, action, o) <= now_ms)) {
            return true;
        }
    }
    return false;
}

uint64_t s3_lifecycle_upload_ms(const struct s3_lifecycle *l, const struct stored_object *o,
                                uint64_t started_ms)
{
    uint64_t least = S3_LIFECYCLE_NEVER;
    const struct s3_xml_node *rule = next_rule(s3_xml_child(l->rules, "Rule"), o);
    for (; rule; rule = next_rule(s3_xml_again(rule), o)) {
        const struct s3_xml_node *action = s3_xml_child(rule, "AbortIncompleteMultipartUpload");
        struct str days = s3_xml_text(action, "DaysAfterInitiation");
        least = days.data ? earlier(least, after_days(l, started_ms, days)) : least;
    }
    return least;
}

/* ---- moving ---- */

/* How cold a class is, by the order in which S3 moves objects; negative: there is no such class. */
static int coldness(struct str class)
{
    static const char *const classes[] = {
        "REDUCED_REDUNDANCY", "STANDARD",   "STANDARD_IA", "INTELLIGENT_TIERING",
        "ONEZONE_IA",         "GLACIER_IR", "GLACIER",     "DEEP_ARCHIVE"
    };
    for (size_t i = 0; i < ARRAY_COUNT(classes); i++) {
        if (str_eq(class, str_c(classes[i]))) {
            return (int)i;
        }
    }
    return -1;
}

static bool is_big_enough(const struct s3_lifecycle *l, const struct s3_xml_node *rule,
                          const struct stored_object *o, struct str class)
{
    const struct s3_xml_node *filter = s3_xml_child(rule, "Filter");
    const struct s3_xml_node *both = s3_xml_child(filter, "And");
    filter = both ? both : filter;
    return o->size >= MOVED_BYTES_MIN || s3_xml_child(filter, "ObjectSizeGreaterThan") ||
           s3_xml_child(filter, "ObjectSizeLessThan") ||
           (l->archives_small && coldness(class) >= coldness(STR("GLACIER")));
}

struct str s3_lifecycle_class(const struct s3_lifecycle *l, const struct stored_object *o,
                              const struct s3_noncurrent *n, uint64_t now_ms)
{
    struct str class = http_block_find(o->headers, STR("x-amz-storage-class"));
    struct str coldest = class.data ? class : STR("STANDARD");
    struct str ret = { NULL, 0 };
    const struct s3_xml_node *rule = next_rule(s3_xml_child(l->rules, "Rule"), o);
    for (; rule; rule = next_rule(s3_xml_again(rule), o)) {
        const struct s3_xml_node *action =
            s3_xml_child(rule, n ? "NoncurrentVersionTransition" : "Transition");
        for (; action; action = s3_xml_again(action)) {
            struct str to = s3_xml_text(action, "StorageClass");
            uint64_t ms = n ? noncurrent_ms(l, action, *n) : action_ms(l, action, o);
            if (ms <= now_ms && coldness(to) > coldness(coldest) && is_big_enough(l, rule, o, to)) {
                coldest = ret = to;
            }
        }
    }
    return ret;
}

/* ---- telling ---- */

void s3_lifecycle_put_header(struct s3_request *rq, const struct stored_object *o)
{
    char date[HTTP_DATE_BYTES];
    struct str rule = STR("");
    struct buf text;
    if (!rq->bucket->lifecycle) {
        return;
    }
    struct s3_lifecycle l = s3_lifecycle_of(rq->s3, rq->bucket);
    uint64_t ms = s3_lifecycle_current_ms(&l, o, &rule);
    if (ms != S3_LIFECYCLE_NEVER) {
        http_date_format((int64_t)(ms / 1000), date);
        buf_init(&text, EXPIRATION_BYTES_MAX);
        (void)!buf_printf(&text, "expiry-date=\"%s\", rule-id=\"", date);
        (void)!aws_uri_encode(&text, rule, '\0');
        (void)!buf_append(&text, STR("\"")); /* fits: an id has 255 bytes */
        s3_put_header(rq, "x-amz-expiration", buf_str(&text));
        buf_finish(&text);
    }
}
