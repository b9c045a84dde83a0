/* SPDX-License-Identifier: Apache-2.0 */
#include "control/s3/s3_notification.h"

#include <stdio.h>

#include "control/s3/s3_name.h"

#define CONFIGURATIONS_MAX 100 /* S3's own limits */
#define ID_LEN_MAX         255 /* it is told in each event */

/* https://docs.aws.amazon.com/AmazonS3/latest/userguide/notification-how-to-event-types-and-destinations.html
 */
static const char *const known_events[] = {
    "s3:ReducedRedundancyLostObject",
    "s3:ObjectCreated:*",
    "s3:ObjectCreated:Put",
    "s3:ObjectCreated:Post",
    "s3:ObjectCreated:Copy",
    "s3:ObjectCreated:CompleteMultipartUpload",
    "s3:ObjectRemoved:*",
    "s3:ObjectRemoved:Delete",
    "s3:ObjectRemoved:DeleteMarkerCreated",
    "s3:ObjectRestore:*",
    "s3:ObjectRestore:Post",
    "s3:ObjectRestore:Completed",
    "s3:ObjectRestore:Delete",
    "s3:Replication:*",
    "s3:Replication:OperationFailedReplication",
    "s3:Replication:OperationNotTracked",
    "s3:Replication:OperationMissedThreshold",
    "s3:Replication:OperationReplicatedAfterThreshold",
    "s3:LifecycleTransition",
    "s3:IntelligentTiering",
    "s3:ObjectAcl:Put",
    "s3:LifecycleExpiration:*",
    "s3:LifecycleExpiration:Delete",
    "s3:LifecycleExpiration:DeleteMarkerCreated",
    "s3:ObjectTagging:*",
    "s3:ObjectTagging:Put",
    "s3:ObjectTagging:Delete",
};

/* The kinds of targets, and what their elements are called. */
static const struct kind {
    const char *configuration, *destination, *service;
} kinds[] = {
    { "CloudFunctionConfiguration", "CloudFunction", "lambda" },
    { "QueueConfiguration", "Queue", "sqs" },
    { "TopicConfiguration", "Topic", "sns" },
};

/* "s3:ObjectCreated:*" against "ObjectCreated:Put". */
static bool event_matches(struct str pattern, struct str event)
{
    if (!str_starts(pattern, STR("s3:"))) {
        return false;
    }
    pattern = str_skip(pattern, 3);
    if (pattern.len > 0 && pattern.data[pattern.len - 1] == '*') {
        pattern.len--;
        return str_starts(event, pattern);
    }
    return str_eq(pattern, event);
}

static bool ends(struct str s, struct str suffix)
{
    return s.len >= suffix.len && str_eq(str_skip(s, s.len - suffix.len), suffix);
}

static const struct s3_xml_node *filter_rules(const struct s3_xml_node *configuration)
{
    const struct s3_xml_node *filter = s3_xml_child(configuration, "Filter");
    return s3_xml_child(s3_xml_child(filter, "S3Key"), "FilterRule");
}

static bool passes(const struct s3_xml_node *configuration, struct str key)
{
    for (const struct s3_xml_node *r = filter_rules(configuration); r; r = s3_xml_again(r)) {
        struct str name = s3_xml_text(r, "Name"), value = s3_xml_text(r, "Value");
        if (str_eq_nocase(name, STR("prefix")) ? !str_starts(key, value) : !ends(key, value)) {
            return false;
        }
    }
    return true;
}

static bool wants(const struct s3_xml_node *configuration, struct str event)
{
    for (const struct s3_xml_node *e = s3_xml_child(configuration, "Event"); e;
         e = s3_xml_again(e)) {
        if (event_matches(e->text, event)) {
            return true;
        }
    }
    return false;
}

/* What is behind the last colon of an ARN; of a function, its name without a qualifier. */
static struct str arn_name(struct str arn, bool is_function)
{
    for (int i = 0; i < (is_function ? 6 : 5); i++) {
        (void)str_cut(&arn, ':');
    }
    return str_cut(&arn, ':');
}

void s3_notification_match(const struct s3_xml_node *root, struct str event, struct str key,
                           s3_target_fn each, void *context)
{
    for (size_t k = 0; k < 2; k++) { /* there are no topics here */
        for (const struct s3_xml_node *c = s3_xml_child(root, kinds[k].configuration); c;
             c = s3_xml_again(c)) {
            if (!wants(c, event) || !passes(c, key)) {
                continue;
            }
            struct s3_target target = { .id = s3_xml_text(c, "Id") };
            struct str name = arn_name(s3_xml_text(c, kinds[k].destination), k == 0);
            *(k == 0 ? &target.function : &target.queue) = name;
            each(&target, context);
        }
    }
}

