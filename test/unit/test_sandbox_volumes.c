/* Volumes: folders of the project that a function may write to.
 *
 * SPDX-License-Identifier: Apache-2.0 */
#include <limits.h>
#include <sys/fsuid.h>

#include "sandbox_fixture.h"

#define ALL   (~0u)
#define OWNER 54321 /* of the project, where the supervisor is root */

static char *project_path(const struct fixture *f, const char *name, char path[PATH_MAX])
{
    (void)snprintf(path, PATH_MAX, "%s/%s", f->project, name);
    return path;
}

static struct message_mount volume(const struct fixture *f, const char *source, const char *target)
{
    struct message_mount m = { .writable = 1 };
    (void)snprintf(m.source, sizeof(m.source), "%s/%s", f->project, source);
    (void)snprintf(m.target, sizeof(m.target), "%s", target);
    return m;
}

/* The function's files once more, with a volume. */
static int add_volumes(struct fixture *f, const char *source, struct err *err)
{
    struct message_function *plan = &f->start.plan;
    root_task_remove(f->base, "f1");
    (void)snprintf(plan->mounts[0].source, MESSAGE_PATH_MAX, "%s/build/artifact", f->base);
    plan->mounts[1] = volume(f, source, source);
    plan->mount_count = 2;
    return root_task_add(f->base, "f1", f->project, function_uid(f), plan, err);
}

static void fixture_with_volume(struct fixture *f, const char *name)
{
    struct err err = { 0 };
    fixture_init(f, ALL);
    if (f->root) {
        ck_assert_int_eq(chown(f->project, OWNER, OWNER), 0);
    }
    ck_assert_msg(add_volumes(f, name, &err) == 0, "%s", err.text);
}

static void write_volume(struct fixture *f)
{
    scoped_fd int fd = open("data/new.txt", O_WRONLY | O_CREAT | O_EXCL, 0644);
    EXPECT(f->report, fd >= 0 && write(fd, "new", 3) == 3);
    EXPECT(f->report, mkdir("data/folder", 0755) == 0);
    EXPECT(f->report, rename("data/new.txt", "data/folder/new.txt") == 0);
    struct stat st;
    EXPECT(f->report, stat("data/folder/new.txt", &st) == 0 && st.st_uid == SANDBOX_UID);
    EXPECT(f->report, stat("data", &st) == 0 && st.st_uid == SANDBOX_UID);
    EXPECT(f->report, open("index.js", O_WRONLY) < 0);
    EXPECT(f->report, open("x", O_WRONLY | O_CREAT, 0644) < 0);
    EXPECT(f->report, rename("data/folder", "folder") < 0);
    EXPECT(f->report, rmdir("data") < 0);
}

static void write_volume_in_instance(struct fixture *f)
{
    instance_wait(f, instance_start(f, "a", write_volume));
}

START_TEST(what_a_function_writes_belongs_to_the_owner_of_the_project)
{
    scoped_fixture struct fixture f;
    char path[PATH_MAX];
    struct stat st;
    fixture_with_volume(&f, "data");
    ck_assert_int_eq(stat(project_path(&f, "data", path), &st), 0);
    ck_assert_uint_eq(st.st_uid, f.root ? OWNER : 0);
    add_tmp(&f, "a", 1);
    fixture_run(&f, write_volume_in_instance);
    ck_assert_int_eq(stat(project_path(&f, "data/folder/new.txt", path), &st), 0);
    ck_assert_uint_eq(st.st_uid, f.root ? OWNER : 0);
    ck_assert_uint_eq(st.st_gid, f.root ? OWNER : 0);
    ck_assert_int_eq(st.st_size, 3);
}
END_TEST

static void run_program(struct fixture *f)
{
    scoped_fd int fd = open("var/data/script", O_WRONLY | O_CREAT | O_CLOEXEC, 0755);
    EXPECT(f->report, fd >= 0 && write(fd, "#!/bin/sh\n", 10) == 10);
    scope_close_fd(&fd);
    char *argv[] = { NULL };
    EXPECT(f->report, execve("var/data/script", argv, argv) < 0 && errno == EACCES);
}

START_TEST(a_volume_in_a_folder_is_made_with_it_and_runs_no_programs)
{
    scoped_fixture struct fixture f;
    char path[PATH_MAX];
    struct stat st;
    fixture_with_volume(&f, "var/data");
    ck_assert_int_eq(stat(project_path(&f, "var", path), &st), 0);
    ck_assert_uint_eq(st.st_uid, f.root ? OWNER : 0);
    fixture_run(&f, run_program);
}
END_TEST

START_TEST(removing_a_function_leaves_its_volume_as_it_is)
{
    scoped_fixture struct fixture f;
    char path[PATH_MAX];
    fixture_with_volume(&f, "data");
    put_file(project_path(&f, "data/kept.txt", path), "kept", 0600);
    root_task_remove(f.base, "f1");
    ck_assert_int_eq(access(path, F_OK), 0);
    char task[PATH_MAX];
    (void)snprintf(task, sizeof(task), "%s/task/f1", f.base);
    ck_assert_int_lt(access(task, F_OK), 0);
}
END_TEST

