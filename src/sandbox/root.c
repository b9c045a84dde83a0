/* SPDX-License-Identifier: Apache-2.0 */
#include "sandbox/root.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/sendfile.h>
#include <sys/stat.h>

#include "base/limits.h"
#include "sandbox/mounts.h"

#define TEMPLATE_RESTRICTIONS (MOUNTS_READ_ONLY | MOUNTS_NO_SUID)
#define ETC_FILE_MAX          MIB /* ld.so.cache of a full desktop: 150 KiB */

/* Bound as they are; those the host does not have are left out. */
static const char *const bound_folders[] = {
    "/usr/bin",
    "/usr/lib",
    "/usr/lib32",
    "/usr/lib64",
    "/usr/libexec",
    "/usr/share",
    "/usr/local/lib",
    "/usr/local/share/ca-certificates", /* a company's own, linked to from /etc/ssl/certs */
    "/etc/ssl/certs",
    "/etc/pki/tls/certs",
    "/etc/pki/ca-trust/extracted",
    "/etc/alternatives",
    "/etc/fonts",
};

/* Links into /usr on most systems, folders on a few. */
static const char *const top_folders[] = { "/bin", "/sbin", "/lib", "/lib32", "/lib64" };

/* Bound, so that an edit of the host's arrives. */
static const char *const bound_files[] = { "/etc/resolv.conf" };

/* Copied: a mount each would make every later namespace slower. */
static const char *const copied_files[] = {
    "/etc/nsswitch.conf",   "/etc/services",    "/etc/protocols",
    "/etc/gai.conf",        "/etc/host.conf",   "/etc/mime.types",
    "/etc/ssl/openssl.cnf", "/etc/ld.so.cache", "/etc/timezone",
};

static const struct {
    const char *path;
    const char *text;
} made_files[] = {
    { "/etc/passwd", "root:x:0:0:root:/nonexistent:/usr/sbin/nologin\n"
                     "mayfly:x:1000:1000:function:/tmp:/bin/sh\n"
                     "nobody:x:65534:65534:nobody:/nonexistent:/usr/sbin/nologin\n" },
    { "/etc/group", "root:x:0:\nmayfly:x:1000:\nnogroup:x:65534:\n" },
    { "/etc/hostname", "mayfly\n" },
};

static const struct {
    const char *path;
    const char *target;
} links[] = {
    { "/tmp", "/proc/self/fd/1000" },
    { "/var/tmp", "/tmp" },
    { "/dev/shm", "/tmp" }, /* bounded and an instance's own, as /tmp is */
    { "/dev/fd", "/proc/self/fd" },
    { "/dev/stdin", "/proc/self/fd/0" },
    { "/dev/stdout", "/proc/self/fd/1" },
    { "/dev/stderr", "/proc/self/fd/2" },
};
_Static_assert(SANDBOX_TMP_FD == 1000, "the target of /tmp names it");

static const char *const empty_folders[] = {
    "/proc",           "/opt",           "/run/tmp", "/run/zygote", "/var/task",
    "/var/runtime/js", "/usr/local/bin", "/dev",     "/etc",
};

static const char *const devices[] = { "/dev/null", "/dev/zero", "/dev/full", "/dev/random",
                                       "/dev/urandom" };

static int path_join(char path[PATH_MAX], const char *base, const char *name, struct err *err)
{
    int n = snprintf(path, PATH_MAX, "%s%s", base, name);
    return n < PATH_MAX ? 0 : err_set(err, ENAMETOOLONG, "%s%s: path too long", base, name);
}

static int make_parent(const char *path, struct err *err)
{
    char parent[PATH_MAX];
    (void)snprintf(parent, sizeof(parent), "%s", path);
    *strrchr(parent, '/') = '\0';
    return mounts_make_folders(parent, 0755, err);
}

