/* The router says who answers: a path, a host and a head in, a function, file, redirect or status
 * out. doc/manifest.md has the rules.
 *
 * Built whole from one build's manifest and swapped between two turns of the loop; counted, because
 * answers point into it while requests are in flight. Loop thread only.
 *
 * SPDX-License-Identifier: Apache-2.0 */
#pragma once

#define PCRE2_CODE_UNIT_WIDTH 8
#include <pcre2.h>

#include "base/buf.h"
#include "base/err.h"
#include "gateway/dialect.h"
#include "gateway/static_files.h"
#include "http/http_head.h"

enum condition_type { CONDITION_HEADER, CONDITION_COOKIE, CONDITION_QUERY, CONDITION_HOST };

struct condition {
    enum condition_type type;
    bool wanted;         /* false: must be missing */
    char *key;           /* owned, as all here; NULL for host */
    pcre2_code *pattern; /* NULL: being there is enough */
};

/* Templates: $1, $name. */
struct route_header {
    char *name;
    char *value;
};

struct route {
    char *path;       /* literal; NULL: src, or any path */
    pcre2_code *src;  /* NULL: path, or any path */
    pcre2_code *host; /* NULL: any */
    char **methods;   /* NULL: any */
    size_t method_count;
    struct condition *conditions;
    size_t condition_count;
    struct route_header *headers;
    size_t header_count;
    char *location; /* template */
    char *dest;     /* template */
    char *label;
    char *suffix; /* of is_static: the file's name is the path with this behind it; NULL: nothing */
    char *without; /* names that leave the query, as "a&b"; NULL: none */
    char **params;
    size_t param_count;
    uint32_t function; /* index into the manifest's functions */
    uint32_t endpoint;
    unsigned status; /* 0: none */
    enum dialect dialect;
    bool has_function;
    bool is_static;
    bool is_control; /* control answers */
    bool check;
    bool goes_on;
};

struct router {
    struct route *routes;
    size_t route_count;
    size_t filesystem;           /* index of the first entry with that label; route_count: none */
    struct function **functions; /* by the manifest's index; set by whoever loads the build */
    size_t function_count;
    struct static_root *roots;
    size_t root_count;
    uint64_t build;
    size_t references;

    /* Made by router_index(). */
    uint32_t *buckets; /* literal paths: first route of the chain + 1 */
    uint32_t *chain;   /* next route with the same bucket + 1, ascending */
    size_t bucket_count;
    uint32_t *others; /* routes that are not literal, ascending */
    size_t other_count;
    pcre2_match_data *match;
    pcre2_match_context *context;
};

struct route_input {
    struct str method;
    struct str target; /* path and query */
    const struct http_head *head;
    struct str via; /* "a,b": names of functions whose routes are skipped */
    /* The walk begins behind the last route of this function, which the request has been through;
     * empty: at the top. Headers that are given before that are those for the path as it was. */
    struct str after;
    struct str before; /* path and query as they were */
};

enum route_kind {
    ROUTE_NONE,
    ROUTE_FUNCTION,
    ROUTE_STATIC,
    ROUTE_REDIRECT,
    ROUTE_STATUS,
    ROUTE_CONTROL
};

/* Who answers. Made once a request slot with route_answer_init and used again for each request;
 * the texts live until the next call. */
struct route_answer {
    enum route_kind kind;
    uint32_t function;
    uint32_t endpoint;
    unsigned status; /* of a redirect or a status; of a file, 0: as it turns out */
    enum dialect dialect;
    struct str target;    /* after rewrites; the input's when there were none */
    struct buf rewritten; /* holds it when there were some */
    struct buf spare;
    struct buf params;       /* "name\0value\0..." as the runtime takes them */
    struct buf headers;      /* "name\0value\0..." to add to the answer */
    struct buf location;     /* of a redirect */
    struct static_file file; /* open when kind is ROUTE_STATIC: the caller's to close */
};

struct router *router_create(void);
struct router *router_ref(struct router *r);
void router_unref(struct router *r); /* NULL is fine */

/* After the routes are filled in: makes them fast to search. */
void router_index(struct router *r);

void route_answer_init(struct route_answer *a);
void route_answer_reset(struct route_answer *a); /* keeps small buffers */
void route_answer_finish(struct route_answer *a);

/* Walks the routes. Never fails: what cannot be matched is not matched. */
void router_find(const struct router *r, const struct route_input *in, struct route_answer *ret);

/* Compiles a pattern with just-in-time code. Fails with EINVAL and says where. */
int router_compile(struct str pattern, uint32_t options, pcre2_code **ret,
                   struct err *err) MUST_USE;
