/* SPDX-License-Identifier: Apache-2.0 */
#include "control/s3/s3_signed_url.h"

#include "http/http_block.h"
#include "http/http_head.h"

#define NAME_BYTES_MAX 128

/* What version 4 says of the signature, and what S3 takes from the head alone: encryption has to be
 * signed there, and a checksum is ignored (the SDK for JavaScript puts an empty body's into each
 * URL of a PUT). */
static bool is_of_the_head(struct str name)
{
    static const char *const exact[] = {
        "x-amz-algorithm",      "x-amz-credential",     "x-amz-date",
        "x-amz-expires",        "x-amz-signedheaders",  "x-amz-signature",
        "x-amz-security-token", "x-amz-content-sha256", "x-amz-sdk-checksum-algorithm",
    };
    for (size_t i = 0; i < ARRAY_COUNT(exact); i++) {
        if (str_eq(name, str_c(exact[i]))) {
            return true;
        }
    }
    return str_starts(name, STR("x-amz-checksum-")) ||
           str_starts(name, STR("x-amz-server-side-encryption"));
}

static bool is_field(struct str name, bool is_v2)
{
    if (is_v2 && (str_eq(name, STR("content-type")) || str_eq(name, STR("content-md5")))) {
        return true;
    }
    if (!is_v2 && (str_eq(name, STR("if-match")) || str_eq(name, STR("if-none-match")))) {
        return true; /* else who has the URL could overwrite what its signer wants to keep */
    }
    return str_starts(name, STR("x-amz-")) && (is_v2 || !is_of_the_head(name));
}

static void add_param(struct s3_request *rq, const struct s3_param *p, bool is_v2)
{
    char text[NAME_BYTES_MAX];
    if (p->name.len > sizeof(text) || !http_is_token(p->name) || !http_is_field_value(p->value)) {
        return;
    }
    for (size_t i = 0; i < p->name.len; i++) {
        char c = p->name.data[i];
        text[i] = (char)(c >= 'A' && c <= 'Z' ? c | 0x20 : c);
    }
    struct str name = str_of(text, p->name.len);
    if (is_field(name, is_v2) && !http_block_find(rq->x->headers, name).data) {
        (void)!http_block_add(&rq->head, name, p->value); /* there is room for all of the query */
    }
}

bool s3_signed_url_is_v2(const struct s3_request *rq)
{
    return s3_has_param(rq, "AWSAccessKeyId");
}

void s3_signed_url_read_head(struct s3_request *rq)
{
    bool is_v2 = s3_signed_url_is_v2(rq);
    if (!is_v2 && !s3_has_param(rq, "X-Amz-Signature")) {
        return;
    }
    buf_init(&rq->head, rq->x->headers.len + rq->target.len + (size_t)2 * S3_PARAMS_MAX);
    if (buf_append(&rq->head, rq->x->headers) == 0) {
        for (size_t i = 0; i < rq->param_count; i++) {
            add_param(rq, &rq->params[i], is_v2);
        }
    }
}
