/* Cross-origin requests of browsers, by the bucket's configuration.
 * https://docs.aws.amazon.com/AmazonS3/latest/userguide/cors.html
 *
 * SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include "control/s3/s3_xml.h"

struct s3_request;

/* OPTIONS: may the real request be made? */
void s3_cors_preflight(struct s3_request *rq);
/* Adds the fields to the answer to a request that names its origin. */
void s3_cors_put_headers(struct s3_request *rq);

/* NULL: a sound configuration; else what is wrong with it, in `memory`. */
const char *s3_cors_check(const struct s3_xml_node *root, char memory[256]);
