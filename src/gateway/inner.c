/* SPDX-License-Identifier: Apache-2.0 */
#include "gateway/inner.h"

#include <openssl/crypto.h>
#include <stdio.h>

#include "gateway/gateway.h"
#include "gateway/request.h"

#define PREFIX "x-mayfly-"
#define TOKEN  PREFIX "token"
#define HOPS   PREFIX "proxy-hops" /* also of rewrites to other sites, which may lead back here */

/* Cloudflare: a worker cannot call itself or another worker more than 16 times. */
#define HOPS_MAX       16
#define NUMBER_DIGITS  20
#define RUNTIME_FIELDS 5

/* What the callee's runtime is told again. */
struct runtime_field {
    struct str name;
    struct str value;
};

static void runtime_fields(const struct inner *in, struct runtime_field ret[RUNTIME_FIELDS])
{
    ret[0] = (struct runtime_field){ STR(PREFIX "via"), in->via };
    ret[1] = (struct runtime_field){ STR(PREFIX "site"), in->site };
    ret[2] = (struct runtime_field){ STR(PREFIX "entrypoint"), in->entrypoint };
    ret[3] = (struct runtime_field){ STR(PREFIX "props"), in->props };
    ret[4] = (struct runtime_field){ STR(PREFIX "rpc"), in->rpc };
}

/* Takes as long for any two texts of the same length: tokens all have the same. */
static bool is_same(struct str a, struct str b)
{
    return a.len == b.len && CRYPTO_memcmp(a.data, b.data, a.len) == 0;
}

/* Retired functions too: their last requests are still in flight. */
static struct function *find_caller(const struct gateway *g, struct str token)
{
    struct function *found = NULL;
    for (struct list *item = g->functions.next; item != &g->functions; item = item->next) {
        struct function *f = list_entry(item, struct function, in_gateway);
        if (f->token && is_same(str_c(f->token), token)) {
            found = f;
        }
    }
    return found;
}

/* A counter that is no number counts nothing, as in runtime/js/dialects/proxy.js. */
static void read_hops(struct inner *in, struct str value)
{
    uint64_t hops;
    if (str_to_u64(value, &hops) && hops > in->hops) {
        in->hops = hops;
    }
}

static void read_said(struct http_head *head, struct inner *in, const struct http_field *f)
{
    const struct {
        struct str name;
        struct str *value;
    } said[] = {
        { STR(PREFIX "scheme"), &in->scheme },
        { STR(PREFIX "via"), &in->via },
        { STR(PREFIX "service"), &in->service },
        { STR(PREFIX "site"), &in->site },
        { STR(PREFIX "entrypoint"), &in->entrypoint },
        { STR(PREFIX "props"), &in->props },
        { STR(PREFIX "rpc"), &in->rpc },
        { STR(PREFIX "address"), &in->address },
        { STR(PREFIX "target"), &in->target },
        { STR(PREFIX "traceparent"), &in->trace },
    };
    if (str_eq(f->name, STR(PREFIX "control"))) {
        in->to_control = true;
    }
    if (str_eq(f->name, STR(PREFIX "host")) && http_is_host(f->value)) {
        head->host = f->value;
    }
    for (size_t i = 0; i < ARRAY_COUNT(said); i++) {
        if (str_eq(f->name, said[i].name)) {
            *said[i].value = f->value;
        }
    }
}

static void read_trusted(struct inner *in, const struct http_field *f)
{
    if (str_eq(f->name, STR(PREFIX "direct"))) {
        in->direct = true;
    } else if (str_eq(f->name, STR(PREFIX "aws"))) {
        in->to_aws = true;
    } else if (str_eq(f->name, STR(PREFIX "service"))) {
        in->service = f->value;
    } else if (str_eq(f->name, STR(PREFIX "event"))) {
        in->event = f->value;
    } else if (str_eq(f->name, STR(PREFIX "request-id"))) {
        in->request_id = f->value;
    } else if (str_eq(f->name, STR(PREFIX "delivery"))) {
        in->delivery = f->value;
    } else if (str_eq(f->name, STR(PREFIX "timeout-ms"))) {
        (void)!str_to_u64(f->value, &in->timeout_ms); /* ours */
    }
}

