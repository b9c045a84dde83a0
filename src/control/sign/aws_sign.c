/* SPDX-License-Identifier: Apache-2.0 */
#include "control/sign/aws_sign.h"

#include <stdio.h>
#include <time.h>

#include "base/hex.h"
#include "base/limits.h"
#include "control/sign/aws_canonical.h"
#include "control/sign/aws_digest.h"
#include "control/sign/aws_sign_v2.h"
#include "control/sign/aws_uri.h"
#include "http/http_block.h"
#include "http/http_head.h"
#include "http/http_page.h"

/* Escapes make three bytes of one; for services other than S3 nine. */
#define CANONICAL_BYTES_MAX (9 * LIMIT_REQUEST_HEAD_BYTES + KIB)
#define DATE_LEN            16 /* 20130524T000000Z */
#define DAY_LEN             8

/* What a request says about its signature. */
struct claim {
    struct aws_scope scope;
    struct str signed_headers; /* "host;x-amz-date" */
    struct str signature;
    struct str date;    /* as sent; empty: of the Date field */
    struct str expires; /* of a query */
};

static bool is_s3(const struct claim *c)
{
    return strcmp(c->scope.service, "s3") == 0;
}

/* A parameter of the query, decoded when `memory` is not NULL; else data is NULL. */
static struct str query_find(struct str query, const char *name, struct buf *memory)
{
    struct str key, value;
    while (aws_query_next(&query, &key, &value)) {
        if (str_eq(key, str_c(name))) {
            size_t before = memory->len;
            if (aws_uri_decode(memory, value, AWS_URI_PLUS) < 0) {
                break;
            }
            /* A buffer of the query's size does not move. */
            return str_of(memory->data + before, memory->len - before);
        }
    }
    return (struct str){ NULL, 0 };
}

/* "AKID/20130524/us-east-1/s3/aws4_request"; access keys may hold slashes. */
bool aws_scope_parse(struct str credential, struct aws_scope *ret)
{
    struct str parts[4];
    for (size_t i = 0; i < 4; i++) {
        const char *slash =
            credential.len > 0 ? memrchr(credential.data, '/', credential.len) : NULL;
        if (!slash) {
            return false;
        }
        size_t at = (size_t)(slash - credential.data);
        parts[i] = str_skip(credential, at + 1);
        credential.len = at;
    }
    return str_eq(parts[0], STR("aws4_request")) && credential.len > 0 && parts[3].len == DAY_LEN &&
           str_keep(credential, ret->access_key, sizeof(ret->access_key)) &&
           str_keep(parts[3], ret->day, sizeof(ret->day)) &&
           str_keep(parts[2], ret->region, sizeof(ret->region)) &&
           str_keep(parts[1], ret->service, sizeof(ret->service));
}

static struct str header_find(const struct aws_sign_request *request, struct str name)
{
    return http_block_find(request->headers, name);
}

static enum aws_fault read_header(struct str value, struct claim *c, struct str *ret_detail)
{
    struct str rest = str_skip(value, sizeof("AWS4-HMAC-SHA256") - 1);
    c->scope.kind = AWS_SIGN_HEADER;
    while (rest.len > 0) {
        struct str part = str_trim(str_cut(&rest, ','));
        struct str name = str_cut(&part, '=');
        if (str_eq(name, STR("Credential"))) {
            if (!aws_scope_parse(part, &c->scope)) {
                *ret_detail = STR("the Credential is mal-formed; expecting "
                                  "\"<YOUR-AKID>/YYYYMMDD/REGION/SERVICE/aws4_request\".");
                return AWS_FAULT_MALFORMED_HEADER;
            }
        } else if (str_eq(name, STR("SignedHeaders"))) {
            c->signed_headers = part;
        } else if (str_eq(name, STR("Signature"))) {
            c->signature = part;
        }
    }
    *ret_detail = c->scope.access_key[0] == '\0' ? STR("missing Credential")
                  : c->signed_headers.len == 0   ? STR("missing SignedHeaders")
                  : c->signature.len == 0        ? STR("missing Signature")
                                                 : STR("");
    return ret_detail->len > 0 ? AWS_FAULT_MALFORMED_HEADER : AWS_FAULT_NONE;
}

