/* SPDX-License-Identifier: Apache-2.0 */
#include "control/s3/s3_new.h"

#include <openssl/evp.h>
#include <stdio.h>

#include "control/s3/s3_acl_request.h"
#include "control/s3/s3_charset.h"
#include "control/s3/s3_lock.h"
#include "control/s3/s3_tags.h"
#include "http/http_block.h"

#define HEADERS_BYTES_MAX (24 * KIB) /* the head of an answer has to take them */
#define SSE               "x-amz-server-side-encryption"
#define BUCKET_KEY        SSE "-bucket-key-enabled"

void s3_new_init(struct s3_new *n)
{
    *n = (struct s3_new){ 0 };
    buf_init(&n->headers, HEADERS_BYTES_MAX);
    buf_init(&n->tags, S3_TAG_BYTES_MAX);
    buf_init(&n->acl, S3_ACL_BYTES_MAX);
}

void s3_new_finish(struct s3_new *n)
{
    buf_finish(&n->headers);
    buf_finish(&n->tags);
    buf_finish(&n->acl);
}

bool s3_new_add_header(struct s3_new *n, struct str name, struct str value)
{
    return http_block_add(&n->headers, name, value) == 0;
}

/* The coding of the transfer is no coding of the object: it is left out of the list. */
static int put_coding(struct buf *out, struct str list)
{
    int r = 0;
    while (r == 0 && list.len > 0) {
        struct str one = str_trim(str_cut(&list, ','));
        if (one.len > 0 && !str_eq_nocase(one, STR("aws-chunked"))) {
            r = buf_printf(out, "%s" STR_FMT, out->len > 0 ? ", " : "", STR_ARG(one));
        }
    }
    return r;
}

static bool add_coding(struct s3_request *rq, struct s3_new *n)
{
    struct buf coding;
    buf_init(&coding, HEADERS_BYTES_MAX);
    bool fits =
        put_coding(&coding, s3_header(rq, "content-encoding")) == 0 &&
        (coding.len == 0 || s3_new_add_header(n, STR("content-encoding"), buf_str(&coding)));
    buf_finish(&coding);
    return fits;
}

static bool is_storage_class(struct str name)
{
    static const char *const known[] = {
        "STANDARD", "REDUCED_REDUNDANCY", "STANDARD_IA", "ONEZONE_IA",
        "GLACIER",  "DEEP_ARCHIVE",       "GLACIER_IR",  "INTELLIGENT_TIERING",
    };
    for (size_t i = 0; i < ARRAY_COUNT(known); i++) {
        if (str_eq(name, str_c(known[i]))) {
            return true;
        }
    }
    return false;
}

/* Of a form or of a URL: those are UTF-8, a head is not. */
static bool is_text(const struct s3_request *rq, struct str name)
{
    return rq->form.data || !http_block_find(rq->x->headers, name).data;
}

static int put_metadata(struct buf *out, struct str value, bool is_text)
{
    struct buf text;
    buf_init(&text, HEADERS_BYTES_MAX);
    int r = is_text ? buf_append(&text, value) : s3_charset_from_field(&text, value);
    r = r < 0 ? r : s3_charset_put_word(out, buf_str(&text));
    buf_finish(&text);
    return r;
}

/* The values of all fields of a name, the list that they are (RFC 9110 5.3). */
static int join_fields(struct buf *out, struct str block, struct str wanted)
{
    struct str name, value;
    bool is_first = true;
    int r = 0;
    buf_clear(out);
    while (r == 0 && http_block_next(&block, &name, &value)) {
        if (str_eq(name, wanted)) {
            r = is_first ? 0 : buf_append(out, STR(","));
            r = r == 0 ? buf_append(out, value) : r;
            is_first = false;
        }
    }
    return r;
}

static bool add_metadata(struct s3_request *rq, struct s3_new *n)
{
    struct str all = s3_headers(rq), block = all, name, value;
    struct buf joined, told;
    size_t bytes = 0;
    bool fits = true;
    buf_init(&joined, HEADERS_BYTES_MAX);
    buf_init(&told, HEADERS_BYTES_MAX);
    while (fits && http_block_next(&block, &name, &value)) {
        bool is_first = http_block_find(all, name).data == value.data;
        if (!str_starts(name, STR("x-amz-meta-")) || !is_first) {
            continue;
        }
        buf_clear(&told);
        fits = join_fields(&joined, all, name) == 0;
        bytes += name.len - (sizeof("x-amz-meta-") - 1) + joined.len;
        fits = fits && bytes <= S3_METADATA_BYTES_MAX &&
               put_metadata(&told, buf_str(&joined), is_text(rq, name)) == 0 &&
               s3_new_add_header(n, name, buf_str(&told));
    }
    buf_finish(&joined);
    buf_finish(&told);
    if (!fits) {
        s3_fail(rq, S3_METADATA_TOO_LARGE);
    }
    return fits;
}

