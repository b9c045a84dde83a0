/* Event source mappings: what hands an SQS queue's messages to a Lambda function, in batches.
 * AWS Lambda Developer Guide, "Using Lambda with Amazon SQS".
 *
 * They come from the manifest (`events.consumers`), or from CreateEventSourceMapping: then they are
 * kept in the settings (kind "lambda-source"), as is one of the manifest that the API has changed:
 * that counts until the manifest says something else. Those of one queue compete for its messages.
 *
 * Loop thread only.
 *
 * SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include <jansson.h>

#include "base/chance.h"
#include "control/events/eventbridge/event_pattern.h"
#include "control/events/queue/setting_write.h"
#include "control/events/sqs/sqs_queue.h"

#define LAMBDA_SOURCE_FILTERS 10 /* Lambda: 5, or 10 on request */

struct lambda_source {
    struct list link;
    struct services *services;
    char uuid[UUID_BYTES];
    char *queue;         /* owned: the SQS queue's name */
    char *function;      /* owned: the manifest's name */
    char *function_name; /* owned: AWS's */
    char *region;        /* owned: that the function is told to be in */
    json_t *config;      /* owned: the consumer in the manifest's words; "declared": what it says */
    struct event_pattern *filters[LAMBDA_SOURCE_FILTERS]; /* owned */
    size_t filter_count;
    bool report_failures;
    bool enabled;
    bool from_manifest;
    bool wanted;           /* by the build that is being read */
    bool is_being_written; /* and is not to be changed, as AWS's that is "Updating" */
    uint64_t modified_ms;
    uint32_t concurrency;
    uint32_t batches;    /* in its function's hands */
    uint64_t given;      /* batches so far */
    uint32_t references; /* being known, batches in flight */
};

struct lambda_sources {
    struct services *services;
    struct list sources;
    struct list beginning; /* not durable yet: they do nothing */
};

struct lambda_sources *lambda_sources_create(struct services *s);
/* After sqs_queues_build(). */
void lambda_sources_build(struct lambda_sources *all, const json_t *manifest);
/* The queue of that name, if there is one, is consumed from here on as its mappings say, which may
 * have been there before it: no batch is larger, none waits longer than any of them wants. */
void lambda_sources_consume(struct lambda_sources *all, const char *queue);

/* Of those that are enabled on the SQS queue of that name the one that is to get the next batch;
 * NULL: there is none. */
struct lambda_source *lambda_source_pick(const struct lambda_sources *all, const char *queue);

struct lambda_source *lambda_source_find(const struct lambda_sources *all, struct str uuid);
/* `config`: a consumer in the manifest's words, used up. EINVAL: a filter is no pattern. The queue
 * and the function must be there. It does nothing until it has begun. */
int lambda_source_make(struct lambda_sources *all, json_t *config, struct lambda_source **ret,
                       struct err *err) MUST_USE;
void lambda_source_unref(struct lambda_source *ls);

/* What follows is not for one that is being written. It counts when it is durable, just before
 * `done`; if it could not be written, all stays as it was. */

/* Uses up the reference: one that could not be written is gone. */
void lambda_source_begin(struct lambda_source *ls, setting_written_fn done, void *context);
/* Changes members of its config; `changes` is used up. EINVAL: a filter is no pattern; then `done`
 * is not called. */
int lambda_source_change(struct lambda_source *ls, json_t *changes, setting_written_fn done,
                         void *context, struct err *err) MUST_USE;
void lambda_source_remove(struct lambda_source *ls, setting_written_fn done, void *context);
