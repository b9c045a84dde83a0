/* A walk over the routes in their order. Literal paths come out of a hash, so that a build with
 * thousands of them costs one look; the walk takes whichever of the next literal and the next other
 * route comes first, and so sees the same order as one that tries them all.
 *
 * SPDX-License-Identifier: Apache-2.0 */
#include "gateway/router_match.h"

#include "gateway/function.h"
#include "gateway/route_query.h"
#include "http/http_block.h"

#define REWRITES_MAX 32

/* What $1 and $name stand for: groups of the path's pattern and of the conditions' patterns. The
 * values point into the request. */
struct capture {
    struct str name; /* empty: numbered only */
    unsigned number; /* 0: named only */
    struct str value;
};

struct walk {
    const struct router *router;
    const struct route_input *in;
    struct route_answer *answer;
    struct str path;
    struct str query; /* without '?'; data NULL: none */
    uint32_t literal; /* next literal candidate + 1 */
    size_t other;     /* next of router->others */
    struct capture captures[ROUTER_CAPTURES_MAX];
    size_t capture_count;
    unsigned rewrites;
};

static void split_target(struct walk *w, struct str target)
{
    w->answer->target = target;
    size_t mark = str_find(target, '?');
    w->path = str_of(target.data, mark);
    w->query = mark < target.len ? str_skip(target, mark + 1) : (struct str){ 0 };
}

/* Places the walk on the first candidates at or behind `index`. */
static void walk_from(struct walk *w, size_t index)
{
    const struct router *r = w->router;
    w->literal = r->buckets[router_bucket(r, w->path)];
    while (w->literal != 0 && w->literal - 1 < index) {
        w->literal = r->chain[w->literal - 1];
    }
    size_t low = 0, high = r->other_count;
    while (low < high) {
        size_t middle = low + (high - low) / 2;
        if (r->others[middle] < index) {
            low = middle + 1;
        } else {
            high = middle;
        }
    }
    w->other = low;
}

/* Where a request goes on that has been through a function: 0 if no route leads to it any more. */
static size_t index_after(const struct router *r, struct str name)
{
    for (size_t i = name.len > 0 ? r->route_count : 0; i > 0; i--) {
        const struct route *route = &r->routes[i - 1];
        if (route->has_function && str_eq(name, str_c(r->functions[route->function]->name))) {
            return i;
        }
    }
    return 0;
}

/* The next candidate's index, or route_count. */
static size_t walk_next(struct walk *w)
{
    const struct router *r = w->router;
    size_t literal = w->literal != 0 ? w->literal - 1 : r->route_count;
    size_t other = w->other < r->other_count ? r->others[w->other] : r->route_count;
    if (literal < other) {
        w->literal = r->chain[literal];
        return literal;
    }
    if (other < r->route_count) {
        w->other++;
    }
    return other;
}

static int match(struct walk *w, const pcre2_code *code, struct str subject, uint32_t options)
{
    const char *data = subject.data ? subject.data : "";
    return pcre2_match(code, (PCRE2_SPTR)data, subject.len, 0, options, w->router->match,
                       w->router->context);
}

static void capture_add(struct walk *w, struct capture c)
{
    if (w->capture_count < ROUTER_CAPTURES_MAX) {
        w->captures[w->capture_count++] = c;
    }
}

static struct str group_value(const struct walk *w, struct str subject, size_t number)
{
    const PCRE2_SIZE *ends = pcre2_get_ovector_pointer(w->router->match);
    if (number >= pcre2_get_ovector_count(w->router->match) || ends[2 * number] == PCRE2_UNSET ||
        ends[2 * number] > ends[2 * number + 1]) {
        return str_of("", 0);
    }
    return str_of(subject.data + ends[2 * number], ends[2 * number + 1] - ends[2 * number]);
}

