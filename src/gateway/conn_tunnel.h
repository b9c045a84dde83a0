/* A connection that has been upgraded, to WebSocket, carries the bytes of its client and of a
 * function. They go the way of bodies, with the same credit, until either side ends.
 *
 * SPDX-License-Identifier: Apache-2.0 */
#pragma once

struct request;

/* A 101 has been written to rq's connection. From here on nothing limits size or time. */
void conn_tunnel_begin(struct request *rq);
