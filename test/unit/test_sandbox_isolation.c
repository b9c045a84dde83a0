/* SPDX-License-Identifier: Apache-2.0 */
#include <dirent.h>
#include <linux/capability.h>
#include <sys/ioctl.h>
#include <sys/ptrace.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/uio.h>
#include <sys/un.h>
#include <sys/utsname.h>

#include "sandbox/landlock.h"
#include "sandbox_fixture.h"

static bool is_one_of(const char *name, const char *const *names, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        if (strcmp(name, names[i]) == 0) {
            return true;
        }
    }
    return false;
}

static void expect_names(struct report *report, const char *path, const char *const *names,
                         size_t count)
{
    DIR *dir = opendir(path);
    EXPECT(report, dir);
    struct dirent *entry;
    while (dir && (entry = readdir(dir))) {
        if (entry->d_name[0] != '.' && !is_one_of(entry->d_name, names, count)) {
            fail_with(report, "%s/%s is visible", path, entry->d_name);
        }
    }
}

static void look_around(struct fixture *f)
{
    static const char *const top[] = { "bin",  "dev", "etc",  "lib", "lib32", "lib64", "opt",
                                       "proc", "run", "sbin", "tmp", "usr",   "var" };
    static const char *const dev[] = { "fd",     "full",  "null",   "random",  "shm",
                                       "stderr", "stdin", "stdout", "urandom", "zero" };
    static const char *const task[] = { "index.js", "node_modules" };
    static const char *const var[] = { "runtime", "task", "tmp" };
    static const char *const none[] = { "" };
    struct report *report = f->report;
    /* An ordinary user's instances would find their siblings' /tmp. */
    DIR *root = opendir("/");
    EXPECT(report, root ? f->root || getpid() == 1 : errno == EACCES);
    if (root) {
        expect_names(report, "/", top, ARRAY_COUNT(top));
        (void)closedir(root);
    }
    expect_names(report, "/dev", dev, ARRAY_COUNT(dev));
    expect_names(report, "/var", var, ARRAY_COUNT(var));
    expect_names(report, "/var/task", task, ARRAY_COUNT(task));
    expect_names(report, "/opt", none, 0);
    expect_names(report, "/tmp", none, 0);
    EXPECT(report, access("/var/task/index.js", R_OK) == 0);
    EXPECT(report, access("/var/task/node_modules/package.json", R_OK) == 0);
    EXPECT(report, access("/etc/passwd", R_OK) == 0);
    EXPECT(report, access("/usr/bin/env", X_OK) == 0);
    EXPECT(report, access("/bin/sh", X_OK) == 0);
    EXPECT(report, access(SANDBOX_NODE, X_OK) == 0);
    EXPECT(report, access(f->base, F_OK) < 0 && errno == ENOENT);
    EXPECT(report, access("/etc/shadow", F_OK) < 0 && errno == ENOENT);
    EXPECT(report, access("/root", F_OK) < 0 && errno == ENOENT);
    char cwd[64];
    EXPECT(report, getcwd(cwd, sizeof(cwd)) && strcmp(cwd, "/var/task") == 0);
}

START_TEST(it_sees_its_own_files_and_no_others)
{
    scoped_fixture struct fixture f;
    fixture_init(&f, ALL);
    fixture_run(&f, look_around);
}
END_TEST

