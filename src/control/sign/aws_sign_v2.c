/* SPDX-License-Identifier: Apache-2.0 */
#include "control/sign/aws_sign_v2.h"

#include <assert.h>
#include <openssl/hmac.h>

#include "base/limits.h"
#include "control/sign/aws_uri.h"
#include "http/http_block.h"

#define SHA1_BYTES 20
/* Decoded parameters and fields are not longer than the head. */
#define TO_SIGN_BYTES_MAX (2 * LIMIT_REQUEST_HEAD_BYTES)

/* What a request says about its signature. */
struct claim {
    enum aws_sign_kind kind;
    struct str access_key;
    struct str signature;
    struct str expires; /* of a query: seconds since the epoch */
};

static struct str header_find(const struct aws_sign_request *request, const char *name)
{
    return http_block_find(request->headers, str_c(name));
}

/* ---- what is signed ---- */

/* The parameters that say what is done to a resource, in order. */
static const char *const parameters[] = {
    "accelerate",
    "acl",
    "analytics",
    "cors",
    "defaultObjectAcl",
    "delete",
    "inventory",
    "lifecycle",
    "location",
    "logging",
    "metrics",
    "notification",
    "object-lock",
    "partNumber",
    "policy",
    "replication",
    "requestPayment",
    "response-cache-control",
    "response-content-disposition",
    "response-content-encoding",
    "response-content-language",
    "response-content-type",
    "response-expires",
    "restore",
    "select",
    "select-type",
    "storageClass",
    "tagging",
    "torrent",
    "uploadId",
    "uploads",
    "versionId",
    "versioning",
    "versions",
    "website",
};

/* A bucket's path ends in a slash for some clients, whether they send it or not. */
enum ending { AS_SENT, WITH_SLASH };

static int put_resource(struct buf *out, const struct aws_sign_request *request, enum ending ending)
{
    struct str path, query;
    char separator = '?';
    aws_target_split(request->target, &path, &query);
    int r = request->bucket.len > 0 ? buf_printf(out, "/" STR_FMT, STR_ARG(request->bucket)) : 0;
    r = r < 0 ? r : buf_append(out, path);
    r = r < 0 ? r : buf_append(out, ending == WITH_SLASH ? STR("/") : STR(""));
    for (size_t i = 0; r == 0 && i < ARRAY_COUNT(parameters); i++) {
        struct str rest = query, name, value;
        while (r == 0 && aws_query_next(&rest, &name, &value)) {
            if (str_eq(name, str_c(parameters[i]))) {
                /* minio-go sends "acl=" where it signs "acl". */
                r = buf_printf(out, "%c%s%s", separator, parameters[i], value.len > 0 ? "=" : "");
                r = r < 0 ? r : aws_uri_decode(out, value, AWS_URI_PLUS);
                separator = '&';
            }
        }
    }
    return r;
}

/* The next field of Amazon's own in alphabetic order, behind `last`; data NULL: there is none. */
static struct str next_field(struct str block, struct str last)
{
    struct str name, value, next = { NULL, 0 };
    while (http_block_next(&block, &name, &value)) {
        if (str_starts(name, STR("x-amz-")) && str_compare(name, last) > 0 &&
            (!next.data || str_compare(name, next) < 0)) {
            next = name;
        }
    }
    return next;
}

static int put_fields(struct buf *out, const struct aws_sign_request *request)
{
    struct str field = STR("");
    int r = 0;
    while (r == 0 && (field = next_field(request->headers, field)).data) {
        struct str block = request->headers, name, value;
        char separator = ':';
        r = buf_append(out, field);
        while (r == 0 && http_block_next(&block, &name, &value)) {
            if (str_eq(name, field)) {
                r = buf_printf(out, "%c" STR_FMT, separator, STR_ARG(str_trim(value)));
                separator = ',';
            }
        }
        r = r < 0 ? r : buf_append(out, STR("\n"));
    }
    return r;
}

static int put_to_sign(struct buf *out, const struct aws_sign_request *request,
                       const struct claim *c, enum ending ending)
{
    struct str md5 = header_find(request, "content-md5");
    struct str type = header_find(request, "content-type");
    struct str date = c->kind == AWS_SIGN_QUERY                 ? c->expires
                      : header_find(request, "x-amz-date").data ? STR("")
                                                                : header_find(request, "date");
    int r = buf_printf(out, STR_FMT "\n" STR_FMT "\n" STR_FMT "\n" STR_FMT "\n",
                       STR_ARG(request->method), STR_ARG(md5), STR_ARG(type), STR_ARG(date));
    r = r < 0 ? r : put_fields(out, request);
    return r < 0 ? r : put_resource(out, request, ending);
}

bool aws_sign_v2_is_signature(const struct aws_user *user, struct str text, struct str signature)
{
    uint8_t digest[SHA1_BYTES];
    char right[AWS_BASE64_BYTES(SHA1_BYTES)];
    const unsigned char *done = HMAC(EVP_sha1(), user->secret.data, (int)user->secret.len,
                                     (const unsigned char *)text.data, text.len, digest, NULL);
    assert(done); /* fails for want of memory only */
    return aws_equal(aws_base64(digest, sizeof(digest), right), signature);
}

