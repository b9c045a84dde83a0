/* SPDX-License-Identifier: Apache-2.0 */
#include "gateway/static_files.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <linux/openat2.h>
#include <stdio.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <time.h>

#include "base/hex.h"
#include "base/mem.h"

/* Most requests are for functions, and most of their paths come again and again: without this each
 * would cost a look into the folder. */
#define ABSENT_SLOTS      256
#define ABSENT_PATH_BYTES 112

struct static_absent {
    uint64_t until_ms;
    size_t len;
    char path[ABSENT_PATH_BYTES];
};

static uint64_t now_ms(void)
{
    struct timespec t;
    (void)clock_gettime(CLOCK_MONOTONIC_COARSE, &t); /* always works */
    return (uint64_t)t.tv_sec * 1000 + (uint64_t)t.tv_nsec / 1000000;
}

/* NULL for a path that is too long to be remembered. */
static struct static_absent *absent_slot(struct static_root *root, struct str path)
{
    uint32_t hash = 2166136261U;
    for (size_t i = 0; i < path.len; i++) {
        hash = (hash ^ (unsigned char)path.data[i]) * 16777619U;
    }
    return path.len <= ABSENT_PATH_BYTES ? &root->absent[hash % ABSENT_SLOTS] : NULL;
}

static bool is_absent(struct static_root *root, struct str path)
{
    const struct static_absent *slot = absent_slot(root, path);
    return slot && str_eq(str_of(slot->path, slot->len), path) && now_ms() < slot->until_ms;
}

static void remember_absent(struct static_root *root, struct str path)
{
    struct static_absent *slot = absent_slot(root, path);
    if (slot) {
        slot->until_ms = now_ms() + STATIC_ABSENT_MS;
        slot->len = path.len;
        memcpy(slot->path, path.data, path.len);
    }
}

void static_root_open(struct static_root *root, struct str prefix, const char *directory)
{
    root->prefix = mem_copy_str(prefix);
    root->directory = open(directory, O_PATH | O_DIRECTORY | O_CLOEXEC);
    root->absent = mem_alloc(ABSENT_SLOTS * sizeof(*root->absent));
}

void static_root_give(struct static_root *root, int fd)
{
    scope_close_fd(&root->directory);
    root->directory = fd;
    memset(root->absent, 0, ABSENT_SLOTS * sizeof(*root->absent));
}

void static_root_close(struct static_root *root)
{
    scope_close_fd(&root->directory);
    root->directory = -1;
    free(root->prefix);
    root->prefix = NULL;
    free(root->absent);
    root->absent = NULL;
    static_root_keep_back(root, NULL);
}

void static_root_keep_back(struct static_root *root, pcre2_code *pattern)
{
    pcre2_code_free(root->except);
    pcre2_match_data_free(root->match);
    root->except = pattern;
    root->match = pattern ? pcre2_match_data_create_from_pattern(pattern, NULL) : NULL;
}

/* What cannot be decided, as for want of memory, is kept back, too. */
static bool is_kept_back(const struct static_root *root, const char *name)
{
    return root->except && pcre2_match(root->except, (PCRE2_SPTR)name, PCRE2_ZERO_TERMINATED, 0, 0,
                                       root->match, NULL) != PCRE2_ERROR_NOMATCH;
}

/* One byte of the path, percent-decoded; -1 when it is malformed. */
static int take_byte(struct str *path)
{
    char c = path->data[0];
    *path = str_skip(*path, 1);
    if (c != '%') {
        return (unsigned char)c;
    }
    int high = path->len > 1 ? hex_digit(path->data[0]) : -1;
    int low = path->len > 1 ? hex_digit(path->data[1]) : -1;
    if (high < 0 || low < 0) {
        return -1;
    }
    int byte = high * 16 + low;
    *path = str_skip(*path, 2);
    return byte;
}

/* Where the segment before the one at `start` begins, or -EINVAL for the folder's own parent. */
static int previous_segment(const char *out, size_t start)
{
    if (start == 0) {
        return -EINVAL;
    }
    const char *slash = memrchr(out, '/', start - 1);
    return slash ? (int)(slash - out) + 1 : 0;
}

/* A segment has ended at out[len]: "." goes, ".." goes with the one before it. The new length, or
 * -EINVAL. */
static int end_segment(const char *out, size_t start, size_t len)
{
    size_t n = len - start;
    if (n == 2 && out[start] == '.' && out[start + 1] == '.') {
        return previous_segment(out, start);
    }
    return n == 0 || (n == 1 && out[start] == '.') ? (int)start : (int)len;
}

int static_path_decode(struct str path, char *out, size_t size)
{
    size_t len = 0, start = 0;
    while (path.len > 0) {
        int byte = take_byte(&path);
        if (byte <= 0 || len + 2 > size || byte == '\\') {
            return -EINVAL;
        }
        if (byte != '/') {
            out[len++] = (char)byte;
            continue;
        }
        int end = end_segment(out, start, len);
        if (end < 0) {
            return end;
        }
        bool kept = (size_t)end > start;
        len = (size_t)end;
        if (kept) {
            out[len++] = '/';
        }
        start = len;
    }
    int end = end_segment(out, start, len);
    if (end >= 0) {
        out[end] = '\0';
    }
    return end;
}