static enum aws_fault read_query(struct str query, struct buf *memory, struct claim *c,
                                 struct str *ret_detail)
{
    struct str algorithm = query_find(query, "X-Amz-Algorithm", memory);
    struct str credential = query_find(query, "X-Amz-Credential", memory);
    c->scope.kind = AWS_SIGN_QUERY;
    c->signed_headers = query_find(query, "X-Amz-SignedHeaders", memory);
    c->signature = query_find(query, "X-Amz-Signature", memory);
    c->date = query_find(query, "X-Amz-Date", memory);
    c->expires = query_find(query, "X-Amz-Expires", memory);
    if (!str_eq(algorithm, STR("AWS4-HMAC-SHA256"))) {
        *ret_detail = STR("X-Amz-Algorithm only supports \"AWS4-HMAC-SHA256 and "
                          "AWS4-ECDSA-P256-SHA256\"");
        return AWS_FAULT_MALFORMED_QUERY;
    }
    if (credential.len == 0 || c->signed_headers.len == 0 || c->signature.len == 0 ||
        c->date.len == 0 || c->expires.len == 0) {
        *ret_detail = STR("Query-string authentication version 4 requires the X-Amz-Algorithm, "
                          "X-Amz-Credential, X-Amz-Signature, X-Amz-Date, X-Amz-SignedHeaders, "
                          "and X-Amz-Expires parameters.");
        return AWS_FAULT_MALFORMED_QUERY;
    }
    if (!aws_scope_parse(credential, &c->scope)) {
        *ret_detail = STR("Error parsing the X-Amz-Credential parameter; the Credential is "
                          "mal-formed; expecting \"<YOUR-AKID>/YYYYMMDD/REGION/SERVICE/"
                          "aws4_request\".");
        return AWS_FAULT_MALFORMED_QUERY;
    }
    return AWS_FAULT_NONE;
}

static bool query_has(struct str query, const char *name)
{
    struct str key, value;
    while (aws_query_next(&query, &key, &value)) {
        if (str_eq(key, str_c(name))) {
            return true;
        }
    }
    return false;
}

/* `memory` holds what of the query is decoded. */
static enum aws_fault read_claim(const struct aws_sign_request *request, struct buf *memory,
                                 struct claim *c, struct str *ret_detail)
{
    struct str path, query;
    struct str value = header_find(request, STR("authorization"));
    aws_target_split(request->target, &path, &query);
    bool in_query = query.len > 0 && query_has(query, "X-Amz-Algorithm");
    bool old_query = query.len > 0 && query_has(query, "AWSAccessKeyId");
    *c = (struct claim){ .scope.kind = AWS_SIGN_NONE };
    *ret_detail = STR("");
    if (value.data && (in_query || old_query)) {
        return AWS_FAULT_TWICE;
    }
    if (in_query) {
        char *room;
        memory->limit = query.len; /* reserved whole, so that views into it stay */
        return buf_reserve(memory, query.len, &room) < 0 ? AWS_FAULT_MALFORMED_QUERY
                                                         : read_query(query, memory, c, ret_detail);
    }
    if (value.data && str_starts(value, STR("AWS4-HMAC-SHA256"))) {
        c->date = header_find(request, STR("x-amz-date"));
        return read_header(value, c, ret_detail);
    }
    if (old_query || (value.data && str_starts(value, STR("AWS ")))) {
        return AWS_FAULT_VERSION_2;
    }
    return value.data ? AWS_FAULT_UNSUPPORTED : AWS_FAULT_NONE;
}

