/* SPDX-License-Identifier: Apache-2.0 */
#include "sandbox/syscall_filter.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/filter.h>
#include <linux/ioprio.h>
#include <linux/netlink.h>
#include <linux/seccomp.h>
#include <netinet/in.h>
#include <sched.h>
#include <seccomp.h>
#include <stddef.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/personality.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>

#include "base/mem.h"

struct syscall_filter {
    struct sock_filter *code; /* owned */
    unsigned short count;
};

/* By what they are for. Names that this machine's architecture or libseccomp does not have are
 * passed over: they then answer ENOSYS. */
/* clang-format off */
static const char *const allowed[] = {
    /* memory */
    "brk", "madvise", "membarrier", "memfd_create", "mincore", "mlock", "mlock2", "mlockall",
    "mmap", "mprotect", "mremap", "msync", "munlock", "munlockall", "munmap", "pkey_alloc",
    "pkey_free", "pkey_mprotect", "get_mempolicy", "map_shadow_stack",
    /* processes and threads; clone has a rule of its own */
    "arch_prctl", "execve", "execveat", "exit", "exit_group", "fork", "futex", "futex_waitv",
    "get_robust_list", "get_thread_area", "getpgid", "getpgrp", "getpid", "getppid",
    "getpriority", "getsid", "gettid", "kill", "pause", "pidfd_open", "pidfd_send_signal",
    "prctl", "restart_syscall", "rseq", "rt_sigaction", "rt_sigpending",
    "rt_sigprocmask", "rt_sigqueueinfo", "rt_sigreturn", "rt_sigsuspend", "rt_sigtimedwait",
    "rt_tgsigqueueinfo", "sched_get_priority_max", "sched_get_priority_min",
    "sched_getaffinity", "sched_getattr", "sched_getparam", "sched_getscheduler",
    "sched_rr_get_interval", "sched_yield", "set_robust_list", "set_thread_area",
    "set_tid_address", "setpgid", "setsid", "sigaltstack", "signalfd", "signalfd4", "tgkill",
    "tkill", "vfork", "wait4", "waitid", "ioprio_get", "getcpu",
    /* what a process may further take from itself */
    "landlock_add_rule", "landlock_create_ruleset", "landlock_restrict_self", "seccomp",
    /* identity: one uid, no capabilities, so these can only confirm it */
    "capget", "capset", "getegid", "geteuid", "getgid", "getgroups", "getresgid", "getresuid",
    "getuid", "setfsgid", "setfsuid", "setgid", "setgroups", "setregid", "setresgid",
    "setresuid", "setreuid", "setuid",
    /* limits, times, the system */
    "alarm", "clock_getres", "clock_gettime", "clock_nanosleep", "getitimer", "getrandom",
    "getrlimit", "getrusage", "gettimeofday", "nanosleep", "setitimer", "setrlimit", "sysinfo",
    "time", "timer_create", "timer_delete", "timer_getoverrun", "timer_gettime",
    "timer_settime", "timerfd_create", "timerfd_gettime", "timerfd_settime", "times", "umask",
    "uname",
    /* files and folders; what sets a mode has rules of its own */
    "access", "cachestat", "chdir", "chown", "close", "close_range", "copy_file_range", "dup",
    "dup2", "dup3", "faccessat", "faccessat2", "fadvise64", "fallocate", "fchdir", "fchown",
    "fchownat", "fcntl", "fdatasync", "fgetxattr", "flistxattr", "flock", "fremovexattr",
    "fsetxattr", "fstat", "fstatfs", "fsync", "ftruncate", "futimesat", "getcwd", "getdents",
    "getdents64", "getxattr", "inotify_add_watch", "inotify_init", "inotify_init1",
    "inotify_rm_watch", "lchown", "lgetxattr", "link", "linkat", "listxattr", "llistxattr",
    "lremovexattr", "lseek", "lsetxattr", "lstat", "mkdir", "mkdirat", "newfstatat", "pipe",
    "pipe2", "pread64", "preadv", "preadv2", "pwrite64", "pwritev", "pwritev2", "read",
    "readahead", "readlink", "readlinkat", "readv", "removexattr", "rename", "renameat",
    "renameat2", "rmdir", "sendfile", "setxattr", "splice", "stat", "statfs", "statx", "symlink",
    "symlinkat", "sync_file_range", "syncfs", "tee", "truncate", "unlink", "unlinkat", "utime",
    "utimensat", "utimes", "vmsplice", "write", "writev",
    /* waiting */
    "epoll_create", "epoll_create1", "epoll_ctl", "epoll_pwait", "epoll_pwait2", "epoll_wait",
    "eventfd", "eventfd2", "poll", "ppoll", "pselect6", "select",
    /* sockets; making one has rules of its own */
    "accept", "accept4", "bind", "connect", "getpeername", "getsockname", "getsockopt",
    "listen", "recvfrom", "recvmmsg", "recvmsg", "sendmmsg", "sendmsg", "sendto", "setsockopt",
    "shutdown",
};
/* clang-format on */

