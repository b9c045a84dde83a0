/* SPDX-License-Identifier: Apache-2.0 */
#include "control/s3/s3_post.h"

#include <errno.h>
#include <openssl/evp.h>
#include <stdio.h>

#include "base/hex.h"
#include "base/mem.h"
#include "control/s3/s3_access.h"
#include "control/s3/s3_body.h"
#include "control/s3/s3_form.h"
#include "control/s3/s3_name.h"
#include "control/s3/s3_page.h"
#include "control/s3/s3_post_policy.h"
#include "control/s3/s3_put.h"
#include "control/s3/s3_tags.h"
#include "control/sign/aws_sign.h"
#include "control/sign/aws_sign_v2.h"
#include "control/sign/aws_uri.h"
#include "http/http_block.h"
#include "http/http_head.h"

struct post {
    struct s3_put put; /* first: it is the state of s3_put.h */
    struct s3_form form;
    struct buf headers; /* the form's fields by the names that the head would have */
    struct buf key;
    struct buf policy;     /* decoded */
    uint64_t least, most;  /* bytes of the file */
    uint64_t fed, file_at; /* bytes of the form: all so far, those before the file */
    bool in_file, file_ended, over;
};

static void free_post(void *state)
{
    struct post *p = state;
    s3_new_finish(&p->put.new);
    s3_form_finish(&p->form);
    buf_finish(&p->headers);
    buf_finish(&p->key);
    buf_finish(&p->policy);
    free(p);
}

bool s3_post_is(const struct s3_request *rq)
{
    return str_eq(rq->x->method, STR("POST")) && rq->bucket_name.len > 0 && rq->key.len == 0 &&
           rq->param_count == 0;
}

static struct str field(const struct post *p, const char *name)
{
    return http_block_find(buf_str(&p->form.fields), str_c(name));
}

static void fail(struct s3_request *rq, enum s3_error error, const char *text)
{
    struct post *p = rq->state;
    if (!p->over) {
        p->over = true;
        s3_fail_text(rq, error, text);
    }
}

static void fail_missing(struct s3_request *rq, const char *name)
{
    struct post *p = rq->state;
    char text[128];
    (void)snprintf(text, sizeof(text),
                   "Bucket POST must contain a field named '%s'.  If it is specified, please check "
                   "the order of the fields.",
                   name); /* fits */
    if (!p->over) {
        p->over = true;
        s3_fail_argument(rq, text, name, STR(""));
    }
}

/* ---- who ---- */

/* How a form may be signed: the fields of it, of which all are there or none. */
static const struct signing {
    const char *fields[5];
    bool is_v4;
} signings[] = {
    { { "X-Amz-Algorithm", "X-Amz-Credential", "X-Amz-Date", "X-Amz-Signature", NULL }, true },
    { { "AWSAccessKeyId", "Signature", NULL }, false },
};

/* By its name as S3 writes it. */
static struct str signing_field(const struct post *p, const char *name)
{
    char lower[24];
    size_t len = 0;
    for (; name[len]; len++) {
        lower[len] = (char)(name[len] >= 'A' && name[len] <= 'Z' ? name[len] | 0x20 : name[len]);
    }
    lower[len] = '\0';
    return field(p, lower);
}

/* NULL: it is signed in neither way. *ret_missing: what it should have beside, or NULL. */
static const struct signing *find_signing(const struct post *p, const char **ret_missing)
{
    for (size_t i = 0; i < ARRAY_COUNT(signings); i++) {
        size_t count = 0, found = 0;
        *ret_missing = NULL;
        for (; signings[i].fields[count]; count++) {
            bool is_there = signing_field(p, signings[i].fields[count]).data != NULL;
            found += is_there;
            *ret_missing = is_there || *ret_missing ? *ret_missing : signings[i].fields[count];
        }
        if (found > 0) {
            return &signings[i];
        }
    }
    return NULL;
}

