/* Writing an object whose bytes were received: what PutObject, a browser's POST and copies share.
 *
 * SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include "control/s3/s3_conditions.h"
#include "control/s3/s3_new.h"
#include "control/s3/s3_object.h"

struct s3_put {
    struct s3_new new;
    struct object_write write;
    struct s3_conditions conditions;
    int event;
    char etag[S3_ETAG_TEXT];
    char checksum[S3_CHECKSUM_STORED];
};

/* The entity tag, size and checksum of what was received become those of the object. */
void s3_put_digests(struct s3_put *p, const struct s3_received *received);
/* Writes what was received as p->new says, with an event of that kind. */
void s3_put_store(struct s3_request *rq, struct s3_received *received, const char *event,
                  void (*done)(struct s3_request *rq, int r));
/* The same of an object that is all set, wherever its bytes are. */
void s3_put_submit(struct s3_request *rq, const char *event,
                   void (*done)(struct s3_request *rq, int r));
/* After the job: lets go of what was received; true: it failed, and that was answered. */
bool s3_put_failed(struct s3_request *rq, int r);
/* The fields of an answer to a put. */
void s3_put_headers(struct s3_request *rq);
