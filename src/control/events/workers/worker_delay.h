/* How long a Worker has its queue hold a message back: "delaySeconds" of what it sends or retries.
 *
 * SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include <jansson.h>
#include <stdint.h>

#define WORKER_DELAY_MAX_S 86400 /* Cloudflare's; as runtime/js/dialects/worker/queue.js has it */

/* `ret_ms` stays as it is where `object` says none. -ERANGE: what it says is not from 0 to the
 * most; then `ret_ms` is the nearest that is. */
int worker_delay_read(const json_t *object, uint64_t *ret_ms);