static void write_everywhere(struct fixture *f)
{
    static const char *const places[] = {
        "/x",
        "/var/task/x",
        "/var/task/index.js",
        "/var/task/node_modules/x",
        "/usr/x",
        "/usr/bin/env",
        "/etc/passwd",
        "/etc/resolv.conf",
        "/var/runtime/x",
        SANDBOX_NODE,
        "/dev/x",
        "/run/x",
        "/run/tmp/x",
        "/opt/x",
        "/proc/sys/kernel/core_pattern",
        "/var/runtime/mayfly.node",
    };
    for (size_t i = 0; i < ARRAY_COUNT(places); i++) {
        int fd = open(places[i], O_WRONLY | O_CREAT, 0600);
        if (fd >= 0 || (errno != EROFS && errno != EACCES && errno != EPERM && errno != ENOENT)) {
            fail_with(f->report, "%s: %s", places[i], fd >= 0 ? "writable" : strerror(errno));
        }
    }
    EXPECT(f->report, mkdir("/var/task/folder", 0700) < 0);
    EXPECT(f->report, unlink("/var/task/index.js") < 0);
    EXPECT(f->report, rename("/var/task/index.js", "/tmp/index.js") < 0);
    EXPECT(f->report, chmod("/var/task/index.js", 0777) < 0);
}

START_TEST(it_can_write_nothing_but_its_tmp)
{
    scoped_fixture struct fixture f;
    fixture_init(&f, ALL);
    fixture_run(&f, write_everywhere);
}
END_TEST

static void write_in_instance(struct fixture *f)
{
    instance_wait(f, instance_start(f, "a", write_everywhere));
    instance_wait(f, instance_start(f, "a", look_around));
}

START_TEST(an_instance_sees_and_writes_no_more_than_its_zygote)
{
    scoped_fixture struct fixture f;
    fixture_init(&f, ALL);
    add_tmp(&f, "a", 1);
    fixture_run(&f, write_in_instance);
}
END_TEST

static void expect_refused(struct report *report, const char *what, long result)
{
    if (result >= 0 || (errno != EPERM && errno != ENOSYS && errno != EACCES)) {
        fail_with(report, "%s: %s", what, result >= 0 ? "succeeded" : strerror(errno));
    }
}

#define REFUSED(report, call) expect_refused(report, #call, (long)(call))

static void escalate(struct fixture *f)
{
    struct report *r = f->report;
    char buffer[16];
    struct iovec part = { .iov_base = buffer, .iov_len = sizeof(buffer) };
    REFUSED(r, mount("tmpfs", "/tmp", "tmpfs", 0, NULL));
    REFUSED(r, mount(NULL, "/", NULL, MS_REMOUNT | MS_BIND, NULL));
    REFUSED(r, umount2("/proc", MNT_DETACH));
    REFUSED(r, syscall(SYS_pivot_root, ".", "."));
    REFUSED(r, chroot("/tmp"));
    REFUSED(r, unshare(CLONE_NEWUSER));
    REFUSED(r, unshare(CLONE_NEWNS));
    REFUSED(r, syscall(SYS_clone, CLONE_NEWUSER | SIGCHLD, 0, 0, 0, 0));
    REFUSED(r, syscall(SYS_clone3, NULL, 0));
    REFUSED(r, syscall(SYS_setns, 0, 0));
    REFUSED(r, ptrace(PTRACE_TRACEME, 0, 0, 0));
    REFUSED(r, ptrace(PTRACE_ATTACH, 1, 0, 0));
    REFUSED(r, process_vm_readv(1, &part, 1, &part, 1, 0));
    REFUSED(r, process_vm_writev(1, &part, 1, &part, 1, 0));
    REFUSED(r, syscall(SYS_bpf, 0, NULL, 0));
    REFUSED(r, syscall(SYS_perf_event_open, NULL, 0, -1, -1, 0));
    REFUSED(r, syscall(SYS_userfaultfd, 0));
    REFUSED(r, syscall(SYS_keyctl, 0, 0, 0, 0, 0));
    REFUSED(r, syscall(SYS_io_uring_setup, 8, NULL));
    REFUSED(r, syscall(SYS_open_by_handle_at, -1, NULL, 0));
    REFUSED(r, syscall(SYS_kexec_load, 0, 0, NULL, 0));
    REFUSED(r, syscall(SYS_personality, 0x0040000)); /* ADDR_NO_RANDOMIZE */
    REFUSED(r, socket(AF_PACKET, SOCK_RAW, 0));
    REFUSED(r, socket(AF_INET, SOCK_RAW, 1));
    REFUSED(r, socket(AF_INET, SOCK_STREAM, 132)); /* would load the kernel's SCTP */
    REFUSED(r, socket(AF_NETLINK, SOCK_RAW, 9));   /* audit */
    REFUSED(r, socket(AF_NETLINK, SOCK_RAW, 4));   /* sock_diag */
    REFUSED(r, socket(40, SOCK_STREAM, 0));        /* vsock */
    REFUSED(r, socket(38, SOCK_SEQPACKET, 0));     /* alg */
    REFUSED(r, ioctl(0, 0x5412, "x"));             /* TIOCSTI */
    REFUSED(r, ioctl(0, 0x541c, "x"));             /* TIOCLINUX */
    REFUSED(r, syscall(SYS_ioctl, 0, 0x100005412UL, "x"));
    REFUSED(r, sethostname("x", 1));
    REFUSED(r, mknod("/tmp/disk", S_IFBLK | 0600, 0xfe00));
    REFUSED(r, setpriority(PRIO_PROCESS, 0, -5));
    EXPECT(r, setuid(0) < 0);
    EXPECT(r, setgid(0) < 0);
    EXPECT(r, socket(AF_INET, SOCK_STREAM, 0) >= 0);
    EXPECT(r, socket(AF_NETLINK, SOCK_RAW, 0) >= 0);
}

