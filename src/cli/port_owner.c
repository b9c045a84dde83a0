/* /proc/net/tcp names a listening socket's inode, and /proc/<pid>/fd who has a descriptor of it
 * (proc(5)).
 *
 * SPDX-License-Identifier: Apache-2.0 */
#include "cli/port_owner.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <string.h>

#include "base/buf.h"
#include "base/scope.h"
#include "base/str.h"
#include "control/text/utf8.h"

#define TCP_LISTEN_STATE 0x0A
#define TITLE_START      "mayfly: "

static void scope_close_file(FILE **f)
{
    if (*f) {
        (void)fclose(*f); /* only read from */
    }
}

static void scope_close_folder(DIR **d)
{
    if (*d) {
        (void)closedir(*d); /* only read from */
    }
}

/* The word number `index` of a line, empty when there are fewer. */
static struct str word_at(struct str line, size_t index)
{
    struct str word = { NULL, 0 };
    while (line.data && index != SIZE_MAX) {
        word = str_cut(&line, ' ');
        index -= word.len > 0;
    }
    return index == SIZE_MAX ? word : str_of(NULL, 0);
}

static unsigned long hex_of(struct str word)
{
    char text[20] = "";
    memcpy(text, word.data, word.len < sizeof(text) ? word.len : sizeof(text) - 1);
    return strtoul(text, NULL, 16);
}

/* The inode of the socket that listens on `port` in a table, 0 when there is none. Its lines:
 * "0: 0100007F:0BB8 00000000:0000 0A 00000000:00000000 00:00000000 00000000 0 0 1234 ..." */
static uint64_t find_inode(const char *table, uint16_t port)
{
    SCOPED(scope_close_file) FILE *f = fopen(table, "re");
    char line[512];
    while (f && fgets(line, sizeof(line), f)) {
        struct str local = word_at(str_c(line), 1);
        struct str state = word_at(str_c(line), 3);
        uint64_t inode;
        if (local.len > 4 && state.len > 0 && hex_of(state) == TCP_LISTEN_STATE &&
            hex_of(str_skip(local, local.len - 4)) == port &&
            str_to_u64(word_at(str_c(line), 9), &inode)) {
            return inode;
        }
    }
    return 0;
}