static bool parse_date(struct str text, int64_t *ret_s)
{
    uint64_t day, time_of_day;
    if (text.len != DATE_LEN || text.data[8] != 'T' || text.data[15] != 'Z' ||
        !str_to_u64(str_of(text.data, 8), &day) ||
        !str_to_u64(str_of(text.data + 9, 6), &time_of_day)) {
        return false;
    }
    struct tm tm = { .tm_year = (int)(day / 10000) - 1900,
                     .tm_mon = (int)(day / 100 % 100) - 1,
                     .tm_mday = (int)(day % 100),
                     .tm_hour = (int)(time_of_day / 10000),
                     .tm_min = (int)(time_of_day / 100 % 100),
                     .tm_sec = (int)(time_of_day % 100) };
    if (tm.tm_mon < 0 || tm.tm_mon > 11 || tm.tm_mday < 1 || tm.tm_mday > 31 || tm.tm_hour > 23 ||
        tm.tm_min > 59 || tm.tm_sec > 60) {
        return false;
    }
    *ret_s = timegm(&tm);
    return true;
}

/* The date that is part of what was signed, from x-amz-date, X-Amz-Date or Date. */
static bool find_date(const struct aws_sign_request *request, const struct claim *c, char *ret_date,
                      int64_t *ret_s)
{
    struct tm tm;
    if (c->date.len == 0 && aws_sign_parse_date(header_find(request, STR("date")), ret_s)) {
        time_t seconds = *ret_s;
        return gmtime_r(&seconds, &tm) && strftime(ret_date, DATE_LEN + 1, "%Y%m%dT%H%M%SZ", &tm);
    }
    struct str date = c->date.len > 0 ? c->date : header_find(request, STR("date"));
    if (!parse_date(date, ret_s)) {
        return false;
    }
    memcpy(ret_date, date.data, DATE_LEN);
    ret_date[DATE_LEN] = '\0';
    return true;
}

static enum aws_fault check_time(const struct claim *c, int64_t date_s, int64_t now_s,
                                 struct str *ret_detail)
{
    uint64_t expires;
    if (c->scope.kind == AWS_SIGN_HEADER) {
        bool near = date_s - now_s <= AWS_SIGN_SKEW_S && now_s - date_s <= AWS_SIGN_SKEW_S;
        return near ? AWS_FAULT_NONE : AWS_FAULT_SKEWED;
    }
    if (c->expires.data[0] == '-') {
        *ret_detail = STR("X-Amz-Expires must be non-negative");
        return AWS_FAULT_BAD_EXPIRES;
    }
    if (!str_to_u64(c->expires, &expires)) {
        *ret_detail = STR("X-Amz-Expires should be a number");
        return AWS_FAULT_BAD_EXPIRES;
    }
    if (expires > AWS_SIGN_EXPIRES_MAX_S) {
        *ret_detail = STR("X-Amz-Expires must be less than a week (in seconds); that is, the given "
                          "X-Amz-Expires must be less than 604800 seconds");
        return AWS_FAULT_BAD_EXPIRES;
    }
    if (date_s - now_s > AWS_SIGN_SKEW_S) {
        return AWS_FAULT_NOT_YET;
    }
    return expires == 0 || now_s - date_s > (int64_t)expires ? AWS_FAULT_EXPIRED : AWS_FAULT_NONE;
}

static bool list_has(struct str list, struct str name)
{
    while (list.len > 0) {
        if (str_eq_nocase(str_cut(&list, ';'), name)) {
            return true;
        }
    }
    return false;
}

