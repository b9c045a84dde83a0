/* CompleteMultipartUpload: the files of the parts become the object's, in one transaction and
 * without being read.
 *
 * SPDX-License-Identifier: Apache-2.0 */
#include <assert.h>
#include <stdio.h>

#include "base/hex.h"
#include "base/mem.h"
#include "control/s3/operations/s3_upload.h"
#include "control/s3/s3_access.h"
#include "control/s3/s3_conditions.h"
#include "control/s3/s3_event.h"
#include "control/s3/s3_lifecycle.h"
#include "control/s3/s3_new.h"
#include "control/s3/s3_object.h"
#include "control/s3/s3_operations.h"
#include "control/sign/aws_digest.h"
#include "http/http_block.h"
#include "store/sql.h"

/* A part as the client names it. */
struct named {
    uint32_t number;
    struct str etag;        /* without quotes */
    struct str checksum;    /* data NULL: none, or not of the agreed kind */
    enum s3_checksum other; /* one that was not agreed on, or NONE */
};

struct completion {
    struct s3_upload upload;
    struct named *named;
    uint32_t *numbers;
    size_t count;
    size_t at; /* of the next one to be found */
    struct stored_part *parts;
    struct object_write write;
    struct s3_conditions conditions;
    struct s3_checksum_value whole; /* kind and type of the object's; not NONE */
    bool is_agreed;                 /* ... by the client; else it is S3's own */
    struct s3_checksum_parts checksum;
    struct str expected; /* of the whole, or data NULL */
    bool has_size;
    uint64_t size, small; /* small: of a part that is too small */
    EVP_MD_CTX *md5;
    enum s3_error error;
    struct str bad_number; /* of a part */
    int event;
    char etag[S3_ETAG_TEXT];
    char checksum_text[S3_CHECKSUM_TEXT];
    char checksum_stored[S3_CHECKSUM_STORED];
    char id[S3_UPLOAD_ID_BYTES];
};

static void free_completion(void *state)
{
    struct completion *c = state;
    s3_upload_finish(&c->upload);
    EVP_MD_CTX_free(c->md5);
    s3_digest_destroy(c->checksum.digest);
    free(c->named);
    free(c->numbers);
    free(c->parts);
    free(c);
}

static struct str unquote(struct str s)
{
    s = str_trim(s);
    return s.len >= 2 && s.data[0] == '"' && s.data[s.len - 1] == '"'
               ? str_of(s.data + 1, s.len - 2)
               : s;
}

static enum s3_error read_part(const struct s3_xml_node *node, struct completion *c,
                               struct named *ret)
{
    struct str number = s3_xml_text(node, "PartNumber"), etag = s3_xml_text(node, "ETag");
    struct str digits = str_starts(number, STR("-")) ? str_skip(number, 1) : number;
    uint64_t value;
    if (!str_to_u64(digits, &value) || value > S3_PARTS_MAX || !etag.data) {
        return S3_MALFORMED_XML;
    }
    if (value < 1 || digits.len < number.len) {
        c->bad_number = number;
        return S3_INVALID_ARGUMENT;
    }
    *ret = (struct named){ .number = (uint32_t)value, .etag = unquote(etag) };
    for (int i = S3_CHECKSUM_NONE + 1; i < S3_CHECKSUM_COUNT; i++) {
        struct str text = s3_xml_text(node, s3_checksum_element((enum s3_checksum)i));
        if (c->upload.checksum.kind == (enum s3_checksum)i) {
            ret->checksum = text;
        } else {
            ret->other = text.data ? (enum s3_checksum)i : ret->other;
        }
    }
    return S3_OK;
}

