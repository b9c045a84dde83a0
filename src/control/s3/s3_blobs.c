/* SPDX-License-Identifier: Apache-2.0 */
#include "control/s3/s3_blobs.h"

#include <jansson.h>

#include "base/mem.h"
#include "control/s3/operations/s3_list.h"
#include "control/s3/s3_dispatch.h"
#include "control/s3/s3_name.h"
#include "control/sign/aws_digest.h"
#include "control/sign/aws_uri.h"
#include "control/text/json_write.h"
#include "http/http_block.h"

#define BEARER STR("bearer ")

/* ---- who ---- */

bool s3_blobs_is(const struct exchange *x)
{
    struct str authorization = http_block_find(x->headers, STR("authorization"));
    return authorization.len > BEARER.len &&
           str_eq_nocase(str_of(authorization.data, BEARER.len), BEARER);
}

/* The token is "KEY.SECRET". Users of mayfly.json have buckets of their own, and no stores. */
static bool authenticate(struct s3_request *rq)
{
    struct str secret = str_skip(http_block_find(rq->x->headers, STR("authorization")), BEARER.len);
    struct str key = str_cut(&secret, '.');
    const struct aws_user *user = aws_users_find(rq->s3->services->users, key);
    if (!user || user->kind == AWS_USER_PROJECT || !aws_equal(secret, user->secret)) {
        return false;
    }
    rq->who.user = user;
    return true;
}

/* Its clients look at the status alone. */
static void fail(struct s3_request *rq, unsigned status, const char *code, const char *text)
{
    (void)code, (void)text;
    /* A condition on what is not there; the client takes any other status for success. */
    bool writes = str_eq(rq->x->method, STR("PUT"));
    s3_answer(rq, writes && status == 404 && rq->bucket ? 412 : status);
}

/* ---- what ---- */

enum level { LEVEL_NONE, LEVEL_SITE, LEVEL_STORE, LEVEL_BLOB };

/* The next part of a path, empty behind the last. */
static struct str take_part(struct str *rest)
{
    return rest->data ? str_cut(rest, '/') : STR("");
}

/* Makes "SITE/STORE/KEY" rq->key. Of a site or a store it ends in a slash. */
static enum level read_path(struct s3_request *rq, struct str path)
{
    path = str_skip(path, 1);
    if (str_starts(path, STR("region:"))) {
        (void)take_part(&path);
        path = path.data ? path : STR("");
    }
    struct str rest = path, site = take_part(&rest), store = take_part(&rest);
    enum level level = site.len == 0    ? LEVEL_NONE
                       : store.len == 0 ? LEVEL_SITE
                       : rest.len == 0  ? LEVEL_STORE
                                        : LEVEL_BLOB;
    size_t used = (size_t)(level == LEVEL_BLOB    ? path.len
                           : level == LEVEL_STORE ? (size_t)(store.data - path.data) + store.len
                                                  : site.len);
    if (level == LEVEL_NONE ||
        aws_uri_decode(&rq->target, str_of(path.data, used), AWS_URI_PLUS) < 0 ||
        (level != LEVEL_BLOB && buf_append(&rq->target, STR("/")) < 0)) {
        return LEVEL_NONE;
    }
    rq->key = buf_str(&rq->target);
    return s3_name_is_utf8(rq->key) ? level : LEVEL_NONE;
}

static enum level read_target(struct s3_request *rq)
{
    struct str path, query;
    char *room;
    aws_target_split(rq->x->target, &path, &query);
    buf_init(&rq->target, rq->x->target.len + 2);
    if (path.len == 0 || path.data[0] != '/' ||
        buf_reserve(&rq->target, rq->target.limit, &room) < 0) {
        return LEVEL_NONE;
    }
    enum level level = read_path(rq, path);
    /* S3's own parameters mean nothing here. */
    return level == LEVEL_BLOB || s3_read_params(rq, query) ? level : LEVEL_NONE;
}

static void answer_json(struct s3_request *rq, json_t *json)
{
    char *dump = json_write(json);
    json_decref(json);
    if (!dump || buf_append(&rq->body, str_c(dump)) < 0) {
        s3_fail(rq, S3_INTERNAL);
    } else {
        s3_put_header(rq, "content-type", STR("application/json"));
        s3_answer(rq, 200);
    }
    free(dump);
}

/* ---- lists ---- */

struct listing {
    struct s3_list_walk walk;
    struct s3_list_query query;
    size_t base; /* of rq->key: what all keys begin with and nobody is told */
    json_t *blobs, *folders;
    struct buf prefix, after;
};

static json_t *told(const struct listing *l, struct str key)
{
    key = str_skip(key, l->base);
    return json_stringn(key.data, key.len);
}

static void list_blob(struct s3_list_walk *w, const struct stored_object *o, bool is_latest)
{
    struct listing *l = container_of(w, struct listing, walk);
    (void)is_latest;
    json_t *etag = json_sprintf("\"" STR_FMT "\"", STR_ARG(o->etag));
    (void)json_array_append_new(l->blobs,
                                json_pack("{s:o,s:o}", "etag", etag, "key", told(l, o->key)));
}

static void list_folder(struct s3_list_walk *w, struct str prefix)
{
    struct listing *l = container_of(w, struct listing, walk);
    prefix.len--; /* its slash */
    (void)json_array_append_new(l->folders, told(l, prefix));
}

