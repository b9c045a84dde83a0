/* The file system of sandboxes, prepared by the supervisor in its own mount namespace:
 *
 *   <base>/root            template of a sandbox's root, all of it read-only: programs and
 * libraries (/usr), the few files of /etc that programs need, harmless devices, the runtime at
 * /var/runtime, node at SANDBOX_NODE, empty /var/task, /run/tmp, /run/zygote and /proc to mount on,
 *                          /tmp -> /proc/self/fd/SANDBOX_TMP_FD
 *   <base>/scratch/<fn>    shared mount point below which each instance's /tmp (a bounded tmpfs) is
 *                          mounted; mounts made here later appear in the sandboxes at /run/tmp
 *   <base>/task/<fn>       what a function sees at /var/task
 *   <base>/build           the builder's artifacts
 *
 * <fn> is one name that the supervisor chose, no path. <base> may be searched by all and read by
 * none, so its names must be known.
 *
 * Calls come from the supervisor's loop thread. Where it may not mount (no user namespaces) folders
 * and copies take the mounts' place; features_probe() has told that nothing is isolated then.
 *
 * SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include <stdint.h>
#include <sys/types.h>

#include "base/err.h"
#include "ipc/message.h"

/* The descriptor that is /tmp in each instance: a symlink leads through it. High, so that nobody
 * collides with it, and below the usual limit of 1024. */
#define SANDBOX_TMP_FD 1000

/* Where things are inside. First in every function's PATH; process.execPath must be set to it. */
#define SANDBOX_NODE    "/usr/local/bin/node"
#define SANDBOX_TASK    "/var/task"
#define SANDBOX_RUNTIME "/var/runtime"
/* A folder of the artifact, if it has one, is shown there: the layers of a Lambda function. */
#define SANDBOX_LAYERS        "/opt"
#define SANDBOX_LAYERS_SOURCE SANDBOX_TASK "/___mayfly_opt"

struct root_sources {
    const char *runtime; /* the folder with js/ */
    const char *addon;   /* the file mayfly.node */
    const char *node;    /* the program */
};

/* Makes <base>, an existing empty folder, a private tmpfs and all of the above in it. The caller is
 * in a mount namespace of its own, whose mounts are private. */
int root_create(const char *base, const struct root_sources *sources, struct err *err) MUST_USE;

/* Assembles <base>/task/<function> of the plan's mounts and puts it into the plan in their place:
 * who enters the sandbox has not the right to reach them. Sources lie below <base>/build or
 * `project`, or are folders named node_modules (EACCES otherwise): a manifest comes from the
 * builder, which read a project that may be hostile.
 *
 * All is read-only but volumes, folders inside of the project, which are made if they are missing.
 * Where functions have a user of their own, `uid` (0: they have not), a volume's files seem to be
 * that user's inside, while on disk they stay the folder's owner's. */
int root_task_add(const char *base, const char *function, const char *project, uid_t uid,
                  struct message_function *plan, struct err *err) MUST_USE;
void root_task_remove(const char *base, const char *function);

int root_scratch_add_function(const char *base, const char *function, struct err *err) MUST_USE;
void root_scratch_remove_function(const char *base, const char *function);

#define ROOT_SCRATCH_NAME_MAX 64

/* Mounts a tmpfs of `tmp_mb` at <base>/scratch/<function>/<name> with a folder in it that is owned
 * by uid (0: by the caller), and appends that folder to `name`: "17" becomes "17/<32 digits>".
 * Nobody but the supervisor can list where it lies, so an instance that does not know its name
 * cannot open it (an ordinary user's supervisor and functions are the same user: there Landlock
 * alone keeps the files in it apart). About 0.1 ms. */
int root_scratch_mount(const char *base, const char *function, char name[ROOT_SCRATCH_NAME_MAX],
                       uint32_t tmp_mb, uid_t uid, struct err *err) MUST_USE;
/* `name` before or after. */
void root_scratch_unmount(const char *base, const char *function, const char *name);
