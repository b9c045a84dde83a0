/* OPTIONS: a browser asks whether it may make the real request.
 *
 * SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include "control/s3/s3_request.h"

void s3_preflight(struct s3_request *rq);
