/* SPDX-License-Identifier: Apache-2.0 */
#include "store/content_writer.h"

#include <assert.h>
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <unistd.h>

#include "base/scope.h"

#define BLOCK_BYTES MIB

void content_writer_init(struct content_writer *w, int fd, uint64_t cached_max)
{
    assert(cached_max % CONTENT_ALIGNMENT == 0);
    *w = (struct content_writer){ .fd = fd, .cached_max = cached_max };
}

void content_writer_finish(struct content_writer *w)
{
    scope_close_fd(&w->fd);
    free(w->block);
}

static int set_direct(struct content_writer *w, bool is_direct)
{
    int flags = fcntl(w->fd, F_GETFL);
    flags = is_direct ? flags | O_DIRECT : flags & ~O_DIRECT;
    if (flags < 0 || fcntl(w->fd, F_SETFL, flags) < 0) {
        return -errno;
    }
    w->is_direct = is_direct;
    return 0;
}

static int write_all(struct content_writer *w, struct str data)
{
    while (data.len > 0) {
        ssize_t n = write(w->fd, data.data, data.len);
        if (n >= 0) {
            data = str_skip(data, (size_t)n);
            w->written += (uint64_t)n;
        } else if (errno == EINVAL && w->is_direct) {
            /* A disk of larger blocks, or what was written last was cut short in one. */
            int r = set_direct(w, false);
            if (r < 0) {
                return r;
            }
        } else {
            return -errno;
        }
    }
    return 0;
}

static int write_block(struct content_writer *w)
{
    size_t len = w->len;
    w->len = 0;
    return write_all(w, str_of(w->block, len));
}

/* Without a copy, where the memory is as a disk wants it. */
static int write_aligned(struct content_writer *w, struct str *in_out_data)
{
    size_t len = in_out_data->len - in_out_data->len % CONTENT_ALIGNMENT;
    if (w->len > 0 || len == 0 || (uintptr_t)in_out_data->data % CONTENT_ALIGNMENT != 0) {
        return 0;
    }
    struct str aligned = str_of(in_out_data->data, len);
    *in_out_data = str_skip(*in_out_data, len);
    return write_all(w, aligned);
}

static int add_to_blocks(struct content_writer *w, struct str data)
{
    int r = write_aligned(w, &data);
    while (r == 0 && data.len > 0) {
        size_t room = BLOCK_BYTES - w->len, len = data.len < room ? data.len : room;
        memcpy(w->block + w->len, data.data, len);
        w->len += len;
        data = str_skip(data, len);
        r = w->len == BLOCK_BYTES ? write_block(w) : 0;
    }
    return r;
}

/* From here on the page cache is passed by, unless the file system cannot. */
static void begin_direct(struct content_writer *w)
{
    w->block = aligned_alloc(CONTENT_ALIGNMENT, BLOCK_BYTES);
    if (w->block && set_direct(w, true) < 0) {
        free(take_ptr(w->block));
    }
}

int content_writer_add(struct content_writer *w, struct str data)
{
    if (w->written < w->cached_max) {
        uint64_t left = w->cached_max - w->written;
        struct str cached = str_of(data.data, data.len < left ? data.len : (size_t)left);
        int r = write_all(w, cached);
        if (r < 0 || w->written < w->cached_max) {
            return r;
        }
        begin_direct(w);
        data = str_skip(data, cached.len);
    }
    return w->block ? add_to_blocks(w, data) : write_all(w, data);
}

int content_writer_end(struct content_writer *w)
{
    int r = w->is_direct ? set_direct(w, false) : 0; /* the rest is of any length */
    r = r == 0 && w->len > 0 ? write_block(w) : r;
    return r == 0 && fsync(w->fd) < 0 ? -errno : r;
}
