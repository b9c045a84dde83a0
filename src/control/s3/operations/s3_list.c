/* ListObjects and ListObjectsV2.
 *
 * SPDX-License-Identifier: Apache-2.0 */
#include "control/s3/operations/s3_list.h"

#include <openssl/evp.h>

#include "base/limits.h"
#include "base/mem.h"
#include "control/s3/s3_archive.h"
#include "control/s3/s3_name.h"
#include "control/s3/s3_operations.h"
#include "control/s3/s3_turn.h"
#include "control/sign/aws_uri.h"
#include "http/http_block.h"

#define KEY_BUFFER_BYTES (2 * S3_KEY_BYTES_MAX)
#define ROWS_A_TURN      4000 /* about six milliseconds of keys whose objects are gone */

/* ---- the walk ---- */

struct str s3_list_common(const struct s3_list_query *q, struct str key)
{
    if (q->delimiter.len == 0 || key.len <= q->prefix.len) {
        return (struct str){ NULL, 0 };
    }
    const char *at = memmem(key.data + q->prefix.len, key.len - q->prefix.len, q->delimiter.data,
                            q->delimiter.len);
    return at ? str_of(key.data, (size_t)(at - key.data) + q->delimiter.len)
              : (struct str){ NULL, 0 };
}

static void set(struct buf *b, struct str text)
{
    buf_clear(b);
    (void)!buf_append(b, text); /* keys and prefixes have their limit */
}

/* The first text behind all those that begin with `prefix`: its last byte but 0xff counted up. */
static bool seek_behind(struct buf *seek, struct str prefix)
{
    set(seek, prefix);
    while (seek->len > 0 && (unsigned char)seek->data[seek->len - 1] == 0xff) {
        seek->len--;
    }
    if (seek->len == 0) {
        return false;
    }
    seek->data[seek->len - 1]++;
    return true;
}

static bool is_full(struct s3_list_walk *w)
{
    if (w->count == w->query->most) {
        w->truncated = true;
    }
    return w->truncated;
}

static enum object_walk tell_common(struct s3_list_walk *w, struct str common, struct buf *seek)
{
    const struct s3_list_query *q = w->query;
    /* The page before may have ended with it. */
    bool told = q->after.len > 0 && str_starts(q->after, common);
    if (!told) {
        if (is_full(w)) {
            return WALK_STOP;
        }
        w->common(w, common);
        w->count++;
        set(&w->last, common);
        w->last_is_common = true;
    }
    return seek_behind(seek, common) ? WALK_SEEK : WALK_STOP;
}

static enum object_walk tell_object(struct s3_list_walk *w, const struct stored_object *o)
{
    const struct s3_list_query *q = w->query;
    bool is_latest = !str_eq(buf_str(&w->key), o->key) || w->key.len == 0;
    set(&w->key, o->key);
    if (!q->versions && (o->flags & OBJECT_DELETE_MARKER)) {
        return WALK_KEY;
    }
    if (is_full(w)) {
        return WALK_STOP;
    }
    w->object(w, o, is_latest);
    w->count++;
    set(&w->last, o->key);
    w->last_rank = o->rank;
    w->last_is_common = false;
    return q->versions ? WALK_NEXT : WALK_KEY;
}

static enum object_walk on_object(const struct stored_object *o, struct buf *seek, void *context)
{
    struct s3_list_walk *w = context;
    const struct s3_list_query *q = w->query;
    if (!str_starts(o->key, q->prefix)) {
        return WALK_STOP;
    }
    if (w->rows > 0 && w->looked++ == w->rows) {
        w->is_cut = true;
        set(&w->from, o->key);
        return WALK_STOP;
    }
    struct str common = s3_list_common(q, o->key);
    if (common.data) {
        /* A prefix of nothing but delete markers is none. */
        if (!q->versions && (o->flags & OBJECT_DELETE_MARKER)) {
            return WALK_KEY;
        }
        return tell_common(w, common, seek);
    }
    return tell_object(w, o);
}

/* Where to begin: at the prefix, or behind what was told already. */
static void put_first_key(const struct s3_list_query *q, struct buf *ret)
{
    if (q->after.len == 0 || str_compare(q->after, q->prefix) < 0) {
        set(ret, q->prefix);
        return;
    }
    struct str common = s3_list_common(q, q->after);
    bool is_told = common.data && str_eq(common, q->after);
    if (!is_told || !seek_behind(ret, common)) {
        set(ret, q->after);
        if (!is_told && !q->has_version) {
            (void)!buf_append(ret, str_of("", 1)); /* behind it: the same and a zero byte */
        }
    }
}

