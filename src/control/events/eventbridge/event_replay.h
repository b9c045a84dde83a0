/* EventBridge's replays: events of an archive sent to its bus once more, in the order of their
 * times. Each step's messages and how far it has come are one transaction: after a crash a replay
 * goes on, and sends nothing twice.
 *
 * Loop thread only.
 *
 * SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include "control/events/eventbridge/event_archive.h"

#define EVENT_REPLAYS_ACTIVE 10 /* of an account at a time: EventBridge's quota */

struct event_replay {
    struct event_replays *all;
    /* Owned, in AWS's words: "ReplayName", "EventSourceArn", "Destination", "EventStartTime" and
     * "EventEndTime" (seconds), "State", "ReplayStartTime", and where known "Description",
     * "EventLastReplayedTime", "ReplayEndTime", "StateReason"; "place", [due_ms, id] of the last
     * event that was sent. */
    json_t *config;
    uv_timer_t timer;
    bool is_durable;              /* before that it takes no step */
    bool is_stepping;             /* a step is being written */
    setting_written_fn cancelled; /* who waits for its cancellation to be durable, or NULL */
    void *context;
};

struct event_replays {
    struct services *services;
    GTree *replays; /* of struct event_replay, by name */
    bool is_going;  /* the first build is known */
};

/* Reads what there is. */
struct event_replays *event_replays_create(struct services *s);
/* The project's functions and queues are known: replays that had begun go on. */
void event_replays_build(struct event_replays *all);

struct event_replay *event_replay_find(const struct event_replays *all, struct str name);
/* How many have begun and are not over. */
size_t event_replay_active(const struct event_replays *all);
/* Begins one (used up); `done` is called when that is durable, or it is gone again. */
void event_replay_start(struct event_replays *all, json_t *config, setting_written_fn done,
                        void *context);
/* It stops before its next step; `done` is called when that is durable, or nothing has changed. Not
 * while another cancellation of it is being written. */
void event_replay_cancel(struct event_replay *r, setting_written_fn done, void *context);