/* S3_OK, or what is wrong with the list. */
static enum s3_error read_parts(struct s3_request *rq, struct completion *c)
{
    const struct s3_xml_node *root = rq->xml ? s3_xml_root(rq->xml) : NULL;
    size_t count = s3_xml_count(root, "Part"), i = 0;
    if (!root || !s3_xml_is(root, "CompleteMultipartUpload") || count == 0 ||
        count > S3_PARTS_MAX) {
        return S3_MALFORMED_XML;
    }
    c->count = count;
    c->named = mem_alloc(count * sizeof(*c->named));
    c->numbers = mem_alloc(count * sizeof(*c->numbers));
    c->parts = mem_alloc(count * sizeof(*c->parts));
    for (const struct s3_xml_node *p = s3_xml_child(root, "Part"); p; p = s3_xml_again(p), i++) {
        enum s3_error error = read_part(p, c, &c->named[i]);
        if (error != S3_OK) {
            return error;
        }
        c->numbers[i] = c->named[i].number;
        if (i > 0 && c->numbers[i] < c->numbers[i - 1]) {
            return S3_INVALID_PART_ORDER;
        }
        if (i > 0 && c->numbers[i] == c->numbers[i - 1]) {
            i--; /* named again: the last counts */
            c->named[i] = c->named[i + 1];
        }
    }
    c->count = i;
    return S3_OK;
}

/* ---- in the job ---- */

static enum s3_error check_part(struct completion *c, const struct stored_upload_part *part)
{
    const struct named *n = &c->named[c->at];
    struct s3_checksum_value v = s3_checksum_load(part->checksum);
    if (!str_eq(n->etag, part->etag)) {
        return S3_INVALID_PART;
    }
    if (n->other != S3_CHECKSUM_NONE) {
        return c->is_agreed ? S3_BAD_DIGEST : S3_INVALID_PART;
    }
    if (!n->checksum.data && c->is_agreed && c->whole.type == S3_COMPOSITE) {
        return S3_INVALID_REQUEST;
    }
    if (n->checksum.data && !str_eq(n->checksum, v.text)) {
        return S3_INVALID_PART;
    }
    if (c->at + 1 < c->count && part->size < S3_PART_BYTES_MIN) {
        c->small = part->size;
        return S3_ENTITY_TOO_SMALL;
    }
    return v.kind == c->whole.kind && s3_checksum_parts_add(&c->checksum, v.text, part->size)
               ? S3_OK
               : S3_INVALID_PART;
}

static void on_part(const struct stored_upload_part *part, void *context)
{
    struct completion *c = context;
    uint8_t md5[S3_MD5_BYTES];
    if (c->error != S3_OK || c->at == c->count || part->number != c->named[c->at].number) {
        return; /* one that is not named is dropped */
    }
    c->error = check_part(c, part);
    if (c->error != S3_OK || !hex_read(part->etag, md5, sizeof(md5)) ||
        part->hash.len != CONTENT_HASH_BYTES) {
        c->error = c->error != S3_OK ? c->error : S3_INTERNAL;
        return;
    }
    struct stored_part *p = &c->parts[c->at++];
    *p = (struct stored_part){ .number = part->number, .size = part->size };
    memcpy(p->hash, part->hash.data, part->hash.len);
    struct s3_checksum_value v = s3_checksum_load(part->checksum);
    if (c->is_agreed && v.text.len < sizeof(p->checksum)) {
        memcpy(p->checksum, v.text.data ? v.text.data : "", v.text.len);
    }
    c->write.object.size += part->size;
    int ok = EVP_DigestUpdate(c->md5, md5, sizeof(md5));
    assert(ok == 1);
}

static enum s3_error check_whole(struct completion *c)
{
    struct stored_object *o = &c->write.object;
    uint8_t md5[S3_MD5_BYTES];
    if (c->at != c->count) {
        return S3_INVALID_PART;
    }
    if (c->has_size && c->size != o->size) {
        return S3_INVALID_REQUEST;
    }
    int ok = EVP_DigestFinal_ex(c->md5, md5, NULL);
    assert(ok == 1);
    (void)hex_write(md5, sizeof(md5), c->etag);
    (void)snprintf(c->etag + 2 * sizeof(md5), sizeof(c->etag) - 2 * sizeof(md5), "-%zu", c->count);
    o->etag = str_c(c->etag);
    struct s3_checksum_value v = c->whole;
    v.text = s3_checksum_parts_final(&c->checksum, c->checksum_text);
    struct str rest = v.text, without_count = str_cut(&rest, '-'); /* minio-go sends that */
    if (c->expected.data && !str_eq(c->expected, v.text) && !str_eq(c->expected, without_count)) {
        return S3_BAD_DIGEST;
    }
    o->checksum = s3_checksum_store(&v, c->checksum_stored);
    o->parts = str_of((const char *)c->parts, c->count * sizeof(*c->parts));
    return S3_OK;
}

