/* EventBridge's archives: the events that came to a bus, kept to be sent once more
 * (event_replay.h).
 *
 * An archive's events are messages of the queue "archive:NAME", which has no consumer. They are
 * written in one transaction with those for the event's targets. Such a message's uuid is the
 * event's id, its body the detail, its attributes the rest, and it is "due" at the event's time:
 * so the events of a time are found by the index of what is due.
 *
 * Loop thread only.
 *
 * SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include "control/events/eventbridge/bus_event.h"
#include "control/events/eventbridge/event_pattern.h"
#include "control/events/queue/message_batch.h"
#include "control/events/queue/setting_write.h"
#include "control/services.h"
#include "control/text/name_tree.h"

struct event_archive {
    struct event_archives *all;
    /* Owned, in AWS's words: "ArchiveName", "EventSourceArn", "CreationTime", "RetentionDays" (0:
     * for ever), and where given "Description" and "EventPattern" (text). */
    json_t *config;
    struct event_pattern *pattern; /* owned; NULL: all events */
};

struct event_archives {
    struct services *services;
    GTree *archives; /* of struct event_archive, by name */
    uv_timer_t sweep;
};

/* Reads what there is. */
struct event_archives *event_archives_create(struct services *s);

struct event_archive *event_archive_find(const struct event_archives *all, struct str name);
/* The name that stands behind `mark` (":event-bus/", ":archive/") in an ARN (NULL: none); empty: it
 * is no such ARN. */
struct str event_archive_name_in(const char *arn, const char *mark);
/* The name of the bus, which is the config's. */
struct str event_archive_bus(const struct event_archive *a);
/* Makes the archive of a config (used up), or gives one of that name another. It counts when it is
 * durable, and `done` is called. EINVAL: the pattern is none; then it is not called. */
int event_archive_put(struct event_archives *all, json_t *config, setting_written_fn done,
                      void *context, struct err *err) MUST_USE;
/* With its events. */
void event_archive_remove(struct event_archive *a, setting_written_fn done, void *context);

/* Adds an event on its way through a bus to the batch, for each archive that wants it. `json`: the
 * whole of it. What is replayed is not archived again, as at AWS. */
void event_archive_keep(const struct event_archives *all, struct str bus,
                        const struct bus_event *event, json_t *json, struct message_batch *batch);

/* How many events an archive has, and how large their details are: that is known, not counted. */
void event_archive_count(const struct event_archive *a, struct store_backlog *ret);
/* The queue's number; 0: it is not yet known, since the archive has just been made or control
 * could not read it. */
uint64_t event_archive_queue(const struct event_archive *a);
