/* SPDX-License-Identifier: Apache-2.0 */
#include "control/s3/s3_authenticate.h"

#include <stdio.h>
#include <time.h>

#include "control/s3/s3_page.h"
#include "control/s3/s3_signed_url.h"
#include "control/text/iso_time.h"

/* As the client has given it, in either version's place. */
static struct str given_signature(const struct s3_request *rq)
{
    struct str header = s3_header(rq, "authorization");
    struct str v4 = s3_param(rq, "X-Amz-Signature"), v2 = s3_param(rq, "Signature");
    struct str in_header = str_behind(header, STR("Signature="));
    if (v4.data || v2.data) {
        return v4.data ? v4 : v2;
    }
    return in_header.data ? in_header : str_behind(header, STR(":"));
}

static void fail_mismatch(struct s3_request *rq, const struct aws_sign_request *sign)
{
    struct buf canonical, to_sign;
    buf_init(&canonical, LIMIT_REQUEST_HEAD_BYTES);
    buf_init(&to_sign, LIMIT_REQUEST_HEAD_BYTES);
    aws_sign_explain(sign, &canonical, &to_sign);
    s3_fail_signature(rq, str_c(rq->who.scope.access_key), given_signature(rq), buf_str(&to_sign),
                      buf_str(&canonical));
    buf_finish(&canonical);
    buf_finish(&to_sign);
}

static void put_time(struct s3_request *rq, const char *name, uint64_t time_s)
{
    char text[ISO_TIME_BYTES];
    (void)iso_time_s(time_s * 1000, text);
    s3_detail(rq, name, str_c(text));
}

/* When a URL of either version has expired, and that this is over. */
static void put_expiry(struct s3_request *rq)
{
    struct str seconds = s3_param(rq, "X-Amz-Expires");
    char date[24];
    struct tm tm = { 0 };
    uint64_t expires_s = 0, after_s = 0;
    (void)snprintf(date, sizeof(date), STR_FMT, STR_ARG(s3_param(rq, "X-Amz-Date")));
    if (seconds.data && str_to_u64(seconds, &after_s) && strptime(date, "%Y%m%dT%H%M%SZ", &tm)) {
        s3_detail(rq, "X-Amz-Expires", seconds);
        expires_s = (uint64_t)timegm(&tm) + after_s;
    } else if (!str_to_u64(s3_param(rq, "Expires"), &expires_s)) {
        return;
    }
    put_time(rq, "Expires", expires_s);
    put_time(rq, "ServerTime", rq->now_ms / 1000);
}

static void fail_signature(struct s3_request *rq, enum aws_fault fault, struct str detail)
{
    struct aws_fault_answer answer = aws_fault_answer(fault, AWS_PROTOCOL_S3);
    struct buf text;
    buf_init(&text, LIMIT_REQUEST_HEAD_BYTES);
    if (fault == AWS_FAULT_UNKNOWN_KEY) {
        s3_detail(rq, "AWSAccessKeyId", detail);
    } else if (fault == AWS_FAULT_NOT_SIGNED) {
        s3_detail(rq, "HeadersNotSigned", detail);
    } else if (fault == AWS_FAULT_EXPIRED) {
        put_expiry(rq);
    } else if (fault == AWS_FAULT_SKEWED) {
        s3_detail(rq, "RequestTime", s3_header(rq, "x-amz-date"));
        s3_detail_u64(rq, "MaxAllowedSkewMilliseconds", (uint64_t)AWS_SIGN_SKEW_S * 1000);
    }
    bool is_malformed = fault == AWS_FAULT_MALFORMED_HEADER || fault == AWS_FAULT_MALFORMED_QUERY ||
                        fault == AWS_FAULT_BAD_EXPIRES;
    int r = buf_printf(&text, "%s%s" STR_FMT "%c", answer.message ? answer.message : "",
                       is_malformed && answer.message ? "; " : "",
                       STR_ARG(is_malformed ? detail : STR("")), 0);
    s3_fail_custom(rq, answer.status, answer.code, r < 0 ? "" : text.data);
    buf_finish(&text);
}

bool s3_authenticate(struct s3_request *rq)
{
    s3_signed_url_read_head(rq);
    const struct aws_sign_request sign = { .method = rq->x->method,
                                           .target = rq->x->target,
                                           .headers = s3_signed_url_is_v2(rq) ? s3_headers(rq)
                                                                              : rq->x->headers,
                                           .host = rq->x->host,
                                           .bucket = rq->is_by_host ? rq->bucket_name : STR(""),
                                           .now_s = rq->now_ms / 1000 };
    struct str detail;
    enum aws_fault fault = aws_sign_verify(&sign, rq->s3->services->users, &rq->who, &detail);
    if (fault == AWS_FAULT_NONE && s3_page_is_foreign(rq, rq->who.user)) {
        fault = AWS_FAULT_FOREIGN_PAGE;
    }
    if (fault == AWS_FAULT_MISMATCH) {
        fail_mismatch(rq, &sign);
    } else if (fault != AWS_FAULT_NONE) {
        fail_signature(rq, fault, detail);
    }
    return fault == AWS_FAULT_NONE;
}
