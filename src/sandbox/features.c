/* SPDX-License-Identifier: Apache-2.0 */
#include "sandbox/features.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>

#include "base/limits.h"
#include "sandbox/cgroup.h"
#include "sandbox/enter.h"
#include "sandbox/features_reason.h"
#include "sandbox/id_map.h"
#include "sandbox/landlock.h"

static const struct {
    const char *name;
    const char *loss;
} texts[SANDBOX_FEATURE_COUNT] = {
    { "user namespace", "functions run as your user and see your files and processes" },
    { "mount namespace", "functions see the whole file system of the machine" },
    { "pid namespace",
      "functions see and may signal other processes of their user; what they leave "
      "running may survive them" },
    { "ipc namespace", "functions share System V and POSIX message queues with the machine" },
    { "uts namespace", "functions see the machine's host name" },
    { "cgroup namespace", "functions see the names of the machine's control groups" },
    { "own /proc", "functions see the machine's processes in /proc" },
    { "uid per function", "functions run as your user, and only namespaces keep them apart" },
    { "seccomp", "functions can make every system call of the kernel, flaws included" },
    { "Landlock for files", "instances of one function can read each other's /tmp and memory" },
    { "Landlock scopes",
      "instances of one function can signal each other; functions reach abstract "
      "sockets of the machine" },
    { "memory limit",
      "memory is checked only now and then: a function may use all of it before it is "
      "stopped" },
    { "process limit", "a fork bomb is bounded for all instances of a function together only" },
    { "processor share", "a function with many busy processes slows all others down" },
};

static size_t index_of(enum sandbox_feature feature)
{
    return (size_t)__builtin_ctz((unsigned)feature);
}

const char *features_name(enum sandbox_feature feature)
{
    return texts[index_of(feature)].name;
}

const char *features_loss(enum sandbox_feature feature)
{
    return texts[index_of(feature)].loss;
}

bool features_is_isolated(uint32_t bits)
{
    const uint32_t needed = SANDBOX_USER_NAMESPACE | SANDBOX_MOUNT_NAMESPACE |
                            SANDBOX_PID_NAMESPACE | SANDBOX_IPC_NAMESPACE | SANDBOX_PROC |
                            SANDBOX_SECCOMP;
    return (bits & needed) == needed;
}

/* What a probing child tells: errno of each feature, 0 for a success. */
struct outcome {
    int codes[SANDBOX_FEATURE_COUNT];
};

static void note(struct outcome *o, enum sandbox_feature feature, int code)
{
    o->codes[index_of(feature)] = code;
}

static void fail_all(struct outcome *o)
{
    for (size_t i = 0; i < SANDBOX_FEATURE_COUNT; i++) {
        o->codes[i] = EPERM;
    }
}

/* Runs fn in a child that is thrown away, so that what it enters is left with it. */
static int in_child(int (*fn)(void))
{
    pid_t pid = fork();
    int status;
    if (pid == 0) {
        _exit(fn());
    }
    if (pid < 0 || waitpid(pid, &status, 0) < 0) {
        return errno;
    }
    return WIFEXITED(status) ? WEXITSTATUS(status) : EPERM; /* killed: a filter does that */
}

static int try_unshare(int flags)
{
    return unshare(flags) < 0 ? errno : 0;
}

static int try_ipc(void)
{
    return try_unshare(CLONE_NEWIPC);
}

static int try_uts(void)
{
    return try_unshare(CLONE_NEWUTS) || sethostname("mayfly", 6) < 0 ? errno : 0;
}

static int try_cgroup_namespace(void)
{
    return try_unshare(CLONE_NEWCGROUP);
}

static int nothing(void)
{
    return 0;
}

static int try_pid(void)
{
    int code = try_unshare(CLONE_NEWPID);
    return code ? code : in_child(nothing);
}

/* A root of its own, with the mounts that a sandbox needs. */
static int try_mount(void)
{
    if (unshare(CLONE_NEWNS) < 0 || mount(NULL, "/", NULL, MS_REC | MS_SLAVE, NULL) < 0 ||
        mount("tmpfs", "/tmp", "tmpfs", MS_NOSUID | MS_NODEV, "size=64k") < 0 ||
        chdir("/tmp") < 0 || mkdir("usr", 0755) < 0 ||
        mount("/usr", "usr", NULL, MS_BIND | MS_REC, NULL) < 0 ||
        syscall(SYS_pivot_root, ".", ".") < 0 || umount2(".", MNT_DETACH) < 0) {
        return errno;
    }
    return 0;
}

