/* SPDX-License-Identifier: Apache-2.0 */
#include "control/s3/s3_receive.h"

#include <assert.h>
#include <errno.h>
#include <stdio.h>
#include <unistd.h>

#include "base/chance.h"
#include "base/limits.h"
#include "base/mem.h"
#include "control/s3/s3_lanes.h"
#include "control/sign/aws_digest.h"
#include "store/content_writer.h"

/* With the coding of its chunks around it. */
#define MEMORY_MAX (CONTENT_ROW_BYTES_MAX + 16 * KIB)
/* Of an object: what is read soon or often is there, and is cheap for as long as the memory of
 * what was removed is used again. */
#define CACHED_BYTES (256 * MIB)
#define SYNC_BYTES   (16 * MIB) /* so that the sync at the end has little left to do */

struct s3_receive {
    uv_loop_t *loop;
    struct store_contents *contents;
    struct s3_receive_plan plan;
    struct aws_signed who;
    struct s3_crypt crypt;
    char expected[S3_CHECKSUM_TEXT];
    s3_receive_room_fn room;
    s3_receive_fn done;
    void *context;

    struct buf memory; /* all of it, until it is too large */
    struct s3_lanes_pool *pool;
    struct s3_lanes *lanes; /* NULL: it is in memory, so far */
    size_t owed;            /* bytes fed that the feeder was not told of */
    bool is_chunked, ended, syncing, publishing, is_checked, is_done;
    enum s3_error error;

    struct aws_chunked chunked;
    bool chunked_over;
    EVP_MD_CTX *md5;
    EVP_MD_CTX *sha256; /* NULL: the client has not signed it */
    struct s3_checksum_state checksum, crc64;
    EVP_CIPHER_CTX *cipher;
    char *encrypted; /* a piece, of the file lane */
    uint64_t size;   /* decoded, by the lane that knows first */
    struct content_writer writer;
    uint64_t synced;
    uv_work_t sync;
    int sync_result;
    uv_work_t publish;
    int publish_result;
    struct s3_received result;
    char checksum_text[S3_CHECKSUM_TEXT], crc64_text[S3_CHECKSUM_TEXT];
};

static EVP_MD_CTX *digest_new(const EVP_MD *kind)
{
    EVP_MD_CTX *digest = EVP_MD_CTX_new();
    int ok = digest ? EVP_DigestInit_ex(digest, kind, NULL) : 0;
    assert(ok == 1); /* fails for want of memory only */
    return digest;
}

static void digest_add(EVP_MD_CTX *digest, struct str data)
{
    int ok = EVP_DigestUpdate(digest, data.data, data.len);
    assert(ok == 1);
}

static void digest_end(EVP_MD_CTX *digest, uint8_t *ret)
{
    int ok = EVP_DigestFinal_ex(digest, ret, NULL);
    assert(ok == 1);
}

struct s3_receive *s3_receive_create(uv_loop_t *loop, struct store_contents *contents,
                                     struct s3_lanes_pool *pool, const struct s3_receive_plan *plan)
{
    struct s3_receive *r = mem_new(struct s3_receive);
    r->loop = loop;
    r->contents = contents;
    r->pool = pool;
    r->plan = *plan;
    content_writer_init(&r->writer, -1, 0);
    if (plan->who) {
        r->who = *plan->who;
        r->is_chunked = r->who.body == AWS_BODY_CHUNKS || r->who.body == AWS_BODY_CHUNKS_UNSIGNED;
    }
    if (plan->crypt) {
        r->crypt = *plan->crypt;
        r->cipher = s3_crypt_start(&r->crypt, 0);
    }
    if (r->is_chunked) {
        aws_chunked_init(&r->chunked, &r->who);
    }
    buf_init(&r->memory, (size_t)plan->limit + 16 * KIB);
    (void)snprintf(r->expected, sizeof(r->expected), STR_FMT, STR_ARG(plan->expected));
    r->md5 = digest_new(EVP_md5());
    r->sha256 = r->who.body == AWS_BODY_HASHED ? digest_new(EVP_sha256()) : NULL;
    s3_checksum_init(&r->checksum, plan->checksum);
    s3_checksum_init(&r->crc64, plan->with_crc64 ? S3_CHECKSUM_CRC64NVME : S3_CHECKSUM_NONE);
    return r;
}

void s3_receive_listen(struct s3_receive *r, s3_receive_room_fn room, s3_receive_fn done,
                       void *context)
{
    r->room = room;
    r->done = done;
    r->context = context;
}