static struct str text_of(const json_t *object, const char *member)
{
    const json_t *value = json_object_get(object, member);
    return value ? str_of(json_string_value(value), json_string_length(value)) : STR("");
}

static bool manifest_wants(const json_t *notification, struct str event, struct str key)
{
    size_t i;
    json_t *pattern;
    struct str prefix = text_of(notification, "prefix"), suffix = text_of(notification, "suffix");
    json_array_foreach(json_object_get(notification, "events"), i, pattern)
    {
        struct str text = str_of(json_string_value(pattern), json_string_length(pattern));
        if (event_matches(text, event)) {
            return str_starts(key, prefix) && ends(key, suffix);
        }
    }
    return false;
}

void s3_notification_match_manifest(const json_t *notifications, struct str event, struct str key,
                                    s3_target_fn each, void *context)
{
    size_t i;
    json_t *n;
    json_array_foreach(notifications, i, n)
    {
        if (manifest_wants(n, event, key)) {
            const struct s3_target target = { .id = text_of(n, "id"),
                                              .manifest_function = text_of(n, "function"),
                                              .queue = text_of(n, "queue") };
            each(&target, context);
        }
    }
}

bool s3_notification_has_event_bridge(const struct s3_xml_node *root)
{
    return s3_xml_child(root, "EventBridgeConfiguration") != NULL;
}

/* ---- checking ---- */

static bool refuse(struct s3_notification_fault *fault, const char *text, const char *name,
                   struct str value)
{
    fault->text = text;
    fault->argument = name;
    fault->value = value;
    return false;
}

static bool check_events(const struct s3_xml_node *c, struct s3_notification_fault *fault)
{
    if (s3_xml_count(c, "Event") > ARRAY_COUNT(known_events)) {
        return refuse(fault, "The event types of a configuration must be unique", "Event", STR(""));
    }
    for (const struct s3_xml_node *e = s3_xml_child(c, "Event"); e; e = s3_xml_again(e)) {
        bool known = false;
        for (size_t i = 0; i < ARRAY_COUNT(known_events); i++) {
            known = known || str_eq(e->text, str_c(known_events[i]));
        }
        if (!known) {
            return refuse(fault, "The event is not supported for notifications", "Event", e->text);
        }
    }
    return true;
}

static bool check_filter(const struct s3_xml_node *c, struct s3_notification_fault *fault)
{
    size_t prefixes = 0, suffixes = 0;
    for (const struct s3_xml_node *r = filter_rules(c); r; r = s3_xml_again(r)) {
        struct str name = s3_xml_text(r, "Name"), value = s3_xml_text(r, "Value");
        bool is_prefix = str_eq_nocase(name, STR("prefix"));
        if (!name.data || !value.data) {
            fault->is_malformed = true;
            return false;
        }
        if (!is_prefix && !str_eq_nocase(name, STR("suffix"))) {
            return refuse(fault, "filter rule name must be either prefix or suffix",
                          "FilterRule.Name", name);
        }
        if (value.len > S3_KEY_BYTES_MAX) { /* no key could begin or end so */
            return refuse(fault, "The value of a filter rule must be of at most 1024 bytes",
                          "FilterRule.Value", STR(""));
        }
        *(is_prefix ? &prefixes : &suffixes) += 1;
    }
    if (prefixes > 1 || suffixes > 1) {
        return refuse(fault,
                      "Cannot specify more than one prefix or suffix rule in a single filter.",
                      "FilterRule", STR(""));
    }
    return true;
}

static bool check_arn(struct str arn, const struct kind *kind, struct s3_notification_fault *fault)
{
    struct str rest = arn;
    struct str first = str_cut(&rest, ':'), partition = str_cut(&rest, ':');
    struct str service = str_cut(&rest, ':');
    if (!str_eq(first, STR("arn")) || !str_starts(partition, STR("aws")) ||
        !str_eq(service, str_c(kind->service)) || rest.len == 0) {
        return refuse(fault, "The ARN could not be parsed", kind->destination, arn);
    }
    return true;
}

static bool check_kind(const struct s3_xml_node *root, const struct kind *kind,
                       struct s3_notification_fault *fault)
{
    for (const struct s3_xml_node *c = s3_xml_child(root, kind->configuration); c;
         c = s3_xml_again(c)) {
        struct str arn = s3_xml_text(c, kind->destination);
        if (!s3_xml_child(c, "Event") || !s3_xml_child(c, kind->destination)) {
            fault->is_malformed = true;
            return false;
        }
        if (s3_xml_text(c, "Id").len > ID_LEN_MAX) {
            return refuse(fault, "The length of an ID must not exceed 255 characters", "Id",
                          STR(""));
        }
        if (!check_arn(arn, kind, fault) || !check_events(c, fault) || !check_filter(c, fault)) {
            return false;
        }
    }
    return true;
}

