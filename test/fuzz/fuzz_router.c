/* Routes and a request: JSON, NUL, the request's head. Whatever the routes make of the request can
 * be sent on: no byte that ends a line or a field.
 *
 * SPDX-License-Identifier: Apache-2.0 */
#include <assert.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "gateway/routes_json.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void check_answer(const struct route_answer *a, const struct routes_file *file)
{
    assert(a->target.len > 0 && http_is_field_value(a->target));
    assert(a->kind != ROUTE_FUNCTION || a->function < file->function_count);
    assert(a->kind != ROUTE_REDIRECT || http_is_field_value(buf_str(&a->location)));
    assert(a->kind != ROUTE_REDIRECT || (a->status >= 300 && a->status <= 399));
    assert(a->params.len == 0 || a->params.data[a->params.len - 1] == '\0');
}

static void route(struct routes_file *file, struct str bytes)
{
    struct http_scan scan = { 0 };
    struct http_head head;
    int len = bytes.len > 0 ? http_head_scan(&scan, bytes) : 0;
    if (len <= 0) {
        return;
    }
    size_t size = (size_t)len - scan.blank;
    char *copy = malloc(size);
    memcpy(copy, bytes.data + scan.blank, size);
    if (http_head_parse(copy, size, &head) == 0) {
        struct route_input in = { .method = head.method, .target = head.target, .head = &head };
        struct route_answer answer;
        route_answer_init(&answer);
        router_find(file->router, &in, &answer);
        check_answer(&answer, file);
        route_answer_finish(&answer);
    }
    free(copy);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct str rest = str_of((const char *)data, size);
    struct str json = str_cut(&rest, '\0');
    struct routes_file file;
    struct err err = { 0 };
    if (routes_json_read(json, &file, &err) == 0) {
        route(&file, rest.data ? rest : STR("GET /a/b?c=d HTTP/1.0\r\nCookie: a=b\r\n\r\n"));
        routes_file_finish(&file);
    } else {
        assert(err.text[0] != '\0');
    }
    return 0;
}
