/* ListParts and ListMultipartUploads.
 *
 * SPDX-License-Identifier: Apache-2.0 */
#include "control/s3/operations/s3_list.h"
#include "control/s3/operations/s3_upload.h"
#include "control/s3/s3_access.h"
#include "control/s3/s3_operations.h"
#include "http/http_block.h"

/* ---- parts ---- */

struct parts {
    struct s3_upload upload;
    struct buf text; /* what is told, behind the head that tells whether there is more */
    struct s3_xml_out out;
    size_t count, most;
    uint32_t last;
    bool truncated;
};

static void free_parts(void *state)
{
    struct parts *p = state;
    s3_upload_finish(&p->upload);
    buf_finish(&p->text);
    free(p);
}

static void on_part(const struct stored_upload_part *part, void *context)
{
    struct parts *p = context;
    struct s3_checksum_value v = s3_checksum_load(part->checksum);
    bool is_agreed = p->upload.checksum.kind != S3_CHECKSUM_NONE; /* else it is ours alone */
    if (p->count == p->most) {
        p->truncated = p->most > 0;
        return;
    }
    p->count++;
    p->last = part->number;
    s3_xml_open(&p->out, "Part");
    s3_xml_put_u64(&p->out, "PartNumber", part->number);
    s3_xml_put_time(&p->out, "LastModified", part->modified_ms);
    s3_xml_put_etag(&p->out, "ETag", part->etag);
    s3_xml_put_u64(&p->out, "Size", part->size);
    if (is_agreed && v.kind != S3_CHECKSUM_NONE) {
        s3_xml_put(&p->out, s3_checksum_element(v.kind), v.text);
    }
    s3_xml_close(&p->out, "Part");
}

static void answer_parts(struct s3_request *rq, struct parts *p, uint64_t after)
{
    const struct stored_upload *u = &p->upload.upload;
    struct s3_checksum_value v = p->upload.checksum;
    struct str class = http_block_find(u->object.headers, STR("x-amz-storage-class"));
    struct s3_xml_out o = { .out = &rq->body };
    s3_xml_begin(&o, "ListPartsResult");
    s3_xml_put(&o, "Bucket", rq->bucket_name);
    s3_xml_put(&o, "Key", rq->key);
    s3_xml_put(&o, "UploadId", s3_param(rq, "uploadId"));
    s3_xml_put_owner(rq, &o, "Initiator", u->initiator);
    s3_xml_put_owner(rq, &o, "Owner", u->object.owner);
    s3_xml_put(&o, "StorageClass", class.data ? class : STR("STANDARD"));
    s3_xml_put_u64(&o, "PartNumberMarker", after);
    s3_xml_put_u64(&o, "NextPartNumberMarker", p->last);
    s3_xml_put_u64(&o, "MaxParts", p->most);
    s3_xml_put_bool(&o, "IsTruncated", p->truncated);
    if (v.kind != S3_CHECKSUM_NONE) {
        s3_xml_put(&o, "ChecksumAlgorithm", s3_checksum_name(v.kind));
        s3_xml_put(&o, "ChecksumType", s3_checksum_type_name(v.type));
    }
    s3_xml_raw(&o, buf_str(&p->text));
    s3_xml_close(&o, "ListPartsResult");
    s3_answer_xml(rq, 200, o.r < 0 ? o.r : p->out.r);
}

void s3_upload_list_parts(struct s3_request *rq)
{
    struct parts *p = s3_state(rq, sizeof(*p), free_parts);
    uint64_t most_number = S3_LIST_MAX, after_number = 0;
    buf_init(&p->text, S3_ANSWER_BYTES_MAX);
    p->out.out = &p->text;
    if (!s3_access_write(rq, "s3:ListMultipartUploadParts", STR("")) ||
        !s3_upload_find(rq, &p->upload)) {
        return;
    }
    if (!s3_list_read_number(rq, "max-parts", &most_number) ||
        !s3_list_read_number(rq, "part-number-marker", &after_number)) {
        return;
    }
    p->most = most_number < S3_LIST_MAX ? (size_t)most_number : S3_LIST_MAX;
    store_uploads_parts(store_reader(rq->s3->services->store), p->upload.upload.id,
                        (uint32_t)after_number, p->most + 1, on_part, p);
    answer_parts(rq, p, after_number);
}

/* ---- uploads ---- */

struct uploads {
    struct s3_request *rq;
    struct s3_list_text text;
    struct s3_list_query query;
    struct buf told, commons, last_key, last_common;
    struct s3_xml_out out, common_out;
    size_t count;
    int64_t last_id;
    uint64_t last_salt;
    bool truncated;
};

static void set(struct buf *b, struct str text)
{
    buf_clear(b);
    (void)!buf_append(b, text); /* keys have their limit */
}

static void put_upload(struct uploads *l, const struct stored_upload *u)
{
    struct s3_checksum_value v = s3_checksum_load(u->object.checksum);
    struct str class = http_block_find(u->object.headers, STR("x-amz-storage-class"));
    char id[S3_UPLOAD_ID_BYTES];
    s3_xml_open(&l->out, "Upload");
    s3_list_put(&l->text, &l->out, "Key", u->object.key);
    s3_xml_put(&l->out, "UploadId", s3_upload_id(u->id, u->salt, id));
    s3_xml_put_owner(l->rq, &l->out, "Initiator", u->initiator);
    s3_xml_put_owner(l->rq, &l->out, "Owner", u->object.owner);
    s3_xml_put(&l->out, "StorageClass", class.data ? class : STR("STANDARD"));
    s3_xml_put_time(&l->out, "Initiated", u->started_ms);
    if (v.kind != S3_CHECKSUM_NONE) {
        s3_xml_put(&l->out, "ChecksumAlgorithm", s3_checksum_name(v.kind));
        s3_xml_put(&l->out, "ChecksumType", s3_checksum_type_name(v.type));
    }
    s3_xml_close(&l->out, "Upload");
}

