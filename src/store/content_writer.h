/* Writes an object's bytes into its file: the first of them as files are written, the rest past the
 * page cache (open(2), O_DIRECT) where the file system can. For as large an object the copy into it
 * may cost more than the digests, and would push out all that is read often.
 *
 * On any thread, by one at a time.
 *
 * SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include <stdatomic.h>

#include "base/limits.h"
#include "base/str.h"

/* Of addresses and lengths in memory: what any disk's blocks and any processor's pages divide. */
#define CONTENT_ALIGNMENT 4096

struct content_writer {
    int fd; /* -1: none */
    uint64_t cached_max;
    _Atomic uint64_t written;
    bool is_direct;
    char *block; /* of CONTENT_ALIGNMENT; bytes that await being written directly */
    size_t len;
};

/* Takes the descriptor. So many bytes, a multiple of CONTENT_ALIGNMENT, go by the page cache. */
void content_writer_init(struct content_writer *w, int fd, uint64_t cached_max);
void content_writer_finish(struct content_writer *w);
/* Negative errno: the file is as good as lost. */
int content_writer_add(struct content_writer *w, struct str data) MUST_USE;
/* All that was added is on the disk when this returns 0. */
int content_writer_end(struct content_writer *w) MUST_USE;
