/* The body of a browser's upload, multipart/form-data (RFC 7578): fields, then a file. No I/O.
 *
 * SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include "base/buf.h"
#include "base/limits.h"
#include "base/str.h"

#define S3_FORM_FIELDS_MAX   (20 * KIB) /* bytes before the file: S3's own limit */
#define S3_FORM_BOUNDARY_MAX 70         /* RFC 2046, 5.1.1 */

struct s3_form {
    int state;
    struct buf pending; /* not dealt with yet, behind: */
    size_t given;       /* bytes of the file that were given out */
    struct buf fields;  /* "name\0value\0"..., names in lower case */
    struct buf name;    /* of the part that is read */
    struct buf filename;
    bool is_file;
    char delimiter[S3_FORM_BOUNDARY_MAX + 5]; /* "\r\n--boundary" */
    size_t delimiter_len;
};

enum s3_form_step {
    S3_FORM_MORE, /* all is used up, or cannot be told yet */
    S3_FORM_FILE, /* *ret_data is a piece of the file */
    S3_FORM_END   /* the file is complete; what follows does not count */
};

/* `content_type` names the boundary. -EINVAL: it does not. */
int s3_form_init(struct s3_form *f, struct str content_type) MUST_USE;
void s3_form_finish(struct s3_form *f);
/* Copies the bytes; then s3_form_next() until it says MORE. */
int s3_form_feed(struct s3_form *f, struct str data) MUST_USE;
/* A piece of the file lives until the next call. The fields are complete at the first one, or at
 * the end. -EBADMSG: malformed. -EMSGSIZE: too much before the file. */
int s3_form_next(struct s3_form *f, struct str *ret_data) MUST_USE;
