/* Whether documents that are kept for a bucket are sound.
 *
 * SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include "control/s3/s3_request.h"

/* False: it is not, and that was answered. */
typedef bool (*s3_config_check_fn)(struct s3_request *rq, const struct s3_xml_node *root);

/* Answers what is wrong with it (text: NULL, the usual), and is false. */
bool s3_config_refuse(struct s3_request *rq, enum s3_error error, const char *text);

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
bool s3_config_check_abac(struct s3_request *rq, const struct s3_xml_node *root);
bool s3_config_check_inventory(struct s3_request *rq, const struct s3_xml_node *root);
bool s3_config_check_analytics(struct s3_request *rq, const struct s3_xml_node *root);
bool s3_config_check_tiering(struct s3_request *rq, const struct s3_xml_node *root);
