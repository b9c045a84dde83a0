/* SPDX-License-Identifier: Apache-2.0 */
#include "control/s3/s3_reader.h"

#include <assert.h>
#include <errno.h>

#include "base/limits.h"
#include "base/mem.h"

#define CHUNK_BYTES (256 * KIB) /* the window of an answer */

struct s3_reader {
    struct s3 *s3;
    struct stored_object object;
    char *memory;
    char *row; /* owned; of an object that is one */
    size_t row_len;
    bool is_encrypted;
    struct s3_crypt crypt;
    uint64_t left;
    size_t part;      /* the file that is read */
    uint64_t part_at; /* from here on */
    int fd;           /* of it, or -1 */
    EVP_CIPHER_CTX *cipher;
    uv_work_t work;
    ssize_t result; /* of the last read */
    bool reading;
    s3_reader_fn done;
    void *context;
    char data[CHUNK_BYTES];
};

/* Of the file that is read. */
static uint64_t file_size(const struct s3_reader *r)
{
    return r->object.parts.len > 0 ? store_objects_part(&r->object, r->part).size : r->object.size;
}

struct s3_reader *s3_reader_create(struct s3 *s3, const struct stored_object *o,
                                   const struct s3_crypt *crypt, uint64_t offset, uint64_t length)
{
    struct s3_reader *r = mem_new(struct s3_reader);
    r->s3 = s3;
    r->memory = store_objects_copy(o, &r->object);
    r->is_encrypted = crypt != NULL;
    r->crypt = crypt ? *crypt : (struct s3_crypt){ 0 };
    r->left = length;
    r->fd = -1;
    r->part_at = offset;
    if (o->row) {
        r->row = store_contents_row(s3->services->store, o->row, &r->row_len);
    }
    r->part = store_objects_part_at(o, &r->part_at);
    store_contents_hold(s3->contents);
    return r;
}

void s3_reader_destroy(struct s3_reader *r)
{
    if (!r) {
        return;
    }
    assert(!r->reading);
    store_contents_unhold(r->s3->contents);
    scope_close_fd(&r->fd);
    EVP_CIPHER_CTX_free(r->cipher);
    free(r->row);
    free(r->memory);
    free(r);
}

static int open_file(struct s3_reader *r)
{
    struct stored_part part; /* holds what `hash` points to */
    struct str hash = r->object.hash;
    struct s3_crypt crypt = r->crypt;
    if (r->object.parts.len > 0) {
        part = store_objects_part(&r->object, r->part);
        hash = str_of((const char *)part.hash, sizeof(part.hash));
        crypt = s3_crypt_part(&r->crypt, part.number);
    }
    r->fd = store_contents_read(r->s3->contents, hash);
    if (r->fd >= 0 && r->is_encrypted) {
        EVP_CIPHER_CTX_free(r->cipher);
        r->cipher = s3_crypt_start(&crypt, r->part_at);
    }
    return r->fd;
}

static size_t next_length(const struct s3_reader *r)
{
    uint64_t most = file_size(r) - r->part_at;
    most = most < r->left ? most : r->left;
    return most < CHUNK_BYTES ? (size_t)most : CHUNK_BYTES;
}

static ssize_t read_row(struct s3_reader *r)
{
    size_t len = next_length(r);
    if (r->row_len < r->part_at + len) {
        return -EIO;
    }
    memcpy(r->data, r->row + r->part_at, len);
    if (r->is_encrypted && !r->cipher) {
        r->cipher = s3_crypt_start(&r->crypt, r->part_at);
    }
    return (ssize_t)len;
}

/* On a thread of the pool. */
static void read_chunk(uv_work_t *work)
{
    struct s3_reader *r = container_of(work, struct s3_reader, work);
    if (r->object.row) {
        r->result = read_row(r);
    } else if (r->fd < 0 && open_file(r) < 0) {
        r->result = -EIO;
    } else {
        r->result = pread(r->fd, r->data, next_length(r), (off_t)r->part_at);
    }
    if (r->result > 0 && r->is_encrypted) {
        s3_crypt_apply(r->cipher, r->data, r->data, (size_t)r->result);
    }
}

static void chunk_read(uv_work_t *work, int status)
{
    struct s3_reader *r = container_of(work, struct s3_reader, work);
    size_t len = r->result > 0 ? (size_t)r->result : 0;
    (void)status; /* never cancelled */
    r->reading = false;
    r->left -= len;
    r->part_at += len;
    if (len > 0 && r->part_at == file_size(r)) {
        scope_close_fd(&r->fd);
        r->fd = -1;
        r->part++;
        r->part_at = 0;
    }
    r->done(str_of(r->data, len), r->context);
}

void s3_reader_read(struct s3_reader *r, s3_reader_fn done, void *context)
{
    assert(!r->reading && r->left > 0);
    r->reading = true;
    r->done = done;
    r->context = context;
    int queued = uv_queue_work(r->s3->services->loop, &r->work, read_chunk, chunk_read);
    assert(queued == 0); /* only a missing function is refused */
}

bool s3_reader_is_reading(const struct s3_reader *r)
{
    return r->reading;
}

bool s3_reader_is_at_end(const struct s3_reader *r)
{
    return r->left == 0;
}
