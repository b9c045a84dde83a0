/* Which functions a queue of events leads to, by its name.
 *
 * SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include "control/services.h"

/* Whether it holds a function's asynchronous invocations, requests of its routes, ticks of its
 * crons, or messages that it consumes. `function`: the manifest's name, or a Lambda function's
 * without "lambda/". */
bool queue_function_is(const struct services *s, const char *queue, const char *function);
