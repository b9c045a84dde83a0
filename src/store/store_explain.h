/* What fails about a file of the data folder, in words that say what helps.
 *
 * SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include "base/err.h"

/* `name`: of the file, in the folder. `code`: positive errno of what opened or made it. */
int store_explain(const char *name, int code, struct err *err);
