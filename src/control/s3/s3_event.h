/* What happens to objects, as messages for those who want to know. Messages are written in the same
 * transaction as what they tell of, so neither is there without the other.
 *
 * SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include "control/s3/s3_buckets.h"
#include "control/s3/s3_context.h"
#include "control/s3/s3_event_record.h"

struct s3_events;

/* On the loop, before the job: events of one cause, whose texts outlive them. */
struct s3_events *s3_event_create(struct s3 *s3, const struct s3_event_cause *cause);
/* The same of what S3 does by itself, as for a request that it has made. */
struct s3_events *s3_event_create_own(struct s3 *s3, uint64_t now_ms);
/* Finds out who wants events of this kind ("ObjectCreated:Put") for a key of a bucket. May be
 * called several times, for several keys. Returns an index for the insert, negative: nobody does.
 */
int s3_event_add(struct s3_events *events, const struct s3_bucket *bucket, struct str key,
                 const char *kind);
/* On the store's thread: writes the messages of an index (negative: none), of the object as it is
 * now. */
int s3_event_insert(struct s3_events *events, struct sql *db, int index,
                    const struct stored_object *o) MUST_USE;
/* After the commit: tells the queues. */
void s3_event_wake(struct s3_events *events);
void s3_event_free(struct s3_events *events); /* NULL is fine */

/* What has happened, and where. */
struct s3_event_subject {
    struct str event; /* "ObjectCreated:Put" */
    struct str bucket, key;
    const struct s3_bucket *ours; /* NULL: the bucket is not kept here */
};
/* Calls `each` with the queue (its name) and the configuration's Id of everyone who wants to know
 * of it, as the project's files and the API say. Targets that are gone are left out: AWS drops
 * their events too. */
typedef void (*s3_event_target_fn)(const char *queue_name, struct str id, void *context);
void s3_event_targets(struct s3 *s3, const struct s3_event_subject *subject,
                      s3_event_target_fn each, void *context);
