/* Signature Version 4: what the head of a request proves about its sender, and what is left for its
 * body to prove.
 *
 * https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_sigv-create-signed-request.html; what
 * is S3's own: https://docs.aws.amazon.com/AmazonS3/latest/API/sig-v4-authenticating-requests.html
 *
 * No I/O; time and users are given. How the services say no is a table at the end.
 *
 * SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include "base/buf.h"
#include "control/aws/aws_users.h"

#define AWS_SIGN_SKEW_S        900    /* a signature's date may be off by this */
#define AWS_SIGN_EXPIRES_MAX_S 604800 /* of a presigned URL: a week */

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
    AWS_FAULT_COUNT
};

/* "KEY/20130524/us-east-1/s3/aws4_request". False: it is none. */
bool aws_scope_parse(struct str credential, struct aws_scope *ret) MUST_USE;
/* Reads who claims to have signed, and for which service, without checking it: to find the service
 * that is meant. A claim that cannot be read is NONE. */
void aws_sign_scope(const struct aws_sign_request *request, struct aws_scope *ret);

/* A date as mail has it: RFC 9110's, or with a zone in numbers, as some clients write "Date". */
bool aws_sign_parse_date(struct str text, int64_t *ret_s) MUST_USE;

/* Checks a request's head, and its body if there is one.
 *
 * *ret is meaningful with AWS_FAULT_NONE, anonymous requests included, but for its scope, which
 * says what was claimed. ret_detail is a literal, or a view into the request or *ret. */
enum aws_fault aws_sign_verify(const struct aws_sign_request *request, struct aws_users *users,
                               struct aws_signed *ret, struct str *ret_detail);

/* For the error of a mismatch: what should have been signed. Appends the canonical request and the
 * string to sign, as far as the buffers take them. */
void aws_sign_explain(const struct aws_sign_request *request, struct buf *canonical,
                      struct buf *to_sign);

/* How a fault is told, in the words of the real service. */
enum aws_protocol { AWS_PROTOCOL_S3, AWS_PROTOCOL_JSON, AWS_PROTOCOL_QUERY };
struct aws_fault_answer {
    unsigned status;
    const char *code;
    const char *message; /* NULL: the detail alone; else the detail may say more */
};
struct aws_fault_answer aws_fault_answer(enum aws_fault fault, enum aws_protocol protocol);