/* Bits that would let others on the host run a volume's file as its owner. */
static void make_set_uid_files(struct fixture *f)
{
    struct report *r = f->report;
    REFUSED(r, open("/tmp/a", O_WRONLY | O_CREAT, 04755));
    REFUSED(r, openat(AT_FDCWD, "/tmp/a", O_WRONLY | O_CREAT, 02755));
    REFUSED(r, open("/tmp", O_WRONLY | O_TMPFILE, 06755));
    REFUSED(r, creat("/tmp/a", 04755));
    REFUSED(r, mknod("/tmp/a", S_IFREG | 04755, 0));
    struct {
        uint64_t flags;
        uint64_t mode;
        uint64_t resolve;
    } how = { O_WRONLY | O_CREAT, 04755, 0 };
    REFUSED(r, syscall(SYS_openat2, AT_FDCWD, "/tmp/a", &how, sizeof(how)));
    EXPECT(r, access("/tmp/a", F_OK) < 0);
    scoped_fd int fd = open("/tmp/a", O_WRONLY | O_CREAT, 0755);
    EXPECT(r, fd >= 0);
    REFUSED(r, chmod("/tmp/a", 04755));
    REFUSED(r, fchmod(fd, 02755));
    REFUSED(r, fchmodat(AT_FDCWD, "/tmp/a", 06755, 0));
    REFUSED(r, syscall(452, AT_FDCWD, "/tmp/a", 04755, 0)); /* fchmodat2 */
    struct stat st;
    EXPECT(r, stat("/tmp/a", &st) == 0 && (st.st_mode & 07777) == 0755);
    EXPECT(r, chmod("/tmp/a", 01700) == 0);
    EXPECT(r, syscall(SYS_openat, AT_FDCWD, "/tmp/a", O_RDONLY, 07777) >= 0); /* no file is made */
    EXPECT(r, unlink("/tmp/a") == 0);
}

START_TEST(no_file_can_be_made_set_uid)
{
    scoped_fixture struct fixture f;
    fixture_init(&f, ALL);
    fixture_run(&f, make_set_uid_files);
}
END_TEST

static void escalate_in_both(struct fixture *f)
{
    escalate(f);
    instance_wait(f, instance_start(f, "a", escalate));
}

START_TEST(system_calls_that_lead_out_are_refused)
{
    scoped_fixture struct fixture f;
    fixture_init(&f, ALL);
    add_tmp(&f, "a", 1);
    fixture_run(&f, escalate_in_both);
}
END_TEST

