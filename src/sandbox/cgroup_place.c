/* SPDX-License-Identifier: Apache-2.0 */
#include "sandbox/cgroup_place.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/xattr.h>
#include <unistd.h>

#include "base/scope.h"

int cgroup_place_make(const char *folder)
{
    int r;
    do {
        r = mkdir(folder, 0755);
    } while (r < 0 && errno == EINTR);
    return r < 0 ? -errno : 0;
}

int cgroup_place_write(const char *folder, const char *file, const char *text)
{
    char path[PATH_MAX];
    if (snprintf(path, sizeof(path), "%s/%s", folder, file) >= (int)sizeof(path)) {
        return -ENAMETOOLONG;
    }
    scoped_fd int fd = open(path, O_WRONLY | O_CLOEXEC);
    ssize_t n;
    do {
        n = fd < 0 ? -1 : write(fd, text, strlen(text));
    } while (n < 0 && errno == EINTR);
    return n < 0 ? -errno : 0;
}

int cgroup_place_read(const char *folder, const char *file, char *ret, size_t size)
{
    char path[PATH_MAX];
    ret[0] = '\0';
    if (snprintf(path, sizeof(path), "%s/%s", folder, file) >= (int)sizeof(path)) {
        return -ENAMETOOLONG;
    }
    scoped_fd int fd = open(path, O_RDONLY | O_CLOEXEC);
    ssize_t n = fd < 0 ? -1 : read(fd, ret, size - 1);
    if (n < 0) {
        return -errno;
    }
    ret[n] = '\0';
    return 0;
}

/* Whether `word` is one of the words of `list`. */
static bool has_word(const char *list, const char *word, const char *separators)
{
    size_t len = strlen(word);
    for (const char *at = list; *at; at += strcspn(at, separators)) {
        at += strspn(at, separators);
        if (strncmp(at, word, len) == 0 && strcspn(at, separators) == len) {
            return true;
        }
    }
    return false;
}

static const struct {
    const char *name;
    unsigned bit;
} controllers_known[] = {
    { "memory", CGROUP_MEMORY },
    { "pids", CGROUP_PIDS },
    { "cpu", CGROUP_CPU },
};

static unsigned controllers_of(const char *list, const char *separators)
{
    unsigned found = 0;
    for (size_t i = 0; i < ARRAY_COUNT(controllers_known); i++) {
        bool has = has_word(list, controllers_known[i].name, separators);
        found |= has ? controllers_known[i].bit : 0;
    }
    return found;
}

/* The name of one of `controllers`: version 1 has each only once. */
static const char *name_of_one(unsigned controllers)
{
    size_t i = 0;
    while (!(controllers_known[i].bit & controllers)) {
        i++;
    }
    return controllers_known[i].name;
}

/* Our path in the hierarchy that has `controller` ("" for version 2), from /proc/self/cgroup. */
static int own_path(const char *controller, char ret[PATH_MAX])
{
    scoped_free char *line = NULL;
    size_t capacity = 0;
    FILE *file = fopen("/proc/self/cgroup", "re");
    int r = -ENOENT;
    while (file && r < 0 && getline(&line, &capacity, file) > 0) {
        line[strcspn(line, "\n")] = '\0';
        char *names = strchr(line, ':');
        char *path = names ? strchr(names + 1, ':') : NULL;
        if (!path) {
            continue;
        }
        *path++ = '\0';
        names++;
        bool match = controller[0] ? has_word(names, controller, ",") : names[0] == '\0';
        if (match && strlen(path) < PATH_MAX) {
            memcpy(ret, path, strlen(path) + 1);
            r = 0;
        }
    }
    if (file) {
        (void)fclose(file);
    }
    return r;
}

/* The fields of a mountinfo line that matter: root, mount point, type and super options. */
struct mount_line {
    char *root;
    char *point;
    char *type;
    char *options;
};

static bool parse_mount_line(char *line, struct mount_line *ret)
{
    char *at = NULL;
    char *separator = strstr(line, " - ");
    if (!separator) {
        return false;
    }
    *separator = '\0';
    (void)strtok_r(line, " ", &at); /* mount id */
    (void)strtok_r(NULL, " ", &at); /* parent id */
    (void)strtok_r(NULL, " ", &at); /* device */
    ret->root = strtok_r(NULL, " ", &at);
    ret->point = strtok_r(NULL, " ", &at);
    ret->type = strtok_r(separator + 3, " ", &at);
    (void)strtok_r(NULL, " ", &at); /* source */
    ret->options = strtok_r(NULL, " \n", &at);
    return ret->root && ret->point && ret->type && ret->options;
}

