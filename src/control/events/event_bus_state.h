/* What event_bus.c and event_bus_send.c share: the insides of the buses.
 *
 * SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include <glib.h>

#include "control/events/event_bus.h"
#include "control/events/event_pattern.h"

#define EVENT_BUS_ACCOUNT   "000000000000"
#define EVENT_BUS_ARN_BYTES 512

struct rule {
    struct event_buses *buses;
    json_t *json;                  /* owned */
    struct event_pattern *pattern; /* owned; NULL: none */
};

struct event_buses {
    struct services *services;
    struct schedules *schedules;
    GTree *buses; /* name to json_t */
    GTree *rules; /* "BUS/NAME" to struct rule: those of a bus stand together */
};

/* Walks over the rules of a bus, by g_tree_node_next(): where they begin, and the rule at `n`, NULL
 * behind the last. */
GTreeNode *event_bus_first_rule(struct event_buses *eb, struct str bus);
struct rule *event_bus_rule_at(GTreeNode *n, struct str bus);

/* A tick of a rule with a schedule; the context is the struct rule. */
void event_bus_send_tick(const struct schedule_tick *tick, void *context);
