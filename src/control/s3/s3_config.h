/* Keeping documents for a bucket.
 *
 * SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include "control/s3/s3_request.h"

/* Keeps a text under the name of the request's operation's parameter, and answers. */
void s3_config_store(struct s3_request *rq, struct str text);
/* The same with a document, written anew. */
void s3_config_store_document(struct s3_request *rq, const struct s3_xml_node *root);
/* For jobs of one's own: the bucket is read anew, and 200 or 204 answered. */
void s3_config_done(struct s3_request *rq, int r);
