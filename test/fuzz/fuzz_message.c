/* Messages and records as a hostile process would write them: what passes the check is terminated
 * and within bounds. The first two bytes are the sender and the receiver.
 *
 * SPDX-License-Identifier: Apache-2.0 */
#include <assert.h>
#include <stdint.h>
#include <string.h>

#include "ipc/message.h"
#include "ipc/record.h"

static void check_plan(const struct message_function *plan)
{
    assert(strlen(plan->name) < sizeof(plan->name));
    assert(plan->mount_count <= MESSAGE_MOUNTS_MAX);
    for (uint32_t i = 0; i < plan->mount_count; i++) {
        assert(plan->mounts[i].source[0] == '/');
        assert(!strstr(plan->mounts[i].target, ".."));
    }
}

static void check_message(const uint8_t *data, size_t size)
{
    static union message m;
    enum message_role from = size > 0 ? data[0] % ROLE_COUNT : 0;
    enum message_role to = size > 1 ? data[1] % ROLE_COUNT : 0;
    size_t len = size > 2 ? size - 2 : 0;
    len = len < sizeof(m) ? len : sizeof(m);
    memset(&m, 0xAA, sizeof(m));
    if (len > 0) {
        memcpy(&m, data + 2, len);
    }
    /* Short inputs stand for messages whose rest is not terminated. */
    size_t claimed = len >= sizeof(m.type) ? message_size(m.type) : len;
    for (size_t fds = 0; fds <= 3; fds++) {
        if (message_check(&m, claimed, fds, from, to) < 0) {
            continue;
        }
        assert(message_size(m.type) > 0 && claimed > 0);
        if (m.type == MESSAGE_FUNCTION_ADD) {
            check_plan(&m.function_add.plan);
        } else if (m.type == MESSAGE_ZYGOTE_START) {
            check_plan(&m.zygote_start.plan);
        } else if (m.type == MESSAGE_ZYGOTE_READY) {
            assert(strlen(m.zygote_ready.text) < sizeof(m.zygote_ready.text));
            assert(strlen(m.zygote_ready.unloaded_text) < sizeof(m.zygote_ready.unloaded_text));
        } else if (m.type == MESSAGE_FUNCTION_LOADED) {
            assert(strlen(m.function_loaded.unloaded_text) <
                   sizeof(m.function_loaded.unloaded_text));
        } else if (m.type == MESSAGE_ZYGOTE_FAILED) {
            assert(strlen(m.zygote_failed.text) < sizeof(m.zygote_failed.text));
        }
    }
}

static unsigned int touch(const struct str *texts, size_t count)
{
    unsigned int sum = 0;
    for (size_t i = 0; i < count; i++) {
        for (size_t at = 0; at < texts[i].len; at++) {
            sum += (unsigned char)texts[i].data[at];
        }
    }
    return sum;
}

static void check_records(const uint8_t *data, size_t size)
{
    struct record_usage usage;
    struct record_log log;
    struct str texts[RECORD_TEXT_COUNT];
    volatile unsigned int sum = 0;
    if (record_usage_read(data, size, &usage, texts) == 0) {
        sum += touch(texts, RECORD_USAGE_TEXT_COUNT);
        assert(usage.outcome < RECORD_OUTCOME_COUNT && record_outcome_name(usage.outcome));
        assert(record_usage_write(&usage, texts, NULL) <= size);
    }
    if (record_log_read(data, size, &log, texts) == 0) {
        sum += touch(texts, RECORD_LOG_TEXT_COUNT);
        assert(log.level <= 3 && record_log_write(&log, texts, NULL) <= size);
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    check_message(data, size);
    check_records(data, size);
    return 0;
}
