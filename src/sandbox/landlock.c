/* SPDX-License-Identifier: Apache-2.0 */
#include "sandbox/landlock.h"

#include <fcntl.h>
#include <linux/landlock.h>
#include <stdint.h>
#include <sys/syscall.h>

/* The kernel's struct of ABI 6, which takes a shorter one too. */
struct ruleset {
    uint64_t files;
    uint64_t network;
    uint64_t scopes;
};

#define SCOPE_ABSTRACT_SOCKETS (1ULL << 0)
#define SCOPE_SIGNALS          (1ULL << 1)
#define FILES_TRUNCATE         (1ULL << 14) /* ABI 3 */
#define FILES_ABI_2            ((LANDLOCK_ACCESS_FS_REFER << 1) - 1)

int landlock_abi(void)
{
    long abi = syscall(SYS_landlock_create_ruleset, NULL, 0, LANDLOCK_CREATE_RULESET_VERSION);
    return abi < 0 ? 0 : (int)abi;
}

static int make_ruleset(const struct ruleset *rules, struct err *err)
{
    size_t size = rules->scopes ? sizeof(*rules) : sizeof(rules->files);
    long fd = syscall(SYS_landlock_create_ruleset, rules, size, 0);
    return fd < 0 ? err_sys(err, "landlock_create_ruleset") : (int)fd;
}

static int allow_below(int ruleset, int folder, uint64_t files)
{
    struct landlock_path_beneath_attr rule = { .allowed_access = files, .parent_fd = folder };
    long r = syscall(SYS_landlock_add_rule, ruleset, LANDLOCK_RULE_PATH_BENEATH, &rule, 0);
    return r < 0 ? -errno : 0;
}

static int restrict_self(int ruleset, struct err *err)
{
    long r = syscall(SYS_landlock_restrict_self, ruleset, 0);
    return r < 0 ? err_sys(err, "landlock_restrict_self") : 0;
}

int landlock_enter_function(struct err *err)
{
    /* Every domain forbids renames from folder to folder unless it says otherwise. */
    struct ruleset rules = { .files = LANDLOCK_ACCESS_FS_REFER,
                             .scopes = SCOPE_ABSTRACT_SOCKETS | SCOPE_SIGNALS };
    int fd = make_ruleset(&rules, err);
    if (fd < 0) {
        return fd;
    }
    scoped_fd int ruleset = fd;
    scoped_fd int root = open("/", O_PATH | O_DIRECTORY | O_CLOEXEC);
    int r = allow_below(ruleset, root, LANDLOCK_ACCESS_FS_REFER);
    if (r < 0) {
        return err_set(err, -r, "landlock_add_rule: %s", strerror(-r));
    }
    return restrict_self(ruleset, err);
}

/* The folders of the template's root but /run. Links among them (/lib) lead to others. */
static int allow_root(int ruleset, uint64_t files)
{
    static const char *const folders[] = { "/usr", "/etc", "/var",  "/proc",  "/dev",  "/opt",
                                           "/bin", "/lib", "/sbin", "/lib32", "/lib64" };
    for (size_t i = 0; i < ARRAY_COUNT(folders); i++) {
        scoped_fd int fd = open(folders[i], O_PATH | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
        int r = fd < 0 ? 0 : allow_below(ruleset, fd, files);
        if (r < 0) {
            return r;
        }
    }
    return 0;
}

/* To list / is to list all below it. That siblings' /tmp are not found then is a matter of
 * permissions (root_scratch_mount()), which an ordinary user's functions all have. */
static int allow_listing(int ruleset)
{
    scoped_fd int root = open("/", O_PATH | O_DIRECTORY | O_CLOEXEC);
    return allow_below(ruleset, root, LANDLOCK_ACCESS_FS_READ_DIR);
}

int landlock_enter_instance(int tmp_fd, unsigned flags, struct err *err)
{
    struct ruleset rules = { .files = FILES_ABI_2 };
    if (landlock_abi() > LANDLOCK_ABI_FILES) {
        rules.files |= FILES_TRUNCATE;
    }
    if (flags & LANDLOCK_SCOPED) {
        rules.scopes = SCOPE_ABSTRACT_SOCKETS | SCOPE_SIGNALS;
    }
    int fd = make_ruleset(&rules, err);
    if (fd < 0) {
        return fd;
    }
    scoped_fd int ruleset = fd;
    int r = allow_root(ruleset, rules.files);
    if (r == 0) {
        r = allow_below(ruleset, tmp_fd, rules.files);
    }
    if (r == 0 && flags & LANDLOCK_LISTS_ROOT) {
        r = allow_listing(ruleset);
    }
    if (r < 0) {
        return err_set(err, -r, "landlock_add_rule: %s", strerror(-r));
    }
    return restrict_self(ruleset, err);
}
