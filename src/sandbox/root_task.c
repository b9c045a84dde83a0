/* SPDX-License-Identifier: Apache-2.0 */
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>
#include <sys/fsuid.h>
#include <sys/mount.h>
#include <sys/stat.h>

#include "base/str.h"
#include "sandbox/id_map.h"
#include "sandbox/mounts.h"
#include "sandbox/remove.h"
#include "sandbox/root.h"
#include "sandbox/tmp_copy.h"

#define TASK_RESTRICTIONS   (MOUNTS_READ_ONLY | MOUNTS_NO_SUID | MOUNTS_NO_DEVICES)
#define VOLUME_RESTRICTIONS (MOUNTS_NO_EXEC | MOUNTS_NO_SUID | MOUNTS_NO_DEVICES)

/* A relative path of plain names. */
static bool is_target(const char *target)
{
    if (target[0] == '\0') {
        return true;
    }
    for (const char *at = target;; at++) {
        size_t len = strcspn(at, "/");
        if (len == 0 || (len == 1 && at[0] == '.') || (len == 2 && strncmp(at, "..", 2) == 0)) {
            return false;
        }
        at += len;
        if (*at == '\0') {
            return true;
        }
    }
}

static bool is_below(const char *path, const char *folder)
{
    size_t len = strlen(folder);
    return strncmp(path, folder, len) == 0 && (path[len] == '/' || path[len] == '\0');
}

/* Packages may be installed beside a folder above the project, or wherever a link leads. */
static bool is_packages(const char *path)
{
    return strcmp(strrchr(path, '/'), "/node_modules") == 0;
}

static bool is_allowed(const char *path, const char *project, const struct message_mount *m)
{
    if (m->writable) { /* not the project itself; a link in it may lead to .git or to code */
        return is_below(path, project) && path[strlen(project)] == '/' &&
               strcmp(path, m->source) == 0;
    }
    return is_below(path, project) || is_packages(path);
}

/* Opens the source and looks where that led, so that a link put there meanwhile changes nothing. */
static int open_source(const char *base, const char *project, const struct message_mount *m,
                       bool *ret_ours, struct err *err)
{
    char link[64];
    char path[PATH_MAX];
    char build[PATH_MAX];
    scoped_fd int fd = open(m->source, O_PATH | O_DIRECTORY | O_CLOEXEC);
    if (fd < 0) {
        return err_sys(err, "open %s", m->source);
    }
    (void)snprintf(link, sizeof(link), "/proc/self/fd/%d", fd);
    (void)snprintf(build, sizeof(build), "%s/build", base);
    ssize_t n = readlink(link, path, sizeof(path) - 1);
    if (n < 0) {
        return err_sys(err, "read %s", link);
    }
    path[n] = '\0';
    *ret_ours = is_below(path, build) && !m->writable;
    if (!*ret_ours && !is_allowed(path, project, m)) {
        return err_set(
            err, EACCES,
            is_below(path, project) ? "a link leads to %s" : "%s is outside of the project", path);
    }
    return take_fd(&fd);
}