/* The folder of group `path` below a mount that shows the hierarchy from `root` on. */
static bool folder_of(const struct mount_line *m, const char *path, char ret[PATH_MAX])
{
    size_t root_len = strcmp(m->root, "/") == 0 ? 0 : strlen(m->root);
    if (strncmp(path, m->root, root_len) != 0) {
        return false;
    }
    const char *below = path + root_len;
    int n = snprintf(ret, PATH_MAX, "%s%s", m->point, strcmp(below, "/") == 0 ? "" : below);
    return n < PATH_MAX && access(ret, F_OK) == 0;
}

static void parent_of(const char *folder, char ret[PATH_MAX])
{
    (void)snprintf(ret, PATH_MAX, "%s", folder);
    char *slash = strrchr(ret, '/');
    if (slash) {
        *slash = '\0';
    }
}

/* A platform that was killed has left us in its leaf: its group is what we divide. */
static void leave_old_leaf(struct cgroup_hierarchy *h)
{
    const char *name = strrchr(h->own, '/');
    if (name && strcmp(name + 1, CGROUP_PLACE_LEAF) == 0) {
        memcpy(h->leaf, h->own, sizeof(h->leaf));
        parent_of(h->leaf, h->own);
    }
}

static bool is_hierarchy(const struct mount_line *m, struct cgroup_hierarchy *ret, unsigned wanted)
{
    char path[PATH_MAX];
    char list[512];
    *ret = (struct cgroup_hierarchy){ .unified = strcmp(m->type, "cgroup2") == 0 };
    if (ret->unified) {
        if (own_path("", path) < 0 || !folder_of(m, path, ret->own)) {
            return false;
        }
        leave_old_leaf(ret);
        return cgroup_place_read(ret->own, "cgroup.controllers", list, sizeof(list)) == 0 &&
               (ret->controllers = controllers_of(list, " \n") & wanted) != 0;
    }
    if (strcmp(m->type, "cgroup") != 0) {
        return false;
    }
    ret->controllers = controllers_of(m->options, ",") & wanted;
    return ret->controllers != 0 && own_path(name_of_one(ret->controllers), path) == 0 &&
           folder_of(m, path, ret->own);
}

static size_t find_version(struct cgroup_hierarchy *ret, size_t room, bool unified,
                           unsigned *wanted)
{
    scoped_free char *line = NULL;
    size_t capacity = 0;
    size_t count = 0;
    FILE *file = fopen("/proc/self/mountinfo", "re");
    while (file && count < room && getline(&line, &capacity, file) > 0) {
        struct mount_line m;
        if (parse_mount_line(line, &m) && (strcmp(m.type, "cgroup2") == 0) == unified &&
            is_hierarchy(&m, &ret[count], *wanted)) {
            *wanted &= ~ret[count++].controllers;
        }
    }
    if (file) {
        (void)fclose(file);
    }
    return count;
}

size_t cgroup_place_find(struct cgroup_hierarchy ret[CGROUP_HIERARCHIES_MAX])
{
    unsigned wanted = CGROUP_MEMORY | CGROUP_PIDS | CGROUP_CPU;
    size_t count = find_version(ret, CGROUP_HIERARCHIES_MAX, true, &wanted);
    return count + find_version(ret + count, CGROUP_HIERARCHIES_MAX - count, false, &wanted);
}

/* Moves all processes of one group to another; new ones may come while we do. */
static int move_processes(const char *from, const char *to)
{
    int r = 0;
    for (int round = 0; round < 16; round++) {
        char list[16384];
        r = cgroup_place_read(from, "cgroup.procs", list, sizeof(list));
        if (r < 0 || list[0] == '\0') {
            return r;
        }
        char *at = NULL;
        for (char *pid = strtok_r(list, "\n", &at); pid; pid = strtok_r(NULL, "\n", &at)) {
            r = cgroup_place_write(to, "cgroup.procs", pid);
            if (r < 0 && r != -ESRCH) {
                return r;
            }
        }
    }
    return -EBUSY;
}

