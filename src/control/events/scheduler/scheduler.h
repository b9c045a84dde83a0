/* EventBridge Scheduler: schedules in groups, and what they send.
 *
 * What its API makes is kept in the store; what the project's files declare is taken anew with
 * every build, and hides what the API has made under the same name.
 *
 * A schedule is a JSON object with the members of GetSchedule's answer, times in seconds, and some
 * of our own: of the client that put it SCHEDULER_REGION and, where that is a user with an account
 * of its own, SCHEDULER_USER, the access key; of a declared one SCHEDULER_CATCH_UP. Its target is a
 * Lambda function, an SQS queue, an event bus, or "universal": a call of one of AWS's APIs, which
 * is made in that user's name.
 *
 * Loop thread only.
 *
 * SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include <jansson.h>

#include "control/events/eventbridge/json_table.h"
#include "control/events/schedules/schedules.h"
#include "control/services.h"

#define SCHEDULER_REGION   "Region"
#define SCHEDULER_USER     "User"
#define SCHEDULER_CATCH_UP "CatchUp"

struct scheduler;

/* Nothing is set before the first build: what the API has made may be hidden by it. */
struct scheduler *scheduler_create(struct services *s);
/* AWS's of `events.schedules`, and `events.schedule_groups`, of the manifest that is served from
 * now on (borrowed). */
void scheduler_build(struct scheduler *sr, const json_t *manifest);

/* "GROUP/NAME" to a schedule; the name of a group to {"Name", "CreationDate", "Tags"...}. To be
 * read only: changes go through the calls below. */
struct json_table *scheduler_schedules(struct scheduler *sr);
struct json_table *scheduler_groups(struct scheduler *sr);

/* Retries are told as they will be, said or not. */
void scheduler_set_retries(json_t *target);
/* Whether its expression and zone are sound. EINVAL. */
int scheduler_check(json_t *schedule, struct err *err) MUST_USE;
/* Takes over a schedule that has been checked. */
void scheduler_put(struct scheduler *sr, json_t *schedule, message_batch_fn done, void *context);
void scheduler_remove(struct scheduler *sr, struct str group, struct str name,
                      message_batch_fn done, void *context);

/* "arn:aws:scheduler:REGION:000000000000:schedule/GROUP/NAME" */
void scheduler_arn(json_t *schedule, const char *region, char *ret, size_t size);
