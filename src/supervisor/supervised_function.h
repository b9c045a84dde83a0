/* A function as the supervisor knows it, and its zygotes: what its instances need of it.
 *
 * SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include "supervisor/load_time.h"
#include "supervisor/platform.h"

struct instance;

enum function_state {
    FUNCTION_ABSENT,  /* no zygote: it is started when an instance is wanted */
    FUNCTION_LOADING, /* waiting instances are forked when it is ready */
    FUNCTION_READY,
    FUNCTION_FAILED /* its code does not load */
};

struct function {
    struct list item;
    struct platform *platform;
    uint64_t id;
    struct message_function plan;
    char group[MESSAGE_NAME_MAX + 32]; /* its cgroup */
    char folder[32];                   /* its part of the scratch tree */
    int spec_fd;                       /* owned */
    int output_fd;                     /* owned: standard output of its processes */
    enum function_state state;
    bool snapshot; /* true until its zygote says otherwise */
    bool reported; /* control has been told how the first load went */
    bool removed;  /* freed when its last zygote and instance are gone */
    uint64_t last_used_ms;
    char reason[MESSAGE_TEXT_MAX]; /* why FAILED, or why no snapshot */
    struct list zygotes;           /* of struct zygote */
    struct instance *prepared;     /* the next instance, or NULL */
    size_t instance_count;         /* that one included */
};

enum zygote_state { ZYGOTE_STARTING, ZYGOTE_LOADING, ZYGOTE_READY, ZYGOTE_IS_INSTANCE };

struct zygote {
    struct list item;
    struct function *function;
    enum zygote_state state;
    pid_t pid;                         /* process 1 of the sandbox; 0 until it has said so */
    char group[MESSAGE_NAME_MAX + 64]; /* its cgroup while it loads: limits as of an instance */
    struct link link;
    struct load_time load;
    uv_timer_t deadline; /* for loading */
    bool linked;         /* false while it waits for the base zygote */
    bool closing;
    int closing_handles;
    struct instance *instance; /* the one it has become, where instances are not forked */
};

struct function *supervised_find(struct platform *p, uint64_t id);

/* The user that its processes are outside of their sandbox; 0 where the platform is no root and
 * cannot choose one. */
uid_t supervised_uid(const struct function *f);

/* Those of an instance, and of a zygote that loads. */
struct cgroup_limits supervised_limits(const struct function *f);

/* A zygote that can give life to an instance now, or NULL. The function counts as used. */
struct zygote *supervised_zygote(struct function *f);
void supervised_kill_zygote(struct zygote *z);

/* Frees a removed function when nothing of it is left. */
void supervised_free_removed(struct function *f);
