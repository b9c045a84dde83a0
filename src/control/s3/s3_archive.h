/* Objects of the classes GLACIER and DEEP_ARCHIVE: they cannot be read before they are restored,
 * and no more when the days of that are over.
 * https://docs.aws.amazon.com/AmazonS3/latest/API/API_RestoreObject.html
 *
 * Nothing is archived anywhere: a restoration, which takes S3 minutes or hours, is over at once. It
 * is kept as the field x-amz-restore of its object. No I/O.
 *
 * SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include "store/store_objects.h"

#define S3_RESTORE_HEADER "x-amz-restore"

bool s3_archive_has(const struct stored_object *o);
/* Whether its bytes may be read now. */
bool s3_archive_is_readable(const struct stored_object *o, uint64_t now_ms);
/* Until when it is restored, in seconds; false: it is not. */
bool s3_archive_until(const struct stored_object *o, uint64_t now_ms, int64_t *ret_s);
