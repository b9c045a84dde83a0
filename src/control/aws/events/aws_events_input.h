/* What the operations of EventBridge's API have in common: how their input is checked, what it
 * names, and pages.
 *
 * SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include "control/aws/call/aws_page.h"
#include "control/events/eventbridge/json_table.h"

struct aws_rule;

#define AWS_EVENTS_NAME "[\\.\\-_A-Za-z0-9]+"
/* A bus by its name or ARN. */
#define AWS_EVENTS_BUS                                                                             \
    "(arn:aws[\\w-]*:events:[a-z]+-[a-z]+-[\\w-]+:[0-9]{12}:event-bus\\/)?"                        \
    "[/\\.\\-_A-Za-z0-9]+"
#define AWS_EVENTS_CONNECTION                                                                      \
    "^arn:aws([a-z]|\\-)*:events:([a-z]|\\d|\\-)*:([0-9]{12})?:connection\\/"                      \
    "[\\.\\-_A-Za-z0-9]+\\/[\\-A-Za-z0-9]+$"
/* Of what events come from: a bus, an archive. */
#define AWS_EVENTS_SOURCE "^arn:aws([a-z]|\\-)*:events:([a-z]|\\d|\\-)*:([0-9]{12})?:.+\\/.+$"

/* Checks the input, answering what is wrong. */
bool aws_events_check(struct aws_call *c, const struct aws_rule *rules, size_t count) MUST_USE;
/* Fails with what is wrong with the input's pattern, and where. */
void aws_events_fail_pattern(struct aws_call *c);
/* The name in "EventBusName" or another member, which may be an ARN; "default" if it is absent. */
struct str aws_events_bus_name(const struct aws_call *c, const char *member);
/* The bus or rule, or NULL: then "... does not exist" has been answered. */
json_t *aws_events_find_bus(struct aws_call *c, struct str bus);
json_t *aws_events_find_rule(struct aws_call *c, struct str bus, const char *rule);
/* As above, and it may be changed: what the project's files declare may not. */
json_t *aws_events_own_bus(struct aws_call *c, struct str bus);
json_t *aws_events_own_rule(struct aws_call *c, struct str bus, const char *rule);
/* The one of a table that "Name" names, or NULL: answered, with `before` in front. `what` it is, as
 * its sentence begins: "A thing 'x' does not exist." */
json_t *aws_events_need(struct aws_call *c, struct json_table *table, const char *what,
                        const char *before);
/* As these: `found` of a table, which may be NULL already; `what` it is, for people. */
json_t *aws_events_own(struct aws_call *c, struct json_table *table, json_t *found,
                       const char *what);
/* The members that are said of them: not those that are null. */
void aws_events_copy(json_t *to, json_t *from, const char *const *names, size_t count);
/* The wall clock's, in seconds since 1970. */
void aws_events_set_now(json_t *to, const char *member);
/* "arn:aws:events:REGION:000000000000:KIND/NAME" in the client's region: of a bus, archive,
 * replay. */
#define AWS_EVENTS_ARN_BYTES 512
void aws_events_arn(const struct aws_call *c, const char *kind, const char *name,
                    char ret[AWS_EVENTS_ARN_BYTES]);

/* A page of "Limit" of a list. False: that the token is none has been answered. */
bool aws_events_page(struct aws_page *p, struct aws_call *c) MUST_USE;
/* A page whose entries have ARNs. */
struct aws_events_listing {
    struct aws_page page;
    const struct aws_call *call;
};
/* Answers with those of a table that `take` takes: its context is a struct aws_events_listing. */
void aws_events_list(struct aws_call *c, struct json_table *table, json_table_fn take,
                     const char *member);

/* A page of what is made from a source and has a state: archives, replays. */
struct aws_events_kept {
    struct aws_page page;
    const char *source; /* an ARN; NULL: any */
    const char *state;  /* NULL: any */
};
/* Checks the input of `operation`, answering what is wrong, also that there is no such bus.
 * `states`: those that there are. */
bool aws_events_kept_init(struct aws_events_kept *k, struct aws_call *c, const char *operation,
                          json_int_t name_max, const char *states) MUST_USE;
/* Whether what has this config, in the order of names, is on the page. */
bool aws_events_kept_takes(struct aws_events_kept *k, const json_t *config, const char *name,
                           const char *state);
