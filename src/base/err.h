/* An error with a code and a text that says what to do next. Nothing is allocated, so a half-built
 * sandbox can report by writing the struct to a pipe. Policy code fills one; mechanism returns only
 * the negative code.
 *
 * SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include "base/scope.h"

struct err {
    int code;       /* positive errno, 0 when unset */
    char text[252]; /* "deploy api: bundle api.zip: open: No such file or directory" */
};
_Static_assert(sizeof(struct err) == 256, "crosses a pipe in one atomic write");

/* All three return -code, so that failing is one statement. A NULL err is fine. */
int err_set(struct err *e, int code, const char *fmt, ...) PRINTF(3, 4);
int err_sys(struct err *e, const char *fmt, ...) PRINTF(2, 3);  /* code and text from errno */
int err_wrap(struct err *e, const char *fmt, ...) PRINTF(2, 3); /* prefixes context */
