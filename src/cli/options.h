/* Command lines: `--name value`, `--name=value`, `--flag` and plain arguments, in any order; `--`
 * ends the options. Every error is one sentence that suggests what was probably meant.
 *
 * SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include <stdbool.h>
#include <stddef.h>

#include "base/err.h"

struct option {
    const char *name;   /* without the dashes; NULL ends a table */
    const char **value; /* where its value goes, or NULL for a flag */
    bool *flag;         /* set to true when given */
};

/* Fills what `options` points at; plain arguments go to `plain`, at most `plain_max`. The strings
 * are argv's. Returns the number of plain arguments or -EINVAL. */
int options_parse(int argc, char **argv, const struct option *options, const char **plain,
                  size_t plain_max, struct err *err) MUST_USE;

/* The one of `names` (ended by NULL) that `word` was probably meant to be, or NULL. */
const char *options_suggest(const char *word, const char *const *names);
