/* SPDX-License-Identifier: Apache-2.0 */
#include "sandbox/enter.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <grp.h>
#include <linux/capability.h>
#include <linux/securebits.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "base/limits.h"
#include "ipc/socket.h"
#include "sandbox/enter_root.h"
#include "sandbox/features.h"
#include "sandbox/landlock.h"
#include "sandbox/tmp_copy.h"

/* The folder of all instances' /tmp, open in the zygote for its instances. */
#define SCRATCH_FD (SANDBOX_TMP_FD - 1)

/* Under memory pressure of the whole machine functions go before the platform, instances before
 * their zygote. */
#define ZYGOTE_OOM_SCORE   "300"
#define INSTANCE_OOM_SCORE "600"

static int ask_for_maps(int link_fd, struct err *err)
{
    struct message_zygote_entering ask = { .type = MESSAGE_ZYGOTE_ENTERING };
    struct message_zygote_mapped answer;
    struct ipc_received received;
    int r = ipc_send(link_fd, &ask, sizeof(ask), NULL, 0);
    if (r < 0) {
        return err_set(err, -r, "ask for user id maps: %s", strerror(-r));
    }
    r = ipc_receive(link_fd, &answer, sizeof(answer), &received);
    if (r <= 0) {
        return err_set(err, r ? -r : EPIPE, "wait for user id maps: %s", strerror(r ? -r : EPIPE));
    }
    ipc_received_close(&received);
    if (received.size != sizeof(answer) || answer.type != MESSAGE_ZYGOTE_MAPPED) {
        return err_set(err, EBADMSG, "wait for user id maps: unexpected message");
    }
    return answer.failed ? err_set(err, EPERM, "the supervisor could not write user id maps") : 0;
}

/* Capabilities in the new namespace survive: none of the old ids was its root. */
static int become_user(struct err *err)
{
    /* An ordinary user's namespace may not change groups; its mounts hold nothing that they open.
     */
    if (setgroups(0, NULL) < 0 && errno != EPERM) {
        return err_sys(err, "setgroups");
    }
    if (setresgid(SANDBOX_UID, SANDBOX_UID, SANDBOX_UID) < 0 ||
        setresuid(SANDBOX_UID, SANDBOX_UID, SANDBOX_UID) < 0) {
        return err_sys(err, "become uid %d", SANDBOX_UID);
    }
    return 0;
}

static int flags_of(uint32_t isolation)
{
    int flags = 0;
    flags |= isolation & SANDBOX_MOUNT_NAMESPACE ? CLONE_NEWNS : 0;
    flags |= isolation & SANDBOX_PID_NAMESPACE ? CLONE_NEWPID : 0;
    flags |= isolation & SANDBOX_IPC_NAMESPACE ? CLONE_NEWIPC : 0;
    flags |= isolation & SANDBOX_UTS_NAMESPACE ? CLONE_NEWUTS : 0;
    flags |= isolation & SANDBOX_CGROUP_NAMESPACE ? CLONE_NEWCGROUP : 0;
    return flags;
}

/* Where no pid namespace ends with its first process, the death of the parent does it. Only once
 * the supervisor is the parent: the outer process dies at once. */
static int die_with_supervisor(pid_t outer)
{
    while (getppid() == outer) {
        (void)sched_yield();
    }
    return prctl(PR_SET_PDEATHSIG, SIGKILL) < 0 ? -errno : 0;
}

static int fork_process_one(uint32_t isolation, struct err *err)
{
    pid_t outer = getpid();
    pid_t pid = fork();
    if (pid < 0) {
        return err_sys(err, "fork");
    }
    if (pid > 0) {
        _exit(0);
    }
    int r = isolation & SANDBOX_PID_NAMESPACE ? 0 : die_with_supervisor(outer);
    return r < 0 ? err_set(err, -r, "prctl: %s", strerror(-r)) : 0;
}

