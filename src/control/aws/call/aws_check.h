/* Checks of a call's input against the constraints of the service's model, told as AWS does:
 * "1 validation error detected: Value '!' at 'targets.1.member.id' failed to satisfy constraint:
 * Member must satisfy regular expression pattern: [\.\-_A-Za-z0-9]+".
 *
 * SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include <jansson.h>

#include "control/aws/call/aws_call.h"

enum aws_presence { AWS_MAY, AWS_MUST };
enum aws_type { AWS_TEXT, AWS_INTEGER, AWS_NUMBER, AWS_BOOLEAN, AWS_LIST, AWS_OBJECT };

struct aws_rule {
    const char *member;
    enum aws_type type;
    enum aws_presence presence;
    json_int_t min, max; /* characters, elements, or of an integer; 0 and 0: no bounds */
    const char *pattern; /* a regular expression for all of a text, or "A, B": its values */
};

struct aws_check {
    struct buf text; /* what is wrong, several with "; " */
    unsigned count;
    char wrong_type[64]; /* a member whose type is another; empty: none */
};

void aws_check_init(struct aws_check *k);
/* Something is of another type than its model says; `path` may end with a dot. */
void aws_check_type_is_wrong(struct aws_check *k, const char *path);
/* Checks the members of an object. `at` is its own path, "" for the input, "targets.1.member." */
void aws_check_members(struct aws_check *k, json_t *object, const char *at,
                       const struct aws_rule *rules, size_t count);
/* Checks the members of each object of a list, `name` of the input ("tags"). */
void aws_check_elements(struct aws_check *k, json_t *list, const char *name,
                        const struct aws_rule *rules, size_t count);
/* Answers what is wrong, if anything is, and frees. Returns whether the call goes on. */
bool aws_check_end(struct aws_check *k, struct aws_call *c) MUST_USE;
