/* Standard output, written by a thread of its own: a terminal that is stopped or a slow pipe must
 * not hold up the loop. The descriptor stays blocking, because it is shared with the user's shell.
 *
 * Used from the loop's thread.
 *
 * SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include "base/str.h"

struct writer;

/* `fd` stays the caller's. */
struct writer *writer_create(int fd);
/* Writes what is left, for at most `patience_ms`; a writer that is stuck longer is abandoned. */
void writer_finish(struct writer *w, unsigned int patience_ms);

void writer_append(struct writer *w, struct str bytes);
/* More waits than should: whoever can had better stop. */
bool writer_is_full(struct writer *w);
