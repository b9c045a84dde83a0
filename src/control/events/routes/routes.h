/* Routes whose requests go through events: answered once for each key (idempotent), acknowledged
 * when stored and delivered later (durable, Netlify's background functions); and Lambda's
 * asynchronous invocations that come by the public port.
 *
 * An idempotent route's first request runs; others with its key wait for it meanwhile and get the
 * same answer, as do later ones for as long as the key counts. What failed (5xx, no answer) may be
 * tried again with the same key. The answer is durable before anybody gets it.
 *
 * Loop thread only.
 *
 * SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include <jansson.h>

#include "control/services.h"

struct routes;

struct routes *routes_create(struct services *s);
/* `events.routes` of the manifest that is served from now on (borrowed). */
void routes_build(struct routes *rs, const json_t *manifest);

/* A public request that its route passes on. */
void routes_begin(struct routes *rs, struct exchange *x);
