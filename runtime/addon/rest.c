/* SPDX-License-Identifier: Apache-2.0 */
#include "rest.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <net/if.h>
#include <netdb.h>
#include <netinet/in.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/un.h>

#include "base/str.h"

/* Threads that Node.js or libuv start again by themselves, or do without, in a forked child. */
static const char *const harmless_threads[] = { "libuv-worker",  "DelayedTaskSche",
                                                "node-V8Worker", "SignalInspector",
                                                "node",          "mayfly" };

static ssize_t read_small(int dir, const char *name, char *buffer, size_t size)
{
    scoped_fd int fd = openat(dir, name, O_RDONLY | O_CLOEXEC);
    ssize_t n = fd < 0 ? -1 : read(fd, buffer, size - 1);
    buffer[n < 0 ? 0 : n] = '\0';
    return n;
}

static uint64_t field(const char *status, const char *name)
{
    const char *at = strstr(status, name);
    return at ? strtoull(at + strlen(name), NULL, 10) : 0;
}

static bool thread_is_harmless(const char *name)
{
    for (size_t i = 0; i < ARRAY_COUNT(harmless_threads); i++) {
        if (strcmp(name, harmless_threads[i]) == 0) {
            return true;
        }
    }
    return false;
}

static void scan_thread(int tasks, const char *tid, struct rest *ret)
{
    scoped_fd int task = openat(tasks, tid, O_DIRECTORY | O_CLOEXEC);
    char name[32] = "";
    char status[4096] = "";
    if (task < 0 || read_small(task, "comm", name, sizeof(name)) <= 0 ||
        read_small(task, "status", status, sizeof(status)) <= 0) {
        return; /* it has just ended */
    }
    name[strcspn(name, "\n")] = '\0';
    ret->activity = ret->activity * 31 + field(status, "\nvoluntary_ctxt_switches:") +
                    field(status, "\nnonvoluntary_ctxt_switches:") + 1;
    const char *state = strstr(status, "\nState:\t");
    if (strcmp(name, "WorkerThread") == 0) {
        (void)snprintf(ret->reason, sizeof(ret->reason), "it runs a worker thread");
    } else if (!thread_is_harmless(name)) {
        (void)snprintf(ret->reason, sizeof(ret->reason), "it runs a thread (%s)", name);
    } else if (state && state[8] != 'S') {
        (void)snprintf(ret->busy, sizeof(ret->busy), "thread %s is running", name);
    }
}

static void scan_threads(struct rest *ret)
{
    DIR *dir = opendir("/proc/self/task");
    if (!dir) {
        (void)snprintf(ret->reason, sizeof(ret->reason), "its threads cannot be listed");
        return;
    }
    long self = syscall(SYS_gettid);
    for (struct dirent *entry = readdir(dir); entry; entry = readdir(dir)) {
        if (entry->d_name[0] != '.' && strtol(entry->d_name, NULL, 10) != self) {
            scan_thread(dirfd(dir), entry->d_name, ret);
        }
    }
    (void)closedir(dir); /* only read from */
}

static void describe_socket(int fd, struct rest *ret)
{
    struct sockaddr_storage peer = { 0 };
    socklen_t len = sizeof(peer);
    int listening = 0;
    socklen_t listening_len = sizeof(listening);
    (void)getsockopt(fd, SOL_SOCKET, SO_ACCEPTCONN, &listening, &listening_len);
    if (listening) {
        (void)snprintf(ret->reason, sizeof(ret->reason), "it listens on a socket");
    } else if (getpeername(fd, (struct sockaddr *)&peer, &len) < 0) {
        (void)snprintf(ret->reason, sizeof(ret->reason), "it holds an open socket");
    } else if (peer.ss_family == AF_INET || peer.ss_family == AF_INET6) {
        char host[INET6_ADDRSTRLEN + IF_NAMESIZE] = ""; /* with its %scope */
        char port[8] = "";
        (void)getnameinfo((struct sockaddr *)&peer, len, host, sizeof(host), port, sizeof(port),
                          NI_NUMERICHOST | NI_NUMERICSERV);
        (void)snprintf(ret->reason, sizeof(ret->reason),
                       strchr(host, ':') ? "it holds an open connection to [%s]:%s"
                                         : "it holds an open connection to %s:%s",
                       host, port);
    } else {
        (void)snprintf(ret->reason, sizeof(ret->reason), "it holds an open connection");
    }
}

static bool fd_is_known(const int *known, int fd)
{
    for (; *known >= 0; known++) {
        if (*known == fd) {
            return true;
        }
    }
    return false;
}

#define ZYGOTE_TMP "/run/zygote/" /* what the function knows as /tmp (sandbox/enter.c) */

/* A database file, most likely: its locks and caches belong to the process that opened it. */
static void scan_file(int fd, struct rest *ret)
{
    struct stat st;
    int flags = fcntl(fd, F_GETFL);
    if (flags >= 0 && (flags & O_ACCMODE) != O_RDONLY && fstat(fd, &st) == 0 &&
        S_ISREG(st.st_mode)) {
        char link[64];
        char path[REST_REASON_MAX - 64];
        (void)snprintf(link, sizeof(link), "/proc/self/fd/%d", fd);
        ssize_t n = readlink(link, path, sizeof(path) - 1);
        path[n < 0 ? 0 : n] = '\0';
        bool in_tmp = strncmp(path, ZYGOTE_TMP, strlen(ZYGOTE_TMP)) == 0;
        (void)snprintf(ret->reason, sizeof(ret->reason), "it holds a file open for writing (%s%s)",
                       in_tmp ? "/tmp/" : "", path + (in_tmp ? strlen(ZYGOTE_TMP) : 0));
    }
}

static void scan_fds(const int *known, struct rest *ret)
{
    DIR *dir = opendir("/proc/self/fd");
    if (!dir) {
        (void)snprintf(ret->reason, sizeof(ret->reason), "its descriptors cannot be listed");
        return;
    }
    for (struct dirent *entry = readdir(dir); entry; entry = readdir(dir)) {
        int fd = entry->d_name[0] == '.' ? -1 : (int)strtol(entry->d_name, NULL, 10);
        int type;
        socklen_t len = sizeof(type);
        if (fd <= 2 || fd_is_known(known, fd)) {
            continue;
        }
        if (getsockopt(fd, SOL_SOCKET, SO_TYPE, &type, &len) == 0) {
            describe_socket(fd, ret);
        } else {
            scan_file(fd, ret);
        }
    }
    (void)closedir(dir); /* only read from */
}

void rest_scan(uv_loop_t *loop, const int *known_fds, struct rest *ret)
{
    *ret = (struct rest){ 0 };
    scan_threads(ret);
    scan_fds(known_fds, ret);
    if (loop->active_reqs.count > 0) {
        (void)snprintf(ret->busy, sizeof(ret->busy), "%u operations are in flight",
                       loop->active_reqs.count);
    }
}