void inner_read(const struct gateway *g, bool trusted, struct http_head *head, struct inner *ret)
{
    struct http_field ours[ARRAY_COUNT(head->fields)];
    size_t ours_count = 0, kept = 0;
    *ret = (struct inner){ .trusted = trusted };
    for (size_t i = 0; i < head->field_count; i++) {
        const struct http_field *f = &head->fields[i];
        if (str_starts(f->name, STR(PREFIX))) {
            ours[ours_count++] = *f;
        } else if (kept++ < i) {
            head->fields[kept - 1] = *f;
        }
    }
    head->field_count = kept;
    for (size_t i = 0; i < ours_count; i++) {
        if (str_eq(ours[i].name, STR(TOKEN))) {
            ret->caller = find_caller(g, ours[i].value);
        } else if (str_eq(ours[i].name, STR(HOPS))) {
            read_hops(ret, ours[i].value);
        }
    }
    for (size_t i = 0; ret->caller && i < ours_count; i++) {
        read_said(head, ret, &ours[i]);
    }
    for (size_t i = 0; trusted && i < ours_count; i++) {
        read_trusted(ret, &ours[i]);
    }
    if (!str_eq(ret->scheme, STR("https"))) {
        ret->scheme = STR("http");
    }
    if (!ret->service.data) {
        ret->entrypoint = ret->props = ret->rpc = (struct str){ 0 };
    }
}

/* A caller from outside, NULL, is bound to nothing. */
static bool is_bound(const struct function *caller, struct str service)
{
    for (size_t i = 0; caller && i < caller->service_count; i++) {
        if (str_eq(str_c(caller->services[i]), service)) {
            return true;
        }
    }
    return false;
}

unsigned inner_route(struct request *rq)
{
    struct str service = rq->inner.service;
    route_answer_reset(&rq->route);
    rq->route.dialect = rq->inner.caller ? rq->inner.caller->dialect : DIALECT_NONE;
    if (!rq->inner.trusted && !is_bound(rq->inner.caller, service)) {
        return 403;
    }
    for (size_t i = 0; i < rq->router->function_count; i++) {
        const struct function *f = rq->router->functions[i];
        if (str_eq(str_c(f->name), service)) {
            rq->route.kind = ROUTE_FUNCTION;
            rq->route.function = (uint32_t)i;
            rq->route.endpoint = 0;
            rq->route.dialect = f->dialect;
            rq->route.target = rq->head.target;
            return 0;
        }
    }
    return 404; /* the caller is of an earlier build */
}

struct str inner_through(const struct inner *in)
{
    bool passed = in->caller && in->caller->dialect == DIALECT_MIDDLEWARE;
    return passed ? str_c(in->caller->name) : STR("");
}

bool inner_loops(const struct inner *in)
{
    return in->hops > HOPS_MAX;
}

static char *put(char *at, struct str s)
{
    memcpy(at, s.data, s.len);
    at[s.len] = '\0';
    return at + s.len + 1;
}

/* Whose request it is that control gets: by name, since control may be a build ahead. */
static char *put_passed(const struct inner *in, char *at)
{
    if (in->passed) {
        at = put(put(at, STR(PREFIX "function")), str_c(in->passed->name));
    }
    if (in->passed_endpoint) {
        at = put(put(at, STR(PREFIX "endpoint")), str_c(in->passed_endpoint->name));
    }
    if (in->to_control) {
        at = put(put(at, STR(PREFIX "caller")), str_c(in->caller->name));
    }
    return at;
}

char *inner_put(const struct inner *in, enum dialect dialect, char *at)
{
    struct runtime_field fields[RUNTIME_FIELDS];
    bool passes_on = dialect == DIALECT_WORKER || dialect == DIALECT_MIDDLEWARE;
    if (in->hops > 0 && (passes_on || dialect == DIALECT_PROXY)) {
        char number[NUMBER_DIGITS + 1];
        int len = snprintf(number, sizeof(number), "%llu", (unsigned long long)in->hops);
        at = put(put(at, STR(HOPS)), str_of(number, (size_t)len));
    }
    if (dialect == DIALECT_CONTROL) {
        return put_passed(in, at);
    }
    if (in->event.data) {
        at = put(put(at, STR(PREFIX "event")), in->event);
    }
    if (!in->caller || !passes_on) {
        return at;
    }
    runtime_fields(in, fields);
    for (size_t i = 0; i < RUNTIME_FIELDS; i++) {
        if (fields[i].value.data) {
            at = put(put(at, fields[i].name), fields[i].value);
        }
    }
    return at;
}

size_t inner_bound(const struct inner *in)
{
    struct runtime_field fields[RUNTIME_FIELDS];
    size_t len = sizeof(HOPS) + NUMBER_DIGITS + 1;
    len += sizeof(PREFIX "event") + in->event.len + 1;
    len += in->passed ? sizeof(PREFIX "function") + strlen(in->passed->name) + 1 : 0;
    len +=
        in->passed_endpoint ? sizeof(PREFIX "endpoint") + strlen(in->passed_endpoint->name) + 1 : 0;
    len += in->to_control ? sizeof(PREFIX "caller") + strlen(in->caller->name) + 1 : 0;
    runtime_fields(in, fields);
    for (size_t i = 0; i < RUNTIME_FIELDS; i++) {
        len += fields[i].name.len + fields[i].value.len + 2;
    }
    return len;
}
