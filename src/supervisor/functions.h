/* Functions as the supervisor knows them: a sandbox plan, a zygote that has loaded the code, and
 * the instances forked from it.
 *
 * A function whose process cannot be forked has several zygotes, each of which becomes one
 * instance.
 *
 * SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include "supervisor/load_time.h"
#include "supervisor/own_memory.h"
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

/* MESSAGE_FUNCTION_ADD: takes over spec_fd. */
void functions_add(struct platform *p, const struct message_function_add *add, int spec_fd);
void functions_remove(struct platform *p, uint64_t id);
void functions_remove_all(struct platform *p);
struct function *functions_find(struct platform *p, uint64_t id);

/* The user that its processes are outside of their sandbox; 0 where the platform is no root and
 * cannot choose one. */
uid_t functions_uid(const struct function *f);

/* Those of an instance, and of a zygote that loads. */
struct cgroup_limits functions_limits(const struct function *f);

/* The base zygote is ready: starts the zygotes that waited for it. */
void functions_base_ready(struct platform *p);

/* A zygote that can give life to an instance now, or NULL; then one is being started. */
struct zygote *functions_zygote(struct function *f);

/* A child has ended: before it is reaped, which is when its process group is killed if it was a
 * zygote, and after; true when it was a zygote's process. */
void functions_ended(struct platform *p, pid_t pid);
bool functions_reaped(struct platform *p, pid_t pid, int wait_status);

/* Frees a removed function when nothing of it is left. */
void functions_release(struct function *f);

/* Ends zygotes of functions that have no instances: those long unused, and the longest unused while
 * there are too many. The next instance loads the function again. */
void functions_evict(struct platform *p);

/* Ends zygotes that use more memory than an instance may: before there is one, or with what
 * instances have left behind. */
void functions_claim_memory(const struct platform *p, struct own_memory *memory);
void functions_check_memory(struct platform *p, const struct own_memory *memory);

void functions_kill_zygote(struct zygote *z);
