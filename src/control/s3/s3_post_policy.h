/* The policy of a browser's upload: what its form may hold.
 * https://docs.aws.amazon.com/AmazonS3/latest/API/sigv4-HTTPPOSTConstructPolicy.html
 *
 * No I/O.
 *
 * SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include "base/str.h"
#include "control/s3/s3_error.h"

struct s3_post_policy {
    struct str text;        /* of the document, decoded */
    struct str fields;      /* the form's: "name\0value\0"..., names in lower case */
    struct str bucket, key; /* what the form says of these is not asked */
    uint64_t now_ms;
    /* Found out. */
    bool has_range;
    uint64_t least, most; /* bytes of the file */
    char why[512];        /* what *ret_why may point to */
};

/* S3_OK: the form is as it should be. *ret_why: what to tell, or NULL. */
enum s3_error s3_post_policy_check(struct s3_post_policy *p, const char **ret_why);