static int write_file(const char *root, const char *name, const char *text, size_t len,
                      struct err *err)
{
    char path[PATH_MAX];
    int r = path_join(path, root, name, err);
    if (r == 0) {
        r = make_parent(path, err);
    }
    if (r < 0) {
        return r;
    }
    scoped_fd int fd = open(path, O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0644);
    if (fd < 0 || write(fd, text, len) != (ssize_t)len) {
        return err_sys(err, "write %s", path);
    }
    return 0;
}

/* What cannot be read is left out, as what is not there: an odd host must not keep us from
 * starting. */
static int copy_file(const char *root, const char *name, struct err *err)
{
    scoped_fd int from = open(name, O_RDONLY | O_CLOEXEC);
    struct stat st;
    if (from < 0 || fstat(from, &st) < 0 || !S_ISREG(st.st_mode) ||
        st.st_size > (off_t)ETC_FILE_MAX) {
        return 0;
    }
    scoped_free char *data = malloc((size_t)st.st_size + 1);
    ssize_t n = data ? read(from, data, (size_t)st.st_size) : -1;
    return n < 0 ? 0 : write_file(root, name, data, (size_t)n, err);
}

/* The host's names, and the sandbox's own: packages look os.hostname() up. */
static int make_hosts(const char *root, struct err *err)
{
    int r = copy_file(root, "/etc/hosts", err);
    const char line[] = "\n127.0.0.1 localhost mayfly\n";
    return r < 0 ? r : write_file(root, "/etc/hosts", line, sizeof(line) - 1, err);
}

/* A link keeps the zone's name, which ICU reads from it. */
static int make_localtime(const char *root, struct err *err)
{
    char target[PATH_MAX];
    char path[PATH_MAX];
    ssize_t n = readlink("/etc/localtime", target, sizeof(target) - 1);
    if (n <= 0) {
        return copy_file(root, "/etc/localtime", err);
    }
    target[n] = '\0';
    int r = path_join(path, root, "/etc/localtime", err);
    return r < 0 ? r : symlink(target, path) < 0 ? err_sys(err, "link %s", path) : 0;
}

static int bind_same(const char *root, const char *name, unsigned restrictions, struct err *err)
{
    char target[PATH_MAX];
    if (access(name, F_OK) < 0) {
        return 0;
    }
    int r = path_join(target, root, name, err);
    if (r == 0) {
        r = make_parent(target, err);
    }
    return r < 0 ? r : mounts_bind_new(name, target, restrictions, err);
}

static int make_top_folder(const char *root, const char *name, struct err *err)
{
    char target[PATH_MAX];
    char path[PATH_MAX];
    ssize_t n = readlink(name, target, sizeof(target) - 1);
    if (n < 0) {
        return bind_same(root, name, MOUNTS_NO_DEVICES, err);
    }
    target[n] = '\0';
    int r = path_join(path, root, name, err);
    return r < 0 ? r : symlink(target, path) < 0 ? err_sys(err, "link %s", path) : 0;
}

static int make_folders(const char *root, struct err *err)
{
    for (size_t i = 0; i < ARRAY_COUNT(empty_folders); i++) {
        char path[PATH_MAX];
        int r = path_join(path, root, empty_folders[i], err);
        if (r == 0) {
            r = mounts_make_folders(path, 0755, err);
        }
        if (r < 0) {
            return r;
        }
    }
    for (size_t i = 0; i < ARRAY_COUNT(links); i++) {
        char path[PATH_MAX];
        int r = path_join(path, root, links[i].path, err);
        if (r < 0) {
            return r;
        }
        if (symlink(links[i].target, path) < 0) {
            return err_sys(err, "link %s", path);
        }
    }
    return 0;
}

static int make_etc(const char *root, struct err *err)
{
    int r = make_hosts(root, err);
    if (r == 0) {
        r = make_localtime(root, err);
    }
    for (size_t i = 0; r == 0 && i < ARRAY_COUNT(made_files); i++) {
        r = write_file(root, made_files[i].path, made_files[i].text, strlen(made_files[i].text),
                       err);
    }
    for (size_t i = 0; r == 0 && i < ARRAY_COUNT(copied_files); i++) {
        r = copy_file(root, copied_files[i], err);
    }
    for (size_t i = 0; r == 0 && i < ARRAY_COUNT(bound_files); i++) {
        r = bind_same(root, bound_files[i], MOUNTS_NO_DEVICES, err);
    }
    return r;
}