/* Makes the folders of `path` in `folder` that are missing; follows no link. */
static int make_folders(int folder, const char *path, struct err *err)
{
    scoped_fd int at = openat(folder, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    struct str rest = str_c(path);
    while (at >= 0 && rest.len > 0) {
        char name[NAME_MAX + 1];
        struct str part = str_cut(&rest, '/');
        if (part.len > NAME_MAX) {
            return err_set(err, ENAMETOOLONG, "make folder %s: name too long", path);
        }
        (void)snprintf(name, sizeof(name), STR_FMT, STR_ARG(part));
        if (mkdirat(at, name, 0755) < 0 && errno != EEXIST) {
            return err_sys(err, "make folder %s", path);
        }
        int next = openat(at, name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
        scope_close_fd(&at);
        at = next;
    }
    return at < 0 ? err_sys(err, "make folder %s", path) : 0;
}

/* A volume that is not there yet, with the rights of who owns the project: it is theirs then, and
 * lies where they may make it. */
static int make_volume(const char *project, const char *source, uid_t uid, struct err *err)
{
    struct stat st;
    size_t len = strlen(project);
    if (!is_below(source, project) || source[len] == '\0' || !is_target(source + len + 1)) {
        return err_set(err, EACCES, "%s is not inside of the project", source);
    }
    scoped_fd int fd = open(project, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (fd < 0 || fstat(fd, &st) < 0) {
        return err_sys(err, "open %s", project);
    }
    if (uid == 0) {
        return make_folders(fd, source + len + 1, err);
    }
    int group = setfsgid(st.st_gid);
    int user = setfsuid(st.st_uid);
    int r = make_folders(fd, source + len + 1, err);
    (void)setfsuid((uid_t)user); /* back to what it was, which cannot fail */
    (void)setfsgid((gid_t)group);
    return r;
}

/* Where a mount of the plan comes from, opened. */
struct source {
    int fd;
    bool ours; /* an artifact, not a folder of the project's */
    bool writable;
    const char *target;
};

static int bind_volume(int source, const char *to, uid_t uid, struct err *err)
{
    struct stat st;
    if (fstat(source, &st) < 0) {
        return err_sys(err, "look at the volume");
    }
    int namespace;
    int r = id_map_create(st.st_uid, st.st_gid, uid, &namespace, err);
    if (r < 0) {
        return r;
    }
    r = mounts_bind_mapped(source, to, VOLUME_RESTRICTIONS, namespace, err);
    (void)close(namespace);
    if (r == -EINVAL || r == -ENOSYS) {
        return err_set(err, -r,
                       "this file system cannot map users (ID-mapped mounts): move the project to "
                       "ext4, xfs or btrfs, or start mayfly as the project's owner");
    }
    return r;
}

static int bind_source(const char *path, const struct source *source, uid_t uid, struct err *err)
{
    char from[64];
    char to[PATH_MAX];
    const char *target = source->target;
    (void)snprintf(from, sizeof(from), "/proc/self/fd/%d", source->fd);
    (void)snprintf(to, sizeof(to), "%s%s%s", path, target[0] ? "/" : "", target);
    if (!source->writable) {
        return mounts_bind(from, to, TASK_RESTRICTIONS, err);
    }
    int r = uid ? bind_volume(source->fd, to, uid, err)
                : mounts_bind(from, to, VOLUME_RESTRICTIONS, err);
    return r < 0 ? err_wrap(err, "volume %s", target) : 0;
}

/* Without the right to mount: the artifact copied, with empty folders for the rest, whose place
 * links take. */
static int copy_source(const char *path, const struct source *source, struct err *err)
{
    scoped_fd int to = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (to < 0) {
        return err_sys(err, "open %s", path);
    }
    if (source->target[0] == '\0') {
        return tmp_copy(source->fd, to, err);
    }
    char link[64];
    char from[PATH_MAX];
    (void)snprintf(link, sizeof(link), "/proc/self/fd/%d", source->fd);
    ssize_t n = readlink(link, from, sizeof(from) - 1);
    if (n < 0) {
        return err_sys(err, "read %s", link);
    }
    from[n] = '\0';
    (void)unlinkat(to, source->target, AT_REMOVEDIR); /* may not be there */
    return symlinkat(from, to, source->target) < 0 ? err_sys(err, "link %s", source->target) : 0;
}

static void close_sources(struct source *sources, uint32_t count)
{
    for (uint32_t i = 0; i < count; i++) {
        scope_close_fd(&sources[i].fd);
    }
}

static int open_volume(const char *base, const char *project, uid_t uid,
                       const struct message_mount *m, struct err *err)
{
    bool ours;
    bool missing = access(m->source, F_OK) < 0 && errno == ENOENT;
    int r = missing ? make_volume(project, m->source, uid, err) : 0;
    if (r == 0) {
        r = open_source(base, project, m, &ours, err);
    }
    return r < 0 ? err_wrap(err, "volume %s", m->target) : r;
}

static int open_sources(const char *base, const char *project, uid_t uid,
                        const struct message_function *plan, struct source *sources,
                        struct err *err)
{
    int r = 0;
    for (uint32_t i = 0; i < plan->mount_count; i++) {
        const struct message_mount *m = &plan->mounts[i];
        sources[i] = (struct source){ .fd = -1, .target = m->target, .writable = m->writable };
        if (r == 0 && (!is_target(m->target) || (i > 0 && m->target[0] == '\0'))) {
            r = err_set(err, EINVAL, "mount %s at '%s': not a place below " SANDBOX_TASK, m->source,
                        m->target);
        }
        if (r == 0 && m->writable && i == 0) {
            r = err_set(err, EINVAL, "the function's own files are no volume");
        }
        if (r == 0) {
            sources[i].fd = m->writable ? open_volume(base, project, uid, m, err)
                                        : open_source(base, project, m, &sources[i].ours, err);
            r = sources[i].fd < 0 ? sources[i].fd : 0;
        }
    }
    return r;
}

/* Mount points first: once bound, the artifact is read-only. A project's own folder gets none: what
 * is missing there was not looked for either. */
static int make_targets(const struct message_function *plan, const struct source *sources,
                        struct err *err)
{
    int r = 0;
    for (uint32_t i = 1; sources[0].ours && r == 0 && i < plan->mount_count; i++) {
        r = make_folders(sources[0].fd, sources[i].target, err);
    }
    return r;
}

static int assemble(const char *base, const char *path, uid_t uid,
                    const struct message_function *plan, const struct source *sources,
                    struct err *err)
{
    struct stat st;
    char template[PATH_MAX];
    (void)snprintf(template, sizeof(template), "%s/root/usr", base);
    bool can_mount = stat(template, &st) == 0; /* root_create() could */
    int r = can_mount && plan->mount_count > 0 ? make_targets(plan, sources, err) : 0;
    for (uint32_t i = 0; r == 0 && i < plan->mount_count; i++) {
        r = can_mount ? bind_source(path, &sources[i], uid, err)
                      : copy_source(path, &sources[i], err);
    }
    return r;
}

int root_task_add(const char *base, const char *function, const char *project, uid_t uid,
                  struct message_function *plan, struct err *err)
{
    char path[MESSAGE_PATH_MAX];
    struct source sources[MESSAGE_MOUNTS_MAX];
    if (snprintf(path, sizeof(path), "%s/task/%s", base, function) >= (int)sizeof(path)) {
        return err_set(err, ENAMETOOLONG, "%s/task/%s: path too long", base, function);
    }
    if (mkdir(path, 0755) < 0) {
        return err_sys(err, "make %s", path);
    }
    int r = open_sources(base, project, uid, plan, sources, err);
    if (r == 0) {
        r = assemble(base, path, uid, plan, sources, err);
    }
    close_sources(sources, plan->mount_count);
    if (r < 0) {
        root_task_remove(base, function);
        return err_wrap(err, "files of %s", plan->name);
    }
    plan->mount_count = 1;
    plan->mounts[0].target[0] = '\0';
    (void)snprintf(plan->mounts[0].source, sizeof(plan->mounts[0].source), "%s", path);
    return 0;
}

void root_task_remove(const char *base, const char *function)
{
    char path[PATH_MAX];
    if (snprintf(path, sizeof(path), "%s/task/%s", base, function) < (int)sizeof(path)) {
        remove_tree(path);
    }
}
