/* SPDX-License-Identifier: Apache-2.0 */
#include "http/http_head.h"

#include <llhttp.h>
#include <string.h>

/* clang-format off */
enum { TOKEN = 1, VALUE = 2, HOST = 4 };
static const unsigned char classes[256] = {
    ['\t'] = VALUE, [' '] = VALUE,
    ['!'] = TOKEN | VALUE | HOST, ['"'] = VALUE, ['#'] = TOKEN | VALUE, ['$'] = TOKEN | VALUE | HOST,
    ['%'] = TOKEN | VALUE, ['&'] = TOKEN | VALUE | HOST, ['\''] = TOKEN | VALUE | HOST,
    ['('] = VALUE | HOST, [')'] = VALUE | HOST, ['*'] = TOKEN | VALUE | HOST,
    ['+'] = TOKEN | VALUE | HOST, [','] = VALUE | HOST, ['-'] = TOKEN | VALUE | HOST,
    ['.'] = TOKEN | VALUE | HOST, ['/'] = VALUE, ['0' ... '9'] = TOKEN | VALUE | HOST,
    [':'] = VALUE, [';'] = VALUE | HOST, ['<'] = VALUE, ['='] = VALUE | HOST, ['>'] = VALUE,
    ['?'] = VALUE, ['@'] = VALUE, ['A' ... 'Z'] = TOKEN | VALUE | HOST, ['['] = VALUE,
    ['\\'] = VALUE, [']'] = VALUE, ['^'] = TOKEN | VALUE, ['_'] = TOKEN | VALUE | HOST,
    ['`'] = TOKEN | VALUE, ['a' ... 'z'] = TOKEN | VALUE | HOST, ['{'] = VALUE,
    ['|'] = TOKEN | VALUE, ['}'] = VALUE, ['~'] = TOKEN | VALUE | HOST,
    [128 ... 255] = VALUE,
};
/* clang-format on */

static bool all_of(struct str s, unsigned char class)
{
    for (size_t i = 0; i < s.len; i++) {
        if (!(classes[(unsigned char)s.data[i]] & class)) {
            return false;
        }
    }
    return true;
}

bool http_method_is_safe(struct str method)
{
    return str_eq(method, STR("GET")) || str_eq(method, STR("HEAD")) ||
           str_eq(method, STR("OPTIONS"));
}

bool http_is_token(struct str s)
{
    return s.len > 0 && all_of(s, TOKEN);
}

bool http_is_field_value(struct str s)
{
    return all_of(s, VALUE);
}

struct str http_host_without_port(struct str host)
{
    if (host.len > 0 && host.data[0] == '[') {
        size_t end = str_find(host, ']');
        return str_of(host.data, end == host.len ? end : end + 1);
    }
    return str_of(host.data, str_find(host, ':'));
}

static bool is_address_literal(struct str s)
{
    for (size_t i = 1; i + 1 < s.len; i++) {
        if (!strchr("0123456789abcdefABCDEF:.", s.data[i]) || s.data[i] == '\0') {
            return false;
        }
    }
    return s.len > 3 && s.data[s.len - 1] == ']';
}

bool http_is_host(struct str s)
{
    struct str name = http_host_without_port(s);
    struct str port = str_skip(s, name.len);
    if (port.len > 0) {
        uint64_t number = 0;
        if (port.data[0] != ':' ||
            (port.len > 1 && (!str_to_u64(str_skip(port, 1), &number) || number > 65535))) {
            return false;
        }
    }
    if (name.len > 0 && name.data[0] == '[') {
        return is_address_literal(name);
    }
    return name.len > 0 && all_of(name, HOST);
}