static bool add_kept(struct s3_request *rq, struct s3_new *n, const char *name)
{
    struct str value = s3_header(rq, name);
    struct buf told;
    if (!value.data || !is_text(rq, str_c(name))) {
        return !value.data || s3_new_add_header(n, str_c(name), value);
    }
    buf_init(&told, HEADERS_BYTES_MAX);
    bool fits = s3_charset_to_latin1(&told, value) >= 0 &&
                s3_new_add_header(n, str_c(name), buf_str(&told));
    buf_finish(&told);
    return fits;
}

bool s3_new_check_headers(struct s3_request *rq)
{
    struct str class = s3_header(rq, "x-amz-storage-class");
    struct str redirect = s3_header(rq, "x-amz-website-redirect-location");
    if (class.data && !is_storage_class(class)) {
        s3_detail(rq, "StorageClassRequested", class);
        s3_fail(rq, S3_INVALID_STORAGE_CLASS);
        return false;
    }
    if (redirect.data && !str_starts(redirect, STR("/")) && !str_starts(redirect, STR("http://")) &&
        !str_starts(redirect, STR("https://"))) {
        s3_fail(rq, S3_INVALID_REDIRECT_LOCATION);
        return false;
    }
    return true;
}

bool s3_new_add_said(const struct s3_request *rq, struct s3_new *n)
{
    struct str class = s3_header(rq, "x-amz-storage-class");
    struct str redirect = s3_header(rq, "x-amz-website-redirect-location");
    return (!class.data || str_eq(class, STR("STANDARD")) ||
            s3_new_add_header(n, STR("x-amz-storage-class"), class)) &&
           (!redirect.data ||
            s3_new_add_header(n, STR("x-amz-website-redirect-location"), redirect));
}

bool s3_new_read_headers(struct s3_request *rq, struct s3_new *n)
{
    static const char *const kept[] = { "cache-control", "content-disposition", "content-language",
                                        "expires" };
    struct str type = s3_header(rq, "content-type");
    if (!s3_new_check_headers(rq)) {
        return false;
    }
    bool fits =
        s3_new_add_header(n, STR("content-type"), type.len > 0 ? type : STR("binary/octet-stream"));
    for (size_t i = 0; i < ARRAY_COUNT(kept); i++) {
        fits = fits && add_kept(rq, n, kept[i]);
    }
    if (!fits || !add_coding(rq, n) || !s3_new_add_said(rq, n)) {
        s3_fail(rq, S3_METADATA_TOO_LARGE);
        return false;
    }
    return add_metadata(rq, n);
}

bool s3_new_read_tags(struct s3_request *rq, struct s3_new *n)
{
    struct s3_tags_fault fault;
    struct str tags = s3_header(rq, "x-amz-tagging");
    enum s3_error error = s3_tags_from_query(tags, &n->tags, &fault);
    if (error != S3_OK) {
        s3_fail_tags(rq, error, &fault);
        return false;
    }
    return true;
}

bool s3_new_read_lock(struct s3_request *rq, struct s3_new *n)
{
    return s3_lock_read_headers(rq, &n->lock_mode, &n->lock_until_ms, &n->legal_hold);
}

/* ---- encryption ---- */

enum customer_key { NO_KEY, HAS_KEY, KEY_ANSWERED };

static struct str customer_field(const struct s3_request *rq, const char *prefix, const char *name)
{
    char field[96];
    (void)snprintf(field, sizeof(field), "%s%s", prefix, name); /* fits */
    return s3_header(rq, field);
}

/* Whatever is wrong with the key, S3 names the field of the method. */
static enum customer_key refuse_key(struct s3_request *rq, const char *text)
{
    s3_detail(rq, "ArgumentName", STR(SSE));
    s3_fail_text(rq, S3_INVALID_ARGUMENT, text);
    return KEY_ANSWERED;
}

