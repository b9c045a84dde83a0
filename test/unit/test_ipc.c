/* SPDX-License-Identifier: Apache-2.0 */
#include <fcntl.h>
#include <netinet/in.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "base/mem.h"
#include "ipc/link.h"
#include "ipc/message.h"
#include "ipc/record.h"
#include "ipc/socket.h"
#include "leaks.h"

/* ---- sockets ---- */

START_TEST(a_message_arrives_whole_with_its_descriptors_and_its_sender)
{
    int pair[2];
    int pipe_fds[2];
    ck_assert_int_eq(ipc_pair(pair), 0);
    ck_assert_int_eq(pipe2(pipe_fds, O_CLOEXEC), 0);
    ck_assert_int_eq(ipc_send(pair[0], "hello", 5, pipe_fds, 2), 0);
    char text[16];
    struct ipc_received received;
    ck_assert_int_eq(ipc_receive(pair[1], text, sizeof(text), &received), 1);
    ck_assert_uint_eq(received.size, 5);
    ck_assert_mem_eq(text, "hello", 5);
    ck_assert_uint_eq(received.fd_count, 2);
    ck_assert_int_eq(received.pid, getpid());
    ck_assert_int_eq(fcntl(received.fds[0], F_GETFD), FD_CLOEXEC);
    ck_assert_int_eq(write(received.fds[1], "x", 1), 1);
    ck_assert_int_eq(read(pipe_fds[0], text, 1), 1);
    ipc_received_close(&received);
    close(pair[0]);
    ck_assert_int_eq(ipc_receive(pair[1], text, sizeof(text), &received), 0);
    close(pair[1]);
    close(pipe_fds[0]);
    close(pipe_fds[1]);
}
END_TEST

/* One descriptor is enough to tell a sender that has ended from who got its number. */
START_TEST(a_message_tells_its_sender_by_a_descriptor_where_the_kernel_has_them)
{
    int pair[2];
    char text[16];
    struct ipc_received received;
    ck_assert_int_eq(ipc_pair(pair), 0);
    ipc_tell_sender(pair[1]);
    ck_assert_int_eq(ipc_send(pair[0], "hello", 5, NULL, 0), 0);
    ck_assert_int_eq(ipc_receive(pair[1], text, sizeof(text), &received), 1);
    ck_assert_int_eq(received.pid, getpid());
    if (received.pidfd >= 0) {
        ck_assert_int_eq(syscall(SYS_pidfd_send_signal, received.pidfd, 0, NULL, 0), 0);
        ck_assert_int_eq(fcntl(received.pidfd, F_GETFD), FD_CLOEXEC);
    }
    ipc_received_close(&received);

    pid_t child = fork();
    if (child == 0) {
        _exit(ipc_send(pair[0], "bye", 3, NULL, 0) < 0);
    }
    int status;
    ck_assert_int_eq(waitpid(child, &status, 0), child);
    ck_assert_int_eq(status, 0);
    ck_assert_int_eq(ipc_receive(pair[1], text, sizeof(text), &received), 1);
    ck_assert(received.pid == 0 || received.pid == child);
    if (received.pidfd >= 0) {
        ck_assert_int_lt(syscall(SYS_pidfd_send_signal, received.pidfd, 0, NULL, 0), 0);
    }
    ipc_received_close(&received);
    close(pair[0]);
    close(pair[1]);
}
END_TEST

START_TEST(a_message_that_is_too_long_is_dropped_with_its_descriptors)
{
    int pair[2];
    char text[8];
    struct ipc_received received;
    ck_assert_int_eq(ipc_pair(pair), 0);
    ck_assert_int_eq(ipc_send(pair[0], "much too long", 13, &pair[0], 1), 0);
    ck_assert_int_eq(ipc_receive(pair[1], text, sizeof(text), &received), -EMSGSIZE);
    ck_assert_uint_eq(received.fd_count, 0);
    close(pair[0]);
    close(pair[1]);
}
END_TEST

