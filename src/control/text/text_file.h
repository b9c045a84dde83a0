/* A text as a file.
 *
 * SPDX-License-Identifier: Apache-2.0 */
#pragma once

/* All of it, from where the descriptor is. -errno. */
int text_file_write(int fd, const char *text);
/* A descriptor of a sealed file in memory, so that its reader can trust it to stay as it is; or
 * -errno. `name` is for people. */
int text_file_seal(const char *name, const char *text);
