/* What an API destination's endpoint is sent, and the authorization server of a connection.
 *
 * Loop thread only.
 *
 * SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include <jansson.h>

#include "base/buf.h"
#include "control/outgoing.h"

struct endpoint_request {
    const char *method;
    struct buf url;
    struct buf headers; /* "name\0value\0"... */
    struct buf body;
};

/* What is said of a request, besides its body: AWS's words. Each may be NULL. */
struct endpoint_said {
    json_t *destination;    /* "InvocationEndpoint", "HttpMethod" */
    json_t *http;           /* the target's HttpParameters */
    json_t *invocation;     /* the connection's InvocationHttpParameters, which count more */
    const char *header;     /* by which it authorizes itself, and which counts most */
    const char *authorized; /* its value */
};

/* -EMSGSIZE: it has become too large; -EINVAL: something in it cannot be sent. Then there is
 * nothing to finish. */
int endpoint_request_init(struct endpoint_request *rq, const struct endpoint_said *said,
                          struct str payload) MUST_USE;
/* For an access token, by a connection's AuthParameters with OAuthParameters. The same. */
int endpoint_request_token(struct endpoint_request *rq, json_t *auth) MUST_USE;
/* Sends it, and finishes it; for EventBridge's five seconds. Of the answer at most so many bytes
 * are kept; `done` is called as outgoing_send() says. */
void endpoint_request_send(struct endpoint_request *rq, uv_loop_t *loop, size_t answer_bytes,
                           outgoing_fn done, void *context);
