/* What the operations of the Scheduler's API have in common: how their input is checked, and pages.
 *
 * SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include "control/aws/call/aws_call.h"
#include "control/aws/call/aws_check.h"
#include "control/aws/call/aws_page.h"

/* By which a client that has had no answer asks again. */
#define AWS_SCHEDULER_TOKEN "ClientToken"
#define AWS_SCHEDULER_TOKEN_RULE                                                                   \
    {                                                                                              \
        AWS_SCHEDULER_TOKEN, AWS_TEXT, AWS_MAY, 1, 64, "[a-zA-Z0-9-_]+"                            \
    }
#define AWS_SCHEDULER_NAME "^[0-9a-zA-Z-_.]+$"

/* False: what is wrong with the input has been answered. */
bool aws_scheduler_check(struct aws_call *c, const struct aws_rule *rules, size_t count) MUST_USE;
/* Whether what is `known` was made by the same request, with its token: it is answered again. */
bool aws_scheduler_is_again(const struct aws_call *c, json_t *known);

/* A page of "MaxResults" of a list. False: what is wrong with that or the token has been answered.
 */
bool aws_scheduler_page(struct aws_page *p, struct aws_call *c) MUST_USE;