static int bind_host(const char *root, struct err *err)
{
    int r = 0;
    for (size_t i = 0; r == 0 && i < ARRAY_COUNT(bound_folders); i++) {
        r = bind_same(root, bound_folders[i], MOUNTS_NO_DEVICES, err);
    }
    for (size_t i = 0; r == 0 && i < ARRAY_COUNT(top_folders); i++) {
        r = make_top_folder(root, top_folders[i], err);
    }
    for (size_t i = 0; r == 0 && i < ARRAY_COUNT(devices); i++) {
        r = bind_same(root, devices[i], 0, err);
    }
    return r;
}

static int bind_runtime(const char *root, const struct root_sources *sources, struct err *err)
{
    char js[PATH_MAX];
    int r = path_join(js, sources->runtime, "/js", err);
    const struct {
        const char *source;
        const char *target;
    } binds[] = { { js, SANDBOX_RUNTIME "/js" },
                  { sources->addon, SANDBOX_RUNTIME "/mayfly.node" },
                  { sources->node, SANDBOX_NODE } };
    for (size_t i = 0; r == 0 && i < ARRAY_COUNT(binds); i++) {
        char target[PATH_MAX];
        r = path_join(target, root, binds[i].target, err);
        if (r == 0) {
            r = mounts_bind_new(binds[i].source, target, MOUNTS_NO_DEVICES, err);
        }
    }
    return r;
}

static int make_template(const char *base, const struct root_sources *sources, struct err *err)
{
    char root[PATH_MAX];
    int r = path_join(root, base, "/root", err);
    if (r < 0) {
        return r;
    }
    if (mount("tmpfs", root, "tmpfs", MS_NOSUID | MS_NODEV, "size=16m,mode=755") < 0) {
        return err_sys(err, "mount %s", root);
    }
    r = make_folders(root, err);
    if (r == 0) {
        r = make_etc(root, err);
    }
    if (r == 0) {
        r = bind_host(root, err);
    }
    if (r == 0) {
        r = bind_runtime(root, sources, err);
    }
    /* Read-only here means read-only and locked in every less privileged namespace. */
    return r < 0 ? r : mounts_restrict(root, TEMPLATE_RESTRICTIONS, err);
}

static int share_scratch(const char *base, struct err *err)
{
    char path[PATH_MAX];
    int r = path_join(path, base, "/scratch", err);
    if (r < 0) {
        return r;
    }
    if (mount(path, path, NULL, MS_BIND, NULL) < 0 ||
        mount(NULL, path, NULL, MS_SHARED, NULL) < 0) {
        return err_sys(err, "share %s", path);
    }
    return 0;
}

int root_create(const char *base, const struct root_sources *sources, struct err *err)
{
    static const struct {
        const char *name;
        mode_t mode;
    } folders[] = {
        { "/root", 0755 }, { "/scratch", 0711 }, { "/task", 0711 }, { "/build", 0755 }
    };
    /* Without the right to mount, the folder is used as it is. */
    bool can_mount = mount("tmpfs", base, "tmpfs", MS_NOSUID | MS_NODEV, "mode=711") == 0;
    if (!can_mount && errno != EPERM && errno != EACCES) {
        return err_sys(err, "mount %s", base);
    }
    for (size_t i = 0; i < ARRAY_COUNT(folders); i++) {
        char path[PATH_MAX];
        int r = path_join(path, base, folders[i].name, err);
        if (r < 0) {
            return r;
        }
        if (mkdir(path, folders[i].mode) < 0) {
            return err_sys(err, "make %s", path);
        }
    }
    if (!can_mount) {
        return 0;
    }
    int r = make_template(base, sources, err);
    return r < 0 ? r : share_scratch(base, err);
}