/* ---- who has signed ---- */

/* Decodes into memory that does not move. */
static enum aws_fault read_query(struct str query, struct buf *memory, struct claim *c)
{
    struct str name, value;
    c->kind = AWS_SIGN_QUERY;
    while (aws_query_next(&query, &name, &value)) {
        struct str *to = str_eq(name, STR("AWSAccessKeyId")) ? &c->access_key
                         : str_eq(name, STR("Signature"))    ? &c->signature
                         : str_eq(name, STR("Expires"))      ? &c->expires
                                                             : NULL;
        size_t before = memory->len;
        if (to && aws_uri_decode(memory, value, AWS_URI_PLUS) == 0) {
            *to = str_of(memory->data + before, memory->len - before);
        }
    }
    return c->access_key.len > 0 && c->signature.len > 0 && c->expires.len > 0
               ? AWS_FAULT_NONE
               : AWS_FAULT_INCOMPLETE_V2;
}

/* "AWS key:signature" */
static enum aws_fault read_claim(const struct aws_sign_request *request, struct buf *memory,
                                 struct claim *c)
{
    struct str path, query, value = header_find(request, "authorization");
    char *room;
    *c = (struct claim){ .kind = AWS_SIGN_HEADER };
    if (!value.data) {
        aws_target_split(request->target, &path, &query);
        memory->limit = query.len; /* reserved whole, so that views into it stay */
        return buf_reserve(memory, query.len, &room) < 0 ? AWS_FAULT_INCOMPLETE_V2
                                                         : read_query(query, memory, c);
    }
    c->signature = str_trim(str_skip(value, sizeof("AWS ") - 1));
    c->access_key = str_cut(&c->signature, ':');
    return c->access_key.len > 0 && c->signature.len > 0 ? AWS_FAULT_NONE : AWS_FAULT_UNSUPPORTED;
}

static enum aws_fault check_time(const struct aws_sign_request *request, const struct claim *c)
{
    uint64_t expires;
    int64_t date_s, now_s = (int64_t)request->now_s;
    if (c->kind == AWS_SIGN_QUERY) {
        return !str_to_u64(c->expires, &expires) ? AWS_FAULT_INCOMPLETE_V2
               : request->now_s > expires        ? AWS_FAULT_EXPIRED
                                                 : AWS_FAULT_NONE;
    }
    struct str date = header_find(request, "x-amz-date");
    if (!aws_sign_parse_date(date.data ? date : header_find(request, "date"), &date_s) ||
        date_s < 0) {
        return AWS_FAULT_BAD_DATE;
    }
    return date_s - now_s <= AWS_SIGN_SKEW_S && now_s - date_s <= AWS_SIGN_SKEW_S
               ? AWS_FAULT_NONE
               : AWS_FAULT_SKEWED;
}

static bool keep_key(struct aws_scope *scope, struct str key)
{
    if (key.len >= sizeof(scope->access_key)) {
        return false;
    }
    memcpy(scope->access_key, key.data, key.len);
    scope->access_key[key.len] = '\0';
    return true;
}

static enum aws_fault check(const struct aws_sign_request *request, const struct aws_users *users,
                            const struct claim *c, struct aws_signed *ret)
{
    struct buf to_sign;
    enum aws_fault fault = check_time(request, c);
    if (fault != AWS_FAULT_NONE) {
        return fault;
    }
    ret->user = aws_users_find(users, c->access_key);
    if (!ret->user) {
        return AWS_FAULT_UNKNOWN_KEY;
    }
    buf_init(&to_sign, TO_SIGN_BYTES_MAX);
    bool same = false;
    for (int ending = AS_SENT; !same && ending <= WITH_SLASH; ending++) {
        buf_clear(&to_sign);
        int r = put_to_sign(&to_sign, request, c, (enum ending)ending);
        same = r == 0 && aws_sign_v2_is_signature(ret->user, buf_str(&to_sign), c->signature);
    }
    buf_finish(&to_sign);
    return same ? AWS_FAULT_NONE : AWS_FAULT_MISMATCH;
}

enum aws_fault aws_sign_v2_verify(const struct aws_sign_request *request,
                                  const struct aws_users *users, struct aws_signed *ret,
                                  struct str *ret_detail)
{
    struct buf memory;
    struct claim c;
    buf_init(&memory, 0);
    enum aws_fault fault = read_claim(request, &memory, &c);
    ret->scope = (struct aws_scope){ .kind = c.kind, .service = "s3" };
    if (fault == AWS_FAULT_NONE) {
        fault = keep_key(&ret->scope, c.access_key) ? check(request, users, &c, ret)
                                                    : AWS_FAULT_UNKNOWN_KEY;
    }
    *ret_detail = str_c(ret->scope.access_key);
    buf_finish(&memory);
    return fault;
}

void aws_sign_v2_explain(const struct aws_sign_request *request, struct buf *to_sign)
{
    struct buf memory;
    struct claim c;
    buf_init(&memory, 0);
    if (read_claim(request, &memory, &c) == AWS_FAULT_NONE) {
        /* What does not fit is left out of an error's text. */
        (void)!put_to_sign(to_sign, request, &c, AS_SENT);
    }
    buf_finish(&memory);
}
