/* GetObjectAttributes.
 *
 * SPDX-License-Identifier: Apache-2.0 */
#include "control/s3/s3_new.h"
#include "control/s3/s3_object.h"
#include "control/s3/s3_operations.h"
#include "http/http_block.h"
#include "http/http_date.h"

#define PARTS_MAX 1000 /* of a page */
#define WANTED    "x-amz-object-attributes"

/* The wanted attributes, one by one: fields of a name are one list (RFC 9110 5.3), and the SDKs of
 * Go and of Java send one for each. */
struct wanted {
    struct str headers;
    struct str list;
};

static bool next_wanted(struct wanted *w, struct str *ret)
{
    struct str name, value;
    while (w->list.len == 0) {
        if (!http_block_next(&w->headers, &name, &value)) {
            return false;
        }
        if (str_eq_nocase(name, STR(WANTED))) {
            w->list = value;
        }
    }
    *ret = str_trim(str_cut(&w->list, ','));
    return true;
}

static bool wants(const struct s3_request *rq, const char *name)
{
    struct wanted w = { .headers = s3_headers(rq) };
    for (struct str one; next_wanted(&w, &one);) {
        if (str_eq(one, str_c(name))) {
            return true;
        }
    }
    return false;
}

static bool check_wanted(struct s3_request *rq)
{
    static const char *const known[] = { "ETag", "Checksum", "ObjectParts", "StorageClass",
                                         "ObjectSize" };
    struct wanted w = { .headers = s3_headers(rq) };
    size_t count = 0;
    for (struct str one; next_wanted(&w, &one); count++) {
        bool found = false;
        for (size_t i = 0; i < ARRAY_COUNT(known); i++) {
            found = found || str_eq(one, str_c(known[i]));
        }
        if (!found) {
            s3_fail_argument(rq, "Invalid attribute name specified.", WANTED, one);
            return false;
        }
    }
    if (count == 0) {
        s3_fail_text(rq, S3_INVALID_REQUEST,
                     "The " WANTED " header specifying the attributes to be retrieved "
                     "is either missing or empty");
    }
    return count > 0;
}

static void put_parts(struct s3_xml_out *o, const struct stored_object *object, size_t after,
                      size_t most)
{
    struct s3_checksum_value v = s3_checksum_load(object->checksum);
    size_t count = s3_object_part_count(object), told = 0, last = 0;
    bool truncated = false;
    s3_xml_open(o, "ObjectParts");
    s3_xml_put_u64(o, "PartsCount", count);
    for (size_t i = 0; i < count; i++) {
        struct stored_part part = store_objects_part(object, i);
        if (part.number <= after) {
            continue;
        }
        if (told == most) {
            truncated = true;
            break;
        }
        told++;
        last = part.number;
        s3_xml_open(o, "Part");
        s3_xml_put_u64(o, "PartNumber", part.number);
        s3_xml_put_u64(o, "Size", part.size);
        if (v.kind != S3_CHECKSUM_NONE && part.checksum[0]) {
            s3_xml_put(o, s3_checksum_element(v.kind), str_c(part.checksum));
        }
        s3_xml_close(o, "Part");
    }
    s3_xml_put_bool(o, "IsTruncated", truncated);
    s3_xml_put_u64(o, "MaxParts", most);
    s3_xml_put_u64(o, "NextPartNumberMarker", last);
    s3_xml_put_u64(o, "PartNumberMarker", after);
    s3_xml_close(o, "ObjectParts");
}

static void put_checksum(struct s3_xml_out *o, const struct stored_object *object)
{
    struct s3_checksum_value v = s3_checksum_load(object->checksum);
    if (v.kind != S3_CHECKSUM_NONE) {
        s3_xml_open(o, "Checksum");
        s3_xml_put(o, s3_checksum_element(v.kind), v.text);
        s3_xml_put(o, "ChecksumType", s3_checksum_type_name(v.type));
        s3_xml_close(o, "Checksum");
    }
}

static void found(struct s3_request *rq, const struct stored_object *object)
{
    struct str most = s3_header(rq, "x-amz-max-parts");
    struct str after = s3_header(rq, "x-amz-part-number-marker");
    struct str class = http_block_find(object->headers, STR("x-amz-storage-class"));
    uint64_t most_number = PARTS_MAX, after_number = 0;
    struct s3_xml_out o = { .out = &rq->body };
    char date[HTTP_DATE_BYTES];
    struct s3_crypt crypt;
    if (!check_wanted(rq) || !s3_new_open(rq, S3_CUSTOMER_PREFIX, object->crypt, &crypt)) {
        return;
    }
    if ((most.data && !str_to_u64(most, &most_number)) ||
        (after.data && !str_to_u64(after, &after_number))) {
        s3_fail(rq, S3_INVALID_ARGUMENT);
        return;
    }
    most_number = most_number < PARTS_MAX ? most_number : PARTS_MAX;
    http_date_format((int64_t)(object->modified_ms / 1000), date);
    s3_put_header(rq, "last-modified", str_c(date));
    s3_put_version_header(rq, object);
    s3_xml_begin(&o, "GetObjectAttributesResponse");
    if (wants(rq, "ETag")) {
        s3_xml_put(&o, "ETag", object->etag); /* here it has no quotes */
    }
    if (wants(rq, "Checksum")) {
        put_checksum(&o, object);
    }
    if (wants(rq, "ObjectParts") && s3_object_part_count(object) > 0) {
        put_parts(&o, object, (size_t)after_number, (size_t)most_number);
    }
    if (wants(rq, "StorageClass")) {
        s3_xml_put(&o, "StorageClass", class.data ? class : STR("STANDARD"));
    }
    if (wants(rq, "ObjectSize")) {
        s3_xml_put_u64(&o, "ObjectSize", object->size);
    }
    s3_xml_close(&o, "GetObjectAttributesResponse");
    s3_answer_xml(rq, 200, o.r);
}

void s3_object_attributes(struct s3_request *rq)
{
    s3_object_find(rq, "s3:GetObjectAttributes", S3_READ, found);
}