/* Kernels before 5.6, or a filter, have no openat2: then each part is opened without following
 * links. */
static int open_by_parts(int directory, const char *path)
{
    char copy[PATH_MAX];
    int at = directory;
    (void)snprintf(copy, sizeof(copy), "%s", path); /* decoded into a buffer of this size */
    char *part = copy;
    for (;;) {
        char *slash = strchr(part, '/');
        bool last = !slash || slash[1] == '\0';
        if (slash) {
            *slash = '\0';
        }
        int flags = last ? O_RDONLY | O_NONBLOCK : O_PATH | O_DIRECTORY;
        int fd = openat(at, *part ? part : ".", flags | O_NOFOLLOW | O_CLOEXEC);
        int saved = errno;
        if (at != directory) {
            (void)close(at);
        }
        errno = saved;
        if (fd < 0 || last) {
            return fd;
        }
        at = fd;
        part = slash + 1;
    }
}

static int open_beneath(int directory, const char *path)
{
    struct open_how how = { .flags = O_RDONLY | O_NONBLOCK | O_CLOEXEC,
                            .resolve = RESOLVE_BENEATH | RESOLVE_NO_MAGICLINKS };
    long fd = syscall(SYS_openat2, directory, *path ? path : ".", &how, sizeof(how));
    if (fd < 0 && (errno == ENOSYS || errno == EPERM)) {
        return open_by_parts(directory, path);
    }
    return (int)fd;
}

static const struct {
    const char *suffix;
    const char *type;
} types[] = {
    { "html", "text/html; charset=utf-8" },
    { "htm", "text/html; charset=utf-8" },
    { "css", "text/css; charset=utf-8" },
    { "js", "application/javascript; charset=utf-8" },
    { "mjs", "application/javascript; charset=utf-8" },
    { "json", "application/json; charset=utf-8" },
    { "map", "application/json; charset=utf-8" },
    { "txt", "text/plain; charset=utf-8" },
    { "md", "text/markdown; charset=utf-8" },
    { "xml", "application/xml" },
    { "csv", "text/csv; charset=utf-8" },
    { "svg", "image/svg+xml" },
    { "png", "image/png" },
    { "jpg", "image/jpeg" },
    { "jpeg", "image/jpeg" },
    { "gif", "image/gif" },
    { "webp", "image/webp" },
    { "avif", "image/avif" },
    { "ico", "image/x-icon" },
    { "woff", "font/woff" },
    { "woff2", "font/woff2" },
    { "ttf", "font/ttf" },
    { "otf", "font/otf" },
    { "mp4", "video/mp4" },
    { "webm", "video/webm" },
    { "mp3", "audio/mpeg" },
    { "ogg", "audio/ogg" },
    { "wav", "audio/wav" },
    { "pdf", "application/pdf" },
    { "zip", "application/zip" },
    { "gz", "application/gzip" },
    { "wasm", "application/wasm" },
    { "webmanifest", "application/manifest+json" },
};

/* "text/html; charset=utf-8" of a file's name. */
static const char *type_of(const char *name)
{
    const char *dot = strrchr(name, '.');
    if (dot && !strchr(dot, '/')) {
        for (size_t i = 0; i < ARRAY_COUNT(types); i++) {
            if (str_eq_nocase(str_c(dot + 1), str_c(types[i].suffix))) {
                return types[i].type;
            }
        }
    }
    return "application/octet-stream";
}

static bool open_file(int directory, const char *name, struct static_file *ret)
{
    scoped_fd int fd = open_beneath(directory, name);
    struct stat st;
    if (fd < 0 || fstat(fd, &st) < 0) {
        return false;
    }
    if (S_ISDIR(st.st_mode)) {
        int inner = open_beneath(fd, "index.html");
        scope_close_fd(&fd);
        fd = inner;
        name = "index.html";
        if (fd < 0 || fstat(fd, &st) < 0) {
            return false;
        }
    }
    if (!S_ISREG(st.st_mode)) {
        return false;
    }
    *ret = (struct static_file){ .size = (uint64_t)st.st_size,
                                 .modified_s = st.st_mtim.tv_sec,
                                 .modified_ns = (uint64_t)st.st_mtim.tv_sec * 1000000000U +
                                                (uint64_t)st.st_mtim.tv_nsec };
    (void)snprintf(ret->type, sizeof(ret->type), "%s", type_of(name)); /* all fit */
    const char *slash = strrchr(name, '/');
    (void)snprintf(ret->name, sizeof(ret->name), "%s", slash ? slash + 1 : name);
    ret->fd = take_fd(&fd);
    return true;
}

bool static_files_find(struct static_root *roots, size_t count, struct str path,
                       struct static_file *ret)
{
    for (size_t i = 0; i < count; i++) {
        struct str prefix = str_c(roots[i].prefix);
        char name[PATH_MAX];
        if (roots[i].directory < 0 || !str_starts(path, prefix) || is_absent(&roots[i], path)) {
            continue;
        }
        if (static_path_decode(str_skip(path, prefix.len), name, sizeof(name)) >= 0 &&
            !is_kept_back(&roots[i], name) && open_file(roots[i].directory, name, ret)) {
            ret->compress = roots[i].compress;
            if (!roots[i].named) {
                ret->name[0] = '\0';
            }
            return true;
        }
        remember_absent(&roots[i], path);
    }
    return false;
}
