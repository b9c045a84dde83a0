/* Which folders the supervisor opens for the gateway.
 *
 * SPDX-License-Identifier: Apache-2.0 */
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/wait.h>

#include "suite.h"
#include "supervisor/shared_folder.h"

#define LOOKS 20000 /* with links followed, hundreds of them were led astray */

static char around[64];
static char project[128];

static const char *at(const char *name)
{
    static char path[256];
    (void)snprintf(path, sizeof(path), "%s/%s", around, name);
    return path;
}

static void setup(void)
{
    (void)snprintf(around, sizeof(around), "/tmp/mayfly-test-shared-%d", (int)getpid());
    (void)snprintf(project, sizeof(project), "%s/project", around);
    ck_assert_int_eq(mkdir(around, 0755), 0);
    static const char *const folders[] = { "project",   "project/site", "project/site/public",
                                           "project-2", "elsewhere",    "elsewhere/public" };
    for (size_t i = 0; i < sizeof(folders) / sizeof(*folders); i++) {
        ck_assert_int_eq(mkdir(at(folders[i]), 0755), 0);
    }
}

static void teardown(void)
{
    char command[128];
    (void)snprintf(command, sizeof(command), "rm -rf %s", around);
    ck_assert_int_eq(system(command), 0);
}

static bool is_same(int fd, const char *path)
{
    struct stat a, b;
    ck_assert_int_eq(fstat(fd, &a), 0);
    ck_assert_int_eq(stat(path, &b), 0);
    return a.st_dev == b.st_dev && a.st_ino == b.st_ino;
}

static void assert_opens(const char *name, const char *folder)
{
    int fd = shared_folder_open(project, at(name));
    ck_assert_msg(fd >= 0, "%s: %s", name, strerror(-fd));
    ck_assert(is_same(fd, at(folder)));
    ck_assert_int_eq(close(fd), 0);
}

START_TEST(what_lies_in_the_project_is_opened_also_by_links)
{
    ck_assert_int_eq(symlink("site", at("project/link")), 0);
    ck_assert_int_eq(symlink(project, at("elsewhere/back")), 0);
    assert_opens("project", "project");
    assert_opens("project/site/public", "project/site/public");
    assert_opens("project/link/public", "project/site/public");
    assert_opens("elsewhere/back/site/../site/public", "project/site/public");
    int fd = shared_folder_open("/", at("project"));
    ck_assert_int_ge(fd, 0);
    ck_assert_int_eq(close(fd), 0);
}
END_TEST

START_TEST(what_lies_elsewhere_is_not)
{
    ck_assert_int_eq(symlink("../elsewhere", at("project/out")), 0);
    ck_assert_int_eq(shared_folder_open(project, at("elsewhere")), -EXDEV);
    ck_assert_int_eq(shared_folder_open(project, at("project-2")), -EXDEV);
    ck_assert_int_eq(shared_folder_open(project, at("project/out/public")), -EXDEV);
    ck_assert_int_eq(shared_folder_open(project, at("project/../elsewhere")), -EXDEV);
    ck_assert_int_eq(shared_folder_open(project, at("project/nothing")), -ENOENT);
}
END_TEST

/* As fast as it can: a folder of the project, and a link out of it. */
static pid_t start_swapping(const char *folder, const char *link)
{
    pid_t pid = fork();
    while (pid == 0) {
        (void)prctl(PR_SET_PDEATHSIG, SIGKILL);
        (void)renameat2(AT_FDCWD, folder, AT_FDCWD, link, RENAME_EXCHANGE);
    }
    ck_assert_int_gt(pid, 0);
    return pid;
}

START_TEST(who_changes_the_way_there_leads_nowhere)
{
    char folder[256], outside[256];
    (void)snprintf(folder, sizeof(folder), "%s/site", project);
    (void)snprintf(outside, sizeof(outside), "%s/elsewhere/public", around);
    ck_assert_int_eq(symlink("../elsewhere", at("project/swap")), 0);
    pid_t pid = start_swapping(folder, at("project/swap"));
    unsigned opened = 0, astray = 0;
    for (int i = 0; i < LOOKS; i++) {
        int fd = shared_folder_open(project, at("project/site/public"));
        if (fd >= 0) {
            opened++;
            astray += is_same(fd, outside) ? 1 : 0;
            ck_assert_int_eq(close(fd), 0);
        }
    }
    (void)kill(pid, SIGKILL);
    ck_assert_int_eq(waitpid(pid, NULL, 0), pid);
    ck_assert_msg(opened > 0 && astray == 0, "of %u opened %u lie outside", opened, astray);
}
END_TEST

int main(void)
{
    TCase *tests;
    Suite *suite = suite_make("shared folders", setup, teardown, &tests);
    tcase_add_test(tests, what_lies_in_the_project_is_opened_also_by_links);
    tcase_add_test(tests, what_lies_elsewhere_is_not);
    tcase_add_test(tests, who_changes_the_way_there_leads_nowhere);
    return suite_run(suite);
}
