/* GetObject and HeadObject.
 *
 * SPDX-License-Identifier: Apache-2.0 */
#include <stdio.h>

#include "control/s3/operations/s3_upload.h"
#include "control/s3/s3_archive.h"
#include "control/s3/s3_charset.h"
#include "control/s3/s3_conditions.h"
#include "control/s3/s3_lifecycle.h"
#include "control/s3/s3_lock.h"
#include "control/s3/s3_new.h"
#include "control/s3/s3_object.h"
#include "control/s3/s3_operations.h"
#include "control/s3/s3_send.h"
#include "control/s3/s3_tags.h"
#include "http/http_block.h"
#include "http/http_date.h"
#include "http/http_head.h"

/* What of it is asked for. */
struct extent {
    uint64_t offset, length;
    bool is_partial;         /* 206 */
    struct stored_part part; /* of an upload in parts; number 0: none was asked for */
};

/* "bytes=1-2", "bytes=1-", "bytes=-2": one range. What is none asks for all of it. */
static bool parse_range(struct str range, uint64_t size, struct extent *e, bool *ret_unsatisfiable)
{
    uint64_t first, last;
    *ret_unsatisfiable = false;
    if (!str_starts(range, STR("bytes="))) {
        return false;
    }
    struct str end = str_trim(str_skip(range, sizeof("bytes=") - 1));
    struct str start = str_trim(str_cut(&end, '-'));
    end = str_trim(end);
    if (!end.data) {
        return false;
    }
    if (start.len == 0) {
        if (!str_to_u64(end, &last)) {
            return false;
        }
        *ret_unsatisfiable = last == 0;
        e->length = last < size ? last : size;
        e->offset = size - e->length;
        return last == 0 || size > 0; /* the last bytes of nothing are all of it */
    }
    if (!str_to_u64(start, &first) || (end.len > 0 && !str_to_u64(end, &last)) ||
        (end.len > 0 && last < first)) {
        return false;
    }
    last = end.len > 0 && last < size ? last : size - 1;
    *ret_unsatisfiable = first >= size;
    e->offset = first;
    e->length = last - first + 1;
    return true;
}

static bool fail_range(struct s3_request *rq, struct str range, uint64_t size)
{
    char text[32];
    s3_detail(rq, "RangeRequested", range);
    s3_detail_u64(rq, "ActualObjectSize", size);
    (void)snprintf(text, sizeof(text), "bytes */%llu", (unsigned long long)size); /* fits */
    s3_put_header(rq, "content-range", str_c(text));
    s3_fail(rq, S3_INVALID_RANGE);
    return false;
}

/* One part of an object that was uploaded in parts; any other object is one part. */
static bool find_part(struct s3_request *rq, const struct stored_object *o, struct extent *e)
{
    uint32_t wanted;
    size_t count = s3_object_part_count(o);
    if (!s3_upload_read_number(rq, &wanted)) {
        return false;
    }
    if (wanted > (count > 0 ? count : 1)) {
        s3_fail(rq, S3_INVALID_PART);
        return false;
    }
    e->is_partial = true;
    for (size_t i = 0; count > 0 && i < wanted; i++) {
        e->part = store_objects_part(o, i);
        e->offset += i + 1 < wanted ? e->part.size : 0;
        e->length = e->part.size;
    }
    return true;
}

/* False: answered. */
static bool find_extent(struct s3_request *rq, const struct stored_object *o, struct extent *e)
{
    struct str range = s3_header(rq, "range"), number = s3_param(rq, "partNumber");
    bool unsatisfiable;
    *e = (struct extent){ .length = o->size };
    if (number.data && range.data) {
        s3_fail_text(rq, S3_INVALID_REQUEST,
                     "Cannot specify both Range header and partNumber query parameter");
        return false;
    }
    if (number.data) {
        return find_part(rq, o, e);
    }
    if (range.data && parse_range(range, o->size, e, &unsatisfiable)) {
        if (unsatisfiable) {
            return fail_range(rq, range, o->size);
        }
        e->is_partial = true;
    }
    return true;
}

static void put_extent(struct s3_request *rq, const struct stored_object *o, const struct extent *e)
{
    char text[64];
    if (e->is_partial && e->length > 0) {
        (void)snprintf(text, sizeof(text), "bytes %llu-%llu/%llu", (unsigned long long)e->offset,
                       (unsigned long long)(e->offset + e->length - 1),
                       (unsigned long long)o->size); /* fits */
        s3_put_header(rq, "content-range", str_c(text));
    }
    if (e->part.number > 0) {
        s3_put_header_u64(rq, "x-amz-mp-parts-count", s3_object_part_count(o));
    }
}

