/* Moving dead letters: what a crash or a full disk leaves in between.
 *
 * SPDX-License-Identifier: Apache-2.0 */
#include "control/events/sqs/sqs_moves.h"
#include "control/services.h"
#include "queue_fixture.h"
#include "store/store_settings.h"

#define HIDDEN_MS 300

static struct services services;
static struct sqs_queue *dead, *back;

static void setup_moves(void)
{
    setup();
    services = (struct services){ .loop = &loop, .store = store, .queues = queues };
    services.sqs = sqs_queues_create(&services);
    dead = sqs_queue_add(services.sqs, STR("dead"), NULL, NULL);
    back = sqs_queue_add(services.sqs, STR("back"), NULL, NULL);
    q = dead->queue;
}

static uint64_t waiting_in(const struct sqs_queue *queue)
{
    struct store_backlog backlog;
    store_messages_backlog(store, queue_number(queue->queue), &backlog);
    return backlog.count;
}

static int keep_running(struct store_job *job, struct sql *db)
{
    (void)job;
    return store_settings_put(
        db, STR("sqs-move"), STR("00000000-0000-4000-8000-000000000000"),
        STR("{\"source\":\"dead\",\"destination\":\"back\",\"started\":1,\"status\":0}"));
}

START_TEST(a_task_that_a_crash_has_stopped_waits_for_what_its_last_step_had_taken)
{
    char taken[64];
    (void)put("letter", "", "");
    until_sent();
    take_for(1, HIDDEN_MS, taken); /* as that step did */
    ck_assert_str_eq(taken, "letter");
    submit(keep_running);

    static struct sqs_moves *moves; /* lives as long as the process */
    moves = sqs_moves_create(&services);
    const struct sqs_move *task = list_entry(moves->tasks.next, struct sqs_move, link);
    sqs_moves_build(moves);
    while (waiting_in(back) == 0) {
        ck_assert_int_eq(task->status, SQS_MOVE_RUNNING);
        (void)uv_run(&loop, UV_RUN_ONCE);
    }
    while (task->status == SQS_MOVE_RUNNING) {
        (void)uv_run(&loop, UV_RUN_ONCE);
    }
    ck_assert_int_eq(task->status, SQS_MOVE_COMPLETED);
    ck_assert_uint_eq(task->moved, 1);
    ck_assert_uint_eq(waiting_in(dead), 0);
}
END_TEST

static int started = 1;

static void on_started(int r, void *context)
{
    started = r;
    *(int *)context = 1;
}

static int refuse_settings(struct store_job *job, struct sql *db)
{
    (void)job;
    return sql_run(
        db,
        "CREATE TRIGGER full BEFORE INSERT ON settings BEGIN SELECT RAISE(ABORT, 'full'); "
        "END",
        "");
}

START_TEST(a_task_that_cannot_be_kept_does_not_run)
{
    int over = 0;
    (void)put("letter", "", "");
    until_sent();
    submit(refuse_settings);
    static struct sqs_moves *moves; /* lives as long as the process */
    moves = sqs_moves_create(&services);
    sqs_moves_build(moves);
    (void)sqs_moves_start(moves, dead, back, 0, on_started, &over);
    run_until(&over, 1);
    ck_assert_int_lt(started, 0);
    ck_assert(list_is_empty(&moves->tasks));
    ck_assert_uint_eq(waiting_in(dead), 1);
}
END_TEST

static int allow_settings(struct store_job *job, struct sql *db)
{
    (void)job;
    return sql_run(db, "DROP TRIGGER full", "");
}

static void put_letters(int count)
{
    for (int i = 0; i < count; i++) {
        (void)put("letter", "", "");
    }
    until_sent();
}

/* Three letters, on their way back. */
static struct sqs_move *start_moving(uint32_t rate, int *over)
{
    static struct sqs_moves *moves; /* lives as long as the process */
    put_letters(3);
    moves = sqs_moves_create(&services);
    sqs_moves_build(moves);
    return sqs_moves_start(moves, dead, back, rate, on_started, over);
}

START_TEST(a_cancellation_that_cannot_be_kept_changes_nothing)
{
    int over = 0;
    struct sqs_move *task = start_moving(5, &over);
    run_until(&over, 1);
    ck_assert_int_eq(started, 0);
    submit(refuse_settings);
    over = 0;
    ck_assert(sqs_moves_cancel(task, on_started, &over));
    ck_assert_msg(!sqs_moves_cancel(task, on_started, &over), "one waits for it already");
    run_until(&over, 1);
    ck_assert_int_lt(started, 0);
    ck_assert_int_eq(task->status, SQS_MOVE_RUNNING);
    submit(allow_settings);
    while (task->status == SQS_MOVE_RUNNING) {
        (void)uv_run(&loop, UV_RUN_ONCE);
    }
    ck_assert_int_eq(task->status, SQS_MOVE_COMPLETED);
    ck_assert_uint_eq(waiting_in(back), 3);
}
END_TEST

static bool add_attempts(const struct stored_message *m, void *context)
{
    *(uint32_t *)context += m->attempts;
    return true;
}

START_TEST(letters_that_could_not_be_moved_are_as_before)
{
    int over = 0;
    uint32_t attempts = 0;
    struct sqs_move *task = start_moving(0, &over);
    submit(refuse_settings);             /* behind the start */
    while (task->hidden_until_ms == 0) { /* until a step has failed */
        (void)uv_run(&loop, UV_RUN_ONCE);
    }
    submit(allow_settings);
    ck_assert_uint_eq(waiting_in(back), 0);
    const struct message_place start = { 0 };
    store_messages_due(store, queue_number(dead->queue), &start, clock_wall_ms(), add_attempts,
                       &attempts);
    ck_assert_uint_eq(attempts, 0);
    while (task->status == SQS_MOVE_RUNNING) {
        (void)uv_run(&loop, UV_RUN_ONCE);
    }
    ck_assert_uint_eq(waiting_in(back), 3);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("sqs_moves");
    TCase *tc = tcase_create("sqs_moves");
    tcase_add_checked_fixture(tc, setup_moves, teardown);
    tcase_add_test(tc, a_task_that_a_crash_has_stopped_waits_for_what_its_last_step_had_taken);
    tcase_add_test(tc, a_task_that_cannot_be_kept_does_not_run);
    tcase_add_test(tc, a_cancellation_that_cannot_be_kept_changes_nothing);
    tcase_add_test(tc, letters_that_could_not_be_moved_are_as_before);
    suite_add_tcase(suite, tc);
    return suite_run(suite);
}