/* Those that a function's Node.js knows, `http.METHODS`, the usual ones first. */
static bool is_known_method(struct str method)
{
    static const char *const methods[] = {
        "GET",      "POST",       "HEAD",       "PUT",     "DELETE", "PATCH",    "OPTIONS",
        "ACL",      "BIND",       "CHECKOUT",   "CONNECT", "COPY",   "LINK",     "LOCK",
        "MERGE",    "MKACTIVITY", "MKCALENDAR", "MKCOL",   "MOVE",   "M-SEARCH", "NOTIFY",
        "PROPFIND", "PROPPATCH",  "PURGE",      "QUERY",   "REBIND", "REPORT",   "SEARCH",
        "SOURCE",   "SUBSCRIBE",  "TRACE",      "UNBIND",  "UNLINK", "UNLOCK",   "UNSUBSCRIBE",
    };
    for (size_t i = 0; i < ARRAY_COUNT(methods); i++) {
        if (str_eq(method, str_c(methods[i]))) {
            return true;
        }
    }
    return false;
}

/* RFC 3986 has no other bytes in a URI, and fewer of these; but browsers send some of the rest. */
static bool is_visible(struct str s)
{
    for (size_t i = 0; i < s.len; i++) {
        unsigned char byte = (unsigned char)s.data[i];
        if (byte <= ' ' || byte >= 0x7f) {
            return false;
        }
    }
    return true;
}

struct request_line {
    struct str method;
    struct str target;
    uint8_t minor;
};

/* "METHOD target HTTP/1.1" with single blanks. 0 or a refusal. */
static int read_request_line(struct str line, struct request_line *ret)
{
    struct str rest = line;
    struct str method = str_cut(&rest, ' ');
    struct str target = str_cut(&rest, ' ');
    struct str version = rest;
    if (!http_is_token(method) || target.len == 0 || !is_visible(target) || version.len != 8 ||
        memcmp(version.data, "HTTP/", 5) != 0 || version.data[6] != '.' || version.data[5] < '0' ||
        version.data[5] > '9' || version.data[7] < '0' || version.data[7] > '9') {
        return -400;
    }
    if (version.data[5] != '1' || version.data[7] > '1') {
        return str_eq(method, STR("PRI")) ? -400 : -505; /* HTTP/2's preface is no request */
    }
    *ret = (struct request_line){ method, target, (uint8_t)(version.data[7] - '0') };
    return is_known_method(method) ? 0 : -501;
}

/* It is the target that is too long, if there is one. */
static int refuse_long_line(struct str line)
{
    return is_known_method(str_cut(&line, ' ')) ? -414 : -400;
}

/* One complete line without its end. */
static int check_line(const struct http_scan *scan, struct str line)
{
    if (scan->fields == 0) {
        struct request_line request;
        return line.len > LIMIT_REQUEST_LINE_BYTES ? refuse_long_line(line)
                                                   : read_request_line(line, &request);
    }
    if (!all_of(line, VALUE)) {
        return -400;
    }
    /* The first byte also refuses a folded line, RFC 9112 5.2. */
    struct str name = str_of(line.data, str_find(line, ':'));
    return name.len == line.len || !http_is_token(name) ? -400 : 0;
}

/* A CR ends a line or nothing: who ends lines with it alone would be waited for in vain. */
static bool has_bare_cr(const struct http_scan *scan, struct str bytes)
{
    size_t from =
        scan->at > scan->line ? scan->at - 1 : scan->line; /* the last may have been one */
    struct str fresh = str_skip(bytes, from);
    return str_find(fresh, '\r') + 1 < fresh.len;
}

static size_t head_bytes_max(const struct http_scan *scan)
{
    return LIMIT_REQUEST_HEAD_BYTES + (scan->inner ? LIMIT_INNER_HEAD_BYTES : 0);
}

static size_t fields_max(const struct http_scan *scan)
{
    return LIMIT_REQUEST_HEADERS + (scan->inner ? LIMIT_INNER_HEADERS : 0);
}

static int check_unfinished(const struct http_scan *scan, struct str bytes)
{
    if (has_bare_cr(scan, bytes)) {
        return -400;
    }
    if (bytes.len > scan->blank && scan->line == scan->blank) {
        char first = bytes.data[scan->blank];
        if (first != '\r' && !(classes[(unsigned char)first] & TOKEN)) {
            return -400; /* such as a TLS client's hello: nothing to wait for */
        }
        struct str line = str_skip(bytes, scan->line);
        if (line.len > LIMIT_REQUEST_LINE_BYTES) {
            return refuse_long_line(line);
        }
    }
    return bytes.len > head_bytes_max(scan) ? -431 : 0;
}

