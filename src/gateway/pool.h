/* How many instances a function should have: pure policy, applied by lease.c.
 *
 * SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* Instances of a function that come up at the same time. More come up no sooner, and those that are
 * up are slower: a hundred forks at once left a handler that waits for 0.1 s no time within its 3
 * s. */
#define POOL_STARTS_PER_PROCESSOR 2
#define POOL_SPARES_MAX           8

struct pool_limits {
    uint32_t concurrency;
    uint32_t min_instances;
    uint32_t max_instances;
    uint64_t idle_ms; /* UINT64_MAX: never */
};

struct pool_state {
    size_t waiting;    /* requests that no instance had room for */
    size_t starting;   /* instances asked for that have no request and are not up yet */
    size_t forking;    /* not up yet, and the first request waits there */
    size_t instances;  /* all but `starting` that are not told to stop */
    size_t unused;     /* of these: not one request in flight */
    uint64_t used_ms;  /* when the function last had a request; 0 never */
    double start_rate; /* instances per second that demand used up lately */
    uint64_t now_ms;
    size_t processors; /* of this machine */
    bool start_failed; /* the last one that was heard of */
};

/* How many instances to ask for because requests wait. */
size_t pool_starts_for_waiting(const struct pool_limits *limits, const struct pool_state *state);

/* How many more to ask for ahead of demand: min_instances, and unused spares while the function is
 * in use. One that does not start has none: it would be loaded in vain again and again. */
size_t pool_starts_ahead(const struct pool_limits *limits, const struct pool_state *state);

/* How many unused instances to tell to stop; those unused for longest go first. `idle_count` of
 * them have been unused for idle_ms and more. */
size_t pool_stops(const struct pool_limits *limits, const struct pool_state *state,
                  size_t idle_count);
