/* Removing a folder whose content is hostile.
 *
 * SPDX-License-Identifier: Apache-2.0 */
#pragma once

/* Unmounts what is mounted at `path` and in the folders directly below it, then removes it with all
 * that is in it. Follows no link, crosses no mount and stops at a depth that our own trees do not
 * reach. */
void remove_tree(const char *path);
