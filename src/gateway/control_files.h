/* Files that are to be sent as control's answers. Control says in its channel that one follows, and
 * hands it over by the other way between us (MESSAGE_FILE): either may come first.
 *
 * Loop thread only.
 *
 * SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include "base/list.h"
#include "ipc/message.h"

struct gateway;

/* A file that came before its frame, or, with fd -1, one that nobody waits for any more. */
struct control_file {
    struct list link;
    struct message_file message;
    int fd; /* owned */
};

/* Takes over `fd`, until its frame comes. */
void control_files_keep(struct gateway *g, const struct message_file *m, int fd);
/* The first one of that stream that has come, whose fd is the caller's. False: none has. */
bool control_files_take(struct gateway *g, uint32_t stream, struct control_file *ret);
/* Its request is over before it has come: then each frame still takes its own file, or another
 * request's of the same number would get it. */
void control_files_unwanted(struct gateway *g, uint32_t stream);
/* Whether nobody wants the next one of that stream: once for each time that was said. */
bool control_files_is_unwanted(struct gateway *g, uint32_t stream);
