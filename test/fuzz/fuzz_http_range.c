/* Conditions and ranges: whatever the fields say, the ranges lie in the resource and are no more
 * together than it. The input is two bytes of size, and fields.
 *
 * SPDX-License-Identifier: Apache-2.0 */
#include <assert.h>
#include <errno.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "http/http_range.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void check(const struct http_head *head, uint64_t size)
{
    struct http_resource resource = { STR("\"a\""), 784111777, size };
    struct http_range ranges[HTTP_RANGES_MAX];
    uint64_t total = 0;
    unsigned status = http_conditions(head, &resource);
    assert(status == 200 || status == 304 || status == 412);
    int count = http_ranges(head, &resource, ranges);
    assert(count == -ERANGE || (count >= 0 && count <= HTTP_RANGES_MAX));
    assert(count == 0 || size > 0);
    for (int i = 0; i < count; i++) {
        assert(ranges[i].first <= ranges[i].last && ranges[i].last < size);
        total += ranges[i].last - ranges[i].first + 1;
    }
    assert(total <= size);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static const char line[] = "GET / HTTP/1.1\r\nHost: a\r\n";
    struct http_scan scan = { 0 };
    struct http_head head;
    if (size < 2) {
        return 0;
    }
    size_t len = sizeof(line) - 1 + size - 2;
    char *text = malloc(len);
    memcpy(text, line, sizeof(line) - 1);
    memcpy(text + sizeof(line) - 1, data + 2, size - 2);
    int end = http_head_scan(&scan, str_of(text, len));
    if (end > 0 && http_head_parse(text, (size_t)end, &head) == 0) {
        check(&head, (uint64_t)data[0] << 8 | data[1]);
    }
    free(text);
    return 0;
}
