/* SPDX-License-Identifier: Apache-2.0 */
#include "control/s3/s3_archive.h"

#include "http/http_block.h"
#include "http/http_date.h"

bool s3_archive_has(const struct stored_object *o)
{
    struct str class = http_block_find(o->headers, STR("x-amz-storage-class"));
    return str_eq(class, STR("GLACIER")) || str_eq(class, STR("DEEP_ARCHIVE"));
}

bool s3_archive_until(const struct stored_object *o, uint64_t now_ms, int64_t *ret_s)
{
    static const struct str before = STR("expiry-date=\"");
    struct str text = http_block_find(o->headers, STR(S3_RESTORE_HEADER));
    struct str date = str_behind(text, before);
    return date.data && http_date_parse(str_cut(&date, '"'), ret_s) &&
           (uint64_t)*ret_s > now_ms / 1000;
}

bool s3_archive_is_readable(const struct stored_object *o, uint64_t now_ms)
{
    int64_t until_s;
    return !s3_archive_has(o) || s3_archive_until(o, now_ms, &until_s);
}
