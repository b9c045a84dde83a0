/* The supervisor's whole state, shared by its files. One loop, one thread.
 *
 * SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include <limits.h>
#include <uv.h>

#include "base/list.h"
#include "base/pressure.h"
#include "channel/channel.h"
#include "ipc/link.h"
#include "sandbox/cgroup.h"
#include "sandbox/features.h"
#include "supervisor/supervisor_options.h"

struct roles;

struct platform {
    const struct supervisor_options *options;
    uv_loop_t loop;
    struct sandbox_features features;
    struct pressure pressure;
    struct cgroups *cgroups; /* owned; NULL until opened */
    struct roles *roles;     /* owned */
    struct list functions;   /* of struct function */
    struct list instances;   /* of struct instance, all functions' */
    uint64_t last_instance;
    uint64_t last_zygote;
    uv_timer_t
        watch; /* memory where no controller does it, groups whose processes are still dying */
    struct list dying_groups;
    char data[PATH_MAX]; /* where control finds its data folder */
    bool root;           /* each process may have a user of its own */
    bool stopping;
    bool failed; /* of its own accord */
};
