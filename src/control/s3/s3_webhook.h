/* Events of a MinIO outside, which posts them to /minio/webhook of the gateway when the project has
 * said which token it shows (doc/events.md): told to the functions and queues that the bucket's
 * notifications name, in the form of our own events.
 * https://min.io/docs/minio/linux/administration/monitoring/publish-events-to-webhook.html
 *
 * Loop thread only.
 *
 * SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include "control/services.h"

/* Answers 200 when all is stored. */
void s3_webhook_begin(struct services *services, struct exchange *x);