static enum customer_key read_customer_key(struct s3_request *rq, const char *prefix,
                                           uint8_t ret_key[S3_CRYPT_KEY_BYTES])
{
    struct str algorithm = customer_field(rq, prefix, "algorithm");
    struct str key = customer_field(rq, prefix, "key"), md5 = customer_field(rq, prefix, "key-md5");
    uint8_t digest[S3_MD5_BYTES], given[S3_MD5_BYTES];
    if (!algorithm.data && !key.data && !md5.data) {
        return NO_KEY;
    }
    if (!algorithm.data) {
        return refuse_key(rq,
                          "Requests specifying Server Side Encryption with Customer provided keys "
                          "must provide a valid encryption algorithm.");
    }
    if (!str_eq(algorithm, STR("AES256"))) {
        s3_detail(rq, "ArgumentName", STR(SSE));
        s3_detail(rq, "ArgumentValue", algorithm);
        s3_fail(rq, S3_INVALID_ENCRYPTION);
        return KEY_ANSWERED;
    }
    if (!key.data) {
        return refuse_key(rq,
                          "Requests specifying Server Side Encryption with Customer provided keys "
                          "must provide an appropriate secret key.");
    }
    if (!aws_base64_decode(key, ret_key, S3_CRYPT_KEY_BYTES)) {
        return refuse_key(rq, "The secret key was invalid for the specified algorithm.");
    }
    if (!md5.data) {
        return refuse_key(rq,
                          "Requests specifying Server Side Encryption with Customer provided keys "
                          "must provide the client calculated MD5 of the secret key.");
    }
    if (EVP_Digest(ret_key, S3_CRYPT_KEY_BYTES, digest, NULL, EVP_md5(), NULL) != 1 ||
        !aws_base64_decode(md5, given, sizeof(given)) ||
        memcmp(digest, given, sizeof(given)) != 0) {
        return refuse_key(rq, "The calculated MD5 hash of the key did not match the hash that was "
                              "provided.");
    }
    return HAS_KEY;
}

bool s3_new_open(struct s3_request *rq, const char *prefix, struct str stored, struct s3_crypt *ret)
{
    uint8_t key[S3_CRYPT_KEY_BYTES];
    enum customer_key has = read_customer_key(rq, prefix, key);
    if (has == KEY_ANSWERED) {
        return false;
    }
    const char *why = NULL;
    if ((has == HAS_KEY) != (stored.len > 0)) {
        why = stored.len > 0
                  ? "The object was stored using a form of Server Side Encryption. The correct "
                    "parameters must be provided to retrieve the object."
                  : "The encryption parameters are not applicable to this object.";
    } else if (stored.len > 0 && !s3_crypt_open(ret, key, stored)) {
        why = "The provided encryption parameters did not match the ones used originally.";
    }
    if (why) {
        s3_fail_text(rq, S3_INVALID_REQUEST, why);
    }
    return !why;
}

void s3_new_put_encryption(struct s3_request *rq, struct str headers, bool by_customer)
{
    struct str algorithm = http_block_find(headers, STR(SSE));
    struct str key = http_block_find(headers, STR(SSE "-aws-kms-key-id"));
    struct str bucket_key = http_block_find(headers, STR(BUCKET_KEY));
    if (by_customer) {
        s3_put_header(rq, S3_CUSTOMER_PREFIX "algorithm", STR("AES256"));
        s3_put_header(rq, S3_CUSTOMER_PREFIX "key-MD5",
                      s3_header(rq, S3_CUSTOMER_PREFIX "key-md5"));
        return;
    }
    s3_put_header(rq, SSE, algorithm.data ? algorithm : STR("AES256"));
    if (key.data) {
        s3_put_header(rq, SSE "-aws-kms-key-id", key);
    }
    if (bucket_key.data) {
        s3_put_header(rq, BUCKET_KEY, bucket_key);
    }
}

/* What the bucket encrypts with unless a request says otherwise; views into the document. */
struct encryption {
    struct str algorithm, key, bucket_key;
};

static struct encryption read_rule(const struct s3_xml_node *rule)
{
    const struct s3_xml_node *by = s3_xml_child(rule, "ApplyServerSideEncryptionByDefault");
    return (struct encryption){ .algorithm = s3_xml_text(by, "SSEAlgorithm"),
                                .key = s3_xml_text(by, "KMSMasterKeyID"),
                                .bucket_key = s3_xml_text(rule, "BucketKeyEnabled") };
}

