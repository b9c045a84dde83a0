/* Every message between our processes, and who may send it to whom (message.c has the table).
 *
 * Fixed-size structs that begin with their type: receiving one is a check of type, size, sender and
 * text termination (message_check), nothing to parse. Ids: a function is a version of a group,
 * given by control; an instance is given by the supervisor; neither is ever used again.
 *
 * SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/scope.h"

enum message_role {
    ROLE_SUPERVISOR,
    ROLE_GATEWAY,
    ROLE_CONTROL,
    ROLE_BASE_ZYGOTE,
    ROLE_FUNCTION_ZYGOTE, /* has run the user's code: hostile */
    ROLE_COUNT
};

/* The exit status of a process that would end the same way if it were started again, and has said
 * why. */
#define ROLE_EXIT_HOPELESS 3

#define MESSAGE_NAME_MAX   128
#define MESSAGE_PATH_MAX   1024
#define MESSAGE_TEXT_MAX   1024
#define MESSAGE_MOUNTS_MAX 12

enum message_type {
    MESSAGE_FUNCTION_ADD = 1, /* control to supervisor */
    MESSAGE_FUNCTION_REMOVE,
    MESSAGE_FOLDER_SHARE,
    MESSAGE_FUNCTION_LOADED, /* supervisor to control */
    MESSAGE_FUNCTION_OUTPUT,
    MESSAGE_ROUTES, /* control to gateway */
    MESSAGE_ROUTES_DONE,
    MESSAGE_CONNECTION, /* control to gateway */
    MESSAGE_FILE,
    MESSAGE_INSTANCE_START, /* gateway to supervisor */
    MESSAGE_INSTANCE_STOP,
    MESSAGE_INSTANCE, /* supervisor to gateway */
    MESSAGE_FOLDER,
    MESSAGE_INSTANCE_GONE,
    MESSAGE_ZYGOTE_START,  /* supervisor to base zygote */
    MESSAGE_ZYGOTE_MAPPED, /* supervisor to function zygote */
    MESSAGE_ZYGOTE_FORK,
    MESSAGE_ZYGOTE_ENTERING, /* function zygote to supervisor */
    MESSAGE_ZYGOTE_READY,
    MESSAGE_ZYGOTE_FAILED,
    MESSAGE_ZYGOTE_HELLO,
    MESSAGE_ZYGOTE_EXITED,
    MESSAGE_BASE_READY, /* base zygote to supervisor */
    MESSAGE_TYPE_COUNT
};

struct message_mount {
    char source[MESSAGE_PATH_MAX]; /* absolute, on the host */
    char target[256];              /* below /var/task; "" is /var/task itself */
    uint32_t writable;             /* 1: a volume, see root_task_add() */
};

/* What a function's sandbox is made of. */
struct message_function {
    char name[MESSAGE_NAME_MAX]; /* "api@3", for titles, cgroups and texts */
    uint32_t number; /* small, unique among live functions: its uid is derived from it */
    uint32_t memory_mb;
    uint32_t tmp_mb;
    uint32_t pids_max;
    uint32_t cpu_ms; /* of one invocation, 0: no limit */
    uint32_t mount_count;
    struct message_mount mounts[MESSAGE_MOUNTS_MAX];
};

/* fds: the spec (a memfd with the manifest's Function as JSON), opaque to the supervisor. */
struct message_function_add {
    uint32_t type;
    uint32_t reserved;
    uint64_t function;
    struct message_function plan;
};

struct message_function_remove {
    uint32_t type;
    uint32_t reserved;
    uint64_t function; /* its zygote and every instance end now */
};

/* Before the ROUTES of that build: a folder of static files, which the gateway's user may have no
 * right to reach. The supervisor opens it, if it lies in the project, and hands it to the gateway.
 */
struct message_folder_share {
    uint32_t type;
    uint32_t root; /* its index in the routes' `static` */
    uint64_t build;
    char path[MESSAGE_PATH_MAX]; /* absolute */
};

/* fds: the folder, by O_PATH. It may come before the ROUTES of its build or after them. */
struct message_folder {
    uint32_t type;
    uint32_t root;
    uint64_t build;
};

/* Once for each function, when its zygote is ready or has failed. */
struct message_function_loaded {
    uint32_t type;
    uint32_t failed; /* 1: text says why; instances cannot be started */
    uint64_t function;
    uint32_t load_ms;
    uint32_t snapshot; /* 1: instances are forks of the loaded function; 0: each loads it, text says
                          why */
    uint32_t unloaded; /* endpoints that answer nothing but why they could not be loaded */
    uint32_t reserved;
    char text[MESSAGE_TEXT_MAX];
    char unloaded_text[MESSAGE_TEXT_MAX]; /* which, and why; may be cut */
};

/* fds: the reading end of the pipe that is standard output and error of the function's processes.
 */
struct message_function_output {
    uint32_t type;
    uint32_t reserved;
    uint64_t function;
};

/* fds: a memfd with the routing part of the manifest (JSON): `routes`, `static`, and `functions`,
 * each of which has its id of this protocol as an integer `id` besides its name, dialect, limits,
 * scaling, endpoints and settings; env, artifact and mounts may be left out. Answered with
 * ROUTES_DONE. */
struct message_routes {
    uint32_t type;
    uint32_t reserved;
    uint64_t build;
};

/* From here on no new request goes to the functions of earlier builds... */
struct message_routes_done {
    uint32_t type;
    uint32_t drained; /* ...and 1: none of theirs is in flight any more */
    uint64_t build;
};