/* What has broken out of a sandbox does not use ipc_send(). */
static ssize_t send_descriptors(int socket, int fd, size_t count)
{
    _Alignas(struct cmsghdr) char control[CMSG_SPACE(sizeof(int) * 4 * IPC_FDS_MAX)] = { 0 };
    char text[] = "hello";
    struct iovec part = { .iov_base = text, .iov_len = 5 };
    struct msghdr header = { .msg_iov = &part,
                             .msg_iovlen = 1,
                             .msg_control = control,
                             .msg_controllen = CMSG_SPACE(sizeof(int) * count) };
    struct cmsghdr *c = CMSG_FIRSTHDR(&header);
    c->cmsg_level = SOL_SOCKET;
    c->cmsg_type = SCM_RIGHTS;
    c->cmsg_len = CMSG_LEN(sizeof(int) * count);
    for (size_t i = 0; i < count; i++) {
        memcpy(CMSG_DATA(c) + i * sizeof(int), &fd, sizeof(int));
    }
    return sendmsg(socket, &header, 0);
}

START_TEST(a_message_with_too_many_descriptors_is_dropped_with_all_of_them)
{
    for (size_t count = IPC_FDS_MAX + 1; count <= (size_t)4 * IPC_FDS_MAX; count++) {
        int pair[2];
        char text[16];
        struct ipc_received received;
        ck_assert_int_eq(ipc_pair(pair), 0);
        ck_assert_int_eq(send_descriptors(pair[0], pair[0], count), 5);
        ck_assert_int_eq(ipc_receive(pair[1], text, sizeof(text), &received), -EMSGSIZE);
        ck_assert_uint_eq(received.fd_count, 0);
        close(pair[0]);
        ck_assert_int_eq(ipc_receive(pair[1], text, sizeof(text), &received), 0);
        close(pair[1]);
    }
}
END_TEST

static int tcp_listener(struct sockaddr_in *ret_address)
{
    socklen_t len = sizeof(*ret_address);
    int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    *ret_address = (struct sockaddr_in){ .sin_family = AF_INET };
    ret_address->sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    ck_assert_int_eq(bind(fd, (struct sockaddr *)ret_address, len), 0);
    ck_assert_int_eq(listen(fd, 1), 0);
    ck_assert_int_eq(getsockname(fd, (struct sockaddr *)ret_address, &len), 0);
    return fd;
}

/* Whoever closes it last waits for its peer to read, which it never does. */
static int socket_that_lingers(const struct sockaddr_in *address)
{
    static const char data[65536];
    const struct linger hour = { 1, 3600 };
    int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    ck_assert_int_eq(connect(fd, (const struct sockaddr *)address, sizeof(*address)), 0);
    while (send(fd, data, sizeof(data), MSG_DONTWAIT) > 0) {
    }
    ck_assert_int_eq(setsockopt(fd, SOL_SOCKET, SO_LINGER, &hour, sizeof(hour)), 0);
    return fd;
}

/* The test's own time-out tells if it waits. */
START_TEST(a_message_whose_descriptors_cannot_be_opened_is_no_fault_of_its_sender)
{
    int pair[2];
    char text[16];
    struct ipc_received received;
    struct rlimit before;
    ck_assert_int_eq(getrlimit(RLIMIT_NOFILE, &before), 0);
    ck_assert_int_eq(ipc_pair(pair), 0);
    ck_assert_int_eq(ipc_send(pair[0], "hello", 5, pair, 1), 0);
    ck_assert_int_eq(ipc_send(pair[0], "again", 5, pair, 1), 0);
    struct rlimit none = { .rlim_cur = 0, .rlim_max = before.rlim_max };
    ck_assert_int_eq(setrlimit(RLIMIT_NOFILE, &none), 0);
    int r = ipc_receive(pair[1], text, sizeof(text), &received);
    ck_assert_int_eq(setrlimit(RLIMIT_NOFILE, &before), 0);
    ck_assert_int_eq(r, -EMFILE);
    ck_assert_str_eq(link_fault(r), "cannot be heard");
    ck_assert_int_eq(ipc_receive(pair[1], text, sizeof(text), &received), 1);
    ck_assert_mem_eq(text, "again", 5);
    ipc_received_close(&received);
    close(pair[0]);
    close(pair[1]);
}
END_TEST

START_TEST(descriptors_that_should_not_have_come_are_not_waited_for)
{
    for (size_t count = 1; count <= IPC_FDS_MAX + 1; count += IPC_FDS_MAX) {
        int pair[2];
        char text[16];
        struct sockaddr_in address;
        struct ipc_received received;
        int listener = tcp_listener(&address);
        int fd = socket_that_lingers(&address);
        ck_assert_int_eq(ipc_pair(pair), 0);
        ck_assert_int_eq(send_descriptors(pair[0], fd, count), 5);
        close(fd);
        int r = ipc_receive(pair[1], text, sizeof(text), &received);
        ck_assert_int_eq(r, count > IPC_FDS_MAX ? -EMSGSIZE : 1);
        ipc_received_discard(&received);
        close(pair[0]);
        close(pair[1]);
        close(listener);
    }
}
END_TEST