static void keep_rank(const struct stored_object *o, void *context)
{
    *(int64_t *)context = o->rank;
}

/* The page before has told a key's versions up to this rank, the latest with them: unless that is
 * gone. */
static void begin_inside(const struct s3_request *rq, struct s3_list_walk *w)
{
    const struct object_version current = { .which = VERSION_CURRENT };
    const struct s3_list_query *q = w->query;
    int64_t rank;
    if (store_objects_find(rq->s3->services->store, rq->bucket->row.id, q->after, current,
                           keep_rank, &rank) &&
        rank <= q->after_rank) {
        set(&w->key, q->after);
    }
}

/* The rank to begin behind. */
static int64_t begin(const struct s3_request *rq, struct s3_list_walk *w)
{
    const struct s3_list_query *q = w->query;
    w->is_begun = true;
    buf_init(&w->from,
             LIMIT_REQUEST_HEAD_BYTES); /* where a client begins may be longer than a key */
    buf_init(&w->last, KEY_BUFFER_BYTES);
    buf_init(&w->key, KEY_BUFFER_BYTES);
    put_first_key(q, &w->from);
    bool is_inside = q->has_version && str_eq(buf_str(&w->from), q->after);
    if (is_inside) {
        begin_inside(rq, w);
    }
    return is_inside ? q->after_rank : RANK_BEFORE_ALL;
}

void s3_list_walk_finish(struct s3_list_walk *w)
{
    buf_finish(&w->from);
    buf_finish(&w->key);
}

bool s3_list_walk(const struct s3_request *rq, struct s3_list_walk *w)
{
    int64_t behind = w->is_begun ? RANK_BEFORE_ALL : begin(rq, w);
    w->looked = 0;
    w->is_cut = false;
    if (w->query->most > 0) {
        store_objects_walk(rq->s3->services->store, rq->bucket->row.id, buf_str(&w->from), behind,
                           on_object, w);
    }
    if (!w->is_cut) {
        s3_list_walk_finish(w);
    }
    return !w->is_cut;
}

/* ---- texts ---- */

void s3_list_put(struct s3_list_text *t, struct s3_xml_out *o, const char *name, struct str text)
{
    if (!t->is_url) {
        s3_xml_put(o, name, text);
        return;
    }
    buf_clear(&t->memory);
    int r = aws_uri_encode(&t->memory, text, '/');
    s3_xml_put(o, name, buf_str(&t->memory));
    o->r = o->r < 0 ? o->r : r;
}

bool s3_list_read_number(struct s3_request *rq, const char *name, uint64_t *number)
{
    char why[96];
    struct str text = s3_param(rq, name);
    bool is_negative = text.len > 0 && text.data[0] == '-';
    bool is_keys = strcmp(name, "max-keys") == 0;
    if (text.len == 0 || (str_to_u64(text, number) && *number <= INT32_MAX)) {
        return true;
    }
    (void)snprintf(why, sizeof(why), /* names are short */
                   is_negative ? "Argument %s must be an integer between 0 and 2147483647"
                               : "Provided %s not an integer or within integer range",
                   is_negative && is_keys ? "maxKeys" : name);
    s3_fail_argument(rq, why, name, text);
    return false;
}

bool s3_list_read(struct s3_request *rq, const char *most_name, struct s3_list_text *text,
                  size_t *ret_most)
{
    struct str encoding = s3_param(rq, "encoding-type");
    uint64_t number = S3_LIST_MAX;
    if (encoding.data && !str_eq_nocase(encoding, STR("url"))) {
        s3_fail_argument(rq, "Invalid Encoding Method specified in Request", "encoding-type",
                         encoding);
        return false;
    }
    if (!s3_list_read_number(rq, most_name, &number)) {
        return false;
    }
    text->is_url = encoding.len > 0;
    buf_init(&text->memory, 3 * LIMIT_REQUEST_HEAD_BYTES);
    *ret_most = number < S3_LIST_MAX ? (size_t)number : S3_LIST_MAX;
    return true;
}

/* ---- the operations ---- */