/* Known and refused as a kernel refuses who has no capability, so that a program that tries says
 * "not permitted". Everything that is on neither list does not exist (ENOSYS): SysV IPC, io_uring,
 * clone3, swapoff... */
/* clang-format off */
static const char *const refused[] = {
    "mount", "umount2", "pivot_root", "chroot", "move_mount", "open_tree", "fsopen", "fsconfig",
    "fsmount", "fspick", "mount_setattr", "setns", "unshare", "ptrace", "process_vm_readv",
    "process_vm_writev", "process_madvise", "process_mrelease", "pidfd_getfd", "kcmp", "bpf",
    "perf_event_open", "userfaultfd", "keyctl", "add_key", "request_key", "open_by_handle_at",
    "name_to_handle_at", "init_module", "finit_module", "delete_module", "kexec_load",
    "kexec_file_load", "reboot", "swapon", "swapoff", "acct", "quotactl", "quotactl_fd",
    "sethostname", "setdomainname", "settimeofday", "clock_settime", "clock_adjtime",
    "adjtimex", "syslog", "iopl", "ioperm", "modify_ldt", "vhangup", "fanotify_init",
    "lookup_dcookie", "mbind", "set_mempolicy", "set_mempolicy_home_node", "migrate_pages",
    "move_pages", "sync",
};
/* clang-format on */

/* Terminals, pipes, sockets and files. Not TIOCSTI and TIOCLINUX, which type into a terminal, and
 * no device's own. The kernel reads 32 bits of the argument, hence the mask. */
static const unsigned ioctls[] = {
    0x5401,     /* TCGETS */ 0x5402,      /* TCSETS */ 0x5403,         /* TCSETSW */
    0x5404,     /* TCSETSF */ 0x5409,     /* TCSBRK */ 0x540a,         /* TCXONC */
    0x540b,     /* TCFLSH */ 0x540e,      /* TIOCSCTTY */ 0x540f,      /* TIOCGPGRP */
    0x5410,     /* TIOCSPGRP */ 0x5411,   /* TIOCOUTQ */ 0x5413,       /* TIOCGWINSZ */
    0x5414,     /* TIOCSWINSZ */ 0x541b,  /* FIONREAD */ 0x5421,       /* FIONBIO */
    0x5422,     /* TIOCNOTTY */ 0x5429,   /* TIOCGSID */ 0x5450,       /* FIONCLEX */
    0x5451,     /* FIOCLEX */ 0x5452,     /* FIOASYNC */ 0x8905,       /* SIOCATMARK */
    0x8910,     /* SIOCGIFNAME */ 0x8912, /* SIOCGIFCONF */ 0x8913,    /* SIOCGIFFLAGS */
    0x8915,     /* SIOCGIFADDR */ 0x8919, /* SIOCGIFBRDADDR */ 0x891b, /* SIOCGIFNETMASK */
    0x8921,     /* SIOCGIFMTU */ 0x8927,  /* SIOCGIFHWADDR */ 0x8933,  /* SIOCGIFINDEX */
    0x802c542a, /* TCGETS2 */ 0x402c542b, /* TCSETS2 */ 0x80086601,    /* FS_IOC_GETFLAGS */
    0x40049409, /* FICLONE */ 0x4020940d,                              /* FICLONERANGE */
};

