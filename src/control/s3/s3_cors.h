/* Cross-origin requests of browsers: what a bucket's configuration says of them. No I/O.
 * https://docs.aws.amazon.com/AmazonS3/latest/userguide/cors.html
 *
 * SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include "base/limits.h"
#include "control/s3/s3_xml.h"

struct s3_cors_question {
    struct str origin, method;
    struct str fields; /* a list of their names; empty: none */
};

/* The first rule that allows it, or NULL. */
const struct s3_xml_node *s3_cors_find(const struct s3_xml_node *root,
                                       const struct s3_cors_question *q);
bool s3_cors_is_for_all(const struct s3_xml_node *rule);
/* The fields of an answer by a rule. */
void s3_cors_put(const struct s3_xml_node *rule, struct str origin, struct buf *out);
/* One that a rule may allow. */
bool s3_cors_is_method(struct str method);

/* NULL: a sound configuration; else what is wrong with it, in `memory`. */
const char *s3_cors_check(const struct s3_xml_node *root, char memory[256]);