static void find_owners(struct fixture *f)
{
    struct stat st;
    EXPECT(f->report, stat("data/foreign.txt", &st) == 0 && st.st_uid == 65534);
    EXPECT(f->report, open("data/foreign.txt", O_RDONLY) < 0 && errno == EACCES);
    EXPECT(f->report, chmod("data/foreign.txt", 0644) < 0);
    EXPECT(f->report, open("data/own.txt", O_RDWR) >= 0);
}

START_TEST(files_of_other_users_in_a_volume_stay_theirs)
{
    scoped_fixture struct fixture f;
    char path[PATH_MAX];
    fixture_with_volume(&f, "data");
    if (!f.root) {
        return; /* an ordinary user has no second one to give files to */
    }
    put_file(project_path(&f, "data/foreign.txt", path), "root's", 0600);
    put_file(project_path(&f, "data/own.txt", path), "own", 0600);
    ck_assert_int_eq(chown(path, OWNER, OWNER), 0);
    fixture_run(&f, find_owners);
}
END_TEST

START_TEST(a_volume_lies_inside_of_the_project)
{
    scoped_fixture struct fixture f;
    char path[PATH_MAX];
    fixture_init(&f, ALL);
    ck_assert_int_eq(symlink("/etc", project_path(&f, "link", path)), 0);
    ck_assert_int_eq(mkdir(project_path(&f, ".git", path), 0755), 0);
    ck_assert_int_eq(symlink(".git", project_path(&f, "inner", path)), 0);
    ck_assert_int_eq(symlink("/nowhere/at/all", project_path(&f, "dangling", path)), 0);
    put_file(project_path(&f, "file", path), "", 0644);
    static const struct {
        const char *source;
        int code;
    } hostile[] = {
        { "", EACCES },
        { ".", EACCES },
        { "../p", EACCES },
        { "../new", EACCES },
        { "link", EACCES },
        { "inner", EACCES },
        { "link/new", ENOTDIR },
        { "dangling", ENOTDIR },
        { "file", ENOTDIR },
        { "file/new", ENOTDIR },
        { "a/../../../b", EACCES },
        { "../../artifact", EACCES },
    };
    for (size_t i = 0; i < ARRAY_COUNT(hostile); i++) {
        struct err err = { 0 };
        struct message_function plan = { .mount_count = 2, .mounts = { [1] = { .writable = 1 } } };
        (void)snprintf(plan.mounts[0].source, MESSAGE_PATH_MAX, "%s/build/artifact", f.base);
        plan.mounts[1] = volume(&f, hostile[i].source, "data");
        int r = root_task_add(f.base, "f2", f.project, function_uid(&f), &plan, &err);
        ck_assert_msg(r == -hostile[i].code, "%s: %d %s", hostile[i].source, r, err.text);
    }
    ck_assert_int_lt(access("/etc/new", F_OK), 0);
    struct err err = { 0 };
    struct message_function plan = { .mount_count = 1 };
    plan.mounts[0] = volume(&f, "node_modules", "");
    ck_assert_int_eq(root_task_add(f.base, "f2", f.project, function_uid(&f), &plan, &err),
                     -EINVAL);
}
END_TEST

START_TEST(what_the_owner_may_not_make_is_not_made)
{
    scoped_fixture struct fixture f;
    struct err err = { 0 };
    char path[PATH_MAX];
    fixture_init(&f, ALL);
    if (!f.root) {
        return; /* is the owner, and root of its namespace */
    }
    ck_assert_int_eq(chown(f.project, OWNER, OWNER), 0);
    ck_assert_int_eq(mkdir(project_path(&f, "roots", path), 0755), 0);
    ck_assert_int_eq(add_volumes(&f, "roots/data", &err), -EACCES);
    ck_assert_ptr_nonnull(strstr(err.text, "roots/data"));
    ck_assert_uint_eq((unsigned)setfsuid((uid_t)-1), 0); /* root again */
}
END_TEST

static Suite *make_suite(void)
{
    TCase *tests;
    Suite *suite = suite_make_for_user("sandbox volumes", &tests);
    tcase_add_test(tests, what_a_function_writes_belongs_to_the_owner_of_the_project);
    tcase_add_test(tests, a_volume_in_a_folder_is_made_with_it_and_runs_no_programs);
    tcase_add_test(tests, removing_a_function_leaves_its_volume_as_it_is);
    tcase_add_test(tests, files_of_other_users_in_a_volume_stay_theirs);
    tcase_add_test(tests, a_volume_lies_inside_of_the_project);
    tcase_add_test(tests, what_the_owner_may_not_make_is_not_made);
    return suite;
}

int main(void)
{
    return fixture_main(make_suite);
}
