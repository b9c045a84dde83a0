/* /proc/net/tcp names a listening socket's inode, and /proc/<pid>/fd who has a descriptor of it
 * (proc(5)).
 *
 * SPDX-License-Identifier: Apache-2.0 */
#include "cli/port_owner.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>

#include "base/buf.h"
#include "base/scope.h"
#include "base/str.h"
#include "control/text/utf8.h"

#define TCP_LISTEN_STATE 0x0A

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

static void describe(int proc, const char *pid, char *ret_text, size_t size)
{
    char path[64];
    char name[32] = "a process";
    struct buf shown;
    (void)snprintf(path, sizeof(path), "%.20s/comm", pid);
    scoped_fd int fd = openat(proc, path, O_RDONLY | O_CLOEXEC);
    ssize_t n = fd >= 0 ? read(fd, name, sizeof(name) - 1) : -1;
    if (n > 0) {
        name[n] = '\0';
        name[strcspn(name, "\n")] = '\0';
    }
    buf_init(&shown, 8 * sizeof(name));
    /* It fits; a process calls itself what it likes. */
    (void)!utf8_append_terminal(&shown, str_c(name), "", UTF8_COLOUR_DROP);
    (void)snprintf(ret_text, size, STR_FMT " (process %.20s)", STR_ARG(buf_str(&shown)), pid);
    buf_finish(&shown);
}

bool port_owner_find(uint16_t port, char *ret_text, size_t size)
{
    uint64_t inode = find_inode("/proc/net/tcp", port);
    if (inode == 0) {
        inode = find_inode("/proc/net/tcp6", port);
    }
    if (inode == 0) {
        return false;
    }
    char socket_name[64];
    (void)snprintf(socket_name, sizeof(socket_name), "socket:[%llu]", (unsigned long long)inode);
    SCOPED(scope_close_folder) DIR *proc = opendir("/proc");
    for (struct dirent *e = proc ? readdir(proc) : NULL; e; e = readdir(proc)) {
        uint64_t pid;
        if (str_to_u64(str_c(e->d_name), &pid) && has_socket(dirfd(proc), e->d_name, socket_name)) {
            describe(dirfd(proc), e->d_name, ret_text, size);
            return true;
        }
    }
    return false;
}