static bool decode_policy(struct post *p, struct str text)
{
    char *at;
    /* Some clients break the lines. */
    if (text.len % 4 != 0 || text.len == 0 || buf_reserve(&p->policy, text.len, &at) < 0) {
        return false;
    }
    int len = EVP_DecodeBlock((unsigned char *)at, (const unsigned char *)text.data, (int)text.len);
    size_t padding = text.data[text.len - 1] == '=';
    padding += text.len > 1 && text.data[text.len - 2] == '=';
    p->policy.len = len > 0 ? (size_t)len - padding : 0;
    return len > 0;
}

/* Signature Version 4 over the policy as it was sent. */
static bool is_signed_v4(struct s3_request *rq, const struct post *p, const struct aws_user **ret)
{
    struct aws_scope scope = { .kind = AWS_SIGN_NONE };
    struct str credential = field(p, "x-amz-credential"), signature = field(p, "x-amz-signature");
    uint8_t digest[AWS_DIGEST_BYTES], given[AWS_DIGEST_BYTES];
    if (!aws_scope_parse(credential, &scope)) {
        return false;
    }
    *ret = aws_users_find(rq->s3->services->users, str_c(scope.access_key));
    if (!*ret) {
        fail(rq, S3_INVALID_ACCESS_KEY, NULL);
        return false;
    }
    aws_users_sign(rq->s3->services->users, *ret, &scope, field(p, "policy"), digest);
    return hex_read(signature, given, sizeof(given)) &&
           aws_equal(str_of((const char *)digest, sizeof(digest)),
                     str_of((const char *)given, sizeof(given)));
}

/* The old way, which forms in the world still use: HMAC-SHA1 with the secret itself. */
static bool is_signed_v2(struct s3_request *rq, const struct post *p, const struct aws_user **ret)
{
    struct str policy = field(p, "policy");
    *ret = aws_users_find(rq->s3->services->users, field(p, "awsaccesskeyid"));
    if (!*ret) {
        fail(rq, S3_INVALID_ACCESS_KEY, NULL);
        return false;
    }
    return aws_sign_v2_is_signature(*ret, policy, field(p, "signature"));
}

static bool check_policy(struct s3_request *rq, struct post *p, struct s3_receive_plan *plan)
{
    const char *why;
    struct s3_post_policy policy = { .text = buf_str(&p->policy),
                                     .fields = buf_str(&p->form.fields),
                                     .bucket = rq->bucket_name,
                                     .key = rq->key,
                                     .now_ms = rq->now_ms };
    enum s3_error error = s3_post_policy_check(&policy, &why);
    if (error != S3_OK) {
        fail(rq, error, why);
        return false;
    }
    if (policy.has_range) {
        p->least = policy.least;
        plan->limit = policy.most < plan->limit ? policy.most : plan->limit;
    }
    return true;
}

/* A policy that somebody has signed; *ret is who. */
static bool check_signature(struct s3_request *rq, struct post *p, const struct aws_user **ret)
{
    const char *missing;
    const struct signing *signing = find_signing(p, &missing);
    if (!signing) {
        fail(rq, S3_ACCESS_DENIED, NULL);
        return false;
    }
    if (missing) {
        fail_missing(rq, missing);
        return false;
    }
    bool is_signed = signing->is_v4 ? is_signed_v4(rq, p, ret) : is_signed_v2(rq, p, ret);
    if (!is_signed && !p->over) {
        p->over = true;
        s3_fail_signature(rq, *ret ? (*ret)->access_key : STR(""),
                          field(p, signing->is_v4 ? "x-amz-signature" : "signature"),
                          field(p, "policy"), STR(""));
    }
    return is_signed;
}

/* Without a policy nobody has signed: then it is for anybody, if anybody may write. */
static bool authenticate(struct s3_request *rq, struct post *p, struct s3_receive_plan *plan)
{
    const struct aws_user *user = NULL;
    if (!field(p, "policy").data) {
        bool is_signed = field(p, "x-amz-signature").data || field(p, "signature").data;
        if (is_signed) {
            fail_missing(rq, "policy");
        }
        return !is_signed;
    }
    if (!check_signature(rq, p, &user)) {
        return false;
    }
    if (!decode_policy(p, field(p, "policy"))) {
        fail(rq, S3_INVALID_POLICY_DOCUMENT, "Invalid Policy: Invalid base64.");
        return false;
    }
    if (s3_page_is_foreign(rq, user)) {
        fail(rq, S3_ACCESS_DENIED,
             aws_fault_answer(AWS_FAULT_FOREIGN_PAGE, AWS_PROTOCOL_S3).message);
        return false;
    }
    rq->who.user = user;
    return check_policy(rq, p, plan);
}

