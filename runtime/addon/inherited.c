/* SPDX-License-Identifier: Apache-2.0 */
#include "inherited.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#define LINE_BYTES 512 /* of /proc/self/maps; a longer one has a path and is no ring's */

static bool is_pipe(int fd, ino_t *ret_inode)
{
    struct stat st;
    if (fstat(fd, &st) < 0 || !S_ISFIFO(st.st_mode)) {
        return false;
    }
    *ret_inode = st.st_ino;
    return true;
}

/* An eventfd, an epoll, a ring: what has no file of its own. */
static bool is_anonymous(int folder, const char *name)
{
    char target[64];
    ssize_t n = readlinkat(folder, name, target, sizeof(target) - 1);
    target[n < 0 ? 0 : n] = '\0';
    return strncmp(target, "anon_inode:", strlen("anon_inode:")) == 0;
}

static int find_fds(struct inherited *ret, struct err *err)
{
    DIR *folder = opendir("/proc/self/fd");
    if (!folder) {
        return err_sys(err, "list the base zygote's descriptors");
    }
    int r = 0;
    for (struct dirent *entry = readdir(folder); entry && r == 0; entry = readdir(folder)) {
        int fd = (int)strtol(entry->d_name, NULL, 10);
        ino_t inode = 0;
        if (fd <= STDERR_FILENO ||
            (!is_pipe(fd, &inode) && !is_anonymous(dirfd(folder), entry->d_name))) {
            continue;
        }
        if (ret->fd_count == INHERITED_FDS_MAX) {
            r = err_set(err, E2BIG, "the base zygote has too many descriptors");
        } else {
            ret->fds[ret->fd_count].fd = fd;
            ret->fds[ret->fd_count++].inode = inode;
        }
    }
    (void)closedir(folder); /* only read from */
    return r;
}

/* "start-end perms offset dev inode path", of proc(5). */
static int add_ring(struct inherited *ret, const char *line, struct err *err)
{
    char *end_of_start;
    uintptr_t start = strtoull(line, &end_of_start, 16);
    uintptr_t end = strtoull(end_of_start + 1, NULL, 16);
    if (ret->ring_count == INHERITED_RINGS_MAX) {
        return err_set(err, E2BIG, "the base zygote has too many rings");
    }
    memcpy(&ret->rings[ret->ring_count].at, &start, sizeof(void *));
    ret->rings[ret->ring_count++].bytes = end - start;
    return 0;
}

static int find_rings(struct inherited *ret, struct err *err)
{
    FILE *maps = fopen("/proc/self/maps", "re");
    if (!maps) {
        return err_sys(err, "list the base zygote's memory");
    }
    char line[LINE_BYTES];
    int r = 0;
    while (r == 0 && fgets(line, sizeof(line), maps)) {
        if (strstr(line, "anon_inode:[io_uring]")) {
            r = add_ring(ret, line, err);
        }
    }
    (void)fclose(maps); /* only read from */
    return r;
}

int inherited_find(struct inherited *ret, struct err *err)
{
    *ret = (struct inherited){ 0 };
    int r = find_fds(ret, err);
    return r < 0 ? r : find_rings(ret, err);
}

int inherited_replace(const struct inherited *inherited, struct err *err)
{
    scoped_fd int null = open("/dev/null", O_RDWR | O_CLOEXEC);
    if (null < 0) {
        return err_sys(err, "open /dev/null");
    }
    for (size_t i = 0; i < inherited->fd_count; i++) {
        int fd = inherited->fds[i].fd;
        ino_t inode = 0;
        /* libuv has made its lock, a pipe, anew: in fork() itself. */
        if (is_pipe(fd, &inode) && inode != inherited->fds[i].inode) {
            continue;
        }
        if (dup3(null, fd, O_CLOEXEC) < 0) {
            return err_sys(err, "replace descriptor %d", fd);
        }
    }
    for (size_t i = 0; i < inherited->ring_count; i++) {
        /* Not unmapped: uv_loop_fork() does that to the main loop's, by address. */
        if (mmap(inherited->rings[i].at, inherited->rings[i].bytes, PROT_READ | PROT_WRITE,
                 MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED, -1, 0) == MAP_FAILED) {
            return err_sys(err, "replace a ring");
        }
    }
    return 0;
}
