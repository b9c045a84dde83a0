/* What the files of routes share: one route, by the names of its function and endpoint.
 *
 * SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include "control/events/routes/route_config.h"
#include "control/services.h"

#define ROUTE_BODY_BYTES_MAX     (8 * MIB)
#define ROUTE_RESPONSE_BYTES_MAX (8 * MIB)
#define ROUTE_NAME_BYTES         256

struct route {
    struct list link;
    struct services *services;
    char *name; /* owned: "FUNCTION#ENDPOINT's name", which outlives builds */
    struct route_config config;
    struct queue *queue; /* of durable ones; NULL until it is needed */
    struct list claims;  /* of struct claim: keys whose request is running */
    bool wanted;         /* by the build that is being read */
};

/* Answers as an idempotent route does; takes the request, whose body is here. */
void route_once_begin(struct route *route, struct exchange *x, struct str body, struct str key);

/* Stores the request and acknowledges it. `key`: empty, or what makes it harmless to come twice. */
void route_durable_begin(struct route *route, struct exchange *x, struct str body, struct str key);
/* Delivers what is stored, from now on; `concurrency` requests at a time. */
void route_durable_consume(struct route *route, uint32_t concurrency);