static int mount_proc(void)
{
    return mount("proc", "/proc", "proc", MS_NOSUID | MS_NODEV | MS_NOEXEC, "hidepid=2") < 0 ? errno
                                                                                             : 0;
}

static int try_proc(void)
{
    if (unshare(CLONE_NEWNS | CLONE_NEWPID) < 0 ||
        mount(NULL, "/", NULL, MS_REC | MS_SLAVE, NULL) < 0) {
        return errno;
    }
    return in_child(mount_proc);
}

static int try_seccomp(void)
{
    struct sock_filter allow = BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW);
    struct sock_fprog program = { .len = 1, .filter = &allow };
    return prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) < 0 ||
                   syscall(SYS_seccomp, SECCOMP_SET_MODE_FILTER, 0, &program) < 0
               ? errno
               : 0;
}

static void probe_namespaces(struct outcome *o)
{
    note(o, SANDBOX_MOUNT_NAMESPACE, in_child(try_mount));
    note(o, SANDBOX_PID_NAMESPACE, in_child(try_pid));
    note(o, SANDBOX_IPC_NAMESPACE, in_child(try_ipc));
    note(o, SANDBOX_UTS_NAMESPACE, in_child(try_uts));
    note(o, SANDBOX_CGROUP_NAMESPACE, in_child(try_cgroup_namespace));
    note(o, SANDBOX_PROC, in_child(try_proc));
}

/* The base zygote's child: says 'u' when it has its user namespace, waits for its maps. */
static void probe_as_function(int socket_fd)
{
    struct outcome o;
    char answer = 0;
    fail_all(&o);
    (void)prctl(PR_SET_DUMPABLE, 1);
    int code = try_unshare(CLONE_NEWUSER);
    if (write(socket_fd, "u", 1) != 1 || read(socket_fd, &answer, 1) != 1) {
        _exit(1);
    }
    code = code ? code : answer;
    if (code == 0 && (setresgid(SANDBOX_UID, SANDBOX_UID, SANDBOX_UID) < 0 ||
                      setresuid(SANDBOX_UID, SANDBOX_UID, SANDBOX_UID) < 0)) {
        code = errno;
    }
    note(&o, SANDBOX_USER_NAMESPACE, code);
    if (code == 0) {
        probe_namespaces(&o);
    }
    _exit(write(socket_fd, &o, sizeof(o)) == (ssize_t)sizeof(o) ? 0 : 1);
}

/* Root's base zygote has an own uid; an ordinary user's has the user's. */
static bool become_zygote(void)
{
    return setresgid(MAYFLY_UID_ZYGOTE, MAYFLY_UID_ZYGOTE, MAYFLY_UID_ZYGOTE) == 0 &&
           setresuid(MAYFLY_UID_ZYGOTE, MAYFLY_UID_ZYGOTE, MAYFLY_UID_ZYGOTE) == 0;
}

static int become_zygote_probe(void)
{
    return become_zygote() ? 0 : EPERM;
}

/* A sandbox entered as it will be: two processes, the maps written from outside. */
static void probe_sandbox(struct outcome *o)
{
    int pair[2];
    char ready;
    int separate = in_child(become_zygote_probe);
    if (socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, pair) < 0) {
        return;
    }
    pid_t pid = fork();
    if (pid == 0) {
        (void)close(pair[0]);
        if (separate == 0 && !become_zygote()) {
            _exit(1);
        }
        probe_as_function(pair[1]);
    }
    (void)close(pair[1]);
    if (pid > 0 && read(pair[0], &ready, 1) == 1) {
        uid_t uid = separate == 0 ? MAYFLY_UID_FUNCTION : 0;
        char code = (char)-id_map_write(pid, SANDBOX_UID, uid, uid);
        struct outcome told;
        if (write(pair[0], &code, 1) == 1 && read(pair[0], &told, sizeof(told)) == sizeof(told)) {
            *o = told;
        }
    }
    (void)close(pair[0]);
    if (pid > 0) {
        (void)waitpid(pid, NULL, 0);
    }
    note(o, SANDBOX_SEPARATE_UIDS, separate);
}

