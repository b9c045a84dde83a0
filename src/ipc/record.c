/* SPDX-License-Identifier: Apache-2.0 */
#include "ipc/record.h"

#include <errno.h>
#include <string.h>

static size_t texts_write(const struct str *texts, size_t count, uint16_t *lengths, char *at)
{
    size_t total = 0;
    for (size_t i = 0; i < count; i++) {
        size_t len = texts[i].len < RECORD_TEXT_MAX ? texts[i].len : RECORD_TEXT_MAX;
        if (at && len > 0) {
            memcpy(at + total, texts[i].data, len);
        }
        lengths[i] = (uint16_t)len;
        total += len;
    }
    return total;
}

static int texts_read(const char *at, size_t size, const uint16_t *lengths, struct str *ret_texts,
                      size_t count)
{
    size_t used = 0;
    for (size_t i = 0; i < count; i++) {
        if (lengths[i] > size - used) {
            return -EBADMSG;
        }
        ret_texts[i] = str_of(at + used, lengths[i]);
        used += lengths[i];
    }
    return used == size ? 0 : -EBADMSG;
}

size_t record_usage_write(struct record_usage *record, const struct str *texts, void *at)
{
    char *behind = at ? (char *)at + sizeof(*record) : NULL;
    size_t len = texts_write(texts, RECORD_USAGE_TEXT_COUNT, record->text_length, behind);
    if (at) {
        memcpy(at, record, sizeof(*record));
    }
    return sizeof(*record) + len;
}

size_t record_log_write(struct record_log *record, const struct str *texts, void *at)
{
    char *behind = at ? (char *)at + sizeof(*record) : NULL;
    size_t len = texts_write(texts, RECORD_LOG_TEXT_COUNT, record->text_length, behind);
    if (at) {
        memcpy(at, record, sizeof(*record));
    }
    return sizeof(*record) + len;
}

int record_usage_read(const void *payload, size_t size, struct record_usage *ret_record,
                      struct str ret_texts[RECORD_USAGE_TEXT_COUNT])
{
    struct record_usage record;
    if (size < sizeof(record)) {
        return -EBADMSG;
    }
    memcpy(&record, payload, sizeof(record));
    int r = texts_read((const char *)payload + sizeof(record), size - sizeof(record),
                       record.text_length, ret_texts, RECORD_USAGE_TEXT_COUNT);
    if (r < 0 || record.outcome >= RECORD_OUTCOME_COUNT) {
        return -EBADMSG;
    }
    *ret_record = record;
    return 0;
}

int record_log_read(const void *payload, size_t size, struct record_log *ret_record,
                    struct str ret_texts[RECORD_LOG_TEXT_COUNT])
{
    struct record_log record;
    if (size < sizeof(record)) {
        return -EBADMSG;
    }
    memcpy(&record, payload, sizeof(record));
    int r = texts_read((const char *)payload + sizeof(record), size - sizeof(record),
                       record.text_length, ret_texts, RECORD_LOG_TEXT_COUNT);
    if (r < 0 || record.level > RECORD_ERROR || record.source > RECORD_SOURCE_PLATFORM) {
        return -EBADMSG;
    }
    *ret_record = record;
    return 0;
}

const char *record_outcome_name(uint32_t outcome)
{
    static const char *const names[RECORD_OUTCOME_COUNT] = {
        [RECORD_OK] = "ok",
        [RECORD_THROW] = "throw",
        [RECORD_TIMEOUT] = "timeout",
        [RECORD_CRASH] = "crash",
        [RECORD_MEMORY] = "memory",
        [RECORD_CPU] = "cpu",
        [RECORD_OVERLOAD] = "overload",
        [RECORD_CLIENT] = "client",
        [RECORD_LOAD] = "load",
    };
    return outcome < RECORD_OUTCOME_COUNT ? names[outcome] : "unknown";
}
