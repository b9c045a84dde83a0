/* SPDX-License-Identifier: Apache-2.0 */
#include "gateway/listener.h"

#include <errno.h>
#include <netinet/tcp.h>
#include <sys/socket.h>

#include "base/limits.h"
#include "base/log.h"
#include "gateway/conn.h"
#include "gateway/gateway.h"

#define ACCEPT_BATCH 64 /* a turn, so that those who are in get served */

static void pause_accepting(struct gateway *g)
{
    g->accepting = false;
    (void)uv_poll_stop(&g->listener); /* always succeeds */
}

/* False: nobody waits, or nobody more may come in. */
static bool accept_one(struct gateway *g)
{
    struct sockaddr_storage peer = { 0 };
    socklen_t len = sizeof(peer);
    int one = 1;
    int fd = accept4(g->listen_fd, (struct sockaddr *)&peer, &len, SOCK_NONBLOCK | SOCK_CLOEXEC);
    if (fd < 0) {
        if (errno == EMFILE || errno == ENFILE || errno == ENOBUFS || errno == ENOMEM) {
            log_warning("cannot accept connections: %s", strerror(errno));
            pause_accepting(g);
        }
        return errno == ECONNABORTED || errno == EINTR;
    }
    (void)setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &one, sizeof(one)); /* not TCP: not needed */
    conn_create(g, fd, &peer);
    if (g->conn_count >= LIMIT_CONNECTIONS) {
        pause_accepting(g);
        return false;
    }
    return true;
}

static void on_connections(uv_poll_t *poll, int status, int events)
{
    struct gateway *g = container_of(poll, struct gateway, listener);
    (void)status; /* accept says it better */
    (void)events;
    gateway_turn(g);
    for (int i = 0; i < ACCEPT_BATCH && accept_one(g); i++) {
    }
    gateway_expect_sweep(g);
}

int listener_open(struct gateway *g, int fd)
{
    g->listen_fd = fd;
    int r = uv_poll_init(&g->loop, &g->listener, fd);
    if (r == 0) {
        g->accepting = true;
        r = uv_poll_start(&g->listener, UV_READABLE, on_connections);
    }
    return r;
}

void listener_close(struct gateway *g)
{
    pause_accepting(g);
    uv_close((uv_handle_t *)&g->listener, NULL); /* embedded in what outlives the loop */
    (void)close(g->listen_fd);
}

void listener_resume(struct gateway *g)
{
    if (!g->accepting && g->conn_count < LIMIT_CONNECTIONS) {
        g->accepting = true;
        (void)uv_poll_start(&g->listener, UV_READABLE, on_connections); /* as at first */
    }
}
