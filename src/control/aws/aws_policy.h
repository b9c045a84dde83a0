/* What statements of resource policies are made of, at any service.
 *
 * SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include <jansson.h>

/* An account, an ARN, a service or "*" in the form of a policy, a new value; NULL: it is none. */
json_t *aws_policy_principal(const char *text);
