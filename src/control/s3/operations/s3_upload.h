/* Uploads in parts: what their operations share.
 *
 * SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include "control/s3/s3_request.h"
#include "store/store_uploads.h"

#define S3_PARTS_MAX       10000
#define S3_PART_BYTES_MIN  (5 * MIB) /* of all but the last */
#define S3_UPLOAD_ID_BYTES 33

/* A copy of an upload, for as long as a request works on it. */
struct s3_upload {
    struct stored_upload upload;
    char *memory;                      /* of the object's texts */
    char *initiator;                   /* owned */
    struct s3_checksum_value checksum; /* kind and type that were agreed on */
};
/* The upload that the request names. False: there is none such of its key, and that was answered.
 */
bool s3_upload_find(struct s3_request *rq, struct s3_upload *ret) MUST_USE;
/* Without an answer. */
bool s3_upload_look(struct s3_request *rq, struct s3_upload *ret) MUST_USE;
/* For an upload that is over: `then` answers if the key's object is what it became, else it is
 * NoSuchUpload. */
typedef void (*s3_upload_then)(struct s3_request *rq, const struct stored_object *o);
void s3_upload_completed(struct s3_request *rq, s3_upload_then then);
void s3_upload_finish(struct s3_upload *u);

/* The part that the request names, 1 to S3_PARTS_MAX. False: it is none, and that was answered. */
bool s3_upload_read_number(struct s3_request *rq, uint32_t *ret) MUST_USE;

bool s3_upload_parse_id(struct str text, int64_t *ret_id, uint64_t *ret_salt) MUST_USE;
struct str s3_upload_id(int64_t id, uint64_t salt, char ret_text[S3_UPLOAD_ID_BYTES]);
