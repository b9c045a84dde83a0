/* Whether a bucket's lifecycle is sound, as S3 says what is wrong with it.
 *
 * SPDX-License-Identifier: Apache-2.0 */
#include <stdio.h>

#include "base/chance.h"
#include "control/s3/operations/s3_config_fault.h"
#include "control/s3/s3_name.h"
#include "control/s3/s3_tags.h"
#include "control/text/iso_time.h"

#define RULES_MAX       1000 /* of a lifecycle, S3's own limit */
#define ID_LEN_MAX      255
#define FILTER_TAGS_MAX 100 /* compared with each other; an object has ten */
#define RARE_DAYS_MIN   30  /* that an object lies before it moves to where reading costs */

/* A number below zero is one, too, and has an error of its own. */
static bool check_days(struct s3_config_fault *fault, const struct s3_xml_node *action,
                       const char *name)
{
    char why[128];
    struct str text = s3_xml_text(action, name);
    bool is_transition =
        s3_xml_is(action, "Transition") || s3_xml_is(action, "NoncurrentVersionTransition");
    bool is_negative = str_starts(text, STR("-"));
    uint64_t days;
    if (!text.data) {
        return true;
    }
    if (!str_to_u64(is_negative ? str_skip(text, 1) : text, &days) || days > INT32_MAX) {
        return s3_config_fault(fault, S3_MALFORMED_XML, NULL);
    }
    if (!is_negative && (days > 0 || is_transition)) {
        return true;
    }
    (void)snprintf(why, sizeof(why),
                   is_transition ? "'%s' in " STR_FMT " action must be nonnegative"
                                 : "'%s' for " STR_FMT " action must be a positive integer",
                   name, STR_ARG(action->name)); /* fits: the names are known */
    return s3_config_fault(fault, S3_INVALID_ARGUMENT, why);
}

static bool check_date(struct s3_config_fault *fault, const struct s3_xml_node *action)
{
    struct str text = s3_xml_text(action, "Date");
    uint64_t ms;
    if (text.data && !iso_time_parse(text, &ms)) {
        return s3_config_fault(fault, S3_MALFORMED_XML, NULL);
    }
    if (text.data && ms % 86400000 != 0) {
        return s3_config_fault(fault, S3_INVALID_ARGUMENT, "'Date' must be at midnight GMT");
    }
    return true;
}

static struct str prefix_of(const struct s3_xml_node *rule)
{
    const struct s3_xml_node *filter = s3_xml_child(rule, "Filter");
    const struct s3_xml_node *both = s3_xml_child(filter, "And");
    struct str prefix = s3_xml_text(both ? both : filter ? filter : rule, "Prefix");
    return prefix.data ? prefix : STR("");
}

/* Where objects may move: S3's TransitionStorageClass. */
static bool is_target(struct str class)
{
    static const char *const known[] = { "STANDARD_IA", "INTELLIGENT_TIERING",
                                         "ONEZONE_IA",  "GLACIER_IR",
                                         "GLACIER",     "DEEP_ARCHIVE" };
    for (size_t i = 0; i < ARRAY_COUNT(known); i++) {
        if (str_eq(class, str_c(known[i]))) {
            return true;
        }
    }
    return false;
}

/* Of a Transition whose days are a number. */
static bool check_class(struct s3_config_fault *fault, const struct s3_xml_node *action)
{
    char text[128];
    struct str class = s3_xml_text(action, "StorageClass"), days = s3_xml_text(action, "Days");
    uint64_t count = 0;
    bool is_rare = str_eq(class, STR("STANDARD_IA")) || str_eq(class, STR("ONEZONE_IA"));
    if (!is_rare || !str_to_u64(days, &count) || count >= RARE_DAYS_MIN) {
        return true;
    }
    (void)snprintf(text, sizeof(text),
                   "'Days' in Transition action must be greater than or equal to %d for "
                   "storageClass '" STR_FMT "'",
                   RARE_DAYS_MIN, STR_ARG(class)); /* fits */
    return s3_config_fault(fault, S3_INVALID_ARGUMENT, text);
}