int cgroup_place_enable(const char *folder, unsigned controllers)
{
    char list[512];
    int r = cgroup_place_read(folder, "cgroup.subtree_control", list, sizeof(list));
    unsigned missing = controllers & ~controllers_of(list, " \n");
    for (size_t i = 0; r == 0 && i < ARRAY_COUNT(controllers_known); i++) {
        if (controllers_known[i].bit & missing) {
            char word[16];
            (void)snprintf(word, sizeof(word), "+%s", controllers_known[i].name);
            r = cgroup_place_write(folder, "cgroup.subtree_control", word);
        }
    }
    return r;
}

/* A kernel that groups realtime processes, too, hands down no processors while a group has such a
 * process (cgroup-v2.rst): then the limits are had without shares. */
static int enable_for_ours(struct cgroup_hierarchy *h, const char *folder)
{
    int r = cgroup_place_enable(folder, h->controllers);
    if (r == -EINVAL && h->controllers & ~(unsigned)CGROUP_CPU) {
        h->controllers &= ~(unsigned)CGROUP_CPU;
        r = cgroup_place_enable(folder, h->controllers);
    }
    return r;
}

/* Below our own group, which first must lose its processes to a leaf. */
static int prepare_below(struct cgroup_hierarchy *h)
{
    (void)snprintf(h->parent, sizeof(h->parent), "%s", h->own);
    int r = enable_for_ours(h, h->own);
    if (r != -EBUSY) {
        return r;
    }
    bool fits = snprintf(h->leaf, sizeof(h->leaf), "%s/%s", h->own, CGROUP_PLACE_LEAF) <
                (int)sizeof(h->leaf);
    r = fits ? cgroup_place_make(h->leaf) : -ENAMETOOLONG;
    if (r < 0 && r != -EEXIST) {
        h->leaf[0] = '\0';
        return r;
    }
    r = move_processes(h->own, h->leaf);
    if (r == 0) {
        r = enable_for_ours(h, h->own);
    }
    if (r < 0) {
        cgroup_place_restore(h);
    }
    return r;
}

/* Beside our own group: groups between leaves, as of systemd's slices, have no processes. */
static int prepare_beside(struct cgroup_hierarchy *h)
{
    struct stat own;
    struct stat parent;
    parent_of(h->own, h->parent);
    /* Above the mount's root is no group. */
    if (stat(h->own, &own) < 0 || stat(h->parent, &parent) < 0 || own.st_dev != parent.st_dev) {
        return -ENOENT;
    }
    int r = access(h->parent, W_OK) < 0 ? -errno : 0;
    return r < 0 ? r : enable_for_ours(h, h->parent);
}

/* A group that is ours to divide: systemd has delegated it, or it is all that a container sees. */
static bool is_delegated(const struct cgroup_hierarchy *h)
{
    char value[2];
    char path[PATH_MAX];
    return getxattr(h->own, "user.delegate", value, sizeof(value)) > 0 ||
           getxattr(h->own, "trusted.delegate", value, sizeof(value)) > 0 ||
           (own_path("", path) == 0 && strcmp(path, "/") == 0);
}

int cgroup_place_prepare(struct cgroup_hierarchy *h)
{
    if (!h->unified) {
        (void)snprintf(h->parent, sizeof(h->parent), "%s", h->own);
        return access(h->own, W_OK) < 0 ? -errno : 0;
    }
    if (h->leaf[0] || is_delegated(h)) {
        return prepare_below(h);
    }
    int r = prepare_beside(h);
    return r < 0 ? prepare_below(h) : r;
}

void cgroup_place_restore(struct cgroup_hierarchy *h)
{
    if (!h->leaf[0]) {
        return;
    }
    for (size_t i = 0; i < ARRAY_COUNT(controllers_known); i++) {
        char word[16];
        (void)snprintf(word, sizeof(word), "-%s", controllers_known[i].name);
        /* Another platform may be there: then it all stays as it is. */
        (void)cgroup_place_write(h->own, "cgroup.subtree_control", word);
    }
    if (move_processes(h->leaf, h->own) == 0) {
        (void)rmdir(h->leaf);
    }
    h->leaf[0] = '\0';
}
