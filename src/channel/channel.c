/* SPDX-License-Identifier: Apache-2.0 */
#include "channel/channel.h"

#include <assert.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <sys/mman.h>
#include <sys/stat.h>

#define CHANNEL_SEALS (F_SEAL_SHRINK | F_SEAL_GROW | F_SEAL_SEAL)

static bool is_ring_size(size_t size)
{
    return size >= CHANNEL_RING_MIN && size <= CHANNEL_RING_MAX && (size & (size - 1)) == 0;
}

/* Each ring begins on its own page, so that an unused direction costs nothing. */
static size_t ring_span(uint32_t ring_size)
{
    return (ring_bytes(ring_size) + CHANNEL_RING_MIN - 1) & ~(size_t)(CHANNEL_RING_MIN - 1);
}

/* The size of each of the two rings in so much memory; 0: it holds no channel. */
static uint32_t ring_size_of(size_t memory_bytes)
{
    size_t size = memory_bytes / 2 - (ring_span(CHANNEL_RING_MIN) - CHANNEL_RING_MIN);
    return is_ring_size(size) && 2 * ring_span((uint32_t)size) == memory_bytes ? (uint32_t)size : 0;
}

/* A pipe, of which either end leads to the other. It never holds more than a page. */
static int wake_make(void)
{
    int ends[2];
    if (pipe2(ends, O_CLOEXEC) < 0) {
        return -errno;
    }
    (void)close(ends[1]);
    (void)fcntl(ends[0], F_SETPIPE_SZ, CHANNEL_RING_MIN); /* larger is fine */
    if (fchmod(ends[0], 0666) < 0) { /* for who is handed it: another user opens it again */
        int r = -errno;
        (void)close(ends[0]);
        return r;
    }
    return ends[0];
}

/* Whether a descriptor blocks is a matter of who shares its open file description: so each side
 * has its own, or a hostile instance could have the other wait for ever. For reading and writing,
 * so that it is never at its end. */
static int wake_open(int *fd)
{
    char path[32];
    (void)snprintf(path, sizeof(path), "/proc/self/fd/%d", *fd);
    int own = open(path, O_RDWR | O_NONBLOCK | O_CLOEXEC);
    if (own < 0) {
        return -errno;
    }
    (void)close(*fd);
    *fd = own;
    return 0;
}

int channel_make(uint32_t ring_size, struct channel_fds *ret_fds)
{
    assert(is_ring_size(ring_size));
    scoped_fd int memory = memfd_create("mayfly-channel", MFD_CLOEXEC | MFD_ALLOW_SEALING);
    if (memory < 0 || ftruncate(memory, (off_t)(2 * ring_span(ring_size))) < 0 ||
        fcntl(memory, F_ADD_SEALS, CHANNEL_SEALS) < 0) {
        return -errno;
    }
    scoped_fd int wake_host = wake_make();
    if (wake_host < 0) {
        return wake_host;
    }
    int wake_instance = wake_make();
    if (wake_instance < 0) {
        return wake_instance;
    }
    *ret_fds = (struct channel_fds){ .memory = take_fd(&memory),
                                     .wake_host = take_fd(&wake_host),
                                     .wake_instance = wake_instance };
    return 0;
}

void channel_fds_close(struct channel_fds *fds)
{
    scope_close_fd(&fds->memory);
    scope_close_fd(&fds->wake_host);
    scope_close_fd(&fds->wake_instance);
    *fds = (struct channel_fds){ -1, -1, -1 };
}

int channel_open(struct channel *c, const struct channel_fds *fds, enum channel_side side)
{
    scoped_fd int memory = fds->memory;
    scoped_fd int wake_host = fds->wake_host;
    scoped_fd int wake_instance = fds->wake_instance;
    struct stat st;
    if (fstat(memory, &st) < 0) {
        return -errno;
    }
    size_t bytes = (size_t)st.st_size;
    uint32_t ring_size = ring_size_of(bytes);
    if (ring_size == 0 || (fcntl(memory, F_GET_SEALS) & CHANNEL_SEALS) != CHANNEL_SEALS) {
        return -EINVAL;
    }
    int r = wake_open(&wake_host);
    if (r == 0) {
        r = wake_open(&wake_instance);
    }
    if (r < 0) {
        return r;
    }
    void *at = mmap(NULL, bytes, PROT_READ | PROT_WRITE, MAP_SHARED, memory, 0);
    if (at == MAP_FAILED) {
        return -errno;
    }
    *c = (struct channel){ .memory = at, .memory_bytes = bytes };
    struct ring_shared *to_instance = at;
    struct ring_shared *to_host = (void *)((char *)at + ring_span(ring_size));
    bool host = side == CHANNEL_HOST;
    ring_init(&c->in, host ? to_host : to_instance, ring_size);
    ring_init(&c->out, host ? to_instance : to_host, ring_size);
    c->wake_self = host ? take_fd(&wake_host) : take_fd(&wake_instance);
    c->wake_peer = host ? take_fd(&wake_instance) : take_fd(&wake_host);
    return 0;
}

void channel_close(struct channel *c)
{
    if (c->memory) {
        (void)munmap(c->memory, c->memory_bytes); /* cannot fail for a mapping of ours */
        scope_close_fd(&c->wake_self);
        scope_close_fd(&c->wake_peer);
        *c = (struct channel){ .wake_self = -1, .wake_peer = -1 };
    }
}

void channel_flush(struct channel *c)
{
    bool reader = c->out.position != c->told_written && ring_reader_wants_wake(&c->out);
    bool writer = c->in.position != c->told_read && ring_writer_wants_wake(&c->in);
    c->told_written = c->out.position; /* a peer that does not sleep yet looks before it does */
    c->told_read = c->in.position;
    if (reader || writer) {
        (void)!write(c->wake_peer, "", 1); /* fails only when it is awake already */
    }
}

bool channel_trim(struct channel *c)
{
    (void)ring_trim(&c->out); /* it is small, or the next time is soon enough */
    bool ask = ring_is_large(&c->in);
    c->in.reached = 0;
    return ask;
}

bool channel_sleep(struct channel *c)
{
    return ring_sleep(&c->in);
}

void channel_awake(struct channel *c)
{
    char bytes[64];
    (void)!read(c->wake_self, bytes, sizeof(bytes)); /* empty is fine, more is told again */
    ring_awake(&c->in);
}