/* What an action must have, by the schema. */
static bool has_parts(const struct s3_xml_node *action)
{
    bool has_days = s3_xml_child(action, "Days") != NULL;
    bool has_date = s3_xml_child(action, "Date") != NULL;
    bool has_old_days = s3_xml_child(action, "NoncurrentDays") != NULL;
    if (s3_xml_is(action, "Transition")) {
        return has_days != has_date && is_target(s3_xml_text(action, "StorageClass"));
    }
    if (s3_xml_is(action, "NoncurrentVersionTransition")) {
        return has_old_days && is_target(s3_xml_text(action, "StorageClass"));
    }
    if (s3_xml_is(action, "NoncurrentVersionExpiration")) {
        return has_old_days || s3_xml_child(action, "NewerNoncurrentVersions");
    }
    if (s3_xml_is(action, "Expiration")) {
        return has_days + has_date + (s3_xml_child(action, "ExpiredObjectDeleteMarker") != NULL) ==
               1;
    }
    return s3_xml_child(action, "DaysAfterInitiation") != NULL;
}

/* Of the transitions of one kind: each to a class of its own, and all by days or all by dates. */
static bool check_transitions(struct s3_config_fault *fault, const struct s3_xml_node *rule,
                              const char *kind)
{
    char why[192];
    const struct s3_xml_node *first = s3_xml_child(rule, kind);
    for (const struct s3_xml_node *t = first; t; t = s3_xml_again(t)) {
        if (!s3_xml_child(t, "Date") != !s3_xml_child(first, "Date")) {
            return s3_config_fault(fault, S3_INVALID_REQUEST,
                                   "Found mixed 'Date' and 'Days' based Transition actions in "
                                   "lifecycle rule");
        }
        for (const struct s3_xml_node *u = s3_xml_again(t); u; u = s3_xml_again(u)) {
            if (str_eq(s3_xml_text(t, "StorageClass"), s3_xml_text(u, "StorageClass"))) {
                (void)snprintf(why, sizeof(why),
                               "'StorageClass' must be different for '%s' actions in same 'Rule' "
                               "with prefix '" STR_FMT "'",
                               kind, STR_ARG(prefix_of(rule))); /* a long prefix is cut */
                return s3_config_fault(fault, S3_INVALID_REQUEST, why);
            }
        }
    }
    return true;
}

static bool check_actions(struct s3_config_fault *fault, const struct s3_xml_node *rule)
{
    static const char *const actions[] = { "Expiration", "Transition",
                                           "NoncurrentVersionExpiration",
                                           "NoncurrentVersionTransition",
                                           "AbortIncompleteMultipartUpload" };
    bool any = false;
    for (size_t i = 0; i < ARRAY_COUNT(actions); i++) {
        const struct s3_xml_node *a = s3_xml_child(rule, actions[i]);
        for (; a; a = s3_xml_again(a)) {
            any = true;
            if (!has_parts(a)) {
                return s3_config_fault(fault, S3_MALFORMED_XML, NULL);
            }
            if (!check_days(fault, a, "Days") || !check_days(fault, a, "NoncurrentDays") ||
                !check_days(fault, a, "DaysAfterInitiation") || !check_date(fault, a) ||
                !check_class(fault, a)) {
                return false;
            }
        }
    }
    if (!check_transitions(fault, rule, "Transition") ||
        !check_transitions(fault, rule, "NoncurrentVersionTransition")) {
        return false;
    }
    return any || s3_config_fault(fault, S3_INVALID_REQUEST,
                                  "At least one action needs to be specified in a rule");
}

static bool is_taken(const struct s3_xml_node *root, const struct s3_xml_node *rule, struct str id)
{
    for (const struct s3_xml_node *r = s3_xml_child(root, "Rule"); r && r != rule;
         r = s3_xml_again(r)) {
        if (str_eq(s3_xml_text(r, "ID"), id)) {
            return true;
        }
    }
    return false;
}

static bool has_tag_twice(const struct s3_xml_node *both)
{
    for (const struct s3_xml_node *t = s3_xml_child(both, "Tag"); t; t = s3_xml_again(t)) {
        for (const struct s3_xml_node *u = s3_xml_again(t); u; u = s3_xml_again(u)) {
            if (str_eq(s3_xml_text(t, "Key"), s3_xml_text(u, "Key"))) {
                return true;
            }
        }
    }
    return false;
}