START_TEST(sending_to_nobody_is_an_error_and_no_signal)
{
    int pair[2];
    ck_assert_int_eq(ipc_pair(pair), 0);
    close(pair[1]);
    ck_assert_int_eq(ipc_send(pair[0], "x", 1, NULL, 0), -EPIPE);
    int too_many[IPC_FDS_MAX + 1] = { 0 };
    ck_assert_int_eq(ipc_send(pair[0], "x", 1, too_many, IPC_FDS_MAX + 1), -E2BIG);
    close(pair[0]);
}
END_TEST

/* ---- messages ---- */

static int check(union message *m, size_t fds, enum message_role from, enum message_role to)
{
    return message_check(m, message_size(m->type), fds, from, to);
}

START_TEST(only_the_role_in_the_table_may_send_a_message)
{
    union message m = { .type = MESSAGE_INSTANCE_STOP };
    ck_assert_int_eq(check(&m, 0, ROLE_GATEWAY, ROLE_SUPERVISOR), 0);
    ck_assert_int_eq(check(&m, 0, ROLE_CONTROL, ROLE_SUPERVISOR), -EPERM);
    ck_assert_int_eq(check(&m, 0, ROLE_FUNCTION_ZYGOTE, ROLE_SUPERVISOR), -EPERM);
    ck_assert_int_eq(check(&m, 0, ROLE_GATEWAY, ROLE_CONTROL), -EPERM);
}
END_TEST

START_TEST(a_function_zygote_may_say_nothing_but_its_own_messages)
{
    size_t allowed = 0;
    for (uint32_t type = 0; type < MESSAGE_TYPE_COUNT; type++) {
        for (int to = 0; to < ROLE_COUNT; to++) {
            union message m = { .type = type };
            int r = check(&m, 0, ROLE_FUNCTION_ZYGOTE, (enum message_role)to);
            if (r == 0) {
                ck_assert_int_eq(to, ROLE_SUPERVISOR);
                ck_assert_uint_ge(type, MESSAGE_ZYGOTE_ENTERING);
                ck_assert_uint_le(type, MESSAGE_ZYGOTE_EXITED);
                allowed++;
            }
        }
    }
    ck_assert_uint_eq(allowed, MESSAGE_ZYGOTE_EXITED - MESSAGE_ZYGOTE_ENTERING + 1);
}
END_TEST

START_TEST(a_message_of_the_wrong_size_or_type_is_refused)
{
    union message m = { .type = MESSAGE_INSTANCE_START };
    size_t size = message_size(m.type);
    ck_assert_int_eq(message_check(&m, size - 1, 0, ROLE_GATEWAY, ROLE_SUPERVISOR), -EBADMSG);
    ck_assert_int_eq(message_check(&m, size + 1, 0, ROLE_GATEWAY, ROLE_SUPERVISOR), -EBADMSG);
    ck_assert_int_eq(message_check(&m, 3, 0, ROLE_GATEWAY, ROLE_SUPERVISOR), -EBADMSG);
    m.type = MESSAGE_TYPE_COUNT;
    ck_assert_int_eq(message_check(&m, size, 0, ROLE_GATEWAY, ROLE_SUPERVISOR), -EBADMSG);
    m.type = 0;
    ck_assert_int_eq(message_check(&m, 0, 0, ROLE_GATEWAY, ROLE_SUPERVISOR), -EBADMSG);
    m.type = UINT32_MAX;
    ck_assert_int_eq(message_check(&m, size, 0, ROLE_GATEWAY, ROLE_SUPERVISOR), -EBADMSG);
}
END_TEST

START_TEST(the_number_of_descriptors_is_fixed)
{
    union message m = { .type = MESSAGE_FUNCTION_ADD };
    ck_assert_int_eq(check(&m, 1, ROLE_CONTROL, ROLE_SUPERVISOR), 0);
    ck_assert_int_eq(check(&m, 0, ROLE_CONTROL, ROLE_SUPERVISOR), -EBADMSG);
    ck_assert_int_eq(check(&m, 2, ROLE_CONTROL, ROLE_SUPERVISOR), -EBADMSG);
}
END_TEST

