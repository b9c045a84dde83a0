/* What is deployed: the versions of functions that exist, the build that is served, and the build
 * that waits for its functions to load. A pure machine: it is told what happened and calls back
 * what is to be done, so that a test needs no process.
 *
 * A manifest becomes the pending build. Functions whose hash is unchanged stay, the others are
 * added as new versions. When all of them have settled the build is routed and becomes the active
 * one; what it no longer uses is removed when the gateway says that its last request is over. A
 * manifest that arrives meanwhile replaces the pending build. A build that would break a function
 * that works, or still loads and then works, is rejected; a function that never worked is served
 * all the same and answers its error.
 *
 * The first build has none to wait behind: it is routed while its functions load, and a request
 * waits for the one that it is for. So a module may call the platform while it is loaded.
 *
 * SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include <jansson.h>

#include "base/err.h"
#include "base/list.h"
#include "base/str.h"
#include "ipc/message.h"

#define DEPLOYMENT_TOKEN_BYTES 24

/* In order. NEW: the supervisor may not have heard of it yet, so it cannot be asked for. */
enum version_state { VERSION_NEW, VERSION_LOADING, VERSION_LOADED, VERSION_FAILED };

/* One version of one function. */
struct version {
    struct list link;
    uint64_t id;     /* never used again */
    uint64_t number; /* 1, 2, 3... of this name */
    uint32_t slot;   /* small, unique among live versions */
    enum version_state state;
    bool is_told; /* of it, the supervisor: deployment_tell() */
    bool snapshot;
    uint32_t load_ms;
    uint32_t unloaded;            /* endpoints that could not be loaded, while others may serve */
    uint64_t made_ms;             /* since the epoch: when it was first offered */
    uint64_t retired_by;          /* the build that stopped using it, 0: none yet */
    json_t *spec;                 /* the manifest's Function; owned */
    const char *name;             /* the spec's */
    const char *hash;             /* the spec's */
    char *text;                   /* why it failed or is no snapshot, "" otherwise; owned */
    char *unloaded_text;          /* which could not be loaded, and why; "": none; owned */
    char label[MESSAGE_NAME_MAX]; /* "api@3" */
    char token[DEPLOYMENT_TOKEN_BYTES * 2 + 1]; /* what it shows the gateway; "": it never asks */
};

struct build {
    uint64_t number;
    json_t *manifest; /* owned */
    size_t count;
    struct version **versions; /* in the manifest's order; borrowed from the deployment */
    bool *is_new;              /* which of them this build added */
};

struct deployment;

struct deployment_actions {
    /* 0, or it could not be added: deployment_tell() has it tried again. */
    int (*add)(struct deployment *d, const struct version *version);
    void (*remove)(struct deployment *d, const struct version *version);
    /* It has become the active build. `first`: nothing was served before. */
    void (*route)(struct deployment *d, const struct build *build, bool first);
    /* `culprit` failed to load and its predecessor works: the active build stays. */
    void (*reject)(struct deployment *d, const struct build *build, const struct version *culprit);
};

struct deployment {
    const struct deployment_actions *actions;
    struct list versions; /* of struct version; live ones */
    size_t live_count;
    struct list removed; /* the last few that were removed: late records still name them */
    size_t removed_count;
    struct build *active;  /* NULL: nothing is served yet */
    struct build *pending; /* NULL: nothing waits */
    uint64_t next_id;
    uint64_t next_build;
    uint64_t drained; /* builds up to this one have no request on functions of earlier builds */
    json_t *numbers;  /* name to the last version number given */
};

/* Ids and build numbers are given from `first_id` on. */
void deployment_init(struct deployment *d, const struct deployment_actions *actions,
                     uint64_t first_id);
void deployment_finish(struct deployment *d);

/* A new manifest (borrowed). EINVAL says what is wrong with it; then nothing has changed. */
int deployment_offer(struct deployment *d, json_t *manifest, struct err *err) MUST_USE;

/* Adds what could not be added before. False: there is still something that cannot. */
bool deployment_tell(struct deployment *d);

/* The supervisor has begun to load a function. Unknown ids are of superseded builds. */
void deployment_loading(struct deployment *d, uint64_t id);

/* The supervisor has loaded a function, or could not. */
void deployment_loaded(struct deployment *d, const struct message_function_loaded *loaded);

/* The gateway has no request left on functions that only builds before `build` use. */
void deployment_drained(struct deployment *d, uint64_t build);

/* Whether each function of the build has loaded, or failed to. */
bool deployment_has_settled(const struct build *build);

/* A live or recently removed version, or NULL. */
const struct version *deployment_find(const struct deployment *d, uint64_t id);

/* What the supervisor needs to know to confine it. The spec has been checked by deployment_offer.
 */
void deployment_plan(const struct version *version, struct message_function *ret);

/* Where a function's AWS clients go, and as whom. */
struct deployment_aws {
    const char *origin; /* "http://127.0.0.1:4566" */
    struct str access_key;
    struct str secret;
};

/* The AWS region that a function of a manifest is told to be in (borrowed); us-east-1 if it is told
 * nothing. NULL is fine. */
const char *deployment_region(const json_t *function);

/* The function's own spec, for its process: the manifest's entry with id, version and origin, and
 * in its environment how a worker reaches the gateway, and how AWS clients reach the AWS port:
 * unless the project has told them where to go. `aws` may be NULL. The caller owns it. */
json_t *deployment_spec(const struct version *version, const char *origin,
                        const struct deployment_aws *aws);

/* The gateway's part of a build: its routes, and of its functions what is no secret. The caller
 * owns it. */
json_t *deployment_routes(const struct build *build);
