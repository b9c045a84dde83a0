/* SPDX-License-Identifier: Apache-2.0 */
#include "control/s3/s3_conditions.h"

#include <stdio.h>

#include "http/http_date.h"

static struct str field(const struct s3_request *rq, const char *prefix, const char *name)
{
    char text[64];
    (void)snprintf(text, sizeof(text), "%s%s", prefix, name); /* fits */
    return s3_header(rq, text);
}

void s3_conditions_read(const struct s3_request *rq, const char *prefix, struct s3_conditions *ret)
{
    *ret = (struct s3_conditions){ .if_match = field(rq, prefix, "if-match"),
                                   .if_none_match = field(rq, prefix, "if-none-match") };
    /* A time that is yet to come is no condition. */
    ret->has_modified =
        http_date_parse(field(rq, prefix, "if-modified-since"), &ret->modified_since_s) &&
        ret->modified_since_s <= (int64_t)(rq->now_ms / 1000);
    ret->has_unmodified =
        http_date_parse(field(rq, prefix, "if-unmodified-since"), &ret->unmodified_since_s);
}

void s3_conditions_fail_unknown(struct s3_request *rq, const char *names, const char *why)
{
    s3_detail(rq, "Header", str_c(names));
    s3_detail(rq, "additionalMessage", str_c(why));
    s3_fail_text(rq, S3_NOT_IMPLEMENTED,
                 "A header you provided implies functionality that is not implemented");
}

bool s3_conditions_read_write(struct s3_request *rq, struct s3_conditions *ret)
{
    s3_conditions_read(rq, "", ret);
    if (ret->if_match.data && ret->if_none_match.data) {
        s3_conditions_fail_unknown(rq, "If-Match,If-None-Match",
                                   "Multiple conditional request headers present in the request");
        return false;
    }
    return true;
}

bool s3_conditions_has_etag(struct str list, struct str etag)
{
    while (list.len > 0) {
        struct str one = str_trim(str_cut(&list, ','));
        if (str_starts(one, STR("W/"))) {
            one = str_skip(one, 2);
        }
        /* S3 takes one without its quotation marks, or without one of them. */
        if (str_starts(one, STR("\""))) {
            one = str_skip(one, 1);
        }
        if (one.len > 0 && one.data[one.len - 1] == '"') {
            one.len--;
        }
        if (str_eq(one, STR("*")) || str_eq(one, etag)) {
            return true;
        }
    }
    return false;
}

/* RFC 9110, 13.2.2: dates count only where there is no entity tag. */
enum s3_error s3_conditions_read_check(struct s3_conditions *c, struct str etag,
                                       uint64_t modified_ms)
{
    int64_t modified_s = (int64_t)(modified_ms / 1000);
    if (c->if_match.data ? !s3_conditions_has_etag(c->if_match, etag)
                         : c->has_unmodified && modified_s > c->unmodified_since_s) {
        c->failed = c->if_match.data ? "If-Match" : "If-Unmodified-Since";
        return S3_PRECONDITION_FAILED;
    }
    if (c->if_none_match.data ? s3_conditions_has_etag(c->if_none_match, etag)
                              : c->has_modified && modified_s <= c->modified_since_s) {
        c->failed = c->if_none_match.data ? "If-None-Match" : "If-Modified-Since";
        return S3_NOT_MODIFIED;
    }
    return S3_OK;
}

int s3_conditions_write_check(const struct stored_object *current, void *context)
{
    struct s3_conditions *c = context;
    bool exists = current && !(current->flags & OBJECT_DELETE_MARKER);
    c->failed = NULL;
    if (c->if_match.data && !exists) {
        return s3_error_refuse(S3_NO_SUCH_KEY);
    }
    if (c->if_match.data && !s3_conditions_has_etag(c->if_match, current->etag)) {
        c->failed = "If-Match";
    } else if (c->if_none_match.data && exists &&
               s3_conditions_has_etag(c->if_none_match, current->etag)) {
        c->failed = "If-None-Match";
    }
    return c->failed ? s3_error_refuse(S3_PRECONDITION_FAILED) : 0;
}

void s3_conditions_fail(struct s3_request *rq, enum s3_error error, const char *prefix,
                        const char *failed)
{
    char text[64];
    if ((error == S3_PRECONDITION_FAILED || error == S3_CONDITION_CONFLICT) && failed) {
        int len = snprintf(text, sizeof(text), "%s%s", prefix, failed); /* fits */
        s3_detail(rq, "Condition", str_of(text, (size_t)len));
    }
    s3_fail(rq, error);
}
