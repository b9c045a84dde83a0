/* SPDX-License-Identifier: Apache-2.0 */
#include "sandbox/tmp_copy.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdbool.h>
#include <string.h>
#include <sys/sendfile.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#define DEPTH_MAX 64 /* two descriptors a level */

static int copy_data(int from, int to, off_t size)
{
    off_t at = 0;
    while (at < size) {
        ssize_t n = sendfile(to, from, &at, (size_t)(size - at));
        if (n < 0) {
            return -errno;
        }
        if (n == 0) {
            break;
        }
    }
    return 0;
}

static int copy_file(int from_dir, int to_dir, const char *name, const struct stat *st)
{
    scoped_fd int from = openat(from_dir, name, O_RDONLY | O_NOFOLLOW | O_CLOEXEC);
    scoped_fd int to = openat(to_dir, name, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
    if (from < 0 || to < 0) {
        return -errno;
    }
    int r = copy_data(from, to, st->st_size);
    if (r < 0) {
        return r;
    }
    const struct timespec times[] = { st->st_atim, st->st_mtim };
    return futimens(to, times) < 0 || fchmod(to, st->st_mode & 07777) < 0 ? -errno : 0;
}

static int copy_link(int from_dir, int to_dir, const char *name)
{
    char target[PATH_MAX];
    ssize_t n = readlinkat(from_dir, name, target, sizeof(target) - 1);
    if (n < 0) {
        return -errno;
    }
    target[n] = '\0';
    return symlinkat(target, to_dir, name) < 0 ? -errno : 0;
}

/* Recursive, to the bound. Takes over `from`, not `to`. */
static int copy_folder(int from, int to, int depth)
{
    DIR *dir = fdopendir(from);
    if (!dir) {
        int r = -errno;
        (void)close(from);
        return r;
    }
    int r = 0;
    struct dirent *entry;
    while (r == 0 && (entry = readdir(dir))) {
        const char *name = entry->d_name;
        struct stat st;
        if (strcmp(name, ".") == 0 || strcmp(name, "..") == 0 ||
            fstatat(dirfd(dir), name, &st, AT_SYMLINK_NOFOLLOW) < 0) {
            continue;
        }
        if (S_ISREG(st.st_mode)) {
            r = copy_file(dirfd(dir), to, name, &st);
        } else if (S_ISLNK(st.st_mode)) {
            r = copy_link(dirfd(dir), to, name);
        } else if (S_ISDIR(st.st_mode) && depth < DEPTH_MAX) {
            int below = openat(dirfd(dir), name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
            scoped_fd int made =
                below >= 0 && mkdirat(to, name, 0700) == 0
                    ? openat(to, name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC)
                    : -1;
            if (made < 0) {
                r = -errno;
                scope_close_fd(&below);
            } else {
                r = copy_folder(below, made, depth + 1);
                (void)fchmod(made, st.st_mode & 07777); /* ours, cannot fail */
            }
        }
    }
    (void)closedir(dir);
    return r;
}

/* The usual case, without the 32 KiB that readdir() would touch in every instance. */
static bool is_empty(int folder)
{
    _Alignas(struct dirent64) char entries[512];
    size_t len = 0;
    long n = syscall(SYS_getdents64, folder, entries, sizeof(entries));
    for (long at = 0; at < n; at += (long)len) {
        const struct dirent64 *entry = (const void *)(entries + at);
        len = entry->d_reclen;
        if (strcmp(entry->d_name, ".") != 0 && strcmp(entry->d_name, "..") != 0) {
            return false;
        }
    }
    return n >= 0; /* a third entry of any length would have fitted beside the dots */
}

int tmp_copy(int from_fd, int to_fd, struct err *err)
{
    int from = openat(from_fd, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (from >= 0 && is_empty(from)) {
        (void)close(from);
        return 0;
    }
    int r = from < 0 || lseek(from, 0, SEEK_SET) < 0 ? -errno : copy_folder(from, to_fd, 0);
    return r < 0 ? err_set(err, -r, "copy /tmp of the snapshot: %s", strerror(-r)) : 0;
}
