/* Who asks, by the signature of a request, and why not.
 *
 * SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include "control/s3/s3_request.h"

/* Sets rq->who of a request whose target has been read. False: it is nobody, and that was answered.
 */
bool s3_authenticate(struct s3_request *rq) MUST_USE;
