/* SPDX-License-Identifier: Apache-2.0 */
#include "control/s3/s3_preflight.h"

#include <stdio.h>

#include "control/s3/s3_cors.h"
#include "http/http_block.h"

/* What was asked, of what. */
static void refuse(struct s3_request *rq, enum s3_error error, struct str method)
{
    bool is_object = error == S3_CORS_FORBIDDEN && rq->key.len > 0;
    s3_detail(rq, "Method", method.data ? method : rq->x->method);
    s3_detail(rq, "ResourceType", is_object ? STR("OBJECT") : STR("BUCKET"));
    s3_fail(rq, error);
}

static void refuse_method(struct s3_request *rq, struct str method)
{
    char text[96];
    (void)snprintf(text, sizeof(text), "Invalid Access-Control-Request-Method: " STR_FMT,
                   STR_ARG(method.data ? method : STR("null"))); /* a long one is cut */
    s3_fail_text(rq, S3_BAD_REQUEST, text);
}

/* As S3 writes the list of fields. */
static void put_allowed_fields(struct s3_request *rq, struct str fields)
{
    struct buf list;
    int r = 0;
    buf_init(&list, 2 * fields.len + 2);
    while (r == 0 && fields.len > 0) {
        struct str field = str_trim(str_cut(&fields, ','));
        if (field.len > 0) {
            r = buf_printf(&list, "%s" STR_FMT, list.len > 0 ? ", " : "", STR_ARG(field));
        }
    }
    for (size_t i = 0; i < list.len; i++) {
        char c = list.data[i];
        list.data[i] = (char)(c >= 'A' && c <= 'Z' ? c + 32 : c);
    }
    if (r == 0 && list.len > 0) {
        s3_put_header(rq, "access-control-allow-headers", buf_str(&list));
    }
    buf_finish(&list);
}

void s3_preflight(struct s3_request *rq)
{
    struct str origin = http_block_find(rq->x->headers, STR("origin"));
    struct str method = s3_header(rq, "access-control-request-method");
    struct str fields = s3_header(rq, "access-control-request-headers");
    if (!origin.data) {
        s3_fail(rq, S3_BAD_REQUEST);
        return;
    }
    struct str config = rq->bucket ? s3_bucket_setting(rq->bucket, STR("cors")) : STR("");
    scoped_s3_xml struct s3_xml *x = config.len > 0 ? s3_xml_parse(config) : NULL;
    if (!x) {
        refuse(rq, rq->bucket ? S3_CORS_NOT_ENABLED : S3_CORS_NO_BUCKET, method);
        return;
    }
    if (!method.data || !s3_cors_is_method(method)) {
        refuse_method(rq, method);
        return;
    }
    const struct s3_cors_question question = { origin, method, fields };
    const struct s3_xml_node *rule = s3_cors_find(s3_xml_root(x), &question);
    if (!rule) {
        refuse(rq, S3_CORS_FORBIDDEN, method);
        return;
    }
    s3_cors_put(rule, origin, &rq->headers);
    put_allowed_fields(rq, fields);
    s3_answer(rq, 200);
}
