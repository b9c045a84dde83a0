/* Records as people and programs read them: pure functions into a buffer, one line or more each,
 * with its line break. -EMSGSIZE when the buffer's limit is reached.
 *
 * SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include "base/buf.h"
#include "ipc/record.h"

struct print_style {
    bool colour;
    size_t width; /* columns of the terminal; 0: no terminal, nothing is shortened */
};

/* Whose record it is. Texts may be empty, never NULL. */
struct print_source {
    const char *name; /* "api"; "" is the platform itself */
    uint64_t version;
    const char *endpoint; /* "/api/orders" */
};

#define PRINT_RED    "\x1b[31m"
#define PRINT_GREEN  "\x1b[32m"
#define PRINT_YELLOW "\x1b[33m"
#define PRINT_BLUE   "\x1b[34m"
#define PRINT_CYAN   "\x1b[36m"
#define PRINT_BOLD   "\x1b[1m"
#define PRINT_DIM    "\x1b[2m"

/* The sequence, or "" without colours; log_print_plain() ends it. */
const char *log_print_colour(const struct print_style *style, const char *sequence);
const char *log_print_plain(const struct print_style *style);

int log_print_log_text(struct buf *b, const struct print_style *style,
                       const struct print_source *source, const struct record_log *record,
                       const struct str texts[RECORD_LOG_TEXT_COUNT]) MUST_USE;
int log_print_log_json(struct buf *b, const struct print_source *source,
                       const struct record_log *record,
                       const struct str texts[RECORD_LOG_TEXT_COUNT]) MUST_USE;

int log_print_usage_text(struct buf *b, const struct print_style *style,
                         const struct print_source *source, const struct record_usage *record,
                         const struct str texts[RECORD_USAGE_TEXT_COUNT]) MUST_USE;
int log_print_usage_json(struct buf *b, const struct print_source *source,
                         const struct record_usage *record,
                         const struct str texts[RECORD_USAGE_TEXT_COUNT]) MUST_USE;

/* "0.42 ms", "31 ms", "2.40 s" */
int log_print_duration(struct buf *b, uint64_t us) MUST_USE;
/* `"key":"value",`, the value being bytes from anywhere. */
int log_print_json_field(struct buf *b, const char *key, struct str value) MUST_USE;
/* "2026-03-01T12:00:00.123Z" */
int log_print_time_utc(struct buf *b, uint64_t ms) MUST_USE;
