/* SPDX-License-Identifier: Apache-2.0 */
#include <sys/statvfs.h>

#include "sandbox_fixture.h"

static void fill_tmp(struct fixture *f)
{
    char block[4096];
    memset(block, 1, sizeof(block));
    scoped_fd int fd = open("/tmp/big", O_WRONLY | O_CREAT, 0600);
    size_t written = 0;
    ssize_t n;
    while ((n = write(fd, block, sizeof(block))) > 0) {
        written += (size_t)n;
    }
    EXPECT(f->report, n < 0 && errno == ENOSPC);
    EXPECT(f->report, written > MIB / 2 && written <= MIB);
    EXPECT(f->report, open("/dev/shm/more", O_WRONLY | O_CREAT, 0600) >= 0 || errno == ENOSPC);
    struct statvfs fs;
    EXPECT(f->report, statvfs("/tmp", &fs) == 0 && fs.f_files <= 256);
}

static void find_nothing(struct fixture *f)
{
    EXPECT(f->report, access("/tmp/big", F_OK) < 0);
    EXPECT(f->report, open("/tmp/mine", O_WRONLY | O_CREAT | O_EXCL, 0600) >= 0);
}

static void use_two_tmps(struct fixture *f)
{
    instance_wait(f, instance_start(f, "a", fill_tmp));
    instance_wait(f, instance_start(f, "b", find_nothing));
}

START_TEST(each_instance_has_a_tmp_of_its_own_with_a_bound)
{
    scoped_fixture struct fixture f;
    fixture_init(&f, ALL);
    add_tmp(&f, "a", 1);
    add_tmp(&f, "b", 1);
    fixture_run(&f, use_two_tmps);
}
END_TEST

static void wait_for_tmp(struct fixture *f)
{
    set_step(f, 1);
    wait_for_step(f, 2);
    instance_wait(f, instance_start(f, "late", find_nothing));
}

START_TEST(a_tmp_that_is_mounted_later_arrives_in_a_running_sandbox)
{
    scoped_fixture struct fixture f;
    fixture_init(&f, ALL);
    pid_t one = fixture_start(&f, wait_for_tmp);
    while (__atomic_load_n(&f.report->step, __ATOMIC_ACQUIRE) < 1 && f.report->text[0] == '\0') {
        (void)sched_yield();
    }
    add_tmp(&f, "late", 1);
    set_step(&f, 2);
    ck_assert_int_eq(fixture_wait(one), 0);
    ck_assert_msg(f.report->text[0] == '\0', "%s", f.report->text);
    root_scratch_unmount(f.base, "f1", "late");
    root_scratch_remove_function(f.base, "f1");
    root_task_remove(f.base, "f1");
    char path[128];
    (void)snprintf(path, sizeof(path), "%s/scratch/f1", f.base);
    ck_assert_int_lt(access(path, F_OK), 0);
    (void)snprintf(path, sizeof(path), "%s/task/f1", f.base);
    ck_assert_int_lt(access(path, F_OK), 0);
}
END_TEST

static void expect_copies(struct fixture *f)
{
    char text[8] = "";
    struct stat st;
    scoped_fd int fd = open("/tmp/cache/state", O_RDONLY);
    EXPECT(f->report, fd >= 0 && read(fd, text, sizeof(text)) == 5 && strcmp(text, "state") == 0);
    EXPECT(f->report, stat("/tmp/run.sh", &st) == 0 && (st.st_mode & 0777) == 0755);
    EXPECT(f->report, lstat("/tmp/link", &st) == 0 && S_ISLNK(st.st_mode));
}

static void leave_files(struct fixture *f)
{
    EXPECT(f->report, mkdir("/tmp/cache", 0700) == 0);
    scoped_fd int fd = open("/tmp/cache/state", O_WRONLY | O_CREAT, 0600);
    EXPECT(f->report, write(fd, "state", 5) == 5);
    scoped_fd int script = open("/tmp/run.sh", O_WRONLY | O_CREAT, 0600);
    EXPECT(f->report, fchmod(script, 0755) == 0);
    EXPECT(f->report, symlink("cache/state", "/tmp/link") == 0);
    instance_wait(f, instance_start(f, "a", expect_copies));
    instance_wait(f, instance_start(f, "b", expect_copies));
}

START_TEST(what_the_function_left_in_tmp_while_loading_is_in_every_instance)
{
    scoped_fixture struct fixture f;
    fixture_init(&f, ALL);
    add_tmp(&f, "a", 1);
    add_tmp(&f, "b", 1);
    fixture_run(&f, leave_files);
}
END_TEST

static Suite *make_suite(void)
{
    TCase *tests;
    Suite *suite = suite_make_for_user("sandbox's /tmp", &tests);
    tcase_add_test(tests, each_instance_has_a_tmp_of_its_own_with_a_bound);
    tcase_add_test(tests, a_tmp_that_is_mounted_later_arrives_in_a_running_sandbox);
    tcase_add_test(tests, what_the_function_left_in_tmp_while_loading_is_in_every_instance);
    return suite;
}

int main(void)
{
    return fixture_main(make_suite);
}