/* ---- what ---- */

/* Whether it can be given back, if it is: metadata is encoded. */
static bool is_field(struct str name, struct str value)
{
    bool is_meta = str_starts(name, STR("x-amz-meta-"));
    bool is_kept = is_meta || str_starts(name, STR("x-amz-")) ||
                   str_starts(name, STR("content-")) || str_eq(name, STR("cache-control")) ||
                   str_eq(name, STR("expires"));
    return !is_kept || (http_is_token(name) && (is_meta || http_is_field_value(value)));
}

/* Fields are called as the head's are, but for the ACL; tags come as a document. */
static bool read_fields(struct s3_request *rq, struct post *p)
{
    struct str block = buf_str(&p->form.fields), name, value;
    bool fits = true;
    while (fits && http_block_next(&block, &name, &value)) {
        if (!is_field(name, value)) {
            p->over = true;
            s3_detail(rq, "ArgumentValue", value);
            s3_fail_text(rq, S3_INVALID_ARGUMENT,
                         "Header value cannot be represented using ISO-8859-1.");
            return false;
        }
        if (str_eq(name, STR("acl"))) {
            fits = http_block_add(&p->headers, STR("x-amz-acl"), value) == 0;
        } else if (!str_eq(name, STR("tagging")) && !str_eq(name, STR("policy"))) {
            fits = http_block_add(&p->headers, name, value) == 0;
        }
    }
    if (!fits) {
        fail(rq, S3_MAX_POST_PRE_DATA, NULL);
    }
    rq->form = buf_str(&p->headers);
    return fits;
}

static bool read_tags(struct s3_request *rq, struct post *p)
{
    struct str document = field(p, "tagging");
    struct s3_tags_fault fault = { 0 };
    enum s3_error error = S3_OK;
    if (document.data) {
        rq->xml = s3_xml_parse(document);
        const struct s3_xml_node *root = rq->xml ? s3_xml_root(rq->xml) : NULL;
        /* Another document has no tags. */
        error = !root ? S3_MALFORMED_XML
                : !s3_xml_is(root, "Tagging")
                    ? S3_OK
                    : s3_tags_from_xml(root, S3_TAGS_OF_OBJECT, &p->put.new.tags, &fault);
    }
    if (error != S3_OK) {
        p->over = true;
        s3_fail_tags(rq, error, &fault);
    }
    return error == S3_OK;
}

/* "${filename}" is what the browser calls the file, without its folder; if it says nothing, it
 * stays. */
static bool read_key(struct s3_request *rq, struct post *p)
{
    struct str key = field(p, "key"), name = buf_str(&p->form.filename);
    const char *slash = name.len > 0 ? memrchr(name.data, '/', name.len) : NULL;
    if (slash) {
        name = str_skip(name, (size_t)(slash - name.data) + 1);
    }
    if (!key.data || key.len == 0) {
        fail_missing(rq, "key");
        return false;
    }
    int r = 0;
    while (r == 0 && key.len > 0) {
        const char *at = name.len > 0 ? memmem(key.data, key.len, "${filename}", 11) : NULL;
        size_t before = at ? (size_t)(at - key.data) : key.len;
        r = buf_append(&p->key, str_of(key.data, before));
        r = r < 0 || !at ? r : buf_append(&p->key, name);
        key = str_skip(key, at ? before + 11 : before);
    }
    rq->key = buf_str(&p->key);
    if (r < 0 || rq->key.len > S3_KEY_BYTES_MAX || rq->key.len == 0 || !s3_name_is_utf8(rq->key)) {
        fail(rq, S3_KEY_TOO_LONG, NULL);
        return false;
    }
    return true;
}

/* ---- the answer ---- */