struct listing {
    struct s3_list_walk walk;
    struct s3_list_query query;
    struct s3_request *rq;
    struct s3_list_text text;
    struct s3_xml_out contents; /* into rq->body; prefixes are collected apart */
    struct buf commons;
    struct s3_xml_out common_out;
    struct buf token; /* decoded */
    bool with_owner, is_v2;
    size_t limit; /* max-keys as told */
};

static void put_checksum(struct s3_xml_out *o, struct str stored)
{
    struct s3_checksum_value v = s3_checksum_load(stored);
    if (v.kind != S3_CHECKSUM_NONE) {
        s3_xml_put(o, "ChecksumAlgorithm", s3_checksum_name(v.kind));
        s3_xml_put(o, "ChecksumType", s3_checksum_type_name(v.type));
    }
}

static void put_restore(const struct s3_request *rq, struct s3_xml_out *out,
                        const struct stored_object *o)
{
    int64_t until_s;
    if (str_eq(s3_header(rq, "x-amz-optional-object-attributes"), STR("RestoreStatus")) &&
        s3_archive_until(o, rq->now_ms, &until_s)) {
        s3_xml_open(out, "RestoreStatus");
        s3_xml_put_bool(out, "IsRestoreInProgress", false);
        s3_xml_put_time(out, "RestoreExpiryDate", (uint64_t)until_s * 1000);
        s3_xml_close(out, "RestoreStatus");
    }
}

static void list_object(struct s3_list_walk *w, const struct stored_object *o, bool is_latest)
{
    struct listing *l = container_of(w, struct listing, walk);
    struct s3_xml_out *out = &l->contents;
    struct str class = http_block_find(o->headers, STR("x-amz-storage-class"));
    (void)is_latest;
    s3_xml_open(out, "Contents");
    s3_list_put(&l->text, out, "Key", o->key);
    s3_xml_put_time(out, "LastModified", o->modified_ms);
    s3_xml_put_etag(out, "ETag", o->etag);
    put_checksum(out, o->checksum);
    s3_xml_put_u64(out, "Size", o->size);
    s3_xml_put(out, "StorageClass", class.data ? class : STR("STANDARD"));
    if (l->with_owner) {
        s3_xml_put_owner(l->rq, out, "Owner", o->owner);
    }
    put_restore(l->rq, out, o);
    s3_xml_close(out, "Contents");
}

static void list_common(struct s3_list_walk *w, struct str prefix)
{
    struct listing *l = container_of(w, struct listing, walk);
    s3_xml_open(&l->common_out, "CommonPrefixes");
    s3_list_put(&l->text, &l->common_out, "Prefix", prefix);
    s3_xml_close(&l->common_out, "CommonPrefixes");
}

static void listing_free(void *state)
{
    struct listing *l = state;
    buf_finish(&l->commons);
    buf_finish(&l->token);
    buf_finish(&l->text.memory);
    buf_finish(&l->walk.last);
    s3_list_walk_finish(&l->walk);
    free(l);
}

/* NULL: answered. */
static struct listing *listing_create(struct s3_request *rq)
{
    struct str prefix = s3_param(rq, "prefix"), delimiter = s3_param(rq, "delimiter");
    struct listing *l = s3_state(rq, sizeof(*l), listing_free);
    *l = (struct listing){
        .rq = rq,
        .contents = { .out = &rq->body },
        .walk = { .object = list_object, .common = list_common, .rows = ROWS_A_TURN }
    };
    buf_init(&l->commons, S3_ANSWER_BYTES_MAX);
    buf_init(&l->token, KEY_BUFFER_BYTES);
    l->common_out.out = &l->commons;
    l->walk.query = &l->query;
    l->query.prefix = prefix.data ? prefix : STR("");
    l->query.delimiter = delimiter.data ? delimiter : STR("");
    if (!s3_list_read(rq, "max-keys", &l->text, &l->query.most)) {
        return NULL;
    }
    /* Ceph's: our order costs nothing, so only what it refuses is to be seen. */
    if (str_eq(s3_param(rq, "allow-unordered"), STR("true")) && l->query.delimiter.len > 0) {
        s3_fail_argument(rq, "allow-unordered cannot be used with a delimiter", "allow-unordered",
                         STR("true"));
        return NULL;
    }
    uint64_t asked = S3_LIST_MAX;
    struct str most = s3_param(rq, "max-keys");
    l->limit = most.len > 0 && str_to_u64(most, &asked) ? (size_t)asked : S3_LIST_MAX;
    l->limit = l->limit < S3_LIST_MAX ? l->limit : S3_LIST_MAX;
    return l;
}

