/* The bytes of a large object on their way through threads of libuv's pool: cut into pieces, which
 * pass lanes of work that each keep their order but run beside one another.
 *
 * Loop thread only, but for what is called on a thread.
 *
 * SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include <uv.h>

#include "base/limits.h"
#include "base/list.h"
#include "base/str.h"
#include "control/s3/s3_error.h"

#define S3_PIECE_BYTES MIB

/* Decoding comes before the others, where there is anything to decode. */
enum s3_lane { S3_LANE_DECODE, S3_LANE_MD5, S3_LANE_FILE, S3_LANE_COUNT };

struct s3_piece {
    struct list links[S3_LANE_COUNT];
    unsigned lanes_left;
    size_t fed; /* bytes that came in for it */
    size_t len; /* what is left of them decoded */
    bool is_last;
    char data[S3_PIECE_BYTES];
};

/* What all transfers hold, and pieces that are used again. It outlives them. */
struct s3_lanes_pool;
struct s3_lanes_pool *s3_lanes_pool_create(void);
/* Not before all lanes of it are destroyed. NULL is fine. */
void s3_lanes_pool_destroy(struct s3_lanes_pool *pool);

struct s3_lanes;

/* On a thread: a lane's work on one piece. After an error that lane takes no other. */
typedef enum s3_error (*s3_lanes_work_fn)(enum s3_lane lane, struct s3_piece *p, void *context);
/* On the loop: a lane has done what it had. May free the lanes. */
typedef void (*s3_lanes_ran_fn)(enum s3_lane lane, enum s3_error error, void *context);

struct s3_lanes *s3_lanes_create(uv_loop_t *loop, struct s3_lanes_pool *pool, bool decodes,
                                 s3_lanes_work_fn work, s3_lanes_ran_fn ran, void *context);
/* Not before they are idle. NULL is fine. */
void s3_lanes_destroy(struct s3_lanes *l);
/* Copies the bytes. */
void s3_lanes_feed(struct s3_lanes *l, struct str data);
/* What has been fed goes on its way, the last piece, which may be empty, marked so. */
void s3_lanes_end(struct s3_lanes *l);
bool s3_lanes_is_idle(const struct s3_lanes *l);
/* Whether more should be fed; bytes held are limited, those of all transfers together, too. */
bool s3_lanes_have_room(const struct s3_lanes *l);