/* Of each: stream, datagram, and ping sockets, which need no raw ones. */
static const int internet_protocols[] = {
    0, IPPROTO_TCP, IPPROTO_UDP, IPPROTO_ICMP, IPPROTO_ICMPV6, IPPROTO_UDPLITE
};

/* Calls that change a process or thread, by the argument that says whose: 0 is the caller's. The
 * kernel asks for no more than the same user, which the zygote and all instances of a function
 * have: an instance could take its zygote, and so all later instances, every limit and priority. */
static const struct {
    const char *name;
    unsigned whose;
    unsigned kind; /* where `whose` is the second argument, what the first must be */
} own_calls[] = {
    { "prlimit64", 0, 0 },
    { "sched_setaffinity", 0, 0 },
    { "sched_setattr", 0, 0 },
    { "sched_setparam", 0, 0 },
    { "sched_setscheduler", 0, 0 },
    { "setpriority", 1, PRIO_PROCESS },
    { "ioprio_set", 1, IOPRIO_WHO_PROCESS },
};

/* Calls that give a file its mode, by the argument that is the mode. What a function writes into a
 * volume belongs to the project's owner on the host: nothing there may run as that user for whoever
 * starts it. openat2 is missing, because its mode lies in memory, out of a filter's sight. */
static const struct {
    const char *name;
    unsigned argument;
} mode_calls[] = {
    { "chmod", 1 }, { "fchmod", 1 }, { "fchmodat", 2 }, { "fchmodat2", 2 },
    { "creat", 1 }, { "mknod", 1 },  { "mknodat", 2 },
};

/* Of these, only with flags that make a file; they are the argument before the mode. */
static const struct {
    const char *name;
    unsigned argument;
} open_calls[] = { { "open", 2 }, { "openat", 3 } };

#define CREATE_FLAGS (O_CREAT | (O_TMPFILE & ~O_DIRECTORY))

#define NAMESPACE_FLAGS                                                                            \
    ((unsigned)(CLONE_NEWNS | CLONE_NEWCGROUP | CLONE_NEWUTS | CLONE_NEWIPC | CLONE_NEWUSER |      \
                CLONE_NEWPID | CLONE_NEWNET))
#define LOW_32 0xffffffffu

static int add_names(scmp_filter_ctx ctx, uint32_t action, const char *const *names, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        int number = seccomp_syscall_resolve_name(names[i]);
        int r = number < 0 ? 0 : seccomp_rule_add(ctx, action, number, 0);
        if (r < 0) {
            return r;
        }
    }
    return 0;
}

static int add_sockets(scmp_filter_ctx ctx)
{
    static const unsigned families[] = { AF_INET, AF_INET6 };
    int r = seccomp_rule_add(ctx, SCMP_ACT_ALLOW, SCMP_SYS(socket), 1,
                             SCMP_A0(SCMP_CMP_MASKED_EQ, LOW_32, AF_UNIX));
    if (r == 0) {
        r = seccomp_rule_add(ctx, SCMP_ACT_ALLOW, SCMP_SYS(socketpair), 1,
                             SCMP_A0(SCMP_CMP_MASKED_EQ, LOW_32, AF_UNIX));
    }
    if (r == 0) { /* os.networkInterfaces(), getaddrinfo() */
        r = seccomp_rule_add(ctx, SCMP_ACT_ALLOW, SCMP_SYS(socket), 2,
                             SCMP_A0(SCMP_CMP_MASKED_EQ, LOW_32, AF_NETLINK),
                             SCMP_A2(SCMP_CMP_MASKED_EQ, LOW_32, NETLINK_ROUTE));
    }
    for (size_t i = 0; i < ARRAY_COUNT(families); i++) {
        for (size_t k = 0; r == 0 && k < ARRAY_COUNT(internet_protocols); k++) {
            r = seccomp_rule_add(
                ctx, SCMP_ACT_ALLOW, SCMP_SYS(socket), 2,
                SCMP_A0(SCMP_CMP_MASKED_EQ, LOW_32, families[i]),
                SCMP_A2(SCMP_CMP_MASKED_EQ, LOW_32, (unsigned)internet_protocols[k]));
        }
    }
    return r;
}

