/* What is wrong with a document of a bucket's that is looked at without its request.
 *
 * SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include "control/s3/s3_error.h"
#include "control/s3/s3_xml.h"

struct s3_config_fault {
    enum s3_error error;
    char text[192];       /* empty: the error's usual */
    const char *argument; /* of S3_INVALID_ARGUMENT: which one, or NULL */
    struct str value;     /* of that; a view into the document */
};

/* Says it (text: NULL, the usual), and is false. */
bool s3_config_fault(struct s3_config_fault *ret, enum s3_error error, const char *text);

/* In files of their names. False: *ret_fault says why. */
bool s3_config_lifecycle_check(const struct s3_xml_node *root, struct s3_config_fault *ret_fault);
bool s3_config_website_check(const struct s3_xml_node *root, struct s3_config_fault *ret_fault);

/* In s3_config_lifecycle.c: writes an element of a document as it is kept: with ids where S3 makes
 * them. */
void s3_config_put_node(struct s3_xml_out *o, const struct s3_xml_node *node);
