/* SPDX-License-Identifier: Apache-2.0 */
#include "control/s3/s3_cors.h"

#include <stdio.h>

#include "control/s3/s3_policy.h"
#include "control/s3/s3_request.h"
#include "http/http_block.h"

#define RULES_MAX 100 /* S3's own limit */

static size_t count_char(struct str s, char c)
{
    size_t count = 0;
    for (size_t i = 0; i < s.len; i++) {
        count += s.data[i] == c;
    }
    return count;
}

static bool is_method(struct str method)
{
    return str_eq(method, STR("GET")) || str_eq(method, STR("PUT")) ||
           str_eq(method, STR("POST")) || str_eq(method, STR("DELETE")) ||
           str_eq(method, STR("HEAD"));
}

static const char *check_rule(const struct s3_xml_node *rule, char memory[256])
{
    const struct s3_xml_node *n = s3_xml_child(rule, "AllowedMethod");
    if (!n || !s3_xml_child(rule, "AllowedOrigin")) {
        return "";
    }
    for (; n; n = s3_xml_again(n)) {
        if (!is_method(n->text)) {
            (void)snprintf(memory, 256,
                           "Found unsupported HTTP method in CORS config. Unsupported method is "
                           "%.*s",
                           (int)(n->text.len < 64 ? n->text.len : 64), n->text.data);
            return memory;
        }
    }
    for (n = s3_xml_child(rule, "AllowedOrigin"); n; n = s3_xml_again(n)) {
        if (count_char(n->text, '*') > 1) {
            return "AllowedOrigin can not have more than one wildcard.";
        }
    }
    for (n = s3_xml_child(rule, "AllowedHeader"); n; n = s3_xml_again(n)) {
        if (count_char(n->text, '*') > 1) {
            return "AllowedHeader can not have more than one wildcard.";
        }
    }
    return NULL;
}

const char *s3_cors_check(const struct s3_xml_node *root, char memory[256])
{
    const char *why = NULL;
    size_t count = s3_xml_count(root, "CORSRule");
    if (!s3_xml_is(root, "CORSConfiguration") || count == 0) {
        return "";
    }
    if (count > RULES_MAX) {
        return "The number of CORS rules should not exceed allowed limit of 100 rules.";
    }
    for (const struct s3_xml_node *r = s3_xml_child(root, "CORSRule"); r && !why;
         r = s3_xml_again(r)) {
        why = check_rule(r, memory);
    }
    return why;
}

static bool any_matches(const struct s3_xml_node *rule, const char *name, struct str text)
{
    for (const struct s3_xml_node *n = s3_xml_child(rule, name); n; n = s3_xml_again(n)) {
        if (s3_policy_matches(n->text, text)) {
            return true;
        }
    }
    return false;
}

/* Names of fields have no case. */
static bool allows_field(const struct s3_xml_node *rule, struct str field)
{
    char lower[256], pattern[256];
    if (field.len >= sizeof(lower)) {
        return false;
    }
    for (size_t i = 0; i < field.len; i++) {
        lower[i] = (char)(field.data[i] >= 'A' && field.data[i] <= 'Z' ? field.data[i] + 32
                                                                       : field.data[i]);
    }
    for (const struct s3_xml_node *n = s3_xml_child(rule, "AllowedHeader"); n;
         n = s3_xml_again(n)) {
        size_t len = n->text.len < sizeof(pattern) ? n->text.len : 0;
        for (size_t i = 0; i < len; i++) {
            char c = n->text.data[i];
            pattern[i] = (char)(c >= 'A' && c <= 'Z' ? c + 32 : c);
        }
        if (len > 0 && s3_policy_matches(str_of(pattern, len), str_of(lower, field.len))) {
            return true;
        }
    }
    return false;
}

static bool allows_fields(const struct s3_xml_node *rule, struct str fields)
{
    while (fields.len > 0) {
        struct str field = str_trim(str_cut(&fields, ','));
        if (field.len > 0 && !allows_field(rule, field)) {
            return false;
        }
    }
    return true;
}

