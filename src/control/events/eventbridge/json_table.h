/* JSON objects by name, in order, kept in the store as settings of one kind; and over them those
 * that the project's files declare, which are taken anew with every build. One that is put under a
 * declared one's name is seen when that is declared no more.
 *
 * Loop thread only. What is put or removed counts when it is durable.
 *
 * SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include <jansson.h>

#include "control/events/queue/message_batch.h"

struct json_table;

/* `kind` is a literal. Reads what is there. */
struct json_table *json_table_create(struct queues *queues, const char *kind);

json_t *json_table_find(struct json_table *t, struct str name); /* borrowed, or NULL */
/* Each whose name begins with `prefix`, in order. The table must not change meanwhile. */
typedef void (*json_table_fn)(const char *name, json_t *json, void *context);
void json_table_each(struct json_table *t, struct str prefix, json_table_fn each, void *context);

/* What is declared from now on: an object of name to JSON (used up). Each gets in its member `made`
 * when what was declared under its name before was made, and in `changed` when that was changed
 * unless it differs from it. */
void json_table_declare(struct json_table *t, json_t *by_name, const char *made,
                        const char *changed);
bool json_table_is_declared(struct json_table *t, struct str name);

/* Takes over `json`. */
void json_table_put(struct json_table *t, struct str name, json_t *json, message_batch_fn done,
                    void *context);
void json_table_remove(struct json_table *t, struct str name, message_batch_fn done, void *context);
