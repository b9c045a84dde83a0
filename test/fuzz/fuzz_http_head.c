/* Heads of requests: found at the same place whole and byte by byte, and what is let through holds
 * nothing that somebody behind us could read differently.
 *
 * SPDX-License-Identifier: Apache-2.0 */
#include <assert.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "http/http_head.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static int scan_by_bytes(struct str all, size_t *ret_blank)
{
    struct http_scan scan = { 0 };
    int r = 0;
    for (size_t len = 1; r == 0 && len <= all.len; len++) {
        r = http_head_scan(&scan, str_of(all.data, len));
    }
    *ret_blank = scan.blank;
    return r;
}

static void check_field(const struct http_field *f)
{
    assert(http_is_token(f->name));
    assert(http_is_field_value(f->value));
    for (size_t i = 0; i < f->name.len; i++) {
        assert(f->name.data[i] < 'A' || f->name.data[i] > 'Z');
    }
}

static void check_head(const struct http_head *head)
{
    unsigned lengths = 0, codings = 0, hosts = 0;
    assert(http_is_token(head->method));
    assert(head->target.data[0] == '/' || str_eq(head->target, STR("*")));
    for (size_t i = 0; i < head->target.len; i++) {
        assert(head->target.data[i] > 0x20 && head->target.data[i] < 0x7f);
    }
    assert(str_find(head->target, ' ') == head->target.len);
    assert(str_find(head->target, '#') == head->target.len);
    for (size_t i = 0; i < head->field_count; i++) {
        const struct http_field *f = &head->fields[i];
        check_field(f);
        lengths += str_eq(f->name, STR("content-length"));
        codings += str_eq(f->name, STR("transfer-encoding"));
        hosts += str_eq(f->name, STR("host"));
        assert(f->hop || !str_eq(f->name, STR("transfer-encoding")));
    }
    assert(lengths == head->has_length && codings == head->chunked && lengths + codings <= 1);
    assert(hosts == 1 || (hosts == 0 && head->minor == 0));
    assert(head->host.len == 0 ? head->minor == 0 : http_is_host(head->host));
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct str all = str_of((const char *)data, size);
    struct http_scan scan = { 0 };
    struct http_head head;
    size_t blank;
    int whole = size > 0 ? http_head_scan(&scan, all) : 0;
    int bytes = scan_by_bytes(all, &blank);
    assert((whole > 0) == (bytes > 0));
    assert(whole <= 0 || (whole == bytes && scan.blank == blank));
    if (whole > 0) {
        size_t len = (size_t)whole - blank;
        char *copy = malloc(len);
        memcpy(copy, data + blank, len);
        if (http_head_parse(copy, len, &head) == 0) {
            check_head(&head);
        }
        free(copy);
    }
    return 0;
}
