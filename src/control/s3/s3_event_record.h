/* What is told of an object, in the words of S3's notifications and in those of EventBridge.
 *
 * https://docs.aws.amazon.com/AmazonS3/latest/userguide/notification-content-structure.html
 * https://docs.aws.amazon.com/AmazonS3/latest/userguide/ev-events.html
 *
 * On any thread; no I/O.
 *
 * SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include "base/limits.h"
#include "store/store_objects.h"

#define S3_EVENT_BYTES_MAX (32 * KIB) /* of one event; a key of 1 KB may become six */

struct s3_happening {
    const char *kind; /* "ObjectCreated:Put" */
    char *bucket, *owner, *region;
    char *key;
    size_t key_len;
    uint64_t sequence; /* grows with every event of the store */
};

/* Who has done it, when and how. The texts are the caller's. */
struct s3_event_cause {
    bool is_of_s3;         /* a lifecycle, or an access log that is delivered: no request */
    struct str access_key; /* of who asked for it; empty: nobody knows */
    struct str remote;     /* from where */
    struct str request_id, host_id;
    struct str trace; /* X-Ray's header of the request; empty: none */
    uint64_t now_ms;
};

/* A key as records have it: as forms escape, a blank is a plus, but slashes stay. */
int s3_event_record_put_key(struct buf *out, struct str text) MUST_USE;
/* {"Records":[...]} for a queue or a function; `id` is the configuration's. */
int s3_event_record_put(struct buf *out, const struct s3_event_cause *c,
                        const struct s3_happening *h, struct str id,
                        const struct stored_object *o) MUST_USE;
/* The "detail" of EventBridge's event. */
int s3_event_record_put_detail(struct buf *out, const struct s3_event_cause *c,
                               const struct s3_happening *h,
                               const struct stored_object *o) MUST_USE;
/* What stands around it, as bus_queue.h takes it; nothing for a kind that EventBridge has not. */
int s3_event_record_put_envelope(struct buf *out, const struct s3_happening *h) MUST_USE;
