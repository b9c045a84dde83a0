/* SPDX-License-Identifier: Apache-2.0 */
#include "cli/workspace.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <ftw.h>
#include <stdio.h>
#include <string.h>
#include <sys/file.h>
#include <sys/mount.h>
#include <sys/stat.h>

#define WORKSPACE_PREFIX   "mayfly-"
#define WORKSPACE_TEMPLATE WORKSPACE_PREFIX "XXXXXX"
#define WORKSPACE_MARK     ".mayfly-platform"
#define WORKSPACE_WALK_FDS 16

static const char *parent_folder(void)
{
    const char *folder = getenv("TMPDIR");
    return folder && folder[0] == '/' ? folder : "/tmp";
}

static int remove_entry(const char *path, const struct stat *st, int type, struct FTW *at)
{
    (void)st;
    (void)at;
    (void)(type == FTW_DP ? rmdir(path) : unlink(path)); /* what cannot be removed stays */
    return 0;
}

static void remove_tree(const char *path)
{
    (void)nftw(path, remove_entry, WORKSPACE_WALK_FDS, FTW_DEPTH | FTW_PHYS | FTW_MOUNT);
}

void workspace_destroy(struct workspace *w)
{
    if (w->path[0] != '\0') {
        (void)umount2(w->path, MNT_DETACH | UMOUNT_NOFOLLOW); /* mostly nothing is mounted here */
        remove_tree(w->path);
        scope_close_fd(&w->lock);
        *w = (struct workspace){ .lock = -1 };
    }
}

static int create_locked(struct workspace *w, struct err *err)
{
    w->lock = open(w->path, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
    if (w->lock < 0 || flock(w->lock, LOCK_EX) < 0) {
        return err_sys(err, "cannot lock %.200s", w->path);
    }
    scoped_fd int mark =
        openat(w->lock, WORKSPACE_MARK, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
    return mark < 0 ? err_sys(err, "cannot write to %.200s", w->path) : 0;
}

int workspace_create(struct workspace *ret, struct err *err)
{
    struct workspace w = { .lock = -1 };
    int n = snprintf(w.path, sizeof(w.path), "%s/" WORKSPACE_TEMPLATE, parent_folder());
    if (n < 0 || (size_t)n >= sizeof(w.path)) {
        return err_set(err, ENAMETOOLONG, "TMPDIR is too long");
    }
    if (!mkdtemp(w.path)) {
        return err_sys(err, "cannot make a folder in %.200s", parent_folder());
    }
    int r = create_locked(&w, err);
    if (r < 0) {
        workspace_destroy(&w);
        return r;
    }
    *ret = w;
    return 0;
}

/* A folder of that name without our mark is somebody's own. */
static void sweep_one(int parent, const char *name)
{
    char path[PATH_MAX];
    int n = snprintf(path, sizeof(path), "%s/%s", parent_folder(), name);
    scoped_fd int lock = openat(parent, name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
    struct stat st;
    if (n > 0 && (size_t)n < sizeof(path) && lock >= 0 &&
        fstatat(lock, WORKSPACE_MARK, &st, AT_SYMLINK_NOFOLLOW) == 0 && S_ISREG(st.st_mode) &&
        st.st_uid == geteuid() && flock(lock, LOCK_EX | LOCK_NB) == 0) {
        remove_tree(path);
    }
}

void workspace_sweep(void)
{
    DIR *folder = opendir(parent_folder());
    if (!folder) {
        return; /* workspace_create() will say so */
    }
    for (struct dirent *e = readdir(folder); e; e = readdir(folder)) {
        if (strncmp(e->d_name, WORKSPACE_PREFIX, strlen(WORKSPACE_PREFIX)) == 0 &&
            strlen(e->d_name) == strlen(WORKSPACE_TEMPLATE)) {
            sweep_one(dirfd(folder), e->d_name);
        }
    }
    (void)closedir(folder); /* only read from */
}
