/* What statements of resource policies are made of, at any service.
 *
 * SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include <jansson.h>

/* An account, an ARN, a service or "*" in the form of a policy, a new value; NULL: it is none. */
json_t *aws_policy_principal(const char *text);
/* A policy whose "Statement" is a list; one alone may stand without: "IAM JSON policy elements:
 * Statement". A new value; NULL: it is none, or `text` is NULL. */
json_t *aws_policy_read(const char *text);
