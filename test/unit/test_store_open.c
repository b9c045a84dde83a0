/* How a store is opened, and what becomes of its folder: another's, its rights, a killed process,
 * a disk that fails.
 *
 * SPDX-License-Identifier: Apache-2.0 */
#include <errno.h>
#include <fcntl.h>
#include <sys/stat.h>

#include "queue_fixture.h"
#include "store/store_migrations.h"

struct noted_job {
    struct store_job job;
    int result;
    int done;
};

static int run_writing(struct store_job *job, struct sql *db)
{
    uint64_t number;
    (void)job;
    return store_messages_queue(db, STR("another"), &number);
}

static void note_result(struct store_job *job, int r)
{
    struct noted_job *noted = container_of(job, struct noted_job, job);
    noted->result = r;
    noted->done = 1;
}

/* Returns the job's result. */
static int write_something(void)
{
    struct noted_job noted = { .job = { .run = run_writing, .done = note_result } };
    store_submit(store, &noted.job);
    run_until(&noted.done, 1);
    return noted.result;
}

START_TEST(a_folder_has_one_store)
{
    struct store *second;
    struct err err;
    ck_assert_int_eq(store_open(&loop, folder, &second, &err), -EBUSY);
    ck_assert_ptr_nonnull(strstr(err.text, "another mayfly"));
}
END_TEST

static bool has_no_threads;

/* The library's, but for what a test wants. */
int uv_thread_create(uv_thread_t *thread, uv_thread_cb entry, void *argument)
{
    const uv_thread_options_t options = { .flags = UV_THREAD_NO_FLAGS };
    return has_no_threads ? UV_EAGAIN : uv_thread_create_ex(thread, &options, entry, argument);
}

static char elsewhere[] = "/tmp/mayfly-test-XXXXXX";

static void remove_elsewhere(void)
{
    char command[64];
    (void)snprintf(command, sizeof(command), "rm -rf %s", elsewhere);
    ck_assert_int_eq(system(command), 0);
}

START_TEST(one_that_cannot_start_its_thread_leaves_nothing_on_the_loop)
{
    struct store *failed;
    struct err err;
    uv_loop_t other;
    ck_assert_ptr_nonnull(mkdtemp(elsewhere));
    ck_assert_int_eq(uv_loop_init(&other), 0);
    has_no_threads = true;
    int r = store_open(&other, elsewhere, &failed, &err);
    has_no_threads = false;
    ck_assert_int_eq(r, -EAGAIN);
    ck_assert_ptr_nonnull(strstr(err.text, "start the store"));
    (void)uv_run(&other, UV_RUN_NOWAIT);
    ck_assert_int_eq(uv_loop_close(&other), 0);
    remove_elsewhere();
}
END_TEST

static unsigned mode_of(const char *name)
{
    char path[80];
    struct stat st;
    (void)snprintf(path, sizeof(path), "%s/%s", elsewhere, name);
    ck_assert_int_eq(stat(path, &st), 0);
    return st.st_mode & 0777;
}

START_TEST(its_database_is_its_owners_alone_in_any_folder)
{
    struct store *second;
    struct err err;
    ck_assert_ptr_nonnull(mkdtemp(elsewhere));
    ck_assert_int_eq(chmod(elsewhere, 0755), 0);
    (void)umask(022);
    ck_assert_int_eq(store_open(&loop, elsewhere, &second, &err), 0);
    ck_assert_uint_eq(mode_of("mayfly.db"), 0600);
    ck_assert_uint_eq(mode_of("mayfly.db-wal"), 0600);
    store_close(second);
    (void)uv_run(&loop, UV_RUN_NOWAIT);
    remove_elsewhere();
}
END_TEST

START_TEST(a_database_that_cannot_be_read_is_not_taken_for_a_later_one)
{
    char file[64], garbage[4096];
    struct sql *db, *other;
    struct err err = { 0 };
    (void)snprintf(file, sizeof(file), "%s/damaged.db", folder);
    ck_assert_int_eq(sql_open(file, SQL_WRITER, &db, &err), 0);
    ck_assert_int_eq(store_migrate(db, &err), 0);
    ck_assert_int_eq(sql_open(file, SQL_WRITER, &other, &err), 0);
    ck_assert_int_eq(sql_script(other, "CREATE TABLE t (id);", NULL), 0);
    ck_assert_int_eq(sql_checkpoint(other, SQL_EMPTY_LOG), 0);
    sql_close(other);
    int fd = open(file, O_WRONLY | O_CLOEXEC);
    memset(garbage, 'x', sizeof(garbage));
    ck_assert_int_eq(pwrite(fd, garbage, sizeof(garbage), 0), sizeof(garbage));
    close(fd);
    ck_assert_int_eq(store_migrate(db, &err), -EUCLEAN);
    ck_assert_ptr_nonnull(strstr(err.text, "the database is damaged"));
    sql_close(db);
}
END_TEST

/* It may be there in the kernel's memory only. */
START_TEST(what_a_killed_process_left_in_the_log_is_in_the_database_before_there_is_more)
{
    struct store *second;
    struct err err;
    struct stat log;
    char path[80], command[200];
    ck_assert_int_eq(write_something(), 0);
    ck_assert_ptr_nonnull(mkdtemp(elsewhere));
    (void)snprintf(path, sizeof(path), "%s/mayfly.db-wal", elsewhere);
    (void)snprintf(command, sizeof(command), "cp %s/mayfly.db %s/mayfly.db-wal %s", folder, folder,
                   elsewhere); /* what would be left, were this process killed now */
    ck_assert_int_eq(system(command), 0);
    ck_assert_int_eq(stat(path, &log), 0);
    ck_assert_int_gt(log.st_size, 0);
    ck_assert_int_eq(store_open(&loop, elsewhere, &second, &err), 0);
    ck_assert_int_eq(stat(path, &log), 0);
    ck_assert_int_eq(log.st_size, 0);
    store_close(second);
    (void)uv_run(&loop, UV_RUN_NOWAIT);
    remove_elsewhere();
}
END_TEST

static const char *unreadable; /* a path */

/* The library's, but for what a test wants. */
int stat(const char *path, struct stat *ret)
{
    if (unreadable && strcmp(path, unreadable) == 0) {
        errno = EIO;
        return -1;
    }
    return fstatat(AT_FDCWD, path, ret, 0);
}

/* xfs is shut down when its disk fails, and says of every path that it cannot be read. */
START_TEST(a_folder_that_cannot_be_read_is_not_taken_for_removed)
{
    char path[64];
    (void)snprintf(path, sizeof(path), "%s/mayfly.db", folder);
    unreadable = path;
    ck_assert_int_eq(write_something(), -EIO);
    unreadable = NULL;
}
END_TEST

int main(void)
{
    TCase *tests;
    Suite *suite = queue_fixture_suite("store_open", &tests);
    tcase_add_test(tests, a_folder_has_one_store);
    tcase_add_test(tests, one_that_cannot_start_its_thread_leaves_nothing_on_the_loop);
    tcase_add_test(tests, its_database_is_its_owners_alone_in_any_folder);
    tcase_add_test(tests,
                   what_a_killed_process_left_in_the_log_is_in_the_database_before_there_is_more);
    tcase_add_test(tests, a_database_that_cannot_be_read_is_not_taken_for_a_later_one);
    tcase_add_test(tests, a_folder_that_cannot_be_read_is_not_taken_for_removed);
    return suite_run(suite);
}