/* ---- two configurations must not want the same event ---- */

static bool is_configuration(const struct s3_xml_node *node)
{
    for (size_t k = 0; k < ARRAY_COUNT(kinds); k++) {
        if (s3_xml_is(node, kinds[k].configuration)) {
            return true;
        }
    }
    return false;
}

/* "ObjectCreated:*" has an event in common with "ObjectCreated:Put". */
static bool share_event(const struct s3_xml_node *a, const struct s3_xml_node *b)
{
    for (const struct s3_xml_node *e = s3_xml_child(a, "Event"); e; e = s3_xml_again(e)) {
        for (const struct s3_xml_node *f = s3_xml_child(b, "Event"); f; f = s3_xml_again(f)) {
            if (event_matches(e->text, str_skip(f->text, 3)) ||
                event_matches(f->text, str_skip(e->text, 3))) {
                return true;
            }
        }
    }
    return false;
}

static struct str filter_value(const struct s3_xml_node *configuration, const char *name)
{
    for (const struct s3_xml_node *r = filter_rules(configuration); r; r = s3_xml_again(r)) {
        if (str_eq_nocase(s3_xml_text(r, "Name"), str_c(name))) {
            return s3_xml_text(r, "Value");
        }
    }
    return STR("");
}

static bool share_key(const struct s3_xml_node *a, const struct s3_xml_node *b)
{
    struct str prefix_a = filter_value(a, "prefix"), prefix_b = filter_value(b, "prefix");
    struct str suffix_a = filter_value(a, "suffix"), suffix_b = filter_value(b, "suffix");
    return (str_starts(prefix_a, prefix_b) || str_starts(prefix_b, prefix_a)) &&
           (ends(suffix_a, suffix_b) || ends(suffix_b, suffix_a));
}

static bool check_pair(const struct s3_xml_node *a, const struct s3_xml_node *b,
                       struct s3_notification_fault *fault)
{
    struct str id = s3_xml_text(a, "Id");
    if (id.len > 0 && str_eq(id, s3_xml_text(b, "Id"))) {
        return refuse(fault, "Same ID used for multiple configurations. IDs must be unique", "Id",
                      id);
    }
    if (share_event(a, b) && share_key(a, b)) {
        return refuse(fault,
                      "Configuration is ambiguously defined. Cannot have overlapping suffixes in "
                      "two rules if the prefixes are overlapping for the same event type.",
                      "FilterRule", STR(""));
    }
    return true;
}

static bool check_pairs(const struct s3_xml_node *root, struct s3_notification_fault *fault)
{
    for (const struct s3_xml_node *a = root->first; a; a = a->next) {
        for (const struct s3_xml_node *b = a->next; b; b = b->next) {
            if (is_configuration(a) && is_configuration(b) && !check_pair(a, b, fault)) {
                return false;
            }
        }
    }
    return true;
}

bool s3_notification_check(const struct s3_xml_node *root, struct s3_notification_fault *fault)
{
    size_t count = 0;
    *fault = (struct s3_notification_fault){ .is_malformed =
                                                 !s3_xml_is(root, "NotificationConfiguration") };
    if (fault->is_malformed) {
        return false;
    }
    for (const struct s3_xml_node *c = root->first; c; c = c->next) {
        count++;
    }
    if (count > CONFIGURATIONS_MAX) {
        return refuse(fault, "A bucket can have at most 100 notification configurations",
                      "NotificationConfiguration", STR(""));
    }
    for (size_t k = 0; k < ARRAY_COUNT(kinds); k++) {
        if (!check_kind(root, &kinds[k], fault)) {
            return false;
        }
    }
    return check_pairs(root, fault);
}

void s3_notification_destinations(const struct s3_xml_node *root, s3_destination_fn each,
                                  void *context)
{
    for (size_t k = 0; k < ARRAY_COUNT(kinds); k++) {
        for (const struct s3_xml_node *c = s3_xml_child(root, kinds[k].configuration); c;
             c = s3_xml_again(c)) {
            struct str arn = s3_xml_text(c, kinds[k].destination);
            const struct s3_destination d = { .kind = (enum s3_destination_kind)k,
                                              .arn = arn,
                                              .name = arn_name(arn, k == 0) };
            each(&d, context);
        }
    }
}
