/* The platform's own log: one line to standard error, "mayfly gateway: warning: ...". What
 * functions print goes another way, see control/console/log_print.h.
 *
 * SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include "base/scope.h"

enum log_level { LOG_DEBUG, LOG_INFO, LOG_WARNING, LOG_ERROR };

/* `role` names the process; a string literal. Debug lines appear with MAYFLY_DEBUG set. */
void log_open(const char *role);
void log_write(enum log_level level, const char *fmt, ...) PRINTF(2, 3);

#define log_debug(...)   log_write(LOG_DEBUG, __VA_ARGS__)
#define log_warning(...) log_write(LOG_WARNING, __VA_ARGS__)
#define log_error(...)   log_write(LOG_ERROR, __VA_ARGS__)
