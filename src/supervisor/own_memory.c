/* SPDX-License-Identifier: Apache-2.0 */
#include "supervisor/own_memory.h"

#include <dirent.h>
#include <fcntl.h>
#include <linux/kcmp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "base/limits.h"
#include "base/mem.h"
#include "base/scope.h"

struct own_process {
    pid_t pid;
    pid_t parent;
    pid_t group;
    uint64_t resident_bytes; /* with what it shares */
    bool claimed;
};

static bool read_file(pid_t pid, const char *name, char *ret, size_t size)
{
    char path[64];
    (void)snprintf(path, sizeof(path), "/proc/%d/%s", pid, name);
    scoped_fd int fd = open(path, O_RDONLY | O_CLOEXEC);
    ssize_t n = fd < 0 ? -1 : read(fd, ret, size - 1);
    ret[n > 0 ? n : 0] = '\0';
    return n > 0;
}

/* ---- of one process ---- */

/* The number of kB behind a name at the beginning of a line. */
static uint64_t field_bytes(const char *text, const char *name)
{
    const char *at = strstr(text, name);
    return at ? strtoull(at + strlen(name), NULL, 10) * KIB : 0;
}

/* proc(5): statm begins with size, resident and shared pages. */
static uint64_t bytes_alone(pid_t pid)
{
    char text[128];
    if (!read_file(pid, "statm", text, sizeof(text))) {
        return 0;
    }
    char *end;
    (void)strtoull(text, &end, 10);
    uint64_t resident = strtoull(end, &end, 10);
    uint64_t shared = strtoull(end, NULL, 10);
    return resident > shared ? (resident - shared) * (uint64_t)sysconf(_SC_PAGESIZE) : 0;
}

/* Of what it shares with others only its part, so that parts can be added up. */
static uint64_t bytes_in_part(pid_t pid)
{
    char text[4096];
    return read_file(pid, "smaps_rollup", text, sizeof(text))
               ? field_bytes(text, "\nPss_Anon:") + field_bytes(text, "\nPss_Shmem:")
               : bytes_alone(pid);
}

/* ---- of all ---- */

/* proc(5), stat: fields are counted from 1; the second, the name, may hold anything, so those that
 * follow are looked for behind its bracket. */
static bool read_process(pid_t pid, struct own_process *ret)
{
    char text[1024];
    char *at = read_file(pid, "stat", text, sizeof(text)) ? strrchr(text, ')') : NULL;
    *ret = (struct own_process){ .pid = pid };
    for (int field = 3; at && (at = strchr(at + 1, ' ')); field++) {
        switch (field) {
        case 4:
            ret->parent = (pid_t)strtol(at, NULL, 10);
            break;
        case 5:
            ret->group = (pid_t)strtol(at, NULL, 10);
            break;
        case 24:
            ret->resident_bytes = strtoull(at, NULL, 10) * (uint64_t)sysconf(_SC_PAGESIZE);
            return true;
        default:
            break;
        }
    }
    return false;
}

static int compare(const void *a, const void *b)
{
    pid_t x = ((const struct own_process *)a)->pid;
    pid_t y = ((const struct own_process *)b)->pid;
    return (x > y) - (x < y);
}

void own_memory_look(struct own_memory *ret)
{
    size_t room = 0;
    *ret = (struct own_memory){ 0 };
    DIR *folder = opendir("/proc");
    for (struct dirent *e = folder ? readdir(folder) : NULL; e; e = readdir(folder)) {
        pid_t pid = (pid_t)strtol(e->d_name, NULL, 10);
        if (ret->count == room) {
            room = room ? 2 * room : 64;
            ret->processes = mem_resize(ret->processes, room, sizeof(*ret->processes));
        }
        ret->count += pid > 0 && read_process(pid, &ret->processes[ret->count]);
    }
    if (folder) {
        (void)closedir(folder);
    }
    if (ret->count > 0) {
        qsort(ret->processes, ret->count, sizeof(*ret->processes), compare);
    }
}

void own_memory_finish(struct own_memory *m)
{
    free(m->processes);
}

static struct own_process *find(const struct own_memory *m, pid_t pid)
{
    struct own_process key = { .pid = pid };
    return m->count > 0 ? bsearch(&key, m->processes, m->count, sizeof(key), compare) : NULL;
}

void own_memory_claim(struct own_memory *m, pid_t pid)
{
    struct own_process *p = find(m, pid);
    if (p) {
        p->claimed = true;
    }
}

static const struct own_process *if_claimed(const struct own_process *p)
{
    return p && p->claimed ? p : NULL;
}

/* Who counts it, or NULL. Processes that came and went while we looked could make a circle. */
static const struct own_process *owner(const struct own_memory *m, const struct own_process *p)
{
    for (size_t steps = 0; p && !p->claimed && steps < m->count; steps++) {
        const struct own_process *leader = if_claimed(find(m, p->group));
        p = leader ? leader : find(m, p->parent);
    }
    return if_claimed(p);
}

/* One that is about to become another program (vfork(2)) has its parent's memory until then. Where
 * the two may not be compared, as in Docker, memory of one size is taken for the same. */
static bool has_memory_of_parent(const struct own_memory *m, const struct own_process *p)
{
    const struct own_process *parent = find(m, p->parent);
    long order = syscall(SYS_kcmp, p->pid, p->parent, KCMP_VM, 0, 0);
    return order < 0 ? parent && parent->resident_bytes == p->resident_bytes : order == 0;
}

bool own_memory_is_over(const struct own_memory *m, pid_t pid, uint64_t limit)
{
    const struct own_process *first = find(m, pid);
    uint64_t most = 0;
    for (size_t i = 0; first && i < m->count; i++) {
        most += owner(m, &m->processes[i]) == first ? m->processes[i].resident_bytes : 0;
    }
    if (most <= limit) { /* of most this spares the parts, which cost more to know */
        return bytes_alone(pid) > limit;
    }
    uint64_t bytes = 0;
    for (size_t i = 0; i < m->count && bytes <= limit; i++) {
        const struct own_process *p = &m->processes[i];
        bool counts = owner(m, p) == first && (p == first || !has_memory_of_parent(m, p));
        bytes += counts ? bytes_in_part(p->pid) : 0;
    }
    return bytes > limit || bytes_alone(pid) > limit;
}
