/* The parts of `mayfly dev` that need no platform: command lines, ports, the folder below /tmp.
 *
 * SPDX-License-Identifier: Apache-2.0 */
#include <arpa/inet.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/socket.h>
#include <sys/stat.h>

#include "cli/listen.h"
#include "cli/options.h"
#include "cli/port_owner.h"
#include "cli/workspace.h"
#include "leaks.h"

/* ---- options ---- */

struct given {
    const char *port;
    bool verbose;
    const char *plain[2];
};

static int parse(struct given *g, struct err *err, int argc, const char **argv)
{
    const struct option options[] = { { "port", &g->port, NULL },
                                      { "verbose", NULL, &g->verbose },
                                      { NULL, NULL, NULL } };
    *g = (struct given){ .port = "3000" };
    return options_parse(argc, (char **)(uintptr_t)argv, options, g->plain, 2, err);
}

#define PARSE(...)                                                                                 \
    parse(&g, &err, (int)ARRAY_COUNT(((const char *[]){ "dev", __VA_ARGS__ })),                    \
          (const char *[]){ "dev", __VA_ARGS__ })

START_TEST(options_stand_anywhere_in_either_form)
{
    struct given g;
    struct err err;
    ck_assert_int_eq(PARSE("shop", "--port", "1", "--verbose"), 1);
    ck_assert_str_eq(g.plain[0], "shop");
    ck_assert_str_eq(g.port, "1");
    ck_assert(g.verbose);
    ck_assert_int_eq(PARSE("--port=", "a"), 1);
    ck_assert_str_eq(g.port, "");
    ck_assert_int_eq(PARSE("--", "--port", "-x"), 2);
    ck_assert_str_eq(g.plain[0], "--port");
    ck_assert_int_eq(PARSE("-"), 1);
}
END_TEST

START_TEST(a_wrong_command_line_is_told_what_is_wrong)
{
    struct given g;
    struct err err;
    ck_assert_int_eq(PARSE("--prot", "1"), -EINVAL);
    ck_assert_str_eq(err.text, "unknown option --prot; did you mean --port?");
    ck_assert_int_eq(PARSE("--quite-something-else"), -EINVAL);
    ck_assert_str_eq(err.text, "unknown option --quite-something-else");
    ck_assert_int_eq(PARSE("--port"), -EINVAL);
    ck_assert_str_eq(err.text, "--port needs a value");
    ck_assert_int_eq(PARSE("--verbose=1"), -EINVAL);
    ck_assert_str_eq(err.text, "--verbose takes no value");
    ck_assert_int_eq(PARSE("-p", "1"), -EINVAL);
    ck_assert_int_eq(PARSE("a", "b", "c"), -EINVAL);
    ck_assert_str_eq(err.text, "one argument too many: c");
}
END_TEST

START_TEST(near_misses_are_recognized_and_far_ones_are_not)
{
    static const char *const names[] = { "dev", "doctor", "version", "help", NULL };
    ck_assert_str_eq(options_suggest("dve", names), "dev");
    ck_assert_str_eq(options_suggest("docter", names), "doctor");
    ck_assert_str_eq(options_suggest("verison", names), "version");
    ck_assert_str_eq(options_suggest("hlep", names), "help");
    ck_assert_ptr_null(options_suggest("deploy", names));
    ck_assert_ptr_null(options_suggest("", (const char *const[]){ "help", NULL }));
    ck_assert_ptr_null(options_suggest("aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa", names));
}
END_TEST

/* ---- listening ---- */

static int connect_to(const char *address, uint16_t port)
{
    struct sockaddr_in at = { .sin_family = AF_INET, .sin_port = htons(port) };
    scoped_fd int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    ck_assert_int_eq(inet_pton(AF_INET, address, &at.sin_addr), 1);
    return connect(fd, (struct sockaddr *)&at, sizeof(at)) < 0 ? -errno : 0;
}

START_TEST(localhost_is_one_free_port_on_every_loopback_address)
{
    struct listen l;
    struct err err;
    ck_assert_msg(listen_open(&l, "--port", "localhost", 0, &err) == 0, "%s", err.text);
    ck_assert_uint_gt(l.port, 0);
    ck_assert_int_eq(connect_to("127.0.0.1", l.port), 0);
    for (size_t i = 0; i < l.count; i++) {
        struct sockaddr_in6 at;
        socklen_t len = sizeof(at);
        ck_assert_int_eq(getsockname(l.fds[i], (struct sockaddr *)&at, &len), 0);
        ck_assert_uint_eq(ntohs(at.sin6_port), l.port); /* at the same place in both families */
        ck_assert_int_eq(fcntl(l.fds[i], F_GETFD), FD_CLOEXEC);
    }
    listen_close(&l);
    ck_assert_int_eq(connect_to("127.0.0.1", l.port), -ECONNREFUSED);
}
END_TEST

