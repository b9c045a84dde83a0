/* The object that a request copies from, and copying its bytes where they cannot be shared.
 *
 * SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include "control/s3/s3_request.h"

struct s3_reader;

struct s3_copy_source {
    struct s3_bucket *bucket; /* owned */
    struct buf text;          /* decoded */
    struct str bucket_name, key;
    struct str version; /* as asked for, or data NULL */
    struct stored_object object;
    char *memory;
    bool is_encrypted;
    struct s3_crypt crypt;
    uint64_t offset, length; /* of what is copied */
    /* While it is. */
    struct s3_request *rq;
    struct s3_reader *reader;
    size_t fed; /* and not dealt with */
    bool is_received;
    enum s3_error error;
    struct s3_received *result;
    void (*received)(struct s3_request *rq, struct s3_received *received);
};

/* Finds what x-amz-copy-source names, if the user may read it, its conditions hold and the key is
 * right. False: answered. */
bool s3_copy_source_find(struct s3_request *rq, struct s3_copy_source *s) MUST_USE;
void s3_copy_source_finish(struct s3_copy_source *s);

/* Takes `length` bytes from `offset` in as if the client had sent them; `received` as with
 * s3_body_start(). */
void s3_copy_source_start(struct s3_request *rq, struct s3_copy_source *s,
                          const struct s3_receive_plan *plan,
                          void (*received)(struct s3_request *rq, struct s3_received *received));
/* x-amz-copy-source-version-id. */
void s3_copy_source_put_version(struct s3_request *rq, const struct s3_copy_source *s);
