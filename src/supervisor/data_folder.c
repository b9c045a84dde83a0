/* SPDX-License-Identifier: Apache-2.0 */
#include "supervisor/data_folder.h"

#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <string.h>
#include <sys/fsuid.h>
#include <sys/stat.h>

#include "base/limits.h"
#include "base/log.h"
#include "sandbox/id_map.h"
#include "sandbox/mounts.h"

#define DATA_RESTRICTIONS (MOUNTS_NO_DEVICES | MOUNTS_NO_SUID | MOUNTS_NO_EXEC)

/* To the owner of what is around it. One whom our user namespace does not know (EINVAL, chown(2))
 * is no owner that an ordinary user could give it to: it stays theirs. */
static int give(int fd, const struct stat *owner)
{
    return fchown(fd, owner->st_uid, owner->st_gid) < 0 && errno != EINVAL ? -1 : 0;
}

/* So that nobody commits it. */
static int write_ignore(int folder, const char *path, const struct stat *owner, struct err *err)
{
    static const char text[] = "*\n";
    scoped_fd int fd =
        openat(folder, ".gitignore", O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0644);
    if (fd < 0) {
        return errno == EEXIST ? 0 : err_sys(err, "write %.160s/.gitignore", path);
    }
    if (write(fd, text, sizeof(text) - 1) != (ssize_t)sizeof(text) - 1 || give(fd, owner) < 0) {
        return err_sys(err, "write %.160s/.gitignore", path);
    }
    return 0;
}

/* Where it is made, it is given to the owner of the folder around it. */
static int make_folder(const char *path, int *ret_fd, struct err *err)
{
    char around[PATH_MAX];
    struct stat owner;
    (void)snprintf(around, sizeof(around), "%s", path);
    char *slash = strrchr(around, '/');
    slash[slash == around] = '\0';
    if (stat(around, &owner) < 0) {
        return err_sys(err, "the folder around %.160s", path);
    }
    bool made = mkdir(path, 0700) == 0;
    if (!made && errno != EEXIST) {
        return err_sys(err, "make %.160s", path);
    }
    scoped_fd int fd = open(path, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
    if (fd < 0) {
        return err_sys(err, "open %.160s", path);
    }
    if (made && geteuid() == 0 && give(fd, &owner) < 0) {
        return err_sys(err, "give %.160s to its owner", path);
    }
    int r = fstat(fd, &owner) < 0 ? err_sys(err, "look at %.160s", path)
                                  : write_ignore(fd, path, &owner, err);
    *ret_fd = r == 0 ? take_fd(&fd) : -1;
    return r;
}

static int bind_mapped(int fd, const char *target, struct err *err)
{
    struct stat st;
    int namespace;
    if (fstat(fd, &st) < 0) {
        return err_sys(err, "look at the data folder");
    }
    int r = id_map_create(st.st_uid, st.st_gid, MAYFLY_UID_CONTROL, &namespace, err);
    if (r == 0) {
        r = mounts_bind_mapped(fd, target, DATA_RESTRICTIONS, namespace, err);
        (void)close(namespace);
    }
    return r;
}

static int bind_owned(int fd, const char *target, struct err *err)
{
    char from[64];
    (void)snprintf(from, sizeof(from), "/proc/self/fd/%d", fd);
    if (fchown(fd, MAYFLY_UID_CONTROL, MAYFLY_UID_CONTROL) < 0) {
        return err_sys(err, "give the data folder to control");
    }
    return mounts_bind(from, target, DATA_RESTRICTIONS, err);
}

/* Without a mount control has to go the way to it that everybody goes. */
static int check_way(const char *path, struct err *err)
{
    int user = setfsuid(MAYFLY_UID_CONTROL);
    scoped_fd int fd = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    int code = fd < 0 ? errno : 0;
    (void)setfsuid((uid_t)user); /* back to what it was, which cannot fail */
    return code == 0 ? 0
                     : err_set(err, code,
                               "nothing can be mounted here, and %.120s is in a folder that others "
                               "may not enter (chmod o+x); --data DIR keeps data elsewhere",
                               path);
}

int data_folder_open(struct platform *p, char *ret_path, size_t size, struct err *err)
{
    const struct supervisor_options *o = p->options;
    scoped_fd int fd = -1;
    int r = make_folder(o->data, &fd, err);
    if (r < 0) {
        struct err why = *err;
        return err_set(err, -r, "%.200s; --data DIR keeps data elsewhere", why.text);
    }
    if (!p->root) {
        (void)snprintf(ret_path, size, "%s", o->data);
        return 0;
    }
    (void)snprintf(ret_path, size, "%s/data", o->base);
    if (mkdir(ret_path, 0755) < 0) {
        return err_sys(err, "make %.160s", ret_path);
    }
    r = bind_mapped(fd, ret_path, err);
    if (r == -EINVAL || r == -ENOSYS || r == -EPERM || r == -ENOSPC) { /* no user namespaces */
        log_debug("%s", err->text);
        r = bind_owned(fd, ret_path, err);
    }
    if (r == -EPERM) { /* the root of a container, which may not mount: where it is */
        log_debug("%s", err->text);
        (void)snprintf(ret_path, size, "%s", o->data);
        r = check_way(ret_path, err);
    }
    return r;
}
