/* Which instance a request goes to, and when to have more or fewer of them.
 *
 * pool.c decides how many; this applies it. Loop thread only.
 *
 * SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include "gateway/instance.h"
#include "gateway/request.h"

/* 0: it is sent to an instance, now or when one has room; the request may be gone. -EAGAIN: too
 * many wait, or run of a function that has its concurrency reserved. */
int lease_acquire(struct request *rq) MUST_USE;
/* Back to waiting, ahead of the others: its instance could not take it or is gone. */
void lease_again(struct request *rq);

/* An instance has room. */
void lease_offer(struct instance *i);
/* An answer of the supervisor: a start has become an instance, or failed; `unheard`: before we
 * heard of an instance. */
void lease_started(struct function *f);
void lease_not_started(struct function *f, struct str text, bool unheard);

/* An instance is up: it takes who waits, and others that wait for their turn to start may. */
void lease_up(struct instance *i);

/* Spares, idle instances, drained builds. */
void lease_sweep(struct gateway *g, uint64_t now_ms);

/* A build replaces the one before: its functions are added to those that are known, the others
 * retire. Takes over what `file` has. Tells control at once and when the others are drained. */
struct routes_file;
void lease_build(struct gateway *g, struct routes_file *file, uint64_t build);
