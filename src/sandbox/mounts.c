/* SPDX-License-Identifier: Apache-2.0 */
#include "sandbox/mounts.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <sys/syscall.h>

static uint64_t attributes_of(unsigned restrictions)
{
    uint64_t attributes = 0;
    attributes |= restrictions & MOUNTS_READ_ONLY ? MOUNT_ATTR_RDONLY : 0;
    attributes |= restrictions & MOUNTS_NO_DEVICES ? MOUNT_ATTR_NODEV : 0;
    attributes |= restrictions & MOUNTS_NO_SUID ? MOUNT_ATTR_NOSUID : 0;
    attributes |= restrictions & MOUNTS_NO_EXEC ? MOUNT_ATTR_NOEXEC : 0;
    return attributes;
}

static int restrict_tree(const char *path, unsigned restrictions)
{
    struct mount_attr attr = { .attr_set = attributes_of(restrictions) };
    long r = syscall(SYS_mount_setattr, AT_FDCWD, path, AT_RECURSIVE, &attr, sizeof(attr));
    return r < 0 ? -errno : 0;
}

/* A remount sets every flag anew, and one that is locked must not be missing. */
static unsigned long flags_of(const struct statvfs *fs)
{
    unsigned long flags = 0;
    flags |= fs->f_flag & ST_RDONLY ? MS_RDONLY : 0;
    flags |= fs->f_flag & ST_NODEV ? MS_NODEV : 0;
    flags |= fs->f_flag & ST_NOSUID ? MS_NOSUID : 0;
    flags |= fs->f_flag & ST_NOEXEC ? MS_NOEXEC : 0;
    flags |= fs->f_flag & ST_NOATIME ? MS_NOATIME : 0;
    flags |= fs->f_flag & ST_NODIRATIME ? MS_NODIRATIME : 0;
    flags |= fs->f_flag & ST_RELATIME ? MS_RELATIME : 0;
    return flags;
}

static int restrict_one(const char *path, unsigned restrictions)
{
    struct statvfs fs;
    if (statvfs(path, &fs) < 0) {
        return -errno;
    }
    unsigned long flags = flags_of(&fs);
    flags |= restrictions & MOUNTS_READ_ONLY ? MS_RDONLY : 0;
    flags |= restrictions & MOUNTS_NO_DEVICES ? MS_NODEV : 0;
    flags |= restrictions & MOUNTS_NO_SUID ? MS_NOSUID : 0;
    flags |= restrictions & MOUNTS_NO_EXEC ? MS_NOEXEC : 0;
    return mount(NULL, path, NULL, MS_REMOUNT | MS_BIND | flags, NULL) < 0 ? -errno : 0;
}

int mounts_restrict(const char *path, unsigned restrictions, struct err *err)
{
    int r = restrict_tree(path, restrictions);
    if (r == -ENOSYS || r == -EPERM) { /* container tools answer EPERM to what they do not know */
        r = restrict_one(path, restrictions);
    }
    return r < 0 ? err_set(err, -r, "restrict mount %s: %s", path, strerror(-r)) : 0;
}

int mounts_restrict_one(const char *path, unsigned restrictions, struct err *err)
{
    int r = restrict_one(path, restrictions);
    return r < 0 ? err_set(err, -r, "restrict mount %s: %s", path, strerror(-r)) : 0;
}

int mounts_bind(const char *source, const char *target, unsigned restrictions, struct err *err)
{
    if (mount(source, target, NULL, MS_BIND | MS_REC, NULL) < 0) {
        return err_sys(err, "bind %s to %s", source, target);
    }
    return restrictions ? mounts_restrict(target, restrictions, err) : 0;
}

int mounts_bind_mapped(int source, const char *target, unsigned restrictions, int namespace,
                       struct err *err)
{
    scoped_fd int tree = (int)syscall(SYS_open_tree, source, "",
                                      AT_EMPTY_PATH | OPEN_TREE_CLONE | OPEN_TREE_CLOEXEC);
    if (tree < 0) {
        return err_sys(err, "bind to %s", target);
    }
    struct mount_attr attr = { .attr_set = attributes_of(restrictions) | MOUNT_ATTR_IDMAP,
                               .userns_fd = (unsigned)namespace };
    if (syscall(SYS_mount_setattr, tree, "", AT_EMPTY_PATH, &attr, sizeof(attr)) < 0) {
        return err_sys(err, "map the users of %s", target);
    }
    if (syscall(SYS_move_mount, tree, "", AT_FDCWD, target, MOVE_MOUNT_F_EMPTY_PATH) < 0) {
        return err_sys(err, "bind to %s", target);
    }
    return 0;
}

static int make_mount_point(const char *path, bool folder)
{
    if (folder) {
        return mkdir(path, 0755) < 0 && errno != EEXIST ? -errno : 0;
    }
    scoped_fd int fd = open(path, O_WRONLY | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0644);
    return fd < 0 ? -errno : 0;
}

int mounts_bind_new(const char *source, const char *target, unsigned restrictions, struct err *err)
{
    struct stat st;
    if (stat(source, &st) < 0) {
        return err_sys(err, "%s", source);
    }
    int r = make_mount_point(target, S_ISDIR(st.st_mode));
    if (r < 0) {
        return err_set(err, -r, "make mount point %s: %s", target, strerror(-r));
    }
    return mounts_bind(source, target, restrictions, err);
}

int mounts_make_folders(const char *path, unsigned mode, struct err *err)
{
    char part[PATH_MAX];
    size_t len = strlen(path);
    if (len >= sizeof(part)) {
        return err_set(err, ENAMETOOLONG, "make folder %s: path too long", path);
    }
    for (size_t i = 1; i <= len; i++) {
        if (path[i] != '/' && path[i] != '\0') {
            continue;
        }
        memcpy(part, path, i);
        part[i] = '\0';
        if (mkdir(part, mode) < 0 && errno != EEXIST) {
            return err_sys(err, "make folder %s", part);
        }
    }
    return 0;
}