/* Of the whole, or of a part that has one. */
static void put_checksum(struct s3_request *rq, const struct stored_object *o,
                         const struct extent *e)
{
    struct s3_checksum_value whole = s3_checksum_load(o->checksum);
    if (!str_eq_nocase(s3_header(rq, "x-amz-checksum-mode"), STR("ENABLED"))) {
        return;
    }
    bool is_whole = e->length == o->size && (e->part.number == 0 || whole.type == S3_FULL_OBJECT);
    if (is_whole) {
        s3_object_put_checksum(rq, o->checksum);
    } else if (e->part.checksum[0] && whole.kind != S3_CHECKSUM_NONE) {
        s3_put_header(rq, s3_checksum_header(whole.kind).data, str_c(e->part.checksum));
        s3_put_header(rq, "x-amz-checksum-type", s3_checksum_type_name(whole.type));
    }
}

/* ---- fields that the request replaces ---- */

static const struct {
    const char *param, *field;
} overrides[] = {
    { "response-content-type", "content-type" },
    { "response-content-language", "content-language" },
    { "response-expires", "expires" },
    { "response-cache-control", "cache-control" },
    { "response-content-disposition", "content-disposition" },
    { "response-content-encoding", "content-encoding" },
};

static bool is_override(struct str param)
{
    for (size_t i = 0; i < ARRAY_COUNT(overrides); i++) {
        if (str_eq(param, str_c(overrides[i].param))) {
            return true;
        }
    }
    return false;
}

/* False: answered. */
static bool check_override(struct s3_request *rq, const struct s3_param *p)
{
    char name[64], text[256];
    struct buf latin1;
    (void)snprintf(name, sizeof(name), STR_FMT, STR_ARG(p->name)); /* a long one is cut */
    if (!rq->who.user) {
        s3_fail_text(rq, S3_INVALID_REQUEST,
                     "Request specific response headers cannot be used for anonymous GET "
                     "requests.");
        return false;
    }
    if (!is_override(p->name)) {
        (void)snprintf(text, sizeof(text),
                       "%s is not in the set of overridable response headers. Please refer to the "
                       "S3 API documentation for a complete list of overridable response headers.",
                       name);
        s3_fail_argument(rq, text, name, p->value);
        return false;
    }
    buf_init(&latin1, p->value.len);
    bool is_value = s3_charset_to_latin1(&latin1, p->value) == 0 && http_is_field_value(p->value);
    buf_finish(&latin1);
    if (!is_value) {
        s3_fail_argument(rq, "Header value cannot be represented using ISO-8859-1.", name,
                         p->value);
    }
    return is_value;
}

/* Of signed requests only. False: answered. */
static bool check_overrides(struct s3_request *rq)
{
    for (size_t i = 0; i < rq->param_count; i++) {
        const struct s3_param *p = &rq->params[i];
        if (str_starts(p->name, STR("response-")) && !check_override(rq, p)) {
            return false;
        }
    }
    return true;
}

static void put_override(struct s3_request *rq, const char *field, struct str value)
{
    struct buf latin1;
    buf_init(&latin1, value.len);
    if (s3_charset_to_latin1(&latin1, value) == 0) { /* it is shorter, and was checked */
        s3_put_header(rq, field, buf_str(&latin1));
    }
    buf_finish(&latin1);
}

static void put_stored_headers(struct s3_request *rq, const struct stored_object *o)
{
    struct str block = o->headers, name, value;
    for (size_t i = 0; i < ARRAY_COUNT(overrides); i++) {
        struct str replacement = s3_param(rq, overrides[i].param);
        struct str kept = http_block_find(o->headers, str_c(overrides[i].field));
        if (replacement.data) {
            put_override(rq, overrides[i].field, replacement);
        } else if (kept.data) {
            s3_put_header(rq, overrides[i].field, kept);
        }
    }
    while (http_block_next(&block, &name, &value)) {
        bool is_over = str_eq(name, STR(S3_RESTORE_HEADER)) &&
                       !s3_archive_is_readable(o, rq->now_ms); /* as before it was restored */
        if (str_starts(name, STR("x-amz-")) && !str_starts(name, STR("x-amz-server-side-")) &&
            !is_over) {
            s3_put_header(rq, name.data, value); /* ends in NUL */
        }
    }
}

