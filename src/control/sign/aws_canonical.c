/* SPDX-License-Identifier: Apache-2.0 */
#include "control/sign/aws_canonical.h"

#include <stdlib.h>

#include "base/limits.h"
#include "base/mem.h"
#include "control/sign/aws_uri.h"
#include "http/http_block.h"

#define FIELDS_MAX (LIMIT_REQUEST_HEADERS + LIMIT_INNER_HEADERS)

/* S3 takes paths as they are, the other services escape what is already escaped. Both are brought
 * into one form, since clients differ in what they leave unescaped. A plus is a blank to S3, in
 * paths, too (the CanonicalRequest that its refusals show has %20 for it). */
static int put_path(struct buf *out, struct str path, bool as_it_is)
{
    struct buf plain;
    buf_init(&plain, path.len);
    int r =
        as_it_is ? aws_uri_decode(&plain, path, AWS_URI_PLUS_IS_SPACE) : buf_append(&plain, path);
    r = r < 0 ? r : aws_uri_encode(out, buf_str(&plain), '/');
    buf_finish(&plain);
    return r;
}

struct pair {
    struct str name, value;
};

static int compare_pairs(const void *a, const void *b)
{
    const struct pair *x = a, *y = b;
    int order = str_compare(x->name, y->name);
    return order != 0 ? order : str_compare(x->value, y->value);
}

static int normalize(struct buf *memory, struct str text, struct str *ret)
{
    struct buf plain;
    size_t before = memory->len;
    buf_init(&plain, text.len);
    int r = aws_uri_decode(&plain, text, AWS_URI_PLUS_IS_SPACE);
    r = r < 0 ? r : aws_uri_encode(memory, buf_str(&plain), 0);
    buf_finish(&plain);
    *ret = str_of(memory->data + before, memory->len - before);
    return r;
}

static size_t count_pairs(struct str query)
{
    struct str name, value;
    size_t count = 0;
    while (aws_query_next(&query, &name, &value)) {
        count++;
    }
    return count;
}

/* The pairs of the query but the signature, normalized into `memory`, in order. */
static int sort_query(struct str query, struct buf *memory, struct pair *pairs, size_t *ret_count)
{
    struct str name, value;
    char *room;
    size_t count = 0;
    int r = buf_reserve(memory, 3 * query.len, &room); /* so that views into it stay */
    while (r == 0 && aws_query_next(&query, &name, &value)) {
        if (!str_eq(name, STR("X-Amz-Signature"))) {
            r = normalize(memory, name, &pairs[count].name);
            r = r < 0 ? r : normalize(memory, value, &pairs[count].value);
            count++;
        }
    }
    if (r == 0) {
        qsort(pairs, count, sizeof(*pairs), compare_pairs);
    }
    *ret_count = count;
    return r;
}

static int put_query(struct buf *out, struct str query)
{
    struct buf memory;
    size_t count = count_pairs(query);
    if (count == 0) {
        return 0;
    }
    scoped_free struct pair *pairs = mem_alloc(count * sizeof(*pairs));
    buf_init(&memory, 3 * query.len);
    int r = sort_query(query, &memory, pairs, &count);
    for (size_t i = 0; r == 0 && i < count; i++) {
        r = i > 0 ? buf_append(out, STR("&")) : 0;
        r = r < 0 ? r : buf_append(out, pairs[i].name);
        r = r < 0 ? r : buf_append(out, STR("="));
        r = r < 0 ? r : buf_append(out, pairs[i].value);
    }
    buf_finish(&memory);
    return r;
}

/* Trimmed, and with one blank for several. */
static int put_value(struct buf *out, struct str value)
{
    char *at;
    value = str_trim(value);
    int r = buf_reserve(out, value.len, &at);
    for (size_t i = 0; r == 0 && i < value.len; i++) {
        if (value.data[i] != ' ' || value.data[i - 1] != ' ') {
            *at++ = value.data[i];
            out->len++;
        }
    }
    return r;
}

struct fields {
    struct http_block_field list[FIELDS_MAX];
    size_t count;
};

/* All of one name, in their order, with commas between. */
static int put_values(struct buf *out, const struct fields *fields, struct str name)
{
    bool first = true;
    int r = 0;
    for (size_t i = 0; r == 0 && i < fields->count; i++) {
        if (str_eq(fields->list[i].name, name)) {
            r = first ? 0 : buf_append(out, STR(","));
            r = r < 0 ? r : put_value(out, fields->list[i].value);
            first = false;
        }
    }
    return r;
}

static int put_from_query(struct buf *out, struct str target, struct str wanted)
{
    struct str path, query, name, value;
    struct buf decoded;
    int r = 0;
    bool is_found = false;
    aws_target_split(target, &path, &query);
    buf_init(&decoded, query.len);
    while (!is_found && aws_query_next(&query, &name, &value)) {
        is_found = str_eq_nocase(name, wanted);
    }
    if (is_found) {
        r = aws_uri_decode(&decoded, value, AWS_URI_PLUS);
        r = r < 0 ? r : put_value(out, buf_str(&decoded));
    }
    buf_finish(&decoded);
    return r;
}

static int put_signed(struct buf *out, const struct aws_sign_request *request,
                      const struct aws_canonical *form)
{
    struct fields fields;
    struct str names = form->signed_headers;
    int r = http_block_split(request->headers, FIELDS_MAX, fields.list, &fields.count);
    while (r == 0 && names.len > 0) {
        struct str name = str_cut(&names, ';');
        r = buf_append(out, name);
        r = r < 0 ? r : buf_append(out, STR(":"));
        bool is_in_query = form->fields_in_query && str_starts(name, STR("x-amz-")) &&
                           !http_block_find(request->headers, name).data;
        if (r == 0) {
            r = str_eq(name, STR("host")) ? put_value(out, request->host)
                : is_in_query             ? put_from_query(out, request->target, name)
                                          : put_values(out, &fields, name);
        }
        r = r < 0 ? r : buf_append(out, STR("\n"));
    }
    return r;
}

int aws_canonical_put(struct buf *out, const struct aws_sign_request *request,
                      const struct aws_canonical *form)
{
    struct str path, query;
    aws_target_split(request->target, &path, &query);
    int r = buf_append(out, request->method);
    r = r < 0 ? r : buf_append(out, STR("\n"));
    r = r < 0 ? r : put_path(out, path, form->path_as_is);
    r = r < 0 ? r : buf_append(out, STR("\n"));
    r = r < 0 ? r : put_query(out, query);
    r = r < 0 ? r : buf_append(out, STR("\n"));
    r = r < 0 ? r : put_signed(out, request, form);
    r = r < 0 ? r : buf_append(out, STR("\n"));
    r = r < 0 ? r : buf_append(out, form->signed_headers);
    r = r < 0 ? r : buf_append(out, STR("\n"));
    return r < 0 ? r : buf_append(out, form->content);
}
