/* Bytes from functions and clients on their way to people: a terminal sees no control characters,
 * the inside of a JSON string is one, lines are the same whole and byte by byte.
 *
 * SPDX-License-Identifier: Apache-2.0 */
#include <assert.h>
#include <jansson.h>
#include <stdint.h>

#include "base/limits.h"
#include "control/text/line_split.h"
#include "control/text/utf8.h"

#define LINE_MAX_BYTES 20

static void check_terminal(struct str s)
{
    struct buf b;
    buf_init(&b, MIB);
    if (utf8_append_terminal(&b, s, "    ", UTF8_COLOUR_DROP) == 0) {
        struct str left = buf_str(&b);
        while (left.len > 0) {
            uint32_t c;
            size_t len = utf8_next(left, &c);
            assert(c >= 0x20 || c == '\n' || c == '\t');
            assert(c < 0x7F || c >= 0xA0);
            assert(len > 1 || c < 0x80); /* sound UTF-8 only */
            left = str_skip(left, len);
        }
    }
    buf_finish(&b);
    /* With colours: an escape is the start of one, and the last ends them all. */
    if (utf8_append_terminal(&b, s, "", UTF8_COLOUR_KEEP) == 0) {
        for (size_t i = 0; i < b.len; i++) {
            assert(b.data[i] != '\x1b' || (i + 2 < b.len && b.data[i + 1] == '['));
        }
        bool coloured = b.len > 0 && memchr(b.data, '\x1b', b.len);
        assert(!coloured || (b.len >= 4 && memcmp(b.data + b.len - 4, "\x1b[0m", 4) == 0));
    }
    buf_finish(&b);
}

static void check_json(struct str s)
{
    struct buf b;
    buf_init(&b, MIB);
    if (buf_append(&b, STR("[\"")) == 0 && utf8_append_json(&b, s) == 0 &&
        buf_append(&b, STR("\"]")) == 0) {
        json_t *json = json_loadb(b.data, b.len, JSON_ALLOW_NUL, NULL);
        assert(json && json_array_size(json) == 1);
        assert(!memchr(b.data, '\n', b.len));
        json_decref(json);
    }
    buf_finish(&b);
}

struct lines {
    struct line_split split;
    struct buf seen;
};

static void take_line(struct line_split *split, struct str line, bool cut)
{
    struct lines *l = container_of(split, struct lines, split);
    assert(line.len <= LINE_MAX_BYTES);
    assert(!(line.len > 0 && memchr(line.data, '\n', line.len)));
    (void)!buf_append(&l->seen, line); /* ample */
    (void)!buf_append(&l->seen, cut ? STR("<cut>") : STR("<end>"));
}

static void split_in_steps(struct lines *l, struct str s, size_t step)
{
    buf_init(&l->seen, 16 * MIB);
    line_split_init(&l->split, LINE_MAX_BYTES, take_line);
    while (s.len > 0) {
        size_t len = s.len < step ? s.len : step;
        line_split_feed(&l->split, str_of(s.data, len));
        s = str_skip(s, len);
    }
    line_split_end(&l->split);
    line_split_finish(&l->split);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct str s = str_of((const char *)data, size);
    struct lines whole;
    struct lines bytes;
    check_terminal(s);
    check_json(s);
    split_in_steps(&whole, s, size + 1);
    split_in_steps(&bytes, s, 1);
    assert(str_eq(buf_str(&whole.seen), buf_str(&bytes.seen)));
    buf_finish(&whole.seen);
    buf_finish(&bytes.seen);
    return 0;
}
