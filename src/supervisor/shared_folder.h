/* The project's folders of static files, opened for the gateway, whose user may have no right to
 * reach them.
 *
 * SPDX-License-Identifier: Apache-2.0 */
#pragma once

/* Opens a folder by O_PATH if it lies in the project, wherever links lead; `project` is an absolute
 * path without links. -EXDEV for what lies outside. Who changes the project meanwhile gets an error
 * and nothing else opened. */
int shared_folder_open(const char *project, const char *path);
