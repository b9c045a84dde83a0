/* Conditions of a request: If-Match and the like.
 *
 * SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include "control/s3/s3_request.h"

/* Views into its exchange. */
struct s3_conditions {
    struct str if_match, if_none_match;
    bool has_modified, has_unmodified;
    int64_t modified_since_s, unmodified_since_s;
    const char *failed; /* "If-Match"...: set by the check that it has not passed */
};
/* From fields that begin with `prefix` ("" or "x-amz-copy-source-"). */
void s3_conditions_read(const struct s3_request *rq, const char *prefix, struct s3_conditions *ret);
/* Those of a write, which may have one. False: it has more, and that was answered. */
bool s3_conditions_read_write(struct s3_request *rq, struct s3_conditions *ret) MUST_USE;
/* Answers that S3 does not know conditions of such a kind. */
void s3_conditions_fail_unknown(struct s3_request *rq, const char *names, const char *why);
/* For reading: S3_OK, S3_NOT_MODIFIED or S3_PRECONDITION_FAILED. */
enum s3_error s3_conditions_read_check(struct s3_conditions *c, struct str etag,
                                       uint64_t modified_ms);
/* For writing: a store_object_check_fn, with a struct s3_conditions as its context. */
int s3_conditions_write_check(const struct stored_object *current, void *context);
/* Answers `error`, and which condition it was where it was one: failed may be NULL. */
void s3_conditions_fail(struct s3_request *rq, enum s3_error error, const char *prefix,
                        const char *failed);
/* Whether an entity tag is in a list of them, "*" included. */
bool s3_conditions_has_etag(struct str list, struct str etag);
