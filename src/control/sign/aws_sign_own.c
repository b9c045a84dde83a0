/* SPDX-License-Identifier: Apache-2.0 */
#include "control/sign/aws_sign_own.h"

#include <stdio.h>
#include <time.h>

#include "base/hex.h"
#include "base/limits.h"
#include "control/sign/aws_sign.h"
#include "http/http_block.h"

#define STAMP_BYTES 17 /* "20130524T000000Z" */

static void write_stamp(uint64_t now_s, char ret[STAMP_BYTES])
{
    struct tm tm;
    const time_t now = (time_t)now_s;
    (void)strftime(ret, STAMP_BYTES, "%Y%m%dT%H%M%SZ", gmtime_r(&now, &tm)); /* fits */
}

/* "host;x-amz-date;x-amz-target": what S3 wants signed, and the others do not mind. */
static int list_signed(struct buf *out, struct str headers)
{
    struct str name, value;
    int r = buf_append(out, STR("host"));
    while (r == 0 && http_block_next(&headers, &name, &value)) {
        if (str_starts(name, STR("x-amz-"))) {
            r = buf_printf(out, ";" STR_FMT, STR_ARG(name));
        }
    }
    return r;
}

/* With a signature of zeros: what is signed says who signs, and what. */
static int add_draft(const struct aws_scope *scope, struct buf *headers)
{
    struct buf value;
    buf_init(&value, headers->limit);
    int r =
        buf_printf(&value, "AWS4-HMAC-SHA256 Credential=%s/%s/%s/%s/aws4_request,SignedHeaders=",
                   scope->access_key, scope->day, scope->region, scope->service);
    r = r < 0 ? r : list_signed(&value, buf_str(headers));
    r = r < 0 ? r : buf_printf(&value, ",Signature=%0*d", AWS_HEX_BYTES, 0);
    r = r < 0 ? r : http_block_add(headers, STR("authorization"), buf_str(&value));
    buf_finish(&value);
    return r;
}

/* Where add_draft() has left its zeros. */
static void put_signature(struct buf *headers, const uint8_t digest[AWS_DIGEST_BYTES])
{
    (void)hex_write(digest, AWS_DIGEST_BYTES, headers->data + headers->len - 1 - AWS_HEX_BYTES);
}

int aws_sign_own(struct aws_users *users, const struct aws_user *user,
                 const struct aws_sign_request *request, const char *region, const char *service,
                 struct buf *headers)
{
    char stamp[STAMP_BYTES];
    struct aws_scope scope = { .kind = AWS_SIGN_HEADER };
    struct aws_sign_request draft = *request;
    struct buf canonical, to_sign;
    uint8_t digest[AWS_DIGEST_BYTES];
    write_stamp(request->now_s, stamp);
    (void)snprintf(scope.access_key, sizeof(scope.access_key), STR_FMT, STR_ARG(user->access_key));
    (void)snprintf(scope.day, sizeof(scope.day), "%.8s", stamp);
    (void)snprintf(scope.region, sizeof(scope.region), "%s", region);
    (void)snprintf(scope.service, sizeof(scope.service), "%s", service);
    int r = http_block_add(headers, STR("x-amz-date"), str_c(stamp));
    r = r < 0 ? r : add_draft(&scope, headers);
    if (r < 0) {
        return r;
    }
    draft.headers = buf_str(headers);
    buf_init(&canonical, LIMIT_REQUEST_HEAD_BYTES * 4);
    buf_init(&to_sign, KIB);
    aws_sign_explain(&draft, &canonical, &to_sign);
    aws_users_sign(users, user, &scope, buf_str(&to_sign), digest);
    put_signature(headers, digest);
    buf_finish(&canonical);
    buf_finish(&to_sign);
    return 0;
}
