/* Answers that are given again: what came of a request with a key, for as long as the key counts.
 *
 * A key is claimed before its request runs and answered after; a claim without an answer is of a
 * process that ended in between, and counts no more in the next.
 *
 * SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include "base/str.h"
#include "store/store.h"

struct stored_answer {
    unsigned status;
    struct str headers; /* "name\0value\0"... */
    struct str body;
    uint64_t until_ms;
};

/* On the store's thread, in a job's run. Removes some that count no more at now_ms: more than it
 * puts, so that there are never many of them. */
int store_answers_put(struct sql *db, struct str route, struct str key,
                      const struct stored_answer *answer, uint64_t now_ms) MUST_USE;

/* On the loop's thread. Calls `found`, and is true, if there is one that counts at now_ms; its
 * texts live until that returns. */
typedef void (*store_answer_fn)(const struct stored_answer *answer, void *context);
bool store_answers_find(struct store *s, struct str route, struct str key, uint64_t now_ms,
                        store_answer_fn found, void *context);