int http_head_scan(struct http_scan *scan, struct str bytes)
{
    for (;;) {
        const char *feed =
            bytes.len > scan->at ? memchr(bytes.data + scan->at, '\n', bytes.len - scan->at) : NULL;
        if (!feed) {
            int r = check_unfinished(scan, bytes);
            scan->at = bytes.len;
            return r;
        }
        size_t end = (size_t)(feed - bytes.data);
        if (end == scan->line || bytes.data[end - 1] != '\r') {
            return -400;
        }
        struct str line = str_of(bytes.data + scan->line, end - 1 - scan->line);
        size_t next = end + 1;
        if (next > head_bytes_max(scan)) {
            return scan->line == scan->blank ? refuse_long_line(line) : -431;
        }
        if (line.len == 0 && scan->line == scan->blank) {
            scan->blank = next; /* RFC 9112 2.2: ignore blank lines before the request line */
        } else if (line.len == 0) {
            return (int)next;
        } else {
            int r = check_line(scan, line);
            if (r < 0) {
                return r;
            }
            if (scan->fields++ > fields_max(scan)) {
                return -431;
            }
        }
        scan->line = scan->at = next;
    }
}

/* What llhttp's callbacks fill. */
struct parse {
    llhttp_t llhttp; /* first, so that the callbacks find the rest */
    struct http_head *head;
};

static int on_field(llhttp_t *llhttp, const char *at, size_t len)
{
    struct parse *p = container_of(llhttp, struct parse, llhttp);
    if (p->head->field_count == ARRAY_COUNT(p->head->fields)) {
        return HPE_USER;
    }
    p->head->fields[p->head->field_count++] = (struct http_field){ .name = str_of(at, len) };
    return 0;
}

static int on_value(llhttp_t *llhttp, const char *at, size_t len)
{
    struct parse *p = container_of(llhttp, struct parse, llhttp);
    p->head->fields[p->head->field_count - 1].value = str_trim(str_of(at, len));
    return 0;
}

static int on_head_complete(llhttp_t *llhttp)
{
    (void)llhttp;
    return HPE_PAUSED; /* the body is ours */
}

static const llhttp_settings_t settings = {
    .on_header_field = on_field,
    .on_header_value = on_value,
    .on_headers_complete = on_head_complete,
};

/* The fields alone: it would know fewer methods and call every other version malformed. */
static int run_llhttp(struct parse *p, struct str fields)
{
    static const char line[] = "POST / HTTP/1.1\r\n";
    llhttp_init(&p->llhttp, HTTP_REQUEST, &settings);
    /* Its own view of lengths is not asked for: check_framing() is stricter. */
    llhttp_set_lenient_chunked_length(&p->llhttp, 1);
    llhttp_set_lenient_transfer_encoding(&p->llhttp, 1);
    llhttp_set_lenient_keep_alive(&p->llhttp, 1);
    if (llhttp_execute(&p->llhttp, line, sizeof(line) - 1) != HPE_OK) {
        return -400; /* cannot be */
    }
    switch (llhttp_execute(&p->llhttp, fields.data, fields.len)) {
    case HPE_PAUSED:
        return 0;
    case HPE_USER:
        return -431;
    default:
        return -400;
    }
}

/* Cuts the next element off a list like "a, b"; `rest` has no data behind the last. */
static struct str next_token(struct str *rest)
{
    return str_trim(str_cut(rest, ','));
}

static void nominate_hop(struct http_head *head, struct str name)
{
    for (size_t i = 0; i < head->field_count; i++) {
        struct http_field *f = &head->fields[i];
        /* What frames and addresses the message is no option of the connection. */
        if (str_eq_nocase(f->name, name) && !str_eq(f->name, STR("host")) &&
            !str_eq(f->name, STR("content-length"))) {
            f->hop = true;
        }
    }
}

