/* SPDX-License-Identifier: Apache-2.0 */
#include "control/aws/call/aws_access.h"

#include "base/clock.h"
#include "base/limits.h"
#include "http/http_block.h"

/* To keep so much of all streams costs less than to look at each head twice. */
#define SMALL_BODY_BYTES (4 * KIB)

bool aws_access_comes_first(const struct exchange *x)
{
    uint64_t length;
    struct str text = http_block_find(x->headers, STR("content-length"));
    bool is_small = text.data && str_to_u64(text, &length) && length <= SMALL_BODY_BYTES;
    return x->has_body && !is_small;
}

bool aws_access_check(struct services *s, const struct exchange *x, const struct str *body,
                      enum aws_protocol protocol, struct aws_access *ret)
{
    const struct str none = STR("");
    const struct aws_sign_request request = { .method = x->method,
                                              .target = x->target,
                                              .headers = x->headers,
                                              .host = x->host,
                                              .now_s = clock_wall_ms() / 1000,
                                              .body = body ? body : &none,
                                              .is_head = !body };
    ret->detail = STR("");
    enum aws_fault fault = aws_sign_verify(&request, s->users, &ret->who, &ret->detail);
    if (fault != AWS_FAULT_NONE) {
        ret->refusal = aws_fault_answer(fault, protocol);
        ret->detail = fault == AWS_FAULT_UNKNOWN_KEY ? STR("") : ret->detail; /* the key itself */
        return false;
    }
    if (!ret->who.user) {
        ret->refusal = (struct aws_fault_answer){ 403, "MissingAuthenticationToken",
                                                  "Request is missing Authentication Token" };
        return false;
    }
    return true;
}
