/* SPDX-License-Identifier: Apache-2.0 */
#include "control/s3/s3_send.h"

#include <errno.h>
#include <string.h>
#include <sys/stat.h>

#include "base/log.h"
#include "control/s3/s3_reader.h"

/* An answer that passes through here: of an encrypted object. */
struct sending {
    struct s3_request *rq;
    struct s3_reader *reader;
    bool gone;
};

static void free_sending(void *state)
{
    struct sending *s = state;
    s3_reader_destroy(s->reader);
    free(s);
}

static void chunk_read(struct str data, void *context)
{
    struct sending *s = context;
    struct exchange *x = s->rq->x;
    if (s->gone) {
        exchange_end(x);
        return;
    }
    if (data.len == 0) {
        exchange_break(x); /* a file that is gone or cut short */
        return;
    }
    int64_t room = exchange_write(x, data);
    if (s3_reader_is_at_end(s->reader)) {
        exchange_end(x);
    } else if (room > 0) {
        s3_reader_read(s->reader, chunk_read, s);
    }
}

static void on_writable(struct s3_request *rq)
{
    struct sending *s = rq->state;
    if (!s3_reader_is_reading(s->reader) && !s3_reader_is_at_end(s->reader)) {
        s3_reader_read(s->reader, chunk_read, s);
    }
}

static void on_gone(struct s3_request *rq)
{
    struct sending *s = rq->state;
    s->gone = true;
    if (!s3_reader_is_reading(s->reader)) {
        exchange_end(rq->x);
    }
}

static void send_by_reading(struct s3_request *rq, const struct stored_object *o,
                            const struct s3_crypt *crypt, uint64_t offset, uint64_t length)
{
    struct sending *s = s3_state(rq, sizeof(*s), free_sending);
    s->rq = rq;
    s->reader = s3_reader_create(rq->s3, o, crypt, offset, length);
    rq->writable = on_writable;
    rq->gone = on_gone;
    s3_reader_read(s->reader, chunk_read, s);
}

/* An answer of the files of an object in parts, which the gateway sends one after the other. */
struct sending_files {
    struct s3_request *rq;
    struct stored_object object;
    char *memory;
    size_t part; /* the next of them */
    uint64_t at; /* where in it */
    uint64_t left;
};

static void free_sending_files(void *state)
{
    struct sending_files *s = state;
    store_contents_unhold(s->rq->s3->contents);
    free(s->memory);
    free(s);
}

static void send_next_file(struct s3_request *rq)
{
    struct sending_files *s = rq->state;
    struct stored_part part = store_objects_part(&s->object, s->part++);
    uint64_t offset = s->at, length = part.size - offset;
    scoped_fd int fd =
        store_contents_read(rq->s3->contents, str_of((const char *)part.hash, sizeof(part.hash)));
    if (fd < 0) {
        exchange_break(rq->x);
        return;
    }
    s->at = 0;
    if (length < s->left) {
        s->left -= length;
        exchange_send_file(rq->x, fd, offset, length);
    } else {
        exchange_send_last_file(rq->x, fd, offset, s->left);
    }
}

static void on_files_gone(struct s3_request *rq)
{
    exchange_end(rq->x);
}

static void send_files(struct s3_request *rq, const struct stored_object *o, uint64_t offset,
                       uint64_t length)
{
    struct sending_files *s = s3_state(rq, sizeof(*s), free_sending_files);
    *s = (struct sending_files){ .rq = rq, .at = offset, .left = length };
    s->memory = store_objects_copy(o, &s->object);
    s->part = store_objects_part_at(&s->object, &s->at);
    store_contents_hold(rq->s3->contents); /* none of them is removed meanwhile */
    rq->writable = send_next_file;
    rq->gone = on_files_gone;
    send_next_file(rq);
}

/* Instead of the object, whose fields stand in the head already. */
static void fail(struct s3_request *rq)
{
    buf_clear(&rq->headers);
    s3_fail(rq, S3_INTERNAL);
}

static void send_row(struct s3_request *rq, unsigned status, const struct stored_object *o,
                     uint64_t offset, uint64_t length)
{
    size_t len = 0;
    scoped_free char *data =
        o->row ? store_contents_row(rq->s3->services->store, o->row, &len) : NULL;
    if (len < offset + length) {
        fail(rq);
    } else {
        s3_answer_with(rq, status, str_of(data ? data + offset : "", (size_t)length));
    }
}

/* A file of an object, or negative: it cannot be read or is not whole, and nothing of it was
 * sent. */
static int open_file(const struct s3_request *rq, struct str hash, uint64_t size)
{
    struct stat st;
    scoped_fd int fd = store_contents_read(rq->s3->contents, hash);
    if (fd >= 0 && fstat(fd, &st) == 0 && (uint64_t)st.st_size >= size) {
        return take_fd(&fd);
    }
    if (fd < 0 && fd != -ENOENT) { /* the disk fails, or descriptors are used up: it may be whole */
        log_error("object " STR_FMT " of bucket " STR_FMT " cannot be read: %s", STR_ARG(rq->key),
                  STR_ARG(rq->bucket_name), strerror(-fd));
        return -EIO;
    }
    log_error("object " STR_FMT " of bucket " STR_FMT " is damaged: its file below objects/ in the "
              "data folder is %s; upload it again",
              STR_ARG(rq->key), STR_ARG(rq->bucket_name), fd < 0 ? "gone" : "cut short");
    return -EIO;
}

void s3_send(struct s3_request *rq, unsigned status, const struct stored_object *o,
             const struct s3_crypt *crypt, uint64_t offset, uint64_t length)
{
    if (length == 0 || (o->row && !crypt)) {
        send_row(rq, status, o, offset, length);
        return;
    }
    bool is_file = o->hash.len > 0;
    scoped_fd int fd = is_file ? open_file(rq, o->hash, o->size) : -1;
    if (is_file && fd < 0) {
        fail(rq);
        return;
    }
    rq->outcome.sent_bytes = length;
    s3_put_header_u64(rq, "content-length", length);
    if (crypt) {
        s3_answer_head(rq, status);
        send_by_reading(rq, o, crypt, offset, length);
        return;
    }
    if (o->parts.len > 0) {
        s3_answer_head(rq, status);
        send_files(rq, o, offset, length);
        return;
    }
    s3_answer_head(rq, status);
    exchange_send_last_file(rq->x, fd, offset, length);
}
