/* EventBridge Scheduler's API (REST-JSON): schedules, groups, tags.
 *
 * SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include "control/aws/call/aws_call.h"

/* The AWS port's entry. */
void aws_scheduler_begin(struct services *s, struct exchange *x);

/* ---- its parts ---- */

/* False: that there is no such group has been answered. */
bool aws_scheduler_has_group(struct aws_call *c, const char *name) MUST_USE;

void aws_scheduler_create_group(struct aws_call *c);
void aws_scheduler_get_group(struct aws_call *c);
void aws_scheduler_delete_group(struct aws_call *c);
void aws_scheduler_list_groups(struct aws_call *c);
void aws_scheduler_tag(struct aws_call *c);
void aws_scheduler_untag(struct aws_call *c);
void aws_scheduler_list_tags(struct aws_call *c);
