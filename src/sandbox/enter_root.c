/* SPDX-License-Identifier: Apache-2.0 */
#include "sandbox/enter_root.h"

#include <ctype.h>
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "sandbox/features.h"
#include "sandbox/mounts.h"
#include "sandbox/root.h"

/* What of /proc beside the sandbox's own processes stays: os.cpus(), memory, load, uptime. Whatever
 * else this or a later kernel has there is covered. */
static const char *const proc_kept[] = {
    "cpuinfo", "meminfo", "stat",    "loadavg", "uptime",      "version", "filesystems",
    "mounts",  "net",     "cgroups", "self",    "thread-self", "sys",
};

static bool is_kept(const char *name)
{
    if (isdigit((unsigned char)name[0])) {
        return true;
    }
    for (size_t i = 0; i < ARRAY_COUNT(proc_kept); i++) {
        if (strcmp(name, proc_kept[i]) == 0) {
            return true;
        }
    }
    return false;
}

/* The covers come from the template and are read-only: /dev/null over a file, the empty /opt over a
 * folder. */
static int cover(const struct dirent *entry, struct err *err)
{
    char path[PATH_MAX];
    (void)snprintf(path, sizeof(path), "/proc/%s", entry->d_name);
    const char *with = entry->d_type == DT_DIR ? "/opt" : "/dev/null";
    if (entry->d_type == DT_LNK || mount(with, path, NULL, MS_BIND, NULL) == 0) {
        return 0;
    }
    return errno == ENOENT ? 0 : err_sys(err, "cover %s", path);
}

static int cover_proc(struct err *err)
{
    DIR *dir = opendir("/proc");
    if (!dir) {
        return err_sys(err, "open /proc");
    }
    int r = 0;
    struct dirent *entry;
    while (r == 0 && (entry = readdir(dir))) {
        r = entry->d_name[0] == '.' || is_kept(entry->d_name) ? 0 : cover(entry, err);
    }
    (void)closedir(dir);
    return r < 0 ? r : mounts_bind("/proc/sys", "/proc/sys", MOUNTS_READ_ONLY, err);
}

/* Before pivot_root: the kernel grants a new /proc only to who still sees one. */
static int mount_proc(uint32_t isolation, struct err *err)
{
    if (!(isolation & SANDBOX_PROC)) {
        return mounts_bind("/proc", "proc", MOUNTS_NO_SUID | MOUNTS_NO_DEVICES, err);
    }
    if (mount("proc", "proc", "proc", MS_NOSUID | MS_NODEV | MS_NOEXEC, "hidepid=2") < 0) {
        return err_sys(err, "mount /proc");
    }
    return 0;
}

/* Restricted by root_task_add(), and locked so in this namespace: volumes alone can be written. */
static int bind_task(const struct message_function *plan, struct err *err)
{
    for (uint32_t i = 0; i < plan->mount_count; i++) {
        const struct message_mount *m = &plan->mounts[i];
        char target[PATH_MAX];
        (void)snprintf(target, sizeof(target), "%s%s%s", SANDBOX_TASK + 1, m->target[0] ? "/" : "",
                       m->target);
        int r = mounts_bind(m->source, target, 0, err);
        if (r < 0) {
            return r;
        }
    }
    return 0;
}

static int mount_zygote_tmp(const struct message_function *plan, struct err *err)
{
    char options[128];
    (void)snprintf(options, sizeof(options), "size=%um,nr_inodes=%llu,mode=700", plan->tmp_mb,
                   (unsigned long long)plan->tmp_mb * 256);
    if (mount("tmpfs", "run/zygote", "tmpfs", MS_NOSUID | MS_NODEV, options) < 0) {
        return err_sys(err, "mount /run/zygote");
    }
    return 0;
}

static int make_root(const struct message_zygote_start *plan, struct err *err)
{
    /* Slave, so that an instance's /tmp that the supervisor mounts later arrives here. */
    if (mount(NULL, "/", NULL, MS_REC | MS_SLAVE, NULL) < 0) {
        return err_sys(err, "make mounts slaves");
    }
    /* Onto itself, because a mount that came from a more privileged namespace cannot be pivoted to.
     */
    int r = mounts_bind(plan->root, plan->root, 0, err);
    if (r < 0) {
        return r;
    }
    if (chdir(plan->root) < 0) {
        return err_sys(err, "enter %s", plan->root);
    }
    r = bind_task(&plan->plan, err);
    if (r == 0) {
        r = mounts_bind(plan->scratch, "run/tmp", 0, err);
    }
    if (r ==
        0) { /* an ordinary user's functions own this folder: they shall find nothing to fill */
        r = mounts_restrict_one("run/tmp", MOUNTS_READ_ONLY, err);
    }
    if (r == 0) {
        r = mount_zygote_tmp(&plan->plan, err);
    }
    return r < 0 ? r : mount_proc(plan->isolation, err);
}

/* What functions may not see is covered with the empty /opt: so this comes after that. The artifact
 * may be the project's own folder, where a link could lead anywhere, to others' /tmp. */
static int bind_layers(struct err *err)
{
    char from[64];
    scoped_fd int fd = open(SANDBOX_LAYERS_SOURCE, O_PATH | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
    if (fd < 0) {
        return 0; /* there are none */
    }
    (void)snprintf(from, sizeof(from), "/proc/self/fd/%d", fd);
    return mounts_bind(from, SANDBOX_LAYERS, 0, err);
}

int enter_root(const struct message_zygote_start *plan, struct err *err)
{
    int r = make_root(plan, err);
    if (r < 0) {
        return r;
    }
    /* The old root lands on top of the new one and is taken off: no folder needed to put it in. */
    if (syscall(SYS_pivot_root, ".", ".") < 0 || umount2(".", MNT_DETACH) < 0 || chdir("/") < 0) {
        return err_sys(err, "pivot_root");
    }
    r = plan->isolation & SANDBOX_PROC ? cover_proc(err) : 0;
    return r < 0 ? r : bind_layers(err);
}
