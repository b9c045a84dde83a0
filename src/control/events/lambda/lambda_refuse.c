/* SPDX-License-Identifier: Apache-2.0 */
#include "control/events/lambda/lambda_refuse.h"

#include "base/limits.h"
#include "control/aws/call/aws_call.h"
#include "http/http_block.h"

void lambda_refuse(struct exchange *x, unsigned status, const char *type, const char *message)
{
    struct buf headers;
    scoped_free char *text = aws_call_error_text(AWS_STYLE_LAMBDA, status, type, message);
    buf_init(&headers, KIB);
    /* They fit: all are our own. */
    (void)!(http_block_add(&headers, STR("content-type"), STR("application/json")) == 0 &&
            http_block_add(&headers, STR("x-amzn-errortype"), str_c(type)) == 0 &&
            http_block_add(&headers, STR("x-amzn-requestid"), str_c(x->request_id)) == 0);
    exchange_respond(x, status, buf_str(&headers), str_c(text));
    buf_finish(&headers);
}