static void capture_named(struct walk *w, const pcre2_code *code, struct str subject)
{
    uint32_t count = 0, size = 0;
    PCRE2_SPTR table = NULL;
    (void)pcre2_pattern_info(code, PCRE2_INFO_NAMECOUNT, &count); /* valid requests all */
    (void)pcre2_pattern_info(code, PCRE2_INFO_NAMEENTRYSIZE, &size);
    (void)pcre2_pattern_info(code, PCRE2_INFO_NAMETABLE, &table);
    for (uint32_t i = 0; i < count; i++, table += size) {
        size_t number = (size_t)table[0] << 8 | table[1];
        capture_add(w, (struct capture){ .name = str_c((const char *)table + 2),
                                         .value = group_value(w, subject, number) });
    }
}

static bool match_src(struct walk *w, const struct route *route)
{
    w->capture_count = 0;
    if (!route->src) {
        return !route->path || str_eq(str_c(route->path), w->path);
    }
    if (match(w, route->src, w->path, 0) < 0) {
        return false;
    }
    uint32_t groups = 0;
    (void)pcre2_pattern_info(route->src, PCRE2_INFO_CAPTURECOUNT, &groups); /* valid */
    for (uint32_t i = 0; i <= groups; i++) {
        capture_add(w, (struct capture){ .number = i, .value = group_value(w, w->path, i) });
    }
    capture_named(w, route->src, w->path);
    return true;
}

static bool match_method(const struct walk *w, const struct route *route)
{
    for (size_t i = 0; i < route->method_count; i++) {
        if (str_eq(w->in->method, str_c(route->methods[i]))) {
            return true;
        }
    }
    return !route->methods;
}

/* A value that is there is tested; named groups become captures, and without a pattern all of it,
 * by its key. */
static bool match_value(struct walk *w, const struct condition *c, struct str value)
{
    if (!c->pattern) {
        if (c->key) {
            capture_add(w, (struct capture){ .name = str_c(c->key), .value = value });
        }
        return true;
    }
    if (match(w, c->pattern, value, PCRE2_ANCHORED | PCRE2_ENDANCHORED) < 0) {
        return false;
    }
    capture_named(w, c->pattern, value);
    return true;
}

static bool match_header(struct walk *w, const struct condition *c)
{
    const struct http_head *head = w->in->head;
    for (size_t i = 0; i < head->field_count; i++) {
        if (str_eq(head->fields[i].name, str_c(c->key)) &&
            match_value(w, c, head->fields[i].value)) {
            return true;
        }
    }
    return false;
}

static bool match_cookie(struct walk *w, const struct condition *c)
{
    const struct http_head *head = w->in->head;
    for (size_t i = 0; i < head->field_count; i++) {
        struct str rest = head->fields[i].value;
        if (!str_eq(head->fields[i].name, STR("cookie"))) {
            continue;
        }
        while (rest.data && rest.len > 0) {
            struct str value = str_trim(str_cut(&rest, ';'));
            struct str name = str_cut(&value, '=');
            if (str_eq(name, str_c(c->key)) && match_value(w, c, value)) {
                return true;
            }
        }
    }
    return false;
}

static bool match_query(struct walk *w, const struct condition *c)
{
    struct str rest = w->query;
    while (rest.data && rest.len > 0) {
        struct str value = str_cut(&rest, '&');
        struct str name = str_cut(&value, '=');
        if (str_eq(name, str_c(c->key)) && match_value(w, c, value)) {
            return true;
        }
    }
    return false;
}

static bool match_condition(struct walk *w, const struct condition *c)
{
    switch (c->type) {
    case CONDITION_HEADER:
        return match_header(w, c);
    case CONDITION_COOKIE:
        return match_cookie(w, c);
    case CONDITION_QUERY:
        return match_query(w, c);
    case CONDITION_HOST:
        return match_value(w, c, http_host_without_port(w->in->head->host));
    }
    return false;
}

static bool is_skipped(const struct walk *w, const struct route *route)
{
    struct str rest = w->in->via;
    while (route->has_function && rest.len > 0) {
        if (str_eq(str_cut(&rest, ','), str_c(w->router->functions[route->function]->name))) {
            return true;
        }
    }
    return false;
}

