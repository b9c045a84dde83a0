/* Keeping documents for a bucket.
 *
 * SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include "control/s3/operations/s3_config_check.h"
#include "control/s3/s3_request.h"

#define S3_CONFIG_ID_LEN_MAX    64 /* as S3 has it */
#define S3_CONFIG_SETTING_BYTES (S3_CONFIG_ID_LEN_MAX + 32)

/* What a bucket can have, by the parameter that asks for it. */
struct s3_config_kind {
    const char *name; /* of the parameter */
    const char *root;
    const char *list;         /* of those with many, each under an id: the root of their list */
    enum s3_error absent;     /* what GET answers without one; S3_OK: an empty document */
    const char *empty;        /* ... with this inside */
    s3_config_check_fn check; /* NULL: anything goes */
};
/* Of the request's operation. */
const struct s3_config_kind *s3_config_kind(const struct s3_request *rq);

/* Keeps a text under the name of the request's operation's parameter, and answers. */
void s3_config_store(struct s3_request *rq, struct str text);
/* Writes a setting, or removes it (`text` without data). */
void s3_config_write(struct s3_request *rq, const char *setting, struct str text,
                     void (*done)(struct s3_request *rq, int r));
/* For jobs of one's own: the bucket is read anew, and 200 or 204 answered. */
void s3_config_done(struct s3_request *rq, int r);