/* S3's own keys need no bucket keys. */
static bool add_encryption(struct s3_new *n, const struct encryption *e)
{
    bool has_bucket_key =
        str_eq(e->algorithm, STR("aws:kms")) && str_eq_nocase(e->bucket_key, STR("true"));
    return (e->algorithm.len == 0 || s3_new_add_header(n, STR(SSE), e->algorithm)) &&
           (e->key.len == 0 || s3_new_add_header(n, STR(SSE "-aws-kms-key-id"), e->key)) &&
           (!has_bucket_key || s3_new_add_header(n, STR(BUCKET_KEY), STR("true")));
}

/* SSE-S3 and SSE-KMS: what lies on our disk is not ours to encrypt; the names are kept. */
static bool add_managed(struct s3_request *rq, struct s3_new *n, struct str algorithm)
{
    struct str key = s3_header(rq, SSE "-aws-kms-key-id");
    bool is_kms = str_eq(algorithm, STR("aws:kms")) || str_eq(algorithm, STR("aws:kms:dsse"));
    if (algorithm.data && !is_kms && !str_eq(algorithm, STR("AES256"))) {
        s3_fail_argument(rq, "The encryption method specified is not supported",
                         "x-amz-server-side-encryption", algorithm);
        return false;
    }
    if (key.data && !is_kms) {
        s3_fail_argument(rq,
                         "Server Side Encryption with AWS KMS managed key requires HTTP header "
                         "x-amz-server-side-encryption : aws:kms",
                         "x-amz-server-side-encryption", algorithm);
        return false;
    }
    struct str config = s3_bucket_setting(rq->bucket, STR("encryption"));
    scoped_s3_xml struct s3_xml *x = config.data ? s3_xml_parse(config) : NULL;
    struct encryption e = read_rule(x ? s3_xml_child(s3_xml_root(x), "Rule") : NULL);
    struct str bucket_key = s3_header(rq, BUCKET_KEY);
    if (algorithm.data) {
        e.algorithm = algorithm;
        e.key = key;
    }
    e.bucket_key = bucket_key.data ? bucket_key : e.bucket_key;
    bool fits = add_encryption(n, &e);
    if (!fits) {
        s3_fail(rq, S3_METADATA_TOO_LARGE);
    }
    return fits;
}

bool s3_new_read_encryption(struct s3_request *rq, struct s3_new *n)
{
    uint8_t key[S3_CRYPT_KEY_BYTES];
    struct str algorithm = s3_header(rq, SSE);
    enum customer_key has = read_customer_key(rq, S3_CUSTOMER_PREFIX, key);
    if (has == KEY_ANSWERED) {
        return false;
    }
    if (has == NO_KEY) {
        return add_managed(rq, n, algorithm);
    }
    if (algorithm.data) {
        s3_fail_argument(rq,
                         "Server Side Encryption with Customer provided key is incompatible with "
                         "the encryption method specified",
                         "x-amz-server-side-encryption", algorithm);
        return false;
    }
    n->is_encrypted = true;
    s3_crypt_create(&n->crypt, key, n->crypt_stored);
    return true;
}

bool s3_new_read(struct s3_request *rq, struct s3_new *n)
{
    return s3_new_read_headers(rq, n) && s3_new_read_lock(rq, n) && s3_new_read_encryption(rq, n) &&
           s3_acl_request_read(rq, rq->bucket->row.owner, &n->acl);
}

void s3_new_apply(const struct s3_new *n, const struct s3_request *rq, struct stored_object *o)
{
    o->bucket = rq->bucket->row.id;
    o->key = rq->key;
    o->modified_ms = rq->now_ms;
    o->headers = buf_str(&n->headers);
    o->tags = buf_str(&n->tags);
    o->acl = buf_str(&n->acl);
    o->lock_mode = n->lock_mode;
    o->lock_until_ms = n->lock_until_ms;
    o->legal_hold = n->legal_hold;
    o->crypt = n->is_encrypted ? str_of(n->crypt_stored, sizeof(n->crypt_stored)) : STR("");
    /* The bucket's owner takes over what he is given full control of, if he prefers so. */
    bool taken = rq->bucket->ownership == S3_OWNER_ENFORCED ||
                 (rq->bucket->ownership == S3_OWNER_PREFERRED &&
                  str_eq(s3_header(rq, "x-amz-acl"), STR("bucket-owner-full-control")));
    o->owner = taken ? rq->bucket->row.owner : s3_owner(rq);
    if (taken) {
        o->acl = STR("");
    }
}
