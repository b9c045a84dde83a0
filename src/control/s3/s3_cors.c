/* SPDX-License-Identifier: Apache-2.0 */
#include "control/s3/s3_cors.h"

#include <ctype.h>
#include <stdio.h>

#include "control/text/wildcard.h"
#include "http/http_block.h"
#include "http/http_head.h"

#define RULES_MAX 100 /* S3's own limit */

static size_t count_char(struct str s, char c)
{
    size_t count = 0;
    for (size_t i = 0; i < s.len; i++) {
        count += s.data[i] == c;
    }
    return count;
}

bool s3_cors_is_method(struct str method)
{
    return str_eq(method, STR("GET")) || str_eq(method, STR("PUT")) ||
           str_eq(method, STR("POST")) || str_eq(method, STR("DELETE")) ||
           str_eq(method, STR("HEAD"));
}

/* What scripts may read of an answer is named field by field, in letters, digits and hyphens. */
static const char *check_exposed(struct str name, char memory[256])
{
    int len = (int)(name.len < 64 ? name.len : 64);
    if (count_char(name, '*') > 0) {
        (void)snprintf(memory, 256,
                       "ExposeHeader \"%.*s\" contains wildcard. We currently do not support "
                       "wildcard for ExposeHeader.",
                       len, name.data);
        return memory;
    }
    for (size_t i = 0; i < name.len; i++) {
        if (!isalnum((unsigned char)name.data[i]) && name.data[i] != '-') {
            (void)snprintf(memory, 256, "ExposeHeader \"%.*s\" contains invalid character.", len,
                           name.data);
            return memory;
        }
    }
    return NULL;
}

static const char *tell_wildcards(const char *element, struct str value, char memory[256])
{
    (void)snprintf(memory, 256, "%s \"%.*s\" can not have more than one wildcard.", element,
                   (int)(value.len < 128 ? value.len : 128), value.data); /* fits */
    return memory;
}

static const char *check_rule(const struct s3_xml_node *rule, char memory[256])
{
    const char *why = NULL;
    const struct s3_xml_node *n = s3_xml_child(rule, "AllowedMethod");
    if (!n || !s3_xml_child(rule, "AllowedOrigin")) {
        return "";
    }
    for (; n; n = s3_xml_again(n)) {
        if (!s3_cors_is_method(n->text)) {
            (void)snprintf(memory, 256,
                           "Found unsupported HTTP method in CORS config. Unsupported method is "
                           "%.*s",
                           (int)(n->text.len < 64 ? n->text.len : 64), n->text.data);
            return memory;
        }
    }
    for (n = s3_xml_child(rule, "AllowedOrigin"); n; n = s3_xml_again(n)) {
        if (count_char(n->text, '*') > 1) {
            return tell_wildcards("AllowedOrigin", n->text, memory);
        }
    }
    for (n = s3_xml_child(rule, "AllowedHeader"); n; n = s3_xml_again(n)) {
        if (count_char(n->text, '*') > 1) {
            return tell_wildcards("AllowedHeader", n->text, memory);
        }
        if (n->text.len > 0 && !http_is_token(n->text)) {
            (void)snprintf(memory, 256, "AllowedHeader \"%.*s\" contains invalid character.",
                           (int)(n->text.len < 64 ? n->text.len : 64), n->text.data); /* fits */
            return memory;
        }
    }
    for (n = s3_xml_child(rule, "ExposeHeader"); n && !why; n = s3_xml_again(n)) {
        why = check_exposed(n->text, memory);
    }
    return why;
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
        if (wildcard_matches(n->text, text)) {
            return true;
        }
    }
    return false;
}

/* Names of fields have no case. */
static bool allows_field(const struct s3_xml_node *rule, struct str field)
{
    for (const struct s3_xml_node *n = s3_xml_child(rule, "AllowedHeader"); n;
         n = s3_xml_again(n)) {
        if (wildcard_matches_nocase(n->text, field)) {
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

const struct s3_xml_node *s3_cors_find(const struct s3_xml_node *root,
                                       const struct s3_cors_question *q)
{
    for (const struct s3_xml_node *r = s3_xml_child(root, "CORSRule"); r; r = s3_xml_again(r)) {
        if (any_matches(r, "AllowedOrigin", q->origin) &&
            any_matches(r, "AllowedMethod", q->method) && allows_fields(r, q->fields)) {
            return r;
        }
    }
    return NULL;
}

/* What does not fit is more than any answer's head has: it is left out. */
static void put(struct buf *out, const char *name, struct str value)
{
    (void)!http_block_add(out, str_c(name), value);
}

static void put_list(struct buf *out, const char *field, const struct s3_xml_node *rule,
                     const char *name)
{
    struct buf list;
    int r = 0;
    buf_init(&list, 4 * KIB);
    for (const struct s3_xml_node *n = s3_xml_child(rule, name); n && r == 0; n = s3_xml_again(n)) {
        r = buf_printf(&list, "%s" STR_FMT, list.len > 0 ? ", " : "", STR_ARG(n->text));
    }
    if (r == 0 && list.len > 0) {
        put(out, field, buf_str(&list));
    }
    buf_finish(&list);
}

bool s3_cors_is_for_all(const struct s3_xml_node *rule)
{
    for (const struct s3_xml_node *n = s3_xml_child(rule, "AllowedOrigin"); n;
         n = s3_xml_again(n)) {
        if (str_eq(n->text, STR("*"))) {
            return true;
        }
    }
    return false;
}

void s3_cors_put(const struct s3_xml_node *rule, struct str origin, struct buf *out)
{
    bool any = s3_cors_is_for_all(rule);
    put(out, "access-control-allow-origin", any ? STR("*") : origin);
    if (!any) {
        put(out, "access-control-allow-credentials", STR("true"));
    }
    put_list(out, "access-control-allow-methods", rule, "AllowedMethod");
    put_list(out, "access-control-expose-headers", rule, "ExposeHeader");
    struct str age = s3_xml_text(rule, "MaxAgeSeconds");
    if (age.len > 0) {
        put(out, "access-control-max-age", age);
    }
    put(out, "vary", STR("Origin, Access-Control-Request-Headers, Access-Control-Request-Method"));
}
