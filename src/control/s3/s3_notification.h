/* Which events of a bucket go where.
 * https://docs.aws.amazon.com/AmazonS3/latest/userguide/EventNotifications.html
 *
 * Kept with the bucket as S3's own document (NotificationConfiguration); those of the project's
 * files come from the manifest and stand beside it. No I/O.
 *
 * SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include <jansson.h>

#include "control/s3/s3_xml.h"

/* One target of an event: views. */
struct s3_target {
    struct str id;
    /* One of these, the others are empty: */
    struct str function;          /* a Lambda function by AWS's name */
    struct str manifest_function; /* ... by the manifest's */
    struct str queue;
};

typedef void (*s3_target_fn)(const struct s3_target *target, void *context);

/* Calls `each` for every target of a document that wants an event ("ObjectCreated:Put") of a key.
 */
void s3_notification_match(const struct s3_xml_node *root, struct str event, struct str key,
                           s3_target_fn each, void *context);
/* The same for a bucket's "notifications" of the manifest. */
void s3_notification_match_manifest(const json_t *notifications, struct str event, struct str key,
                                    s3_target_fn each, void *context);
bool s3_notification_has_event_bridge(const struct s3_xml_node *root);

/* Why a document cannot be set. */
struct s3_notification_fault {
    bool is_malformed; /* MalformedXML; else InvalidArgument with: */
    const char *text, *argument;
    struct str value; /* a view into the document */
};
/* False: it is not sound. Whether its destinations exist is the caller's to know. */
bool s3_notification_check(const struct s3_xml_node *root,
                           struct s3_notification_fault *fault) MUST_USE;

enum s3_destination_kind { S3_TO_FUNCTION, S3_TO_QUEUE, S3_TO_TOPIC };
struct s3_destination {
    enum s3_destination_kind kind;
    struct str arn;
    struct str name; /* of the function, queue or topic */
};
typedef void (*s3_destination_fn)(const struct s3_destination *destination, void *context);
void s3_notification_destinations(const struct s3_xml_node *root, s3_destination_fn each,
                                  void *context);
