/* EventBridge Scheduler's API (REST-JSON): schedules, groups, tags.
 *
 * SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include "control/aws/aws_call.h"
#include "control/aws/aws_check.h"

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

/* A part of a list, as the input asks for it. */
struct scheduler_page {
    json_t *list;
    const char *prefix; /* of the name; NULL: any */
    const char *state;  /* NULL: any */
    const char *after;  /* NULL: from the start */
    size_t limit;
    char *last; /* owned */
    bool has_more;
};

/* Answers what is wrong with "MaxResults". */
bool aws_scheduler_page_init(struct scheduler_page *p, struct aws_call *c) MUST_USE;
/* Whether what is called `name`, and has the place `key` among all, is on it. */
bool aws_scheduler_page_takes(struct scheduler_page *p, const char *key, const char *name);
/* Answers it as `member` of the output. */
void aws_scheduler_page_answer(struct scheduler_page *p, struct aws_call *c, const char *member);

void aws_scheduler_create_group(struct aws_call *c);
void aws_scheduler_get_group(struct aws_call *c);
void aws_scheduler_delete_group(struct aws_call *c);
void aws_scheduler_list_groups(struct aws_call *c);
void aws_scheduler_tag(struct aws_call *c);
void aws_scheduler_untag(struct aws_call *c);
void aws_scheduler_list_tags(struct aws_call *c);