static void expect_powerless(struct fixture *f)
{
    struct report *r = f->report;
    char line[256];
    FILE *file = fopen("/proc/thread-self/status", "re");
    EXPECT(r, file);
    while (file && fgets(line, sizeof(line), file)) {
        unsigned long long set;
        if (strncmp(line, "Cap", 3) == 0 && sscanf(line, "%*s %llx", &set) == 1 && set != 0) {
            fail_with(r, "%s", line);
        }
        if (strncmp(line, "NoNewPrivs:", 11) == 0 && !strstr(line, "1")) {
            fail_with(r, "%s", line);
        }
        if (strncmp(line, "Seccomp:", 8) == 0 && !strstr(line, "2")) {
            fail_with(r, "%s", line);
        }
    }
    EXPECT(r, getuid() == SANDBOX_UID && geteuid() == SANDBOX_UID && getgid() == SANDBOX_UID);
    struct utsname name;
    EXPECT(r, uname(&name) == 0 && strcmp(name.nodename, "mayfly") == 0);
    struct rlimit limit;
    EXPECT(r, getrlimit(RLIMIT_NOFILE, &limit) == 0 && limit.rlim_max == LIMIT_INSTANCE_FDS);
    EXPECT(r, getrlimit(RLIMIT_CORE, &limit) == 0 && limit.rlim_max == 0);
}

static void expect_powerless_in_both(struct fixture *f)
{
    expect_powerless(f);
    instance_wait(f, instance_start(f, "a", expect_powerless));
}

START_TEST(it_has_no_capabilities_and_cannot_gain_any)
{
    scoped_fixture struct fixture f;
    fixture_init(&f, ALL);
    add_tmp(&f, "a", 1);
    fixture_run(&f, expect_powerless_in_both);
}
END_TEST

static void look_at_processes(struct fixture *f)
{
    DIR *dir = opendir("/proc");
    struct dirent *entry;
    EXPECT(f->report, dir);
    while (dir && (entry = readdir(dir))) {
        if (entry->d_name[0] >= '0' && entry->d_name[0] <= '9' &&
            strtol(entry->d_name, NULL, 10) != getpid()) {
            fail_with(f->report, "process %s is visible", entry->d_name);
        }
    }
    EXPECT(f->report, kill(1, 0) < 0 && errno == EPERM);
    EXPECT(f->report, kill(1, SIGKILL) < 0);
    EXPECT(f->report, open("/proc/1/mem", O_RDONLY) < 0);
    EXPECT(f->report, open("/proc/1/environ", O_RDONLY) < 0);
    EXPECT(f->report, open("/proc/1/root/", O_RDONLY) < 0);
    EXPECT(f->report, open("/proc/1/fd/0", O_RDONLY) < 0);
    EXPECT(f->report, open("/proc/self/mem", O_RDWR) >= 0);
    EXPECT(f->report, open("/proc/self/environ", O_RDONLY) >= 0);
}

static void look_at_zygote(struct fixture *f)
{
    instance_wait(f, instance_start(f, "a", look_at_processes));
}

START_TEST(an_instance_sees_no_process_and_cannot_touch_its_zygote)
{
    scoped_fixture struct fixture f;
    fixture_init(&f, ALL);
    add_tmp(&f, "a", 1);
    fixture_run(&f, look_at_zygote);
}
END_TEST

