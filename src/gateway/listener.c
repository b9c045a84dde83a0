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
    for (size_t i = 0; i < g->listener_count; i++) {
        (void)uv_poll_stop(&g->listeners[i].poll); /* always succeeds */
    }
}

static bool is_full(struct gateway *g)
{
    if (g->conn_count < g->conns_max) {
        return false;
    }
    if (!g->said_full) { /* once: it may come and go a thousand times a second */
        g->said_full = true;
        log_warning("%zu connections are open, as many as may be%s: others wait", g->conn_count,
                    g->conns_max < LIMIT_CONNECTIONS
                        ? " where so few files may (ulimit -Hn raises that)"
                        : "");
    }
    return true;
}

static void say_refused(struct gateway *g, int why)
{
    if (!g->said_refused) {
        g->said_refused = true;
        log_warning("cannot accept connections: %s; who comes waits", strerror(why));
    }
}

/* False: nobody waits, or nobody more may come in. */
static bool accept_one(struct listener *l)
{
    struct gateway *g = l->gateway;
    struct sockaddr_storage peer = { 0 };
    socklen_t len = sizeof(peer);
    int one = 1;
    int fd = accept4(l->fd, (struct sockaddr *)&peer, &len, SOCK_NONBLOCK | SOCK_CLOEXEC);
    if (fd < 0) {
        if (errno == EMFILE || errno == ENFILE || errno == ENOBUFS || errno == ENOMEM) {
            say_refused(g, errno);
            pause_accepting(g); /* until the next sweep, or until somebody leaves */
            return false;
        }
        return errno == ECONNABORTED || errno == EINTR;
    }
    g->said_refused = false;
    (void)setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &one, sizeof(one)); /* not TCP: not needed */
    conn_create(g, fd, l->door, &peer);
    if (is_full(g)) {
        pause_accepting(g);
        return false;
    }
    return true;
}

static void on_connections(uv_poll_t *poll, int status, int events)
{
    struct listener *l = container_of(poll, struct listener, poll);
    (void)status; /* accept says it better */
    (void)events;
    gateway_turn(l->gateway);
    for (int i = 0; i < ACCEPT_BATCH && accept_one(l); i++) {
    }
    gateway_expect_sweep(l->gateway);
}

int listener_open(struct gateway *g, int fd, enum door door)
{
    if (g->listener_count == GATEWAY_LISTENERS_MAX) {
        (void)close(fd);
        return -ENOSPC;
    }
    struct listener *l = &g->listeners[g->listener_count];
    *l = (struct listener){ .gateway = g, .fd = fd, .door = door };
    int r = uv_poll_init(&g->loop, &l->poll, fd);
    if (r < 0) {
        (void)close(fd);
        return r;
    }
    g->listener_count++;
    return 0;
}

void listener_resume(struct gateway *g)
{
    bool ready = g->router || gateway_now_ms(g) >= g->patience_until_ms;
    if (g->accepting || !ready || g->conn_count >= g->conns_max) {
        return;
    }
    g->accepting = true;
    for (size_t i = 0; i < g->listener_count; i++) {
        (void)uv_poll_start(&g->listeners[i].poll, UV_READABLE, on_connections); /* as at first */
    }
}
