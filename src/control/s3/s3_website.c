/* SPDX-License-Identifier: Apache-2.0 */
#include "control/s3/s3_website.h"

#include <stdio.h>

#include "base/mem.h"
#include "control/s3/s3_access.h"
#include "control/s3/s3_name.h"
#include "control/s3/s3_object.h"
#include "control/sign/aws_uri.h"
#include "http/http_block.h"
#include "http/http_head.h"
#include "http/http_reply.h"

#define PAGE_BYTES_MAX (64 * KIB) /* of an error: a key is told in it, and everything once */

struct website {
    const struct s3_xml_node *config; /* NULL: there is none, or it is not known yet */
    struct str asked;                 /* the key as it was asked for */
    struct buf key;                   /* with an index document */

    /* What has failed before the error document was looked for; 0: nothing yet. */
    unsigned status;
    struct buf page; /* its list of details */
};

static void free_website(void *state)
{
    struct website *w = state;
    buf_finish(&w->key);
    buf_finish(&w->page);
    free(w);
}

struct str s3_website_bucket(struct str host)
{
    static const struct str domains[] = { STR(".localhost"), STR(".localhost.localstack.cloud"),
                                          STR(".amazonaws.com") };
    const struct str service = STR(".s3-website");
    host = http_host_without_port(host);
    const char *at = memmem(host.data, host.len, service.data, service.len);
    if (!at) {
        return STR("");
    }
    struct str bucket = str_of(host.data, (size_t)(at - host.data));
    struct str domain = str_skip(host, bucket.len + service.len); /* with the region, if any */
    for (size_t i = 0; i < ARRAY_COUNT(domains); i++) {
        size_t len = domains[i].len;
        if (domain.len >= len && str_eq_nocase(str_skip(domain, domain.len - len), domains[i]) &&
            (domain.data[0] == '.' || domain.data[0] == '-')) {
            return bucket;
        }
    }
    return STR("");
}

/* ---- redirects ---- */

static void answer_redirect(struct s3_request *rq, unsigned status, struct str location)
{
    buf_clear(&rq->body);
    buf_clear(&rq->headers); /* what was said of an object that was not found */
    if (!http_is_field_value(location)) {
        s3_answer(rq, 500); /* a document may hold any character */
        return;
    }
    s3_put_header(rq, "location", location);
    s3_answer(rq, status);
}

/* The path where a rule leads to. */
static int put_path(struct buf *out, const struct s3_request *rq, const struct s3_xml_node *rule)
{
    const struct website *w = rq->front_state;
    const struct s3_xml_node *redirect = s3_xml_child(rule, "Redirect");
    struct str key = s3_xml_text(redirect, "ReplaceKeyWith");
    struct str prefix = s3_xml_text(redirect, "ReplaceKeyPrefixWith");
    struct str replaced = s3_xml_text(s3_xml_child(rule, "Condition"), "KeyPrefixEquals");
    if (key.data) {
        return buf_append(out, key);
    }
    TRY(buf_append(out, prefix));
    return aws_uri_encode(out, str_skip(w->asked, prefix.data ? replaced.len : 0), '/');
}

/* `to`: a Redirect of a rule, or RedirectAllRequestsTo, for which rule is NULL. */
static int put_location(struct buf *out, const struct s3_request *rq, const struct s3_xml_node *to,
                        const struct s3_xml_node *rule)
{
    struct str protocol = s3_xml_text(to, "Protocol"), host = s3_xml_text(to, "HostName");
    struct str path, query;
    aws_target_split(rq->x->target, &path, &query);
    protocol = protocol.len > 0 ? protocol : rq->x->scheme;
    host = host.len > 0 ? host : rq->x->host;
    TRY(buf_printf(out, STR_FMT "://" STR_FMT "/", STR_ARG(protocol), STR_ARG(host)));
    TRY(rule ? put_path(out, rq, rule) : buf_append(out, str_skip(path, 1)));
    return query.len > 0 ? buf_printf(out, "?" STR_FMT, STR_ARG(query)) : 0;
}

