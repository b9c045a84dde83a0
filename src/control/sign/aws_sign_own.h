/* Signature Version 4 from the other side: of requests that control sends to its own AWS port.
 *
 * SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include "control/sign/aws_sign_request.h"

/* Appends to the request's `headers` its date and the proof that `user` sends it to `service` in
 * `region`. `request` is complete but for them; they must be sent as they are, and so the host.
 * -EMSGSIZE: they have become too large. */
int aws_sign_own(struct aws_users *users, const struct aws_user *user,
                 const struct aws_sign_request *request, const char *region, const char *service,
                 struct buf *headers) MUST_USE;