/* fds: a stream socket, on which control speaks HTTP as a client whose x-mayfly-* fields are
 * trusted.
 */
struct message_connection {
    uint32_t type;
    uint32_t reserved;
};

/* fds: a file of which a part is the body of the answer on this stream of control's channel. It may
 * come before its FRAME_FILE or after it; the next comes when this one is sent. */
struct message_file {
    uint32_t type;
    uint32_t stream;
    uint64_t offset;
    uint64_t length;
};

struct message_instance_start {
    uint32_t type;
    uint32_t reserved;
    uint64_t function;
};

enum message_stop { STOP_IDLE, STOP_TIMEOUT, STOP_MISBEHAVED, STOP_DRAINED };

struct message_instance_stop {
    uint32_t type;
    uint32_t
        reason; /* enum message_stop; the process is killed: a graceful end goes over the channel */
    uint64_t instance;
};

/* fds: memory, wake_host, wake_instance. Sent at once, before the process exists: requests may be
 * put into the channel already. */
struct message_instance {
    uint32_t type;
    uint32_t reserved;
    uint64_t function;
    uint64_t instance;
};

enum message_gone {
    GONE_STOPPED,    /* as asked */
    GONE_EXITED,     /* status: exit code */
    GONE_SIGNALLED,  /* status: signal */
    GONE_MEMORY,     /* killed by the kernel for exceeding its memory limit */
    GONE_CPU,        /* used up its CPU time */
    GONE_NOT_STARTED /* text says why */
};

struct message_instance_gone {
    uint32_t type;
    uint32_t why; /* enum message_gone */
    uint64_t function;
    uint64_t instance;
    int32_t status;
    uint32_t reserved;
    char text[MESSAGE_TEXT_MAX];
};

/* fds: spec, link, output. The child of the base zygote becomes a function zygote. */
struct message_zygote_start {
    uint32_t type;
    uint32_t snapshot; /* 0: known not to be forkable: do not try to come to rest */
    uint64_t function;
    struct message_function plan;
    char root[MESSAGE_PATH_MAX];    /* the prepared root file system, in the supervisor's mount
                                       namespace */
    char scratch[MESSAGE_PATH_MAX]; /* the function's folder of /tmp mounts, bound to /run/tmp */
    uint32_t isolation;             /* bits of enum sandbox_feature that are to be applied */
    uint32_t reserved;
};

/* The user namespace's maps are written, or failed is set. */
struct message_zygote_mapped {
    uint32_t type;
    uint32_t failed;
};

/* fds: memory, wake_host, wake_instance. */
struct message_zygote_fork {
    uint32_t type;
    uint32_t reserved;
    uint64_t instance;
    char scratch[64]; /* name of its /tmp below /run/tmp */
};

/* First sign of life: sent with the kernel's word for the pid. Answered with ZYGOTE_MAPPED. */
struct message_zygote_entering {
    uint32_t type;
    uint32_t pid_one; /* 0: the outer process, asks for its maps; 1: process one of the sandbox */
};

struct message_zygote_ready {
    uint32_t type;
    uint32_t snapshot;
    uint32_t load_ms;
    uint32_t unloaded;
    char text[MESSAGE_TEXT_MAX];          /* why not, if snapshot is 0 */
    char unloaded_text[MESSAGE_TEXT_MAX]; /* as in FUNCTION_LOADED */
};

struct message_zygote_failed {
    uint32_t type;
    uint32_t reserved;
    char text[MESSAGE_TEXT_MAX];
};

/* Sent by a new instance itself, so that the kernel tells its pid. */
struct message_zygote_hello {
    uint32_t type;
    uint32_t reserved;
    uint64_t instance;
};

/* Sent by its parent: the zygote, or (instance 0: the one that the zygote has become) process 1 of
 * a sandbox whose function is not forked. */
struct message_zygote_exited {
    uint32_t type;
    int32_t wait_status; /* as waitpid(2) */
    uint64_t instance;
};

struct message_base_ready {
    uint32_t type;
    uint32_t warm_ms;
};

union message {
    uint32_t type;
    struct message_function_add function_add;
    struct message_function_remove function_remove;
    struct message_folder_share folder_share;
    struct message_folder folder;
    struct message_function_loaded function_loaded;
    struct message_function_output function_output;
    struct message_routes routes;
    struct message_routes_done routes_done;
    struct message_connection connection;
    struct message_file file;
    struct message_instance_start instance_start;
    struct message_instance_stop instance_stop;
    struct message_instance instance;
    struct message_instance_gone instance_gone;
    struct message_zygote_start zygote_start;
    struct message_zygote_mapped zygote_mapped;
    struct message_zygote_fork zygote_fork;
    struct message_zygote_entering zygote_entering;
    struct message_zygote_ready zygote_ready;
    struct message_zygote_failed zygote_failed;
    struct message_zygote_hello zygote_hello;
    struct message_zygote_exited zygote_exited;
    struct message_base_ready base_ready;
};

/* The size of a message of this type, 0 for an unknown one. */
size_t message_size(uint32_t type);

/* Whether `message`, `size` bytes received with `fd_count` descriptors from a process of role
 * `from` by one of role `to`, is allowed and well-formed: size, descriptors, terminated texts,
 * bounds of counts. -EPERM, -EBADMSG. A receiver that gets an error ends the sender's process. */
int message_check(const union message *message, size_t size, size_t fd_count,
                  enum message_role from, enum message_role to) MUST_USE;