/* An ordinary user's functions are all that user's, and so is what the kernel counts of a user, but
 * each user namespace may have less (user_namespaces(7)). Where it cannot be said, as in a
 * container whose /proc/sys is read-only, it is as many as the user may have. */
static void bound_namespace(void)
{
    scoped_fd int fd = open("/proc/sys/user/max_inotify_instances", O_WRONLY | O_CLOEXEC);
    if (fd >= 0) {
        (void)dprintf(fd, "%d", LIMIT_FUNCTION_INOTIFY);
    }
}

int enter_namespaces(const struct message_zygote_start *plan, int link_fd, struct err *err)
{
    if (plan->isolation & SANDBOX_USER_NAMESPACE && unshare(CLONE_NEWUSER) < 0) {
        return err_sys(err, "make a user namespace");
    }
    (void)prctl(PR_SET_DUMPABLE, 1); /* or an ordinary user's supervisor may not write the maps */
    int r = ask_for_maps(link_fd, err);
    if (r == 0 && plan->isolation & SANDBOX_USER_NAMESPACE) {
        r = become_user(err);
        if (r == 0 && !(plan->isolation & SANDBOX_SEPARATE_UIDS)) {
            bound_namespace();
        }
    }
    if (r < 0) {
        return r;
    }
    if (unshare(flags_of(plan->isolation)) < 0) {
        return err_sys(err, "make namespaces");
    }
    r = fork_process_one(plan->isolation, err);
    if (r < 0) {
        return r;
    }
    struct message_zygote_entering here = { .type = MESSAGE_ZYGOTE_ENTERING, .pid_one = 1 };
    r = ipc_send(link_fd, &here, sizeof(here), NULL, 0);
    return r < 0 ? err_set(err, -r, "tell the supervisor: %s", strerror(-r)) : 0;
}

/* A folder that was open before pivot_root leads out of the new root. */
static int close_folders(struct err *err)
{
    DIR *dir = opendir("/proc/self/fd");
    if (!dir) {
        return err_sys(err, "open /proc/self/fd");
    }
    struct dirent *entry;
    while ((entry = readdir(dir))) {
        int fd = (int)strtol(entry->d_name, NULL, 10);
        struct stat st;
        if (entry->d_name[0] != '.' && fd != dirfd(dir) && fstat(fd, &st) == 0 &&
            (S_ISDIR(st.st_mode) || S_ISLNK(st.st_mode))) {
            (void)close(fd);
        }
    }
    (void)closedir(dir);
    return 0;
}

/* Moves fd to a fixed number. */
static int place_fd(int fd, int number, int flags, struct err *err)
{
    if (dup3(fd, number, flags) < 0) {
        return err_sys(err, "place descriptor %d", number);
    }
    (void)close(fd);
    return 0;
}

static int open_folder(const char *path, int number, int flags, struct err *err)
{
    int fd = open(path, O_PATH | O_DIRECTORY | O_CLOEXEC);
    return fd < 0 ? err_sys(err, "open %s", path) : place_fd(fd, number, flags, err);
}

static int open_tmp(const struct message_zygote_start *plan, struct err *err)
{
    if (!(plan->isolation & SANDBOX_MOUNT_NAMESPACE)) {
        return open_folder(plan->scratch, SCRATCH_FD, O_CLOEXEC, err);
    }
    int r = open_folder("/run/tmp", SCRATCH_FD, O_CLOEXEC, err);
    return r < 0 ? r : open_folder("/run/zygote", SANDBOX_TMP_FD, 0, err);
}

static int set_oom_score(const char *score, struct err *err)
{
    scoped_fd int fd = open("/proc/self/oom_score_adj", O_WRONLY | O_CLOEXEC);
    if (fd < 0 || write(fd, score, strlen(score)) < 0) {
        return err_sys(err, "oom_score_adj");
    }
    return 0;
}

