/* SPDX-License-Identifier: Apache-2.0 */
#include "http/http_reply.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "base/limits.h"
#include "http/http_block.h"
#include "http/http_encoding.h"
#include "http/http_head.h"

const char *http_reason(unsigned status)
{
    /* clang-format off */
    static const struct { unsigned status; const char *text; } reasons[] = {
        { 200, "OK" }, { 100, "Continue" }, { 101, "Switching Protocols" }, { 102, "Processing" },
        { 103, "Early Hints" }, { 201, "Created" }, { 202, "Accepted" },
        { 203, "Non-Authoritative Information" }, { 204, "No Content" }, { 205, "Reset Content" },
        { 206, "Partial Content" }, { 207, "Multi-Status" }, { 208, "Already Reported" },
        { 226, "IM Used" }, { 300, "Multiple Choices" }, { 301, "Moved Permanently" },
        { 302, "Found" }, { 303, "See Other" }, { 304, "Not Modified" }, { 305, "Use Proxy" },
        { 307, "Temporary Redirect" }, { 308, "Permanent Redirect" }, { 400, "Bad Request" },
        { 401, "Unauthorized" }, { 402, "Payment Required" }, { 403, "Forbidden" },
        { 404, "Not Found" }, { 405, "Method Not Allowed" }, { 406, "Not Acceptable" },
        { 407, "Proxy Authentication Required" }, { 408, "Request Timeout" }, { 409, "Conflict" },
        { 410, "Gone" }, { 411, "Length Required" }, { 412, "Precondition Failed" },
        { 413, "Payload Too Large" }, { 414, "URI Too Long" }, { 415, "Unsupported Media Type" },
        { 416, "Range Not Satisfiable" }, { 417, "Expectation Failed" }, { 418, "I'm a Teapot" },
        { 421, "Misdirected Request" }, { 422, "Unprocessable Entity" }, { 423, "Locked" },
        { 424, "Failed Dependency" }, { 425, "Too Early" }, { 426, "Upgrade Required" },
        { 428, "Precondition Required" }, { 429, "Too Many Requests" },
        { 431, "Request Header Fields Too Large" }, { 451, "Unavailable For Legal Reasons" },
        { 500, "Internal Server Error" }, { 501, "Not Implemented" }, { 502, "Bad Gateway" },
        { 503, "Service Unavailable" }, { 504, "Gateway Timeout" },
        { 505, "HTTP Version Not Supported" }, { 506, "Variant Also Negotiates" },
        { 507, "Insufficient Storage" }, { 508, "Loop Detected" }, { 510, "Not Extended" },
        { 511, "Network Authentication Required" },
    };
    /* clang-format on */
    for (size_t i = 0; i < ARRAY_COUNT(reasons); i++) {
        if (reasons[i].status == status) {
            return reasons[i].text;
        }
    }
    return "unknown";
}

/* What a field of a function's response is to us. */
enum field_kind { FIELD_PASS, FIELD_DROP, FIELD_LENGTH, FIELD_CONNECTION, FIELD_DATE };

static enum field_kind field_kind(struct str name)
{
    switch (name.len) {
    case 2:
        return str_eq_nocase(name, STR("te")) ? FIELD_DROP : FIELD_PASS;
    case 4:
        return str_eq_nocase(name, STR("date")) ? FIELD_DATE : FIELD_PASS;
    case 7:
        return str_eq_nocase(name, STR("upgrade")) || str_eq_nocase(name, STR("trailer"))
                   ? FIELD_DROP
                   : FIELD_PASS;
    case 10:
        if (str_eq_nocase(name, STR("connection"))) {
            return FIELD_CONNECTION;
        }
        return str_eq_nocase(name, STR("keep-alive")) ? FIELD_DROP : FIELD_PASS;
    case 14:
        return str_eq_nocase(name, STR("content-length")) ? FIELD_LENGTH : FIELD_PASS;
    case 16:
        return str_eq_nocase(name, STR("proxy-connection")) ? FIELD_DROP : FIELD_PASS;
    case 17:
        return str_eq_nocase(name, STR("transfer-encoding")) ? FIELD_DROP : FIELD_PASS;
    default:
        return FIELD_PASS;
    }
}

struct writer {
    char *at;
    bool has_length;
    bool bad_length; /* several that differ, or no number: ours alone counts */
    bool has_date;
    uint64_t length;
};

static void put(struct writer *w, struct str s)
{
    if (s.len > 0) {
        memcpy(w->at, s.data, s.len);
        w->at += s.len;
    }
}

static void put_field(struct writer *w, struct str name, struct str value)
{
    put(w, name);
    *w->at++ = ':';
    *w->at++ = ' ';
    put(w, value);
    *w->at++ = '\r';
    *w->at++ = '\n';
}

static void put_number(struct writer *w, uint64_t n)
{
    char digits[20];
    size_t i = sizeof(digits);
    do {
        digits[--i] = (char)('0' + n % 10);
        n /= 10;
    } while (n > 0);
    put(w, str_of(digits + i, sizeof(digits) - i));
}

