/* ListObjectVersions.
 *
 * SPDX-License-Identifier: Apache-2.0 */
#include "control/s3/operations/s3_list.h"
#include "control/s3/s3_operations.h"
#include "control/s3/s3_version.h"
#include "http/http_block.h"

struct listing {
    struct s3_list_walk walk;
    struct s3_list_query query;
    struct s3_request *rq;
    struct s3_list_text text;
    struct s3_xml_out out;
    struct buf versions; /* what is told, behind the head that tells whether there is more */
    struct s3_xml_out versions_out;
    uint64_t last_salt;
    unsigned last_flags;
};

static void list_version(struct s3_list_walk *w, const struct stored_object *o, bool is_latest)
{
    struct listing *l = container_of(w, struct listing, walk);
    struct s3_xml_out *out = &l->versions_out;
    char version[S3_VERSION_TEXT];
    bool is_marker = (o->flags & OBJECT_DELETE_MARKER) != 0;
    const char *element = is_marker ? "DeleteMarker" : "Version";
    struct str class = http_block_find(o->headers, STR("x-amz-storage-class"));
    s3_xml_open(out, element);
    s3_list_put(&l->text, out, "Key", o->key);
    s3_xml_put(out, "VersionId", s3_version_text(o->rank, o->salt, o->flags, version));
    s3_xml_put_bool(out, "IsLatest", is_latest);
    s3_xml_put_time(out, "LastModified", o->modified_ms);
    if (!is_marker) {
        struct s3_checksum_value v = s3_checksum_load(o->checksum);
        s3_xml_put_etag(out, "ETag", o->etag);
        if (v.kind != S3_CHECKSUM_NONE) {
            s3_xml_put(out, "ChecksumAlgorithm", s3_checksum_name(v.kind));
            s3_xml_put(out, "ChecksumType", s3_checksum_type_name(v.type));
        }
        s3_xml_put_u64(out, "Size", o->size);
        s3_xml_put(out, "StorageClass", class.data ? class : STR("STANDARD"));
    }
    s3_xml_put_owner(l->rq, out, "Owner", o->owner);
    s3_xml_close(out, element);
    l->last_salt = o->salt;
    l->last_flags = o->flags;
}

static void list_common(struct s3_list_walk *w, struct str prefix)
{
    struct listing *l = container_of(w, struct listing, walk);
    s3_xml_open(&l->versions_out, "CommonPrefixes");
    s3_list_put(&l->text, &l->versions_out, "Prefix", prefix);
    s3_xml_close(&l->versions_out, "CommonPrefixes");
}

static void found_rank(const struct stored_object *o, void *context)
{
    *(int64_t *)context = o->rank;
}

/* Behind which version to go on. False: answered. */
static bool read_marker(struct s3_request *rq, struct listing *l)
{
    struct str key = s3_param(rq, "key-marker"), text = s3_param(rq, "version-id-marker");
    struct object_version version;
    l->query.after = key.data ? key : STR("");
    if (text.len == 0) {
        return true;
    }
    if (key.len == 0) {
        s3_fail_argument(rq, "A version-id marker cannot be specified without a key marker.",
                         "version-id-marker", text);
        return false;
    }
    if (!s3_version_parse(text, &version)) {
        s3_fail_argument(rq, "Invalid version id specified", "version-id-marker", text);
        return false;
    }
    l->query.has_version = true;
    l->query.after_rank = version.rank;
    if (version.which == VERSION_NULL) {
        l->query.has_version = store_objects_find(rq->s3->services->store, rq->bucket->row.id, key,
                                                  version, found_rank, &l->query.after_rank);
    }
    return true;
}

static void put_head(struct listing *l)
{
    struct s3_request *rq = l->rq;
    struct s3_xml_out *o = &l->out;
    struct str version = s3_param(rq, "version-id-marker");
    char text[S3_VERSION_TEXT];
    s3_xml_begin(o, "ListVersionsResult");
    s3_xml_put(o, "Name", rq->bucket_name);
    s3_list_put(&l->text, o, "Prefix", l->query.prefix);
    s3_list_put(&l->text, o, "KeyMarker", l->query.after);
    s3_xml_put(o, "VersionIdMarker", version.data ? version : STR(""));
    if (l->walk.truncated) {
        s3_list_put(&l->text, o, "NextKeyMarker", buf_str(&l->walk.last));
        if (!l->walk.last_is_common) {
            s3_xml_put(o, "NextVersionIdMarker",
                       s3_version_text(l->walk.last_rank, l->last_salt, l->last_flags, text));
        }
    }
    s3_xml_put_u64(o, "MaxKeys", l->query.most);
    if (l->query.delimiter.len > 0) {
        s3_list_put(&l->text, o, "Delimiter", l->query.delimiter);
    }
    if (l->text.is_url) {
        s3_xml_put(o, "EncodingType", STR("url"));
    }
    s3_xml_put_bool(o, "IsTruncated", l->walk.truncated);
}

void s3_list_versions(struct s3_request *rq)
{
    struct str prefix = s3_param(rq, "prefix"), delimiter = s3_param(rq, "delimiter");
    struct listing l = { .rq = rq,
                         .out = { .out = &rq->body },
                         .walk = { .object = list_version, .common = list_common },
                         .query = { .versions = true } };
    buf_init(&l.versions, S3_ANSWER_BYTES_MAX);
    l.versions_out.out = &l.versions;
    l.walk.query = &l.query;
    l.query.prefix = prefix.data ? prefix : STR("");
    l.query.delimiter = delimiter.data ? delimiter : STR("");
    if (s3_list_read(rq, "max-keys", &l.text, &l.query.most) && read_marker(rq, &l)) {
        (void)s3_list_walk(rq, &l.walk); /* in one go: each row is told */
        put_head(&l);
        s3_xml_raw(&l.out, buf_str(&l.versions));
        s3_xml_close(&l.out, "ListVersionsResult");
        s3_answer_xml(rq, 200, l.out.r < 0 ? l.out.r : l.versions_out.r);
        buf_finish(&l.walk.last);
    }
    buf_finish(&l.versions);
    buf_finish(&l.text.memory);
}
