/* SPDX-License-Identifier: Apache-2.0 */
#include "sandbox/remove.h"

#include <dirent.h>
#include <fcntl.h>
#include <limits.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/scope.h"

#define DEPTH_MAX 128 /* each level holds a descriptor */

static bool is_dots(const char *name)
{
    return strcmp(name, ".") == 0 || strcmp(name, "..") == 0;
}

/* Takes over fd. */
static void remove_content(int fd, dev_t device, int depth)
{
    DIR *dir = fdopendir(fd);
    if (!dir) {
        (void)close(fd);
        return;
    }
    struct dirent *entry;
    while ((entry = readdir(dir))) {
        if (is_dots(entry->d_name) || unlinkat(dirfd(dir), entry->d_name, 0) == 0) {
            continue;
        }
        int child =
            openat(dirfd(dir), entry->d_name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
        struct stat st;
        if (child >= 0 && fstat(child, &st) == 0 && st.st_dev == device && depth < DEPTH_MAX) {
            remove_content(child, device, depth + 1);
        } else if (child >= 0) {
            (void)close(child);
        }
        (void)unlinkat(dirfd(dir), entry->d_name, AT_REMOVEDIR); /* what is left is left */
    }
    (void)closedir(dir);
}

static void unmount_below(const char *path)
{
    DIR *dir = opendir(path);
    if (!dir) {
        return;
    }
    struct dirent *entry;
    char below[PATH_MAX];
    while ((entry = readdir(dir))) {
        int n = snprintf(below, sizeof(below), "%s/%s", path, entry->d_name);
        if (is_dots(entry->d_name) || n >= (int)sizeof(below)) {
            continue;
        }
        (void)umount2(below, MNT_DETACH | UMOUNT_NOFOLLOW); /* most are no mount points */
    }
    (void)closedir(dir);
}

void remove_tree(const char *path)
{
    struct stat st;
    (void)umount2(path, MNT_DETACH | UMOUNT_NOFOLLOW); /* may be no mount point */
    if (rmdir(path) == 0) {
        return;
    }
    unmount_below(path);
    int fd = open(path, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
    if (fd >= 0 && fstat(fd, &st) == 0) {
        remove_content(fd, st.st_dev, 0);
    } else if (fd >= 0) {
        (void)close(fd);
    }
    (void)rmdir(path);
}
