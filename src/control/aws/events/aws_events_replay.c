/* EventBridge's replays: StartReplay and its kin.
 *
 * SPDX-License-Identifier: Apache-2.0 */
#include <stdio.h>

#include "base/clock.h"
#include "control/aws/call/aws_check.h"
#include "control/aws/events/aws_events.h"
#include "control/events/eventbridge/event_replay.h"
#include "control/text/json_reading.h"

#define FILTERS_MAX 5 /* EventBridge's */

static const struct aws_rule replay_rules[] = {
    { "ReplayName", AWS_TEXT, AWS_MUST, 1, 64, AWS_EVENTS_NAME },
    { "EventSourceArn", AWS_TEXT, AWS_MUST, 1, 1600, AWS_EVENTS_SOURCE },
    { "EventStartTime", AWS_NUMBER, AWS_MUST, 0, 0, NULL },
    { "EventEndTime", AWS_NUMBER, AWS_MUST, 0, 0, NULL },
    { "Destination", AWS_OBJECT, AWS_MUST, 0, 0, NULL },
    { "Description", AWS_TEXT, AWS_MAY, 0, 512, NULL },
};

/* By the model; else that is answered. */
static bool check_model(struct aws_call *c)
{
    static const struct aws_rule rules[] = {
        { "Arn", AWS_TEXT, AWS_MUST, 1, 1600, NULL },
        { "FilterArns", AWS_LIST, AWS_MAY, 0, FILTERS_MAX, NULL },
    };
    struct aws_check k;
    json_t *destination = aws_call_member(c, "Destination");
    json_t *filter;
    size_t i;
    aws_check_init(&k);
    aws_check_members(&k, c->input, "", replay_rules, ARRAY_COUNT(replay_rules));
    if (json_is_object(destination)) {
        aws_check_members(&k, destination, "destination.", rules, ARRAY_COUNT(rules));
    }
    json_array_foreach(json_object_get(destination, "FilterArns"), i, filter)
    {
        if (!json_is_string(filter)) {
            aws_check_type_is_wrong(&k, "FilterArns");
        }
    }
    return aws_check_end(&k, c);
}

/* What its members mean together, in the order in which AWS looks; else that is answered. */
static bool check_meaning(struct aws_call *c)
{
    struct str bus =
        event_archive_name_in(json_text(aws_call_member(c, "Destination"), "Arn"), ":event-bus/");
    struct str name = event_archive_name_in(aws_call_text(c, "EventSourceArn"), ":archive/");
    const struct event_archive *a = event_archive_find(c->services->archives, name);
    const char *replay = aws_call_text(c, "ReplayName");
    if (!aws_events_find_bus(c, bus)) {
        return false;
    }
    if (!a) {
        aws_call_fail(c, 400, "ValidationException",
                      "Parameter EventSourceArn is not valid. Reason: Archive " STR_FMT
                      " does not exist.",
                      STR_ARG(name));
    } else if (json_number_value(aws_call_member(c, "EventStartTime")) >=
               json_number_value(aws_call_member(c, "EventEndTime"))) {
        aws_call_fail(c, 400, "ValidationException",
                      "Parameter EventEndTime is not valid. Reason: EventStartTime must be before "
                      "EventEndTime.");
    } else if (!str_eq(event_archive_bus(a), bus)) {
        aws_call_fail(c, 400, "ValidationException",
                      "Parameter Destination.Arn is not valid. Reason: Cross event bus replay is "
                      "not permitted.");
    } else if (event_replay_find(c->services->replays, str_c(replay))) {
        aws_call_fail(c, 400, "ResourceAlreadyExistsException", "Replay %s already exists.",
                      replay);
    } else if (event_replay_active(c->services->replays) >= EVENT_REPLAYS_ACTIVE) {
        aws_call_fail(c, 400, "LimitExceededException",
                      "The requested resource exceeds the maximum number allowed.");
    } else {
        return true;
    }
    return false;
}

