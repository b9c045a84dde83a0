/* A platform's own folder below ${TMPDIR:-/tmp}, and making sure that none is left behind.
 *
 * The folder is locked for as long as its platform lives: whoever gets the lock may remove it. The
 * lock belongs to the open file, so it lasts until the launcher and the supervisor are both gone. A
 * file in it marks it as ours.
 *
 * SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include <limits.h>

#include "base/err.h"

struct workspace {
    char path[PATH_MAX];
    int lock; /* owned */
};

/* Makes an empty folder that only we may enter. */
int workspace_create(struct workspace *ret, struct err *err) MUST_USE;
/* Unmounts what is mounted on it, removes it and what is in it. Twice is fine. */
void workspace_destroy(struct workspace *w);
/* Removes the folders of this user's platforms that died without a chance to do it. */
void workspace_sweep(void);
