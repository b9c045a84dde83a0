/* Connections: how EventBridge shows who it is to hosts outside (API destinations), with the access
 * tokens of those that have OAuth.
 *
 * A connection is a JSON object in a table, by its name, with the members of DescribeConnection's
 * answer but its state, "Uuid" (of its ARN), "SecretUuid" and "SecretSuffix" (of its secret's), and
 * "secret": the AuthParameters whole, as they were given. These are shown nowhere; without them it
 * is deauthorized. Tokens are kept in memory only.
 *
 * Loop thread only.
 *
 * SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include <jansson.h>

#include "control/events/eventbridge/json_table.h"
#include "control/services.h"

struct event_connections;

struct event_connections *event_connections_create(struct services *s);
/* `events.connections` of the manifest that is served from now on (borrowed). */
void event_connections_build(struct event_connections *ec, const json_t *manifest);
struct json_table *event_connections_table(struct event_connections *ec);
/* The one of an ARN, ".../connection/NAME/UUID"; NULL: it is not there. */
json_t *event_connection_find(struct event_connections *ec, const char *arn);

#define EVENT_CONNECTION_SECRET_SUFFIX 6 /* Secrets Manager puts so much behind a name */

/* Gives it AuthParameters (borrowed): those that are kept, and what is shown of them. */
void event_connection_set_auth(json_t *connection, json_t *auth);

/* "AUTHORIZED", "AUTHORIZING" or "DEAUTHORIZED". */
const char *event_connection_state(const struct event_connections *ec, json_t *connection);

/* With what a request authorizes itself: a header, whose value is NULL where it cannot be had; then
 * `why` says why. At once, or when the authorization server has answered. `done` may be NULL: the
 * token is asked for ahead. */
typedef void (*event_connection_fn)(const char *header, const char *value, const char *why,
                                    void *context);
void event_connection_authorize(struct event_connections *ec, json_t *connection,
                                event_connection_fn done, void *context);
/* It has changed or is gone: its next token is asked for anew. */
void event_connection_forget(struct event_connections *ec, const char *name);
/* The value by which it has authorized itself is not taken any more. */
void event_connection_refused(struct event_connections *ec, const char *name, const char *value);