/* All processes of a function have the same user: what the kernel asks for is not enough. */
static void expect_out_of_reach(struct report *r, pid_t pid)
{
    struct rlimit limit = { 0, 0 };
    struct sched_param parameter = { 0 };
    cpu_set_t cpus;
    CPU_ZERO(&cpus);
    CPU_SET(0, &cpus);
    uint64_t attributes[6] = { sizeof(attributes) };
    REFUSED(r, prlimit(pid, RLIMIT_CPU, &limit, NULL));
    REFUSED(r, prlimit(pid, RLIMIT_NOFILE, &limit, NULL));
    REFUSED(r, setpriority(PRIO_PROCESS, (id_t)pid, 19));
    REFUSED(r, setpriority(PRIO_PGRP, (id_t)getpgid(pid), 19));
    REFUSED(r, setpriority(PRIO_USER, 0, 19));
    REFUSED(r, setpriority(PRIO_USER, getuid(), 19));
    REFUSED(r, sched_setaffinity(pid, sizeof(cpus), &cpus));
    REFUSED(r, sched_setscheduler(pid, SCHED_IDLE, &parameter));
    REFUSED(r, sched_setparam(pid, &parameter));
    REFUSED(r, syscall(SYS_sched_setattr, pid, attributes, 0));
    REFUSED(r, syscall(SYS_ioprio_set, 1, pid, 3 << 13)); /* IOPRIO_WHO_PROCESS, idle */
    REFUSED(r, syscall(SYS_ioprio_set, 2, 0, 3 << 13));   /* IOPRIO_WHO_PGRP */
    REFUSED(r, syscall(SYS_ioprio_set, 3, 0, 3 << 13));   /* IOPRIO_WHO_USER */
}

static void change_others(struct fixture *f)
{
    struct report *r = f->report;
    expect_out_of_reach(r, 1);
    expect_out_of_reach(r, getppid());
    struct rlimit limit;
    EXPECT(r, getrlimit(RLIMIT_NOFILE, &limit) == 0 && setrlimit(RLIMIT_NOFILE, &limit) == 0);
    EXPECT(r, setpriority(PRIO_PROCESS, 0, 19) == 0 && getpriority(PRIO_PROCESS, 0) == 19);
    EXPECT(r, syscall(SYS_ioprio_set, 1, 0, 3 << 13) == 0);
    cpu_set_t cpus;
    EXPECT(r, sched_getaffinity(0, sizeof(cpus), &cpus) == 0);
    EXPECT(r, sched_setaffinity(0, sizeof(cpus), &cpus) == 0);
}

static void look_at_limits(struct fixture *f)
{
    struct rlimit before, after;
    EXPECT(f->report, getrlimit(RLIMIT_NOFILE, &before) == 0);
    int nice = getpriority(PRIO_PROCESS, 0); /* of whoever runs the tests */
    instance_wait(f, instance_start(f, "a", change_others));
    EXPECT(f->report, getrlimit(RLIMIT_NOFILE, &after) == 0 && before.rlim_cur == after.rlim_cur);
    EXPECT(f->report, nice < 19 && getpriority(PRIO_PROCESS, 0) == nice);
}

START_TEST(an_instance_changes_limits_and_priorities_of_none_but_itself)
{
    scoped_fixture struct fixture f;
    fixture_init(&f, ALL);
    add_tmp(&f, "a", 1);
    fixture_run(&f, look_at_limits);
}
END_TEST

static void be_victim(struct fixture *f)
{
    struct sockaddr_un name = { .sun_family = AF_UNIX };
    memcpy(name.sun_path, "\0victim", 7);
    int fd = socket(AF_UNIX, SOCK_STREAM, 0);
    EXPECT(f->report, bind(fd, (struct sockaddr *)&name, sizeof(sa_family_t) + 7) == 0);
    EXPECT(f->report, listen(fd, 1) == 0);
    scoped_fd int file = open("/tmp/secret", O_WRONLY | O_CREAT, 0644);
    EXPECT(f->report, file >= 0 && write(file, "secret", 6) == 6);
    f->report->pids[0] = getpid();
    set_step(f, 1);
    wait_for_step(f, 2);
}

