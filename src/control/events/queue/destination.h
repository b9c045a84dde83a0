/* Where the outcome of an event goes: another queue, function or bus of the project, or a URL. The
 * message is written in the same transaction as the outcome itself.
 *
 * SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include <jansson.h>

#include "control/services.h"

/* `destination`: { "queue" }, { "function" }, { "bus" } or { "url", "secret" } of the manifest's
 * events; NULL or null: nowhere. `body` is its message; `attributes` are SQS message attributes in
 * the form of sqs_queue.h, or empty. */
void destination_send(struct services *s, struct delivery *d, const json_t *destination,
                      struct str body, struct str attributes);
