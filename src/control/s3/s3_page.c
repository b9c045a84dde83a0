/* SPDX-License-Identifier: Apache-2.0 */
#include "control/s3/s3_page.h"

#include "control/s3/s3_buckets.h"
#include "control/s3/s3_cors.h"
#include "http/http_block.h"

bool s3_page_is_foreign(const struct s3_request *rq, const struct aws_user *user)
{
    if (!aws_sign_is_foreign_page(user, rq->x->headers)) {
        return false;
    }
    struct s3_bucket *bucket = s3_buckets_find(rq->s3->buckets, rq->bucket_name);
    struct str config = bucket ? s3_bucket_setting(bucket, STR("cors")) : STR("");
    const struct s3_cors_question question = { .origin =
                                                   http_block_find(rq->x->headers, STR("origin")),
                                               .method = rq->x->method };
    scoped_s3_xml struct s3_xml *x =
        question.origin.data && config.len > 0 ? s3_xml_parse(config) : NULL;
    const struct s3_xml_node *rule = x ? s3_cors_find(s3_xml_root(x), &question) : NULL;
    bool is_foreign = rule ? s3_cors_is_for_all(rule) : str_eq(rq->x->method, STR("POST"));
    s3_bucket_unref(bucket);
    return is_foreign;
}