static void answer_document(struct s3_request *rq, const struct post *p, struct str location)
{
    struct s3_xml_out o = { .out = &rq->body };
    s3_xml_raw(&o, STR("<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n<PostResponse>"));
    s3_xml_put(&o, "Location", location);
    s3_xml_put(&o, "Bucket", rq->bucket_name);
    s3_xml_put(&o, "Key", rq->key);
    s3_xml_put_etag(&o, "ETag", p->put.write.object.etag);
    s3_xml_close(&o, "PostResponse");
    s3_answer_xml(rq, 201, o.r);
}

static bool answer_redirect(struct s3_request *rq, const struct post *p, struct str to)
{
    struct buf url;
    bool is_url = str_starts(to, STR("http://")) || str_starts(to, STR("https://"));
    buf_init(&url, LIMIT_REQUEST_LINE_BYTES);
    int r = buf_printf(&url, STR_FMT "%cbucket=" STR_FMT "&key=", STR_ARG(to),
                       str_find(to, '?') < to.len ? '&' : '?', STR_ARG(rq->bucket_name));
    r = r < 0 ? r : aws_uri_encode(&url, rq->key, 0);
    r = r < 0 ? r
              : buf_printf(&url, "&etag=%%22" STR_FMT "%%22", STR_ARG(p->put.write.object.etag));
    if (is_url && r == 0) {
        s3_put_header(rq, "location", buf_str(&url));
        s3_answer(rq, 303);
    }
    buf_finish(&url);
    return is_url && r == 0;
}

static void post_done(struct s3_request *rq, int r)
{
    const struct post *p = rq->state;
    struct str redirect = field(p, "success_action_redirect");
    struct str status = field(p, "success_action_status");
    if (s3_put_failed(rq, r)) {
        return;
    }
    redirect = redirect.data ? redirect : field(p, "redirect");
    s3_put_headers(rq);
    if (redirect.len > 0 && answer_redirect(rq, p, redirect)) {
        return;
    }
    struct buf location;
    buf_init(&location, LIMIT_REQUEST_HEAD_BYTES);
    if (s3_append_url(rq, &location) == 0) {
        s3_put_header(rq, "location", buf_str(&location));
    }
    if (str_eq(status, STR("201"))) {
        answer_document(rq, p, buf_str(&location));
    } else {
        s3_answer(rq, str_eq(status, STR("200")) ? 200 : 204);
    }
    buf_finish(&location);
}

/* ---- the body ---- */

static void on_room(size_t bytes, void *context)
{
    struct s3_request *rq = context;
    exchange_credit(rq->x, bytes);
}

/* A file that is too large is not read to its end: how long the form is says how large. */
static void put_sizes(struct s3_request *rq, const struct post *p)
{
    uint64_t length, around = p->file_at + p->form.delimiter_len + sizeof("--\r\n") - 1;
    if (str_to_u64(http_block_find(rq->x->headers, STR("content-length")), &length) &&
        length > around) {
        s3_detail_u64(rq, "ProposedSize", length - around);
    }
    s3_detail_u64(rq, "MaxSizeAllowed", p->most);
}

static void on_received(enum s3_error error, struct s3_received *received, void *context)
{
    struct s3_request *rq = context;
    struct post *p = rq->state;
    p->over = true;
    if (error != S3_OK) {
        if (error == S3_ENTITY_TOO_LARGE) {
            put_sizes(rq, p);
        }
        s3_body_fail(rq, error);
    } else if (received->size < p->least) {
        s3_detail_u64(rq, "ProposedSize", received->size);
        s3_detail_u64(rq, "MinSizeAllowed", p->least);
        s3_fail(rq, S3_ENTITY_TOO_SMALL);
    } else {
        s3_put_store(rq, received, "ObjectCreated:Post", post_done);
    }
}