static void take_length(struct writer *w, struct str value)
{
    uint64_t length;
    if (!str_to_u64(str_trim(value), &length) || length > INT64_MAX ||
        (w->has_length && w->length != length)) {
        w->bad_length = true;
        return;
    }
    w->has_length = true;
    w->length = length;
}

/* Fields that a response may have several of: Next.js adds to them, and replaces others. */
static bool is_multiple(struct str name)
{
    return str_eq_nocase(name, STR("set-cookie")) || str_eq_nocase(name, STR("vary")) ||
           str_eq_nocase(name, STR("www-authenticate")) ||
           str_eq_nocase(name, STR("proxy-authenticate"));
}

static bool is_replaced(const struct http_reply *reply, struct str name)
{
    return reply->defaults_win && reply->defaults.len > 0 && !is_multiple(name) &&
           http_block_find(reply->defaults, name).data;
}

/* Other bytes under another coding: the tag holds for what they mean alone. RFC 9110 8.8.3.3. */
static bool is_to_be_weakened(const struct http_reply *reply, struct str name, struct str value)
{
    return (reply->encoding & HTTP_ENCODING_GZIP) && str_eq_nocase(name, STR("etag")) &&
           !str_starts(value, STR("W/"));
}

static void put_passed(struct writer *w, const struct http_reply *reply, struct str name,
                       struct str value)
{
    if (is_to_be_weakened(reply, name, value)) {
        put(w, STR("etag: W/"));
        put(w, value);
        put(w, STR("\r\n"));
    } else if (!is_replaced(reply, name)) {
        put_field(w, name, value);
    }
}

static int put_fields(struct writer *w, struct http_reply *reply)
{
    struct str rest = reply->fields, name, value;
    while (http_block_next(&rest, &name, &value)) {
        if (!http_is_token(name) || !http_is_field_value(value)) {
            return -EBADMSG;
        }
        switch (field_kind(name)) {
        case FIELD_LENGTH:
            take_length(w, value);
            break;
        case FIELD_CONNECTION:
            reply->keep_alive = reply->keep_alive && !str_list_has(value, STR("close"));
            break;
        case FIELD_DATE:
            w->has_date = true;
            put_field(w, name, value);
            break;
        case FIELD_PASS:
            put_passed(w, reply, name, value);
            break;
        case FIELD_DROP:
            break;
        }
    }
    return rest.len == 0 ? 0 : -EBADMSG;
}

static void put_defaults(struct writer *w, const struct http_reply *reply)
{
    struct str rest = reply->defaults, name, value;
    while (http_block_next(&rest, &name, &value)) {
        if (field_kind(name) == FIELD_PASS && http_is_token(name) && http_is_field_value(value) &&
            (reply->defaults_win || !http_block_find(reply->fields, name).data)) {
            put_field(w, name, value);
        }
    }
}

static void put_encoding(struct writer *w, const struct http_reply *reply)
{
    if (reply->encoding & HTTP_ENCODING_VARIES) {
        put(w, STR("vary: Accept-Encoding\r\n"));
    }
    if (reply->encoding & HTTP_ENCODING_GZIP) {
        put(w, STR("content-encoding: gzip\r\n"));
    }
}

static void end_with_connection(struct http_reply *reply)
{
    reply->framing = HTTP_FRAMING_CLOSE;
    reply->keep_alive = false;
}

/* A response that is streamed. */
static void choose_stream_framing(const struct writer *w, struct http_reply *reply, bool told)
{
    reply->counted = told;
    reply->length = told ? w->length : 0;
    if (told && !(reply->encoding & HTTP_ENCODING_GZIP)) {
        reply->framing = HTTP_FRAMING_LENGTH;
    } else if (reply->minor > 0) {
        reply->framing = HTTP_FRAMING_CHUNKED;
    } else {
        end_with_connection(reply);
    }
}

static void choose_framing(const struct writer *w, struct http_reply *reply)
{
    bool told = w->has_length && !w->bad_length;
    reply->mismatch = false;
    if (reply->status == 101) { /* what follows is the tunnel's */
        end_with_connection(reply);
        return;
    }
    if (reply->status == 204 || reply->status == 304) {
        reply->framing = HTTP_FRAMING_NONE;
    } else if (reply->head) {
        reply->framing = HTTP_FRAMING_NONE;
        reply->length =
            told && (reply->body_length == 0 || !reply->whole) ? w->length : reply->body_length;
    } else if (!reply->whole) {
        choose_stream_framing(w, reply, told);
    } else {
        told = told && !(reply->encoding & HTTP_ENCODING_GZIP); /* before it was compressed */
        reply->framing = HTTP_FRAMING_LENGTH;
        reply->counted = true;
        reply->mismatch = told && w->length != reply->body_length;
        reply->length = told ? w->length : reply->body_length;
        if (reply->length > reply->body_length) {
            reply->keep_alive = false; /* the client sees that something is missing */
        }
    }
}

