/* Tags of objects and buckets, kept as "key\0value\0"... No I/O.
 *
 * SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include "base/buf.h"
#include "base/limits.h"
#include "control/s3/s3_error.h"
#include "control/s3/s3_xml.h"

#define S3_TAGS_OF_OBJECT 10
#define S3_TAGS_OF_BUCKET 50
#define S3_TAG_BYTES_MAX  (64 * KIB) /* bucket: 50 of 128 + 256 characters of UTF-8 */

#define S3_TAG_KEY_LEN_MAX   128 /* characters */
#define S3_TAG_VALUE_LEN_MAX 256

/* In characters. */
size_t s3_tags_length(struct str text);

/* The value of a key, or data NULL. */
struct str s3_tags_find(struct str tags, struct str key);
size_t s3_tags_count(struct str tags);

/* What is wrong with tags. */
struct s3_tags_fault {
    const char *text;      /* a literal, or NULL: the error's own */
    struct str key, value; /* of the tag, views into its document; data NULL: not told */
};

/* "a=1&b=2", as in x-amz-tagging. */
enum s3_error s3_tags_from_query(struct str query, struct buf *out,
                                 struct s3_tags_fault *ret_fault);
/* The children "Tag" of a node; NULL: none. */
enum s3_error s3_tags_from_set(const struct s3_xml_node *set, size_t most, struct buf *out,
                               struct s3_tags_fault *ret_fault);
/* A Tagging document. */
enum s3_error s3_tags_from_xml(const struct s3_xml_node *root, size_t most, struct buf *out,
                               struct s3_tags_fault *ret_fault);
void s3_tags_to_xml(struct str tags, struct s3_xml_out *out);