static int lower_limit(int resource, rlim_t value, struct err *err)
{
    struct rlimit limit;
    if (getrlimit((__rlimit_resource_t)resource, &limit) < 0) {
        return err_sys(err, "getrlimit %d", resource);
    }
    limit.rlim_max = limit.rlim_max < value ? limit.rlim_max : value;
    limit.rlim_cur = limit.rlim_max;
    if (setrlimit((__rlimit_resource_t)resource, &limit) < 0) {
        return err_sys(err, "setrlimit %d", resource);
    }
    return 0;
}

static int lower_limits(const struct message_zygote_start *plan, struct err *err)
{
    const struct {
        int resource;
        rlim_t value;
    } limits[] = {
        { RLIMIT_NOFILE, LIMIT_INSTANCE_FDS },
        { RLIMIT_CORE, 0 },
        { RLIMIT_NICE, 0 },
        { RLIMIT_RTPRIO, 0 },
        { RLIMIT_RTTIME, 0 },
        { RLIMIT_MSGQUEUE, 0 },
        /* The kernel counts them for the user above all functions, too, and a CPU time limit is a
         * timer. */
        { RLIMIT_SIGPENDING, LIMIT_FUNCTION_SIGNALS },
        { RLIMIT_MEMLOCK, (rlim_t)(8 * MIB) },
    };
    for (size_t i = 0; i < ARRAY_COUNT(limits); i++) {
        int r = lower_limit(limits[i].resource, limits[i].value, err);
        if (r < 0) {
            return r;
        }
    }
    /* Counts all instances of the function together, so it stands in only where no pids controller
     * counts each. */
    if (plan->isolation & SANDBOX_PIDS_LIMIT) {
        return 0;
    }
    return lower_limit(RLIMIT_NPROC, (rlim_t)4 * LIMIT_INSTANCE_PIDS, err);
}

/* Also what a set-uid program or uid 0 would get back, were there one. */
static int drop_capabilities(struct err *err)
{
    (void)prctl(PR_CAP_AMBIENT, PR_CAP_AMBIENT_CLEAR_ALL, 0, 0, 0); /* none before Linux 4.3 */
    for (unsigned long cap = 0; prctl(PR_CAPBSET_READ, cap) >= 0; cap++) {
        if (prctl(PR_CAPBSET_DROP, cap) < 0 && errno != EPERM) { /* EPERM: had none to begin with */
            return err_sys(err, "drop capability %lu", cap);
        }
    }
    unsigned long secure = SECBIT_NOROOT | SECBIT_NOROOT_LOCKED | SECBIT_NO_SETUID_FIXUP |
                           SECBIT_NO_SETUID_FIXUP_LOCKED | SECBIT_KEEP_CAPS_LOCKED |
                           SECBIT_NO_CAP_AMBIENT_RAISE | SECBIT_NO_CAP_AMBIENT_RAISE_LOCKED;
    if (prctl(PR_SET_SECUREBITS, secure) < 0 && errno != EPERM) {
        return err_sys(err, "securebits");
    }
    struct __user_cap_header_struct head = { .version = _LINUX_CAPABILITY_VERSION_3 };
    struct __user_cap_data_struct none[2] = { { 0 } };
    return syscall(SYS_capset, &head, none) < 0 ? err_sys(err, "capset") : 0;
}

static int drop_privileges(const struct message_zygote_start *plan,
                           const struct syscall_filter *filter, struct err *err)
{
    int r = lower_limits(plan, err);
    if (r == 0) {
        r = drop_capabilities(err);
    }
    if (r < 0) {
        return r;
    }
    if (prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) < 0) {
        return err_sys(err, "no_new_privs");
    }
    if (plan->isolation & SANDBOX_LANDLOCK_SCOPE) {
        r = landlock_enter_function(err);
    }
    if (r == 0 && plan->isolation & SANDBOX_SECCOMP) {
        r = syscall_filter_apply(filter, err);
    }
    return r;
}

static int set_host_name(struct err *err)
{
    return sethostname("mayfly", 6) < 0 || setdomainname("", 0) < 0 ? err_sys(err, "host name") : 0;
}