/* On a full disk it is run a second time. */
static void begin(struct completion *c)
{
    c->at = 0;
    c->error = S3_OK;
    c->write.object.size = 0;
    s3_digest_destroy(c->checksum.digest);
    s3_checksum_parts_init(&c->checksum, c->whole.kind, c->whole.type);
    int ok = EVP_DigestInit_ex(c->md5, EVP_md5(), NULL);
    assert(ok == 1); /* fails for want of memory only */
}

/* Conditions are of what the key had when the upload began: what was written or deleted since is in
 * conflict, even if they hold. */
static int check_conditions(const struct stored_object *current, void *context)
{
    struct completion *c = context;
    struct s3_conditions *w = &c->conditions;
    int r = s3_conditions_write_check(current, w);
    const struct stored_upload *u = &c->upload.upload;
    bool is_changed = current ? current->modified_ms > u->started_ms : u->had_object;
    if (r == 0 && is_changed && (w->if_match.data || w->if_none_match.data)) {
        w->failed = w->if_match.data ? "If-Match" : "If-None-Match";
        return s3_error_refuse(S3_CONDITION_CONFLICT);
    }
    return r;
}

static int run_complete(struct s3_request *rq, struct sql *db)
{
    struct completion *c = rq->state;
    begin(c);
    if (!store_uploads_has(db, c->upload.upload.id)) { /* it is over since it was found */
        return s3_error_refuse(S3_NO_SUCH_UPLOAD);
    }
    store_uploads_parts(db, c->upload.upload.id, 0, S3_PARTS_MAX, on_part, c);
    enum s3_error error = c->error != S3_OK ? c->error : check_whole(c);
    if (error != S3_OK) {
        return s3_error_refuse(error);
    }
    c->write.bytes = BYTES_HANDED_OVER;
    int r = store_objects_write(rq->s3->contents, db, &c->write);
    r = r < 0 ? r : s3_event_insert(rq->events, db, c->event, &c->write.object);
    return r < 0 ? r : store_uploads_remove(db, c->upload.upload.id, c->numbers, c->count);
}

/* ---- the answer ---- */

static void answer_completed(struct s3_request *rq, const struct stored_object *o)
{
    struct s3_checksum_value v = s3_checksum_load(o->checksum);
    struct s3_xml_out out = { .out = &rq->body };
    struct buf location;
    buf_init(&location, LIMIT_REQUEST_HEAD_BYTES);
    int r = s3_append_url(rq, &location);
    s3_put_new_version_header(rq, o);
    s3_new_put_encryption(rq, o->headers, o->crypt.len > 0);
    s3_lifecycle_put_header(rq, o);
    s3_xml_begin(&out, "CompleteMultipartUploadResult");
    s3_xml_put(&out, "Location", buf_str(&location));
    buf_finish(&location);
    s3_xml_put(&out, "Bucket", rq->bucket_name);
    s3_xml_put(&out, "Key", rq->key);
    s3_xml_put_etag(&out, "ETag", o->etag);
    if (v.kind != S3_CHECKSUM_NONE) {
        s3_xml_put(&out, s3_checksum_element(v.kind), v.text);
        s3_xml_put(&out, "ChecksumType", s3_checksum_type_name(v.type));
    }
    s3_xml_close(&out, "CompleteMultipartUploadResult");
    s3_answer_xml(rq, 200, r < 0 ? r : out.r);
}

