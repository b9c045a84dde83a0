/* Folders of static files that the supervisor has opened for us, each for a root of a build.
 *
 * They come before or after the routes of their build: those that come before wait here. Runs on
 * the loop's thread.
 *
 * SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include "gateway/gateway.h"

/* Takes over `fd`. */
void folders_take(struct gateway *g, const struct message_folder *m, int fd);
/* A router that is about to take the place of g->router gets what has come for its build. */
void folders_give(struct gateway *g, struct router *next, uint64_t build);
