/* The body of a request in the aws-chunked coding: chunks with or without signatures, and fields
 * behind them.
 *
 *   hex-size [;chunk-signature=hex64] CRLF data CRLF ... 0 [;chunk-signature=hex64] CRLF
 *   [name:value CRLF ... [x-amz-trailer-signature:hex64 CRLF]] CRLF
 *
 * https://docs.aws.amazon.com/AmazonS3/latest/API/sigv4-streaming.html and -trailers.html. No I/O;
 * any thread, one at a time.
 *
 * SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include <openssl/evp.h>

#include "control/sign/aws_sign_request.h"

#define AWS_TRAILER_BYTES_MAX 4096

struct aws_chunked {
    int state;
    bool is_signed, has_trailer, signature_seen;
    uint64_t left;    /* of the current chunk's data */
    uint64_t decoded; /* data so far */
    char line[256];   /* a chunk's head; no more than this is sent by anybody */
    size_t line_len;
    struct buf trailer; /* "name\0value\0"..., names in lower case; complete at the end */
    size_t trailer_line;
    /* Of signed ones. */
    uint8_t key[AWS_DIGEST_BYTES];
    char scope[2 * AWS_SCOPE_BYTES + 32]; /* "day/region/service/aws4_request" */
    char date[17];
    char previous[AWS_HEX_BYTES];
    char claimed[AWS_HEX_BYTES];
    EVP_MD_CTX *digest; /* of the current chunk */
};

/* `head` is of a head whose body comes in chunks. */
void aws_chunked_init(struct aws_chunked *c, const struct aws_signed *head);
void aws_chunked_finish(struct aws_chunked *c);

enum { AWS_CHUNKED_MORE = 0, AWS_CHUNKED_DATA = 1, AWS_CHUNKED_END = 2 };

/* Takes bytes off the front of `in`. DATA: `ret_data` is a piece of the body, call again; that it
 * is what was signed is known at the end of its chunk. END: complete, trailer included. MORE: `in`
 * is used up. -EBADMSG: malformed. -EACCES: a signature is wrong. */
int aws_chunked_decode(struct aws_chunked *c, struct str *in, struct str *ret_data) MUST_USE;
