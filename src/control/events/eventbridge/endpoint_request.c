/* SPDX-License-Identifier: Apache-2.0 */
#include "control/events/eventbridge/endpoint_request.h"

#include <ctype.h>
#include <stdlib.h>
#include <strings.h>

#include "base/limits.h"
#include "control/sign/aws_uri.h"
#include "control/text/json_read.h"
#include "control/text/json_reading.h"
#include "control/text/json_write.h"
#include "http/http_block.h"

#define URL_BYTES  16384
#define TIMEOUT_MS 5000L /* EventBridge's */

/* A method in any case, as a literal; POST where there is none. */
static const char *method_of(const char *said)
{
    static const char *const methods[] = { "POST", "GET",   "HEAD",  "OPTIONS",
                                           "PUT",  "PATCH", "DELETE" };
    for (size_t i = 0; said && i < ARRAY_COUNT(methods); i++) {
        if (strcasecmp(said, methods[i]) == 0) {
            return methods[i];
        }
    }
    return methods[0];
}

/* ---- parameters: objects of texts by name, what is put later counts ---- */

/* A target says { "name": "value" }, a connection [{ "Key": "name", "Value": "value" }]. */
static void put_parameters(json_t *into, json_t *said)
{
    size_t i;
    const char *key;
    json_t *value;
    json_object_foreach(said, key, value)
    {
        (void)json_object_set(into, key, value); /* sound names */
    }
    json_array_foreach(said, i, value)
    {
        const char *name = json_text(value, "Key");
        json_t *text = json_object_get(value, "Value");
        (void)(name ? json_object_set_new(into, name, text ? json_incref(text) : json_string(""))
                    : 0);
    }
}

/* "a=b&c=d" */
static int append_form(struct buf *out, json_t *parameters)
{
    const char *key;
    json_t *value;
    const char *between = "";
    json_object_foreach(parameters, key, value)
    {
        const char *text = json_string_value(value);
        int r = buf_append(out, str_c(between));
        r = r < 0 ? r : aws_uri_encode(out, str_c(key), 0);
        r = r < 0 ? r : buf_append(out, STR("="));
        r = r < 0 ? r : aws_uri_encode(out, str_c(text ? text : ""), 0);
        if (r < 0) {
            return r;
        }
        between = "&";
    }
    return 0;
}

static int append_query(struct buf *url, json_t *parameters)
{
    bool has_query = memchr(url->data, '?', url->len) != NULL;
    if (json_object_size(parameters) == 0) {
        return 0;
    }
    TRY(buf_append(url, has_query ? STR("&") : STR("?")));
    return append_form(url, parameters);
}

/* ---- headers ---- */

/* A name that is a token, a value that stays on its line. */
static bool is_header(const char *name, const char *value)
{
    for (const char *c = name; *c; c++) {
        if (!isalnum((unsigned char)*c) && !strchr("!#$%&'*+-.^_`|~", *c)) {
            return false;
        }
    }
    while (*value && ((unsigned char)*value >= ' ' || *value == '\t') && *value != 0x7f) {
        value++;
    }
    return name[0] && !*value;
}

/* EventBridge sets these itself, or takes them away, whoever says them: see "Headers included in
 * requests to API destinations" in its guide. */
static bool is_taken_away(const char *name)
{
    return str_list_has(
        STR("a-im,accept-charset,accept-datetime,accept-encoding,cache-control,connection,"
            "content-encoding,content-length,content-md5,date,expect,forwarded,from,host,"
            "http2-settings,if-match,if-modified-since,if-none-match,if-range,if-unmodified-since,"
            "max-forwards,origin,pragma,proxy-authorization,range,referer,te,trailer,"
            "transfer-encoding,user-agent,upgrade,via,warning"),
        str_c(name));
}

/* Names in lower case, so that one stands for another in any case. */
static void put_headers(json_t *into, json_t *said)
{
    const char *key;
    json_t *value;
    json_t *parameters = json_object();
    put_parameters(parameters, said);
    json_object_foreach(parameters, key, value)
    {
        char name[512];
        size_t len = 0;
        for (; key[len] && len < sizeof(name) - 1; len++) {
            name[len] = (char)tolower((unsigned char)key[len]);
        }
        name[len] = '\0';
        if (!is_taken_away(name)) {
            (void)json_object_set(into, name, value); /* sound names */
        }
    }
    json_decref(parameters);
}

static int write_headers(struct buf *out, json_t *headers)
{
    const char *key;
    json_t *value;
    json_object_foreach(headers, key, value)
    {
        const char *text = json_string_value(value);
        if (!text || !is_header(key, text)) {
            return -EINVAL;
        }
        TRY(http_block_add(out, str_c(key), str_c(text)));
    }
    return 0;
}

/* ---- an event ---- */

/* Replaces the next "*" of the path by a value; behind the last one values are its end. */
static int write_value(struct buf *out, struct str *path, const char *value)
{
    const size_t star = path->data ? str_find(*path, '*') : 0;
    const bool has_star = path->data && star < path->len;
    int r = path->data ? buf_append(out, str_of(path->data, star)) : 0;
    if (r == 0 && !has_star && (out->len == 0 || out->data[out->len - 1] != '/')) {
        r = buf_append(out, STR("/"));
    }
    *path = has_star ? str_skip(*path, star + 1) : str_of(NULL, 0);
    return r < 0 ? r : aws_uri_encode(out, str_c(value), 0);
}