static void be_attacker(struct fixture *f)
{
    struct report *r = f->report;
    char path[64];
    wait_for_step(f, 1);
    pid_t victim = r->pids[0];
    (void)kill(-1,
               SIGKILL); /* says 0 also when all were refused; the victim lives on, see fight() */
    if (f->isolation & SANDBOX_LANDLOCK_SCOPE) {
        EXPECT(r, kill(victim, 0) < 0 && errno == EPERM);
        EXPECT(r, kill(victim, SIGKILL) < 0);
        EXPECT(r, tgkill(victim, victim, SIGKILL) < 0);
    }
    static const char *const files[] = { "mem", "environ", "maps", "fd/1000/secret",
                                         "cwd", "root/etc" };
    for (size_t i = 0; i < ARRAY_COUNT(files); i++) {
        (void)snprintf(path, sizeof(path), "/proc/%d/%s", (int)victim, files[i]);
        if (open(path, O_RDONLY) >= 0) {
            fail_with(r, "%s can be opened", path);
        }
    }
    /* Root's are not even to be found. Here it is told where: Landlock keeps it out all the same.
     */
    char folder[128];
    (void)snprintf(folder, sizeof(folder), "/run/tmp/%s", find_tmp(f, "victim")->name);
    EXPECT(r, open("/run/tmp", O_RDONLY | O_DIRECTORY) < 0 && errno == EACCES);
    EXPECT(r, f->root || (open(folder, O_RDONLY | O_DIRECTORY) < 0 && errno == EACCES));
    *strrchr(folder, '/') = '\0';
    EXPECT(r, open(folder, O_RDONLY | O_DIRECTORY) < 0 && errno == EACCES);
    char tmp[128];
    (void)snprintf(tmp, sizeof(tmp), "/run/tmp/%s/secret", find_tmp(f, "victim")->name);
    EXPECT(r, access(tmp, F_OK) == 0);
    EXPECT(r, open(tmp, O_RDONLY) < 0 && errno == EACCES);
    EXPECT(r, open(tmp, O_WRONLY) < 0 && errno == EACCES);
    EXPECT(r, unlink(tmp) < 0 && errno == EACCES);
    EXPECT(r, truncate(tmp, 0) < 0 || landlock_abi() <= LANDLOCK_ABI_FILES);
    EXPECT(r, link(tmp, "/tmp/stolen") < 0);
    EXPECT(r, symlink(tmp, "/tmp/link") == 0 && open("/tmp/link", O_RDONLY) < 0);
    EXPECT(r, access("/tmp/secret", F_OK) < 0);
    struct sockaddr_un name = { .sun_family = AF_UNIX };
    memcpy(name.sun_path, "\0victim", 7);
    int fd = socket(AF_UNIX, SOCK_STREAM, 0);
    int connected = connect(fd, (struct sockaddr *)&name, sizeof(sa_family_t) + 7);
    EXPECT(r, connected < 0 || !(f->isolation & SANDBOX_LANDLOCK_SCOPE));
    set_step(f, 2);
}

static void fight(struct fixture *f)
{
    pid_t victim = instance_start(f, "victim", be_victim);
    pid_t attacker = instance_start(f, "attacker", be_attacker);
    instance_wait(f, attacker);
    set_step(f, 2);
    instance_wait(f, victim);
}

START_TEST(instances_of_one_function_cannot_touch_each_other)
{
    scoped_fixture struct fixture f;
    fixture_init(&f, ALL);
    add_tmp(&f, "victim", 1);
    add_tmp(&f, "attacker", 1);
    fixture_run(&f, fight);
}
END_TEST

static void call_host(struct fixture *f)
{
    struct sockaddr_un name = { .sun_family = AF_UNIX };
    memcpy(name.sun_path, "\0mayfly-host", 12);
    int fd = socket(AF_UNIX, SOCK_STREAM, 0);
    EXPECT(f->report, connect(fd, (struct sockaddr *)&name, sizeof(sa_family_t) + 12) < 0);
}