START_TEST(texts_must_end)
{
    union message m = { .type = MESSAGE_ZYGOTE_FAILED };
    memset(m.zygote_failed.text, 'x', sizeof(m.zygote_failed.text));
    ck_assert_int_eq(check(&m, 0, ROLE_FUNCTION_ZYGOTE, ROLE_SUPERVISOR), -EBADMSG);
    m.zygote_failed.text[sizeof(m.zygote_failed.text) - 1] = '\0';
    ck_assert_int_eq(check(&m, 0, ROLE_FUNCTION_ZYGOTE, ROLE_SUPERVISOR), 0);
}
END_TEST

START_TEST(mounts_are_absolute_bounded_and_stay_below_the_task)
{
    union message m = { .type = MESSAGE_FUNCTION_ADD };
    struct message_function *plan = &m.function_add.plan;
    plan->mount_count = 1;
    memcpy(plan->mounts[0].source, "/a", 3);
    ck_assert_int_eq(check(&m, 1, ROLE_CONTROL, ROLE_SUPERVISOR), 0);
    memcpy(plan->mounts[0].target, "x/../../y", 10);
    ck_assert_int_eq(check(&m, 1, ROLE_CONTROL, ROLE_SUPERVISOR), -EBADMSG);
    memcpy(plan->mounts[0].target, "x", 2);
    memcpy(plan->mounts[0].source, "a/b", 4);
    ck_assert_int_eq(check(&m, 1, ROLE_CONTROL, ROLE_SUPERVISOR), -EBADMSG);
    memcpy(plan->mounts[0].source, "/a", 3);
    plan->mount_count = MESSAGE_MOUNTS_MAX + 1;
    ck_assert_int_eq(check(&m, 1, ROLE_CONTROL, ROLE_SUPERVISOR), -EBADMSG);
}
END_TEST

/* ---- links ---- */

struct end {
    struct link link;
    uint64_t last_build;
    unsigned int count;
    int gone;
    bool was_gone;
};

static void end_message(struct link *link, const union message *m, struct ipc_received *received)
{
    struct end *e = container_of(link, struct end, link);
    (void)received;
    ck_assert_uint_eq(m->routes_done.build, e->last_build + 1);
    e->last_build = m->routes_done.build;
    e->count++;
}

static void end_gone(struct link *link, int why)
{
    struct end *e = container_of(link, struct end, link);
    e->was_gone = true;
    e->gone = why;
    link_close(link, NULL);
}

static void end_open(struct end *e, uv_loop_t *loop, int fd, enum message_role self,
                     enum message_role peer)
{
    *e = (struct end){ 0 };
    const struct link_ends ends = { self, peer, end_message, end_gone };
    ck_assert_int_eq(link_open(&e->link, loop, fd, &ends), 0);
}

static void close_loop(uv_loop_t *loop)
{
    ck_assert_int_eq(uv_run(loop, UV_RUN_DEFAULT), 0);
    ck_assert_int_eq(uv_loop_close(loop), 0);
}

START_TEST(a_slow_peer_gets_everything_in_order)
{
    uv_loop_t loop;
    struct end gateway;
    struct end control;
    int pair[2];
    ck_assert_int_eq(uv_loop_init(&loop), 0);
    ck_assert_int_eq(ipc_pair(pair), 0);
    end_open(&gateway, &loop, pair[0], ROLE_GATEWAY, ROLE_CONTROL);
    end_open(&control, &loop, pair[1], ROLE_CONTROL, ROLE_GATEWAY);
    for (uint64_t i = 1; i <= 5000; i++) {
        struct message_routes_done done = { .type = MESSAGE_ROUTES_DONE, .build = i };
        ck_assert_int_eq(link_send(&gateway.link, &done, NULL, 0), 0);
    }
    ck_assert_uint_gt(gateway.link.queue_count, 0);
    while (control.count < 5000) {
        uv_run(&loop, UV_RUN_ONCE);
    }
    ck_assert_uint_eq(gateway.link.queue_count, 0);
    link_close(&gateway.link, NULL);
    link_close(&control.link, NULL);
    close_loop(&loop);
}
END_TEST

static unsigned int sends_refused; /* the next so many */

/* The library's, but for what a test wants. */
ssize_t sendmsg(int fd, const struct msghdr *message, int flags)
{
    if (sends_refused > 0) {
        sends_refused--;
        errno = ENOBUFS;
        return -1;
    }
    return syscall(SYS_sendmsg, fd, message, flags);
}

