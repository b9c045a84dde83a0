/* A channel: two rings in one sealed memfd and a pipe for each side to sleep on.
 *
 * The supervisor makes it (channel_make) and hands one end to the gateway and the other to an
 * instance; the gateway writes its log to control over one too. Used from one thread on each side.
 *
 * Both rings have the size that its maker chose; the memory says which. Its pages are touched only
 * as used, but a ring goes round all of them in time.
 *
 * SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include "channel/ring.h"

/* The descriptors of a channel, as they travel over a socket. */
struct channel_fds {
    int memory;
    int wake_host;     /* the host (gateway, or control for logs) sleeps on this */
    int wake_instance; /* the instance (or the gateway, for logs) sleeps on this */
};

#define CHANNEL_RING_MIN 4096U /* a page */
#define CHANNEL_RING_MAX (1U << 30)

enum channel_side { CHANNEL_HOST, CHANNEL_INSTANCE };

struct channel {
    struct ring in;
    struct ring out;
    void *memory;
    size_t memory_bytes;
    int wake_self; /* poll for reading; channel_awake() empties it */
    int wake_peer;
    uint32_t told_written; /* positions of ours that the peer has been woken for */
    uint32_t told_read;
};

/* Makes the descriptors of a channel whose rings have `ring_size` bytes each, a power of two
 * between CHANNEL_RING_MIN and CHANNEL_RING_MAX. The memory is sealed against resizing, or the
 * other side could shrink it and kill us by SIGBUS. */
int channel_make(uint32_t ring_size, struct channel_fds *ret_fds) MUST_USE;
void channel_fds_close(struct channel_fds *fds);

/* Maps the memory and takes over the descriptors, also on failure. Fails with EINVAL when the
 * memory is not one of ours. */
int channel_open(struct channel *c, const struct channel_fds *fds, enum channel_side side) MUST_USE;
void channel_close(struct channel *c);

/* After a batch of writes and reads: wakes the peer if there is news for it and it sleeps or waits
 * for room. Without news it is left alone, or two ends that have nothing to say would wake each
 * other for ever. */
void channel_flush(struct channel *c);

/* When nothing is going on: gives back what large transfers have touched of the ring that we write.
 * True: the peer should do the same with its own. */
bool channel_trim(struct channel *c);

/* Before waiting for wake_self: false when there is something to read already. */
bool channel_sleep(struct channel *c);
/* When wake_self became readable. */
void channel_awake(struct channel *c);