/* S3 wants every x-amz- field signed; Host is signed everywhere. */
static enum aws_fault check_signed(const struct aws_sign_request *request, const struct claim *c,
                                   struct str *ret_detail)
{
    struct str block = request->headers, name, value;
    if (!list_has(c->signed_headers, STR("host"))) {
        *ret_detail = STR("host");
        return AWS_FAULT_NOT_SIGNED;
    }
    while (is_s3(c) && http_block_next(&block, &name, &value)) {
        if (str_starts(name, STR("x-amz-")) && !list_has(c->signed_headers, name) &&
            !(c->scope.kind == AWS_SIGN_QUERY && str_eq(name, STR("x-amz-content-sha256")))) {
            *ret_detail = name;
            return AWS_FAULT_NOT_SIGNED;
        }
    }
    return AWS_FAULT_NONE;
}

static int put_canonical(struct buf *out, const struct aws_sign_request *request,
                         const struct claim *c, struct str content)
{
    struct aws_canonical form = { .signed_headers = c->signed_headers,
                                  .content = content,
                                  .path_as_is = is_s3(c),
                                  .fields_in_query = is_s3(c) && c->scope.kind == AWS_SIGN_QUERY };
    return aws_canonical_put(out, request, &form);
}

static int put_to_sign(struct buf *out, const struct claim *c, const char *date,
                       struct str canonical)
{
    uint8_t digest[AWS_DIGEST_BYTES];
    char hex[AWS_HEX_BYTES];
    aws_sha256(canonical, digest);
    (void)hex_write(digest, sizeof(digest), hex);
    const struct str parts[] = { STR("AWS4-HMAC-SHA256\n"),
                                 str_c(date),
                                 STR("\n"),
                                 str_c(c->scope.day),
                                 STR("/"),
                                 str_c(c->scope.region),
                                 STR("/"),
                                 str_c(c->scope.service),
                                 STR("/aws4_request\n"),
                                 str_of(hex, sizeof(hex)) };
    for (size_t i = 0; i < ARRAY_COUNT(parts); i++) {
        TRY(buf_append(out, parts[i]));
    }
    return 0;
}

/* What stands for the body in what is signed. `memory` has room for a digest in hexadecimal. */
static struct str content_of(const struct aws_sign_request *request, const struct claim *c,
                             char memory[AWS_HEX_BYTES])
{
    uint8_t digest[AWS_DIGEST_BYTES];
    struct str path, query, name, value;
    struct str content = header_find(request, STR("x-amz-content-sha256"));
    if (content.data) {
        return content;
    }
    if (request->body) {
        aws_sha256(*request->body, digest);
        (void)hex_write(digest, sizeof(digest), memory);
        return str_of(memory, AWS_HEX_BYTES);
    }
    aws_target_split(request->target, &path, &query);
    while (c->scope.kind == AWS_SIGN_QUERY && aws_query_next(&query, &name, &value)) {
        if (str_eq(name, STR("X-Amz-Content-Sha256"))) {
            return value; /* has nothing to decode */
        }
    }
    return c->scope.kind == AWS_SIGN_QUERY ? STR("UNSIGNED-PAYLOAD") : (struct str){ NULL, 0 };
}

static enum aws_fault read_content(struct str content, struct aws_signed *ret)
{
    ret->trailer = false;
    if (!content.data) {
        return AWS_FAULT_NO_CONTENT_SHA256;
    }
    if (str_eq(content, STR("UNSIGNED-PAYLOAD"))) {
        ret->body = AWS_BODY_UNSIGNED;
    } else if (str_eq(content, STR("STREAMING-UNSIGNED-PAYLOAD-TRAILER"))) {
        ret->body = AWS_BODY_CHUNKS_UNSIGNED;
        ret->trailer = true;
    } else if (str_eq(content, STR("STREAMING-AWS4-HMAC-SHA256-PAYLOAD"))) {
        ret->body = AWS_BODY_CHUNKS;
    } else if (str_eq(content, STR("STREAMING-AWS4-HMAC-SHA256-PAYLOAD-TRAILER"))) {
        ret->body = AWS_BODY_CHUNKS;
        ret->trailer = true;
    } else if (hex_read(content, ret->sha256, AWS_DIGEST_BYTES)) {
        ret->body = AWS_BODY_HASHED;
    } else {
        return AWS_FAULT_BAD_CONTENT_SHA256;
    }
    return AWS_FAULT_NONE;
}

