/* What control's parts share. Made by control.c; lives as long as the process.
 *
 * SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include <uv.h>

#include "control/console/console.h"
#include "control/deployment/deployment.h"
#include "control/events/queue/queue.h"
#include "control/exchange.h"
#include "control/invoker.h"
#include "control/sign/aws_users.h"
#include "store/store.h"

struct aws_call_turns;
struct bus_queues;
struct endpoint_queues;
struct event_archives;
struct event_buses;
struct event_connections;
struct event_replays;
struct json_table;
struct project_schedules;
struct scheduler;
struct schedules;
struct lambda_queues;
struct lambda_sources;
struct sqs_moves;
struct sqs_queues;

#define AWS_SERVICE_BYTES 32 /* of a service's name, as signatures have it, with its zero */

struct services {
    uv_loop_t *loop;
    struct store *store;
    struct queues *queues;
    struct invoker *invoker;
    struct sqs_queues *sqs;
    struct sqs_moves *sqs_moves;
    struct lambda_queues *lambda_queues;
    struct lambda_sources *lambda_sources;
    struct json_table *lambda_permissions; /* aws_lambda_policy.c */
    struct json_table *lambda_tags;        /* aws_lambda_tags.c */
    struct json_table *lambda_concurrency; /* lambda_concurrency.c */
    struct aws_users *users;               /* of the AWS port */
    struct aws_call_turns *turns;          /* aws_call.c */
    struct schedules *schedules;
    struct event_buses *buses;
    struct bus_queues *bus_queues;
    struct event_connections *connections;
    struct endpoint_queues *endpoints;
    struct event_archives *archives;
    struct event_replays *replays;
    struct scheduler *scheduler;
    struct project_schedules *project_schedules;
    struct s3 *s3;
    struct console *console;
    struct deployment *deployment;
    void (*routes_changed)(struct services *s); /* what the gateway is told of functions has */
    const char *project;                        /* its folder */
    const char *origin;                         /* "http://localhost:3000" */
    const char *aws_origin;                     /* "http://127.0.0.1:4566" */
    char unserved[AWS_SERVICE_BYTES]; /* of AWS's services that are not here, the last told of */
};