START_TEST(abstract_sockets_of_the_machine_are_out_of_reach)
{
    scoped_fixture struct fixture f;
    struct sockaddr_un name = { .sun_family = AF_UNIX };
    memcpy(name.sun_path, "\0mayfly-host", 12);
    fixture_init(&f, ALL);
    int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
    ck_assert_int_eq(bind(fd, (struct sockaddr *)&name, sizeof(sa_family_t) + 12), 0);
    ck_assert_int_eq(listen(fd, 1), 0);
    if (f.isolation & SANDBOX_LANDLOCK_SCOPE) {
        fixture_run(&f, call_host);
    }
}
END_TEST

static void look_for_folders(struct fixture *f)
{
    for (int fd = 3; fd < 1024; fd++) {
        struct stat st;
        if (fd != SANDBOX_TMP_FD && fd != SANDBOX_TMP_FD - 1 && fstat(fd, &st) == 0 &&
            S_ISDIR(st.st_mode)) {
            fail_with(f->report, "descriptor %d is a folder", fd);
        }
    }
}

START_TEST(folders_that_were_open_outside_are_closed_inside)
{
    scoped_fixture struct fixture f;
    fixture_init(&f, ALL);
    ck_assert_int_ge(open("/", O_RDONLY | O_DIRECTORY), 0);
    ck_assert_int_ge(open("/etc", O_PATH), 0);
    fixture_run(&f, look_for_folders);
}
END_TEST

static void look_at_proc(struct fixture *f)
{
    static const char *const covered[] = { "/proc/kcore",     "/proc/kallsyms", "/proc/modules",
                                           "/proc/config.gz", "/proc/cmdline",  "/proc/keys" };
    char text[64];
    for (size_t i = 0; i < ARRAY_COUNT(covered); i++) {
        scoped_fd int fd = open(covered[i], O_RDONLY);
        EXPECT(f->report, fd < 0 || read(fd, text, sizeof(text)) == 0);
    }
    scoped_fd int cpus = open("/proc/cpuinfo", O_RDONLY);
    EXPECT(f->report, cpus >= 0 && read(cpus, text, sizeof(text)) > 0);
    EXPECT(f->report, open("/proc/sysrq-trigger", O_WRONLY) < 0 ||
                          write(open("/proc/sysrq-trigger", O_WRONLY), "", 0) == 0);
    DIR *dir = opendir("/proc/acpi");
    EXPECT(f->report, !dir || (readdir(dir) && readdir(dir) && !readdir(dir)));
}

START_TEST(proc_tells_of_cpus_and_not_of_the_machine)
{
    scoped_fixture struct fixture f;
    fixture_init(&f, ALL);
    fixture_run(&f, look_at_proc);
}
END_TEST

static Suite *make_suite(void)
{
    TCase *tests;
    Suite *suite = suite_make_for_user("sandbox isolation", &tests);
    tcase_add_test(tests, it_sees_its_own_files_and_no_others);
    tcase_add_test(tests, it_can_write_nothing_but_its_tmp);
    tcase_add_test(tests, an_instance_sees_and_writes_no_more_than_its_zygote);
    tcase_add_test(tests, system_calls_that_lead_out_are_refused);
    tcase_add_test(tests, no_file_can_be_made_set_uid);
    tcase_add_test(tests, it_has_no_capabilities_and_cannot_gain_any);
    tcase_add_test(tests, an_instance_sees_no_process_and_cannot_touch_its_zygote);
    tcase_add_test(tests, an_instance_changes_limits_and_priorities_of_none_but_itself);
    tcase_add_test(tests, instances_of_one_function_cannot_touch_each_other);
    tcase_add_test(tests, abstract_sockets_of_the_machine_are_out_of_reach);
    tcase_add_test(tests, folders_that_were_open_outside_are_closed_inside);
    tcase_add_test(tests, proc_tells_of_cpus_and_not_of_the_machine);
    return suite;
}

int main(void)
{
    return fixture_main(make_suite);
}