static int add_own(scmp_filter_ctx ctx)
{
    int r = 0;
    for (size_t i = 0; r == 0 && i < ARRAY_COUNT(own_calls); i++) {
        int call = seccomp_syscall_resolve_name(own_calls[i].name);
        unsigned whose = own_calls[i].whose;
        const struct scmp_arg_cmp mine[] = {
            SCMP_CMP32(whose, SCMP_CMP_EQ, 0),
            SCMP_CMP32(0, SCMP_CMP_EQ, own_calls[i].kind),
        };
        r = seccomp_rule_add_array(ctx, SCMP_ACT_ALLOW, call, 1 + whose, mine);
        if (r == 0) {
            r = seccomp_rule_add(ctx, SCMP_ACT_ERRNO(EPERM), call, 1,
                                 SCMP_CMP32(whose, SCMP_CMP_NE, 0));
        }
        if (r == 0 && whose > 0) {
            r = seccomp_rule_add(ctx, SCMP_ACT_ERRNO(EPERM), call, 1,
                                 SCMP_CMP32(0, SCMP_CMP_NE, own_calls[i].kind));
        }
    }
    return r;
}

static int add_modes(scmp_filter_ctx ctx)
{
    static const unsigned special[] = { S_ISUID, S_ISGID };
    int r = 0;
    for (size_t i = 0; r == 0 && i < ARRAY_COUNT(mode_calls); i++) {
        int call = seccomp_syscall_resolve_name(mode_calls[i].name);
        unsigned mode = mode_calls[i].argument;
        if (call < 0) {
            continue;
        }
        r = seccomp_rule_add(ctx, SCMP_ACT_ALLOW, call, 1,
                             SCMP_CMP32(mode, SCMP_CMP_MASKED_EQ, S_ISUID | S_ISGID, 0));
        for (size_t k = 0; r == 0 && k < ARRAY_COUNT(special); k++) {
            r = seccomp_rule_add(ctx, SCMP_ACT_ERRNO(EPERM), call, 1,
                                 SCMP_CMP32(mode, SCMP_CMP_MASKED_EQ, special[k], special[k]));
        }
    }
    return r;
}

/* Without these flags the mode is whatever was in the register. */
static int add_opens(scmp_filter_ctx ctx)
{
    int r = 0;
    for (size_t i = 0; r == 0 && i < ARRAY_COUNT(open_calls); i++) {
        int call = seccomp_syscall_resolve_name(open_calls[i].name);
        unsigned mode = open_calls[i].argument;
        if (call < 0) {
            continue;
        }
        r = seccomp_rule_add(ctx, SCMP_ACT_ALLOW, call, 1,
                             SCMP_CMP32(mode - 1, SCMP_CMP_MASKED_EQ, CREATE_FLAGS, 0));
        if (r == 0) { /* any other mode: as a call that does not exist */
            r = seccomp_rule_add(ctx, SCMP_ACT_ALLOW, call, 1,
                                 SCMP_CMP32(mode, SCMP_CMP_MASKED_EQ, S_ISUID | S_ISGID, 0));
        }
    }
    return r;
}

static int add_checked(scmp_filter_ctx ctx)
{
    int r = seccomp_rule_add(ctx, SCMP_ACT_ALLOW, SCMP_SYS(clone), 1,
                             SCMP_A0(SCMP_CMP_MASKED_EQ, NAMESPACE_FLAGS, 0));
    if (r == 0) { /* asking, and the normal one; not: without address randomisation */
        r = seccomp_rule_add(ctx, SCMP_ACT_ALLOW, SCMP_SYS(personality), 1,
                             SCMP_A0(SCMP_CMP_MASKED_EQ, LOW_32, LOW_32));
    }
    if (r == 0) {
        r = seccomp_rule_add(ctx, SCMP_ACT_ALLOW, SCMP_SYS(personality), 1,
                             SCMP_A0(SCMP_CMP_MASKED_EQ, LOW_32, PER_LINUX));
    }
    for (size_t i = 0; r == 0 && i < ARRAY_COUNT(ioctls); i++) {
        r = seccomp_rule_add(ctx, SCMP_ACT_ALLOW, SCMP_SYS(ioctl), 1,
                             SCMP_A1(SCMP_CMP_MASKED_EQ, LOW_32, ioctls[i]));
    }
    if (r == 0) {
        r = add_own(ctx);
    }
    if (r == 0) {
        r = add_modes(ctx);
    }
    if (r == 0) {
        r = add_opens(ctx);
    }
    return r < 0 ? r : add_sockets(ctx);
}