/* What is found while the fields are read one by one, and means something once all are. */
struct seen {
    unsigned hosts;
    unsigned options; /* of the connection */
    bool closes;      /* one of them is: whatever else they say */
};

/* Each option is looked for among all fields: more of them than there may be fields would have us
 * do nothing else. */
static int read_connection(struct http_head *head, struct str value, struct seen *seen)
{
    while (value.data && value.len > 0) {
        struct str token = next_token(&value);
        if (token.len == 0) {
            continue;
        }
        if (++seen->options > LIMIT_REQUEST_HEADERS) {
            return -431;
        }
        if (str_eq_nocase(token, STR("close"))) {
            seen->closes = true;
        } else if (str_eq_nocase(token, STR("keep-alive"))) {
            head->keep_alive = true;
        } else {
            nominate_hop(head, token);
        }
    }
    return 0;
}

static void read_expect(struct http_head *head, struct str value)
{
    do {
        bool is_continue = str_eq_nocase(next_token(&value), STR("100-continue"));
        head->expects_continue = head->expects_continue || (is_continue && head->minor > 0);
        head->expects_other = head->expects_other || !is_continue;
    } while (value.data);
}

/* Those two fields are no secret of this connection's if it is to become the function's. */
static void find_upgrade(struct http_head *head)
{
    struct http_field *upgrade = NULL;
    struct http_field *connection = NULL;
    for (size_t i = 0; i < head->field_count; i++) {
        struct http_field *f = &head->fields[i];
        if (str_eq(f->name, STR("upgrade")) && str_eq_nocase(f->value, STR("websocket"))) {
            upgrade = f;
        } else if (str_eq(f->name, STR("connection")) && str_list_has(f->value, STR("upgrade"))) {
            connection = f;
        }
    }
    /* RFC 6455 4.1. A body would have to be read before the other protocol begins. */
    if (upgrade && connection && head->minor > 0 && str_eq(head->method, STR("GET")) &&
        !http_head_has_body(head)) {
        head->upgrade = true;
        upgrade->hop = connection->hop = false;
    }
}

/* Without "chunked" as the last coding nobody knows where the body ends, RFC 9112 6.3; of those
 * before it none is known here. Empty elements are somebody's attempt at being misunderstood. */
static int read_transfer_encoding(struct http_head *head, struct str value)
{
    bool others = false;
    if (head->chunked || head->minor == 0) {
        return -400;
    }
    do {
        struct str coding = next_token(&value);
        if (head->chunked || coding.len == 0) {
            return -400;
        }
        head->chunked = str_eq_nocase(coding, STR("chunked"));
        others = others || !head->chunked;
    } while (value.data);
    return !head->chunked ? -400 : others ? -501 : 0;
}

/* What one field says about the message. 0 or a refusal. */
static int read_field(struct http_head *head, struct http_field *f, struct seen *seen)
{
    struct str name = f->name;
    switch (name.len) {
    case 2:
        f->hop = f->hop || str_eq(name, STR("te"));
        break;
    case 4:
        if (str_eq(name, STR("host"))) {
            head->host = f->value;
            seen->hosts++;
        }
        break;
    case 6:
        if (str_eq(name, STR("expect"))) {
            f->hop = true;
            read_expect(head, f->value);
        }
        break;
    case 7:
        f->hop = f->hop || str_eq(name, STR("upgrade")) || str_eq(name, STR("trailer"));
        break;
    case 10:
        if (str_eq(name, STR("connection"))) {
            f->hop = true;
            return read_connection(head, f->value, seen);
        }
        f->hop = f->hop || str_eq(name, STR("keep-alive"));
        break;
    case 14:
        if (str_eq(name, STR("content-length"))) {
            if (head->has_length || !str_to_u64(f->value, &head->length) ||
                head->length > INT64_MAX) {
                return -400;
            }
            head->has_length = true;
        }
        break;
    case 16:
        f->hop = f->hop || str_eq(name, STR("proxy-connection"));
        break;
    case 17:
        if (str_eq(name, STR("transfer-encoding"))) {
            f->hop = true;
            return read_transfer_encoding(head, f->value);
        }
        break;
    default:
        break;
    }
    return 0;
}