static bool match_route(struct walk *w, const struct route *route)
{
    if (is_skipped(w, route) || !match_src(w, route) || !match_method(w, route)) {
        return false;
    }
    if (route->host) {
        /* The captures of the path are kept as views already, so the match data may be used
         * again. */
        struct str host = http_host_without_port(w->in->head->host);
        if (match(w, route->host, host, PCRE2_ANCHORED | PCRE2_ENDANCHORED) < 0) {
            return false;
        }
        capture_named(w, route->host, host);
    }
    for (size_t i = 0; i < route->condition_count; i++) {
        if (match_condition(w, &route->conditions[i]) != route->conditions[i].wanted) {
            return false;
        }
    }
    return true;
}

static struct str capture_number(const struct walk *w, unsigned number)
{
    for (size_t i = 0; i < w->capture_count; i++) {
        if (w->captures[i].name.len == 0 && w->captures[i].number == number) {
            return w->captures[i].value;
        }
    }
    return str_of("", 0);
}

static bool is_name_byte(char c)
{
    return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || c == '_';
}

static bool capture_named_find(const struct walk *w, struct str name, size_t *ret_used,
                               struct str *ret_value)
{
    for (size_t i = 0; name.len > 0 && i < w->capture_count; i++) {
        if (str_eq(w->captures[i].name, name)) {
            *ret_used = name.len;
            *ret_value = w->captures[i].value;
            return true;
        }
    }
    return false;
}

/* What follows a '$': sets how much of it is the name. False: it is a plain '$'. */
static bool capture_find(const struct walk *w, struct str rest, size_t *ret_used,
                         struct str *ret_value)
{
    size_t digits = 0, len = 0;
    unsigned number = 0;
    while (digits < rest.len && digits < 2 && rest.data[digits] >= '0' &&
           rest.data[digits] <= '9') {
        number = number * 10 + (unsigned)(rest.data[digits++] - '0');
    }
    if (digits > 0) {
        *ret_used = digits;
        *ret_value = capture_number(w, number);
        return true;
    }
    while (len < rest.len && is_name_byte(rest.data[len])) {
        len++;
    }
    size_t dashed = len; /* a header's name; of no other is a dash a part */
    while (dashed < rest.len && (is_name_byte(rest.data[dashed]) || rest.data[dashed] == '-')) {
        dashed++;
    }
    return capture_named_find(w, str_of(rest.data, dashed), ret_used, ret_value) ||
           capture_named_find(w, str_of(rest.data, len), ret_used, ret_value);
}

static int substitute(const struct walk *w, const char *template, struct buf *out)
{
    struct str rest = str_c(template);
    int r = 0;
    while (r == 0 && rest.len > 0) {
        size_t plain = str_find(rest, '$');
        r = buf_append(out, str_of(rest.data, plain));
        rest = str_skip(rest, plain);
        if (r < 0 || rest.len == 0) {
            break;
        }
        size_t used = 0;
        struct str value;
        if (capture_find(w, str_skip(rest, 1), &used, &value)) {
            r = buf_append(out, value);
        } else {
            r = buf_append(out, STR("$"));
        }
        rest = str_skip(rest, used + 1);
    }
    return r;
}

/* On Vercel a rule's header takes the place of an earlier rule's. */
static void add_headers(struct walk *w, const struct route *route)
{
    struct buf *out = &w->answer->headers;
    for (size_t i = 0; i < route->header_count; i++) {
        if (route->dialect == DIALECT_VERCEL) {
            http_block_remove(out, str_c(route->headers[i].name));
        }
        size_t before = out->len;
        if (substitute(w, route->headers[i].name, out) < 0 || buf_append(out, STR("\0")) < 0 ||
            substitute(w, route->headers[i].value, out) < 0 || buf_append(out, STR("\0")) < 0) {
            out->len = before; /* too large altogether: without this one */
        }
    }
}