/* A body that is known must be the one that was signed. */
static bool is_body(const struct aws_signed *s, const struct str *body)
{
    uint8_t digest[AWS_DIGEST_BYTES];
    if (!body || s->body != AWS_BODY_HASHED) {
        return true;
    }
    aws_sha256(*body, digest);
    return memcmp(digest, s->sha256, sizeof(digest)) == 0;
}

static enum aws_fault check_signature(const struct aws_sign_request *request,
                                      struct aws_users *users, const struct claim *c,
                                      struct str content, struct aws_signed *s)
{
    struct buf canonical, to_sign;
    uint8_t digest[AWS_DIGEST_BYTES];
    buf_init(&canonical, CANONICAL_BYTES_MAX);
    buf_init(&to_sign, LIMIT_REQUEST_HEAD_BYTES);
    int r = put_canonical(&canonical, request, c, content);
    r = r < 0 ? r : put_to_sign(&to_sign, c, s->date, buf_str(&canonical));
    if (r == 0) {
        aws_users_sign(users, s->user, &c->scope, buf_str(&to_sign), digest);
        (void)hex_write(digest, sizeof(digest), s->signature);
    }
    buf_finish(&canonical);
    buf_finish(&to_sign);
    bool same = r == 0 && aws_equal(c->signature, str_of(s->signature, AWS_HEX_BYTES));
    return same ? AWS_FAULT_NONE : AWS_FAULT_MISMATCH;
}

/* What the head shows without its signature: a time, a user, what is signed. */
static enum aws_fault check_claim(const struct aws_sign_request *request, struct aws_users *users,
                                  const struct claim *c, struct aws_signed *s,
                                  struct str *ret_detail)
{
    int64_t date_s;
    if (!find_date(request, c, s->date, &date_s)) {
        return AWS_FAULT_BAD_DATE;
    }
    enum aws_fault fault = check_time(c, date_s, (int64_t)request->now_s, ret_detail);
    if (fault != AWS_FAULT_NONE) {
        return fault;
    }
    if (memcmp(s->date, c->scope.day, DAY_LEN) != 0) {
        *ret_detail = STR("Invalid credential date. Date is not the same as X-Amz-Date.");
        return c->scope.kind == AWS_SIGN_QUERY ? AWS_FAULT_MALFORMED_QUERY
                                               : AWS_FAULT_MALFORMED_HEADER;
    }
    s->user = aws_users_find(users, str_c(c->scope.access_key));
    if (!s->user) {
        *ret_detail = str_c(s->scope.access_key);
        return AWS_FAULT_UNKNOWN_KEY;
    }
    return check_signed(request, c, ret_detail);
}

static enum aws_fault verify(const struct aws_sign_request *request, struct aws_users *users,
                             const struct claim *c, struct aws_signed *s, struct str *ret_detail)
{
    char hex[AWS_HEX_BYTES];
    struct str content = content_of(request, c, hex);
    enum aws_fault fault = read_content(content, s);
    if (fault == AWS_FAULT_NONE) {
        fault = check_claim(request, users, c, s, ret_detail);
    }
    if (fault != AWS_FAULT_NONE || request->is_head) {
        return fault;
    }
    fault = check_signature(request, users, c, content, s);
    return fault == AWS_FAULT_NONE && !is_body(s, request->body) ? AWS_FAULT_MISMATCH : fault;
}

/* Nobody vouches for the body; but it may be in chunks, or say what it should be. */
static enum aws_fault read_unsigned_body(const struct aws_sign_request *request,
                                         struct aws_signed *s)
{
    struct str content = header_find(request, STR("x-amz-content-sha256"));
    enum aws_fault fault = content.data ? read_content(content, s) : AWS_FAULT_NONE;
    return s->body == AWS_BODY_CHUNKS ? AWS_FAULT_BAD_CONTENT_SHA256 : fault;
}