static bool on_upload(const struct stored_upload *u, void *context)
{
    struct uploads *l = context;
    const struct s3_list_query *q = &l->query;
    if (!str_starts(u->object.key, q->prefix)) {
        return false;
    }
    struct str common = s3_list_common(q, u->object.key);
    if (common.data && (str_eq(common, buf_str(&l->last_common)) ||
                        (q->after.len > 0 && str_starts(q->after, common)))) {
        return true; /* told already */
    }
    if (l->count == q->most) {
        l->truncated = q->most > 0; /* or a client would ask for ever */
        return false;
    }
    l->count++;
    set(&l->last_key, common.data ? common : u->object.key);
    l->last_id = u->id;
    l->last_salt = u->salt;
    if (common.data) {
        set(&l->last_common, common);
        s3_xml_open(&l->common_out, "CommonPrefixes");
        s3_list_put(&l->text, &l->common_out, "Prefix", common);
        s3_xml_close(&l->common_out, "CommonPrefixes");
    } else {
        put_upload(l, u);
    }
    return true;
}

struct marker {
    struct str key;
    bool is_other; /* the upload is of another key */
};

static bool compare_key(const struct stored_upload *u, void *context)
{
    struct marker *m = context;
    m->is_other = !str_eq(u->object.key, m->key);
    return false;
}

/* Behind which upload of the key to go on: without an id, behind all of them. False: it is another
 * key's, and that was answered. */
static bool read_after_id(struct s3_request *rq, struct str key, int64_t *ret)
{
    struct str id = s3_param(rq, "upload-id-marker");
    struct marker m = { .key = key };
    uint64_t salt;
    if (!s3_upload_parse_id(id, ret, &salt)) {
        *ret = INT64_MAX;
        return true;
    }
    (void)store_uploads_find(rq->s3->services->store, *ret, salt, compare_key,
                             &m); /* one that is over has its place, too */
    if (m.is_other) {
        s3_fail_argument(rq, "Invalid uploadId marker", "upload-id-marker", id);
    }
    return !m.is_other;
}

static void answer_uploads(struct s3_request *rq, struct uploads *l)
{
    struct s3_xml_out o = { .out = &rq->body };
    struct str id = s3_param(rq, "upload-id-marker");
    char text[S3_UPLOAD_ID_BYTES];
    s3_xml_begin(&o, "ListMultipartUploadsResult");
    s3_xml_put(&o, "Bucket", rq->bucket_name);
    s3_list_put(&l->text, &o, "KeyMarker", l->query.after);
    /* Without a key it says nothing. */
    s3_xml_put(&o, "UploadIdMarker", id.data && l->query.after.len > 0 ? id : STR(""));
    s3_list_put(&l->text, &o, "NextKeyMarker", buf_str(&l->last_key));
    s3_xml_put(&o, "NextUploadIdMarker",
               l->last_id > 0 ? s3_upload_id(l->last_id, l->last_salt, text) : STR(""));
    if (l->query.prefix.len > 0) {
        s3_list_put(&l->text, &o, "Prefix", l->query.prefix);
    }
    if (l->query.delimiter.len > 0) {
        s3_list_put(&l->text, &o, "Delimiter", l->query.delimiter);
    }
    if (l->text.is_url) {
        s3_xml_put(&o, "EncodingType", STR("url"));
    }
    s3_xml_put_u64(&o, "MaxUploads", l->query.most);
    s3_xml_put_bool(&o, "IsTruncated", l->truncated);
    s3_xml_raw(&o, buf_str(&l->told));
    s3_xml_raw(&o, buf_str(&l->commons));
    s3_xml_close(&o, "ListMultipartUploadsResult");
    int r = o.r < 0 ? o.r : l->out.r;
    s3_answer_xml(rq, 200, r < 0 ? r : l->common_out.r);
}

void s3_upload_list(struct s3_request *rq)
{
    struct uploads l = { .rq = rq };
    struct str prefix = s3_param(rq, "prefix"), delimiter = s3_param(rq, "delimiter");
    struct str after = s3_param(rq, "key-marker");
    int64_t after_id = 0;
    l.query.prefix = prefix.data ? prefix : STR("");
    l.query.delimiter = delimiter.data ? delimiter : STR("");
    l.query.after = after.data ? after : STR("");
    /* Where the prefix begins, or behind the marker if that comes later. */
    bool from_after = l.query.after.len > 0 && str_compare(l.query.after, l.query.prefix) >= 0;
    if ((from_after && !read_after_id(rq, l.query.after, &after_id)) ||
        !s3_list_read(rq, "max-uploads", &l.text, &l.query.most)) {
        return;
    }
    buf_init(&l.told, S3_ANSWER_BYTES_MAX);
    buf_init(&l.commons, S3_ANSWER_BYTES_MAX);
    buf_init(&l.last_key, LIMIT_REQUEST_HEAD_BYTES);
    buf_init(&l.last_common, LIMIT_REQUEST_HEAD_BYTES);
    l.out.out = &l.told;
    l.common_out.out = &l.commons;
    store_uploads_walk(rq->s3->services->store, rq->bucket->row.id,
                       from_after ? l.query.after : l.query.prefix, after_id, on_upload, &l);
    answer_uploads(rq, &l);
    buf_finish(&l.told);
    buf_finish(&l.commons);
    buf_finish(&l.last_key);
    buf_finish(&l.last_common);
    buf_finish(&l.text.memory);
}
