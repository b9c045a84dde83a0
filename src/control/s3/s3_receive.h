/* Takes in the bytes of an object, from wherever they come: decodes, digests and stores them, in
 * constant memory.
 *
 * Small ones stay in memory and are dealt with on the loop. Others go through lanes of threads
 * (s3_lanes.h): decode (only the aws-chunked coding), MD5, and digest and write to a temporary
 * file, which is synced now and then on the way and at its end. Whoever feeds is told when to hold
 * on.
 *
 * Loop thread only.
 *
 * SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include <uv.h>

#include "control/s3/s3_checksum.h"
#include "control/s3/s3_crypt.h"
#include "control/s3/s3_error.h"
#include "control/sign/aws_chunked.h"
#include "store/store_contents.h"

#define S3_MD5_BYTES 16

struct s3_receive;
struct s3_lanes_pool;

/* What is wanted, and what the bytes must satisfy. */
struct s3_receive_plan {
    uint64_t limit;               /* of what is stored; more is S3_ENTITY_TOO_LARGE */
    bool has_length;              /* `length` bytes must come, else S3_INCOMPLETE_BODY */
    uint64_t length;              /* decoded */
    bool always_file;             /* even if it is small */
    bool memory_only;             /* never a file: `limit` is small */
    bool digest_only;             /* nothing is stored: only the digests are wanted */
    const struct aws_signed *who; /* NULL: bytes of our own */
    enum s3_checksum checksum;    /* to compute */
    bool with_crc64;              /* and S3's own CRC64NVME beside it */
    struct str expected;          /* of the checksum; empty: none given, or in the trailer */
    bool has_md5;
    uint8_t md5[S3_MD5_BYTES];
    const struct s3_crypt *crypt; /* NULL: stored as it is */
};

struct s3_received {
    uint64_t size;
    bool is_file;
    struct str data;               /* when it is no file; encrypted if it was to be */
    char name[CONTENT_NAME_BYTES]; /* of the temporary file, which is published */
    uint8_t hash[CONTENT_HASH_BYTES];
    uint8_t md5[S3_MD5_BYTES];
    struct s3_checksum_value checksum; /* kind NONE: none was asked for */
    struct s3_checksum_value crc64;    /* the same */
    struct str trailer;                /* fields behind an aws-chunked body */
};

/* Called once, not before s3_receive_end() or an error. `ret` lives until s3_receive_destroy(). */
typedef void (*s3_receive_fn)(enum s3_error error, struct s3_received *ret, void *context);
/* There is room again, so many bytes were dealt with. */
typedef void (*s3_receive_room_fn)(size_t bytes, void *context);

struct s3_receive *s3_receive_create(uv_loop_t *loop, struct store_contents *contents,
                                     struct s3_lanes_pool *pool,
                                     const struct s3_receive_plan *plan);
/* Who is to be told; before feeding. */
void s3_receive_listen(struct s3_receive *r, s3_receive_room_fn room, s3_receive_fn done,
                       void *context);
/* Copies the bytes. After an error they are dropped. */
void s3_receive_feed(struct s3_receive *r, struct str data);
void s3_receive_end(struct s3_receive *r);
/* The source has broken off: `done` is called with `error` when nothing is in flight any more. */
void s3_receive_fail(struct s3_receive *r, enum s3_error error);
/* After `done`. `kept`: the job that counts the file has succeeded. NULL is fine. */
void s3_receive_destroy(struct s3_receive *r, bool kept);
