/* What a request says of the object that it makes: fields to be given back with it, tags, who may
 * use it, how it is locked and encrypted. PutObject, CopyObject, CreateMultipartUpload and a
 * browser's POST say it the same way.
 *
 * SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include "control/s3/s3_request.h"

#define S3_METADATA_BYTES_MAX 2048 /* of a user's: names and values, S3's own limit */

/* Where fields are found: of the head, or of a form. */
typedef struct str (*s3_field_fn)(const struct s3_request *rq, const char *name);

struct s3_new {
    struct buf headers; /* stored_object.headers */
    struct buf tags;
    struct buf acl;
    enum object_lock_mode lock_mode;
    uint64_t lock_until_ms;
    enum object_hold legal_hold;
    bool is_encrypted;
    struct s3_crypt crypt;
    char crypt_stored[S3_CRYPT_STORED_BYTES];
};

void s3_new_init(struct s3_new *n);
void s3_new_finish(struct s3_new *n);

/* From the head of a request, but for the tags: they are read before, because they may decide who
 * may write it. False: it is not right, and that was answered. */
bool s3_new_read(struct s3_request *rq, struct s3_new *n) MUST_USE;
/* The parts of it, for those who take some from elsewhere: */
/* ... whether its storage class and its redirect can be; */
bool s3_new_check_headers(struct s3_request *rq) MUST_USE;
/* ... that, and all fields that are kept. */
bool s3_new_read_headers(struct s3_request *rq, struct s3_new *n) MUST_USE;
bool s3_new_read_tags(struct s3_request *rq, struct s3_new *n) MUST_USE;
bool s3_new_read_lock(struct s3_request *rq, struct s3_new *n) MUST_USE;
/* Server-side encryption, with whatever keys; the bucket's default if nothing is said. */
bool s3_new_read_encryption(struct s3_request *rq, struct s3_new *n) MUST_USE;
/* The storage class and the redirect, where the request says any. False: they do not fit. */
bool s3_new_add_said(const struct s3_request *rq, struct s3_new *n) MUST_USE;
/* One field to be given back. */
bool s3_new_add_header(struct s3_new *n, struct str name, struct str value) MUST_USE;

/* Views of *n, for the object. */
void s3_new_apply(const struct s3_new *n, const struct s3_request *rq, struct stored_object *o);

/* What the fields of a key that a client sends along (SSE-C) begin with. */
#define S3_CUSTOMER_PREFIX      "x-amz-server-side-encryption-customer-"
#define S3_COPY_CUSTOMER_PREFIX "x-amz-copy-source-server-side-encryption-customer-"
/* For what is stored of an encrypted thing: the key that the request gives for it. False: the key
 * is missing, another, or there is nothing to open, and that was answered. Plain things need none.
 */
bool s3_new_open(struct s3_request *rq, const char *prefix, struct str stored,
                 struct s3_crypt *ret) MUST_USE;
/* Tells what it is encrypted with: the client's key, or one of ours as its stored headers say. S3
 * says AES256 of everything that nobody has asked to encrypt otherwise. */
void s3_new_put_encryption(struct s3_request *rq, struct str headers, bool by_customer);
