/* A signed request, and what its signature proves: what both versions of signatures speak of.
 *
 * SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include "base/buf.h"
#include "control/sign/aws_users.h"

#define AWS_SIGN_SKEW_S 900 /* a signature's date may be off by this */

struct aws_sign_request {
    struct str method;
    struct str target;  /* path and query as received */
    struct str headers; /* "name\0value\0"..., names in lower case */
    struct str host;    /* as the client sent it */
    struct str bucket;  /* that the host names; S3's old signatures (aws_sign_v2.h) want it */
    uint64_t now_s;     /* wall clock */
    /* The whole body, which is part of what is signed; NULL for S3, where it comes later and
     * aws_signed.body says what it must be. */
    const struct str *body;
    bool is_head; /* the body has not come yet: all is checked but the signature itself */
};

/* What the body must satisfy. */
enum aws_body {
    AWS_BODY_UNSIGNED,        /* nothing */
    AWS_BODY_HASHED,          /* its SHA-256 is aws_signed.sha256 */
    AWS_BODY_CHUNKS_UNSIGNED, /* aws-chunked, with a trailer: STREAMING-UNSIGNED-PAYLOAD-TRAILER */
    AWS_BODY_CHUNKS           /* aws-chunked, each chunk signed; see aws_chunked.h */
};

struct aws_signed {
    struct aws_scope scope;
    const struct aws_user *user; /* NULL: anonymous */
    enum aws_body body;
    bool trailer; /* chunks end in trailing fields */
    uint8_t sha256[AWS_DIGEST_BYTES];
    /* What the first chunk's signature builds on. */
    char date[17];                 /* "20130524T000000Z" */
    char signature[AWS_HEX_BYTES]; /* of the head */
};

enum aws_fault {
    AWS_FAULT_NONE,
    AWS_FAULT_SKEWED,            /* date too far from ours */
    AWS_FAULT_EXPIRED,           /* a presigned URL whose time is over */
    AWS_FAULT_NOT_YET,           /* ... has not come */
    AWS_FAULT_UNKNOWN_KEY,       /* no such access key */
    AWS_FAULT_MISMATCH,          /* the signature is not what it should be */
    AWS_FAULT_NOT_SIGNED,        /* a field that must be signed is not: detail names it */
    AWS_FAULT_VERSION_2,         /* signed the old way, which S3 alone takes */
    AWS_FAULT_INCOMPLETE_V2,     /* ... in a query that lacks something of it */
    AWS_FAULT_UNSUPPORTED,       /* an Authorization of another kind */
    AWS_FAULT_TWICE,             /* both a header and a query say who it is */
    AWS_FAULT_MALFORMED_HEADER,  /* detail says what is wrong */
    AWS_FAULT_MALFORMED_QUERY,   /* detail says what is wrong */
    AWS_FAULT_BAD_EXPIRES,       /* a presigned URL's time is out of range: detail says how */
    AWS_FAULT_BAD_DATE,          /* no date, or none that can be read */
    AWS_FAULT_NO_CONTENT_SHA256, /* S3 needs x-amz-content-sha256 */
    AWS_FAULT_BAD_CONTENT_SHA256,
    AWS_FAULT_FOREIGN_PAGE, /* by the key that everybody knows, from another site's page */
    AWS_FAULT_COUNT
};

/* A date as mail has it: RFC 9110's, or with a zone in numbers, as some clients write "Date". */
bool aws_sign_parse_date(struct str text, int64_t *ret_s) MUST_USE;