static int read_fields(struct http_head *head, char *bytes)
{
    struct seen seen = { 0 };
    head->keep_alive = head->minor > 0;
    for (size_t i = 0; i < head->field_count; i++) {
        struct http_field *f = &head->fields[i];
        char *name = bytes + (f->name.data - bytes);
        uint64_t capitals = 0;
        for (size_t k = 0; k < f->name.len; k++) {
            bool is_capital = name[k] >= 'A' && name[k] <= 'Z';
            name[k] = (char)(name[k] | (is_capital ? 0x20 : 0));
            capitals |= (uint64_t)(is_capital && k < 64) << (k & 63);
        }
        f->capitals = capitals;
    }
    for (size_t i = 0; i < head->field_count; i++) {
        int r = read_field(head, &head->fields[i], &seen);
        if (r < 0) {
            return r;
        }
    }
    if (head->chunked && head->has_length) {
        return -400;
    }
    if (seen.hosts > 1 || (seen.hosts == 0 && head->minor > 0) ||
        (seen.hosts == 1 && !http_is_host(head->host))) {
        return -400;
    }
    head->keep_alive = head->keep_alive && !seen.closes;
    find_upgrade(head);
    return 0;
}

/* "http://host/path": the target's host wins over the field, RFC 9112 3.2.2. */
static int read_absolute(struct http_head *head, char *bytes, struct str url)
{
    size_t scheme = str_find(url, ':');
    struct str rest = str_skip(url, scheme);
    struct str name = str_of(url.data, scheme);
    if (!str_starts(rest, STR("://")) ||
        !(str_eq_nocase(name, STR("http")) || str_eq_nocase(name, STR("https")))) {
        return -400;
    }
    rest = str_skip(rest, 3);
    size_t len = 0;
    while (len < rest.len && rest.data[len] != '/' && rest.data[len] != '?') {
        len++;
    }
    struct str host = str_of(rest.data, len);
    if (!http_is_host(host)) {
        return -400;
    }
    rest = str_skip(rest, len);
    if (rest.len == 0 || rest.data[0] == '?') {
        /* No path: the host moves over the slash before it and leaves room for a path's. */
        char *at = bytes + (host.data - bytes);
        memmove(at - 1, at, host.len);
        at[host.len - 1] = '/';
        host.data--;
        rest = str_of(rest.data - 1, rest.len + 1);
    }
    head->host = host;
    head->target = rest;
    return 0;
}

static int read_target(struct http_head *head, char *bytes, struct str url)
{
    if (url.len == 0 || str_find(url, '#') < url.len) {
        return -400;
    }
    if (str_eq(head->method, STR("CONNECT"))) {
        return -405; /* no proxy */
    }
    if (url.data[0] == '/') {
        head->target = url;
        return 0;
    }
    if (str_eq(url, STR("*"))) {
        head->target = url;
        return str_eq(head->method, STR("OPTIONS")) ? 0 : -400;
    }
    return read_absolute(head, bytes, url);
}

int http_head_parse(char *bytes, size_t len, struct http_head *ret_head)
{
    struct parse p = { .head = ret_head };
    /* The fields are written as they come: zeroing them all would cost more than the parse. */
    memset(ret_head, 0, offsetof(struct http_head, fields));
    size_t line_len = str_find(str_of(bytes, len), '\r');
    struct request_line line = { 0 };
    int r = read_request_line(str_of(bytes, line_len), &line);
    ret_head->method = line.method;
    ret_head->minor = line.minor;
    if (r == 0) {
        r = run_llhttp(&p, str_skip(str_of(bytes, len), line_len + 2));
    }
    if (r == 0) {
        r = read_fields(ret_head, bytes);
    }
    return r == 0 ? read_target(ret_head, bytes, line.target) : r;
}

const struct http_field *http_head_find(const struct http_head *head, struct str name)
{
    for (size_t i = 0; i < head->field_count; i++) {
        if (str_eq(head->fields[i].name, name)) {
            return &head->fields[i];
        }
    }
    return NULL;
}