/* Appends the request's query behind what `out` has. On Vercel it takes the place of what the
 * destination says of the same names. */
static int add_query(struct walk *w, const struct route *route, struct buf *out)
{
    struct buf *joined = &w->answer->location; /* of no use yet */
    struct str place = buf_str(out), own = STR("");
    const char *separator = "?";
    size_t mark = str_find(place, '?');
    if (w->query.len == 0) {
        return 0;
    }
    if (mark < place.len) {
        own = str_skip(place, mark + 1);
        place.len = mark;
    }
    buf_clear(joined);
    int r = buf_append(joined, place);
    struct str replaced = route->dialect == DIALECT_VERCEL ? w->query : STR("");
    r = r == 0 ? route_query_append(joined, own, replaced, &separator) : r;
    r = r == 0 ? route_query_append(joined, w->query, STR(""), &separator) : r;
    struct buf before = *out;
    *out = *joined;
    *joined = before;
    return r;
}

/* What the function is to make of the query is not the client's to say. */
static void narrow(struct walk *w, const struct route *route)
{
    struct buf *out = &w->answer->spare;
    const char *separator = "?";
    buf_clear(out);
    if (buf_append(out, w->path) < 0 ||
        route_query_append(out, w->query, str_c(route->without), &separator) < 0) {
        return; /* shorter than what it was: cannot be */
    }
    struct buf before = w->answer->rewritten;
    w->answer->rewritten = *out;
    w->answer->spare = before;
    split_target(w, buf_str(&w->answer->rewritten));
}

/* The request's path and query become `dest`. */
static bool rewrite(struct walk *w, const struct route *route)
{
    struct buf *out = &w->answer->spare;
    buf_clear(out);
    if (++w->rewrites > REWRITES_MAX || substitute(w, route->dest, out) < 0 ||
        add_query(w, route, out) < 0 || out->len == 0 || out->data[0] != '/' ||
        !http_is_field_value(buf_str(out)) || str_find(buf_str(out), ' ') < out->len) {
        return false;
    }
    struct buf before = w->answer->rewritten;
    w->answer->rewritten = *out;
    w->answer->spare = before;
    split_target(w, buf_str(&w->answer->rewritten));
    return true;
}

/* The request's query goes along with a redirect. Where the location has one, Next.js joins both
 * and the location's counts; otherwise it stays as it is. */
static int add_location_query(struct walk *w, const struct route *route)
{
    struct buf *location = &w->answer->location, *out = &w->answer->spare;
    struct str place = buf_str(location), fragment, query = STR("");
    const char *separator = "?";
    fragment = str_skip(place, str_find(place, '#'));
    place.len -= fragment.len;
    size_t mark = str_find(place, '?');
    if (w->query.len == 0 || (mark < place.len && route->dialect != DIALECT_NEXT)) {
        return 0;
    }
    if (mark < place.len) {
        query = str_skip(place, mark + 1);
        place.len = mark;
    }
    buf_clear(out);
    int r = buf_append(out, place);
    r = r == 0 ? route_query_append(out, w->query, query, &separator) : r;
    if (r == 0 && query.len > 0) {
        r = buf_append(out, str_c(separator));
        r = r == 0 ? buf_append(out, query) : r;
    }
    r = r == 0 ? buf_append(out, fragment) : r;
    struct buf before = *location;
    *location = *out;
    *out = before;
    return r;
}

static bool redirect(struct walk *w, const struct route *route)
{
    struct buf *out = &w->answer->location;
    buf_clear(out);
    if (substitute(w, route->location, out) < 0 || !http_is_field_value(buf_str(out))) {
        return false;
    }
    if (add_location_query(w, route) < 0) {
        return false;
    }
    w->answer->kind = ROUTE_REDIRECT;
    w->answer->status = route->status >= 300 && route->status <= 399 ? route->status : 307;
    return true;
}