void aws_events_start_replay(struct aws_call *c)
{
    char arn[AWS_EVENTS_ARN_BYTES];
    if (!check_model(c) || !check_meaning(c)) {
        return;
    }
    json_t *config = json_object();
    for (size_t i = 0; i < ARRAY_COUNT(replay_rules); i++) {
        json_t *value = aws_call_member(c, replay_rules[i].member);
        if (value) {
            (void)json_object_set(config, replay_rules[i].member, value); /* sound names */
        }
    }
    aws_events_arn(c, "replay", aws_call_text(c, "ReplayName"), arn);
    json_t *output = json_pack("{s:s, s:s, s:f}", "ReplayArn", arn, "State", "STARTING",
                               "ReplayStartTime", (double)clock_wall_ms() / 1000);
    c->context = output;
    event_replay_start(c->services->replays, config, aws_call_written, c);
}

/* As ListReplays shows it. */
static json_t *show(const struct event_replay *r)
{
    json_t *shown = json_copy(r->config);
    (void)json_object_del(shown, "place"); /* they may not be there */
    (void)json_object_del(shown, "Destination");
    (void)json_object_del(shown, "Description");
    return shown;
}

/* The one that is named, or NULL: answered. */
static struct event_replay *need_replay(struct aws_call *c)
{
    const char *name = aws_call_text(c, "ReplayName");
    struct event_replay *r = event_replay_find(c->services->replays, str_c(name));
    if (!r) {
        aws_call_fail(c, 400, "ResourceNotFoundException", "Replay %s does not exist.", name);
    }
    return r;
}

void aws_events_describe_replay(struct aws_call *c)
{
    char arn[AWS_EVENTS_ARN_BYTES];
    const struct event_replay *r = aws_events_check(c, replay_rules, 1) ? need_replay(c) : NULL;
    if (r) {
        json_t *shown = json_copy(r->config);
        aws_events_arn(c, "replay", json_text(r->config, "ReplayName"), arn);
        (void)json_object_set_new(shown, "ReplayArn", json_string(arn)); /* a sound text */
        (void)json_object_del(shown, "place");                           /* it may not be there */
        aws_call_answer(c, shown);
    }
}

void aws_events_cancel_replay(struct aws_call *c)
{
    char arn[AWS_EVENTS_ARN_BYTES];
    struct event_replay *r = aws_events_check(c, replay_rules, 1) ? need_replay(c) : NULL;
    if (!r) {
        return;
    }
    const char *state = json_text(r->config, "State");
    if (strcmp(state, "STARTING") != 0 && strcmp(state, "RUNNING") != 0) {
        aws_call_fail(c, 400, "IllegalStatusException",
                      "Replay %s is not in a valid state for this operation.",
                      json_text(r->config, "ReplayName"));
        return;
    }
    aws_events_arn(c, "replay", json_text(r->config, "ReplayName"), arn);
    json_t *output = json_pack("{s:s, s:s}", "ReplayArn", arn, "State", "CANCELLING");
    c->context = output;
    event_replay_cancel(r, aws_call_written, c);
}

void aws_events_list_replays(struct aws_call *c)
{
    struct aws_events_kept kept;
    if (!aws_events_kept_init(&kept, c, "ListReplays", 64,
                              "STARTING, RUNNING, CANCELLING, COMPLETED, CANCELLED, FAILED")) {
        return;
    }
    GTree *all = c->services->replays->replays;
    for (GTreeNode *n = g_tree_node_first(all); n; n = g_tree_node_next(n)) {
        const struct event_replay *r = g_tree_node_value(n);
        if (aws_events_kept_takes(&kept, r->config, json_text(r->config, "ReplayName"),
                                  json_text(r->config, "State"))) {
            (void)json_array_append_new(kept.page.list, show(r)); /* a new value */
        }
    }
    aws_page_answer(&kept.page, c, "Replays");
}
