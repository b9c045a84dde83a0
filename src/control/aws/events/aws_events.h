/* EventBridge's API (JSON 1.1, "AWSEvents"): buses, rules, targets, tags, PutEvents,
 * TestEventPattern, archives and replays. What was seen of AWS's own answers decides, then its API
 * reference.
 *
 * Endpoints (of several regions) and partners' event sources cannot be made here: that answers
 * UnknownOperationException. Whoever looks finds that there are none.
 *
 * SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include "control/aws/call/aws_tag_list.h"
#include "control/aws/events/aws_events_input.h"

/* The AWS port's entry. */
void aws_events_begin(struct services *s, struct exchange *x);

/* ---- of its other files ---- */

/* Tags of rules and buses. */
extern const struct aws_tag_form aws_events_tags;

/* Sets a member of a rule or target; NULL: takes it away. */
void aws_events_set_text(json_t *object, const char *member, const char *text);
/* That of a connection, with its UUID. */
void aws_events_connection_arn(const struct aws_call *c, json_t *connection,
                               char ret[AWS_EVENTS_ARN_BYTES]);
/* Writes a rule (used up) and answers `output` (used up) when it counts. */
void aws_events_write_rule(struct aws_call *c, json_t *rule, json_t *output);

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