static void redirect(struct s3_request *rq, const struct s3_xml_node *to,
                     const struct s3_xml_node *rule)
{
    struct buf location;
    uint64_t status;
    if (!str_to_u64(s3_xml_text(to, "HttpRedirectCode"), &status)) {
        status = 301;
    }
    buf_init(&location, LIMIT_REQUEST_HEAD_BYTES);
    if (put_location(&location, rq, to, rule) < 0) {
        s3_answer(rq, 500);
    } else {
        answer_redirect(rq, (unsigned)status, buf_str(&location));
    }
    buf_finish(&location);
}

/* status 0: nothing has been looked for yet. */
static bool applies(const struct s3_xml_node *rule, struct str key, unsigned status)
{
    const struct s3_xml_node *condition = s3_xml_child(rule, "Condition");
    struct str prefix = s3_xml_text(condition, "KeyPrefixEquals");
    struct str error = s3_xml_text(condition, "HttpErrorCodeReturnedEquals");
    uint64_t wanted = 0;
    bool is_wanted = error.data ? str_to_u64(error, &wanted) && wanted == status : status == 0;
    return is_wanted && (!prefix.data || str_starts(key, prefix));
}

/* The first rule that applies counts. True: it was answered. */
static bool redirect_by_rule(struct s3_request *rq, unsigned status)
{
    const struct website *w = rq->front_state;
    const struct s3_xml_node *rules = s3_xml_child(w->config, "RoutingRules");
    const struct s3_xml_node *rule = s3_xml_child(rules, "RoutingRule");
    while (rule && !applies(rule, w->asked, status)) {
        rule = s3_xml_again(rule);
    }
    if (rule) {
        redirect(rq, s3_xml_child(rule, "Redirect"), rule);
    }
    return rule != NULL;
}

/* ---- objects ---- */

static void found(struct s3_request *rq, const struct stored_object *o)
{
    const struct website *w = rq->front_state;
    struct str location = http_block_find(o->headers, STR("x-amz-website-redirect-location"));
    if (location.data) {
        answer_redirect(rq, 301, location);
    } else if (w->status == 0) {
        s3_object_answer(rq, o);
    } else {
        s3_object_answer_as(rq, w->status, o);
    }
}

static void look(struct s3_request *rq, struct str key)
{
    rq->key = key;
    s3_object_find(rq, "s3:GetObject", S3_READ, found);
}

static bool is_folder(struct str key)
{
    return key.len == 0 || key.data[key.len - 1] == '/';
}

/* `folder` with the name of the index document behind it; data NULL: no key is so long. */
static struct str index_of(struct s3_request *rq, struct str folder, const char *slash)
{
    struct website *w = rq->front_state;
    struct str suffix = s3_xml_text(s3_xml_child(w->config, "IndexDocument"), "Suffix");
    buf_clear(&w->key);
    int r = buf_printf(&w->key, STR_FMT "%s" STR_FMT, STR_ARG(folder), slash, STR_ARG(suffix));
    return r < 0 ? (struct str){ NULL, 0 } : buf_str(&w->key);
}

struct index {
    struct s3_request *rq;
    struct str key;
    bool is_readable;
};

static void on_index(const struct stored_object *o, void *context)
{
    struct index *i = context;
    i->is_readable =
        !(o->flags & OBJECT_DELETE_MARKER) &&
        s3_access_object(i->rq, i->rq->bucket, i->key, "s3:GetObject", S3_READ, o) == S3_OK;
}

static bool has_index(struct s3_request *rq, struct str folder)
{
    const struct object_version current = { .which = VERSION_CURRENT };
    struct index i = { .rq = rq, .key = index_of(rq, folder, "/") };
    return i.key.data &&
           store_objects_find(rq->s3->services->store, rq->bucket->row.id, i.key, current, on_index,
                              &i) &&
           i.is_readable;
}

