/* SPDX-License-Identifier: Apache-2.0 */
#include "gateway/conn_tunnel.h"

#include <sys/socket.h>

#include "gateway/conn.h"
#include "gateway/request.h"

void conn_tunnel_begin(struct request *rq)
{
    struct conn *c = rq->conn;
    int on = 1;
    rq->tunnel = true;
    rq->body_end = rq->body_end_sent = false; /* a second one begins */
    rq->deadline_ms = 0;
    conn_body_begin_tunnel(&c->body);
    c->deadline_ms = 0;
    /* One whose machine has gone would be held for ever. Failing, it is held. */
    (void)setsockopt(c->fd, SOL_SOCKET, SO_KEEPALIVE, &on, sizeof(on));
    c->body_blocked = true;
    conn_resume_body(c); /* the client may have said something already */
}
