/* Netlify Blobs: what the package @netlify/blobs asks of Netlify's edge, served from a bucket of
 * S3.
 *
 *     PUT, GET, HEAD, DELETE /SITE/STORE/KEY   an object, as S3 has it: ETags, conditions, metadata
 *     GET /SITE/STORE?prefix&directories&cursor   its keys, as JSON
 *     DELETE /SITE/STORE                          all of them, a page at a time
 *     GET /SITE?prefix                            the stores
 *
 * The package finds the way by NETLIFY_BLOBS_CONTEXT, which deployment.c puts into the environment
 * of Netlify functions; its token stands for the function's credentials. Source of the protocol:
 * the package's client and its local server.
 *
 * Loop thread only.
 *
 * SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include "control/s3/s3_request.h"

/* Declared by the build of a project with Netlify functions (builder/events/netlify.js). */
#define S3_BLOBS_BUCKET "netlify-blobs"

/* Whether a request comes from there: S3 knows no bearer tokens. */
bool s3_blobs_is(const struct exchange *x);
/* Instead of s3_begin()'s own way. */
void s3_blobs_begin(struct s3_request *rq);
