/* Events as mayfly events tells them: JSON that its own program lays out.
 *
 * SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include <jansson.h>

#include "store/store_messages.h"

/* The state of that name; -1: all (NULL); -2: there is no such state. */
int message_show_state(const char *name);

/* What a list says of it; a new reference. `queue`: its name. */
json_t *message_show(const struct stored_message *m, const char *queue);

/* Adds what it holds: attributes, group and body, of a durable route's request also its headers. No
 * secret of ours. */
void message_show_content(json_t *json, const struct stored_message *m, const char *queue);