static void put_common_head(struct listing *l)
{
    s3_put_header(l->rq, "x-amz-bucket-region", s3_bucket_region(&l->rq->bucket->row));
    s3_xml_begin(&l->contents, "ListBucketResult");
    s3_xml_put(&l->contents, "Name", l->rq->bucket_name);
    /* Clients do not decode it in the first version's answers. */
    if (l->is_v2) {
        s3_list_put(&l->text, &l->contents, "Prefix", l->query.prefix);
    } else {
        s3_xml_put(&l->contents, "Prefix", l->query.prefix);
    }
    s3_xml_put_u64(&l->contents, "MaxKeys", l->limit);
    if (l->query.delimiter.len > 0) {
        s3_list_put(&l->text, &l->contents, "Delimiter", l->query.delimiter);
    }
    if (l->text.is_url) {
        s3_xml_put(&l->contents, "EncodingType", STR("url"));
    }
}

static void put_token(struct listing *l)
{
    char text[AWS_BASE64_BYTES(KEY_BUFFER_BYTES)];
    struct str last = buf_str(&l->walk.last);
    s3_xml_put(&l->contents, "NextContinuationToken",
               aws_base64((const uint8_t *)last.data, last.len, text));
}

static void listing_answer(struct listing *l)
{
    if (l->is_v2) {
        s3_xml_put_u64(&l->contents, "KeyCount", l->walk.count);
    }
    s3_xml_put_bool(&l->contents, "IsTruncated", l->walk.truncated);
    if (l->walk.truncated && l->is_v2) {
        put_token(l);
    } else if (l->walk.truncated && l->query.delimiter.len > 0) {
        s3_list_put(&l->text, &l->contents, "NextMarker", buf_str(&l->walk.last));
    }
    s3_xml_raw(&l->contents, buf_str(&l->commons));
    s3_xml_close(&l->contents, "ListBucketResult");
    int r = l->contents.r < 0 ? l->contents.r : l->common_out.r;
    s3_answer_xml(l->rq, 200, r);
}

static void list_some(struct s3_request *rq)
{
    struct listing *l = rq->state;
    bool is_over = s3_list_walk(rq, &l->walk);
    bool is_unread = store_read_failure(rq->s3->services->store) < 0; /* the next turn forgets it */
    if (is_over || is_unread || rq->x->is_gone) {
        listing_answer(l);
    } else {
        s3_turns_wait(rq, list_some);
    }
}

void s3_list_objects(struct s3_request *rq)
{
    struct listing *l = listing_create(rq);
    if (l) {
        struct str marker = s3_param(rq, "marker");
        l->with_owner = true;
        l->query.after = marker.data ? marker : STR("");
        put_common_head(l);
        s3_list_put(&l->text, &l->contents, "Marker", l->query.after);
        list_some(rq);
    }
}

/* A token is the last key, in base64 so that nobody takes it for one. */
static bool read_token(struct listing *l, struct str token)
{
    char *at;
    if (token.len % 4 != 0 || buf_reserve(&l->token, token.len, &at) < 0) {
        return false;
    }
    int len =
        EVP_DecodeBlock((unsigned char *)at, (const unsigned char *)token.data, (int)token.len);
    if (len < 0) {
        return false;
    }
    size_t padding = token.len > 0 && token.data[token.len - 1] == '=';
    padding += token.len > 1 && token.data[token.len - 2] == '=';
    l->token.len = (size_t)len - padding;
    l->query.after = buf_str(&l->token);
    return true;
}

void s3_list_objects_v2(struct s3_request *rq)
{
    struct str token = s3_param(rq, "continuation-token"), start = s3_param(rq, "start-after");
    struct listing *l = listing_create(rq);
    if (!l) {
        return;
    }
    l->is_v2 = true;
    l->with_owner = str_eq_nocase(s3_param(rq, "fetch-owner"), STR("true"));
    l->query.after = start.data ? start : STR("");
    if (token.len > 0 && !read_token(l, token)) {
        s3_fail_argument(rq, "The continuation token provided is incorrect", "continuation-token",
                         token);
        return;
    }
    put_common_head(l);
    if (token.data) {
        s3_xml_put(&l->contents, "ContinuationToken", token);
    }
    if (start.data) {
        s3_list_put(&l->text, &l->contents, "StartAfter", start);
    }
    list_some(rq);
}
