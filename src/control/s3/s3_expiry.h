/* Removes what the lifecycles of buckets say is over: looks through all buckets that have one now
 * and then, and soon after one was changed, a bounded number of rows a turn.
 *
 * Loop thread only.
 *
 * SPDX-License-Identifier: Apache-2.0 */
#pragma once

struct s3;
struct s3_expiry;

struct s3_expiry *s3_expiry_create(struct s3 *s3);

/* A lifecycle has changed: looks again, from the first bucket on. */
void s3_expiry_wake(struct s3_expiry *e);
