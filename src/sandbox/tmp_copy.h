/* Copies what a function put into its /tmp while it loaded into the /tmp of a new instance, so that
 * a snapshot has the files that the code in it believes in. Most have none.
 *
 * SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include "base/err.h"

/* Files, folders and links with their modes and times. Sockets, pipes and what is deeper than any
 * program goes are left out. ENOSPC when it does not fit. */
int tmp_copy(int from_fd, int to_fd, struct err *err) MUST_USE;