/* One thing, which may be an And of two or more. */
static bool check_filter(struct s3_config_fault *fault, const struct s3_xml_node *filter)
{
    const struct s3_xml_node *both = s3_xml_child(filter, "And");
    bool is_alone = both && (!both->first || !both->first->next);
    if ((filter && filter->first && filter->first->next) || is_alone ||
        s3_xml_count(both, "Tag") > FILTER_TAGS_MAX) {
        return s3_config_fault(fault, S3_MALFORMED_XML, NULL);
    }
    for (const struct s3_xml_node *t = s3_xml_child(both ? both : filter, "Tag"); t;
         t = s3_xml_again(t)) {
        struct str key = s3_xml_text(t, "Key");
        if (key.len == 0 || s3_tags_length(key) > S3_TAG_KEY_LEN_MAX) {
            return s3_config_fault(fault, S3_INVALID_REQUEST,
                                   "A Tag's Key must be a length between 1 and 128.");
        }
        if (s3_tags_length(s3_xml_text(t, "Value")) > S3_TAG_VALUE_LEN_MAX) {
            return s3_config_fault(fault, S3_INVALID_REQUEST,
                                   "A Tag's Value must be a length between 0 and 256.");
        }
    }
    return !has_tag_twice(both) ||
           s3_config_fault(fault, S3_INVALID_REQUEST, "Duplicate Tag Keys are not allowed.");
}

static bool check_rule(struct s3_config_fault *fault, const struct s3_xml_node *root,
                       const struct s3_xml_node *rule)
{
    struct str id = s3_xml_text(rule, "ID"), status = s3_xml_text(rule, "Status");
    if (id.len > ID_LEN_MAX) {
        return s3_config_fault(fault, S3_INVALID_ARGUMENT,
                               "ID length should not exceed allowed limit of 255");
    }
    if (id.len > 0 && is_taken(root, rule, id)) {
        return s3_config_fault(fault, S3_INVALID_ARGUMENT,
                               "Rule ID must be unique. Found same ID for more than one rule");
    }
    if ((!str_eq(status, STR("Enabled")) && !str_eq(status, STR("Disabled"))) ||
        !s3_xml_child(rule, "Filter") == !s3_xml_child(rule, "Prefix")) {
        return s3_config_fault(fault, S3_MALFORMED_XML, NULL);
    }
    if (prefix_of(rule).len > S3_KEY_BYTES_MAX) {
        return s3_config_fault(fault, S3_INVALID_REQUEST, "The maximum size of a prefix is 1024.");
    }
    return check_filter(fault, s3_xml_child(rule, "Filter")) && check_actions(fault, rule);
}

bool s3_config_lifecycle_check(const struct s3_xml_node *root, struct s3_config_fault *fault)
{
    size_t count = s3_xml_count(root, "Rule");
    if (count == 0 || count > RULES_MAX) {
        return s3_config_fault(fault, S3_MALFORMED_XML, NULL);
    }
    for (const struct s3_xml_node *r = s3_xml_child(root, "Rule"); r; r = s3_xml_again(r)) {
        if (!check_rule(fault, root, r)) {
            return false;
        }
    }
    return true;
}

/* A rule of a lifecycle or of CORS may come without an id; lifecycles get one. */
void s3_config_put_node(struct s3_xml_out *o, const struct s3_xml_node *node)
{
    char id[UUID_BYTES];
    bool is_lifecycle = s3_xml_is(node, "Rule") && s3_xml_child(node, "Status");
    if (!is_lifecycle || s3_xml_text(node, "ID").len > 0) {
        s3_xml_put_node(o, node);
        return;
    }
    chance_uuid(id);
    s3_xml_open(o, "Rule");
    s3_xml_put(o, "ID", str_c(id));
    for (const struct s3_xml_node *child = node->first; child; child = child->next) {
        if (!s3_xml_is(child, "ID")) {
            s3_xml_put_node(o, child);
        }
    }
    s3_xml_close(o, "Rule");
}
