/* SPDX-License-Identifier: Apache-2.0 */
#include "control/aws/aws_sts.h"

#include <stdio.h>

#include "base/limits.h"
#include "control/aws/call/aws_access.h"
#include "control/s3/s3_xml.h"
#include "control/sign/aws_uri.h"

#define NAMESPACE "https://sts.amazonaws.com/doc/2011-06-15/"
#define BODY_MAX  (64 * KIB)
#define TEXT_MAX  (8 * KIB)

/* Closes the answer, sends and frees it. */
static void respond(struct exchange *x, unsigned status, struct s3_xml_out *o, const char *root)
{
    s3_xml_close(o, root);
    exchange_respond(x, status, STR("content-type\0text/xml\0"), buf_str(o->out));
    buf_finish(o->out);
}

void aws_sts_fail(struct exchange *x, unsigned status, const char *code, const char *message)
{
    struct buf text;
    struct s3_xml_out o = { .out = &text };
    buf_init(&text, TEXT_MAX);
    s3_xml_raw(&o, STR("<ErrorResponse xmlns=\"" NAMESPACE "\"><Error>"));
    s3_xml_put(&o, "Type", status < 500 ? STR("Sender") : STR("Receiver"));
    s3_xml_put(&o, "Code", str_c(code));
    s3_xml_put(&o, "Message", str_c(message));
    s3_xml_close(&o, "Error");
    s3_xml_put(&o, "RequestId", str_c(x->request_id));
    respond(x, status, &o, "ErrorResponse");
}

static void answer_identity(struct exchange *x, const struct aws_user *user)
{
    struct buf text;
    struct s3_xml_out o = { .out = &text };
    char arn[256];
    bool is_root = user->kind == AWS_USER_ROOT;
    (void)snprintf(arn, sizeof(arn), "arn:aws:iam::" AWS_ACCOUNT_ID ":%s" STR_FMT,
                   is_root ? "root" : "user/",
                   STR_ARG(is_root ? STR("") : user->name)); /* a long name is cut */
    buf_init(&text, TEXT_MAX);
    s3_xml_raw(&o, STR("<GetCallerIdentityResponse xmlns=\"" NAMESPACE "\">"));
    s3_xml_open(&o, "GetCallerIdentityResult");
    s3_xml_put(&o, "Arn", str_c(arn));
    s3_xml_put(&o, "UserId", user->access_key);
    s3_xml_put(&o, "Account", STR(AWS_ACCOUNT_ID));
    s3_xml_close(&o, "GetCallerIdentityResult");
    s3_xml_open(&o, "ResponseMetadata");
    s3_xml_put(&o, "RequestId", str_c(x->request_id));
    s3_xml_close(&o, "ResponseMetadata");
    respond(x, 200, &o, "GetCallerIdentityResponse");
}

/* The form is the body, or with GET the query. */
static struct str action_of(const struct exchange *x, struct str form)
{
    struct str name, value;
    if (form.len == 0) {
        form = x->target;
        (void)str_cut(&form, '?');
    }
    while (aws_query_next(&form, &name, &value)) {
        if (str_eq(name, STR("Action"))) {
            return value;
        }
    }
    return STR("");
}

/* False: that has been answered. */
static bool is_signed(struct exchange *x, const struct str *body, struct aws_access *ret)
{
    bool is = aws_access_check(x->user, x, body, AWS_PROTOCOL_QUERY, ret);
    if (!is) {
        aws_sts_fail(x, ret->refusal.status, ret->refusal.code, ret->refusal.message);
    }
    return is;
}

static void have_body(struct exchange *x, int r, struct str body)
{
    struct aws_access access;
    if (r < 0) {
        aws_sts_fail(x, 413, "RequestEntityTooLarge", "The request is too large.");
    } else if (!is_signed(x, &body, &access)) {
        return;
    } else if (!str_eq(action_of(x, body), STR("GetCallerIdentity"))) {
        aws_sts_fail(x, 400, "InvalidAction",
                     "Of STS Mayfly has GetCallerIdentity only: there are no roles to be assumed. "
                     "Use the access key that mayfly dev prints, or one of events.users in "
                     "mayfly.json.");
    } else {
        answer_identity(x, access.who.user);
    }
}

void aws_sts_begin(struct services *s, struct exchange *x)
{
    struct aws_access access;
    x->user = s;
    if (!aws_access_comes_first(x) || is_signed(x, NULL, &access)) {
        exchange_read_body(x, BODY_MAX, have_body);
    }
}
