/* SPDX-License-Identifier: Apache-2.0 */
#include "sandbox/cgroup.h"

#include <assert.h>
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <time.h>

#include "base/mem.h"
#include "sandbox/cgroup_place.h"

#define NAME_PREFIX "mayfly-"
#define OWN_LEAF    "zygote" /* processes of a group that has groups */

struct hierarchy {
    struct cgroup_hierarchy at;
    char root[PATH_MAX]; /* <parent>/<name> */
    int lock_fd;         /* of root, locked: tells cgroups_sweep() that we live */
};

struct cgroups {
    size_t count;
    struct hierarchy hierarchies[CGROUP_HIERARCHIES_MAX];
};

static int group_folder(const struct hierarchy *h, const char *path, char ret[PATH_MAX])
{
    int n = snprintf(ret, PATH_MAX, "%s/%s", h->root, path);
    return n < PATH_MAX ? 0 : -ENAMETOOLONG;
}

static bool is_inner(const char *path)
{
    return !strchr(path, '/');
}

static int write_number(const char *folder, const char *file, uint64_t value)
{
    char text[32];
    (void)snprintf(text, sizeof(text), "%" PRIu64, value);
    return cgroup_place_write(folder, file, text);
}

/* Calls fn for each group directly below `folder`. */
static void for_each_below(const char *folder, void (*fn)(const char *below))
{
    DIR *dir = opendir(folder);
    struct dirent *entry;
    while (dir && (entry = readdir(dir))) {
        char below[PATH_MAX];
        if (entry->d_type == DT_DIR && entry->d_name[0] != '.' &&
            snprintf(below, sizeof(below), "%s/%s", folder, entry->d_name) < (int)sizeof(below)) {
            fn(below);
        }
    }
    if (dir) {
        (void)closedir(dir);
    }
}

/* One round of SIGKILL; true when there was nobody. Descriptors escape sessions but not groups. */
static bool kill_round(const char *folder)
{
    char path[PATH_MAX];
    if (snprintf(path, sizeof(path), "%s/cgroup.procs", folder) >= (int)sizeof(path)) {
        return true;
    }
    FILE *file = fopen(path, "re");
    bool nobody = true;
    char line[32];
    while (file && fgets(line, sizeof(line), file)) {
        pid_t pid = (pid_t)strtol(line, NULL, 10);
        if (pid > 0) { /* 0: not in our pid namespace */
            nobody = false;
            (void)kill(pid, SIGKILL); /* gone already is fine */
        }
    }
    if (file) {
        (void)fclose(file);
    }
    return nobody;
}

static void kill_tree(const char *folder)
{
    if (cgroup_place_write(folder, "cgroup.kill", "1") == 0) {
        return;
    }
    for_each_below(folder, kill_tree);
    /* Older kernels: no more forks, where pids are counted, then one after the other. */
    (void)cgroup_place_write(folder, "pids.max", "0");
    for (int round = 0; round < 64 && !kill_round(folder); round++) {
    }
}

static void remove_below(const char *folder)
{
    for_each_below(folder, remove_below);
    (void)rmdir(folder); /* EBUSY: the caller finds out and comes again */
}

/* For ends and leftovers only, where there is no loop to come back to: a second at most. */
static void kill_and_remove(const char *folder)
{
    const struct timespec pause = { .tv_nsec = 2000000 };
    for (int i = 0; i < 500 && access(folder, F_OK) == 0; i++) {
        kill_tree(folder);
        remove_below(folder);
        if (access(folder, F_OK) == 0) {
            (void)nanosleep(&pause, NULL);
        }
    }
}

