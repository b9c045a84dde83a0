/* The canonical form of a request, which is what Signature Version 4 signs.
 *
 * SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include "control/sign/aws_sign_request.h"

struct aws_canonical {
    struct str signed_headers; /* "host;x-amz-date" */
    struct str content;        /* what stands for the body */
    bool path_as_is;           /* S3: paths are not escaped twice */
    bool fields_in_query;      /* S3's URLs: a field of Amazon's own may be told there alone */
};

/* Appends it. -EBADMSG: the target has an escape that is none; -EMSGSIZE. */
int aws_canonical_put(struct buf *out, const struct aws_sign_request *request,
                      const struct aws_canonical *form) MUST_USE;
