/* Where the installation's parts are, found from this executable: a source tree (build/mayfly) or
 * an installed one (<prefix>/bin/mayfly with <prefix>/lib/mayfly).
 *
 * SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include <limits.h>

#include "base/err.h"

struct parts {
    char program[PATH_MAX]; /* this executable */
    char node[PATH_MAX];    /* the pinned Node.js */
    char runtime[PATH_MAX]; /* folder with js/ */
    char addon[PATH_MAX];   /* mayfly.node */
    char builder[PATH_MAX]; /* builder/main.js */
};

/* ENOENT names the part that is missing and the command that makes it. */
int parts_find(struct parts *ret, struct err *err) MUST_USE;
