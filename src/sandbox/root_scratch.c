/* SPDX-License-Identifier: Apache-2.0 */
#include <errno.h>
#include <limits.h>
#include <stdio.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/random.h>
#include <sys/stat.h>

#include "base/hex.h"
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

/* Appends "/<random>" to name and makes it below `path`. */
static int make_hidden_folder(const char *path, char *name, uid_t uid, struct err *err)
{
    char hidden[PATH_MAX];
    unsigned char random[16];
    size_t used = strlen(name);
    if (used + 2 * sizeof(random) + 2 > ROOT_SCRATCH_NAME_MAX) {
        return err_set(err, ENAMETOOLONG, "scratch %s: name too long", name);
    }
    if (getrandom(random, sizeof(random), 0) != (ssize_t)sizeof(random)) {
        return err_sys(err, "getrandom");
    }
    name[used] = '/';
    *hex_write(random, sizeof(random), name + used + 1) = '\0';
    (void)snprintf(hidden, sizeof(hidden), "%s%s", path, name + used);
    if (mkdir(hidden, 0700) < 0 || (uid != 0 && chown(hidden, uid, uid) < 0)) {
        return err_sys(err, "make %s", hidden);
    }
    return 0;
}

int root_scratch_mount(const char *base, const char *function, char name[ROOT_SCRATCH_NAME_MAX],
                       uint32_t tmp_mb, uid_t uid, struct err *err)
{
    char path[PATH_MAX];
    char options[128];
    int r = scratch_path(path, base, function, name, err);
    if (r < 0) {
        return r;
    }
    if (mkdir(path, 0711) < 0) {
        return err_sys(err, "make %s", path);
    }
    (void)snprintf(options, sizeof(options), "size=%um,nr_inodes=%llu,mode=711", tmp_mb,
                   (unsigned long long)tmp_mb * INODES_PER_MIB);
    /* EPERM: no right to mount; unbounded then, but its own. */
    if (mount("tmpfs", path, "tmpfs", MS_NOSUID | MS_NODEV, options) < 0 && errno != EPERM) {
        r = err_sys(err, "mount %s", path);
    } else {
        r = make_hidden_folder(path, name, uid, err);
    }
    if (r < 0) {
        remove_tree(path);
    }
    return r;
}

void root_scratch_unmount(const char *base, const char *function, const char *name)
{
    char path[PATH_MAX];
    char first[ROOT_SCRATCH_NAME_MAX];
    (void)snprintf(first, sizeof(first), "%.*s", (int)strcspn(name, "/"), name);
    if (scratch_path(path, base, function, first, NULL) == 0) {
        remove_tree(path);
    }
}