START_TEST(a_port_that_is_taken_is_said_to_be_by_whom)
{
    struct listen first;
    struct listen second;
    struct err err;
    char expected[64];
    ck_assert_int_eq(listen_open(&first, "--port", "127.0.0.1", 0, &err), 0);
    ck_assert_int_eq(listen_open(&second, "--port", "localhost", first.port, &err), -EADDRINUSE);
    (void)snprintf(expected, sizeof(expected), "(process %d)", getpid());
    ck_assert_msg(strstr(err.text, expected) != NULL, "%s", err.text);
    ck_assert_ptr_nonnull(strstr(err.text, "--port"));
    listen_close(&first);
    char owner[64];
    ck_assert(!port_owner_find(first.port, owner, sizeof(owner)));
}
END_TEST

START_TEST(an_address_that_is_not_here_is_said_to_be)
{
    struct listen l;
    struct err err;
    ck_assert_int_eq(listen_open(&l, "--port", "192.0.2.1", 0, &err), -EADDRNOTAVAIL);
    ck_assert_str_eq(err.text, "192.0.2.1 is not an address of this machine");
    ck_assert_int_lt(listen_open(&l, "--port", "no such host", 0, &err), 0);
}
END_TEST

/* ---- the workspace ---- */

/* Each test has a TMPDIR of its own. */
struct parent {
    char path[64];
};

static void parent_make(struct parent *p)
{
    (void)snprintf(p->path, sizeof(p->path), "/tmp/test-cli-XXXXXX");
    ck_assert_ptr_nonnull(mkdtemp(p->path));
    ck_assert_int_eq(setenv("TMPDIR", p->path, 1), 0);
}

/* Empty again, or the test has failed. */
static void parent_remove(struct parent *p)
{
    ck_assert_int_eq(rmdir(p->path), 0);
}

static void touch(const char *folder, const char *name)
{
    char path[PATH_MAX];
    (void)snprintf(path, sizeof(path), "%s/%s", folder, name);
    int fd = open(path, O_WRONLY | O_CREAT | O_CLOEXEC, 0600);
    ck_assert_int_ge(fd, 0);
    close(fd);
}

START_TEST(a_workspace_is_private_and_goes_with_all_that_is_in_it)
{
    struct parent p;
    struct workspace w;
    struct err err;
    struct stat st;
    parent_make(&p);
    ck_assert_int_eq(workspace_create(&w, &err), 0);
    ck_assert_int_eq(stat(w.path, &st), 0);
    ck_assert_uint_eq(st.st_mode & 0777, 0700);
    touch(w.path, "file");
    ck_assert_int_eq(symlinkat("/etc", w.lock, "link"), 0);
    ck_assert_int_eq(mkdirat(w.lock, "folder", 0700), 0);
    workspace_destroy(&w);
    workspace_destroy(&w);
    ck_assert_int_eq(access("/etc/passwd", R_OK), 0);
    parent_remove(&p);
}
END_TEST

START_TEST(a_living_platforms_workspace_is_not_swept)
{
    struct parent p;
    struct workspace w;
    struct err err;
    parent_make(&p);
    ck_assert_int_eq(workspace_create(&w, &err), 0);
    workspace_sweep();
    ck_assert_int_eq(access(w.path, F_OK), 0);
    workspace_destroy(&w);
    parent_remove(&p);
}
END_TEST

START_TEST(a_dead_platforms_workspace_is_swept)
{
    struct parent p;
    struct workspace w;
    struct err err;
    parent_make(&p);
    ck_assert_int_eq(workspace_create(&w, &err), 0);
    touch(w.path, "left");
    close(w.lock); /* as the kernel does for the dead */
    workspace_sweep();
    ck_assert_int_eq(access(w.path, F_OK), -1);
    parent_remove(&p);
}
END_TEST

START_TEST(somebody_elses_folder_of_that_name_is_left_alone)
{
    struct parent p;
    char path[128];
    parent_make(&p);
    (void)snprintf(path, sizeof(path), "%s/mayfly-backup", p.path);
    ck_assert_int_eq(mkdir(path, 0700), 0);
    touch(path, "precious");
    workspace_sweep();
    strncat(path, "/precious", sizeof(path) - strlen(path) - 1);
    ck_assert_int_eq(unlink(path), 0);
    *strrchr(path, '/') = '\0';
    ck_assert_int_eq(rmdir(path), 0);
    parent_remove(&p);
}
END_TEST

int main(void)
{
    TCase *tests;
    Suite *suite = leaks_suite("cli", &tests);
    tcase_add_test(tests, options_stand_anywhere_in_either_form);
    tcase_add_test(tests, a_wrong_command_line_is_told_what_is_wrong);
    tcase_add_test(tests, near_misses_are_recognized_and_far_ones_are_not);
    tcase_add_test(tests, localhost_is_one_free_port_on_every_loopback_address);
    tcase_add_test(tests, a_port_that_is_taken_is_said_to_be_by_whom);
    tcase_add_test(tests, an_address_that_is_not_here_is_said_to_be);
    tcase_add_test(tests, a_workspace_is_private_and_goes_with_all_that_is_in_it);
    tcase_add_test(tests, a_living_platforms_workspace_is_not_swept);
    tcase_add_test(tests, a_dead_platforms_workspace_is_swept);
    tcase_add_test(tests, somebody_elses_folder_of_that_name_is_left_alone);
    return suite_run(suite);
}