/* ---- errors ---- */

static void put_item(struct s3_xml_out *o, const char *name, struct str value)
{
    s3_xml_raw(o, STR("<li>"));
    s3_xml_text_put(o, str_c(name));
    s3_xml_raw(o, STR(": "));
    s3_xml_text_put(o, value);
    s3_xml_raw(o, STR("</li>\n"));
}

static void put_items(struct s3_request *rq, struct s3_xml_out *o, const char *code,
                      const char *text)
{
    struct str details = buf_str(&rq->details);
    put_item(o, "Code", str_c(code));
    put_item(o, "Message", str_c(text));
    while (details.len > 0) {
        struct str name = str_cut(&details, '\0'), value = str_cut(&details, '\0');
        put_item(o, name.data, value); /* ends in the NUL that was cut */
    }
}

/* Scripts and proxies read an error's code here, whatever the page. */
static void put_error_headers(struct s3_request *rq, const char *code, const char *text)
{
    s3_put_header(rq, "x-amz-error-code", str_c(code));
    s3_put_header(rq, "x-amz-error-message", str_c(text));
}

/* The first error, and why it could not be told by the site's own document. */
static void answer_page(struct s3_request *rq, unsigned status, struct str items, struct str nested)
{
    char title[64];
    struct s3_xml_out o = { .out = &rq->body };
    (void)snprintf(title, sizeof(title), "%u %s", status, http_reason(status)); /* fits */
    buf_clear(&rq->body);
    s3_xml_raw(&o, STR("<html>\n<head><title>"));
    s3_xml_raw(&o, str_c(title));
    s3_xml_raw(&o, STR("</title></head>\n<body>\n<h1>"));
    s3_xml_raw(&o, str_c(title));
    s3_xml_raw(&o, STR("</h1>\n<ul>\n"));
    s3_xml_raw(&o, items);
    put_item(&o, "RequestId", str_c(rq->id));
    put_item(&o, "HostId", s3_host_id(rq));
    s3_xml_raw(&o, STR("</ul>\n"));
    if (nested.len > 0) {
        s3_xml_raw(&o, STR("<h3>An Error Occurred While Attempting to Retrieve a Custom Error "
                           "Document</h3>\n<ul>\n"));
        s3_xml_raw(&o, nested);
        s3_xml_raw(&o, STR("</ul>\n"));
    }
    s3_xml_raw(&o, STR("<hr/>\n</body>\n</html>\n"));
    s3_put_header(rq, "content-type", STR("text/html; charset=utf-8"));
    s3_answer(rq, status);
}

/* A folder that was asked for without its slash: links in its index document need that. S3 tells it
 * as it tells errors. */
static bool redirect_to_folder(struct s3_request *rq)
{
    const struct website *w = rq->front_state;
    struct buf location;
    if (is_folder(w->asked) || !has_index(rq, w->asked)) {
        return false;
    }
    buf_init(&location, LIMIT_REQUEST_HEAD_BYTES);
    int r = buf_append(&location, STR("/"));
    r = r < 0 ? r : aws_uri_encode(&location, w->asked, '/');
    r = r < 0 ? r : buf_append(&location, STR("/"));
    buf_clear(&rq->headers); /* what was said of an object that was not found */
    if (r < 0) {
        s3_answer(rq, 500);
    } else {
        s3_put_header(rq, "location", buf_str(&location));
        put_error_headers(rq, "Found", "Resource Found");
        answer_page(rq, 302, STR("<li>Code: Found</li>\n<li>Message: Resource Found</li>\n"),
                    STR(""));
    }
    buf_finish(&location);
    return true;
}

/* What is not there or not public may be told by a document of the site's. True: it is looked for.
 */
