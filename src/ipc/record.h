/* Records: what the gateway tells control about requests, over the log channel.
 *
 * The channel has the gateway as CHANNEL_INSTANCE and control as CHANNEL_HOST; only the gateway
 * writes. A FRAME_LOG carries a struct record_log, a FRAME_DONE a struct record_usage, each
 * followed by its texts in the order of `text_length`, without separators. Texts are bytes as they
 * came from clients and functions: not necessarily UTF-8, never trusted. What does not fit is cut.
 *
 * Records are sent in batches: control is woken when a batch is there, at the latest after
 * RECORD_DELAY_MS. When control does not keep up records are dropped, and a log record of the
 * platform (function 0) says how many.
 *
 * SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include <stdint.h>

#include "base/str.h"
#include "channel/frame.h"

#define RECORD_DELAY_MS   20
#define RECORD_TEXT_MAX   ((size_t)32 * 1024) /* of one text */
#define RECORD_TEXT_COUNT 6

enum record_outcome {
    RECORD_OK,
    RECORD_THROW, /* the handler failed, or what it returned was no response */
    RECORD_TIMEOUT,
    RECORD_CRASH,    /* its process ended */
    RECORD_MEMORY,   /* ... for exceeding its memory limit */
    RECORD_CPU,      /* ... for exceeding its CPU time */
    RECORD_OVERLOAD, /* no instance had room in time: never ran */
    RECORD_CLIENT,   /* the client went away before the answer was complete */
    RECORD_LOAD,     /* the function could not be loaded or started */
    RECORD_OUTCOME_COUNT
};

enum record_usage_text {
    RECORD_USAGE_REQUEST_ID,
    RECORD_USAGE_TRACE_ID, /* 32 hex digits */
    RECORD_USAGE_METHOD,
    RECORD_USAGE_PATH,  /* as received, with the query */
    RECORD_USAGE_ERROR, /* of what failed, "Error: boom"; empty when nothing did */
    RECORD_USAGE_EVENT, /* which was delivered, "order-mails #3"; empty: a client's request */
    RECORD_USAGE_TEXT_COUNT
};

/* One invocation, after its answer and its waitUntil work; or a request that no route led anywhere.
 */
struct record_usage {
    uint64_t function; /* control's id; 0: none */
    uint64_t instance; /* 0: none was reached */
    uint64_t start_ms; /* since the epoch: when the request's head was complete */
    uint64_t duration_us;
    uint64_t init_us; /* part of the duration spent waiting for an instance to start */
    uint64_t cpu_us;
    uint64_t memory_peak_bytes;
    uint64_t bytes_in; /* bodies only */
    uint64_t bytes_out;
    uint32_t endpoint;
    uint16_t status; /* as sent to the client; 0: nothing was */
    uint8_t cold;
    uint8_t outcome; /* enum record_outcome */
    uint16_t text_length[RECORD_TEXT_COUNT];
    uint32_t reserved;
};

enum record_level {
    RECORD_DEBUG,
    RECORD_INFO,
    RECORD_WARNING,
    RECORD_ERROR,
};

enum record_source {
    RECORD_SOURCE_CONSOLE, /* printed by the function */
    RECORD_SOURCE_PLATFORM /* said by us about it */
};

enum record_log_text {
    RECORD_LOG_REQUEST_ID, /* empty: not of a request */
    RECORD_LOG_TRACE_ID,
    RECORD_LOG_TEXT,
    RECORD_LOG_TEXT_COUNT
};

struct record_log {
    uint64_t function; /* 0: the gateway itself */
    uint64_t instance;
    uint64_t time_ms; /* since the epoch */
    uint32_t endpoint;
    uint8_t level;  /* enum record_level */
    uint8_t source; /* enum record_source */
    uint16_t truncated;
    uint16_t text_length[RECORD_TEXT_COUNT];
    uint32_t reserved;
};

/* Writing: the payload of `frame`, which is filled too. Cuts texts to RECORD_TEXT_MAX. Returns the
 * bytes written to `at`, or needed when `at` is NULL. */
size_t record_usage_write(struct record_usage *record, const struct str *texts, void *at);
size_t record_log_write(struct record_log *record, const struct str *texts, void *at);

/* Reading: copies the head out and points the texts into the payload (which the writer could still
 * change: copy what is looked at twice). -EBADMSG when it is not a sound record. */
int record_usage_read(const void *payload, size_t size, struct record_usage *ret_record,
                      struct str ret_texts[RECORD_USAGE_TEXT_COUNT]) MUST_USE;
int record_log_read(const void *payload, size_t size, struct record_log *ret_record,
                    struct str ret_texts[RECORD_LOG_TEXT_COUNT]) MUST_USE;

/* "ok", "throw", "timeout" ... */
const char *record_outcome_name(uint32_t outcome);
