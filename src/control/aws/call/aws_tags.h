/* Tags of resources: the bounds that AWS has for all of them ("Tagging AWS resources": 50, keys of
 * 1 to 128 characters that do not begin with "aws:", values of up to 256).
 *
 * SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include <jansson.h>

#define AWS_TAGS_MAX      50
#define AWS_TAGS_RESERVED "Tag keys that begin with aws: are reserved for system use."

/* What is wrong with the keys and values of an object of tags, as a sentence; NULL: nothing. How
 * many there may be is its owner's to check. */
const char *aws_tags_fault(json_t *tags);
