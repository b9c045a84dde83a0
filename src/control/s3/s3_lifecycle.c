/* SPDX-License-Identifier: Apache-2.0 */
#include "control/s3/s3_lifecycle.h"

#include <stdio.h>

#include "control/iso_time.h"
#include "control/s3/s3_tags.h"
#include "http/http_date.h"

struct s3_lifecycle s3_lifecycle_of(const struct s3 *s3, const struct s3_bucket *bucket)
{
    return (struct s3_lifecycle){ s3_xml_root(bucket->lifecycle), s3->lifecycle_day_ms };
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

static uint64_t expiration_ms(const struct s3_lifecycle *l, const struct s3_xml_node *rule,
                              const struct stored_object *o)
{
    const struct s3_xml_node *action = s3_xml_child(rule, "Expiration");
    struct str days = s3_xml_text(action, "Days"), date = s3_xml_text(action, "Date");
    uint64_t ms;
    if (days.data) {
        return after_days(l, o->modified_ms, days);
    }
    return date.data && iso_time_parse(date, &ms) ? ms : S3_LIFECYCLE_NEVER;
}

uint64_t s3_lifecycle_current_ms(const struct s3_lifecycle *l, const struct stored_object *o,
                                 struct str *ret_rule)
{
    uint64_t least = S3_LIFECYCLE_NEVER;
    const struct s3_xml_node *rule = next_rule(s3_xml_child(l->rules, "Rule"), o);
    for (; rule; rule = next_rule(s3_xml_again(rule), o)) {
        uint64_t ms = expiration_ms(l, rule, o);
        if (ms < least && ret_rule) {
            *ret_rule = s3_xml_text(rule, "ID");
        }
        least = earlier(least, ms);
    }
    return least;
}

uint64_t s3_lifecycle_noncurrent_ms(const struct s3_lifecycle *l, const struct stored_object *o,
                                    uint64_t since_ms, size_t newer)
{
    uint64_t least = S3_LIFECYCLE_NEVER;
    const struct s3_xml_node *rule = next_rule(s3_xml_child(l->rules, "Rule"), o);
    for (; rule; rule = next_rule(s3_xml_again(rule), o)) {
        const struct s3_xml_node *action = s3_xml_child(rule, "NoncurrentVersionExpiration");
        struct str keep = s3_xml_text(action, "NewerNoncurrentVersions");
        uint64_t count = 0;
        if (action && (!keep.data || (str_to_u64(keep, &count) && newer >= count))) {
            least = earlier(least, after_days(l, since_ms, s3_xml_text(action, "NoncurrentDays")));
        }
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
            (s3_xml_text(action, "Days").data && expiration_ms(l, rule, o) <= now_ms)) {
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

/* ---- telling ---- */

void s3_lifecycle_put_header(struct s3_request *rq, const struct stored_object *o)
{
    char date[HTTP_DATE_BYTES], text[512];
    struct str rule = STR("");
    if (!rq->bucket->lifecycle) {
        return;
    }
    struct s3_lifecycle l = s3_lifecycle_of(rq->s3, rq->bucket);
    uint64_t ms = s3_lifecycle_current_ms(&l, o, &rule);
    if (ms != S3_LIFECYCLE_NEVER) {
        http_date_format((int64_t)(ms / 1000), date);
        (void)snprintf(text, sizeof(text), "expiry-date=\"%s\", rule-id=\"" STR_FMT "\"", date,
                       STR_ARG(rule)); /* fits: an id has 255 bytes */
        s3_put_header(rq, "x-amz-expiration", str_c(text));
    }
}