START_TEST(what_the_kernel_has_no_memory_for_is_sent_later)
{
    uv_loop_t loop;
    struct end gateway;
    struct end control;
    int pair[2];
    ck_assert_int_eq(uv_loop_init(&loop), 0);
    ck_assert_int_eq(ipc_pair(pair), 0);
    end_open(&gateway, &loop, pair[0], ROLE_GATEWAY, ROLE_CONTROL);
    end_open(&control, &loop, pair[1], ROLE_CONTROL, ROLE_GATEWAY);
    sends_refused = 2;
    for (uint64_t i = 1; i <= 3; i++) {
        struct message_routes_done done = { .type = MESSAGE_ROUTES_DONE, .build = i };
        ck_assert_int_eq(link_send(&gateway.link, &done, NULL, 0), 0);
    }
    while (control.count < 3) {
        uv_run(&loop, UV_RUN_ONCE);
    }
    ck_assert_uint_eq(sends_refused, 0);
    link_close(&gateway.link, NULL);
    link_close(&control.link, NULL);
    close_loop(&loop);
}
END_TEST

START_TEST(a_peer_that_never_reads_is_given_up)
{
    uv_loop_t loop;
    struct end gateway;
    int pair[2];
    int r = 0;
    ck_assert_int_eq(uv_loop_init(&loop), 0);
    ck_assert_int_eq(ipc_pair(pair), 0);
    end_open(&gateway, &loop, pair[0], ROLE_GATEWAY, ROLE_CONTROL);
    for (uint64_t i = 1; i <= 100000 && r == 0; i++) {
        struct message_routes_done done = { .type = MESSAGE_ROUTES_DONE, .build = i };
        r = link_send(&gateway.link, &done, NULL, 0);
    }
    ck_assert_int_eq(r, -ENOBUFS);
    link_close(&gateway.link, NULL);
    close(pair[1]);
    close_loop(&loop);
}
END_TEST

START_TEST(a_peer_that_breaks_the_rules_is_gone)
{
    uv_loop_t loop;
    struct end control;
    int pair[2];
    struct message_instance_start forbidden = { .type = MESSAGE_INSTANCE_START };
    ck_assert_int_eq(uv_loop_init(&loop), 0);
    ck_assert_int_eq(ipc_pair(pair), 0);
    end_open(&control, &loop, pair[1], ROLE_CONTROL, ROLE_GATEWAY);
    ck_assert_int_eq(ipc_send(pair[0], &forbidden, sizeof(forbidden), NULL, 0), 0);
    close_loop(&loop);
    ck_assert(control.was_gone);
    ck_assert_int_eq(control.gone, -EPERM);
    ck_assert_int_eq(link_send(&control.link, &forbidden, NULL, 0), -EPIPE);
    close(pair[0]);
}
END_TEST

START_TEST(a_peer_that_closes_is_gone_without_fault)
{
    uv_loop_t loop;
    struct end control;
    int pair[2];
    ck_assert_int_eq(uv_loop_init(&loop), 0);
    ck_assert_int_eq(ipc_pair(pair), 0);
    end_open(&control, &loop, pair[1], ROLE_CONTROL, ROLE_GATEWAY);
    close(pair[0]);
    close_loop(&loop);
    ck_assert(control.was_gone);
    ck_assert_int_eq(control.gone, 0);
}
END_TEST

/* As one does that is killed: the socket has an error then, and is not to blame for it. */
START_TEST(a_peer_that_dies_in_the_midst_is_heard_and_gone_without_fault)
{
    uv_loop_t loop;
    struct end control;
    int pair[2];
    ck_assert_int_eq(uv_loop_init(&loop), 0);
    ck_assert_int_eq(ipc_pair(pair), 0);
    end_open(&control, &loop, pair[1], ROLE_CONTROL, ROLE_GATEWAY);
    struct message_routes unread = { .type = MESSAGE_ROUTES };
    ck_assert_int_eq(ipc_send(pair[1], &unread, sizeof(unread), NULL, 0), 0);
    for (uint64_t i = 1; i <= 100; i++) {
        struct message_routes_done done = { .type = MESSAGE_ROUTES_DONE, .build = i };
        ck_assert_int_eq(ipc_send(pair[0], &done, sizeof(done), NULL, 0), 0);
    }
    close(pair[0]);
    close_loop(&loop);
    ck_assert_uint_eq(control.count, 100);
    ck_assert(control.was_gone);
    ck_assert_int_eq(control.gone, 0);
}
END_TEST

