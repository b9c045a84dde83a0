/* SPDX-License-Identifier: Apache-2.0 */
#include "sandbox/features_reason.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "base/scope.h"
#include "sandbox/cgroup_place.h"

/* Whether the sysctl of that file exists and begins so. */
static bool sysctl_is(const char *path, char first)
{
    char value;
    scoped_fd int fd = open(path, O_RDONLY | O_CLOEXEC);
    return fd >= 0 && read(fd, &value, 1) == 1 && value == first;
}

static bool is_in_container(void)
{
    return access("/.dockerenv", F_OK) == 0 || access("/run/.containerenv", F_OK) == 0 ||
           getenv("KUBERNETES_SERVICE_HOST") != NULL;
}

static const char *reason_of_namespaces(int code)
{
    if (code == ENOSYS || code == EINVAL) {
        return "the kernel was built without it";
    }
    if (code == ENOSPC || code == EUSERS || sysctl_is("/proc/sys/user/max_user_namespaces", '0')) {
        return "no more are allowed: sysctl -w user.max_user_namespaces=15000";
    }
    if (sysctl_is("/proc/sys/kernel/unprivileged_userns_clone", '0')) {
        return "switched off: sysctl -w kernel.unprivileged_userns_clone=1";
    }
    if (sysctl_is("/proc/sys/kernel/apparmor_restrict_unprivileged_userns", '1')) {
        return "AppArmor restricts it (Ubuntu): sysctl -w "
               "kernel.apparmor_restrict_unprivileged_userns=0, or a profile with `userns,` for "
               "mayfly and node";
    }
    if (is_in_container()) {
        return "the container forbids it: docker run --security-opt seccomp=unconfined "
               "--security-opt apparmor=unconfined --security-opt systempaths=unconfined";
    }
    return "the kernel or a security module forbids it";
}

static const char *reason_of_landlock(int code)
{
    if (code == EOPNOTSUPP) {
        return NULL;
    }
    return is_in_container() ? "not in this kernel's list of security modules, or the container's "
                               "seccomp profile forbids it"
                             : "not active: add landlock to the kernel parameter lsm=";
}

static bool is_mounted(enum cgroup_controller controller)
{
    struct cgroup_hierarchy found[CGROUP_HIERARCHIES_MAX];
    bool is = false;
    for (size_t n = cgroup_place_find(found), i = 0; i < n; i++) {
        is = is || (found[i].controllers & controller) != 0;
    }
    return is;
}

static const char *reason_of_limits(enum cgroup_controller controller)
{
    if (!is_mounted(controller) && access("/sys/fs/cgroup/cgroup.controllers", F_OK) == 0) {
        return "your control group has no such controller: it is switched off (boot with "
               "cgroup_enable=memory) or not handed down (systemd-run --user --scope -p "
               "Delegate=yes)";
    }
    if (!is_mounted(controller)) {
        return "no control groups with this controller are mounted: mount -t cgroup2 none "
               "/sys/fs/cgroup, or let systemd do it";
    }
    if (geteuid() != 0) {
        return "your control group is not writable: start it with systemd-run --user --scope -p "
               "Delegate=yes, or as root";
    }
    return is_in_container()
               ? "control groups are read-only in this container: docker run --privileged "
                 "--cgroupns=private, or let the container's own limit do"
               : "its control groups are not writable";
}

static const char *reason_of(enum sandbox_feature feature, int code, bool has_users)
{
    const char *reason;
    switch (feature) {
    case SANDBOX_USER_NAMESPACE:
        return reason_of_namespaces(code);
    case SANDBOX_SEPARATE_UIDS:
        return "not started as root";
    case SANDBOX_SECCOMP:
        return "the kernel was built without CONFIG_SECCOMP_FILTER, or a container forbids it";
    case SANDBOX_LANDLOCK_FS:
        reason = reason_of_landlock(code);
        return reason ? reason : "needs Linux 5.19 or newer";
    case SANDBOX_LANDLOCK_SCOPE:
        reason = reason_of_landlock(code);
        return reason ? reason : "needs Linux 6.12 or newer";
    case SANDBOX_MEMORY_LIMIT:
        return reason_of_limits(CGROUP_MEMORY);
    case SANDBOX_PIDS_LIMIT:
        return reason_of_limits(CGROUP_PIDS);
    case SANDBOX_CPU_SHARE:
        return reason_of_limits(CGROUP_CPU);
    case SANDBOX_PROC:
        if (has_users && code == EPERM) {
            return "the /proc here is partly covered: docker run --security-opt "
                   "systempaths=unconfined";
        }
        break;
    default:
        break;
    }
    return has_users ? reason_of_namespaces(code) : "needs user namespaces";
}

void features_reason(enum sandbox_feature feature, int code, bool has_users, char *ret, size_t size)
{
    (void)snprintf(ret, size, "%s", reason_of(feature, code, has_users));
}