/* ---- what is done to a piece: on a thread, or for small bodies on the loop ---- */

/* In place: what is decoded is never longer. */
static enum s3_error decode(struct s3_receive *r, char *bytes, size_t *in_out_len)
{
    struct str in = str_of(bytes, *in_out_len), data;
    size_t len = 0;
    int step;
    while ((step = aws_chunked_decode(&r->chunked, &in, &data)) == AWS_CHUNKED_DATA) {
        memmove(bytes + len, data.data, data.len);
        len += data.len;
    }
    *in_out_len = len;
    r->chunked_over = step == AWS_CHUNKED_END;
    return step == -EACCES ? S3_SIGNATURE_MISMATCH : step == -EBADMSG ? S3_INCOMPLETE_BODY : S3_OK;
}

static void add_checksums(struct s3_receive *r, struct str data)
{
    s3_checksum_update(&r->checksum, data);
    s3_checksum_update(&r->crc64, data);
    if (r->sha256) {
        digest_add(r->sha256, data);
    }
}

static enum s3_error store_piece(struct s3_receive *r, struct s3_piece *p)
{
    struct str data = str_of(p->data, p->len);
    add_checksums(r, data);
    if (r->plan.digest_only) {
        r->size += data.len;
        return S3_OK;
    }
    if (r->cipher) {
        s3_crypt_apply(r->cipher, data.data, r->encrypted, data.len);
        data.data = r->encrypted;
    }
    r->size += data.len;
    if (r->size > r->plan.limit) {
        return S3_ENTITY_TOO_LARGE;
    }
    int result = content_writer_add(&r->writer, data);
    /* Not only when all digests are there: MD5 is the slower lane. */
    result = result == 0 && p->is_last ? content_writer_end(&r->writer) : result;
    return s3_error_of(result);
}

/* On a thread. */
static enum s3_error work_on(enum s3_lane lane, struct s3_piece *p, void *context)
{
    struct s3_receive *r = context;
    switch (lane) {
    case S3_LANE_DECODE:
        return decode(r, p->data, &p->len);
    case S3_LANE_MD5:
        digest_add(r->md5, str_of(p->data, p->len));
        return S3_OK;
    default:
        return store_piece(r, p);
    }
}

/* ---- the end ---- */

static bool is_idle(const struct s3_receive *r)
{
    return !r->syncing && !r->publishing && (!r->lanes || s3_lanes_is_idle(r->lanes));
}

static void call_done(struct s3_receive *r)
{
    r->is_done = true;
    r->done(r->error, &r->result, r->context);
}

/* The trailer's field of the checksum, or what the head said. */
static struct str expected_checksum(const struct s3_receive *r)
{
    struct str rest = r->result.trailer, name = s3_checksum_header(r->plan.checksum);
    while (rest.len > 0) {
        struct str field = str_cut(&rest, '\0'), value = str_cut(&rest, '\0');
        if (str_eq(field, name)) {
            return value;
        }
    }
    return str_c(r->expected);
}

static enum s3_error check_length(const struct s3_receive *r)
{
    const struct s3_receive_plan *p = &r->plan;
    if (r->size > p->limit) {
        return S3_ENTITY_TOO_LARGE;
    }
    return (p->has_length && r->size != p->length) || (r->is_chunked && !r->chunked_over)
               ? S3_INCOMPLETE_BODY
               : S3_OK;
}

/* What the body was said to be. */
static enum s3_error check(const struct s3_receive *r, const uint8_t *sha256)
{
    const struct s3_receive_plan *p = &r->plan;
    enum s3_error error = check_length(r);
    if (error != S3_OK) {
        return error;
    }
    if (r->sha256 && memcmp(sha256, r->who.sha256, AWS_DIGEST_BYTES) != 0) {
        return S3_SHA256_MISMATCH;
    }
    if (p->has_md5 && memcmp(p->md5, r->result.md5, S3_MD5_BYTES) != 0) {
        return S3_BAD_MD5;
    }
    struct str expected =
        p->checksum != S3_CHECKSUM_NONE ? expected_checksum(r) : (struct str){ NULL, 0 };
    bool is_other = expected.len > 0 && !str_eq(expected, r->result.checksum.text);
    return is_other ? S3_BAD_DIGEST : S3_OK;
}

