/* What comes back from an instance for a request: frames of hostile bytes, checked and acted upon.
 *
 * SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include "channel/frame.h"
#include "gateway/request.h"

/* A frame of this request's stream. -EPROTO: the instance broke the rules. The request may be gone
 * afterwards. */
int request_frame(struct request *rq, const struct frame *frame, const char *payload) MUST_USE;