static void answer_bad_digest(struct s3_request *rq, const struct completion *c)
{
    char text[96], name[16];
    if (c->at < c->count) { /* check_part() */
        (void)snprintf(text, sizeof(text),
                       "The %s you specified for part %u did not match what we received.",
                       s3_checksum_lower(c->named[c->at].other, name), c->named[c->at].number);
    } else {
        (void)snprintf(text, sizeof(text),
                       "The %s you specified did not match the calculated checksum.",
                       s3_checksum_lower(c->whole.kind, name));
    }
    s3_fail_text(rq, S3_BAD_DIGEST, text);
}

static void answer_bad_request(struct s3_request *rq, const struct completion *c)
{
    char text[192], name[16];
    if (c->at < c->count) { /* check_part() */
        (void)snprintf(text, sizeof(text),
                       "The upload was created using a %s checksum. The complete request must "
                       "include the checksum for each part. It was missing for part %u in the "
                       "request.",
                       s3_checksum_lower(c->whole.kind, name), c->named[c->at].number);
    } else { /* check_whole() */
        (void)snprintf(text, sizeof(text),
                       "The provided 'x-amz-mp-object-size' header value %llu does not match what "
                       "was computed: %llu",
                       (unsigned long long)c->size,
                       (unsigned long long)c->write.object.size); /* fits */
    }
    s3_fail_text(rq, S3_INVALID_REQUEST, text);
}

static void answer_failed(struct s3_request *rq, const struct completion *c, enum s3_error error)
{
    bool is_small = error == S3_ENTITY_TOO_SMALL;
    if (error == S3_INVALID_REQUEST) {
        answer_bad_request(rq, c);
        return;
    }
    if (error == S3_BAD_DIGEST) {
        answer_bad_digest(rq, c);
        return;
    }
    if (is_small) {
        s3_detail_u64(rq, "ProposedSize", c->small);
        s3_detail_u64(rq, "MinSizeAllowed", S3_PART_BYTES_MIN);
    } else if (error == S3_INVALID_PART) {
        s3_detail(rq, "UploadId", s3_param(rq, "uploadId"));
    }
    if ((is_small || error == S3_INVALID_PART) && c->at < c->count) {
        s3_detail_u64(rq, "PartNumber", c->named[c->at].number);
        s3_detail(rq, "ETag", c->named[c->at].etag);
    }
    s3_conditions_fail(rq, error, "", c->conditions.failed);
}

static void complete_done(struct s3_request *rq, int r)
{
    const struct completion *c = rq->state;
    if (r == s3_error_refuse(S3_NO_SUCH_UPLOAD)) {
        s3_upload_completed(rq, answer_completed); /* a client that has lost the answer */
        return;
    }
    if (r < 0) {
        answer_failed(rq, c, r == -ENOENT ? S3_NO_SUCH_BUCKET : s3_error_of(r));
        return;
    }
    store_contents_sweep(rq->s3->contents);
    answer_completed(rq, &c->write.object);
}

/* How large the object should be. False: answered. */
static bool read_size(struct s3_request *rq, struct completion *c)
{
    struct str size = s3_header(rq, "x-amz-mp-object-size");
    char text[128];
    uint64_t number;
    c->has_size = size.data && str_to_u64(size, &c->size);
    if (!size.data || c->has_size) {
        return true;
    }
    bool is_negative = str_starts(size, STR("-")) && str_to_u64(str_skip(size, 1), &number);
    (void)snprintf(text, sizeof(text), "Value for x-amz-mp-object-size header is %s: '" STR_FMT "'",
                   is_negative ? "less than zero" : "invalid", STR_ARG(size)); /* may be cut */
    s3_fail_text(rq, S3_INVALID_REQUEST, text);
    return false;
}

