/* A store with the files of its objects, and jobs that are waited for. Each test runs in a process
 * of its own.
 *
 * SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include <stdio.h>
#include <stdlib.h>

#include "store/sql.h"
#include "store/store_contents.h"
#include "store/store_objects.h"
#include "store/store_uploads.h"
#include "suite.h"

static uv_loop_t loop;
static struct store *store;
static struct store_contents *contents;
static char folder[] = "/tmp/mayfly-test-XXXXXX";

static inline void open_all(void)
{
    struct err err = { 0 };
    ck_assert_msg(store_open(&loop, folder, &store, &err) == 0, "%s", err.text);
    ck_assert_msg(store_contents_open(&loop, store, store_uploads_sweep, &contents, &err) == 0,
                  "%s", err.text);
}

static inline void close_all(void)
{
    store_contents_close(contents);
    store_close(store);
    (void)uv_run(&loop, UV_RUN_NOWAIT);
}

/* In a folder of its own. */
static inline void open_new(void)
{
    ck_assert_ptr_nonnull(mkdtemp(folder));
    ck_assert_int_eq(uv_loop_init(&loop), 0);
    open_all();
}

static inline void teardown(void)
{
    char command[64];
    close_all();
    (void)snprintf(command, sizeof(command), "rm -rf %s", folder);
    ck_assert_int_eq(system(command), 0);
}

/* Of which nothing but this is said. */
static inline struct stored_object plain_object(int64_t bucket, struct str key)
{
    return (struct stored_object){ .bucket = bucket,
                                   .key = key,
                                   .etag = STR("e"),
                                   .headers = STR(""),
                                   .tags = STR(""),
                                   .owner = STR("o"),
                                   .acl = STR(""),
                                   .checksum = STR(""),
                                   .crypt = STR(""),
                                   .hash = STR(""),
                                   .parts = STR(""),
                                   .upload = STR("") };
}

struct job {
    struct store_job job;
    int result;
    bool is_done;
};

static inline void on_done(struct store_job *job, int r)
{
    struct job *j = container_of(job, struct job, job);
    j->result = r;
    j->is_done = true;
}

static inline int submit(int (*run)(struct store_job *job, struct sql *db))
{
    struct job j = { .job = { .run = run, .done = on_done } };
    store_submit(store, &j.job);
    while (!j.is_done) {
        (void)uv_run(&loop, UV_RUN_ONCE);
    }
    return j.result;
}
