/* Whether documents that are kept for a bucket are sound.
 *
 * SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include "control/s3/s3_request.h"

/* False: it is not, and that was answered. */
typedef bool (*s3_config_check_fn)(struct s3_request *rq, const struct s3_xml_node *root);

/* Answers what is wrong with it (text: NULL, the usual), and is false. */
bool s3_config_refuse(struct s3_request *rq, enum s3_error error, const char *text);

/* What is wrong with a document that is looked at without its request. */
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

bool s3_config_check_lifecycle(struct s3_request *rq, const struct s3_xml_node *root);
bool s3_config_check_website(struct s3_request *rq, const struct s3_xml_node *root);
bool s3_config_check_cors(struct s3_request *rq, const struct s3_xml_node *root);
bool s3_config_check_encryption(struct s3_request *rq, const struct s3_xml_node *root);
bool s3_config_check_ownership(struct s3_request *rq, const struct s3_xml_node *root);
bool s3_config_check_tagging(struct s3_request *rq, const struct s3_xml_node *root);
bool s3_config_check_logging(struct s3_request *rq, const struct s3_xml_node *root);
bool s3_config_check_replication(struct s3_request *rq, const struct s3_xml_node *root);
bool s3_config_check_accelerate(struct s3_request *rq, const struct s3_xml_node *root);
bool s3_config_check_payment(struct s3_request *rq, const struct s3_xml_node *root);
bool s3_config_check_inventory(struct s3_request *rq, const struct s3_xml_node *root);
bool s3_config_check_analytics(struct s3_request *rq, const struct s3_xml_node *root);
bool s3_config_check_tiering(struct s3_request *rq, const struct s3_xml_node *root);

/* In s3_config_lifecycle.c: writes an element of a document as it is kept: with ids where S3 makes
 * them. */
void s3_config_put_node(struct s3_xml_out *o, const struct s3_xml_node *node);
