/* What the manifest says of a route whose requests go through events.
 *
 * SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include <jansson.h>

#include "base/str.h"
#include "control/events/queue/retry.h"

enum route_key { ROUTE_KEY_NONE, ROUTE_KEY_HEADER, ROUTE_KEY_JSON, ROUTE_KEY_STANDARD_WEBHOOKS };

struct route_config {
    enum route_key key;
    char *key_name; /* owned: the header's name in lower case, or the path "$.a.b" */
    uint64_t ttl_ms;
    bool durable;    /* acknowledged when it is stored */
    bool background; /* ... as Netlify's background functions are */
    struct retry_policy policy;
    json_t *on_success; /* owned; NULL: none */
    json_t *on_failure;
};

/* Of "events.routes"; `entry` has been checked. */
void route_config_read(const json_t *entry, struct route_config *ret);
void route_config_finish(struct route_config *c);

/* The request's key; the caller frees. NULL: it has none, and is treated like any request. */
char *route_config_key(const struct route_config *c, struct str headers, struct str body);
