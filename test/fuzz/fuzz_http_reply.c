/* Heads of responses from hostile functions: what is written is one head, with one framing, and
 * refusing writes nothing.
 *
 * SPDX-License-Identifier: Apache-2.0 */
#include <assert.h>
#include <stdint.h>
#include <string.h>

#include "base/limits.h"
#include "http/http_head.h"
#include "http/http_reply.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void check_lines(struct str head, const struct http_reply *reply)
{
    unsigned lengths = 0, codings = 0;
    assert(head.len > 4 && memcmp(head.data + head.len - 4, "\r\n\r\n", 4) == 0);
    struct str rest = str_of(head.data, head.len - 2);
    for (bool first = true; rest.len > 0; first = false) {
        struct str line = str_cut(&rest, '\n');
        assert(line.len > 1 && line.data[line.len - 1] == '\r');
        line.len--;
        assert(http_is_field_value(line));
        if (first) {
            assert(str_starts(line, STR("HTTP/1.1 ")));
            continue;
        }
        struct str name = str_cut(&line, ':');
        assert(http_is_token(name));
        lengths += str_eq_nocase(name, STR("content-length"));
        codings += str_eq_nocase(name, STR("transfer-encoding"));
    }
    assert(lengths + codings <= 1);
    assert((codings == 1) == (reply->framing == HTTP_FRAMING_CHUNKED));
    assert(reply->framing != HTTP_FRAMING_LENGTH || lengths == 1);
    assert(reply->status != 101 ||
           (reply->upgrade && !reply->keep_alive && lengths + codings == 0));
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct buf out;
    if (size < 4) {
        return 0;
    }
    struct str fields = str_of((const char *)data + 4, size - 4);
    struct http_reply reply = {
        .status = (unsigned)(data[0] | (data[1] & 3) << 8),
        .minor = data[2] & 1,
        .head = data[2] & 2,
        .capitals = data[1] & 16,
        .whole = data[2] & 4,
        .keep_alive = data[2] & 8,
        .body_length = data[3],
        .fields = fields,
        .defaults = data[2] & 16 ? fields : STR("x-frame-options\0DENY\0"),
        .defaults_win = data[2] & 32,
        .upgrade = data[2] & 64,
        .encoding = (data[1] >> 2) & 3,
        .date = STR("Sun, 06 Nov 1994 08:49:37 GMT"),
    };
    buf_init(&out, MIB);
    int r = http_reply_write(&out, &reply);
    if (r == 0) {
        check_lines(buf_str(&out), &reply);
    } else {
        assert(out.len == 0);
    }
    buf_finish(&out);
    return 0;
}