static int lock_folder(const char *folder)
{
    int fd = open(folder, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (fd < 0) {
        return -errno;
    }
    if (flock(fd, LOCK_EX | LOCK_NB) < 0) {
        int r = -errno;
        (void)close(fd);
        return r;
    }
    return fd;
}

/* Makes the platform's own group and locks it. One that is there and not locked was left by a
 * supervisor that was killed: it is cleared away first. */
static int take_folder(struct hierarchy *h)
{
    int r = cgroup_place_make(h->root);
    if (r < 0 && r != -EEXIST) {
        return r;
    }
    int fd = lock_folder(h->root);
    if (fd < 0) {
        return fd == -EWOULDBLOCK ? -EEXIST : fd;
    }
    for_each_below(h->root, kill_and_remove);
    h->lock_fd = fd;
    return 0;
}

static int open_hierarchy(struct hierarchy *h, const char *name)
{
    char parent[PATH_MAX];
    int r = cgroup_place_prepare(&h->at);
    if (r < 0) {
        return r;
    }
    memcpy(parent, h->at.parent,
           sizeof(parent)); /* the compiler cannot tell that it is no overlap */
    int n = snprintf(h->root, sizeof(h->root), "%s/%s", parent, name);
    if (n >= (int)sizeof(h->root)) {
        cgroup_place_restore(&h->at);
        return -ENAMETOOLONG;
    }
    r = take_folder(h);
    if (r == 0 && h->at.unified) {
        r = cgroup_place_enable(h->root, h->at.controllers);
    }
    if (r < 0) {
        if (r != -EEXIST) {
            (void)rmdir(h->root); /* empty if it is ours */
        }
        cgroup_place_restore(&h->at);
    }
    return r;
}

int cgroups_open(const char *name, struct cgroups **ret, struct err *err)
{
    struct cgroup_hierarchy found[CGROUP_HIERARCHIES_MAX];
    size_t count = cgroup_place_find(found);
    struct cgroups *c = mem_new(struct cgroups);
    for (size_t i = 0; i < count; i++) {
        struct hierarchy *h = &c->hierarchies[c->count];
        *h = (struct hierarchy){ .at = found[i], .lock_fd = -1 };
        int r = open_hierarchy(h, name);
        if (r == 0) {
            c->count++;
        } else if (r == -EEXIST) {
            cgroups_destroy(c);
            return err_set(err, EEXIST, "control group %s/%s exists", h->at.parent, name);
        } else {
            scope_close_fd(&h->lock_fd); /* not ours to use: as if it were not there */
        }
    }
    *ret = c;
    return 0;
}

void cgroups_destroy(struct cgroups *c)
{
    for (size_t i = 0; c && i < c->count; i++) {
        struct hierarchy *h = &c->hierarchies[i];
        kill_and_remove(h->root);
        scope_close_fd(&h->lock_fd);
        cgroup_place_restore(&h->at);
    }
    free(c);
}

unsigned cgroups_limits(const struct cgroups *c)
{
    unsigned controllers = 0;
    for (size_t i = 0; i < c->count; i++) {
        controllers |= c->hierarchies[i].at.controllers;
    }
    return (controllers & CGROUP_MEMORY ? CGROUPS_MEMORY : 0) |
           (controllers & CGROUP_PIDS ? CGROUPS_PIDS : 0) |
           (controllers & CGROUP_CPU ? CGROUPS_CPU : 0);
}

static void sweep_one(const char *folder)
{
    const char *name = strrchr(folder, '/');
    if (!name || strncmp(name + 1, NAME_PREFIX, sizeof(NAME_PREFIX) - 1) != 0 ||
        strcmp(name + 1, CGROUP_PLACE_LEAF) == 0) {
        return;
    }
    scoped_fd int fd = lock_folder(folder);
    if (fd >= 0) {
        kill_and_remove(folder);
    }
}

void cgroups_sweep(void)
{
    struct cgroup_hierarchy found[CGROUP_HIERARCHIES_MAX];
    size_t count = cgroup_place_find(found);
    for (size_t i = 0; i < count; i++) {
        char parent[PATH_MAX];
        memcpy(parent, found[i].own, sizeof(parent));
        for_each_below(parent, sweep_one);
        /* Version 2's are beside our own group, or beside the leaf that we were moved to. */
        char *slash = found[i].unified ? strrchr(parent, '/') : NULL;
        if (slash) {
            *slash = '\0';
            for_each_below(parent, sweep_one);
        }
    }
}

static int limit_memory(const struct hierarchy *h, const char *folder, uint64_t bytes)
{
    if (h->at.unified) {
        (void)cgroup_place_write(folder, "memory.swap.max", "0"); /* absent without swap */
        return write_number(folder, "memory.max", bytes);
    }
    int r = write_number(folder, "memory.limit_in_bytes", bytes);
    if (r == 0) {
        /* Memory and swap together; absent where swap is not accounted. */
        (void)write_number(folder, "memory.memsw.limit_in_bytes", bytes);
    }
    return r;
}

static int limit(const struct hierarchy *h, const char *folder, const struct cgroup_limits *limits)
{
    int r = 0;
    if (h->at.controllers & CGROUP_MEMORY && limits->memory_bytes) {
        r = limit_memory(h, folder, limits->memory_bytes);
    }
    if (r == 0 && h->at.controllers & CGROUP_PIDS && limits->pids_max) {
        r = write_number(folder, "pids.max", limits->pids_max);
    }
    return r;
}

/* A function's own processes, with limits that its instances do not count for. Version 2 has none
 * in a group that has groups. */
static int create_leaf(const struct hierarchy *h, const char *folder,
                       const struct cgroup_limits *limits)
{
    char leaf[PATH_MAX];
    int r = h->at.unified ? cgroup_place_enable(folder, h->at.controllers) : 0;
    if (r == 0 && snprintf(leaf, sizeof(leaf), "%s/" OWN_LEAF, folder) >= (int)sizeof(leaf)) {
        r = -ENAMETOOLONG;
    }
    r = r == 0 ? cgroup_place_make(leaf) : r;
    return r < 0 ? r : limit(h, leaf, limits);
}

static int create_in(const struct hierarchy *h, const char *path,
                     const struct cgroup_limits *limits)
{
    char folder[PATH_MAX];
    int r = group_folder(h, path, folder);
    r = r == 0 ? cgroup_place_make(folder) : r;
    if (r < 0) {
        return r;
    }
    r = is_inner(path) ? create_leaf(h, folder, limits) : limit(h, folder, limits);
    if (r == 0 && h->at.unified && !is_inner(path)) { /* it is killed for memory as a whole */
        (void)cgroup_place_write(folder, "memory.oom.group", "1"); /* since Linux 4.19 */
    }
    if (r < 0) {
        remove_below(folder);
    }
    return r;
}

static void remove_from(const struct hierarchy *hierarchies, size_t count, const char *path)
{
    for (size_t i = 0; i < count; i++) {
        char folder[PATH_MAX];
        if (group_folder(&hierarchies[i], path, folder) == 0) {
            remove_below(folder);
        }
    }
}

int cgroup_create(struct cgroups *c, const char *path, const struct cgroup_limits *limits,
                  struct err *err)
{
    for (size_t i = 0; i < c->count; i++) {
        int r = create_in(&c->hierarchies[i], path, limits);
        if (r < 0) {
            remove_from(c->hierarchies, i, path);
            return err_set(err, -r, "make control group %s: %s", path, strerror(-r));
        }
    }
    return 0;
}

int cgroup_add(struct cgroups *c, const char *path, pid_t pid)
{
    if (pid <= 0) {
        return -ESRCH; /* to the kernel 0 is whoever writes it: us */
    }
    for (size_t i = 0; i < c->count; i++) {
        const struct hierarchy *h = &c->hierarchies[i];
        char folder[PATH_MAX];
        const char *leaf = is_inner(path) ? "/" OWN_LEAF : "";
        if (snprintf(folder, sizeof(folder), "%s/%s%s", h->root, path, leaf) >=
            (int)sizeof(folder)) {
            return -ENAMETOOLONG;
        }
        int r = write_number(folder, "cgroup.procs", (uint64_t)pid);
        if (r < 0) {
            return r;
        }
    }
    return 0;
}

void cgroup_kill(struct cgroups *c, const char *path)
{
    assert(path[0] != '\0');
    for (size_t i = 0; i < c->count; i++) {
        char folder[PATH_MAX];
        if (group_folder(&c->hierarchies[i], path, folder) == 0) {
            kill_tree(folder);
        }
    }
}

bool cgroup_remove(struct cgroups *c, const char *path)
{
    bool gone = true;
    for (size_t i = 0; i < c->count; i++) {
        char folder[PATH_MAX];
        if (group_folder(&c->hierarchies[i], path, folder) == 0) {
            remove_below(folder);
            gone = gone && access(folder, F_OK) < 0;
        }
    }
    return gone;
}

/* The number after `key` at the start of a line, or the whole text's with key "". */
static uint64_t number_in(const char *folder, const char *file, const char *key)
{
    char text[4096];
    if (cgroup_place_read(folder, file, text, sizeof(text)) < 0) {
        return 0;
    }
    char *rest = NULL;
    for (char *line = strtok_r(text, "\n", &rest); line; line = strtok_r(NULL, "\n", &rest)) {
        if (strncmp(line, key, strlen(key)) == 0) {
            return strtoull(line + strlen(key), NULL, 10);
        }
    }
    return 0;
}

void cgroup_read(struct cgroups *c, const char *path, struct cgroup_usage *ret)
{
    *ret = (struct cgroup_usage){ 0 };
    for (size_t i = 0; i < c->count; i++) {
        const struct hierarchy *h = &c->hierarchies[i];
        char folder[PATH_MAX];
        if (!(h->at.controllers & CGROUP_MEMORY) || group_folder(h, path, folder) < 0) {
            continue;
        }
        if (h->at.unified) {
            ret->memory_peak_bytes = number_in(folder, "memory.peak", ""); /* since Linux 5.19 */
            if (!ret->memory_peak_bytes) {
                ret->memory_peak_bytes = number_in(folder, "memory.current", "");
            }
            ret->oom_kills = number_in(folder, "memory.events", "oom_kill ");
        } else {
            ret->memory_peak_bytes = number_in(folder, "memory.max_usage_in_bytes", "");
            ret->oom_kills = number_in(folder, "memory.oom_control", "oom_kill ");
        }
    }
}
