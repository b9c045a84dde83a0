/* Tags as EventBridge and EventBridge Scheduler have them: a list of objects with a Key and a
 * Value.
 *
 * SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include <jansson.h>

#include "control/aws/call/aws_call.h"

struct aws_tag_form {
    json_int_t value_min;  /* characters of a value, as the service's model has it */
    const char *many_code; /* the error where there are too many */
};

/* The call's "Tags", a new reference; an empty list where there are none. NULL: what is wrong with
 * them has been answered. */
json_t *aws_tag_list_read(struct aws_call *c, const struct aws_tag_form *form) MUST_USE;
/* Tags that were read, in place of those of `before` (NULL: none) that have their keys. A new
 * reference; NULL: they are too many, which has been answered. */
json_t *aws_tag_list_add(struct aws_call *c, const struct aws_tag_form *form, json_t *before,
                         json_t *added) MUST_USE;
/* `before` (NULL: none) without those whose keys are in the list `keys`. A new reference. */
json_t *aws_tag_list_without(json_t *before, json_t *keys) MUST_USE;