static int add_rules(scmp_filter_ctx ctx)
{
    int r = seccomp_attr_set(ctx, SCMP_FLTATR_CTL_OPTIMIZE, 2); /* a tree, not a list */
    if (r == 0) {
        r = add_names(ctx, SCMP_ACT_ALLOW, allowed, ARRAY_COUNT(allowed));
    }
    if (r == 0) {
        r = add_names(ctx, SCMP_ACT_ERRNO(EPERM), refused, ARRAY_COUNT(refused));
    }
    return r < 0 ? r : add_checked(ctx);
}

/* libseccomp writes the program to a file only. */
static int export_code(scmp_filter_ctx ctx, struct syscall_filter *f)
{
    scoped_fd int fd = memfd_create("filter", MFD_CLOEXEC);
    struct stat st;
    int r = fd < 0 ? -errno : seccomp_export_bpf(ctx, fd);
    if (r < 0 || fstat(fd, &st) < 0) {
        return r < 0 ? r : -errno;
    }
    f->code = mem_alloc((size_t)st.st_size);
    f->count = (unsigned short)((size_t)st.st_size / sizeof(*f->code));
    ssize_t n = pread(fd, f->code, (size_t)st.st_size, 0);
    return n == st.st_size ? 0 : -EIO;
}

int syscall_filter_create(struct syscall_filter **ret, struct err *err)
{
    scoped_syscall_filter struct syscall_filter *f = mem_new(struct syscall_filter);
    scmp_filter_ctx ctx = seccomp_init(SCMP_ACT_ERRNO(ENOSYS));
    int r = ctx ? add_rules(ctx) : -ENOMEM;
    if (r == 0) {
        r = export_code(ctx, f);
    }
    seccomp_release(ctx);
    if (r < 0) {
        return err_set(err, -r, "make the system call filter: %s", strerror(-r));
    }
    *ret = take_ptr(f);
    return 0;
}

void syscall_filter_destroy(struct syscall_filter *f)
{
    if (f) {
        free(f->code);
        free(f);
    }
}

static int apply(struct sock_filter *code, unsigned short count, struct err *err)
{
    struct sock_fprog program = { .len = count, .filter = code };
    if (syscall(SYS_seccomp, SECCOMP_SET_MODE_FILTER, 0, &program) < 0) {
        return err_sys(err, "apply the system call filter");
    }
    return 0;
}

int syscall_filter_apply(const struct syscall_filter *f, struct err *err)
{
    return apply(f->code, f->count, err);
}

/* Small enough to be written down; the filter before it has refused other architectures. */
int syscall_filter_guard_zygote(struct err *err)
{
    struct sock_filter code[] = {
        BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(struct seccomp_data, nr)),
        BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, SYS_kill, 6, 0),
        BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, SYS_tkill, 5, 0),
        BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, SYS_tgkill, 4, 0),
        BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, SYS_rt_sigqueueinfo, 3, 0),
        BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, SYS_rt_tgsigqueueinfo, 2, 0),
        BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, SYS_pidfd_open, 1, 0),
        BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW),
        /* the low half of the first argument: pids have 32 bits, both machines are little-endian */
        BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(struct seccomp_data, args)),
        BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, 1, 2, 0),
        BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, LOW_32, 1, 0),
        BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW),
        BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ERRNO | EPERM),
    };
    return apply(code, ARRAY_COUNT(code), err);
}