static bool has_socket(int proc, const char *pid, const char *socket_name)
{
    char path[64];
    (void)snprintf(path, sizeof(path), "%.20s/fd", pid);
    scoped_fd int fd = openat(proc, path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    SCOPED(scope_close_folder) DIR *folder = fd >= 0 ? fdopendir(fd) : NULL;
    if (!folder) {
        return false;
    }
    int folder_fd = take_fd(&fd); /* the DIR's now */
    for (struct dirent *e = readdir(folder); e; e = readdir(folder)) {
        char target[64];
        ssize_t n = readlinkat(folder_fd, e->d_name, target, sizeof(target) - 1);
        if (n > 0 && str_eq(str_of(target, (size_t)n), str_c(socket_name))) {
            return true;
        }
    }
    return false;
}

/* A file of /proc/<pid>, cut to what fits. */
static struct str read_proc(int proc, uint64_t pid, const char *name, char *ret_text, size_t size)
{
    char path[64];
    (void)snprintf(path, sizeof(path), "%llu/%s", (unsigned long long)pid, name);
    scoped_fd int fd = openat(proc, path, O_RDONLY | O_CLOEXEC);
    ssize_t n = fd >= 0 ? read(fd, ret_text, size) : -1;
    return str_of(ret_text, n > 0 ? (size_t)n : 0);
}

/* What a process calls itself, without the line's end. */
static struct str name_of(int proc, uint64_t pid, char *ret_text, size_t size)
{
    struct str text = read_proc(proc, pid, "comm", ret_text, size);
    return str_cut(&text, '\n');
}

/* The words of stat behind the second, which is the name in parentheses and may hold anything. */
static struct str behind_name(int proc, uint64_t pid, char *ret_text, size_t size)
{
    struct str stat = read_proc(proc, pid, "stat", ret_text, size);
    const char *end = stat.len > 0 ? memrchr(stat.data, ')', stat.len) : NULL;
    return end ? str_skip(stat, (size_t)(end + 1 - stat.data)) : str_of(NULL, 0);
}

static uint64_t parent_of(int proc, uint64_t pid)
{
    char text[512];
    uint64_t parent;
    return str_to_u64(word_at(behind_name(proc, pid, text, sizeof(text)), 1), &parent) ? parent : 0;
}

static uint64_t find_owner(int proc_fd, DIR *proc, uint16_t port)
{
    uint64_t inode = find_inode("/proc/net/tcp", port);
    if (inode == 0) {
        inode = find_inode("/proc/net/tcp6", port);
    }
    if (inode == 0) {
        return 0;
    }
    char socket_name[64];
    (void)snprintf(socket_name, sizeof(socket_name), "socket:[%llu]", (unsigned long long)inode);
    for (struct dirent *e = readdir(proc); e; e = readdir(proc)) {
        uint64_t pid;
        if (str_to_u64(str_c(e->d_name), &pid) && has_socket(proc_fd, e->d_name, socket_name)) {
            return pid;
        }
    }
    return 0;
}

static void describe(int proc, uint64_t pid, char *ret_text, size_t size)
{
    char text[32];
    struct str name = name_of(proc, pid, text, sizeof(text));
    if (str_eq(name, STR("mayfly")) || str_starts(name, STR(TITLE_START))) {
        name = STR("another mayfly");
    } else if (name.len == 0) {
        name = STR("a process");
    }
    struct buf shown;
    buf_init(&shown, 8 * sizeof(text));
    /* It fits; a process calls itself what it likes. */
    (void)!utf8_append_terminal(&shown, name, "", UTF8_COLOUR_DROP);
    (void)snprintf(ret_text, size, STR_FMT " (process %llu)", STR_ARG(buf_str(&shown)),
                   (unsigned long long)pid);
    buf_finish(&shown);
}

bool port_owner_find(uint16_t port, char *ret_text, size_t size)
{
    SCOPED(scope_close_folder) DIR *proc = opendir("/proc");
    uint64_t pid = proc ? find_owner(dirfd(proc), proc, port) : 0;
    if (pid != 0) {
        describe(dirfd(proc), pid, ret_text, size);
    }
    return pid != 0;
}

/* The program that a process runs; 0, or -errno: -ENOENT when it has given its memory back. */
static int program_of(int proc, uint64_t pid, char ret_path[PATH_MAX])
{
    char path[64];
    (void)snprintf(path, sizeof(path), "%llu/exe", (unsigned long long)pid);
    ssize_t n = readlinkat(proc, path, ret_path, PATH_MAX - 1);
    if (n < 0) {
        return -errno;
    }
    ret_path[n] = '\0';
    return 0;
}

/* Launcher and supervisor are one program. Whose launcher was killed has somebody else as its
 * parent. */
static bool has_no_launcher(int proc, uint64_t supervisor)
{
    char own[PATH_MAX], above[PATH_MAX];
    int r = program_of(proc, supervisor, own);
    if (r < 0) {
        return r == -ENOENT;
    }
    return program_of(proc, parent_of(proc, supervisor), above) < 0 || strcmp(own, above) != 0;
}

enum port_owner port_owner_look(uint16_t port)
{
    char text[32];
    SCOPED(scope_close_folder) DIR *proc = opendir("/proc");
    uint64_t pid = proc ? find_owner(dirfd(proc), proc, port) : 0;
    if (pid == 0) {
        return PORT_OWNER_UNSEEN;
    }
    uint64_t supervisor = 0; /* all below it have titles, too; the launcher above it has none */
    while (pid != 0 &&
           str_starts(name_of(dirfd(proc), pid, text, sizeof(text)), STR(TITLE_START))) {
        supervisor = pid;
        pid = parent_of(dirfd(proc), pid);
    }
    return supervisor != 0 && has_no_launcher(dirfd(proc), supervisor) ? PORT_OWNER_ENDS
                                                                       : PORT_OWNER_STAYS;
}
