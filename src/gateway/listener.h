/* Accepting connections.
 *
 * SPDX-License-Identifier: Apache-2.0 */
#pragma once

struct gateway;

/* Takes over a listening socket. */
int listener_open(struct gateway *g, int fd) __attribute__((warn_unused_result));
void listener_close(struct gateway *g);

/* A connection has ended: goes on accepting if there were too many. */
void listener_resume(struct gateway *g);
