/* SPDX-License-Identifier: Apache-2.0 */
#include "cli/listen.h"

#include <arpa/inet.h>
#include <errno.h>
#include <netdb.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "cli/port_owner.h"

#define LISTEN_BACKLOG  4096
#define LISTEN_ATTEMPTS 16 /* to find a port that is free in both address families */
#define LOOK_AGAIN_US   20000
#define ENDING_LOOKS    500 /* ten seconds: a mayfly that ends has much memory to give back */
#define UNSEEN_LOOKS    15

union address {
    struct sockaddr any;
    struct sockaddr_in v4;
    struct sockaddr_in6 v6;
};

static uint16_t bound_port(int fd)
{
    union address at = { .v6 = { 0 } };
    socklen_t len = sizeof(at);
    if (getsockname(fd, &at.any, &len) < 0) {
        return 0;
    }
    return ntohs(at.any.sa_family == AF_INET6 ? at.v6.sin6_port : at.v4.sin_port);
}

static void set_port(union address *at, uint16_t port)
{
    if (at->any.sa_family == AF_INET6) {
        at->v6.sin6_port = htons(port);
    } else {
        at->v4.sin_port = htons(port);
    }
}

/* "::" alone means every address of both families, as people expect. */
static int only_ipv6(const union address *at)
{
    return memcmp(&at->v6.sin6_addr, &in6addr_any, sizeof(in6addr_any)) != 0;
}

static int bind_one(const union address *at, socklen_t len)
{
    scoped_fd int fd = socket(at->any.sa_family, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
    int one = 1;
    int v6only = only_ipv6(at);
    if (fd < 0 || setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &one, sizeof(one)) < 0 ||
        (at->any.sa_family == AF_INET6 &&
         setsockopt(fd, IPPROTO_IPV6, IPV6_V6ONLY, &v6only, sizeof(v6only)) < 0) ||
        bind(fd, &at->any, len) < 0 || listen(fd, LISTEN_BACKLOG) < 0) {
        return -errno;
    }
    return take_fd(&fd);
}

/* An address that this machine does not have (IPv6 switched off) is left out. */
static bool is_absent(int r)
{
    return r == -EADDRNOTAVAIL || r == -EAFNOSUPPORT;
}

static int bind_all(struct listen *l, const struct addrinfo *list, uint16_t port)
{
    *l = (struct listen){ .port = port };
    int last = -EADDRNOTAVAIL;
    for (const struct addrinfo *a = list; a && l->count < LISTEN_MAX; a = a->ai_next) {
        union address at = { .v6 = { 0 } };
        if (a->ai_addrlen > sizeof(at)) {
            continue; /* neither IPv4 nor IPv6 */
        }
        memcpy(&at, a->ai_addr, a->ai_addrlen);
        set_port(&at, l->port);
        int fd = bind_one(&at, a->ai_addrlen);
        if (fd < 0) {
            last = fd;
            if (is_absent(fd)) {
                continue;
            }
            listen_close(l);
            return fd;
        }
        l->fds[l->count++] = fd;
        l->port = l->port ? l->port : bound_port(fd);
    }
    return l->count > 0 ? 0 : last;
}

/* Fixed, whatever /etc/hosts says: browsers try both. */
static void localhost_addresses(struct addrinfo list[2], struct sockaddr_in *v4,
                                struct sockaddr_in6 *v6)
{
    *v4 = (struct sockaddr_in){ .sin_family = AF_INET, .sin_addr = { htonl(INADDR_LOOPBACK) } };
    *v6 = (struct sockaddr_in6){ .sin6_family = AF_INET6, .sin6_addr = in6addr_loopback };
    list[0] = (struct addrinfo){ .ai_addr = (struct sockaddr *)v4,
                                 .ai_addrlen = sizeof(*v4),
                                 .ai_next = &list[1] };
    list[1] = (struct addrinfo){ .ai_addr = (struct sockaddr *)v6, .ai_addrlen = sizeof(*v6) };
}

static int explain(int r, const char *option, const char *host, uint16_t port, struct err *err)
{
    char owner[128];
    switch (-r) {
    case EADDRINUSE:
        if (port_owner_find(port, owner, sizeof(owner))) {
            return err_set(err, EADDRINUSE,
                           "port %u is taken by %s; choose another with %s N (0: any free one)",
                           port, owner, option);
        }
        return err_set(err, EADDRINUSE,
                       "port %u is taken, perhaps by another development server; choose another "
                       "with %s N (0: any free one)",
                       port, option);
    case EACCES:
        return err_set(err, EACCES, "only root may listen on port %u; choose one above 1023", port);
    case EADDRNOTAVAIL:
        return err_set(err, EADDRNOTAVAIL, "%s is not an address of this machine", host);
    default:
        return err_set(err, -r, "cannot listen on %s port %u: %s", host, port, strerror(-r));
    }
}

/* Who starts a killed mayfly anew at once finds its port taken by what is about to end. */
static int open_when_let_go(struct listen *ret, const struct addrinfo *list, uint16_t port)
{
    int r = -EADDRINUSE;
    for (int i = 0; i < ENDING_LOOKS && r == -EADDRINUSE; i++) {
        enum port_owner owner = port_owner_look(port);
        if (owner == PORT_OWNER_STAYS || (owner == PORT_OWNER_UNSEEN && i >= UNSEEN_LOOKS)) {
            break;
        }
        (void)usleep(LOOK_AGAIN_US); /* too early does no harm */
        r = bind_all(ret, list, port);
    }
    return r;
}

static int open_on(struct listen *ret, const struct addrinfo *list, uint16_t port)
{
    int r = -EADDRINUSE;
    for (int i = 0; i < (port == 0 ? LISTEN_ATTEMPTS : 1) && r == -EADDRINUSE; i++) {
        r = bind_all(ret, list, port);
    }
    return r == -EADDRINUSE ? open_when_let_go(ret, list, port) : r;
}

int listen_open(struct listen *ret, const char *option, const char *host, uint16_t port,
                struct err *err)
{
    struct listen l;
    int r;
    if (strcmp(host, "localhost") == 0) {
        struct addrinfo list[2];
        struct sockaddr_in v4;
        struct sockaddr_in6 v6;
        localhost_addresses(list, &v4, &v6);
        r = open_on(&l, list, port);
    } else {
        struct addrinfo hints = { .ai_socktype = SOCK_STREAM, .ai_flags = AI_PASSIVE };
        struct addrinfo *list;
        int failure = getaddrinfo(host, NULL, &hints, &list);
        if (failure != 0) {
            return err_set(err, EINVAL, "--host %s: %s", host, gai_strerror(failure));
        }
        r = open_on(&l, list, port);
        freeaddrinfo(list);
    }
    if (r < 0) {
        return explain(r, option, host, port, err);
    }
    *ret = l;
    return 0;
}

int listen_open_near(struct listen *ret, const char *option, const char *host, uint16_t port,
                     struct err *err)
{
    int r = listen_open(ret, option, host, port, err);
    return r == -EADDRINUSE ? listen_open(ret, option, host, 0, err) : r;
}

void listen_close(struct listen *l)
{
    while (l->count > 0) {
        scope_close_fd(&l->fds[--l->count]);
    }
}