int enter_confine(const struct message_zygote_start *plan, const struct syscall_filter *filter,
                  struct err *err)
{
    (void)setsid();                  /* fails only for a leader, which has no terminal to lose */
    (void)prctl(PR_SET_DUMPABLE, 1); /* /proc/self is ours until the end */
    int r = plan->isolation & SANDBOX_MOUNT_NAMESPACE ? enter_root(plan, err) : 0;
    if (r == 0) {
        r = close_folders(err);
    }
    if (r == 0 && plan->isolation & SANDBOX_UTS_NAMESPACE) {
        r = set_host_name(err);
    }
    if (r == 0) {
        r = open_tmp(plan, err);
    }
    if (r == 0) {
        r = set_oom_score(ZYGOTE_OOM_SCORE, err);
    }
    if (r == 0 && chdir(enter_task_path(plan)) < 0) {
        r = err_sys(err, "enter %s", enter_task_path(plan));
    }
    if (r == 0) {
        r = drop_privileges(plan, filter, err);
    }
    /* Instances have the same uid: they must not read the zygote's memory through /proc. */
    if (r == 0 && prctl(PR_SET_DUMPABLE, 0) < 0) {
        r = err_sys(err, "make undumpable");
    }
    return r;
}

/* Own /tmp in place of the zygote's. */
static int enter_tmp(const char *scratch, struct err *err)
{
    if (!scratch) {
        (void)close(SCRATCH_FD);
        return 0;
    }
    int fd = openat(SCRATCH_FD, scratch, O_PATH | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
    if (fd < 0) {
        return err_sys(err, "open /tmp %s", scratch);
    }
    struct stat st;
    int r = fstat(SANDBOX_TMP_FD, &st) == 0 ? tmp_copy(SANDBOX_TMP_FD, fd, err) : 0;
    if (r < 0) {
        (void)close(fd);
        return r;
    }
    (void)close(SCRATCH_FD);
    return place_fd(fd, SANDBOX_TMP_FD, 0, err); /* no CLOEXEC: children need /tmp */
}

int enter_instance(uint32_t isolation, const char *scratch, struct err *err)
{
    /* Landlock keeps siblings out of /proc/<pid>. Without it the instance stays undumpable for
     * that, and cannot write its own files there either. */
    bool fenced = isolation & SANDBOX_LANDLOCK_FS && isolation & SANDBOX_MOUNT_NAMESPACE;
    int r = enter_tmp(scratch, err);
    if (r < 0) {
        return r;
    }
    if (!(isolation & SANDBOX_PID_NAMESPACE) && prctl(PR_SET_PDEATHSIG, SIGKILL) < 0) {
        return err_sys(err, "prctl");
    }
    bool scoped = isolation & SANDBOX_LANDLOCK_SCOPE;
    bool is_one = getpid() == 1; /* it may signal itself */
    if (isolation & SANDBOX_SECCOMP && isolation & SANDBOX_PID_NAMESPACE && !scoped && !is_one) {
        r = syscall_filter_guard_zygote(err);
    }
    if (r < 0 || !fenced) {
        return r;
    }
    unsigned flags = scoped ? LANDLOCK_SCOPED : 0;
    flags |= isolation & SANDBOX_SEPARATE_UIDS ? LANDLOCK_LISTS_ROOT : 0;
    r = landlock_enter_instance(SANDBOX_TMP_FD, flags, err);
    (void)prctl(PR_SET_DUMPABLE, 1);
    return r < 0 ? r : set_oom_score(INSTANCE_OOM_SCORE, err);
}

const char *enter_task_path(const struct message_zygote_start *plan)
{
    bool own_root = plan->isolation & SANDBOX_MOUNT_NAMESPACE;
    return own_root || plan->plan.mount_count == 0 ? SANDBOX_TASK : plan->plan.mounts[0].source;
}
