/* EventBridge Scheduler's API (REST-JSON): schedules, groups, tags.
 *
 * SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include "control/aws/aws_call.h"
#include "control/aws/aws_check.h"
#include "control/aws/aws_page.h"

/* By which a client that has had no answer asks again. */
#define AWS_SCHEDULER_TOKEN "ClientToken"
#define AWS_SCHEDULER_TOKEN_RULE                                                                   \
    {                                                                                              \
        AWS_SCHEDULER_TOKEN, AWS_TEXT, AWS_MAY, 1, 64, "[a-zA-Z0-9-_]+"                            \
    }
#define AWS_SCHEDULER_NAME "^[0-9a-zA-Z-_.]+$"

/* The AWS port's entry. */
void aws_scheduler_begin(struct services *s, struct exchange *x);

/* ---- its parts ---- */

/* False: what is wrong with the input has been answered. */
bool aws_scheduler_check(struct aws_call *c, const struct aws_rule *rules, size_t count) MUST_USE;
/* False: that there is no such group has been answered. */
bool aws_scheduler_has_group(struct aws_call *c, const char *name) MUST_USE;

/* Whether what is `known` was made by the same request, with its token: it is answered again. */
bool aws_scheduler_is_again(const struct aws_call *c, json_t *known);

/* A page of "MaxResults" of a list. False: what is wrong with that or the token has been answered.
 */
bool aws_scheduler_page(struct aws_page *p, struct aws_call *c) MUST_USE;

void aws_scheduler_create_group(struct aws_call *c);
void aws_scheduler_get_group(struct aws_call *c);
void aws_scheduler_delete_group(struct aws_call *c);
void aws_scheduler_list_groups(struct aws_call *c);
void aws_scheduler_tag(struct aws_call *c);
void aws_scheduler_untag(struct aws_call *c);
void aws_scheduler_list_tags(struct aws_call *c);