/* ---- records ---- */

START_TEST(a_usage_record_reads_as_it_was_written)
{
    static unsigned char at[4096];
    struct record_usage written = { .function = 7, .status = 502, .outcome = RECORD_CRASH };
    const struct str texts[RECORD_USAGE_TEXT_COUNT] = { STR("id"), STR(""), STR("GET"),
                                                        STR("/a\0b"), STR("boom") };
    size_t size = record_usage_write(&written, texts, at);
    ck_assert_uint_eq(size, record_usage_write(&written, texts, NULL));
    struct record_usage read;
    struct str read_texts[RECORD_USAGE_TEXT_COUNT];
    ck_assert_int_eq(record_usage_read(at, size, &read, read_texts), 0);
    ck_assert_uint_eq(read.function, 7);
    ck_assert_uint_eq(read.status, 502);
    for (size_t i = 0; i < RECORD_USAGE_TEXT_COUNT; i++) {
        ck_assert(str_eq(read_texts[i], texts[i]));
    }
    for (size_t cut = 0; cut < size; cut++) {
        ck_assert_int_eq(record_usage_read(at, cut, &read, read_texts), -EBADMSG);
    }
    written.outcome = RECORD_OUTCOME_COUNT;
    size = record_usage_write(&written, texts, at);
    ck_assert_int_eq(record_usage_read(at, size, &read, read_texts), -EBADMSG);
}
END_TEST

START_TEST(a_text_of_a_record_is_cut_at_its_limit)
{
    scoped_free char *big = mem_alloc(100000);
    scoped_free char *at = mem_alloc(200000);
    struct record_log record = { .level = 2 };
    struct record_log read;
    struct str texts[RECORD_LOG_TEXT_COUNT] = { [RECORD_LOG_TEXT] = str_of(big, 100000) };
    struct str read_texts[RECORD_LOG_TEXT_COUNT];
    size_t size = record_log_write(&record, texts, at);
    ck_assert_int_eq(record_log_read(at, size, &read, read_texts), 0);
    ck_assert_uint_eq(read_texts[RECORD_LOG_TEXT].len, RECORD_TEXT_MAX);
    record.level = 4;
    size = record_log_write(&record, texts, at);
    ck_assert_int_eq(record_log_read(at, size, &read, read_texts), -EBADMSG);
}
END_TEST

int main(void)
{
    TCase *tests;
    suite_open_libuv();
    Suite *suite = leaks_suite("ipc", &tests);
    tcase_add_test(tests, a_message_arrives_whole_with_its_descriptors_and_its_sender);
    tcase_add_test(tests, a_message_tells_its_sender_by_a_descriptor_where_the_kernel_has_them);
    tcase_add_test(tests, a_message_that_is_too_long_is_dropped_with_its_descriptors);
    tcase_add_test(tests, a_message_with_too_many_descriptors_is_dropped_with_all_of_them);
    tcase_add_test(tests, a_message_whose_descriptors_cannot_be_opened_is_no_fault_of_its_sender);
    tcase_add_test(tests, descriptors_that_should_not_have_come_are_not_waited_for);
    tcase_add_test(tests, sending_to_nobody_is_an_error_and_no_signal);
    tcase_add_test(tests, only_the_role_in_the_table_may_send_a_message);
    tcase_add_test(tests, a_function_zygote_may_say_nothing_but_its_own_messages);
    tcase_add_test(tests, a_message_of_the_wrong_size_or_type_is_refused);
    tcase_add_test(tests, the_number_of_descriptors_is_fixed);
    tcase_add_test(tests, texts_must_end);
    tcase_add_test(tests, mounts_are_absolute_bounded_and_stay_below_the_task);
    tcase_add_test(tests, a_slow_peer_gets_everything_in_order);
    tcase_add_test(tests, what_the_kernel_has_no_memory_for_is_sent_later);
    tcase_add_test(tests, a_peer_that_never_reads_is_given_up);
    tcase_add_test(tests, a_peer_that_breaks_the_rules_is_gone);
    tcase_add_test(tests, a_peer_that_closes_is_gone_without_fault);
    tcase_add_test(tests, a_peer_that_dies_in_the_midst_is_heard_and_gone_without_fault);
    tcase_add_test(tests, a_usage_record_reads_as_it_was_written);
    tcase_add_test(tests, a_text_of_a_record_is_cut_at_its_limit);
    return suite_run(suite);
}