/* Who has had AWS's own names lead here; nobody else has names there that change. */
static bool is_aws_host(struct str host)
{
    struct str name = http_host_without_port(host), domain = STR(".amazonaws.com");
    return name.len > domain.len && str_eq_nocase(str_skip(name, name.len - domain.len), domain);
}

static bool is_known_to_all(const struct aws_user *user)
{
    return user && str_eq(user->access_key, STR(AWS_ROOT_KEY)) &&
           str_eq(user->secret, STR(AWS_ROOT_SECRET));
}

bool aws_sign_is_foreign_page(const struct aws_user *user, struct str headers)
{
    return is_known_to_all(user) &&
           http_page_is_foreign(http_block_find(headers, STR("origin")),
                                http_block_find(headers, STR("sec-fetch-site")));
}

/* By a name of its own that leads here, a page reads whatever it asks for. S3 looks at the rest. */
static bool is_foreign(const struct aws_sign_request *request, const struct aws_user *user)
{
    bool is_rebound = !http_page_is_local_host(request->host) && !is_aws_host(request->host);
    return (is_rebound && is_known_to_all(user)) ||
           (request->body && aws_sign_is_foreign_page(user, request->headers));
}

enum aws_fault aws_sign_verify(const struct aws_sign_request *request, struct aws_users *users,
                               struct aws_signed *ret, struct str *ret_detail)
{
    struct buf memory;
    struct claim claim;
    buf_init(&memory, 0);
    enum aws_fault fault = read_claim(request, &memory, &claim, ret_detail);
    *ret = (struct aws_signed){ .scope = claim.scope };
    if (fault == AWS_FAULT_NONE && claim.scope.kind != AWS_SIGN_NONE) {
        fault = verify(request, users, &claim, ret, ret_detail);
    } else {
        /* S3's bodies are not here yet, so its requests alone are without one. */
        if (fault == AWS_FAULT_VERSION_2 && !request->body) {
            fault = aws_sign_v2_verify(request, users, ret, ret_detail);
        }
        fault = fault == AWS_FAULT_NONE ? read_unsigned_body(request, ret) : fault;
    }
    buf_finish(&memory);
    if (fault == AWS_FAULT_NONE && is_foreign(request, ret->user)) {
        fault = AWS_FAULT_FOREIGN_PAGE;
    }
    return fault;
}

void aws_sign_scope(const struct aws_sign_request *request, struct aws_scope *ret)
{
    struct buf memory;
    struct claim claim;
    struct str detail;
    buf_init(&memory, 0);
    enum aws_fault fault = read_claim(request, &memory, &claim, &detail);
    *ret = fault == AWS_FAULT_NONE ? claim.scope : (struct aws_scope){ .kind = AWS_SIGN_NONE };
    buf_finish(&memory);
}

void aws_sign_explain(const struct aws_sign_request *request, struct buf *canonical,
                      struct buf *to_sign)
{
    struct buf memory;
    struct claim claim;
    struct str detail;
    char hex[AWS_HEX_BYTES], date[DATE_LEN + 1];
    int64_t date_s;
    buf_init(&memory, 0);
    enum aws_fault fault = read_claim(request, &memory, &claim, &detail);
    if (fault == AWS_FAULT_VERSION_2) {
        aws_sign_v2_explain(request, to_sign);
    } else if (fault == AWS_FAULT_NONE && claim.scope.kind != AWS_SIGN_NONE &&
               find_date(request, &claim, date, &date_s)) {
        struct str content = content_of(request, &claim, hex);
        /* What does not fit is left out of an error's text. */
        int r = put_canonical(canonical, request, &claim, content);
        (void)(r < 0 ? r : put_to_sign(to_sign, &claim, date, buf_str(canonical)));
    }
    buf_finish(&memory);
}