/* The first rule for an origin, a method and a list of fields (empty: none), or NULL. */
static const struct s3_xml_node *find_rule(const struct s3_xml_node *root, struct str origin,
                                           struct str method, struct str fields)
{
    for (const struct s3_xml_node *r = s3_xml_child(root, "CORSRule"); r; r = s3_xml_again(r)) {
        if (any_matches(r, "AllowedOrigin", origin) && any_matches(r, "AllowedMethod", method) &&
            allows_fields(r, fields)) {
            return r;
        }
    }
    return NULL;
}

static void put_list(struct s3_request *rq, const char *field, const struct s3_xml_node *rule,
                     const char *name)
{
    struct buf list;
    int r = 0;
    buf_init(&list, 4 * KIB);
    for (const struct s3_xml_node *n = s3_xml_child(rule, name); n && r == 0; n = s3_xml_again(n)) {
        r = buf_printf(&list, "%s" STR_FMT, list.len > 0 ? ", " : "", STR_ARG(n->text));
    }
    if (r == 0 && list.len > 0) {
        s3_put_header(rq, field, buf_str(&list));
    }
    buf_finish(&list);
}

static void put_rule(struct s3_request *rq, const struct s3_xml_node *rule, struct str origin)
{
    bool any = false;
    for (const struct s3_xml_node *n = s3_xml_child(rule, "AllowedOrigin"); n;
         n = s3_xml_again(n)) {
        any = any || str_eq(n->text, STR("*"));
    }
    s3_put_header(rq, "access-control-allow-origin", any ? STR("*") : origin);
    if (!any) {
        s3_put_header(rq, "access-control-allow-credentials", STR("true"));
    }
    put_list(rq, "access-control-allow-methods", rule, "AllowedMethod");
    put_list(rq, "access-control-expose-headers", rule, "ExposeHeader");
    struct str age = s3_xml_text(rule, "MaxAgeSeconds");
    if (age.len > 0) {
        s3_put_header(rq, "access-control-max-age", age);
    }
    s3_put_header(rq, "vary",
                  STR("Origin, Access-Control-Request-Headers, Access-Control-Request-Method"));
}

void s3_cors_put_headers(struct s3_request *rq)
{
    struct str origin = http_block_find(rq->x->headers, STR("origin"));
    struct str config =
        origin.data && rq->bucket ? s3_bucket_setting(rq->bucket, STR("cors")) : STR("");
    if (config.len == 0 || str_eq(rq->x->method, STR("OPTIONS"))) {
        return;
    }
    scoped_s3_xml struct s3_xml *x = s3_xml_parse(config);
    struct str method = http_block_find(rq->x->headers, STR("access-control-request-method"));
    struct str fields = http_block_find(rq->x->headers, STR("access-control-request-headers"));
    const struct s3_xml_node *rule =
        x ? find_rule(s3_xml_root(x), origin, method.data ? method : rq->x->method, fields) : NULL;
    if (rule) {
        put_rule(rq, rule, origin);
    }
}

/* What was asked, of what. */
static void refuse(struct s3_request *rq, enum s3_error error, struct str method)
{
    bool is_object = error == S3_CORS_FORBIDDEN && rq->key.len > 0;
    s3_detail(rq, "Method", method.data ? method : rq->x->method);
    s3_detail(rq, "ResourceType", is_object ? STR("OBJECT") : STR("BUCKET"));
    s3_fail(rq, error);
}

/* As S3 writes the list of fields. */
static void put_allowed_fields(struct s3_request *rq, struct str fields)
{
    struct buf list;
    int r = 0;
    buf_init(&list, 2 * fields.len + 2);
    while (r == 0 && fields.len > 0) {
        struct str field = str_trim(str_cut(&fields, ','));
        r = buf_printf(&list, "%s" STR_FMT, list.len > 0 ? ", " : "", STR_ARG(field));
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

void s3_cors_preflight(struct s3_request *rq)
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
    if (!method.data || !is_method(method)) {
        s3_fail_text(rq, S3_BAD_REQUEST, "Invalid Access-Control-Request-Method: null");
        return;
    }
    const struct s3_xml_node *rule = find_rule(s3_xml_root(x), origin, method, fields);
    if (!rule) {
        refuse(rq, S3_CORS_FORBIDDEN, method);
        return;
    }
    put_rule(rq, rule, origin);
    put_allowed_fields(rq, fields);
    s3_answer(rq, 200);
}