/* Walks what is below rq->key and `prefix`, behind `cursor`. */
static void walk(struct s3_request *rq, struct listing *l, bool folders)
{
    struct str prefix = s3_param(rq, "prefix"), cursor = s3_param(rq, "cursor");
    *l = (struct listing){ .walk = { .object = list_blob, .common = list_folder },
                           .base = rq->key.len,
                           .blobs = json_array(),
                           .folders = json_array() };
    buf_init(&l->prefix, LIMIT_REQUEST_HEAD_BYTES);
    buf_init(&l->after, LIMIT_REQUEST_HEAD_BYTES);
    /* Both are parts of the target, and fit. */
    (void)!(buf_append(&l->prefix, rq->key) == 0 && buf_append(&l->prefix, prefix) == 0);
    if (cursor.len > 0) {
        (void)!(buf_append(&l->after, rq->key) == 0 && buf_append(&l->after, cursor) == 0);
    }
    l->query = (struct s3_list_query){ .prefix = buf_str(&l->prefix),
                                       .delimiter = folders ? STR("/") : STR(""),
                                       .after = buf_str(&l->after),
                                       .most = S3_LIST_MAX };
    l->walk.query = &l->query;
    (void)s3_list_walk(rq, &l->walk); /* in one go: each row is told, there are no markers */
}

static void listing_finish(struct listing *l)
{
    json_decref(l->blobs);
    json_decref(l->folders);
    buf_finish(&l->prefix);
    buf_finish(&l->after);
    buf_finish(&l->walk.last);
}

static void list_blobs(struct s3_request *rq)
{
    struct listing l;
    walk(rq, &l, str_eq(s3_param(rq, "directories"), STR("true")));
    json_t *page = json_pack("{s:O,s:O}", "blobs", l.blobs, "directories", l.folders);
    if (l.walk.truncated) {
        (void)json_object_set_new(page, "next_cursor", told(&l, buf_str(&l.walk.last)));
    }
    listing_finish(&l);
    answer_json(rq, page);
}

static void list_stores(struct s3_request *rq)
{
    struct listing l;
    walk(rq, &l, true);
    json_t *page = json_pack("{s:O}", "stores", l.folders);
    if (l.walk.truncated) {
        (void)json_object_set_new(page, "next_cursor", told(&l, buf_str(&l.walk.last)));
    }
    listing_finish(&l);
    answer_json(rq, page);
}

/* ---- a whole store ---- */

struct emptying {
    json_t *keys;
    bool more;
};

static void free_emptying(void *state)
{
    struct emptying *e = state;
    json_decref(e->keys);
    free(e);
}

static int run_emptying(struct s3_request *rq, struct sql *db)
{
    const struct emptying *e = rq->state;
    int r = 0;
    for (size_t i = 0; i < json_array_size(e->keys) && r >= 0; i++) {
        const json_t *key = json_object_get(json_array_get(e->keys, i), "key");
        struct buf whole;
        buf_init(&whole, LIMIT_REQUEST_HEAD_BYTES);
        r = buf_append(&whole, rq->key);
        r = r < 0 ? r : buf_append(&whole, str_of(json_string_value(key), json_string_length(key)));
        struct object_removal removal = { .bucket = rq->bucket->row.id,
                                          .key = buf_str(&whole),
                                          .version = { .which = VERSION_CURRENT },
                                          .owner = s3_owner(rq),
                                          .now_ms = rq->now_ms };
        r = r < 0 ? r : store_objects_remove(db, &removal);
        buf_finish(&whole);
    }
    return r;
}

static void emptied(struct s3_request *rq, int r)
{
    const struct emptying *e = rq->state;
    if (r < 0) {
        s3_fail(rq, s3_error_of(r));
        return;
    }
    store_contents_sweep(rq->s3->contents);
    answer_json(rq, json_pack("{s:I,s:b}", "blobs_deleted", (json_int_t)json_array_size(e->keys),
                              "has_more", e->more));
}

static void empty_store(struct s3_request *rq)
{
    struct listing l;
    walk(rq, &l, false);
    struct emptying *e = s3_state(rq, sizeof(*e), free_emptying);
    e->keys = json_incref(l.blobs);
    e->more = l.walk.truncated;
    listing_finish(&l);
    s3_submit(rq, run_emptying, emptied);
}

/* ---- */

void s3_blobs_begin(struct s3_request *rq)
{
    static const struct s3_front front = { .name = "REST", .fail = fail };
    rq->front = &front;
    rq->bucket_name = STR(S3_BLOBS_BUCKET);
    enum level level = read_target(rq);
    bool reads = str_eq(rq->x->method, STR("GET"));
    if (!authenticate(rq)) {
        s3_fail(rq, S3_ACCESS_DENIED);
    } else if (level == LEVEL_NONE) {
        s3_fail(rq, S3_INVALID_URI);
    } else if (level == LEVEL_BLOB) {
        s3_dispatch(rq);
    } else if (!(rq->bucket = s3_buckets_find(rq->s3->buckets, rq->bucket_name))) {
        s3_fail(rq, S3_NO_SUCH_BUCKET);
    } else if (reads) {
        (level == LEVEL_SITE ? list_stores : list_blobs)(rq);
    } else if (level == LEVEL_STORE && str_eq(rq->x->method, STR("DELETE"))) {
        empty_store(rq);
    } else {
        s3_fail(rq, S3_METHOD_NOT_ALLOWED);
    }
}