/* The fields are complete: may it be written, and how? */
static void begin_file(struct s3_request *rq, struct post *p)
{
    struct s3_receive_plan plan;
    p->in_file = true;
    p->file_at = p->fed - p->form.pending.len;
    if (!read_fields(rq, p) || !read_key(rq, p)) {
        return;
    }
    p->over = !s3_body_plan_object(rq, &plan); /* what it does not like it has answered */
    plan.has_length = false;                   /* that of the form is another's */
    if (p->over || !authenticate(rq, p, &plan) || !read_tags(rq, p)) {
        return;
    }
    struct s3_new *n = &p->put.new;
    p->over = !s3_new_read(rq, n) || !s3_access_write(rq, "s3:PutObject", buf_str(&n->tags));
    p->most = plan.limit;
    if (!p->over) {
        plan.crypt = n->is_encrypted ? &n->crypt : NULL;
        rq->receive =
            s3_receive_create(rq->s3->services->loop, rq->s3->contents, rq->s3->lanes, &plan);
        s3_receive_listen(rq->receive, on_room, on_received, rq);
    }
}

static void fail_form(struct s3_request *rq, int r)
{
    struct post *p = rq->state;
    if (p->in_file && rq->receive) {
        s3_receive_fail(rq->receive, S3_MALFORMED_POST);
    } else {
        fail(rq, r == -EMSGSIZE ? S3_MAX_POST_PRE_DATA : S3_MALFORMED_POST, NULL);
    }
}

static void on_body(struct s3_request *rq, struct str data)
{
    struct post *p = rq->state;
    struct str piece = { NULL, 0 };
    size_t fed = 0;
    if (p->over || p->file_ended) {
        exchange_credit(rq->x, data.len);
        return;
    }
    p->fed += data.len;
    int r = s3_form_feed(&p->form, data);
    r = r < 0 ? r : s3_form_next(&p->form, &piece);
    while (r == S3_FORM_FILE && !p->over) {
        if (!p->in_file) {
            begin_file(rq, p);
        }
        if (!p->over && piece.len > 0) {
            fed += piece.len;
            s3_receive_feed(rq->receive, piece);
        }
        r = p->over ? S3_FORM_MORE : s3_form_next(&p->form, &piece);
    }
    if (!p->over) {
        /* What is around the file, and what is kept of it until it can be told, is dealt with. */
        exchange_credit(rq->x, data.len > fed ? data.len - fed : 0);
    }
    if (r < 0 && !p->over) {
        fail_form(rq, r);
    } else if (r == S3_FORM_END && !p->over) {
        p->file_ended = true;
        if (p->in_file) {
            s3_receive_end(rq->receive);
        } else {
            fail(rq, S3_INCORRECT_POST, NULL);
        }
    }
}

static void on_body_end(struct s3_request *rq)
{
    struct post *p = rq->state;
    if (!p->over && !p->file_ended) {
        fail_form(rq, -EBADMSG);
    }
}

/* Who leaves before the file has nobody else to tell. */
static void on_gone(struct s3_request *rq)
{
    if (rq->receive) {
        s3_receive_fail(rq->receive, S3_INCOMPLETE_BODY);
    } else {
        fail(rq, S3_INCOMPLETE_BODY, NULL);
    }
}

void s3_post_begin(struct s3_request *rq)
{
    struct post *p = s3_state(rq, sizeof(*p), free_post);
    s3_new_init(&p->put.new);
    buf_init(&p->headers, 2 * S3_FORM_FIELDS_MAX);
    buf_init(&p->key, LIMIT_REQUEST_HEAD_BYTES);
    buf_init(&p->policy, S3_FORM_FIELDS_MAX);
    rq->bucket = s3_buckets_find(rq->s3->buckets, rq->bucket_name);
    if (!str_starts(s3_header(rq, "content-type"), STR("multipart/form-data"))) {
        s3_detail(rq, "Condition",
                  STR("Bucket POST must be of the enclosure-type multipart/form-data"));
        fail(rq, S3_PRECONDITION_FAILED, NULL);
    } else if (s3_form_init(&p->form, s3_header(rq, "content-type")) < 0) {
        fail(rq, S3_MALFORMED_POST, NULL);
    } else if (!rq->bucket) {
        fail(rq, S3_NO_SUCH_BUCKET, NULL);
    } else if (!rq->x->has_body) {
        fail(rq, S3_INCORRECT_POST, NULL);
    } else {
        rq->on_body = on_body;
        rq->on_body_end = on_body_end;
        rq->gone = on_gone;
    }
}
