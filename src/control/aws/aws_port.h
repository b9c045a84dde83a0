/* The AWS port: hands each request to the service it is for. Which that is says the scope of its
 * signature (Signature Version 4, "Credential=KEY/DATE/REGION/SERVICE/aws4_request", in the
 * authorization field or the query); without a signature it is S3's, which knows anonymous access.
 *
 * SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include "control/services.h"

void aws_port_begin(struct services *s, struct exchange *x);
