/* Crons of Vercel, Workers and Netlify: each tick is a message in the queue "cron:NAME" of its
 * schedule, and this is the consumer of these queues, which asks the function as its platform does.
 *
 * Vercel: GET of the path, "authorization: Bearer $CRON_SECRET", "user-agent: vercel-cron/1.0",
 * "x-vercel-cron-schedule"; redirects are not followed. Workers: scheduled(). Netlify: POST with
 * {"next_run"}. None of the three tries a function again that has failed (Vercel: "will not retry",
 * the others say nothing of it); "max_retries" and "retry_delays_s" of the schedule in the
 * project's own configuration change that. What could not reach the function is tried again in any
 * case.
 *
 * Loop thread only.
 *
 * SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include <jansson.h>

#include "control/events/schedules/schedules.h"
#include "control/services.h"

struct cron_queues;

struct cron_queues *cron_queue_create(struct services *s);
/* Of the manifest that is served from now on (borrowed). */
void cron_queue_build(struct cron_queues *cq, const json_t *manifest);

/* Adds the message of a tick to its batch. `schedule`: the manifest's. */
void cron_queue_add(json_t *schedule, const struct schedule_tick *tick);