static void answer_function(struct walk *w, const struct route *route)
{
    struct buf *out = &w->answer->params;
    w->answer->kind = ROUTE_FUNCTION;
    w->answer->function = route->function;
    w->answer->endpoint = route->endpoint;
    for (size_t i = 0; i < route->param_count; i++) {
        struct str value = capture_number(w, (unsigned)i + 1);
        if (buf_append(out, str_c(route->params[i])) < 0 || buf_append(out, STR("\0")) < 0 ||
            buf_append(out, value) < 0 || buf_append(out, STR("\0")) < 0) {
            return; /* longer than any path: cannot be */
        }
    }
}

static bool answer_static(struct walk *w, const struct route *route)
{
    bool reads = str_eq(w->in->method, STR("GET")) || str_eq(w->in->method, STR("HEAD"));
    struct str path = w->path;
    if (route->suffix) {
        struct buf *out = &w->answer->spare;
        buf_clear(out);
        path.len -= path.len > 1 && path.data[path.len - 1] == '/'; /* /about/ is about.html, too */
        if (buf_append(out, path) < 0 || buf_append(out, str_c(route->suffix)) < 0) {
            return false;
        }
        path = buf_str(out);
    }
    if (!reads ||
        !static_files_find(w->router->roots, w->router->root_count, path, &w->answer->file)) {
        return false;
    }
    w->answer->kind = ROUTE_STATIC;
    w->answer->status = route->status;
    return true;
}

/* True: the walk ends here. */
static bool apply(struct walk *w, const struct route *route, size_t index)
{
    add_headers(w, route);
    if (route->without && w->query.len > 0) {
        narrow(w, route);
    }
    if (route->location) {
        return redirect(w, route);
    }
    if (route->dest && rewrite(w, route)) {
        walk_from(w, route->check && w->router->filesystem < w->router->route_count
                         ? w->router->filesystem
                         : index + 1);
        if (!route->has_function && !route->is_static) {
            return false;
        }
    } else if (route->check && !route->dest && index < w->router->filesystem) {
        walk_from(w, w->router->filesystem);
        return false;
    }
    if (route->is_static && answer_static(w, route)) {
        return true;
    }
    if (route->has_function) {
        answer_function(w, route);
        return true;
    }
    if (route->is_control) {
        w->answer->kind = ROUTE_CONTROL;
        return true;
    }
    if (route->status > 0 && !route->goes_on && !route->dest && !route->is_static) {
        w->answer->kind = ROUTE_STATUS;
        w->answer->status = route->status;
        return true;
    }
    return false;
}

/* What routes add to the answer without answering, up to `end`. */
static void add_headers_until(struct walk *w, size_t end)
{
    size_t index;
    while ((index = walk_next(w)) < end) {
        const struct route *route = &w->router->routes[index];
        bool passes = !route->location && !route->dest && !route->is_static &&
                      !route->has_function && (route->status == 0 || route->goes_on);
        if (passes && route->header_count > 0 && match_route(w, route)) {
            add_headers(w, route);
        }
    }
}

void router_find(const struct router *r, const struct route_input *in, struct route_answer *ret)
{
    struct walk w;
    w.router = r;
    w.in = in;
    w.answer = ret;
    w.rewrites = 0;
    route_answer_reset(ret);
    size_t begin = index_after(r, in->after);
    if (begin > 0 && in->before.len > 0) {
        split_target(&w, in->before);
        walk_from(&w, 0);
        add_headers_until(&w, begin);
    }
    split_target(&w, in->target);
    walk_from(&w, begin);
    if (r->route_count > 0) {
        ret->dialect = r->routes[r->route_count - 1].dialect;
    }
    for (;;) {
        size_t index = walk_next(&w);
        if (index >= r->route_count) {
            return;
        }
        const struct route *route = &r->routes[index];
        if (match_route(&w, route) && apply(&w, route, index)) {
            ret->dialect = route->dialect;
            return;
        }
    }
}
