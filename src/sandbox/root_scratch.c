/* SPDX-License-Identifier: Apache-2.0 */
#include <errno.h>
#include <limits.h>
#include <stdio.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/stat.h>

#include "sandbox/remove.h"
#include "sandbox/root.h"

/* One file or folder for each 4 KiB: each costs about 1 KiB of kernel memory beside its pages. */
#define INODES_PER_MIB 256

static int scratch_path(char path[PATH_MAX], const char *base, const char *function,
                        const char *name, struct err *err)
{
    int n = snprintf(path, PATH_MAX, "%s/scratch/%s%s%s", base, function, name[0] ? "/" : "", name);
    return n < PATH_MAX ? 0 : err_set(err, ENAMETOOLONG, "scratch of %s: path too long", function);
}

int root_scratch_add_function(const char *base, const char *function, struct err *err)
{
    char path[PATH_MAX];
    int r = scratch_path(path, base, function, "", err);
    if (r < 0) {
        return r;
    }
    return mkdir(path, 0711) < 0 ? err_sys(err, "make %s", path) : 0;
}

void root_scratch_remove_function(const char *base, const char *function)
{
    char path[PATH_MAX];
    if (scratch_path(path, base, function, "", NULL) == 0) {
        remove_tree(path);
    }
}

int root_scratch_mount(const char *base, const char *function, const char *name, uint32_t tmp_mb,
                       uid_t uid, struct err *err)
{
    char path[PATH_MAX];
    char options[128];
    int r = scratch_path(path, base, function, name, err);
    if (r < 0) {
        return r;
    }
    if (mkdir(path, 0700) < 0) {
        return err_sys(err, "make %s", path);
    }
    (void)snprintf(options, sizeof(options), "size=%um,nr_inodes=%llu,mode=700,uid=%u,gid=%u",
                   tmp_mb, (unsigned long long)tmp_mb * INODES_PER_MIB, uid, uid);
    if (mount("tmpfs", path, "tmpfs", MS_NOSUID | MS_NODEV, options) == 0) {
        return 0;
    }
    if (errno == EPERM && chown(path, uid, uid) == 0) {
        return 0; /* no right to mount: unbounded, but its own */
    }
    r = err_sys(err, "mount %s", path);
    (void)rmdir(path); /* it is empty */
    return r;
}

void root_scratch_unmount(const char *base, const char *function, const char *name)
{
    char path[PATH_MAX];
    if (scratch_path(path, base, function, name, NULL) == 0) {
        remove_tree(path);
    }
}