/* The checksum that the whole should have: one, and one of its kind. False: answered. */
static bool read_whole(struct s3_request *rq, struct completion *c)
{
    uint8_t bytes[S3_CHECKSUM_BYTES];
    char text[96];
    size_t count = 0;
    for (int i = S3_CHECKSUM_NONE + 1; i < S3_CHECKSUM_COUNT; i++) {
        count += s3_header(rq, s3_checksum_header((enum s3_checksum)i).data).data != NULL;
    }
    if (count > 1) {
        s3_fail_text(rq, S3_INVALID_REQUEST, S3_CHECKSUM_SEVERAL);
        return false;
    }
    c->expected = http_block_find(rq->x->headers, s3_checksum_header(c->whole.kind));
    struct str digest = c->expected; /* and the number of parts, which is compared later */
    if (c->whole.type == S3_COMPOSITE && digest.data) {
        digest.len = str_find(digest, '-');
    }
    if (digest.data && !aws_base64_decode(digest, bytes, s3_checksum_size(c->whole.kind))) {
        (void)snprintf(text, sizeof(text), "Value for " STR_FMT " header is invalid.",
                       STR_ARG(s3_checksum_header(c->whole.kind))); /* fits */
        s3_fail_text(rq, S3_INVALID_REQUEST, text);
        return false;
    }
    return true;
}

static bool read_expected(struct s3_request *rq, struct completion *c)
{
    struct str type = s3_header(rq, "x-amz-checksum-type");
    struct str mode = c->is_agreed ? s3_checksum_type_name(c->upload.checksum.type) : STR("null");
    enum s3_checksum_type named;
    if (type.data && !s3_checksum_type_of(type, &named)) {
        s3_fail_text(rq, S3_INVALID_REQUEST, S3_CHECKSUM_NO_TYPE);
        return false;
    }
    if (type.data && !str_eq_nocase(type, mode)) {
        char text[128];
        (void)snprintf(text, sizeof(text),
                       "The upload was created using the " STR_FMT " checksum mode. The complete "
                       "request must use the same checksum mode.",
                       STR_ARG(mode)); /* fits */
        s3_fail_text(rq, S3_INVALID_REQUEST, text);
        return false;
    }
    return read_size(rq, c) && read_whole(rq, c);
}

void s3_upload_complete(struct s3_request *rq)
{
    struct completion *c = s3_state(rq, sizeof(*c), free_completion);
    if (!s3_access_write(rq, "s3:PutObject", STR(""))) {
        return;
    }
    if (!s3_upload_look(rq, &c->upload)) {
        s3_upload_completed(rq, answer_completed); /* a client that has lost the answer */
        return;
    }
    c->is_agreed = c->upload.checksum.kind != S3_CHECKSUM_NONE;
    c->whole = c->is_agreed ? c->upload.checksum
                            : (struct s3_checksum_value){ .kind = S3_CHECKSUM_DEFAULT,
                                                          .type = S3_FULL_OBJECT };
    enum s3_error error = read_parts(rq, c);
    if (error == S3_INVALID_ARGUMENT) {
        s3_fail_argument(rq, "PartNumber must be >= 1", "PartNumber", c->bad_number);
        return;
    }
    if (error != S3_OK) {
        s3_fail(rq, error);
        return;
    }
    struct s3_crypt crypt;
    if (!s3_new_open(rq, S3_CUSTOMER_PREFIX, c->upload.upload.object.crypt, &crypt) ||
        !read_expected(rq, c) || !s3_conditions_read_write(rq, &c->conditions)) {
        return;
    }
    struct stored_object *o = &c->write.object;
    *o = c->upload.upload.object;
    o->checksum = STR("");
    o->modified_ms = rq->now_ms;
    o->upload = s3_upload_id(c->upload.upload.id, c->upload.upload.salt, c->id);
    c->write.check = check_conditions;
    c->write.context = c;
    c->md5 = EVP_MD_CTX_new();
    assert(c->md5); /* fails for want of memory only */
    c->event = s3_prepare_event(rq, rq->bucket, rq->key, "ObjectCreated:CompleteMultipartUpload");
    s3_submit(rq, run_complete, complete_done);
}