/* The endpoint, with the target's values in it. */
static int write_endpoint(struct buf *out, struct str endpoint, json_t *values)
{
    size_t i;
    json_t *value;
    struct str query = endpoint;
    struct str path = str_cut(&query, '?');
    json_array_foreach(values, i, value)
    {
        const char *text = json_string_value(value);
        TRY(write_value(out, &path, text ? text : ""));
    }
    TRY(path.data ? buf_append(out, path) : 0);
    return query.data ? buf_printf(out, "?" STR_FMT, STR_ARG(query)) : 0;
}

/* Into an object; what else is sent stays as it is. */
static int write_body(struct buf *out, struct str payload, json_t *parameters)
{
    json_t *json = json_is_array(parameters) ? json_read(payload, JSON_ALLOW_NUL) : NULL;
    if (!json_is_object(json)) {
        json_decref(json);
        return buf_append(out, payload);
    }
    put_parameters(json, parameters);
    scoped_free char *text = json_write(json);
    json_decref(json);
    return buf_append(out, str_c(text));
}

static int write_event_headers(struct buf *out, const struct endpoint_said *said)
{
    json_t *headers = json_object();
    put_headers(headers, json_object_get(said->http, "HeaderParameters"));
    put_headers(headers, json_object_get(said->invocation, "HeaderParameters"));
    json_t *authorized = json_object();
    (void)json_object_set_new(authorized, said->header, json_string(said->authorized)); /* sound */
    put_headers(headers, authorized);
    json_decref(authorized);
    if (!json_object_get(headers, "content-type")) {
        (void)json_object_set_new(headers, "content-type",
                                  json_string("application/json; charset=utf-8"));
    }
    (void)json_object_set_new(headers, "user-agent",
                              json_string("Amazon/EventBridge/ApiDestinations"));
    (void)json_object_set_new(headers, "range", json_string("bytes=0-1048575"));
    (void)json_object_set_new(headers, "connection", json_string("close"));
    int r = write_headers(out, headers);
    json_decref(headers);
    return r;
}

static int write_event(struct endpoint_request *rq, const struct endpoint_said *said,
                       struct str payload)
{
    json_t *query = json_object();
    const char *endpoint = json_text(said->destination, "InvocationEndpoint");
    put_parameters(query, json_object_get(said->http, "QueryStringParameters"));
    put_parameters(query, json_object_get(said->invocation, "QueryStringParameters"));
    int r = write_endpoint(&rq->url, str_c(endpoint),
                           json_object_get(said->http, "PathParameterValues"));
    r = r < 0 ? r : append_query(&rq->url, query);
    r = r < 0 ? r : write_event_headers(&rq->headers, said);
    json_decref(query);
    return r < 0 ? r
                 : write_body(&rq->body, payload,
                              json_object_get(said->invocation, "BodyParameters"));
}

static void init(struct endpoint_request *rq, const char *method)
{
    rq->method = method_of(method);
    buf_init(&rq->url, URL_BYTES);
    buf_init(&rq->headers, 2 * LIMIT_REQUEST_HEAD_BYTES);
    buf_init(&rq->body, LIMIT_EVENT_BYTES);
}

static void finish(struct endpoint_request *rq)
{
    buf_finish(&rq->url);
    buf_finish(&rq->headers);
    buf_finish(&rq->body);
}

int endpoint_request_init(struct endpoint_request *rq, const struct endpoint_said *said,
                          struct str payload)
{
    init(rq, json_text(said->destination, "HttpMethod"));
    int r = write_event(rq, said, payload);
    if (r < 0) {
        finish(rq);
    }
    return r;
}

/* ---- a token ---- */

static int write_token(struct endpoint_request *rq, json_t *oauth)
{
    json_t *more = json_object_get(oauth, "OAuthHttpParameters");
    json_t *client = json_object_get(oauth, "ClientParameters");
    json_t *query = json_object(), *headers = json_object();
    json_t *form = json_pack("{s:s,s:O,s:O}", "grant_type", "client_credentials", "client_id",
                             json_object_get(client, "ClientID"), "client_secret",
                             json_object_get(client, "ClientSecret"));
    put_parameters(query, json_object_get(more, "QueryStringParameters"));
    put_parameters(form, json_object_get(more, "BodyParameters"));
    put_headers(headers, json_object_get(more, "HeaderParameters"));
    bool in_query = strcmp(rq->method, "GET") == 0;
    if (in_query) {
        put_parameters(query, form);
    } else if (!json_object_get(headers, "content-type")) {
        (void)json_object_set_new(headers, "content-type",
                                  json_string("application/x-www-form-urlencoded"));
    }
    int r = buf_append(&rq->url, str_c(json_text(oauth, "AuthorizationEndpoint")));
    r = r < 0 ? r : append_query(&rq->url, query);
    r = r < 0 ? r : write_headers(&rq->headers, headers);
    r = r < 0 || in_query ? r : append_form(&rq->body, form);
    json_decref(query);
    json_decref(headers);
    json_decref(form);
    return r;
}

int endpoint_request_token(struct endpoint_request *rq, json_t *auth)
{
    json_t *oauth = json_object_get(auth, "OAuthParameters");
    init(rq, json_text(oauth, "HttpMethod"));
    int r = write_token(rq, oauth);
    if (r < 0) {
        finish(rq);
    }
    return r;
}

void endpoint_request_send(struct endpoint_request *rq, uv_loop_t *loop, size_t answer_bytes,
                           outgoing_fn done, void *context)
{
    const struct outgoing_request request = { .method = rq->method,
                                              .url = buf_str(&rq->url),
                                              .headers = buf_str(&rq->headers),
                                              .body = buf_str(&rq->body),
                                              .timeout_ms = TIMEOUT_MS,
                                              .response_max_bytes = answer_bytes };
    outgoing_send(loop, &request, done, context);
    finish(rq);
}