static int try_landlock_files(void)
{
    scoped_fd int fd = open("/tmp", O_PATH | O_DIRECTORY | O_CLOEXEC);
    if (landlock_abi() < LANDLOCK_ABI_FILES) {
        return landlock_abi() == 0 ? ENOSYS : EOPNOTSUPP;
    }
    return prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) < 0 ? errno
                                                      : -landlock_enter_instance(fd, 0, NULL);
}

static int try_landlock_scope(void)
{
    if (landlock_abi() < LANDLOCK_ABI_SCOPE) {
        return landlock_abi() == 0 ? ENOSYS : EOPNOTSUPP;
    }
    return prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) < 0 ? errno : -landlock_enter_function(NULL);
}

/* The supervisor: in its own mount namespace, for an ordinary user in a user namespace too. */
static void probe_as_supervisor(int fd)
{
    struct outcome o;
    fail_all(&o);
    uid_t uid = geteuid();
    gid_t gid = getegid();
    if (uid != 0) {
        int code = try_unshare(CLONE_NEWUSER);
        code = code ? code : -id_map_write(getpid(), 0, uid, gid);
        note(&o, SANDBOX_USER_NAMESPACE, code);
        if (code == 0) {
            probe_sandbox(&o);
        }
        note(&o, SANDBOX_SEPARATE_UIDS, EPERM);
    } else {
        probe_sandbox(&o);
    }
    note(&o, SANDBOX_SECCOMP, in_child(try_seccomp));
    note(&o, SANDBOX_LANDLOCK_FS, in_child(try_landlock_files));
    note(&o, SANDBOX_LANDLOCK_SCOPE, in_child(try_landlock_scope));
    _exit(write(fd, &o, sizeof(o)) == (ssize_t)sizeof(o) ? 0 : 1);
}

static void probe_processes(struct outcome *o)
{
    int fds[2];
    fail_all(o);
    if (pipe2(fds, O_CLOEXEC) < 0) {
        return;
    }
    pid_t pid = fork();
    if (pid == 0) {
        probe_as_supervisor(fds[1]);
    }
    (void)close(fds[1]);
    struct outcome told;
    if (pid > 0 && read(fds[0], &told, sizeof(told)) == (ssize_t)sizeof(told)) {
        *o = told;
    }
    (void)close(fds[0]);
    if (pid > 0) {
        (void)waitpid(pid, NULL, 0);
    }
}

static void probe_limits(struct outcome *o)
{
    char name[64];
    struct cgroups *groups = NULL;
    const struct cgroup_limits limits = { .memory_bytes = 64 * MIB, .pids_max = 64 };
    (void)snprintf(name, sizeof(name), "mayfly-probe-%d", (int)getpid());
    if (cgroups_open(name, &groups, NULL) == 0) {
        bool works = cgroup_create(groups, "probe", &limits, NULL) == 0;
        unsigned held = works ? cgroups_limits(groups) : 0;
        note(o, SANDBOX_MEMORY_LIMIT, held & CGROUPS_MEMORY ? 0 : EPERM);
        note(o, SANDBOX_PIDS_LIMIT, held & CGROUPS_PIDS ? 0 : EPERM);
        note(o, SANDBOX_CPU_SHARE, held & CGROUPS_CPU ? 0 : EPERM);
        cgroups_destroy(groups);
    }
}

void features_probe(struct sandbox_features *ret)
{
    struct outcome o;
    probe_processes(&o);
    probe_limits(&o);
    *ret = (struct sandbox_features){ 0 };
    for (size_t i = 0; i < SANDBOX_FEATURE_COUNT; i++) {
        struct sandbox_feature_state *state = &ret->states[i];
        state->available = o.codes[i] == 0;
        ret->bits |= state->available ? 1u << i : 0;
        if (!state->available) {
            features_reason((enum sandbox_feature)(1u << i), o.codes[i], o.codes[0] == 0,
                            state->reason, sizeof(state->reason));
        }
    }
}
