/* The routes of a build: their memory and the index over them. Matching is router_match.c's.
 *
 * SPDX-License-Identifier: Apache-2.0 */
#include "gateway/router.h"

#include <errno.h>

#include "base/limits.h"
#include "base/mem.h"
#include "gateway/router_match.h"

/* Patterns come from the user's own configuration, paths from anybody: a pattern that explodes on a
 * path costs about a millisecond and does not match. */
#define MATCH_STEPS_MAX   100000
#define MATCH_HEAP_KIB    1024
#define PARAMS_BYTES_MAX  LIMIT_REQUEST_LINE_BYTES
#define HEADERS_BYTES_MAX LIMIT_RESPONSE_HEAD_BYTES
#define KEPT_BYTES        (4 * KIB) /* of a buffer, between requests */

struct router *router_create(void)
{
    struct router *r = mem_new(struct router);
    r->references = 1;
    return r;
}

struct router *router_ref(struct router *r)
{
    r->references++;
    return r;
}

static void free_texts(char **texts, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        free(texts[i]);
    }
    free(texts);
}

static void finish_route(struct route *route)
{
    free(route->path);
    pcre2_code_free(route->src);
    pcre2_code_free(route->host);
    free_texts(route->methods, route->method_count);
    free_texts(route->params, route->param_count);
    for (size_t i = 0; i < route->condition_count; i++) {
        free(route->conditions[i].key);
        pcre2_code_free(route->conditions[i].pattern);
    }
    free(route->conditions);
    for (size_t i = 0; i < route->header_count; i++) {
        free(route->headers[i].name);
        free(route->headers[i].value);
    }
    free(route->headers);
    free(route->location);
    free(route->dest);
    free(route->label);
    free(route->suffix);
    free(route->without);
}

void router_unref(struct router *r)
{
    if (!r || --r->references > 0) {
        return;
    }
    for (size_t i = 0; i < r->route_count; i++) {
        finish_route(&r->routes[i]);
    }
    for (size_t i = 0; i < r->root_count; i++) {
        static_root_close(&r->roots[i]);
    }
    free(r->routes);
    free(r->roots);
    free(r->functions);
    free(r->buckets);
    free(r->chain);
    free(r->others);
    pcre2_match_data_free(r->match);
    pcre2_match_context_free(r->context);
    free(r);
}

size_t router_bucket(const struct router *r, struct str path)
{
    uint64_t hash = 14695981039346656037U; /* FNV-1a: the keys are the user's own routes */
    for (size_t i = 0; i < path.len; i++) {
        hash = (hash ^ (unsigned char)path.data[i]) * 1099511628211U;
    }
    return (size_t)(hash & (r->bucket_count - 1));
}

void router_index(struct router *r)
{
    r->bucket_count = 16;
    while (r->bucket_count < r->route_count * 2) {
        r->bucket_count *= 2;
    }
    r->buckets = mem_alloc(r->bucket_count * sizeof(*r->buckets));
    r->chain = mem_alloc((r->route_count + 1) * sizeof(*r->chain));
    r->others = mem_alloc((r->route_count + 1) * sizeof(*r->others));
    r->filesystem = r->route_count;
    /* From the end, so that each chain ascends. */
    for (size_t i = r->route_count; i-- > 0;) {
        const struct route *route = &r->routes[i];
        if (route->label && str_eq(str_c(route->label), STR("filesystem"))) {
            r->filesystem = i;
        }
        if (route->path) {
            size_t bucket = router_bucket(r, str_c(route->path));
            r->chain[i] = r->buckets[bucket];
            r->buckets[bucket] = (uint32_t)i + 1;
        }
    }
    for (size_t i = 0; i < r->route_count; i++) {
        if (!r->routes[i].path) {
            r->others[r->other_count++] = (uint32_t)i;
        }
    }
    r->match = pcre2_match_data_create(ROUTER_CAPTURES_MAX, NULL);
    r->context = pcre2_match_context_create(NULL);
    if (!r->match || !r->context) {
        mem_fail();
    }
    (void)pcre2_set_match_limit(r->context, MATCH_STEPS_MAX); /* both always succeed */
    (void)pcre2_set_heap_limit(r->context, MATCH_HEAP_KIB);
}

void route_answer_init(struct route_answer *a)
{
    *a = (struct route_answer){ .file.fd = -1 };
    buf_init(&a->rewritten, LIMIT_REQUEST_LINE_BYTES);
    buf_init(&a->spare, LIMIT_REQUEST_LINE_BYTES);
    buf_init(&a->params, PARAMS_BYTES_MAX);
    buf_init(&a->headers, HEADERS_BYTES_MAX);
    buf_init(&a->location, LIMIT_REQUEST_LINE_BYTES);
}

static void clear(struct buf *b)
{
    if (b->capacity > KEPT_BYTES) {
        buf_finish(b);
    }
    buf_clear(b);
}

void route_answer_reset(struct route_answer *a)
{
    a->kind = ROUTE_NONE;
    a->dialect = DIALECT_NONE;
    a->status = 0;
    scope_close_fd(&a->file.fd);
    a->file.fd = -1;
    clear(&a->rewritten);
    clear(&a->spare);
    clear(&a->params);
    clear(&a->headers);
    clear(&a->location);
}

void route_answer_finish(struct route_answer *a)
{
    scope_close_fd(&a->file.fd);
    buf_finish(&a->rewritten);
    buf_finish(&a->spare);
    buf_finish(&a->params);
    buf_finish(&a->headers);
    buf_finish(&a->location);
    *a = (struct route_answer){ .file.fd = -1 };
}

int router_compile(struct str pattern, uint32_t options, pcre2_code **ret, struct err *err)
{
    int code;
    PCRE2_SIZE offset;
    pcre2_code *compiled =
        pcre2_compile((PCRE2_SPTR)pattern.data, pattern.len,
                      options | PCRE2_NEVER_UTF | PCRE2_NEVER_BACKSLASH_C, &code, &offset, NULL);
    if (!compiled) {
        char text[128];
        (void)pcre2_get_error_message(code, (PCRE2_UCHAR *)text, sizeof(text)); /* or truncated */
        return err_set(err, EINVAL, "pattern " STR_FMT ": %s at %zu", STR_ARG(pattern), text,
                       (size_t)offset);
    }
    (void)pcre2_jit_compile(compiled, PCRE2_JIT_COMPLETE); /* only slower when it cannot */
    *ret = compiled;
    return 0;
}
