/* SPDX-License-Identifier: Apache-2.0 */
#include "control/events/eventbridge/event_bus_table.h"

#include <stdio.h>

#include "base/mem.h"
#include "base/scope.h"
#include "control/events/eventbridge/event_bus_state.h"
#include "control/text/json_reading.h"
#include "control/text/name_tree.h"

void event_bus_rule_arn(json_t *rule, struct str region, char *ret, size_t size)
{
    const char *bus = json_text(rule, "Bus");
    bool is_default = strcmp(bus, "default") == 0;
    (void)snprintf(ret, size, "arn:aws:events:" STR_FMT ":" EVENT_BUS_ACCOUNT ":rule/%s%s%s",
                   STR_ARG(region), is_default ? "" : bus, is_default ? "" : "/",
                   json_text(rule, "Name"));
}

bool event_bus_is_project(json_t *rule_or_bus)
{
    return json_is_true(json_object_get(rule_or_bus, EVENT_BUS_PROJECT));
}

char *event_bus_rule_key(struct str bus, struct str rule)
{
    return mem_format(STR_FMT "/" STR_FMT, STR_ARG(bus), STR_ARG(rule));
}

json_t *event_bus_find(struct event_buses *eb, struct str bus)
{
    return name_tree_find(eb->buses, bus);
}

json_t *event_bus_find_rule(struct event_buses *eb, struct str bus, struct str rule)
{
    scoped_free char *key = event_bus_rule_key(bus, rule);
    const struct rule *found = event_bus_rule_in(name_tree_find(eb->rules, str_c(key)));
    return found ? found->json : NULL;
}

void event_bus_each(struct event_buses *eb, event_bus_fn each, void *context)
{
    for (GTreeNode *n = g_tree_node_first(eb->buses); n; n = g_tree_node_next(n)) {
        each(g_tree_node_value(n), context);
    }
}

struct rule *event_bus_rule_in(const struct rule_slot *slot)
{
    return !slot ? NULL : slot->declared ? slot->declared : slot->kept;
}

GTreeNode *event_bus_first_rule(struct event_buses *eb, struct str bus)
{
    scoped_free char *key = event_bus_rule_key(bus, STR(""));
    return name_tree_from(eb->rules, str_c(key));
}

struct rule *event_bus_rule_at(GTreeNode *n, struct str bus)
{
    struct rule *rule = n ? event_bus_rule_in(g_tree_node_value(n)) : NULL;
    return rule && str_eq(str_c(json_text(rule->json, "Bus")), bus) ? rule : NULL;
}

void event_bus_each_rule(struct event_buses *eb, struct str bus, event_bus_fn each, void *context)
{
    struct rule *rule;
    for (GTreeNode *n = event_bus_first_rule(eb, bus); (rule = event_bus_rule_at(n, bus));
         n = g_tree_node_next(n)) {
        each(rule->json, context);
    }
}