static struct s3_checksum_value take_checksum(struct s3_checksum_state *s, char *memory)
{
    struct s3_checksum_value v = { .kind = s->kind, .type = S3_FULL_OBJECT };
    if (s->kind != S3_CHECKSUM_NONE) {
        v.text = s3_checksum_final(s, memory);
    }
    return v;
}

static void take_digests(struct s3_receive *r, uint8_t ret_sha256[AWS_DIGEST_BYTES])
{
    struct s3_received *result = &r->result;
    digest_end(r->md5, result->md5);
    if (r->sha256) {
        digest_end(r->sha256, ret_sha256);
    }
    result->size = r->size;
    result->checksum = take_checksum(&r->checksum, r->checksum_text);
    result->crc64 = take_checksum(&r->crc64, r->crc64_text);
    if (r->is_chunked) {
        result->trailer = buf_str(&r->chunked.trailer);
    }
}

static void settle_or_give_room(struct s3_receive *r);

static void publish(uv_work_t *work)
{
    struct s3_receive *r = container_of(work, struct s3_receive, publish);
    r->publish_result = store_contents_publish(r->contents, r->result.name, r->result.hash);
}

static void published(uv_work_t *work, int status)
{
    struct s3_receive *r = container_of(work, struct s3_receive, publish);
    (void)status; /* never cancelled */
    r->publishing = false;
    r->result.is_file = true;
    if (r->error == S3_OK && r->publish_result < 0) {
        r->error = s3_error_of(r->publish_result);
    }
    settle_or_give_room(r);
}

static void start_publishing(struct s3_receive *r)
{
    r->publishing = true;
    int queued = uv_queue_work(r->loop, &r->publish, publish, published);
    assert(queued == 0); /* only a missing function is refused */
}

/* Where the SHA-256 of what is stored is known, equal bytes are stored once. It is not worth being
 * computed for that: 0.7 s of CPU time a GB, where all the rest is 3. */
static bool is_named_by_content(const struct s3_receive *r)
{
    return r->sha256 && !r->cipher;
}

static void check_file(struct s3_receive *r)
{
    uint8_t sha256[AWS_DIGEST_BYTES];
    take_digests(r, sha256);
    r->is_checked = true;
    r->error = check(r, sha256);
    if (is_named_by_content(r)) {
        memcpy(r->result.hash, sha256, CONTENT_HASH_BYTES);
    }
}

/* All is written and synced, or has failed. */
static void finish_file(struct s3_receive *r)
{
    if (!r->is_checked) {
        check_file(r);
    }
    if (r->error == S3_OK && !r->plan.digest_only && !r->result.is_file) {
        start_publishing(r);
    } else {
        call_done(r);
    }
}

static void finish_memory(struct s3_receive *r)
{
    char *bytes = r->memory.data;
    size_t len = r->memory.len;
    uint8_t sha256[AWS_DIGEST_BYTES];
    if (r->is_chunked) {
        r->error = decode(r, bytes, &len);
    }
    digest_add(r->md5, str_of(bytes, len));
    add_checksums(r, str_of(bytes, len));
    r->size = len;
    take_digests(r, sha256);
    r->error = r->error == S3_OK ? check(r, sha256) : r->error;
    if (r->error == S3_OK && r->cipher) {
        s3_crypt_apply(r->cipher, bytes, bytes, len);
    }
    r->result.data = str_of(bytes, len);
    call_done(r);
}

/* Ends it when it can be ended: true, and it may be gone. */
static bool settle(struct s3_receive *r)
{
    if (r->is_done || !is_idle(r)) {
        return false;
    }
    if (r->error != S3_OK) {
        call_done(r);
        return true;
    }
    if (r->ended && r->lanes) {
        finish_file(r);
        return true;
    }
    return false;
}

/* The last thing that a caller does: it may end it all, or have more fed. */
static void settle_or_give_room(struct s3_receive *r)
{
    if (!settle(r) && r->owed > 0 && s3_lanes_have_room(r->lanes)) {
        size_t bytes = r->owed;
        r->owed = 0;
        r->room(bytes, r->context);
    }
}

/* ---- on the way into a file ---- */

static void sync_file(uv_work_t *work)
{
    struct s3_receive *r = container_of(work, struct s3_receive, sync);
    r->sync_result = fdatasync(r->writer.fd) < 0 ? -errno : 0;
}

