/* ARNs: "arn:aws:SERVICE:REGION:ACCOUNT:RESOURCE". A region is a name only: each client has the
 * one that its signature is for, and what it makes is of that.
 *
 * SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include <stdbool.h>

#include "base/str.h"

#define EVENT_ARN_REGION "us-east-1" /* of what the project's files declare */

/* The region in it, or else that of the project. */
struct str event_arn_region(struct str arn);
/* Whether they name the same, in whatever regions. */
bool event_arn_is_same(struct str a, struct str b);
