/* What event_bus.c, event_bus_send.c and event_bus_table.c share: the insides of the buses.
 *
 * SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include <glib.h>

#include "control/events/eventbridge/event_bus_table.h"
#include "control/events/eventbridge/event_pattern.h"
#include "control/events/schedules/schedules.h"
#include "control/services.h"

#define EVENT_BUS_ACCOUNT   "000000000000"
#define EVENT_BUS_ARN_BYTES 512
#define EVENT_BUS_PROJECT   "project" /* the member of what the project's files declare */

struct rule {
    struct event_buses *buses;
    json_t *json;                  /* owned */
    struct event_pattern *pattern; /* owned; NULL: none */
};

/* What is known under one name; not both are NULL. */
struct rule_slot {
    struct rule *declared; /* by the project's files: hides the other. Owned */
    struct rule *kept;     /* the API's, in the store. Owned */
};

struct event_buses {
    struct services *services;
    struct schedules *schedules;
    GTree *buses; /* name to json_t */
    GTree *rules; /* "BUS/NAME" to struct rule_slot: those of a bus stand together */
    bool ticks;   /* a project has been built */
};

struct rule *event_bus_rule_in(const struct rule_slot *slot); /* NULL: of no slot */
/* Walks over the rules of a bus, by g_tree_node_next(): where they begin, and the rule at `n`, NULL
 * behind the last. */
GTreeNode *event_bus_first_rule(struct event_buses *eb, struct str bus);
struct rule *event_bus_rule_at(GTreeNode *n, struct str bus);

/* The key of a rule in the table, owned. */
char *event_bus_rule_key(struct str bus, struct str rule);