/* An error is told once: the sync at the end would not see it. */
static void synced(uv_work_t *work, int status)
{
    struct s3_receive *r = container_of(work, struct s3_receive, sync);
    (void)status; /* never cancelled */
    r->syncing = false;
    if (r->error == S3_OK && r->sync_result < 0) {
        r->error = s3_error_of(r->sync_result);
    }
    settle_or_give_room(r);
}

/* Beside the lanes. A disk has a cache of its own: only a sync empties that, too. */
static void sync_sometimes(struct s3_receive *r, uint64_t written)
{
    if (r->syncing || r->ended || written - r->synced < SYNC_BYTES) {
        return;
    }
    r->synced = written;
    r->syncing = true;
    int queued = uv_queue_work(r->loop, &r->sync, sync_file, synced);
    assert(queued == 0); /* only a missing function is refused */
}

static void lane_ran(enum s3_lane lane, enum s3_error error, void *context)
{
    struct s3_receive *r = context;
    r->error = r->error == S3_OK ? error : r->error;
    if (lane == S3_LANE_FILE) {
        sync_sometimes(r, atomic_load_explicit(&r->writer.written, memory_order_relaxed));
    }
    settle_or_give_room(r);
}

static bool create_file(struct s3_receive *r)
{
    bool is_full = store_contents_is_full(r->contents);
    int fd = is_full ? -ENOSPC : store_contents_create(r->contents, r->result.name);
    if (fd < 0) {
        r->result.name[0] = '\0';
        r->error = s3_error_of(fd);
        return false;
    }
    content_writer_init(&r->writer, fd, CACHED_BYTES);
    if (!is_named_by_content(r)) { /* the name becomes durable beside what is written */
        chance_bytes(r->result.hash, CONTENT_HASH_BYTES);
        start_publishing(r);
    }
    r->encrypted = r->cipher ? mem_alloc(S3_PIECE_BYTES) : NULL;
    return true;
}

/* It is too large to stay in memory. */
static void open_file(struct s3_receive *r)
{
    r->lanes = s3_lanes_create(r->loop, r->pool, r->is_chunked, work_on, lane_ran, r);
    if (r->plan.digest_only || create_file(r)) {
        s3_lanes_feed(r->lanes, buf_str(&r->memory)); /* the feeder was told of them */
        buf_finish(&r->memory);
    }
}

void s3_receive_feed(struct s3_receive *r, struct str data)
{
    if (r->is_done) {
        return;
    }
    if (r->error == S3_OK && !r->lanes && !r->plan.memory_only &&
        (r->plan.always_file || r->memory.len + data.len > MEMORY_MAX)) {
        open_file(r);
    }
    if (r->error != S3_OK) {
        (void)settle(r); /* else a lane will */
        return;
    }
    if (r->lanes) {
        r->owed += data.len;
        s3_lanes_feed(r->lanes, data);
        settle_or_give_room(r);
    } else if (buf_append(&r->memory, data) == 0) {
        r->room(data.len, r->context);
    } else {
        s3_receive_fail(r, S3_ENTITY_TOO_LARGE);
    }
}

void s3_receive_end(struct s3_receive *r)
{
    if (r->is_done || r->ended) {
        return;
    }
    r->ended = true;
    if (!r->lanes && r->plan.always_file) {
        open_file(r);
    }
    if (r->lanes && r->error == S3_OK) {
        s3_lanes_end(r->lanes);
    } else if (r->lanes) {
        (void)settle(r); /* else a lane will */
    } else {
        finish_memory(r);
    }
}

void s3_receive_fail(struct s3_receive *r, enum s3_error error)
{
    r->error = r->error == S3_OK ? error : r->error;
    (void)settle(r); /* else a lane will */
}

void s3_receive_destroy(struct s3_receive *r, bool kept)
{
    if (!r) {
        return;
    }
    if (r->result.name[0]) {
        store_contents_drop_name(r->contents, r->result.name);
        if (r->result.is_file && !kept) {
            store_contents_forget(r->contents, r->result.hash);
        }
    }
    content_writer_finish(&r->writer);
    if (r->is_chunked) {
        aws_chunked_finish(&r->chunked);
    }
    EVP_MD_CTX_free(r->md5);
    EVP_MD_CTX_free(r->sha256);
    s3_digest_destroy(r->checksum.digest);
    EVP_CIPHER_CTX_free(r->cipher);
    free(r->encrypted);
    s3_lanes_destroy(r->lanes);
    buf_finish(&r->memory);
    free(r);
}