static void put_framing(struct writer *w, struct http_reply *reply)
{
    bool told = w->has_length && !w->bad_length;
    choose_framing(w, reply);
    bool length = reply->framing == HTTP_FRAMING_LENGTH;
    if (reply->framing == HTTP_FRAMING_NONE) {
        length = reply->status == 304 ? told
                                      : reply->head && reply->status != 204 &&
                                            (told || (reply->whole && reply->body_length > 0));
        if (reply->status == 304 && told) {
            reply->length = w->length;
        }
    }
    if (length) {
        put(w, STR("content-length: "));
        put_number(w, reply->length);
        put(w, STR("\r\n"));
    } else if (reply->framing == HTTP_FRAMING_CHUNKED) {
        put(w, STR("transfer-encoding: chunked\r\n"));
    }
    if (reply->status == 101) {
        put(w, STR("connection: Upgrade\r\nupgrade: websocket\r\n"));
    } else if (!reply->keep_alive) {
        put(w, STR("connection: close\r\n"));
    } else if (reply->minor == 0) {
        put(w, STR("connection: keep-alive\r\n"));
    }
}

/* A reason phrase of the function's own is cut off the fields' front. */
static struct str take_reason(struct http_reply *reply)
{
    struct str rest = reply->fields, name, value;
    if (http_block_next(&rest, &name, &value) && str_eq(name, STR(":reason"))) {
        reply->fields = rest;
        if (!reply->plain_reason && http_is_field_value(value)) {
            return value;
        }
    }
    return str_c(http_reason(reply->status));
}

static void put_status(struct writer *w, unsigned status, struct str reason)
{
    put(w, STR("HTTP/1.1 "));
    put_number(w, status);
    *w->at++ = ' ';
    put(w, reason);
    put(w, STR("\r\n"));
}

/* Of a line "name: value". What begins with "x-" stays small. */
static void capitalize_name(char *line, const char *end)
{
    struct str name = str_of(line, (size_t)(end - line));
    if (str_starts(name, STR("x-"))) {
        return;
    }
    if (str_starts(name, STR("etag:"))) {
        line[1] = 'T';
    }
    for (bool begins = true; *line != ':'; line++) {
        if (begins && *line >= 'a' && *line <= 'z') {
            *line = (char)(*line - 'a' + 'A');
        }
        begins = *line == '-';
    }
}

/* From the first field's line to the blank one. */
static void capitalize_names(char *at, const char *end)
{
    while (*at != '\r') {
        capitalize_name(at, end);
        at = (char *)memchr(at, '\n', (size_t)(end - at)) + 1; /* each line has its end */
    }
}

/* Status line, and every field that is added here: date, framing, encoding, connection. */
#define OWN_BYTES_MAX 320

/* Every pair grows by two bytes and has at least three (a name of one byte and two NULs); an ETag
 * by two more. */
static size_t room_for(struct str fields, struct str defaults)
{
    return OWN_BYTES_MAX + 2 * (fields.len + defaults.len);
}

int http_reply_write(struct buf *out, struct http_reply *reply)
{
    char *at;
    bool upgrades = reply->status == 101 && reply->upgrade && !reply->whole;
    if (reply->status > 999 || (reply->status < 200 && !upgrades)) {
        return -EBADMSG;
    }
    if (reply->fields.len > LIMIT_RESPONSE_HEAD_BYTES) {
        return -EMSGSIZE;
    }
    int r = buf_reserve(out, room_for(reply->fields, reply->defaults), &at);
    if (r < 0) {
        return r;
    }
    struct writer w = { .at = at };
    put_status(&w, reply->status, take_reason(reply));
    char *first = w.at;
    r = put_fields(&w, reply);
    if (r < 0) {
        return r;
    }
    put_defaults(&w, reply);
    put_encoding(&w, reply);
    if (!w.has_date) {
        put_field(&w, STR("date"), reply->date);
    }
    put_framing(&w, reply);
    put(&w, STR("\r\n"));
    if (reply->capitals) {
        capitalize_names(first, w.at);
    }
    out->len += (size_t)(w.at - at);
    return 0;
}

int http_reply_write_informational(struct buf *out, unsigned status, struct str fields)
{
    char *at;
    if (status < 100 || status > 199 || status == 101 || fields.len > LIMIT_RESPONSE_HEAD_BYTES) {
        return -EBADMSG;
    }
    int r = buf_reserve(out, room_for(fields, STR("")), &at);
    if (r < 0) {
        return r;
    }
    struct writer w = { .at = at };
    struct str name, value;
    put_status(&w, status, str_c(http_reason(status)));
    while (http_block_next(&fields, &name, &value)) {
        if (!http_is_token(name) || !http_is_field_value(value)) {
            return -EBADMSG;
        }
        if (field_kind(name) == FIELD_PASS) {
            put_field(&w, name, value);
        }
    }
    put(&w, STR("\r\n"));
    out->len += (size_t)(w.at - at);
    return 0;
}
