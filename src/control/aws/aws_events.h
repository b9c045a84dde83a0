/* EventBridge's API (JSON 1.1, "AWSEvents"): buses, rules, targets, tags, PutEvents,
 * TestEventPattern, archives and replays. What was seen of AWS's own answers decides, then its API
 * reference.
 *
 * Endpoints (of several regions) and partners' event sources cannot be made here: that answers
 * UnknownOperationException. Whoever looks finds that there are none.
 *
 * SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include "control/aws/aws_page.h"
#include "control/events/json_table.h"

/* The AWS port's entry. */
void aws_events_begin(struct services *s, struct exchange *x);

/* ---- what its files share ---- */

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
/* As these: `found` of a table, which may be NULL already; `what` it is, for people. */
json_t *aws_events_own(struct aws_call *c, struct json_table *table, json_t *found,
                       const char *what);
/* "arn:aws:events:REGION:000000000000:KIND/NAME" in the client's region: of a bus, archive,
 * replay. */
#define AWS_EVENTS_ARN_BYTES 512
void aws_events_arn(const struct aws_call *c, const char *kind, const char *name,
                    char ret[AWS_EVENTS_ARN_BYTES]);

/* Sets a member of a rule or target; NULL: takes it away. */
void aws_events_set_text(json_t *object, const char *member, const char *text);
/* Those of a connection and of an API destination, with their UUIDs. */
void aws_events_connection_arn(const struct aws_call *c, json_t *connection,
                               char ret[AWS_EVENTS_ARN_BYTES]);
void aws_events_endpoint_arn(const struct aws_call *c, json_t *destination,
                             char ret[AWS_EVENTS_ARN_BYTES]);
/* Writes a rule (used up) and answers `output` (used up) when it counts. */
void aws_events_write_rule(struct aws_call *c, json_t *rule, json_t *output);

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

/* Runs an operation on what there is none of here. False: it is no such operation. */
bool aws_events_none(struct aws_call *c, struct str operation);

/* The operations of its other files. */
void aws_events_put_rule(struct aws_call *c);
void aws_events_describe_rule(struct aws_call *c);
void aws_events_list_rules(struct aws_call *c);
void aws_events_enable_rule(struct aws_call *c);
void aws_events_disable_rule(struct aws_call *c);
void aws_events_delete_rule(struct aws_call *c);
void aws_events_put_targets(struct aws_call *c);
void aws_events_list_targets(struct aws_call *c);
void aws_events_remove_targets(struct aws_call *c);
void aws_events_list_rule_names(struct aws_call *c);
void aws_events_put_events(struct aws_call *c);
void aws_events_put_permission(struct aws_call *c);
void aws_events_remove_permission(struct aws_call *c);
void aws_events_test_pattern(struct aws_call *c);
void aws_events_create_archive(struct aws_call *c);
void aws_events_update_archive(struct aws_call *c);
void aws_events_describe_archive(struct aws_call *c);
void aws_events_delete_archive(struct aws_call *c);
void aws_events_list_archives(struct aws_call *c);
void aws_events_create_connection(struct aws_call *c);
void aws_events_update_connection(struct aws_call *c);
void aws_events_deauthorize_connection(struct aws_call *c);
void aws_events_describe_connection(struct aws_call *c);
void aws_events_delete_connection(struct aws_call *c);
void aws_events_list_connections(struct aws_call *c);
/* API destinations. */
void aws_events_create_endpoint(struct aws_call *c);
void aws_events_update_endpoint(struct aws_call *c);
void aws_events_describe_endpoint(struct aws_call *c);
void aws_events_delete_endpoint(struct aws_call *c);
void aws_events_list_endpoints(struct aws_call *c);
void aws_events_start_replay(struct aws_call *c);
void aws_events_describe_replay(struct aws_call *c);
void aws_events_cancel_replay(struct aws_call *c);
void aws_events_list_replays(struct aws_call *c);