static void put_headers(struct s3_request *rq, const struct stored_object *o)
{
    char date[HTTP_DATE_BYTES];
    http_date_format((int64_t)(o->modified_ms / 1000), date);
    s3_put_header(rq, "last-modified", str_c(date));
    s3_put_header(rq, "accept-ranges", STR("bytes"));
    s3_object_put_etag(rq, o->etag);
    put_stored_headers(rq, o);
    s3_put_version_header(rq, o);
    s3_lock_put_headers(rq, o);
    if (!s3_has_param(rq, "versionId")) { /* the current one */
        s3_lifecycle_put_header(rq, o);
    }
    if (o->tags.len > 0) {
        s3_put_header_u64(rq, "x-amz-tagging-count", s3_tags_count(o->tags));
    }
}

/* False: answered. */
static bool check_archive(struct s3_request *rq, const struct stored_object *o)
{
    if (s3_archive_is_readable(o, rq->now_ms)) {
        return true;
    }
    s3_detail(rq, "StorageClass", http_block_find(o->headers, STR("x-amz-storage-class")));
    s3_fail_text(rq, S3_INVALID_OBJECT_STATE,
                 "The operation is not valid for the object's storage class");
    return false;
}

/* With whose key it has to be read. False: answered. */
static bool find_key(struct s3_request *rq, const struct stored_object *o, struct s3_crypt *crypt)
{
    struct str managed = s3_header(rq, "x-amz-server-side-encryption");
    if (managed.data) {
        s3_fail_argument(rq,
                         "x-amz-server-side-encryption header is not supported for this operation.",
                         "x-amz-server-side-encryption", managed);
        return false;
    }
    if (!s3_new_open(rq, S3_CUSTOMER_PREFIX, o->crypt, crypt)) {
        return false;
    }
    s3_new_put_encryption(rq, o->headers, o->crypt.len > 0);
    return true;
}

static void answer_not_modified(struct s3_request *rq, const struct stored_object *o)
{
    char date[HTTP_DATE_BYTES];
    http_date_format((int64_t)(o->modified_ms / 1000), date);
    s3_object_put_etag(rq, o->etag);
    s3_put_header(rq, "last-modified", str_c(date));
    s3_fail(rq, S3_NOT_MODIFIED);
}

void s3_object_answer(struct s3_request *rq, const struct stored_object *o)
{
    struct s3_conditions conditions;
    struct s3_crypt crypt;
    struct extent e;
    s3_conditions_read(rq, "", &conditions);
    enum s3_error error = s3_conditions_read_check(&conditions, o->etag, o->modified_ms);
    if (error == S3_NOT_MODIFIED) {
        answer_not_modified(rq, o);
        return;
    }
    if (error != S3_OK) {
        s3_conditions_fail(rq, error, "", conditions.failed);
        return;
    }
    bool is_read = !str_eq(rq->x->method, STR("HEAD"));
    if (is_read && !check_archive(rq, o)) {
        return;
    }
    if (!check_overrides(rq) || !find_extent(rq, o, &e) || !find_key(rq, o, &crypt)) {
        return;
    }
    s3_tell_object(rq, o->size);
    put_headers(rq, o);
    put_extent(rq, o, &e);
    put_checksum(rq, o, &e);
    unsigned status = e.is_partial && e.length > 0 ? 206 : 200;
    if (!is_read) {
        s3_put_header_u64(rq, "content-length", e.length);
        s3_answer(rq, status);
    } else {
        s3_send(rq, status, o, o->crypt.len > 0 ? &crypt : NULL, e.offset, e.length);
    }
}

void s3_object_answer_as(struct s3_request *rq, unsigned status, const struct stored_object *o)
{
    struct s3_crypt crypt;
    if (!check_archive(rq, o) || !find_key(rq, o, &crypt)) {
        return;
    }
    put_headers(rq, o);
    s3_tell_object(rq, o->size);
    if (str_eq(rq->x->method, STR("HEAD"))) {
        s3_put_header_u64(rq, "content-length", o->size);
        s3_answer(rq, status);
    } else {
        s3_send(rq, status, o, o->crypt.len > 0 ? &crypt : NULL, 0, o->size);
    }
}

void s3_object_get(struct s3_request *rq)
{
    s3_object_find(rq, "s3:GetObject", S3_READ, s3_object_answer);
}