static bool look_for_error_document(struct s3_request *rq, unsigned status, const char *code,
                                    const char *text)
{
    struct website *w = rq->front_state;
    struct str document = s3_xml_text(s3_xml_child(w->config, "ErrorDocument"), "Key");
    if (document.len == 0) {
        return false;
    }
    w->status = status;
    buf_clear(&rq->details);
    buf_clear(&rq->headers);
    put_error_headers(rq, code, text);
    look(rq, document);
    return true;
}

/* Elsewhere, by the error document, or by a page that tells the error with its details. */
static void fail(struct s3_request *rq, unsigned status, const char *code, const char *text)
{
    struct website *w = rq->front_state;
    bool is_lookup = w->config && (status == 403 || status == 404);
    bool is_nested = w->status != 0;
    if (is_lookup && !is_nested && (redirect_to_folder(rq) || redirect_by_rule(rq, status))) {
        return;
    }
    struct buf items;
    buf_init(&items, PAGE_BYTES_MAX);
    struct s3_xml_out o = { .out = is_nested ? &items : &w->page }; /* what is too long is cut */
    put_items(rq, &o, code, text);
    if (is_nested) {
        answer_page(rq, w->status, buf_str(&w->page), buf_str(&items));
    } else if (!is_lookup || !look_for_error_document(rq, status, code, text)) {
        put_error_headers(rq, code, text);
        answer_page(rq, status, buf_str(&w->page), STR(""));
    }
    buf_finish(&items);
}

/* ---- requests ---- */

static bool is_paid_by_requester(const struct s3_bucket *bucket)
{
    struct str text = s3_bucket_setting(bucket, STR("requestPayment"));
    scoped_s3_xml struct s3_xml *x = text.data ? s3_xml_parse(text) : NULL;
    return x && str_eq(s3_xml_text(s3_xml_root(x), "Payer"), STR("Requester"));
}

static void serve(struct s3_request *rq)
{
    struct website *w = rq->front_state;
    const struct s3_xml_node *all = s3_xml_child(w->config, "RedirectAllRequestsTo");
    if (all) {
        redirect(rq, all, NULL);
    } else if (!redirect_by_rule(rq, 0)) {
        struct str key = is_folder(w->asked) ? index_of(rq, w->asked, "") : w->asked;
        if (key.data && key.len <= S3_KEY_BYTES_MAX) {
            look(rq, key);
        } else {
            s3_fail(rq, S3_KEY_TOO_LONG);
        }
    }
}

void s3_website_begin(struct s3_request *rq)
{
    static const struct s3_operation operation = {
        .name = "WebsiteGetObject", .method = "GET", .level = S3_OBJECT, .action = "s3:GetObject"
    };
    static const struct s3_front front = { .name = "WEBSITE", .fail = fail };
    struct website *w = mem_new(struct website);
    rq->front = &front;
    rq->front_state = w;
    rq->free_front_state = free_website;
    buf_init(&w->key, S3_KEY_BYTES_MAX);
    buf_init(&w->page, PAGE_BYTES_MAX);
    w->asked = rq->key;
    rq->op = &operation;
    rq->param_count = 0; /* a page may have a query of its own */
    rq->bucket = s3_buckets_find(rq->s3->buckets, rq->bucket_name);
    struct str text =
        rq->bucket ? s3_bucket_setting(rq->bucket, STR("website")) : (struct str){ NULL, 0 };
    rq->xml = text.data ? s3_xml_parse(text) : NULL;
    if (!rq->bucket) {
        s3_fail(rq, S3_NO_SUCH_BUCKET);
    } else if (!rq->xml) {
        s3_fail(rq, S3_NO_SUCH_WEBSITE);
    } else if (is_paid_by_requester(rq->bucket)) {
        s3_fail(rq, S3_ACCESS_DENIED);
    } else if (!str_eq(rq->x->method, STR("GET")) && !str_eq(rq->x->method, STR("HEAD"))) {
        s3_fail_method(rq, "OBJECT", NULL);
    } else {
        w->config = s3_xml_root(rq->xml);
        serve(rq);
    }
}
