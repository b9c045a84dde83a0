/* Connections: how EventBridge shows who it is to hosts outside (API destinations), with the access
 * tokens of those that have OAuth.
 *
 * A connection is a JSON object in a table, by its name, with the members of DescribeConnection's
 * answer but its state, "Uuid" (of its ARN), and "secret": the AuthParameters whole, as they were
 * given. These are shown nowhere; without them it is deauthorized. Tokens are kept in memory only.
 *
 * Loop thread only.
 *
 * SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include <jansson.h>

#include "control/events/json_table.h"
#include "control/services.h"

struct event_connections;

struct event_connections *event_connections_create(struct services *s);
struct json_table *event_connections_table(struct event_connections *ec);
/* The one of an ARN, ".../connection/NAME/UUID"; NULL: it is not there. */
json_t *event_connection_find(struct event_connections *ec, const char *arn);

/* "AUTHORIZED", "AUTHORIZING" or "DEAUTHORIZED". */
const char *event_connection_state(const struct event_connections *ec, json_t *connection);

/* With what a request authorizes itself: a header, whose value is NULL where it cannot be had; then
 * `why` says why. At once, or when the authorization server has answered. `done` may be NULL: the
 * token is asked for ahead. */
typedef void (*event_connection_fn)(const char *header, const char *value, const char *why,
                                    void *context);
void event_connection_authorize(struct event_connections *ec, json_t *connection,
                                event_connection_fn done, void *context);
/* It has changed, is gone, or its token is not taken any more: the next one is asked for anew. */
void event_connection_forget(struct event_connections *ec, const char *name);
