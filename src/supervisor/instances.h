/* Instances: asked for by the gateway, forked by a zygote, watched until they end.
 *
 * SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include "supervisor/own_memory.h"
#include "supervisor/supervised_function.h"

enum instance_state {
    INSTANCE_PREPARED, /* its group, /tmp and channel are made; nobody has asked for it yet */
    INSTANCE_WAITING,  /* for a zygote */
    INSTANCE_FORKING,  /* asked for; its pid is not known yet */
    INSTANCE_RUNNING,
    INSTANCE_ENDING /* killed, or known to have ended */
};

struct instance {
    struct list item;
    struct platform *platform;
    struct function *function;
    struct zygote *zygote; /* that forks it, or becomes it; NULL while WAITING */
    uint64_t id;
    enum instance_state state;
    struct channel_fds channel; /* the instance's end, until it is forked */
    char group[MESSAGE_NAME_MAX + 64];
    char scratch[64]; /* name of its /tmp; "" when there is none */
    pid_t pid;
    uv_poll_t exit; /* on pidfd */
    int pidfd;      /* owned; -1 until RUNNING */
    bool stop_asked;
    bool over_memory; /* found by our own watch */
};

/* MESSAGE_INSTANCE_START / _STOP of the gateway. */
void instances_start(struct platform *p, const struct message_instance_start *start);
void instances_stop(struct platform *p, uint64_t id);

/* Makes all that an instance needs ahead of the request for it, which is half of what a start costs
 * the supervisor. At most one a function; does nothing where there is one, or when it fails (then
 * the next start tells why). */
void instances_prepare(struct function *f);
void instances_drop_prepared(struct function *f);

/* How many of this function's wait for a zygote. */
size_t instances_waiting(const struct function *f);

/* A zygote is ready: forks those that wait for its function. */
void instances_zygote_ready(struct function *f);
/* The function failed to load, or is about to be removed: those that wait end with its reason. */
void instances_function_failed(struct function *f);
/* A zygote is gone, and with it the instances it has forked. */
void instances_zygote_gone(struct zygote *z, int wait_status);

/* Messages of a zygote about an instance of its. */
void instances_hello(struct zygote *z, uint64_t id, struct ipc_received *received);
void instances_exited(struct zygote *z, uint64_t id, int wait_status);

/* Ends those whose process is over its limit: the kernel's limit leaves room for /tmp, and is not
 * everywhere. */
void instances_claim_memory(const struct platform *p, struct own_memory *memory);
void instances_check_memory(struct platform *p, const struct own_memory *memory);

/* Whether it is one's, which may be its zygote's. */
bool instances_has_process(const struct platform *p, pid_t pid);

/* What instances of this zygote have left behind is over their limit: the reason for their end. */
void instances_over_memory(const struct zygote *z);
