/* Starting our own processes: a role's program, its descriptors, its user.
 *
 * SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#include "base/err.h"

#define SPAWN_FDS_MAX 20

struct spawn {
    const char *const *argv; /* argv[0] is the program's path; NULL-terminated */
    const char *const *env;  /* NULL: our own environment */
    int fds[SPAWN_FDS_MAX];  /* inherited on the same numbers, all others are closed */
    size_t fd_count;
    int fd_three;        /* >= 0: this descriptor becomes number 3 */
    uid_t uid;           /* and gid; 0: stay who we are */
    bool reads_any_file; /* keeps CAP_DAC_READ_SEARCH, to read the user's project */
};

/* The child dies when we do. Returns its pid. */
int spawn_process(const struct spawn *spawn, pid_t *ret_pid, struct err *err) MUST_USE;
